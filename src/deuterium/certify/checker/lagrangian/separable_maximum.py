"""Maximum of a sum of functions of single coordinates, as closely as is needed."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from typing import Protocol

from flint import arb

from deuterium.certify.checker.ball_functions import ZERO, Ball
from deuterium.certify.checker.exceptions import NoBound, NoPoint
from deuterium.certify.checker.lagrangian.parabola_cells import (
    Cell,
    CoordinateFunctions,
)
from deuterium.certify.checker.work_limit import EACH, MORE, WorkLimit

MOST = 20_000  # cells that are looked at before it is given up
DEEPEST = 48  # halvings of one
WIDEST = -1020  # doublings of it


class CellBound(Protocol):
    """What is to be maximised over one coordinate, cell by cell."""

    def over(self, cell: Cell, low: Ball, high: Ball) -> tuple[Ball, Ball]:
        """Return upper bounds over the part of a cell in [low, high].

        The second bounds the maximum there from below, about.
        """
        ...


class Peak:
    """The maximum of one coordinate's function over a range, cell by cell.

    Attributes
    ----------
    upper : arb
        An upper bound.
    gap : float
        By how much it may be too large, about.
    """

    def __init__(
        self,
        curve: CoordinateFunctions,
        load: CellBound,
        low: Ball,
        high: Ball,
        is_open: bool,
    ) -> None:
        self.curve, self.load, self.low, self.high = curve, load, low, high
        self.is_open = is_open
        self._seen = -math.inf
        # by size, and exactly where two sizes are one double
        self._cells: list[tuple[float, Ball, int, int, int]] = []
        self._order = itertools.count()
        bottom, top = low.lower(), high.upper()
        if not (math.isfinite(float(bottom)) and math.isfinite(float(top))):
            raise NoBound("the range of a coordinate has no end")
        level = _level(float((high - low).upper()))
        unit = arb((1, -level))
        first, last = ((x / unit).ceil().unique_fmpz() for x in (bottom, top))
        for index in range(int(first) - 1, int(last)):
            self._look(level, index)
        self._settle()

    def _look(self, level: int, index: int) -> None:
        cell = self.curve.cell(level, index)
        if cell.low > self.high or (not cell.starts and cell.low >= self.high):
            return
        if cell.high < self.low or (self.is_open and cell.high <= self.low):
            return
        upper, seen = self.load.over(cell, self.low, self.high)
        if seen.is_finite():
            self._seen = max(self._seen, float(seen.lower()))
        upper = upper.upper()  # a number: sums of them are corrected as they change
        # an infinite one says that nothing is there, or else that nothing is known
        nothing = -math.inf if upper < ZERO else math.inf
        size = float(upper) if upper.is_finite() else nothing
        heapq.heappush(self._cells, (-size, -upper, next(self._order), level, index))

    def _settle(self) -> None:
        if not self._cells:
            raise NoPoint
        size = -self._cells[0][0]
        self.upper = -self._cells[0][1]
        self.gap = size - self._seen if size > -math.inf else 0.0

    def refine(self) -> bool:
        """Halve the cell with the largest bound; return whether it could be."""
        _, _, _, level, index = self._cells[0]
        if level >= DEEPEST:
            return False
        heapq.heappop(self._cells)
        for child in (2 * index, 2 * index + 1):
            self._look(level + 1, child)
        self._settle()
        return True


def _level(width: float) -> int:
    """Return the level of cells that are at most as wide as a range, and half of it."""
    if not width > 0:
        return DEEPEST // 2
    return max(min(1 - math.frexp(width)[1], DEEPEST), WIDEST)


def least_bound(
    constant: Ball, peaks: Sequence[Peak], claim: Ball, work: WorkLimit | None = None
) -> Ball:
    """Return a bound of the sum, refined until it is below a claim or cannot be."""
    work = work or WorkLimit()
    work.grant(EACH + MORE * len(peaks))
    queue = [(-p.gap, i) for i, p in enumerate(peaks)]
    heapq.heapify(queue)
    total = sum([p.upper for p in peaks], constant)
    for n in range(MOST):
        if total <= claim or not queue:
            return total
        _, i = heapq.heappop(queue)
        peak = peaks[i]
        before = peak.upper
        if peak.gap <= 0 or not peak.refine():
            continue
        work.halve()
        heapq.heappush(queue, (-peak.gap, i))
        if before.is_finite() and n % 64:
            total = total - before + peak.upper
        else:
            total = sum([p.upper for p in peaks], constant)
    return total
