"""NumPy's functions that move elements about: shapes, joins, indexing, windows.

Whatever NumPy does to an array of places it would do to the elements; so each function
runs on ``arange(size).reshape(shape)`` and the result is the index of one `gather`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from deuterium.errors import OutOfRangeError, ShapeError, UnsupportedError
from deuterium.functions.axes import one_axis, shape_of
from deuterium.functions.table import implements, refuse
from deuterium.graph.late import provides
from deuterium.graph.variable import (
    Variable,
    as_variable,
    broadcast_to,
    constant,
    node,
)
from deuterium.ops import arrays
from deuterium.ops.piecewise import select


def places(x: Variable) -> Any:
    """Return the array of flat places of the elements of ``x``."""
    return np.arange(x.size, dtype=np.int64).reshape(x.shape)


def moved(x: Any, move: Callable[[Any], Any], caller: str) -> Variable:
    """Return ``x`` with its elements moved as ``move`` moves an array of places."""
    v = as_variable(x)
    try:
        index = np.asarray(move(places(v)))
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise ShapeError(f"{caller}: {error} (shape {v.shape})") from None
    return arrays.take_places(v, index)


# -- shape ---------------------------------------------------------------------------


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
    dims = list(shape_of(shape))
    if dims.count(-1) > 1:
        raise ShapeError(f"np.reshape: only one dimension may be -1, got {shape!r}")
    if -1 in dims:
        rest = -math.prod(dims)
        if rest == 0 or x.size % rest:
            raise ShapeError(f"np.reshape: cannot reshape {x.shape} into {shape!r}")
        dims[dims.index(-1)] = x.size // rest
    if math.prod(dims) != x.size:
        raise ShapeError(f"np.reshape: cannot reshape {x.shape} into {shape!r}")
    return arrays.reshape_to(x, tuple(dims))


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
        order = tuple(one_axis(i, x.ndim, "np.transpose") + x.ndim for i in axes)
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"np.transpose: axes {axes!r} do not match shape {x.shape}")
    return arrays.permute(x, order)


@implements(np.matrix_transpose)
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
    try:
        tags = np.moveaxis(np.empty(range(x.ndim)), source, destination).shape
    except (ValueError, TypeError) as error:
        raise ShapeError(f"np.moveaxis: {error} (shape {x.shape})") from None
    return arrays.permute(x, tags)  # axis i has length i: lengths tell who went where


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Variable:
    """Return the array with axes of length one put in."""
    x = as_variable(a)
    return arrays.reshape_to(x, np.expand_dims(np.empty(x.shape), axis).shape)


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Variable:
    """Return the array without axes of length one."""
    x = as_variable(a)
    try:
        shape = np.squeeze(np.empty(x.shape), axis=axis).shape
    except ValueError as error:
        raise ShapeError(f"np.squeeze: {error} (shape {x.shape})") from None
    return arrays.reshape_to(x, shape)


@implements(np.broadcast_to)
def broadcast(array: Any, shape: Any, subok: bool = False) -> Variable:
    """Return the array repeated to ``shape``."""
    x, target = as_variable(array), shape_of(shape)
    try:
        fits = np.broadcast_shapes(x.shape, target) == target
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"np.broadcast_to: {x.shape} does not broadcast to {target}")
    return broadcast_to(x, target)


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


# -- joining and splitting -----------------------------------------------------------


@implements(np.concatenate)
def concatenate(xs: Sequence[Any], axis: Any = 0, **kwargs: Any) -> Variable:
    """Return arrays joined along an existing axis."""
    refuse("np.concatenate", **kwargs)
    parts = [as_variable(x) for x in xs]
    if not parts:
        raise ShapeError("np.concatenate: needs at least one array")
    if axis is None:
        parts, axis = [ravel(p) for p in parts], 0
    ndim = parts[0].ndim
    if ndim == 0:
        raise ShapeError(
            "np.concatenate: scalars cannot be concatenated; use np.stack or np.hstack"
        )
    at = one_axis(axis, ndim, "np.concatenate")
    attrs = {"axis": at, "ndim": ndim}
    try:
        shape = arrays.concatenate.shape(*[p.shape for p in parts], **attrs)
    except ValueError as error:
        raise ShapeError(f"np.concatenate: {error}") from None
    return node(arrays.concatenate, tuple(parts), attrs, shape)


@provides("stack")
@implements(np.stack)
def stack(xs: Any, axis: int = 0, **kwargs: Any) -> Variable:
    """Return arrays (or scalars) joined along a new axis."""
    refuse("np.stack", **kwargs)
    if isinstance(xs, np.ndarray) and xs.dtype == object and axis == 0:
        if xs.shape == ():
            return as_variable(xs.item())
        flat = stack([as_variable(x) for x in xs.ravel().tolist()])
        return arrays.reshape_to(flat, xs.shape)
    parts = [as_variable(x) for x in xs]
    if not parts:
        raise ShapeError("np.stack: needs at least one array")
    if any(p.shape != parts[0].shape for p in parts):
        raise ShapeError(
            "np.stack: all arrays must have the same shape, got "
            f"{[p.shape for p in parts]}"
        )
    at = one_axis(axis, parts[0].ndim + 1, "np.stack")
    return concatenate([expand_dims(p, at) for p in parts], axis=at)


@implements(np.hstack)
def hstack(tup: Sequence[Any], **kwargs: Any) -> Variable:
    """Return arrays joined along the second axis (the first, if there is one only)."""
    refuse("np.hstack", **kwargs)
    parts = [atleast_1d(x) for x in tup]
    return concatenate(parts, axis=0 if parts[0].ndim == 1 else 1)


@implements(np.vstack)
def vstack(tup: Sequence[Any], **kwargs: Any) -> Variable:
    """Return arrays joined along the first axis, as rows."""
    refuse("np.vstack", **kwargs)
    return concatenate([atleast_2d(x) for x in tup], axis=0)


@implements(np.column_stack)
def column_stack(tup: Sequence[Any]) -> Variable:
    """Return one-axis arrays as the columns of a matrix."""
    parts = [as_variable(x) for x in tup]
    columns = [p if p.ndim > 1 else arrays.reshape_to(p, (p.size, 1)) for p in parts]
    return concatenate(columns, axis=1)


def _split_with(numpy_split: Any, name: str) -> Callable[..., list[Variable]]:
    def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Variable]:
        x = as_variable(ary)
        try:
            parts = numpy_split(places(x), indices_or_sections, axis=axis)
        except (ValueError, IndexError) as error:
            raise ShapeError(f"{name}: {error} (shape {x.shape})") from None
        return [arrays.take_places(x, p) for p in parts]

    return split


split = implements(np.split)(_split_with(np.split, "np.split"))
array_split = implements(np.array_split)(_split_with(np.array_split, "np.array_split"))


# -- picking and rearranging ---------------------------------------------------------


@provides("getitem")
def getitem(x: Variable, key: Any) -> Variable:
    """Return ``x[key]`` for integers, slices, ellipsis, newaxis and index arrays."""
    for part in key if isinstance(key, tuple) else (key,):
        if isinstance(part, Variable):
            raise UnsupportedError(
                "indexing by a Variable is not recorded: the place would depend on "
                "data; index with numbers"
            )
    plain = key is None or key is Ellipsis or (isinstance(key, tuple) and not key)
    if not x.shape and not plain:
        raise UnsupportedError("a scalar Variable cannot be indexed")
    try:
        index = places(x)[key]
    except (IndexError, TypeError, ValueError, OverflowError) as error:
        raise OutOfRangeError(
            f"indexing a Variable of shape {x.shape}: {error}"
        ) from None
    return arrays.take_places(x, np.asarray(index))


@implements(np.take)
def take(
    a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise"
) -> Variable:
    """Return elements picked along an axis."""
    refuse("np.take", out=out)
    return moved(
        a, lambda p: np.take(p, indices, axis=axis, mode=cast(Any, mode)), "np.take"
    )


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Variable:
    """Return elements picked along an axis by an array of the same rank."""
    return moved(
        arr, lambda p: np.take_along_axis(p, indices, axis=axis), "np.take_along_axis"
    )


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Variable:
    """Return the elements in reverse order along axes."""
    return moved(m, lambda p: np.flip(p, axis=axis), "np.flip")


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Variable:
    """Return the elements rolled along axes."""
    return moved(a, lambda p: np.roll(p, shift, axis=axis), "np.roll")


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Variable:
    """Return the elements repeated along an axis."""
    return moved(a, lambda p: np.repeat(p, repeats, axis=axis), "np.repeat")


@implements(np.tile)
def tile(A: Any, reps: Any) -> Variable:
    """Return the array repeated as a tile."""
    return moved(A, lambda p: np.tile(p, reps), "np.tile")


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Variable:
    """Return the diagonals of two axes, as the last axis."""
    return moved(a, lambda p: np.diagonal(p, offset, axis1, axis2), "np.diagonal")


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Variable:
    """Return the diagonal of a matrix, or a matrix with that diagonal."""
    x = as_variable(v)
    if x.ndim != 1:
        return moved(x, lambda p: np.diag(p, k), "np.diag")
    n = x.size + abs(k)
    index = np.flatnonzero(np.diag(np.ones(x.size), k).ravel())
    return arrays.put_places(x, index, (n, n))


@implements(sliding_window_view)
def windows(x: Any, window_shape: Any, axis: Any = None, **kwargs: Any) -> Variable:
    """Return all windows of a shape, their axes last."""
    return moved(
        x, lambda p: sliding_window_view(p, window_shape, axis), "sliding_window_view"
    )


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Variable:
    """Return the array padded with constants, or with its own elements."""
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap"):
        raise UnsupportedError(
            f"np.pad: mode {mode!r} is not supported on Variables; use constant, edge, "
            "reflect, symmetric or wrap"
        )
    if kwargs.pop("reflect_type", "even") != "even":
        raise UnsupportedError("np.pad: only reflect_type='even' is supported")
    if mode != "constant":
        return moved(
            array, lambda p: np.pad(p, pad_width, cast(Any, mode), **kwargs), "np.pad"
        )
    x = as_variable(array)
    try:
        index = np.pad(places(x), pad_width, constant_values=-1)
    except (ValueError, TypeError) as error:
        raise ShapeError(f"np.pad: {error} (shape {x.shape})") from None
    inside = index >= 0
    padded = arrays.put_places(x, np.flatnonzero(inside).reshape(x.shape), index.shape)
    fill = kwargs.get("constant_values", 0)
    if not np.any(fill):
        return padded
    around = np.pad(np.zeros(x.shape), pad_width, constant_values=fill)
    return padded + constant(around)


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Variable:
    """Return the lower triangle, with zeros above."""
    return _triangle(m, lambda shape: np.tril(np.ones(shape), k))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Variable:
    """Return the upper triangle, with zeros below."""
    return _triangle(m, lambda shape: np.triu(np.ones(shape), k))


def _triangle(m: Any, mask: Callable[[Any], Any]) -> Variable:
    x = as_variable(m)
    inside = mask(x.shape).astype(bool)
    return select(x, arrays.zeros(x.shape), mask=inside)


@implements(np.zeros_like)
def zeros_like(a: Any, **kwargs: Any) -> Any:
    """Return an array of zeros of the same shape (numbers, not Variables)."""
    return np.zeros(as_variable(a).shape)


@implements(np.ones_like)
def ones_like(a: Any, **kwargs: Any) -> Any:
    """Return an array of ones of the same shape (numbers, not Variables)."""
    return np.ones(as_variable(a).shape)


@implements(np.full_like)
def full_like(a: Any, fill_value: Any, **kwargs: Any) -> Any:
    """Return an array filled with one value, of the same shape."""
    return np.full(as_variable(a).shape, fill_value)


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """Return the shape."""
    return as_variable(a).shape


@implements(np.ndim)
def ndim(a: Any) -> int:
    """Return the number of axes."""
    return as_variable(a).ndim


@implements(np.size)
def size(a: Any, axis: int | None = None) -> int:
    """Return the number of elements (along an axis)."""
    x = as_variable(a)
    return x.size if axis is None else x.shape[axis]
