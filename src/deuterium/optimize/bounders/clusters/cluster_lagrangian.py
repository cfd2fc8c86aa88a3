"""The Lagrangian of a batch of regions: its value on samples, and its gradient.

For multipliers p of the definitions, and of each energy weights nu >= 0, scales r and
centres c (see `energy_group`),

    sup R <= constant + sum over hubs of max over z of
             psi(z) + sum over its spokes of max over e of A(z) e**2 + B(z) e,

psi, A and B being combinations of functions of z with the features' coefficients.  At
fixed z a spoke's maximum is at an end or at the vertex.  Here z is sampled, and maxima
over samples are smoothed; what is found is evaluated rigorously elsewhere.

If the terms of a definition ``u = M' t + b`` are all elements p of a softmax, also
``sum kappa_j u_j**2 <= sum_k p_k sum_j kappa_j (M_kj + b_j)**2``: a convex function of
p is below the plane through its values at the corners of the simplex.

The gradient needs no more than the maximisers (J. M. Danskin, The Theory of Max-Min,
1967): in p it is by how much they miss the definitions.
"""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.cluster_options import FEW_SAMPLES, SAMPLES
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges
from deuterium.optimize.bounders.clusters.cluster_samples import (
    ClusterSamples,
    SampledBlock,
)
from deuterium.optimize.bounders.clusters.energy_group import EnergyState
from deuterium.optimize.bounders.clusters.solver_parameters import SolverParameters
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    CellTable,
    UnivariateFunctions,
)


class ClusterLagrangian:
    """The Lagrangian over one batch of regions.

    Parameters
    ----------
    parameters : SolverParameters
    curves, tables : list of UnivariateFunctions, of CellTable
        Of each block.
    ranges : ClusterRanges

    Attributes
    ----------
    place : dict of int to (ClusterSamples, int, int)
        Of each block: with what it is sampled, its first hub and spoke there.
    """

    def __init__(
        self,
        parameters: SolverParameters,
        curves: list[UnivariateFunctions],
        tables: list[CellTable],
        ranges: ClusterRanges,
    ) -> None:
        self.parameters = parameters
        layout = parameters.layout
        self.base = np.zeros(layout.features + 1)
        for at, m, _ in layout.objective:
            np.add.at(self.base, at, m[:, 0])
        self.batch = len(ranges.low)
        self.hubs = sum(b.group.size for b in layout.blocks)
        alike: dict[tuple[bool, bool], list[int]] = {}
        for k, (b, table) in enumerate(zip(layout.blocks, tables, strict=True)):
            kind = bool(len(b.hub_of)), len(table.coarse) == 1
            alike.setdefault(kind, []).append(k)
        self.samples: list[ClusterSamples] = []
        self.place: dict[int, tuple[ClusterSamples, int, int]] = {}
        for (has_spokes, is_smooth), members in alike.items():
            count = FEW_SAMPLES if is_smooth and not has_spokes else SAMPLES
            blocks = [
                SampledBlock(layout.blocks[k], curves[k], tables[k], ranges, count)
                for k in members
            ]
            found = ClusterSamples(blocks, layout.features)
            self.samples.append(found)
            hub = spoke = 0
            for k in members:
                self.place[k] = found, hub, spoke
                hub += layout.blocks[k].group.size
                spoke += len(layout.blocks[k].hub_of)

    def __call__(self, x: Array, tau: float) -> tuple[Array, Array]:
        """Return smoothed bounds (on the samples), of shape (B,), and their gradients.

        Shapes: ``x`` and the gradients (B, parameters).
        """
        known = self.parameters
        y, value, states = self._numbers(x, True)
        c = self.coefficients_of(y)
        e = np.empty(c.shape)
        for block in self.samples:
            value += block.maxima(c, tau, e)
        self.coefficients = c
        back = (known.from_features @ e.T).T
        gradient = np.empty(x.shape)
        first = slice(0, known.multipliers)
        miss = back[:, first] + known.constant
        gradient[:, first] = miss * np.where(known.is_log, y[:, first], known.unit)
        for group, state in zip(known.groups, states, strict=True):
            group.back(state, back, gradient)
        if known.corners:
            own = slice(back.shape[1] - len(known.kappa_unit), None)
            gradient[:, known.kappas] = y[:, own] * back[:, own]
        return value, gradient

    def value(self, x: Array) -> Array:
        """Return the bounds on the samples, not smoothed."""
        y, value, _ = self._numbers(x, False)
        c = self.coefficients_of(y)
        for block in self.samples:
            value += block.largest(c)
        return value

    def coefficients_of(self, y: Array) -> Array:
        """Return the features' coefficients for given numbers."""
        found: Array = (self.parameters.to_features @ y.T).T + self.base
        return found

    def _numbers(
        self, x: Array, smooth: bool
    ) -> tuple[Array, Array, list[EnergyState]]:
        """Return the numbers, what they add to the constant, and the energies."""
        known = self.parameters
        y = np.empty((len(x), known.numbers))
        first = slice(0, known.multipliers)
        y[:, first] = known.multipliers_of(x)
        value = y[:, first] @ known.constant + known.layout.constant
        states = [group.at(x, smooth) for group in known.groups]
        for group, state in zip(known.groups, states, strict=True):
            value += group.enter(state, y)
        if known.corners:
            y[:, y.shape[1] - len(known.kappa_unit) :] = known.kappas_of(x)
        return y, value, states

    def numbers(self, x: Array) -> Array:
        """Return the numbers that act on features, with the least D."""
        return self._numbers(x, False)[0]
