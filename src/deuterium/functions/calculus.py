"""Differences, slopes and integrals along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, ShapeError
from deuterium.functions.axes import one_axis, shape_of
from deuterium.functions.function_table import implements
from deuterium.functions.joins import concatenate
from deuterium.functions.reductions import sum
from deuterium.functions.reshaping import reshape
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable


@implements(np.diff)
def diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None
) -> Variable:
    """Return differences of neighbours along an axis, ``n`` times over."""
    x = as_variable(a)
    along = one_axis(axis, x.ndim, "np.diff")
    (times,) = shape_of(n, "np.diff")
    if times < 0:
        raise ShapeError(f"np.diff: `n` must be at least 0, got {n}")
    if times == 0:
        return x
    ends = [_end_of(x, end, along) for end in (prepend, append)]
    parts = [ends[0], x, ends[1]]
    x = concatenate([p for p in parts if p is not None], axis=along)
    for _ in range(times):
        x = x[along_axis(along, slice(1, None))] - x[along_axis(along, slice(None, -1))]
    return x


def _end_of(x: Variable, end: Any, along: int) -> Variable | None:
    """Return what goes before or after ``x``: a scalar is repeated."""
    if end is None:
        return None
    v = as_variable(end)
    if v.shape:
        return v
    at = along + x.ndim
    return broadcast_to(v, (*x.shape[:at], 1, *x.shape[at + 1 :]))


def along_axis(along: int, part: slice) -> tuple[Any, ...]:
    """Return the index of a part along a (negative) axis."""
    return (..., part, *[slice(None)] * (-1 - along))


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Variable:
    """Return the integral along an axis by the trapezoidal rule."""
    values = as_variable(y)
    along = one_axis(axis, values.ndim, "np.trapezoid")
    if x is not None:
        points = as_variable(x)
        dx = diff(points, axis=-1 if points.ndim == 1 else axis)
        if points.ndim == 1:
            dx = reshape(dx, (dx.size, *[1] * (-1 - along)))
    later = values[along_axis(along, slice(1, None))]
    sooner = values[along_axis(along, slice(None, -1))]
    return sum((later + sooner) * dx, axis) / 2


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Variable:
    """Return differences of neighbours of the flattened array, with ends around."""
    x = as_variable(ary)
    flat = reshape(x, (x.size,))
    parts = [flat[1:] - flat[:-1]]
    if to_begin is not None:
        parts.insert(0, reshape(to_begin, -1))
    if to_end is not None:
        parts.append(reshape(to_end, -1))
    return concatenate(parts)


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Return slopes along axes: central differences, one-sided ones at both ends."""
    x = as_variable(f)
    if edge_order not in (1, 2):
        raise InvalidInputError(
            f"np.gradient: `edge_order` must be 1 or 2, got {edge_order!r}"
        )
    given = range(x.ndim) if axis is None else axis
    listed = given if isinstance(given, (tuple, list, range)) else (given,)
    axes = [one_axis(i, x.ndim, "np.gradient") for i in listed]
    if len(set(axes)) < len(axes):
        raise ShapeError(f"np.gradient: an axis comes twice in {axis!r}")
    if len(varargs) not in (0, 1, len(axes)):
        raise InvalidInputError(
            f"np.gradient: {len(varargs)} spacings for {len(axes)} axes; give one, or "
            "one for each"
        )
    spacings = varargs or (1,)
    if len(spacings) == 1:
        if np.ndim(spacings[0]) and len(axes) > 1:
            raise ShapeError("np.gradient: coordinates are given axis by axis")
        spacings = spacings * len(axes)
    slopes = [
        _slope(x, as_variable(h), i, edge_order)
        for i, h in zip(axes, spacings, strict=True)
    ]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _slope(x: Variable, spacing: Variable, axis: int, order: int) -> Variable:
    """Return the slopes along an axis, of points spaced evenly or at coordinates."""
    n = x.shape[axis]
    if n < order + 1:
        raise ShapeError(
            f"np.gradient: an axis of {n} points is too short for edge_order={order}"
        )
    if spacing.ndim and spacing.shape != (n,):
        raise ShapeError(
            f"np.gradient: coordinates of shape {spacing.shape} for {n} points"
        )

    def at(start: int | None, stop: int | None) -> Variable:
        return x[along_axis(axis, slice(start, stop))]

    def column(v: Variable) -> Variable:
        return reshape(v, (v.size, *[1] * (-1 - axis)))

    if not spacing.ndim:
        inner = (at(2, None) - at(None, -2)) / (2 * spacing)
        gaps = [spacing] * 4
    else:
        d = spacing[1:] - spacing[:-1]
        a, b = column(d[:-1]), column(d[1:])
        # the parabola through three points
        inner = (
            (at(1, -1) - at(None, -2)) * (b / a) + (at(2, None) - at(1, -1)) * (a / b)
        ) / (a + b)
        gaps = [d[0], d[1 % d.size], d[-2 % d.size], d[-1]]
    first = (at(1, 2) - at(0, 1)) / gaps[0]
    last = (at(-1, None) - at(-2, -1)) / gaps[3]
    if order == 2:
        second = (at(2, 3) - at(1, 2)) / gaps[1]
        first = first + (first - second) * gaps[0] / (gaps[0] + gaps[1])
        before = (at(-2, -1) - at(-3, -2)) / gaps[2]
        last = last + (last - before) * gaps[3] / (gaps[2] + gaps[3])
    return concatenate([first, inner, last], axis=axis)
