"""Piecewise linear interpolation between given points, as one operator.

One node, not a sum of kinks: between two neighbouring points the slope is one number,
and over an interval it is the hull of the slopes that occur there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import symengine as se

from deuterium.graph.operator import Operator, register
from deuterium.graph.variable import Variable, node
from deuterium.interval import Interval, interval_arithmetic
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where

_make = Interval.unchecked


def _segment(x: Any, xs: Any) -> Any:
    """Return the piece of each point: 0 left of all, len(xs) right of all."""
    return np.searchsorted(xs, x, side="right")


def _thin(values: Any) -> Interval:
    return _make(values, values)


def _slopes(xs: Any, ys: Any) -> Interval:
    """Return the slopes of all pieces, the flat ones at both ends included."""
    rise = interval_arithmetic.subtract(_thin(ys[1:]), _thin(ys[:-1]))
    inner = interval_arithmetic.divide(
        rise, interval_arithmetic.subtract(_thin(xs[1:]), _thin(xs[:-1]))
    )
    zero = np.zeros(1)
    return _make(*(np.concatenate([zero, e, zero]) for e in (inner.lower, inner.upper)))


def _at(x: Any, xs: Any, ys: Any) -> Interval:
    """Return the values at points."""
    x = np.clip(x, xs[0], xs[-1])
    i = np.clip(_segment(x, xs), 1, max(len(xs) - 1, 1)) - 1
    j = np.minimum(i + 1, len(xs) - 1)
    slopes = _slopes(xs, ys)
    slope = _make(slopes.lower[i + 1], slopes.upper[i + 1])
    run = interval_arithmetic.subtract(_thin(x), _thin(xs[i]))
    line = interval_arithmetic.add(
        _thin(ys[i]), interval_arithmetic.multiply(slope, run)
    )
    low, high = np.minimum(ys[i], ys[j]), np.maximum(ys[i], ys[j])
    at_knot = x == xs[j]
    low, high = np.fmax(line.lower, low), np.fmin(line.upper, high)
    return _make(np.where(at_knot, ys[j], low), np.where(at_knot, ys[j], high))


def _enclosure(x: Interval, xs: Any, ys: Any) -> Interval:
    bad = is_undefined(x)
    low, high = (np.where(bad, 0.0, e) for e in (x.lower, x.upper))
    first, last = _at(low, xs, ys), _at(high, xs, ys)
    least = np.minimum(first.lower, last.lower)
    most = np.maximum(first.upper, last.upper)
    for knot, value in zip(xs, ys, strict=True):
        inside = (low <= knot) & (knot <= high)
        least = np.where(inside, np.minimum(least, value), least)
        most = np.where(inside, np.maximum(most, value), most)
    return undefined_where(_make(least, most), bad)


def _slope_enclosure(x: Interval, xs: Any, ys: Any) -> Interval:
    slopes = _slopes(xs, ys)
    bad = is_undefined(x)
    low, high = (np.where(bad, 0.0, e) for e in (x.lower, x.upper))
    first = np.searchsorted(xs, low, side="left")  # at a knot, both its pieces
    last = _segment(high, xs)
    least, most = np.full(np.shape(low), np.inf), np.full(np.shape(low), -np.inf)
    for k in range(len(xs) + 1):
        here = (first <= k) & (k <= last)
        least = np.where(here, np.minimum(least, slopes.lower[k]), least)
        most = np.where(here, np.maximum(most, slopes.upper[k]), most)
    return undefined_where(_make(least, most), bad)


def _slope_value(x: Any, xs: Any, ys: Any) -> Any:
    """Return the slope at points, at a knot that of the piece on its left."""
    with np.errstate(all="ignore"):
        slopes = np.concatenate([[0.0], np.diff(ys) / np.diff(xs), [0.0]])
    return slopes[np.searchsorted(xs, x, side="left")]


def _check(x: Any, xs: Any, ys: Any) -> Any:
    if xs.ndim != 1 or xs.shape != ys.shape or not xs.size:
        raise ValueError("`xs` and `ys` must be vectors of one length, not empty")
    if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        raise ValueError("`xs` and `ys` must be finite")
    if np.any(np.diff(xs) <= 0):
        raise ValueError("`xs` must increase")
    return x


def _symbolic(x: Any, xs: Any, ys: Any) -> Any:
    pieces = [(float(ys[0]), x <= float(xs[0]))]
    for a, b, c, d in zip(xs[:-1], xs[1:], ys[:-1], ys[1:], strict=True):
        line = float(c) + (x - float(a)) * (float(d) - float(c)) / (float(b) - float(a))
        pieces.append((line, x <= float(b)))
    return se.Piecewise(*pieces, (float(ys[-1]), True))


def _symbolic_slope(x: Any, xs: Any, ys: Any) -> Any:
    slopes = [0.0, *(np.diff(ys) / np.diff(xs)).tolist()]
    pieces = [(s, x <= float(b)) for s, b in zip(slopes, xs, strict=True)]
    return se.Piecewise(*pieces, (0.0, True))


def _knots(node: Any, args: Any, bind: Any) -> str:
    xs, ys = bind(node.attrs["xs"]), bind(node.attrs["ys"])
    return f"{args[0]}, {xs}, {ys}"


interp: Operator = register(
    Operator(
        name="interp",
        arity=1,
        value=lambda x, xs, ys: np.interp(x, xs, ys),
        enclosure=_enclosure,
        symbolic=_symbolic,
        pullback=lambda g, out, x, xs, ys: (
            g * node(interp_slope, (x,), {"xs": xs, "ys": ys}, x.shape),
        ),
        shape=_check,
        code=lambda node, args, bind: f"interp({_knots(node, args, bind)})",
    )
)
"""The polygon through the points ``(xs, ys)``, constant outside them."""

interp_slope: Operator = register(
    Operator(
        name="interp'",
        arity=1,
        value=_slope_value,
        enclosure=_slope_enclosure,
        symbolic=_symbolic_slope,
        pullback=lambda g, out, x, xs, ys: (
            g * node(interp_curvature, (x,), {"xs": xs, "ys": ys}, x.shape),
        ),
        shape=_check,
        code=lambda node, args, bind: f"interp_slope({_knots(node, args, bind)})",
    )
)
"""Its slope; over an interval that holds a knot, the hull of both sides' (Clarke)."""


def _curvature_enclosure(x: Interval, xs: Any, ys: Any) -> Interval:
    zero = np.zeros(np.shape(x.lower))
    first = np.searchsorted(xs, x.lower, side="left")
    still = first == np.searchsorted(xs, x.upper, side="right")
    return undefined_where(_make(zero, zero), ~still | is_undefined(x))


interp_curvature: Operator = register(
    Operator(
        name="interp''",
        arity=1,
        value=lambda x, xs, ys: np.zeros(np.shape(x)),
        enclosure=_curvature_enclosure,
        symbolic=lambda x, xs, ys: se.Integer(0),
        pullback=lambda g, out, x, xs, ys: (
            g * node(interp_curvature, (x,), {"xs": xs, "ys": ys}, x.shape),
        ),
        shape=_check,
        code="0.0 * {0}",
    )
)


def interpolated(x: Variable, xs: Any, ys: Any) -> Variable:
    """Return the polygon through points at every element of ``x``."""
    attrs = {"xs": np.array(xs, np.float64), "ys": np.array(ys, np.float64)}
    for a in attrs.values():
        a.flags.writeable = False
    return node(interp, (x,), attrs, interp.shape(x.shape, **attrs))
