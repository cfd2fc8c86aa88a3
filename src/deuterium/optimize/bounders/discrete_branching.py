"""Branching on symbols with finitely many values, before anything else."""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.domain_reducer import DomainReducer, tightening
from deuterium.optimize.region import Bounder, BoundResult, DomainReduction, Regions


class DiscreteBranching(DomainReducer):
    """A bounder that cuts the finite symbols of a problem before anything else.

    Parameters
    ----------
    problem : Problem
        What is maximised.
    inner : Bounder
        Bounds the regions, which are plain boxes to it.
    """

    def __init__(self, problem: Problem, inner: Bounder) -> None:
        super().__init__(inner)
        self.parts = problem.finite

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Shrink the regions to the values in them, bound them, choose the cuts."""
        results = super().bound(regions, incumbent)
        self.cut(results)
        return results

    def shrink(self, regions: Regions) -> tuple[list[list[DomainReduction]], Array]:
        """Shrink each region to the hull of the values in it."""
        steps: list[list[DomainReduction]] = [[] for _ in range(len(regions))]
        empty = np.zeros(len(regions), dtype=bool)
        for k in range(len(regions) if self.parts else 0):
            for part, table in self.parts:
                rows = table[_inside(table, regions, k, part)]
                if not len(rows):
                    empty[k] = True
                    break
                step = _shrunk(regions, k, part, rows)
                steps[k] += step
        return steps, empty

    def cut(self, results: BoundResult) -> None:
        """Have regions with more than one value of a finite symbol cut there."""
        results.cut, results.at = np.array(results.cut), np.array(results.at)
        for part, table in self.parts:
            low, high = results.low[:, part], results.high[:, part]
            for k in np.flatnonzero((low < high).any(axis=1)):
                rows = table[np.all((low[k] <= table) & (table <= high[k]), axis=1)]
                if len(rows) > 1:
                    j, at = _between(rows)
                    results.cut[k], results.at[k] = part.start + j, at
                    results.ends[k] = None


def _inside(table: Array, regions: Regions, k: int, part: slice) -> Array:
    low, high = regions.low[k, part], regions.high[k, part]
    above = np.where(regions.open[k, part], table > low, table >= low)
    return np.all(above & (table <= high), axis=1)


def _shrunk(
    regions: Regions, k: int, part: slice, rows: Array
) -> list[DomainReduction]:
    low, high = rows.min(axis=0), rows.max(axis=0)
    moved = (low > regions.low[k, part]) | (high < regions.high[k, part])
    at = np.flatnonzero(moved)
    if not len(at):
        return []
    regions.low[k, part], regions.high[k, part] = low, high
    regions.open[k, part] = False
    return [tightening(part.start + at, low[at], high[at])]


def _between(rows: Array) -> tuple[int, float]:
    """Return where to cut so that both sides hold about as many values."""
    best, where, middle = -1, 0, 0.0
    for j in range(rows.shape[1]):
        values = np.sort(rows[:, j])
        jumps = np.flatnonzero(np.diff(values) > 0)
        if not len(jumps):
            continue
        i = int(jumps[np.argmin(np.abs(jumps + 1 - len(values) / 2))])
        fewer = min(i + 1, len(values) - i - 1)
        if fewer > best:
            at = values[i] + 0.5 * (values[i + 1] - values[i])
            best, where, middle = fewer, j, float(min(at, values[i + 1]))
            middle = middle if middle < values[i + 1] else float(values[i])
    return where, middle
