"""NumPy's functions that change the shape alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import ShapeError, UnsupportedError
from deuterium.functions.axes import common_shape, one_axis, shape_of
from deuterium.functions.function_table import implements
from deuterium.functions.places import like, numpy_does
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable
from deuterium.ops import arrays


@implements(np.reshape)
def reshape(a: Any, /, shape: Any = None, order: str = "C", **kwargs: Any) -> Variable:
    """Return the same elements in another shape."""
    shape = kwargs.pop("newshape", shape)
    kwargs.pop("copy", None)
    if order != "C":
        raise UnsupportedError(
            f"np.reshape: only order='C' is supported, got {order!r}"
        )
    x = as_variable(a)
    dims = shape_of(shape, "np.reshape")
    view = numpy_does(lambda: like(x).reshape(dims), "np.reshape", x.shape)
    return arrays.reshape_to(x, view.shape)


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Variable:
    """Return the elements in one axis."""
    return reshape(a, -1, order=order)


@implements(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Variable:
    """Return the array with its axes permuted (reversed by default)."""
    x = as_variable(a)
    if axes is None:
        order = tuple(reversed(range(x.ndim)))
    else:
        given = shape_of(axes, "np.transpose")
        order = tuple(one_axis(i, x.ndim, "np.transpose") + x.ndim for i in given)
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"np.transpose: axes {axes!r} do not match shape {x.shape}")
    return arrays.permute(x, order)


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Variable:
    """Return the array with its last two axes exchanged."""
    return swapaxes(x, -1, -2)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Variable:
    """Return the array with two axes exchanged."""
    x = as_variable(a)
    order = list(range(x.ndim))
    i = one_axis(axis1, x.ndim, "np.swapaxes")
    j = one_axis(axis2, x.ndim, "np.swapaxes")
    order[i], order[j] = order[j], order[i]
    return arrays.permute(x, tuple(order))


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Variable:
    """Return the array with axes moved to new positions."""
    x = as_variable(a)
    tagged = np.empty(range(x.ndim))
    tags = numpy_does(
        lambda: np.moveaxis(tagged, source, destination).shape, "np.moveaxis", x.shape
    )
    return arrays.permute(x, tags)  # axis i has length i: lengths tell who went where


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Variable:
    """Return the array with axes of length one put in."""
    x = as_variable(a)
    view = numpy_does(lambda: np.expand_dims(like(x), axis), "np.expand_dims", x.shape)
    return arrays.reshape_to(x, view.shape)


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Variable:
    """Return the array without axes of length one."""
    x = as_variable(a)
    view = numpy_does(lambda: np.squeeze(like(x), axis), "np.squeeze", x.shape)
    return arrays.reshape_to(x, view.shape)


@implements(np.broadcast_to)
def broadcast(array: Any, shape: Any, subok: bool = False) -> Variable:
    """Return the array repeated to ``shape``."""
    x, target = as_variable(array), shape_of(shape, "np.broadcast_to")
    numpy_does(lambda: np.broadcast_to(like(x), target), "np.broadcast_to", x.shape)
    return broadcast_to(x, target)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Variable, ...]:
    """Return arrays repeated to their common shape."""
    nodes = [as_variable(a) for a in args]
    shape = common_shape("np.broadcast_arrays", *[v.shape for v in nodes])
    return tuple(broadcast_to(v, shape) for v in nodes)


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Return arrays with at least one axis."""
    done = [arrays.reshape_to(v, v.shape or (1,)) for v in map(as_variable, arys)]
    return done[0] if len(done) == 1 else tuple(done)


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """Return arrays with at least two axes."""
    done = [
        arrays.reshape_to(v, (1,) * (2 - v.ndim) + v.shape)
        for v in map(as_variable, arys)
    ]
    return done[0] if len(done) == 1 else tuple(done)


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """Return arrays with at least three axes."""
    done = [
        reshape(v, np.atleast_3d(np.empty(v.shape)).shape)
        for v in map(as_variable, arys)
    ]
    return done[0] if len(done) == 1 else tuple(done)
