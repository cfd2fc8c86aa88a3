"""What conditions, choices, rounding and sorting mean in ball arithmetic.

Element-wise rules take balls; rules of whole arrays take object arrays of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from deuterium.optional import require

Rule = Callable[..., Any]


def _flint() -> Any:
    return require("flint", "python-flint", "ball arithmetic")


def _hull(balls: list[Any]) -> Any:
    whole = balls[0]
    for x in balls[1:]:
        whole = whole.union(x)
    return whole


def _step_function(value: Callable[[Any], Any]) -> Rule:
    """Return a function of exact numbers, on balls: the hull of both ends' values."""
    return lambda x, **attrs: _hull([value(x.lower()), value(x.upper())])


@cache
def elementwise() -> Mapping[str, Rule]:
    """Return the rules of element-wise operators."""
    arb = _flint().arb
    zero, one, half = arb(0), arb(1), arb(1) / 2

    def is_zero(x: Any) -> Any:
        if x.is_zero():
            return one
        return zero if not x.contains(zero) else arb(half, half)

    def rint(x: Any) -> Any:
        down = (x + half).floor()  # halves upward, and then to even
        is_half = (x + half).is_integer()
        return down - one if is_half and not (down / 2).is_integer() else down

    def trunc(x: Any) -> Any:
        return x.floor() if x >= zero else x.ceil()

    return {
        "is_positive": _step_function(lambda x: one if x > zero else zero),
        "is_zero": is_zero,
        "logical_not": lambda x: one - x,
        "floor": _step_function(arb.floor),
        "ceil": _step_function(arb.ceil),
        "trunc": _step_function(trunc),
        "rint": _step_function(rint),
        **dict.fromkeys(("floor'", "ceil'", "trunc'", "rint'"), lambda x: zero),
        "floor_divide": _floor_divide,
        "remainder": _remainder,
        "on_domain": lambda x, of: _POLED[of](x),
        "interp": _polygon,
        "interp'": _polygon_slope,
        "interp''": lambda x, xs, ys: zero,
    }


def _floor_divide(x: Any, y: Any) -> Any:
    """Return a quotient rounded down; None where it is undefined for certain."""
    if y.contains(0):
        return None if y.is_zero() else _flint().arb("[+/- inf]")
    return _step_function(_flint().arb.floor)(x / y)


def _remainder(x: Any, y: Any) -> Any:
    whole = _floor_divide(x, y)
    return whole if whole is None else x - y * whole


_POLED: Mapping[str, Rule] = {
    "log": lambda x: x.log(),
    "log2": lambda x: x.log() / _flint().arb(2).log(),
    "log10": lambda x: x.log() / _flint().arb(10).log(),
    "log1p": lambda x: x.log1p(),
    "reciprocal": lambda x: 1 / x,
    "tan": lambda x: x.tan(),
}


def _polygon(x: Any, xs: Any, ys: Any) -> Any:
    """Return the hull of the polygon over the ball."""
    arb = _flint().arb
    points = [(arb(a), arb(b)) for a, b in zip(xs, ys, strict=True)]

    def at(t: Any) -> Any:
        if t <= points[0][0]:
            return points[0][1]
        for (a, c), (b, d) in itertools.pairwise(points):
            if t <= b:
                return c + (t - a) / (b - a) * (d - c)
        return points[-1][1]

    met = [y for a, y in points if x.lower() <= a <= x.upper()]
    return _hull([at(x.lower()), at(x.upper()), *met])


def _polygon_slope(x: Any, xs: Any, ys: Any) -> Any:
    """Return the hull of the slopes over the ball; at a knot, that of its left."""
    arb = _flint().arb
    points = [(arb(a), arb(b)) for a, b in zip(xs, ys, strict=True)]
    pairs = itertools.pairwise(points)
    slopes = [arb(0), *((d - c) / (b - a) for (a, c), (b, d) in pairs), arb(0)]
    first = sum(1 for a, _ in points if a < x.lower())
    last = sum(1 for a, _ in points if a < x.upper())
    return _hull(slopes[first : last + 1])


def _where(c: Any, a: Any, b: Any) -> Any:
    arb = _flint().arb
    if c.is_nan():
        return c
    if c > 0:
        return a
    if c <= 0:
        return b
    if a.is_nan() and b.is_nan():
        return a
    both = a.is_finite() and b.is_finite()
    return a.union(b) if both else arb(0, float("inf"))


def _narrowed(c: Any, x: Any, bound: Any, upward: bool, holds: bool) -> Any:
    return x.max(bound) if upward else x.min(bound)


def exchanged(row: list[Any]) -> list[Any]:
    """Return order statistics: minima and maxima of neighbours, n times over."""
    row = list(row)
    for _ in row:
        for i in range(len(row) - 1):
            row[i], row[i + 1] = row[i].min(row[i + 1]), row[i].max(row[i + 1])
    return row


def _reorder(g: Any, x: Any, reverse: bool) -> Any:
    arb = _flint().arb
    shape = np.broadcast_shapes(g.shape, x.shape)
    g, x = np.broadcast_to(g, shape), np.broadcast_to(x, shape)
    out = np.empty(shape, dtype=object)
    for place in np.ndindex(shape[:-1]):
        row, given = list(x[place]), list(g[place])
        if not all(e.is_finite() for e in [*row, *given]):
            bad = any(e.is_nan() for e in [*row, *given])
            out[place] = [arb("nan" if bad else "[+/- inf]")] * len(row)
            continue
        ranks = [_ranks(row, i) for i in range(len(row))]
        for k in range(len(row)):
            sources = (
                [given[r] for r in ranks[k]]
                if reverse
                else [given[i] for i in range(len(row)) if k in ranks[i]]
            )
            out[place][k] = _hull(sources)
    return out


def _ranks(row: list[Any], i: int) -> range:
    """Return the ranks an element may have; equals keep their order."""
    surely = sum(
        1 for j in range(len(row)) if row[j] < row[i] or (j < i and row[j] <= row[i])
    )
    never = sum(
        1 for j in range(len(row)) if row[j] > row[i] or (j > i and row[j] >= row[i])
    )
    return range(surely, len(row) - never)


@cache
def on_arrays() -> Mapping[str, Rule]:
    """Return the rules of operators on whole arrays, and of those that may not look."""
    return {
        "where": np.frompyfunc(_where, 3, 1),
        "narrowed": lambda c, x, bound, **attrs: np.frompyfunc(
            lambda c, x, b: _narrowed(c, x, b, **attrs), 3, 1
        )(c, x, bound),
        "reorder": _reorder,
    }
