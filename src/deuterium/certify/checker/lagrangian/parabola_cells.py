"""The functions of one coordinate, as parabolas with errors on dyadic cells.

A cell holds the numbers above its lower and up to its upper end, so zero belongs to the
cell below it, as the kinks of relu and its slope want it.  What is worked out for a
cell is kept, and serves every region.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb

from deuterium import ops
from deuterium.certify.checker import range_steps
from deuterium.certify.checker.ball_functions import (
    HALF,
    INFINITY,
    ONE,
    ZERO,
    Ball,
    larger,
    smaller,
)
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.cell_series import (
    CellSeries,
    Single,
    chooses,
    coefficients,
)
from deuterium.certify.checker.scalar_layout import TaskGroup
from deuterium.certify.checker.taylor_series import number
from deuterium.certify.checker.work_limit import WorkLimit

VAST = 100  # times a function's upper end: an error worse than minus infinity below

# t0, t1, t2, how far the function may be off t0 + t1 d + t2 d**2, and whether it may
# be minus infinity (then t0 is but an upper bound)
Parabola = tuple[Ball, Ball, Ball, Ball, bool]


@dataclass(frozen=True)
class Cell:
    """A cell: its ends, its middle, and the parabola of every function.

    The lower end is excluded, unless it is where the coordinate's range `starts`.
    """

    low: Ball
    high: Ball
    starts: bool
    middle: Ball
    parabolas: list[Parabola]


class CoordinateFunctions:
    """The functions of one coordinate.

    Parameters
    ----------
    slot : int
        The coordinate.
    terms : sequence of int
        The slots of its functions, without itself.
    tasks : sequence of Single
        What has to be done to get them, in order.
    fixed : mapping
        The values of constants.
    ends : (arb, arb)
        Its range in the whole domain.
    safe : collection of int
        Slots that are logarithms of what is known not to be negative, whatever its
        range: where the argument is zero, they are minus infinity.
    work : WorkLimit, optional
        Where cells are kept.
    shape : hashable, optional
        The same for coordinates that have the same functions: they share cells.
    """

    def __init__(
        self,
        slot: int,
        terms: Sequence[int],
        tasks: Sequence[Single],
        fixed: Mapping[int, Ball],
        ends: tuple[Ball, Ball],
        safe: Collection[int] = (),
        work: WorkLimit | None = None,
        shape: Hashable | None = None,
    ) -> None:
        self._shape = self if shape is None else shape
        self.least, self.most = ends[0].lower(), ends[1].upper()
        self.safe = safe
        self.slot, self.terms, self.tasks = slot, list(terms), list(tasks)
        self.fixed = fixed
        self._work = work or WorkLimit()
        self._watches = chooses(slot, self.tasks)
        self._constants = {
            i: number(fixed[i]) for _, (_, ins), _ in tasks for i in ins if i in fixed
        }

    def cell(self, level: int, index: int) -> Cell:
        """Return the cell from ``index`` to ``index + 1`` in units of ``2**-level``."""
        # exact, however far out the cell is
        low, high = arb((index, -level)), arb((index + 1, -level))
        is_whole = self.least <= low and high <= self.most
        key = self._shape if is_whole else self, level, index
        found: Cell | None = self._work.cells.get(key)
        return found or self._work.keep(key, self._made(low, high))

    def _made(self, low: Ball, high: Ball) -> Cell:
        starts = bool(self.least > low)
        if starts:
            low = smaller(self.least, high)
        if self.most < high:
            high = larger(self.most, low)
        middle = (low + high) * HALF
        return Cell(low, high, starts, middle, self._parabolas(low, high))

    def _parabolas(self, low: Ball, high: Ball) -> list[Parabola]:
        here = CellSeries(
            self.slot, self.tasks, self._constants, low, high, self._watches
        )
        return [self._one(t, here, low, high) for t in self.terms]

    def _one(self, term: int, here: CellSeries, low: Ball, high: Ball) -> Parabola:
        series = _taylor(here.series.get(term), (high - low) * HALF)
        if series is not None and not _is_vague(series, (high - low) * HALF):
            return series
        try:
            a, b = self._range(term, here, low, high)
        except NoBound:
            if series is None:
                raise
            return series
        if series is not None:
            plain = (b - a) * HALF if a.is_finite() else VAST * (ONE + abs(b))
            if not plain < series[3]:
                return series
        if a.is_finite():
            middle = (a + b) * HALF
            return middle, ZERO, ZERO, b - middle, False
        return b, ZERO, ZERO, ZERO, True

    def _range(
        self, term: int, here: CellSeries, low: Ball, high: Ball
    ) -> tuple[Ball, Ball]:
        """Return the range of a function over a cell; the lower end may be infinite."""
        a: Any = {**self.fixed, self.slot: low}
        b: Any = {**self.fixed, self.slot: high}
        same: dict[int, int] = {}  # what a chosen side is, over the whole cell
        for op, task, attrs in self.tasks:
            (k,), ins = task
            if k in here.chosen:
                found = here.chosen[k]
                if not isinstance(found, int):
                    a[k] = b[k] = found
                elif found in a:
                    a[k], b[k] = a[found], b[found]
                    same[k] = same.get(found, found)
                continue
            if op is ops.subtract and len({same.get(i, i) for i in ins}) == 1:
                a[k] = b[k] = ZERO
                continue
            if not all(i in a for i in ins):
                continue
            try:
                range_steps.step_for(
                    TaskGroup(op, [task], attrs), self.fixed, slopes=False
                )(a, b)
            except NoBound:
                if k in self.safe:
                    top = b[ins[0]].upper()  # of what is not negative
                    a[k], b[k] = -INFINITY, -INFINITY if top <= ZERO else top.log()
        if term not in a:
            raise NoBound("a function is not defined throughout a cell")
        return a[term], b[term]


def _is_vague(series: Parabola, radius: Ball) -> bool:
    """Return whether a parabola may be off by more than it moves."""
    _, t1, t2, error, _ = series
    return bool(error > (abs(t1) + abs(t2) * radius) * radius)


def _taylor(series: Sequence[Any] | None, radius: Ball) -> Parabola | None:
    if series is None:
        return None
    at, over = (coefficients(x) for x in series[:2])
    error = abs(over[3]) * radius**3
    if not error.is_finite() or not all(x.is_finite() for x in at[:3]):
        return None
    return at[0], at[1], at[2], error, False


def peak(t0: Ball, t1: Ball, t2: Ball, a: Ball, b: Ball) -> Ball:
    """Return the maximum of ``t0 + t1 d + t2 d**2`` over [a, b], or more."""
    ends = larger(t0 + a * (t1 + a * t2), t0 + b * (t1 + b * t2))
    if t2 >= ZERO:
        return ends
    if t2 < ZERO:
        at = -t1 / (2 * t2)
        if at <= a or at >= b:
            return ends
        return larger(ends, t0 + t1 * at * HALF)
    reach = larger(abs(a), abs(b))
    return t0 + larger(t1 * a, t1 * b) + abs(t2) * reach * reach
