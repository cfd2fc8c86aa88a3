"""What conditions, choices, rounding, polygons and sorting mean on balls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.testing.definitions import (
    EITHER,
    HALF,
    ONE,
    UNDEFINED,
    UNKNOWN,
    ZERO,
    guarded,
)

Rule = Callable[..., Any]


def _is_positive(x: Any) -> Any:
    return ONE if x > 0 else ZERO if x <= 0 else EITHER


def _is_zero(x: Any) -> Any:
    return ONE if x.is_zero() else ZERO if x != 0 else EITHER


def _logical_not(x: Any) -> Any:
    return ONE - x


def _stepwise(at: Rule) -> Rule:
    """Return a nondecreasing step function on balls, given it on exact numbers."""

    def run(x: Any) -> Any:
        low, high = at(x.lower()), at(x.upper())
        return low if low == high else low.union(high)

    return run


def _nearest(x: Any) -> Any:
    up = (x + HALF).floor()
    tie = (x + HALF).is_integer()
    return up - ONE if tie and not (up * HALF).is_integer() else up


def _zero(x: Any) -> Any:
    return ZERO


def _floor_divide(a: Any, b: Any) -> Any:
    if b.is_zero():
        return None
    return UNKNOWN if b.contains(0) else _stepwise(lambda x: x.floor())(a / b)


def _remainder(a: Any, b: Any) -> Any:
    if b.is_zero():
        return None
    return UNKNOWN if b.contains(0) else a - b * _stepwise(lambda x: x.floor())(a / b)


STEPS: dict[str, Rule] = {
    "floor": lambda x: x.floor(),
    "ceil": lambda x: x.ceil(),
    "trunc": lambda x: x.floor() if x >= 0 else x.ceil(),
    "rint": _nearest,
}
UNARY: dict[str, Rule] = {
    "is_positive": _is_positive,
    "is_zero": _is_zero,
    "logical_not": _logical_not,
    **{name: _stepwise(at) for name, at in STEPS.items()},
    **{f"{name}'": _zero for name in STEPS},
}
BINARY: dict[str, Rule] = {"floor_divide": _floor_divide, "remainder": _remainder}


def _where(c: Any, a: Any, b: Any) -> Any:
    if c.is_nan():
        return UNDEFINED
    if c > 0 or c <= 0:
        return a if c > 0 else b
    if a.is_nan() and b.is_nan():
        return UNDEFINED
    return a.union(b) if a.is_finite() and b.is_finite() else UNKNOWN


def _narrowed(c: Any, x: Any, bound: Any, upward: bool, holds: bool) -> Any:
    larger = guarded(lambda c, x, b: x.max(b) if upward else x.min(b))
    return np.frompyfunc(larger, 3, 1)(c, x, bound)


def _pieces(x: Any, xs: Any) -> range:
    """Return the pieces of a polygon that a ball may touch, knots to their left."""
    first = sum(bool(x.lower() > k) for k in xs)
    return range(first, sum(bool(x.upper() > k) for k in xs) + 1)


def _line(k: int, xs: Any, ys: Any) -> tuple[Any, Any, Any]:
    """Return a point of a piece, and its slope."""
    if k in (0, len(xs)):
        end = 0 if k == 0 else -1
        return ZERO + xs[end], ZERO + ys[end], ZERO
    slope = (ZERO + ys[k] - ys[k - 1]) / (ZERO + xs[k] - xs[k - 1])
    return ZERO + xs[k - 1], ZERO + ys[k - 1], slope


def _interp(x: Any, xs: Any, ys: Any) -> Any:
    whole = None
    for k in _pieces(x, xs):
        part = x
        if k > 0:
            part = part.max(ZERO + xs[k - 1])
        if k < len(xs):
            part = part.min(ZERO + xs[k])
        at, y, slope = _line(k, xs, ys)
        value = y + slope * (part - at)
        whole = value if whole is None else whole.union(value)
    return whole


def _interp_slope(x: Any, xs: Any, ys: Any) -> Any:
    whole = None
    for k in _pieces(x, xs):
        slope = _line(k, xs, ys)[2]
        whole = slope if whole is None else whole.union(slope)
    return whole


def _polygon(rule: Rule) -> Rule:
    def run(x: Any, xs: Any, ys: Any) -> Any:
        xs, ys = xs.tolist(), ys.tolist()
        return np.frompyfunc(guarded(lambda e: rule(e, xs, ys)), 1, 1)(x)

    return run


def exchanged(row: list[Any]) -> list[Any]:
    """Return a row in order, by exchanges of neighbours."""
    row = list(row)
    for end in range(len(row) - 1, 0, -1):
        for i in range(end):
            row[i], row[i + 1] = row[i].min(row[i + 1]), row[i].max(row[i + 1])
    return row


def _places(row: list[Any], i: int) -> range:
    before = sum(
        bool(x < row[i] or (j < i and x <= row[i])) for j, x in enumerate(row) if j != i
    )
    behind = sum(
        bool(x > row[i] or (j > i and x >= row[i])) for j, x in enumerate(row) if j != i
    )
    return range(before, len(row) - behind)


def _reordered(given: list[Any], row: list[Any], reverse: bool) -> list[Any]:
    places = [_places(row, i) for i in range(len(row))]
    done = []
    for k in range(len(row)):
        sources = list(places[k])
        if not reverse:
            sources = [i for i in range(len(row)) if k in places[i]]
        whole = given[sources[0]]
        for i in sources[1:]:
            whole = whole.union(given[i])
        done.append(whole)
    return done


def _reorder(g: Any, x: Any, reverse: bool) -> Any:
    lead = max(g.shape[0], x.shape[0]) if min(g.shape[0], x.shape[0]) else 0
    g, x = (np.broadcast_to(a, (lead, *a.shape[1:])) for a in (g, x))
    out = np.empty(x.shape, dtype=object)
    for place in np.ndindex(x.shape[:-1]):
        given, row = g[place].tolist(), x[place].tolist()
        if all(e.is_finite() for e in (*given, *row)):
            done = _reordered(given, row, reverse)
        else:
            bad = any(e.is_nan() for e in (*given, *row))
            done = [UNDEFINED if bad else UNKNOWN] * len(row)
        for k, e in enumerate(done):
            out[(*place, k)] = e
    return out


ON_ARRAYS: dict[str, Rule] = {
    "where": np.frompyfunc(_where, 3, 1),
    "narrowed": _narrowed,
    "interp": _polygon(_interp),
    "interp'": _polygon(_interp_slope),
    "interp''": _polygon(lambda x, xs, ys: ZERO),
    "reorder": _reorder,
}
