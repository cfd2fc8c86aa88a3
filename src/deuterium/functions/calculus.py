"""Differences, slopes and integrals along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import ShapeError
from deuterium.functions.axes import one_axis, shape_of
from deuterium.functions.function_table import implements
from deuterium.functions.joins import concatenate
from deuterium.functions.reductions import sum
from deuterium.functions.shapes import reshape
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
