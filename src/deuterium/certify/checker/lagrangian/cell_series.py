"""Functions of one coordinate over a cell: power series, signs, and what is chosen.

A cell lies on one side of zero.  It holds the numbers above its lower and up to its
upper end, so zero belongs to the cell on its left: there the coordinate is at most
zero, and on its right it is positive.

A sign is known from the ball of all values, or by the mean value theorem from the end
next to zero (of the smooth function on the closed cell that the series are of, which
is ours on the half-open one), or by rules of signs.  A choice by what has one sign over
the cell is the branch that it takes there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flint import arb

from deuterium import ops
from deuterium.certify.checker.ball_functions import HALF, ONE, ZERO, Ball
from deuterium.certify.checker.defined_operator import applied, entry_of
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.operator_entry import Entry
from deuterium.certify.checker.scalar_layout import Task
from deuterium.certify.checker.taylor_series import ORDER, number, variable
from deuterium.graph.operator import Operator

Single = tuple[Operator, Task, Mapping[str, Any]]
Series = list[Any]  # at the middle, over the cell, and at the end next to zero
Sign = tuple[int, int]  # the least and the largest that the sign may be

ANY: Sign = (-1, 1)  # nothing is known of it
CHOICES = {ops.is_positive, ops.where, ops.maximum, ops.minimum, ops.narrowed}
# defined where their arguments are
TOTAL = {
    *CHOICES, ops.is_zero, ops.logical_not, ops.step, ops.sign, ops.relu, ops.absolute,
    ops.add, ops.subtract, ops.multiply, ops.negative, ops.cbrt,
}  # fmt: skip


class CellSeries:
    """What is known of functions over one cell.

    Parameters
    ----------
    slot : int
        The coordinate.
    tasks : sequence of Single
        What has to be done to get the functions, in order.
    constants : mapping
        The series of constants.
    low, high : arb
        The cell's ends, exact.
    watches : bool
        Whether signs are wanted of other functions than the coordinate itself.

    Attributes
    ----------
    series : dict
        By slot, of the functions that have a series here.
    chosen : dict
        By slot, of those that choose: the slot, or the number, that they are here.
    """

    def __init__(
        self,
        slot: int,
        tasks: Sequence[Single],
        constants: Mapping[int, Any],
        low: Ball,
        high: Ball,
        watches: bool,
    ) -> None:
        # a cell of nothing but zero is on the left, as zero is
        self.side = -1 if high <= ZERO else 1 if low >= ZERO else 0
        self._is_open = self.side > 0 and bool(low.is_zero())  # then 0 is left out
        places = [(low + high) * HALF, low.union(high)]
        if self.side and watches:
            places.append(low if self.side > 0 else high)
        self._count = len(places)
        self.series: dict[int, Series] = {slot: [variable(x) for x in places]}
        self.series |= {k: [c] * self._count for k, c in constants.items()}
        self.chosen: dict[int, int | Ball] = {}
        self._watches = watches
        self._signs = {k: self._seen(row) for k, row in self._watched()}
        if self.side:
            below = (-1, -1) if high < ZERO else (-1, 0)
            self._signs[slot] = (1, 1) if self.side > 0 else below
        for op, ((k,), ins), attrs in tasks:
            self._enter(k, op, ins, attrs)

    def _watched(self) -> list[tuple[int, Series]]:
        return list(self.series.items()) if self._watches else []

    def _enter(
        self, k: int, op: Operator, ins: Sequence[int], attrs: Mapping[str, Any]
    ) -> None:
        """Enter what is known of a task's function."""
        found = self._decided(op, ins, attrs)
        if found is not None:
            self.chosen[k] = found
            if not isinstance(found, int):
                self.series[k] = [number(found)] * self._count
                self._signs[k] = _sign_of(found)
                return
            if found in self.series:
                self.series[k] = self.series[found]
            if found in self._signs:
                self._signs[k] = self._signs[found]
            return
        has_series = all(i in self.series for i in ins)
        is_defined = op in TOTAL and all(i in self._signs for i in ins)
        if not (has_series or is_defined):
            return
        entry = entry_of(op, attrs)
        row = self._applied(op, entry, ins) if has_series else None
        if row is not None:
            self.series[k] = row
            is_defined = is_defined or coefficients(row[1])[0].is_finite()
        if self._watches and is_defined:
            sign = ANY if row is None else self._seen(row)
            self._signs[k] = _both(sign, self._by_rule(op, entry, ins))

    def _applied(self, op: Operator, entry: Entry, ins: Sequence[int]) -> Series | None:
        side = 0
        if entry.sides is not None:
            least, most = self._signs.get(ins[0], ANY)
            # what jumps has at zero itself the value of neither side, nor a slope
            is_below = most < 0 or (most == 0 and not entry.jumps)
            side = 1 if least > 0 else -1 if is_below else 0
            if not side:
                return None
        rows = [self.series[i] for i in ins]
        try:
            return [applied(entry, args, side) for args in zip(*rows, strict=True)]
        except (NoBound, ZeroDivisionError, ValueError):
            return None

    # -- signs -------------------------------------------------------------------------

    def _seen(self, row: Series) -> Sign:
        """Return the sign that series tell, by values or by the mean value."""
        value, slope, *_ = coefficients(row[1])
        least, most = _sign_of(value)
        if len(row) < 3:
            return least, most
        # from the end next to zero on
        down, up = _sign_of(coefficients(row[2])[0])
        slow, fast = _sign_of(arb(self.side) * slope)
        if slow >= 0:
            least = max(least, 1 if self._is_open and slow > 0 and down == 0 else down)
        if fast <= 0:
            most = min(most, -1 if self._is_open and fast < 0 and up == 0 else up)
        return least, most

    def _by_rule(self, op: Operator, entry: Entry, ins: Sequence[int]) -> Sign:
        """Return the sign of a function by those of its arguments."""
        signs = [self._signs.get(i, ANY) for i in ins]
        if op is ops.multiply or op is ops.square:
            (a, b), (c, d) = signs[0], signs[-1]
            corners = [a * c, a * d, b * c, b * d]
            return min(corners), max(corners)
        if op is ops.add or op is ops.subtract:
            return _added(signs[0], signs[1] if op is ops.add else _opposite(signs[1]))
        if entry.rises is not None and entry.value(ZERO).is_zero():
            return signs[0] if entry.rises else _opposite(signs[0])
        return ANY

    def _difference(self, i: int, j: int) -> Sign:
        """Return the sign of the difference of two functions."""
        if i not in self._signs or j not in self._signs:
            return ANY
        sign = _added(self._signs[i], _opposite(self._signs[j]))
        if i not in self.series or j not in self.series:
            return sign
        pairs = zip(self.series[i], self.series[j], strict=True)
        return _both(sign, self._seen([x - y for x, y in pairs]))

    # -- choices -----------------------------------------------------------------------

    def _decided(
        self, op: Operator, ins: Sequence[int], attrs: Mapping[str, Any]
    ) -> int | Ball | None:
        """Return the slot or the number that a choice is here, None if not known."""
        first = self._signs.get(ins[0], ANY)
        if op is ops.where:
            return _taken(first, ins[1], ins[2])
        if op is ops.is_positive or op is ops.step:
            return _taken(first, ONE, ZERO)
        if op is ops.maximum or op is ops.minimum:
            return self._extreme(ins[0], ins[1], upward=op is ops.maximum)
        if op is ops.narrowed and ins[0] in self._signs:
            return self._extreme(ins[1], ins[2], upward=attrs["upward"])
        if op is ops.relu:
            return ins[0] if first[0] >= 0 else ZERO if first[1] <= 0 else None
        if op is ops.absolute and first[0] >= 0:
            return ins[0]
        return None

    def _extreme(self, i: int, j: int, *, upward: bool) -> int | None:
        """Return the larger or the smaller of two; where they tie they are the same."""
        least, most = self._difference(i, j)
        if least >= 0:
            return i if upward else j
        if most <= 0:
            return j if upward else i
        return None


def chooses(slot: int, tasks: Sequence[Single]) -> bool:
    """Return whether functions of other things than the coordinate have kinks."""
    return any(
        op in CHOICES
        or (ins[0] != slot and op.elementwise and entry_of(op, attrs).sides is not None)
        for op, (_, ins), attrs in tasks
    )


def coefficients(series: Any) -> list[Ball]:
    """Return all coefficients of a series."""
    found = list(series.coeffs())
    return found + [ZERO] * (ORDER - len(found))


def _sign_of(x: Ball) -> Sign:
    least = 1 if x > ZERO else 0 if x >= ZERO else -1
    return least, -1 if x < ZERO else 0 if x <= ZERO else 1


def _both(x: Sign, y: Sign) -> Sign:
    return max(x[0], y[0]), min(x[1], y[1])


def _opposite(x: Sign) -> Sign:
    return -x[1], -x[0]


def _added(x: Sign, y: Sign) -> Sign:
    least, most = (min(x[0], y[0]), max(x[0], y[0])), (min(x[1], y[1]), max(x[1], y[1]))
    return least[1] if least[0] >= 0 else -1, most[0] if most[1] <= 0 else 1


def _taken(sign: Sign, above: Any, below: Any) -> Any:
    """Return what a condition chooses: it holds where it is positive."""
    return above if sign[0] > 0 else below if sign[1] <= 0 else None
