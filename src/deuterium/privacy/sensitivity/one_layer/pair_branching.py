"""Branch and bound for one feature."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium import budget
from deuterium.array_type import Array
from deuterium.privacy.sensitivity.one_layer import pair_options as options
from deuterium.privacy.sensitivity.one_layer.affine_cuts import FirstRecords
from deuterium.privacy.sensitivity.one_layer.pair_cells import PairCells
from deuterium.privacy.sensitivity.one_layer.univariate_tables import (
    SLACK,
    PairFunctions,
    UnivariateTable,
)

if TYPE_CHECKING:
    from deuterium.privacy.sensitivity.one_layer.pair_layer import OneFeature

__all__ = ["PairBranching"]


class PairBranching:
    """What remains to be done for one feature, and what is known.

    Parameters
    ----------
    feature : OneFeature
        What all features have in common.
    j : int
        The feature.
    """

    def __init__(self, feature: OneFeature, j: int) -> None:
        self.feature, self.j = feature, j
        self.low, self.high = float(feature.low[j]), float(feature.high[j])
        self.tables = [PairFunctions(feature, j, side) for side in (0, 1)]
        self.last: tuple[Any, Any] = (None, None)  # labels share a table
        self.target, self.end = 0.0, math.inf
        self.done = 0.0
        self.stuck = 0.0  # what gets no finer
        self.cuts = True  # while they can be found in time
        self.open: list[PairCells] | None = None

    @property
    def known(self) -> float:
        """A bound of the squared distance by what is done so far, at any time."""
        if self.open is None:
            return math.inf
        return max([self.stuck, self.done, *(c.upper for c in self.open)])

    @property
    def is_finished(self) -> bool:
        """Whether more time would bring nothing."""
        return self.known <= max(self.stuck, self.target)

    def branch(self, target: float, end: float) -> None:
        """Go on until the bound is below a target, or the time is up."""
        # what was below a higher target is not kept
        self.target, self.end = max(self.target, target), end
        if self.open is None:
            edges = np.linspace(
                0.0, (self.high - self.low) * (1 + 1e-15), options.FIRST_TAU_CELLS + 1
            )
            cells = [(float(a), float(b)) for a, b in pairwise(edges)]
            sides = [self._whole(tau, side) for tau in cells for side in (0, 1)]
            self.open = [cells for side in sides for cells in side]
        while self.open and budget.now() < self.end:
            worst = max(self.open, key=lambda c: c.upper)
            if worst.upper <= max(self.stuck, self.target):
                return
            parts = self._worked(worst)
            # at once, so that an interrupt leaves nothing out
            self.open = [c for c in self.open if c is not worst] + parts

    def _worked(self, cells: PairCells) -> list[PairCells]:
        """Return what is left of cells to work on, or parts of them."""
        cells.refine(self.target, self.end)
        before = cells.upper - self.target
        if len(cells) and self.cuts:
            self._add_cut(cells)
        if not len(cells):
            self.done = max(self.done, cells.upper)
            return []
        if cells.upper - self.target < (1 - options.ENOUGH_GAIN) * before:
            return [cells]
        parts = self._parts(cells)
        if not parts:
            self.stuck = max(self.stuck, cells.upper)
        for part in parts:
            part.clip(self._range(part.table))
            part.again(self.target, self.end)
            self.done = max(self.done, part.below)
        return [part for part in parts if len(part)]

    def _parts(self, cells: PairCells) -> list[PairCells]:
        """Halve the cell of tau, or the range of a z: what the bound lacks.

        Return nothing if that was done too often, and nothing is left to halve.
        """
        dual, group, multipliers = cells.worst(self.target)
        lacking = cells.upper - self.target
        wide = cells.tau[1] - cells.tau[0] > options.FINEST_TAU * (self.high - self.low)
        if wide and dual.blurred(group, multipliers) > options.TAU_BLUR * lacking:
            return self._halves(cells)
        parts = self._split(cells)
        return self._halves(cells) if wide and not parts else parts

    def _halves(self, cells: PairCells) -> list[PairCells]:
        a, b = cells.tau
        middle = (a + b) / 2
        return [
            _like(cells, self._table(tau, cells.side).within(*cells.ranges), tau=tau)
            for tau in ((a, middle), (middle, b))
        ]

    def _split(self, cells: PairCells) -> list[PairCells]:
        """Halve the range of that z which is at two places at once in the worst cell.

        Return nothing if there is no such z, or this was done too often.
        """
        if cells.splits == options.Z_SPLITS:
            return []
        dual, group, multipliers = cells.worst(self.target)
        found = dual.apart(group, multipliers)
        low, high = cells.ranges
        if found is None or not low[found[0]] < found[1] < high[found[0]]:
            return []
        k, at = found
        below, above = high.copy(), low.copy()
        below[k] = above[k] = at
        return [
            _like(
                cells,
                cells.table.within(*ranges),
                ranges=ranges,
                splits=cells.splits + 1,
            )
            for ranges in ((low, below), (above, high))
        ]

    def _add_cut(self, cells: PairCells) -> None:
        """Take the affine cut that is best for the worst cell, for all."""
        dual, group, _ = cells.worst(self.target)
        # not only the side's end: see the package; cuts' slack is for what rounds off
        ends = self.low, self.high - cells.tau[0]
        terms, limits = dual.terms(group), dual.limits(group)
        seconds = max(options.PLANNING_SHARE * (self.end - budget.now()), 0.05)
        records = FirstRecords(self.feature, self.j, ends)
        begun = budget.now()
        found = records.best(cells.table, terms, limits, cells.upper, seconds)
        if found is None:
            self.cuts = budget.now() - begun < seconds / 2
            return
        cells.cut, multipliers = found
        cells.multipliers[:] = multipliers
        cells.again(self.target, self.end)

    def _whole(self, tau: tuple[float, float], side: int) -> list[PairCells]:
        """Return one cell for each label, of all that t and ``t' - t`` can be."""
        table, feature = self._table(tau, side), self.feature
        ranges, whole = (feature.bottom, feature.top), self._range(table)
        if not np.isfinite(whole).all():  # t overflows, or is undefined somewhere
            self.stuck = math.inf
            return []
        made = []
        for label in feature.labels:
            box, start = whole[None], np.zeros((1, 4, 2))
            top = np.full(1, math.inf)
            made.append(
                PairCells(
                    feature.factor, tau, side, label, ranges, table, box, top, start
                )
            )
            made[-1].again(self.target, self.end)
        return made

    def _table(self, tau: tuple[float, float], side: int) -> UnivariateTable:
        if self.last[0] != (tau, side):
            self.last = (tau, side), self.tables[side].table(tau)
        found: UnivariateTable = self.last[1]
        return found

    def _range(self, table: UnivariateTable) -> Array:
        """Return the ranges of t and ``t' - t``, empty if no z is left: (4,)."""
        if table.is_empty:
            return np.array([math.inf, -math.inf] * 2)
        ends = np.array([*table.total(3, 5 + 1), *table.total(4, 5 + 2)])
        b = self.feature.layer.offset
        slack = SLACK * (1 + abs(b) + np.abs(ends[:2]).max() + np.abs(ends[2:]).max())
        return ends + np.array([b - slack, b + slack, -slack, slack])


def _like(cells: PairCells, table: UnivariateTable, **other: Any) -> PairCells:
    """Return the same cells over another table."""
    tops, multipliers = cells.tops.copy(), cells.multipliers.copy()
    return replace(cells, table=table, tops=tops, multipliers=multipliers, **other)
