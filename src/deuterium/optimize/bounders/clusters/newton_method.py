"""Multipliers by an interior-point method, for programs of one layer.

Where spokes are the factors of single products, a cluster's largest value is at an end
of every spoke: the bound on samples is a linear program in all multipliers at once, and
in one more for each energy, whose weights are fitted to the region beforehand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.cluster_layout import ClusterLayout
from deuterium.optimize.bounders.clusters.cluster_options import (
    MOST_SLOTS,
)
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges
from deuterium.optimize.bounders.clusters.hub_columns import HubColumns
from deuterium.optimize.bounders.clusters.layer_energies import (
    FittedEnergy,
    better_weights,
    fitted,
    joined,
    layer_energies,
    rows_of,
)
from deuterium.optimize.bounders.clusters.newton_branching import (
    promised_gains,
    second_moments,
)
from deuterium.optimize.bounders.clusters.solution import Solution
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.factored_parts import Unsuited
from deuterium.optimize.bounders.lagrangian.interior_point import Solver
from deuterium.optimize.bounders.lagrangian.solver_samples import peaks, spaced
from deuterium.optimize.bounders.lagrangian.sparse_columns import SparseColumns
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    CellTable,
    UnivariateFunctions,
)


class NewtonMethod:
    """Solves regions by an interior-point method.

    Parameters
    ----------
    layout : ClusterLayout
    curves, tables : list of UnivariateFunctions, of CellTable
        Of each block.
    cuttable : ndarray of bool, of shape (features,)

    Attributes
    ----------
    start : ndarray of shape (1, k)
        What the first region remembers: multipliers, then weights of atoms.

    Raises
    ------
    Unsuited
        The program is too large, or not of this kind.
    """

    batch = 128
    margin = 0.4  # of a side, that a cut keeps from its ends

    def __init__(
        self,
        layout: ClusterLayout,
        curves: list[UnivariateFunctions],
        tables: list[CellTable],
        cuttable: Array,
    ) -> None:
        self.layout, self.curves, self.tables = layout, curves, tables
        self.cuttable = cuttable
        self.energies = layer_energies(layout)
        rules = [r for r in layout.rules if not self._is_idle(r.definition)]
        numbers = [np.arange(layout.multipliers)[r.multipliers] for r in rules]
        self.active = np.concatenate([np.zeros(0, dtype=int), *numbers])
        self.size = len(self.active) + len(self.energies)
        if (
            self.size > options.MOST_MULTIPLIERS
            or self.size * layout.features > options.MOST_COEFFICIENTS
        ):
            raise Unsuited("too many multipliers")
        self._enter_matrix()
        used = self._used()
        self.columns = [
            HubColumns(b, c, used) for b, c in zip(layout.blocks, curves, strict=True)
        ]
        if any(c.squares or c.slots > MOST_SLOTS for c in self.columns):
            raise Unsuited("squares of spokes")
        self.solver = self._solver()
        self._enter_places()
        weights = sum(e.rule.size for e in self.energies if e.chosen is not None)
        self.start = np.concatenate([np.zeros(self.size), np.ones(weights)])[None]

    # -- preparations ----------------------------------------------------------------

    def _is_idle(self, definition: Any) -> bool:
        """Whether nothing but the range of what is defined is used."""
        group = definition.target.group
        return not definition.is_spoke and group in self.layout.idle

    def _enter_matrix(self) -> None:
        """Enter coefficients as a function of multipliers; the last row is of none."""
        layout = self.layout
        shape = (layout.features + 1, layout.multipliers)
        matrix, weights = np.zeros(shape), np.zeros(layout.multipliers)
        for rule in layout.rules:
            part = rule.multipliers
            weights[part] = rule.constant
            for at, m, _ in rule.parts:
                matrix[at, part] += m
            if len(rule.target):
                matrix[rule.target, np.arange(layout.multipliers)[part]] -= 1.0
        self.matrix, self.weights = matrix[:, self.active], weights[self.active]
        self.base = np.zeros(layout.features + 1)
        for at, m, _ in layout.objective:
            np.add.at(self.base, at, m[:, 0])

    def _enter_places(self) -> None:
        """Note by which feature each is cut, and what the features are defined by."""
        self.cut_of = np.arange(self.layout.features + 1)
        for h in self.columns:
            count = len(h.functions)
            self.cut_of[h.features[:, :count]] = h.features[:, :1]
            for k in range(h.slots):
                own = h.own(k)
                stop = count + (k + 1) * len(h.block.linear)
                part = h.features[:, count + k * len(h.block.linear) : stop]
                self.cut_of[part] = h.features[:, own, None]
        self.cut_of[-1] = self.layout.features
        self.definitions = {
            int(feature): (rule, column)
            for rule in self.layout.rules
            for column, feature in enumerate(rule.target)
        }

    def _used(self) -> Array:
        """Return which features have a coefficient that is not always zero."""
        used = (self.base != 0) | (self.matrix != 0).any(axis=1)
        for e in self.energies:
            for at in (e.terms, *(e.rule.squares or [])):
                used[at] = True
        found: Array = used[:-1]
        return found

    def _solver(self) -> Solver:
        none = np.zeros((self.layout.features + 1, len(self.energies)))
        matrix = np.concatenate([self.matrix, none], axis=1)
        first = len(self.active)
        self.extras: list[list[int]] = []  # of each block: energies with features in it
        columns = []
        for h in self.columns:
            own = np.zeros(self.layout.features + 1, dtype=bool)
            own[h.features] = True
            own[-1] = False
            column = SparseColumns(self.base[h.features], matrix[h.features])
            mine = [
                k
                for k, e in enumerate(self.energies)
                if own[e.rule.target].any() or own[e.terms].any()
            ]
            for k in mine:
                column.append(first + k)
            self.extras.append(mine)
            columns.append(column)
        inequalities = np.zeros(self.layout.multipliers, dtype=bool)
        for rule in self.layout.rules:
            inequalities[rule.multipliers] = rule.definition.is_inequality
        positive = np.flatnonzero(inequalities[self.active])
        positive = np.concatenate([positive, np.arange(first, self.size)])
        weights = np.concatenate([self.weights, np.zeros(len(self.energies))])
        return Solver(columns, weights, self.layout.constant, positive)

    # -- one batch -------------------------------------------------------------------

    def __call__(self, ranges: ClusterRanges, state: Array, target: float) -> Solution:
        """Return good multipliers, and where to cut."""
        p, wanted = np.split(state, [self.size], axis=1)
        batch = SampledBatch(self, ranges, wanted)
        found, samples, weights = self.solver(
            batch.first(), p, target - options.SAMPLE_MARGIN, batch.refined
        )
        first = len(self.active)
        multipliers = np.zeros((len(p), self.layout.multipliers))
        multipliers[:, self.active] = found[:, :first]
        nu = np.maximum(found[:, first:], 0.0)
        energies = joined(self.layout, self.energies, batch.fits, nu)
        weights = [w / w.sum(axis=-1, keepdims=True) for w in weights]
        gain, place = promised_gains(self, batch, found, samples, weights)
        moments = second_moments(self, batch, samples, weights)
        chosen = better_weights(self.energies, batch.fits, moments, wanted)
        return Solution(
            multipliers, energies, np.concatenate([found, chosen], axis=1), gain, place
        )


class SampledBatch:
    """Samples of all hubs of a batch of regions, and the energies fitted to it.

    Parameters
    ----------
    method : NewtonMethod
    ranges : ClusterRanges
    wanted : ndarray of shape (B, weights)
        Of atoms in energies that choose them.
    """

    def __init__(
        self, method: NewtonMethod, ranges: ClusterRanges, wanted: Array
    ) -> None:
        self.method, self.ranges = method, ranges
        features = method.layout.features
        self.fits: list[FittedEnergy] = [
            fitted(e, method.layout, ranges, wanted) for e in method.energies
        ]
        rows = [
            rows_of(e, f, features)
            for e, f in zip(method.energies, self.fits, strict=True)
        ]
        self.rows = [
            [
                (rows[k][0][:, h.features], rows[k][1][:, h.features].sum(axis=-1))
                for k in mine
            ]
            for h, mine in zip(method.columns, method.extras, strict=True)
        ]
        self.ends = [h.ends(ranges) for h in method.columns]
        self.places: list[list[Array]] = []

    def first(self) -> list[Array]:
        """Return the first samples of every block, of shape (B, m, R, S)."""
        method, found = self.method, []
        every = np.arange(len(self.ranges.low))
        for k, h in enumerate(method.columns):
            at = h.features[:, 0]
            low, high = self.ranges.low[:, at], self.ranges.high[:, at]
            kinked = method.curves[k].kinked
            z, right = spaced(low, high, method.tables[k], kinked, h.block.group.size)
            self.places.append([z, right])
            found.append(self.values(k, z, right, self.ends[k], every))
        return found

    def values(self, k: int, z: Array, right: Array, e: Array, rows: Array) -> Array:
        """Return features of a block, those of the energies behind them."""
        u = self.method.columns[k].values(z, right, e)
        if not self.rows[k]:
            return u
        extra = [
            np.matmul(w[rows][:, :, None], u) + c[rows][..., None, None]
            for w, c in self.rows[k]
        ]
        return np.concatenate([u, *extra], axis=2)

    def refined(self, rows: Array, values: list[Array]) -> list[Any]:
        """Return samples near where the values are largest.

        ``values`` of each block are of shape (rows, m, S).
        """
        return [self._more(k, rows, v) for k, v in enumerate(values)]

    def _more(self, k: int, rows: Array, values: Array) -> Array:
        e = self.ends[k][rows]
        z, right = (x[rows] for x in self.places[k])
        best = values.reshape(*z.shape, e.shape[-1]).max(axis=-1)
        new, side = peaks(z, right, best)
        for n, (old, more) in enumerate(zip(self.places[k], (new, side), strict=True)):
            full = np.repeat(old[..., -1:], more.shape[-1], axis=-1)
            full[rows] = more
            self.places[k][n] = np.concatenate([old, full], axis=-1)
        return self.values(k, new, side, e, rows)
