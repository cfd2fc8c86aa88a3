"""The Lagrangian bounder: relaxations of batches of regions, and their proofs."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.domain.problem import Problem
from deuterium.interval import Interval
from deuterium.ops.exponential import exp
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.factored_parts import RANGE_ONLY, Unsuited
from deuterium.optimize.bounders.lagrangian.lagrangian_branching import (
    branching_points,
    wanted,
)
from deuterium.optimize.bounders.lagrangian.log_objective import log_form
from deuterium.optimize.bounders.lagrangian.range_propagation import RegionRanges
from deuterium.optimize.bounders.lagrangian.relaxation import Relaxation
from deuterium.optimize.region import Bounder, BoundResult, Proof, Regions, whole

Array = Any

CONTRADICTION: Proof = ("relax", {"empty": True})


class LagrangianBounder(Bounder):
    """Bounds regions by a univariate separable relaxation with multipliers.

    Parameters
    ----------
    problem : Problem
    relaxation : Relaxation
        Of the objective, or of its logarithm.
    logarithm : bool
        Which.
    """

    batch = 128

    def __init__(
        self, problem: Problem, relaxation: Relaxation, logarithm: bool
    ) -> None:
        self.problem, self.relaxation, self.logarithm = problem, relaxation, logarithm
        self.places = relaxation.places
        self.atoms = len(self.places)
        self._shown = np.flatnonzero(relaxation.cuttable)

    @property
    def knows_ranges_only(self) -> bool:
        """Whether of some elements nothing but the range is used."""
        return any(g.kind == RANGE_ONLY for g in self.relaxation.groups)

    def root(self) -> Regions:
        """Return the whole domain as one region."""
        low, high = self.problem.lower, self.problem.upper
        free = np.full(self.atoms, np.inf)
        size = self.relaxation.system.size
        region = whole(
            np.concatenate([low, -free]),
            np.concatenate([high, free]),
            size + self.relaxation.structure.coordinates,
        )
        region.state[:, size:] = 1.0
        return region

    def facts(self) -> dict[str, Any]:
        """Return what proofs need besides their own data, as JSON."""
        relax = self.relaxation
        return {
            "log": self.logarithm,
            "groups": [[g.kind, g.size] for g in relax.groups],
            "energies": [e.to_json() for e in relax.energies],
        }

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Return certified bounds, cuts and points."""
        relax = self.relaxation
        ranges = self._ranges(regions)
        target = self._target(incumbent)
        p, some = np.split(regions.state, [relax.system.size], axis=1)
        added = relax.squares(ranges, some)
        found = relax.solve(ranges, added, p, target - options.SAMPLE_MARGIN)
        p = shortened(found.p)
        upper = relax.bound(ranges, added, p)
        upper = self._raised(upper)
        proofs: list[Proof] = [
            ("relax", {"p": row.tolist(), "energies": added.proof(k)})
            for k, row in enumerate(p)
        ]
        for k in np.flatnonzero(ranges.empty):
            proofs[k] = CONTRADICTION
        upper = np.where(ranges.empty, -np.inf, upper)
        cut, place, at = branching_points(relax, ranges, added, found)
        cut = np.where(cut < 0, -1, np.searchsorted(self._shown, cut))
        n = self.problem.size
        return BoundResult(
            upper=upper,
            proofs=proofs,
            low=regions.low,
            high=regions.high,
            open=regions.open,
            cut=cut,
            at=place,
            points=_points(at[:, :n], regions.low[:, :n], regions.high[:, :n]),
            state=np.concatenate([p, wanted(relax, added, found, some)], axis=1),
        )

    def _ranges(self, regions: Regions) -> RegionRanges:
        """Return the ranges of all coordinates, those never cut included."""
        shape = (len(regions), self.relaxation.structure.coordinates)
        low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
        opened = np.zeros(shape, dtype=bool)
        low[:, self._shown], high[:, self._shown] = regions.low, regions.high
        opened[:, self._shown] = regions.open
        return self.relaxation.forward(low, high, opened)

    def _target(self, incumbent: float) -> float:
        if not self.logarithm:
            return incumbent
        return float(np.log(incumbent)) if incumbent > 0 else -np.inf

    def _raised(self, upper: Array) -> Array:
        """Return bounds of the objective from those of what was relaxed."""
        if not self.logarithm:
            return upper
        with np.errstate(all="ignore"):
            high = exp.enclosure(Interval.unchecked(upper, upper)).upper
        return np.where(np.isnan(upper), np.inf, high)


def _points(at: Array, low: Array, high: Array) -> Array:
    """Return the relaxed inputs; of a few regions the nearest corners, too.

    Shapes: all (B, n).
    """
    inside = np.clip(at, low, high)
    if len(at) > options.MANY_REGIONS:
        return inside
    corners = np.where(inside - low < high - inside, low, high)
    return np.concatenate([inside, corners])


def shortened(p: Array) -> Array:
    """Return multipliers rounded to a few digits, which makes proofs short."""
    with np.errstate(all="ignore"):
        scale = 10.0 ** (options.MULTIPLIER_DIGITS - 1 - np.floor(np.log10(np.abs(p))))
        short = np.rint(p * scale) / scale
    return np.where(np.isfinite(short), short, 0.0)


def lagrangian_bounder_of(problem: Problem) -> LagrangianBounder | None:
    """Return a bounder by relaxation, or None where the graph has no use for one."""
    root = log_form(problem)
    for graph, logarithm in ((root, True), (problem.objective, False)):
        if graph is None:
            continue
        try:
            return LagrangianBounder(problem, Relaxation(problem, graph), logarithm)
        except Unsuited:
            continue
    return None
