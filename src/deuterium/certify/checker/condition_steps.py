"""Check of a contraction: what conditions leave of a region, worked out backward.

The ranges of a condition's parts are known from the region; from what the condition
asks of the result follows what each argument may be, operator by operator, down to the
inputs (Benhamou, Goualard, Granvilliers and Puget, "Revising hull and box consistency",
ICLP 1999).  An end that is not a number says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deuterium import ops
from deuterium.certify.checker.ball_functions import (
    INFINITY,
    UNKNOWN,
    ZERO,
    Ball,
    larger,
    smaller,
)
from deuterium.certify.checker.exceptions import NoBound, NoPoint
from deuterium.certify.checker.proof_region import Region
from deuterium.certify.checker.range_steps import Step, step_for
from deuterium.certify.checker.scalar_layout import ScalarLayout, TaskGroup
from deuterium.graph.variable import Variable

ROUNDS = 4  # over all conditions: each can use what the last has cut

Range = tuple[Ball, Ball]
ANY: Range = (-INFINITY, INFINITY)


class Ranges:
    """What the numbers of one condition may be; NaN where one may be undefined."""

    def __init__(self, low: list[Any], high: list[Any]) -> None:
        self.low, self.high = low, high

    def __getitem__(self, slot: int) -> Range:
        return self.low[slot], self.high[slot]

    def cut(self, slot: int, low: Ball, high: Ball) -> None:
        """Leave out what lies beyond two ends, of which NaN says nothing."""
        a, b = self[slot]
        # of ends that may be equal the first stays, which may be exact
        if low > a or a.is_nan():
            self.low[slot] = low
        if high < b or b.is_nan():
            self.high[slot] = high
        if self.low[slot] > self.high[slot]:
            raise NoPoint


@dataclass(frozen=True)
class _Task:
    """One number, or a few, from others."""

    op: Any
    outs: tuple[int, ...]
    ins: tuple[int, ...]
    forward: Step


class _Need:
    """A number that lies in a range wherever the conditions hold.

    Parameters
    ----------
    h : Variable
        The number; of an array, every element.
    wanted : Range
        Where it lies.
    starts, size :
        As of `Conditions`.
    """

    def __init__(
        self, h: Variable, wanted: Range, starts: Mapping[str, int], size: int
    ) -> None:
        layout = ScalarLayout([h], starts, size)
        self.wanted, self.count, self.numbers = wanted, layout.count, layout.numbers
        self.slots = [int(i) for i in layout.slots[h].ravel()]
        self.tasks = [
            _Task(group.op, outs, ins, _forward(group, outs, ins, layout.numbers))
            for group in layout.keep(set(self.slots))
            for outs, ins in group.tasks
        ]

    def cut(self, low: Sequence[Ball], high: Sequence[Ball]) -> Ranges:
        """Return what all numbers may be where this one is in its range."""
        found = Ranges([None] * self.count, [None] * self.count)
        found.low[: len(low)], found.high[: len(high)] = low, high
        for slot, x in self.numbers.items():
            found.low[slot] = found.high[slot] = x
        for task in self.tasks:
            try:
                if any(e.is_nan() for i in task.ins for e in found[i]):
                    raise NoBound
                task.forward(found.low, found.high)
            except NoBound:
                for k in task.outs:
                    found.low[k] = found.high[k] = UNKNOWN
        for slot in self.slots:
            found.cut(slot, *self.wanted)
        for task in reversed(self.tasks):
            if task.op in BACKWARD:
                BACKWARD[task.op](found, task.outs[0], task.ins)
        return found


def _forward(
    group: TaskGroup, outs: Any, ins: Any, numbers: Mapping[int, Ball]
) -> Step:
    one = TaskGroup(group.op, [(outs, ins)], group.attrs)
    return step_for(one, numbers, slopes=group.op is ops.step)


class Conditions:
    """Conditions that hold at all points that count.

    Parameters
    ----------
    conditions : sequence of Variable
        Of any shape; every element holds.
    starts : mapping
        The first coordinate of each symbol, by name.
    size : int
        How many inputs there are.
    """

    def __init__(
        self, conditions: Sequence[Variable], starts: Mapping[str, int], size: int
    ) -> None:
        self.size = size
        pairs = [pair for c in conditions for pair in _wanted(c)]
        self._needs = [_Need(h, wanted, starts, size) for h, wanted in pairs]

    def within(self, region: Region) -> tuple[Sequence[Ball], Sequence[Ball]]:
        """Return lower and upper ends of all inputs where the conditions hold.

        Raises
        ------
        NoPoint
            They hold nowhere in the region.
        """
        low, high = region.low[: self.size], region.high[: self.size]
        for _ in range(ROUNDS):
            for need in self._needs:
                found = need.cut(low, high)
                low, high = found.low[: self.size], found.high[: self.size]
        return low, high


def _wanted(c: Variable, holds: bool = True) -> Iterator[tuple[Variable, Range]]:
    """Yield numbers with the ranges that they have where a condition holds."""
    if c.op is ops.logical_not:
        yield from _wanted(c.args[0], not holds)
    elif c.op is (ops.minimum if holds else ops.maximum):
        for a in c.args:
            yield from _wanted(a, holds)
    elif c.op is ops.is_positive:
        yield c.args[0], (ZERO, INFINITY) if holds else (-INFINITY, ZERO)
    elif c.op is ops.is_zero and holds:
        yield c.args[0], (ZERO, ZERO)


# -- arithmetic of ends ----------------------------------------------------------------


def _product(x: Ball, y: Ball) -> Ball:
    """Return a product of ends, zero where one is zero."""
    return ZERO if x.is_zero() or y.is_zero() else x * y


def _hull(ends: Sequence[Ball]) -> Range:
    low, high = ends[0], ends[0]
    for e in ends[1:]:
        low, high = smaller(low, e), larger(high, e)
    return (UNKNOWN, UNKNOWN) if any(e.is_nan() for e in ends) else (low, high)


def _times(x: Range, y: Range) -> Range:
    return _hull([_product(a, b) for a in x for b in y])


def _over(x: Range, y: Range) -> Range:
    """Return a range of quotients; anything where the divisor may be zero."""
    if not (y[0] > ZERO or y[1] < ZERO):
        return ANY
    # of both ends infinite, what lies between has those of the other pairs around it
    pairs = [(a, b) for a in x for b in y if a.is_finite() or b.is_finite()]
    return _hull([a / b if b.is_finite() else ZERO for a, b in pairs])


def _root(x: Ball) -> Ball:
    """Return the root of an end, zero below zero."""
    if x.is_finite():
        return larger(x, ZERO).sqrt() if x > ZERO else ZERO if x <= ZERO else UNKNOWN
    return x


# -- backward through one operator -----------------------------------------------------


def _add(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    low, high = m[out]
    for i, j in (ins, ins[::-1]):
        m.cut(i, low - m.high[j], high - m.low[j])


def _subtract(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    i, j = ins
    m.cut(i, m.low[out] + m.low[j], m.high[out] + m.high[j])
    m.cut(j, m.low[i] - m.high[out], m.high[i] - m.low[out])


def _multiply(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    for i, j in (ins, ins[::-1]):
        m.cut(i, *_over(m[out], m[j]))


def _divide(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    i, j = ins
    m.cut(i, *_times(m[out], m[j]))
    m.cut(j, *_over(m[i], m[out]))


def _negative(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    m.cut(ins[0], -m.high[out], -m.low[out])


def _either_sign(m: Ranges, i: int, least: Ball, most: Ball) -> None:
    """Cut a number whose size lies between two numbers, and its sign is known or not.

    The size is never negative, whatever its range says.
    """
    low, high = m[i]
    m.cut(i, least if low >= ZERO else -most, -least if high <= ZERO else most)


def _absolute(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    _either_sign(m, ins[0], *m[out])


def _square(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    _either_sign(m, ins[0], _root(m.low[out]), _root(m.high[out]))


def _sqrt(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    low, high = m[out]
    least = low * low if low > ZERO else ZERO
    m.cut(ins[0], least, high * high if high >= ZERO else UNKNOWN)


def _exp(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    low, high = (e.log() if e > ZERO else UNKNOWN for e in m[out])
    m.cut(ins[0], low, high)


def _log(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    m.cut(ins[0], *(e.exp() for e in m[out]))


def _maximum(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    for i in ins:
        m.cut(i, -INFINITY, m.high[out])


def _minimum(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    for i in ins:
        m.cut(i, m.low[out], INFINITY)


def _relu(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    low, high = m[out]
    m.cut(ins[0], low if low > ZERO else -INFINITY, high)


def _sum(m: Ranges, out: int, ins: tuple[int, ...]) -> None:
    """Cut every term to the sum less what the others may be."""
    lows, highs = ([e[i] for i in ins] for e in (m.low, m.high))
    least, most = (_without_each(e) for e in (lows, highs))
    low, high = m[out]
    for i, a, b in zip(ins, least, most, strict=True):
        m.cut(i, low - b, high - a)


def _without_each(terms: Sequence[Ball]) -> list[Ball]:
    """Return the sums of all terms but one, for each of them."""
    before, after = [ZERO], [ZERO]
    for x in terms[:-1]:
        before.append(before[-1] + x)
    for x in terms[:0:-1]:
        after.append(after[-1] + x)
    return [a + b for a, b in zip(before, after[::-1], strict=True)]


BACKWARD: Mapping[Any, Callable[[Ranges, int, tuple[int, ...]], None]] = {
    ops.add: _add,
    ops.subtract: _subtract,
    ops.multiply: _multiply,
    ops.divide: _divide,
    ops.negative: _negative,
    ops.square: _square,
    ops.sqrt: _sqrt,
    ops.absolute: _absolute,
    ops.maximum: _maximum,
    ops.minimum: _minimum,
    ops.relu: _relu,
    ops.exp: _exp,
    ops.log: _log,
    ops.add_reduce: _sum,
}
"""What is known of arguments from the range of the result."""
