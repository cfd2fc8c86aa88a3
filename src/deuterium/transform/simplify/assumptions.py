"""What is known about nodes over a domain: the facts that rules ask for.

A rule such as ``exp(log x) = x`` holds where ``x > 0``.  Whether that is so is read off
an enclosure of ``x`` over the domain, computed when a rule first asks and kept.  Beside
its range each node carries whether it is certainly never zero: ``exp(x) > 0`` holds for
every real ``x``, although the least number its range can name is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol, runtime_checkable

import numpy as np

from deuterium import ops
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.interval_arithmetic import undefined_where
from deuterium.interval.rounding import TINY, next_down, next_up

_make = Interval.unchecked

MOST_LOOKS = 64  # at so many nodes, before the range is worked out

_SPREADS = frozenset({ops.broadcast, ops.reshape})


@runtime_checkable
class Bounds(Protocol):
    """The part of a domain that is used here."""

    @property
    def names(self) -> Collection[str]:
        """Names of the symbols that are constrained."""

    def hull(self, symbol: Variable) -> Interval:
        """Return a box that holds every value of a symbol."""


class Assumptions:
    """Facts about nodes over a domain, worked out when they are asked for.

    Parameters
    ----------
    domain : Domain, optional
        Without one, or where it does not name a symbol, any real number is allowed.
    inputs : iterable of Variable
        Constants whose value may change later; nothing is known about them.

    Attributes
    ----------
    rank : dict
        The order in which nodes became final, which makes sorting reproducible.
    products, sums : dict
        Nodes seen as products and as sums, kept since several rules look.
    half_lines : dict
        Nodes as conditions on what they are made of, where they are positive.
    choosing : dict
        Whether nodes are sums with a choice in them.
    dense : frozenset of str
        Symbols whose single values do not matter: what is asked for is a slope almost
        everywhere.
    """

    def __init__(
        self, domain: Bounds | None = None, inputs: Iterable[Variable] = ()
    ) -> None:
        self.domain = domain
        self.inputs = frozenset(inputs)
        self.rank: dict[Variable, int] = {}
        self.products: dict[Variable, Any] = {}
        self.sums: dict[Variable, Any] = {}
        self.half_lines: dict[Variable, Any] = {}
        self.choosing: dict[Variable, bool] = {}
        self.dense: frozenset[str] = frozenset()
        self._names = frozenset() if domain is None else frozenset(domain.names)
        self._facts: dict[Variable, tuple[Interval, bool]] = {}

    # -- questions -------------------------------------------------------------------

    def defined(self, *nodes: Variable) -> bool:
        """Whether every node has a real value all over the domain."""
        return all(not np.any(_unreal(self._of(v)[0])) for v in nodes)

    def nonzero(self, v: Variable) -> bool:
        """Whether ``v`` is defined and nowhere zero."""
        x, never_zero = self._of(v)
        apart = never_zero or bool(np.all((x.lower > 0) | (x.upper < 0)))
        return apart and not np.any(_unreal(x))

    def nonnegative(self, v: Variable) -> bool:
        """Whether ``v`` is defined and nowhere negative."""
        return self.defined(v) and bool(np.all(self._of(v)[0].lower >= 0))

    def never_negative(self, v: Variable) -> bool:
        """Whether ``v`` is nowhere negative where it is defined."""
        stack, looks = [v], 0
        while stack:
            x = stack.pop()
            number, looks = self.number(x), looks + 1
            if number is not None and number >= 0:
                continue
            if x.op is None or looks > MOST_LOOKS:
                return self.nonnegative(v)
            if x.op.keeps_sign and not x.op.nonnegative:
                stack.extend(x.args)
            elif not x.op.nonnegative:
                return self.nonnegative(v)
        return True

    def positive(self, v: Variable) -> bool:
        """Whether ``v`` is defined and positive everywhere."""
        return self.nonnegative(v) and self.nonzero(v)

    def range(self, v: Variable) -> Interval:
        """Return an enclosure of ``v`` over the domain, NaN where it is undefined."""
        return self._of(v)[0]

    def number(self, v: Variable) -> float | int | None:
        """Return the number that every element of ``v`` is, if it is one constant."""
        while v.op is not None:
            if v.op not in _SPREADS:
                return None
            v = v.args[0]
        if v.value is None or v.shape or v in self.inputs:
            return None
        return v.value if math.isfinite(v.value) else None

    # -- how the answers are found ---------------------------------------------------

    def _of(self, v: Variable) -> tuple[Interval, bool]:
        facts = self._facts
        stack = [v]
        while stack:
            node = stack[-1]
            missing = [a for a in node.args if a not in facts]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            if node not in facts:
                with np.errstate(all="ignore"):
                    facts[node] = (
                        self._leaf(node) if node.op is None else self._node(node)
                    )
        return facts[v]

    def _leaf(self, v: Variable) -> tuple[Interval, bool]:
        if v.is_constant and v not in self.inputs:
            x = _constant(v.value)
            return x, bool(np.all(np.asarray(v.value) != 0))
        if v.is_symbol and v.name in self._names:
            assert self.domain is not None  # its names are not empty
            box = self.domain.hull(v)
            return (box if np.ndim(box.lower) else _floats(box)), False
        if v.shape == ():
            return _make(-np.inf, np.inf), False
        return _make(np.full(v.shape, -np.inf), np.full(v.shape, np.inf)), False

    def _node(self, v: Variable) -> tuple[Interval, bool]:
        assert v.op is not None  # a leaf has been dealt with
        arguments = [self._facts[a] for a in v.args]
        ranges = [x for x, _ in arguments]
        op = v.op
        if not (op.moves_elements or op.chooses):  # of others, infinity is no argument
            ranges = [undefined_where(x, _unreal(x)) for x in ranges]
        if op in _NEAR_ZERO and arguments[-1][1]:
            x = _near_zero(op, v, ranges)
        elif op is ops.matmul and not all(_all_finite(x) for x in ranges):
            x = _unbounded(v, ranges)
        else:
            x = v.op.enclosure(*ranges, **v.attrs)
        x = undefined_where(x, np.isnan(x.lower) | np.isnan(x.upper))  # at both ends
        if v.shape == () and np.ndim(x.lower) == 0:
            x = _floats(x)
        return x, _never_zero(op, ranges, [flag for _, flag in arguments])


def _constant(value: Any) -> Interval:
    if isinstance(value, np.ndarray):
        return _make(value, value)
    number = float(value)
    if number == value:
        return _make(number, number)
    return _make(float(next_down(number)), float(next_up(number)))


def _floats(x: Interval) -> Interval:
    return _make(float(x.lower), float(x.upper))


def _unreal(x: Interval) -> Any:
    """Where ``x`` is undefined, or an infinite constant."""
    return np.logical_not((x.lower < np.inf) & (x.upper > -np.inf))


def _all_finite(x: Interval) -> bool:
    return bool(np.all(np.isfinite(x.lower)) and np.all(np.isfinite(x.upper)))


def _unbounded(v: Variable, ranges: list[Interval]) -> Interval:
    """Nothing is known of a matrix product but whether it is defined."""
    bad = any(np.any(_unreal(x)) for x in ranges)
    ends = (np.nan, np.nan) if bad else (-np.inf, np.inf)
    return _make(np.full(v.shape, ends[0]), np.full(v.shape, ends[1]))


def _never_zero(op: Operator, ranges: list[Interval], flags: list[bool]) -> bool:
    if op.never_zero:
        return True
    if op.keeps_nonzero:
        return all(flags)
    if op is ops.add_reduce:
        return all(flags) and _one_sign(ranges) and np.size(ranges[0].lower) > 0
    if op in (ops.add, ops.maximum, ops.logaddexp):
        return any(flags) and bool(all(np.all(x.lower >= 0) for x in ranges))
    return False


def _one_sign(ranges: list[Interval]) -> bool:
    return bool(
        all(np.all(x.lower >= 0) for x in ranges)
        or all(np.all(x.upper <= 0) for x in ranges)
    )


# -- poles that are never reached ------------------------------------------------------


def _reciprocal(x: Interval, touches: Any, ranges: list[Interval]) -> Interval:
    return _make(x.lower, np.where(touches, np.inf, x.upper))


def _quotient(x: Interval, touches: Any, ranges: list[Interval]) -> Interval:
    top = ranges[0]
    return _make(
        np.where(touches & (top.lower < 0), -np.inf, x.lower),
        np.where(touches & (top.upper > 0), np.inf, x.upper),
    )


def _logarithm(x: Interval, touches: Any, ranges: list[Interval]) -> Interval:
    return _make(np.where(touches, -np.inf, x.lower), x.upper)


_NEAR_ZERO: dict[Operator, Callable[[Interval, Any, list[Interval]], Interval]] = {
    ops.reciprocal: _reciprocal,
    ops.integer_power: _reciprocal,
    ops.divide: _quotient,
    ops.log: _logarithm,
    ops.log2: _logarithm,
    ops.log10: _logarithm,
}


def _near_zero(op: Operator, v: Variable, ranges: list[Interval]) -> Interval:
    """Enclose ``1 / x``, ``y / x`` or ``log x`` of an ``x >= 0`` that is never zero."""
    assert v.op is not None  # a leaf has been dealt with
    x = ranges[-1]
    touches = (x.lower == 0) & (x.upper > 0)
    if op is ops.integer_power and v.attrs["n"] > 0:
        return v.op.enclosure(*ranges, **v.attrs)
    apart = _make(np.where(touches, np.minimum(TINY, x.upper), x.lower), x.upper)
    result = v.op.enclosure(*ranges[:-1], apart, **v.attrs)
    return _NEAR_ZERO[op](result, touches, ranges)
