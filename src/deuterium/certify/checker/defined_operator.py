"""Operators that the checker knows by their definition alone.

An operator that is not in the checker's table may carry in its record a definition by
other operators.  That definition is no part of a proof: it says what function is
spoken of.  Everything else is derived from it here.  Its range over an interval is the
hull of its values at the ends of pieces on which its derivative has one sign, and of
its definition's own range elsewhere.  Derivatives are formed as everywhere in the
checker, by the operators' own rules of differentiation; nothing else of a record (no
enclosure, no trait) is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from flint import arb

from deuterium import ops
from deuterium.certify.checker import taylor_series
from deuterium.certify.checker.ball_functions import HALF, ZERO, Ball, larger, smaller
from deuterium.certify.checker.choice_table import choice_entry
from deuterium.certify.checker.counted_operators import COUNTED
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.gamma_table import ordered_entry
from deuterium.certify.checker.operator_entry import Entry
from deuterium.certify.checker.operator_table import TABLE
from deuterium.certify.checker.scalar_layout import no_rule
from deuterium.errors import CertificateError
from deuterium.graph.constructors import apply, symbol
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.transform import grad

Range = tuple[Ball, Ball]
NO_ATTRS: Mapping[str, Any] = MappingProxyType({})
PIECES = 16  # of an interval, at most, on which the sign of a derivative is looked at


def entry_of(op: Operator, attrs: Mapping[str, Any] = NO_ATTRS) -> Entry:
    """Return what is stated of an element-wise operator, or what its definition says.

    Raises
    ------
    CertificateError
        It is not in the table and its record has no definition.
    """
    if op in TABLE:
        return TABLE[op]
    stated = choice_entry(op, attrs) or ordered_entry(op, attrs)
    if stated is not None:
        return stated
    if op in COUNTED:
        return COUNTED[op](**attrs)
    if op.definition is None or not op.elementwise:
        raise CertificateError(no_rule(op))
    return _plain_entry(op) if not attrs else _derived(op, attrs)


@cache
def _plain_entry(op: Operator) -> Entry:
    return _derived(op, NO_ATTRS)


def _derived(op: Operator, attrs: Mapping[str, Any]) -> Entry:
    assert op.definition is not None and op.arity is not None
    arguments = [symbol(f"argument {i}") for i in range(op.arity)]
    meaning = _Graph(op, op.definition(*arguments, **attrs), arguments)
    if op.arity != 1:
        return Entry(meaning.value, meaning.range, series=meaning.series)
    (slope,) = grad(apply(op, arguments, attrs), arguments)
    curve = _Curve(meaning, _Graph(op, slope, arguments))
    kinked = meaning.is_kinked
    return Entry(
        meaning.value,
        curve.range,
        slope_range=curve.clarke_range,
        series=None if kinked else meaning.series,
        sides=(meaning.below, meaning.above) if kinked else None,
        jumps=meaning.jumps,
        steepest=curve.steepest,
    )


class _Graph:
    """A scalar graph of element-wise operators, worked out node by node."""

    def __init__(self, op: Operator, v: Variable, arguments: list[Variable]) -> None:
        self.order, self.arguments = topological([v]), arguments
        self.entries: dict[Variable, Entry] = {}
        for n in self.order:
            if n.op is op:
                raise CertificateError(
                    f"the operator {op.name!r} is defined by itself; its record needs "
                    "a `definition`, and a derivative, by other operators"
                )
            if n.args and n.op is not None:
                self.entries[n] = entry_of(n.op, n.attrs)

    def _run(
        self,
        given: Sequence[Any],
        number: Callable[[Ball], Any],
        rule: Callable[[Variable, list[Any]], Any],
    ) -> Any:
        found: dict[Variable, Any] = dict(zip(self.arguments, given, strict=True))
        for n in self.order:
            if n in self.entries:
                found[n] = rule(n, [found[a] for a in n.args])
            elif n not in found:
                found[n] = number(arb.pi() if n.op is ops.pi else arb(n.value))
        return found[self.order[-1]]

    def value(self, *x: Ball) -> Ball:
        """Return the value at balls."""
        return self._run(x, lambda c: c, lambda n, a: self.entries[n].value(*a))

    def range(self, *ends: Ball, slopes: bool = False) -> Range:
        """Return the range over intervals, as if arguments did not depend."""

        def rule(n: Variable, args: list[Range]) -> Range:
            entry = self.entries[n]
            found = entry.slope_range if slopes and entry.slope_range else entry.range
            return found(*[e for pair in args for e in pair])

        given = list(zip(ends[::2], ends[1::2], strict=True))
        result: Range = self._run(given, lambda c: (c, c), rule)
        return result

    @property
    def is_kinked(self) -> bool:
        """Whether some operator on the argument itself has a kink."""
        return any(
            e.sides is not None and n.args[0] in self.arguments
            for n, e in self.entries.items()
        )

    @property
    def jumps(self) -> bool:
        """Whether some operator has at its kink the value of neither side."""
        return any(e.jumps for e in self.entries.values())

    def series(self, *x: Any, side: int = 0) -> Any:
        """Return the power series; the argument may be said to be on one side."""

        def rule(n: Variable, args: list[Any]) -> Any:
            own = side if n.args[0] in self.arguments else 0
            return applied(self.entries[n], args, own)

        return self._run(x, taylor_series.number, rule)

    def below(self, x: Any) -> Any:
        """Return the series of an argument below zero."""
        return self.series(x, side=-1)

    def above(self, x: Any) -> Any:
        """Return the series of an argument above zero."""
        return self.series(x, side=1)


class _Curve:
    """A function of one variable and its derivative."""

    def __init__(self, function: _Graph, slope: _Graph) -> None:
        self.function, self.slope = function, slope

    def range(self, a: Ball, b: Ball) -> Range:
        """Return the range, from the signs of the derivative where that helps."""
        return self._range(a, b, slopes=False)

    def clarke_range(self, a: Ball, b: Ball) -> Range:
        """Return the same where jumps count with the values of both sides."""
        return self._range(a, b, slopes=True)

    def _range(self, a: Ball, b: Ball, slopes: bool) -> Range:
        plain = self.function.range(a, b, slopes=slopes)  # NoBound where undefined
        if not all(x.is_finite() for x in (a, b, *plain)):
            return plain
        pieces = [self._piece(p, q, slopes) for p, q in self._pieces(a, b)]
        low, high = pieces[0]
        for c, d in pieces[1:]:
            low, high = smaller(low, c), larger(high, d)
        return larger(low, plain[0]), smaller(high, plain[1])

    def _piece(self, p: Ball, q: Ball, slopes: bool) -> Range:
        sign = self._sign(p, q)
        if not sign:
            return self.function.range(p, q, slopes=slopes)
        c, d = self.function.value(p), self.function.value(q)
        return (c, d) if sign > 0 else (d, c)

    def _sign(self, p: Ball, q: Ball) -> int:
        """Return which sign the derivative certainly has, 0 if that is not known."""
        try:
            least, most = self.slope.range(p, q, slopes=True)
        except NoBound:
            return 0
        return 1 if least >= ZERO else -1 if most <= ZERO else 0

    def _pieces(self, a: Ball, b: Ball) -> list[Range]:
        """Return pieces, halved where no sign is known."""
        done: list[Range] = []
        waiting = [(a, b)]
        while waiting:
            p, q = waiting.pop()
            middle = ((p + q) * HALF).mid()
            room = len(done) + len(waiting) + 2 <= PIECES
            if room and p < middle and middle < q and not self._sign(p, q):
                waiting += [(middle, q), (p, middle)]
            else:
                done.append((p, q))
        return done

    def steepest(self, a: Ball, b: Ball) -> Ball:
        """Return an upper bound of the absolute value of the slope."""
        if not (a.is_finite() and b.is_finite()):
            raise NoBound("the slope of an operator over what is not bounded")
        step = (b - a) / PIECES
        best = ZERO
        for k in range(PIECES):
            low, high = self.slope.range(a + k * step, a + (k + 1) * step, slopes=True)
            best = larger(best, larger(-low, high))
        return best


def applied(entry: Entry, args: Sequence[Any], side: int) -> Any:
    """Return an operator's power series.

    ``side`` is that of zero on which the argument lies, 0 where only its ball says so.

    Raises
    ------
    NoBound
        The operator has none here, and is known by its range only.
    """
    if entry.sides is not None:
        side = side or taylor_series.side_of(args[0])
        if side:
            return entry.sides[side > 0](args[0])
    elif entry.series is not None:
        return entry.series(*args)
    raise NoBound("an operator that has no power series here")
