"""Evenly spaced points, and grids of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.functions.axes import common_shape, one_axis, shape_of
from deuterium.functions.elementwise import power
from deuterium.functions.function_table import implements, refuse_dtype
from deuterium.functions.joins import concatenate
from deuterium.functions.reshaping import moveaxis
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.exponential import exp, log


def _points(
    a: Variable, b: Variable, num: Any, endpoint: bool, axis: int, caller: str
) -> Variable:
    """Return ``num`` points from a to b.

    Each is a mean of both ends with weights that are whole numbers, so that it holds
    either end once and the last is b itself.
    """
    (count,) = shape_of(num, caller)
    if count < 0:
        raise InvalidInputError(f"{caller}: `num` must be a count, got {num}")
    shape = common_shape(caller, a.shape, b.shape)
    a, b = broadcast_to(a, shape), broadcast_to(b, shape)
    steps = max(count - 1 if endpoint else count, 1)
    k = np.arange(count, dtype=float).reshape(-1, *[1] * len(shape))
    y = (a * (steps - k) + b * k) / steps
    return moveaxis(y, 0, one_axis(axis, y.ndim, caller))


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """Return evenly spaced points, and their distance if asked for."""
    refuse_dtype("np.linspace", dtype)
    a, b = as_variable(start), as_variable(stop)
    points = _points(a, b, num, endpoint, axis, "np.linspace")
    if not retstep:
        return points
    steps = num - 1 if endpoint else num
    if steps < 1:
        raise UnsupportedError(
            "np.linspace: one point has no distance to the next; leave out `retstep`"
        )
    return points, (b - a) / steps


@implements(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Variable:
    """Return powers of a base at evenly spaced exponents."""
    refuse_dtype("np.logspace", dtype)
    a, b, root = (as_variable(v) for v in (start, stop, base))
    if root.ndim:
        shape = common_shape("np.logspace", a.shape, b.shape, root.shape)
        a, b, root = (broadcast_to(v, shape) for v in (a, b, root))
    y = power(root, _points(a, b, num, endpoint, 0, "np.logspace"))
    return moveaxis(y, 0, one_axis(axis, y.ndim, "np.logspace"))


@implements(np.geomspace)
def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Variable:
    """Return points whose ratio is even.

    Variables must be positive; numbers may both be negative.
    """
    refuse_dtype("np.geomspace", dtype)
    sign = -1 if any(_negative(v) for v in (start, stop)) else 1
    ends = [sign * as_variable(v) for v in (start, stop)]
    points = exp(_points(log(ends[0]), log(ends[1]), num, endpoint, 0, "np.geomspace"))
    if points.shape[0]:
        parts = [broadcast_to(ends[0], points.shape[1:])[None], points[1:]]
        if endpoint and num > 1:
            parts[1:] = [points[1:-1], broadcast_to(ends[1], points.shape[1:])[None]]
        points = concatenate(parts)
    y = points if sign > 0 else -points
    return moveaxis(y, 0, one_axis(axis, y.ndim, "np.geomspace"))


def _negative(v: Any) -> bool:
    return not isinstance(v, Variable) and bool(np.any(np.asarray(v) < 0))


@implements(np.meshgrid)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Variable, ...]:
    """Return the coordinates of a grid from those along its axes."""
    if indexing not in ("xy", "ij"):
        raise InvalidInputError(
            f"np.meshgrid: `indexing` must be 'xy' or 'ij', got {indexing!r}"
        )
    nodes = [as_variable(x) for x in xi]
    order = list(range(len(nodes)))
    if indexing == "xy" and len(nodes) > 1:
        order[:2] = [1, 0]
    grids = [
        arrays.reshape_to(v, tuple(v.size if j == i else 1 for j in range(len(nodes))))
        for i, v in zip(order, nodes, strict=True)
    ]
    if sparse:
        return tuple(grids)
    shape = common_shape("np.meshgrid", *[v.shape for v in grids])
    return tuple(broadcast_to(v, shape) for v in grids)
