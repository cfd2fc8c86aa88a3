"""Multipliers, and weights of all energies, by a first-order method: deep programs."""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.budget import left, now
from deuterium.optimize.bounders.clusters.cluster_branching import gains
from deuterium.optimize.bounders.clusters.cluster_lagrangian import (
    ClusterLagrangian,
)
from deuterium.optimize.bounders.clusters.cluster_layout import ClusterLayout
from deuterium.optimize.bounders.clusters.cluster_options import (
    SAMPLES_MISS,
    SHARP_SMOOTHING,
    TRIAL_SHARE,
    TRIAL_STEPS,
)
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges
from deuterium.optimize.bounders.clusters.cluster_solver import (
    Schedule,
    chain_start,
    optimise,
)
from deuterium.optimize.bounders.clusters.energy_weights import (
    ProvedEnergy,
    proved_energy,
)
from deuterium.optimize.bounders.clusters.solution import Solution
from deuterium.optimize.bounders.clusters.solver_parameters import SolverParameters
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    CellTable,
    UnivariateFunctions,
)

# long on the whole domain, whose parameters all others start from
AT_ROOT = Schedule(2000, 1500, 0.1, (1.0, 0.01), 0.4)
SHALLOW = Schedule(0, 300, 0.1, (1.0, 0.01), 0.4)  # where parts find much, too
BRIEFLY = Schedule(0, 150, 0.1, (1.0, 0.03), 0.2)  # where another method follows
# short: they start from the whole's
IN_PARTS = Schedule(0, 50, 0.05, (0.05, 0.01), averages=(0.8, 0.95), careful=10)

# what a cut promises
ON_TRIAL = Schedule(0, TRIAL_STEPS, 0.05, (0.05, 0.01), averages=(0.8, 0.95), careful=5)


class DescentMethod:
    """Solves regions by Adam's method, from the chain of norms or from parents.

    Parameters
    ----------
    layout : ClusterLayout
    curves, tables : list of UnivariateFunctions, of CellTable
        Of each block.
    ranges : ClusterRanges
        Over the whole domain.
    logarithm : bool
        Whether a logarithm is bounded, of which differences count.
    at_root : Schedule
        For the whole domain.

    Attributes
    ----------
    start : ndarray of shape (1, k)
        What the first region remembers.
    other : ndarray of shape (1, k), or None
        Something else to start from in the whole domain, too.
    """

    batch = 16
    margin = 0.15  # of a side, that a cut keeps from its ends

    def __init__(
        self,
        layout: ClusterLayout,
        curves: list[UnivariateFunctions],
        tables: list[CellTable],
        ranges: ClusterRanges,
        logarithm: bool,
        at_root: Schedule = AT_ROOT,
    ) -> None:
        self.at_root = at_root
        self.other: Array | None = None
        self.layout, self.curves, self.tables = layout, curves, tables
        self.parameters = SolverParameters(layout, ranges)
        lagrangian = self.lagrangian(ranges)
        self.start = chain_start(lagrangian)
        value = lagrangian.value(self.start)
        self.scale = 1.0 if logarithm else max(abs(float(value[0])), 1e-300)

    def lagrangian(self, ranges: ClusterRanges) -> ClusterLagrangian:
        """Return the Lagrangian over a batch of regions."""
        return ClusterLagrangian(self.parameters, self.curves, self.tables, ranges)

    def __call__(self, ranges: ClusterRanges, state: Array, target: float) -> Solution:
        """Return good multipliers, and where to cut."""
        is_root = bool((state == self.start).all())
        schedule = self.at_root if is_root else IN_PARTS
        target = target - SAMPLES_MISS * self.scale
        lagrangian = self.lagrangian(ranges)
        if is_root and len(state) == 1 and self.other is not None:
            both = np.concatenate([state, self.other])
            race = self.lagrangian(ranges.take([0, 0]))
            found, value = optimise(race, both, schedule, self.scale, target)
            x = found[[int(np.argmin(value))]]
        else:
            x, _ = optimise(lagrangian, state, schedule, self.scale, target)
        lagrangian(x, SHARP_SMOOTHING * self.scale)
        gain, place = gains(lagrangian)
        return Solution(*self.multipliers(x), x, gain, place)

    def trial(self, ranges: ClusterRanges, state: Array) -> Array | None:
        """Return bounds after a few steps, of the objective's scale.

        None where that takes too much of the time that is left.
        """
        lagrangian = self.lagrangian(ranges)
        begun = now()
        lagrangian.value(state)
        if 2 * (now() - begun) * ON_TRIAL.settling > TRIAL_SHARE * left():
            return None
        _, value = optimise(lagrangian, state, ON_TRIAL, self.scale)
        return value / self.scale

    def multipliers(self, x: Array) -> tuple[Array, list[ProvedEnergy | None]]:
        """Return the multipliers and energies that parameters stand for."""
        known = self.parameters
        states = [group.at(x, False) for group in known.groups]
        kappas = known.kappas_of(x)
        found: list[ProvedEnergy | None] = []
        for k, rule in enumerate(self.layout.rules):
            if k not in known.place:
                found.append(None)
                continue
            g, i = known.place[k]
            kappa = None
            if k in known.corners:
                part, first = known.corners[k], known.kappas.start
                kappa = kappas[:, part.start - first : part.stop - first]
            values = known.groups[g].values(states[g], i)
            found.append(proved_energy(rule, values, kappa))
        return known.multipliers_of(x), found
