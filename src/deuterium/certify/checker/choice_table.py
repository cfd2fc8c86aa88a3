"""Conditions, choices, rounding, interpolation and sorting, in balls.

Each operator twice: its range between ends, and its value at a point.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flint import arb

from deuterium import ops
from deuterium.certify.checker import pole_ranges
from deuterium.certify.checker.ball_functions import (
    HALF,
    ONE,
    UNKNOWN,
    ZERO,
    Ball,
    between,
    larger,
    smaller,
    where_known,
)
from deuterium.certify.checker.binary_ranges import above, below, over, times
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.operator_entry import Entry
from deuterium.graph.operator import Operator

Range = tuple[Ball, Ball]
Attrs = Mapping[str, Any]
EITHER = between(ZERO, ONE)
LARGEST = 2**53  # whole numbers beyond it are not told from others

# -- conditions ----------------------------------------------------------------------


def _positive(a: Ball, b: Ball) -> Range:
    return ONE if a > ZERO else ZERO, ZERO if b <= ZERO else ONE


def _zero(a: Ball, b: Ball) -> Range:
    certain = a.is_zero() and b.is_zero()
    return ONE if certain else ZERO, ZERO if a > ZERO or b < ZERO else ONE


def _where(c: Ball, d: Ball, a: Ball, b: Ball, p: Ball, q: Ball) -> Range:
    if c > ZERO:
        return a, b
    if d <= ZERO:
        return p, q
    return smaller(a, p), larger(b, q)


def _where_value(c: Ball, x: Ball, y: Ball) -> Ball:
    if c > ZERO:
        return x
    if c <= ZERO:
        return y
    return between(x, y) if x.is_finite() and y.is_finite() else UNKNOWN


# -- whole numbers -------------------------------------------------------------------


def _whole(round_: Callable[[Ball], Ball]) -> Callable[[Ball, Ball], Range]:
    def rule(a: Ball, b: Ball) -> Range:
        low, high = round_(a.lower()), round_(b.upper())
        return (
            low if low.is_exact() or abs(low) <= LARGEST else low - ONE,
            high if high.is_exact() or abs(high) <= LARGEST else high + ONE,
        )

    return rule


def rint(x: Ball) -> Ball:
    """Return the nearest whole number of an exact one, halves to even."""
    down = x.floor()
    gap = x - down
    if gap < HALF:
        return down
    if gap > HALF:
        return down + ONE
    return down if (down * HALF).is_integer() else down + ONE


def trunc(x: Ball) -> Ball:
    """Return an exact number without its fraction."""
    return x.floor() if x >= ZERO else x.ceil()


ROUNDINGS: Mapping[Operator, Callable[[Ball], Ball]] = {
    ops.floor: arb.floor, ops.ceil: arb.ceil, ops.rint: rint, ops.trunc: trunc,
}  # fmt: skip


def _slope_of(op: Operator) -> Operator:
    slope = op.derivative
    assert isinstance(slope, Operator)  # it is entered beside its rounding
    return slope


def _rounded(round_: Callable[[Ball], Ball]) -> Callable[[Ball], Ball]:
    @where_known
    def value(x: Ball) -> Ball:
        low, high = round_(x.lower()), round_(x.upper())
        return low if low == high else between(low, high)

    return value


def _still(op: Operator) -> Callable[[Ball, Ball], Range]:
    """Return the rule of the slope of a rounding: 0 between its jumps."""
    round_, name = ROUNDINGS[op], op.name

    def rule(a: Ball, b: Ball) -> Range:
        low, high = a.lower(), b.upper()
        if not (low.is_finite() and high.is_finite()) or round_(low) != round_(high):
            raise NoBound(f"the slope of {name} over a jump")
        if any(_is_jump(op, e) for e in (low, high)):
            raise NoBound(f"the slope of {name} at a jump")
        return ZERO, ZERO

    return rule


def _is_jump(op: Operator, x: Ball) -> bool:
    if op is ops.rint:
        return bool((x + HALF).is_integer())
    return bool(x.is_integer()) and not (op is ops.trunc and x.is_zero())


def _quotient(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    low, high = over(a, b, c, d)
    most = high.upper().floor()
    if (b < ZERO and c > ZERO) or (a > ZERO and d < ZERO):  # negative, however small
        most = smaller(most, -ONE)
    return low.lower().floor(), most


def _remainder(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    k, m = _quotient(a, b, c, d)
    least, most = smaller(c, ZERO), larger(d, ZERO)
    if k.is_finite() and k == m:
        p, q = times(c, d, k, m)
        return larger(a - q, least), smaller(b - p, most)
    return least, most


@where_known
def _quotient_value(x: Ball, y: Ball) -> Ball:
    return _rounded(arb.floor)(x / y)


@where_known
def _remainder_value(x: Ball, y: Ball) -> Ball:
    return x - y * _quotient_value(x, y)


# -- interpolation -------------------------------------------------------------------


def _points(attrs: Attrs) -> list[tuple[Ball, Ball]]:
    return [(arb(x), arb(y)) for x, y in zip(attrs["xs"], attrs["ys"], strict=True)]


def _polygon(x: Ball, points: Sequence[tuple[Ball, Ball]]) -> Ball:
    """Return the polygon's value at an exact number."""
    if x <= points[0][0]:
        return points[0][1]
    for (a, c), (b, d) in itertools.pairwise(points):
        if x <= b:
            return d if x == b else c + (x - a) * ((d - c) / (b - a))
    return points[-1][1]


def _interp(attrs: Attrs) -> Callable[[Ball, Ball], Range]:
    points = _points(attrs)

    def rule(a: Ball, b: Ball) -> Range:
        low, high = a.lower(), b.upper()
        values = [_polygon(e, points) for e in (low, high)]
        values += [y for x, y in points if low <= x <= high]
        least = most = values[0]
        for y in values[1:]:
            least, most = smaller(least, y), larger(most, y)
        return least, most

    return rule


def _interp_slope(attrs: Attrs) -> Callable[[Ball, Ball], Range]:
    points = _points(attrs)
    slopes = [ZERO]
    slopes += [(d - c) / (b - a) for (a, c), (b, d) in itertools.pairwise(points)]
    slopes.append(ZERO)

    def rule(a: Ball, b: Ball) -> Range:
        low, high = a.lower(), b.upper()
        first = sum(1 for x, _ in points if x < low)
        last = sum(1 for x, _ in points if x <= high)
        least = most = slopes[first]
        for s in slopes[first + 1 : last + 1]:
            least, most = smaller(least, s), larger(most, s)
        return least, most

    return rule


def _interp_still(attrs: Attrs) -> Callable[[Ball, Ball], Range]:
    points = _points(attrs)

    def rule(a: Ball, b: Ball) -> Range:
        low, high = a.lower(), b.upper()
        if any(not (x < low or x > high) for x, _ in points):
            raise NoBound("the slope of a slope over a knot")
        return ZERO, ZERO

    return rule


# -- order ---------------------------------------------------------------------------


def _possible(low: Sequence[Ball], high: Sequence[Ball], i: int) -> range:
    """Return the ranks that an element may have."""
    n = len(low)
    below_it = sum(1 for j in range(n) if j != i and high[j] < low[i])
    above_it = sum(1 for j in range(n) if j != i and low[j] > high[i])
    return range(below_it, n - above_it)


def _sorted(balls: Sequence[Ball]) -> list[Ball]:
    """Return balls for the order statistics, by a network of exchanges."""
    row = list(balls)
    for end in range(len(row) - 1, 0, -1):
        for i in range(end):
            row[i], row[i + 1] = smaller(row[i], row[i + 1]), larger(row[i], row[i + 1])
    return row


def _reordered(g: Sequence[Range], x: Sequence[Range], reverse: bool) -> list[Range]:
    low, high = [a for a, _ in x], [b for _, b in x]
    ranks = [_possible(low, high, i) for i in range(len(x))]
    out = []
    for k in range(len(x)):
        sources = (
            [g[r] for r in ranks[k]]
            if reverse
            else [g[i] for i in range(len(x)) if k in ranks[i]]
        )
        least, most = sources[0]
        for a, b in sources[1:]:
            least, most = smaller(least, a), larger(most, b)
        out.append((least, most))
    return out


def _order_still(x: Sequence[Range]) -> list[Range]:
    low, high = [a for a, _ in x], [b for _, b in x]
    if any(len(_possible(low, high, i)) > 1 for i in range(len(x))):
        raise NoBound("the slope of an order where two elements may tie")
    return [(ZERO, ZERO)] * len(x)


# -- the tables ----------------------------------------------------------------------

Rule = Callable[..., Range]
Value = Callable[..., Ball]


def _plain(rule: Any) -> Callable[[Attrs], Any]:
    return lambda attrs: rule


RANGES: Mapping[Operator, Callable[[Attrs], Rule]] = {
    ops.is_positive: _plain(_positive),
    ops.is_zero: _plain(_zero),
    ops.logical_not: _plain(lambda a, b: (ONE - b, ONE - a)),
    ops.where: _plain(_where),
    ops.narrowed: lambda attrs: (
        (lambda e, f, a, b, c, d: (above(a, c), larger(b, d)))
        if attrs["upward"]
        else (lambda e, f, a, b, c, d: (smaller(a, c), below(b, d)))
    ),
    ops.on_domain: lambda attrs: pole_ranges.RANGES[attrs["of"]],
    **{op: _plain(_whole(f)) for op, f in ROUNDINGS.items()},
    **{_slope_of(op): _plain(_still(op)) for op in ROUNDINGS},
    ops.floor_divide: _plain(_quotient),
    ops.remainder: _plain(_remainder),
    ops.interp: _interp,
    ops.interp_slope: _interp_slope,
    ops.interp_curvature: _interp_still,
}
"""The range of every element-wise operator, from its attributes."""

_zero_value = where_known(lambda x: ZERO)


def _of_range(rule: Callable[[Attrs], Rule]) -> Callable[[Attrs], Value]:
    """Return the value at a ball: the range between its ends."""

    def made(attrs: Attrs) -> Value:
        inner = rule(attrs)
        return where_known(lambda x: between(*inner(x.lower(), x.upper())))

    return made


def _slope_at(attrs: Attrs) -> Value:
    """Return the polygon's slope at a ball; at a knot, that on its left."""
    points = _points(attrs)
    inner = _interp_slope(attrs)

    def value(x: Ball) -> Ball:
        if x.is_exact() and any(x == a for a, _ in points):
            k = next(k for k, (a, _) in enumerate(points) if x == a)
            if k == 0:
                return ZERO
            (a, c), (b, d) = points[k - 1], points[k]
            return (d - c) / (b - a)
        return between(*inner(x.lower(), x.upper()))

    return where_known(value)


VALUES: Mapping[Operator, Callable[[Attrs], Value]] = {
    ops.is_positive: _of_range(RANGES[ops.is_positive]),
    ops.is_zero: _of_range(RANGES[ops.is_zero]),
    ops.logical_not: _plain(where_known(lambda x: ONE - x)),
    ops.where: _plain(_where_value),
    ops.narrowed: lambda attrs: (
        lambda c, x, y: larger(x, y) if attrs["upward"] else smaller(x, y)
    ),
    ops.on_domain: lambda attrs: pole_ranges.VALUES[attrs["of"]],
    **{op: _plain(_rounded(f)) for op, f in ROUNDINGS.items()},
    **{_slope_of(op): _plain(_zero_value) for op in ROUNDINGS},
    ops.floor_divide: _plain(_quotient_value),
    ops.remainder: _plain(_remainder_value),
    ops.interp: _of_range(_interp),
    ops.interp_slope: _slope_at,
    ops.interp_curvature: _plain(_zero_value),
}
"""The value of every element-wise operator at balls, from its attributes."""

ROWS: Mapping[Operator, Callable[[Attrs], Callable[[list[Range]], list[Range]]]] = {
    ops.sort_last: lambda attrs: (
        lambda row: list(
            zip(_sorted([a for a, _ in row]), _sorted([b for _, b in row]), strict=True)
        )
    ),
    ops.reorder: lambda attrs: (
        lambda row: _reordered(
            row[: len(row) // 2], row[len(row) // 2 :], attrs["reverse"]
        )
    ),
    ops.rank_slope: _plain(_order_still),
}
"""Ranges of rows from rows; of two arguments, one row behind the other."""


def choice_entry(op: Operator, attrs: Attrs) -> Entry | None:
    """Return what is stated here of an element-wise operator."""
    if op not in RANGES:
        return None
    series = (lambda x: ONE - x) if op is ops.logical_not else None
    return Entry(VALUES[op](attrs), RANGES[op](attrs), series=series)
