"""NumPy's functions that move elements about: shapes, joins, indexing, windows.

Whatever NumPy does to an array of places it would do to the elements; so each function
runs on ``arange(size).reshape(shape)`` and the result is the index of one `gather`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from deuterium.errors import OutOfRangeError, ShapeError, UnsupportedError
from deuterium.functions.axes import one_axis, shape_of
from deuterium.functions.function_table import implements, refuse
from deuterium.graph.constructors import as_variable, broadcast_to, constant
from deuterium.graph.hooks import provides
from deuterium.graph.variable import Variable, node
from deuterium.interval import doubles
from deuterium.ops import arrays


def places(x: Variable) -> Any:
    """Return the array of flat places of the elements of ``x``."""
    return np.arange(x.size, dtype=np.int64).reshape(x.shape)


def numpy_does(run: Callable[[], Any], caller: str, shape: Any) -> Any:
    """Return what NumPy makes of places or shapes; what it refuses is refused here."""
    try:
        return run()
    except (ValueError, IndexError, TypeError, ArithmeticError, MemoryError) as error:
        raise ShapeError(f"{caller}: {error} (shape {shape})") from None


def moved(x: Any, move: Callable[..., Any], caller: str, *how: Any) -> Variable:
    """Return ``x`` with its elements moved as ``move`` moves an array of places.

    ``how`` are the further arguments of ``move``, which must be numbers.
    """
    if any(isinstance(e, Variable) for e in how):
        raise UnsupportedError(
            f"{caller}: where elements go cannot depend on a Variable; give numbers"
        )
    v = as_variable(x)
    index = numpy_does(lambda: np.asarray(move(places(v), *how)), caller, v.shape)
    return arrays.take_places(v, index)


def like(x: Variable) -> Any:
    """Return an array of zeros of the same shape that takes no memory."""
    return np.broadcast_to(0.0, x.shape)


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
        parts = numpy_does(
            lambda: numpy_split(places(x), indices_or_sections, axis=axis),
            name,
            x.shape,
        )
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
                "data; index with numbers, or for a condition use "
                "np.where(condition, a, b)"
            )
    try:
        index = places(x)[key]
    except (IndexError, TypeError, ValueError, OverflowError) as error:
        if not x.shape:
            raise UnsupportedError(
                f"a scalar Variable cannot be indexed: {error}"
            ) from None
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
        a,
        lambda p, i: np.take(p, i, axis=axis, mode=cast(Any, mode)),
        "np.take",
        indices,
    )


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Variable:
    """Return elements picked along an axis by an array of the same rank."""
    return moved(arr, np.take_along_axis, "np.take_along_axis", indices, axis)


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Variable:
    """Return the elements in reverse order along axes."""
    return moved(m, np.flip, "np.flip", axis)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Variable:
    """Return the elements rolled along axes."""
    return moved(a, np.roll, "np.roll", shift, axis)


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Variable:
    """Return the elements repeated along an axis."""
    return moved(a, np.repeat, "np.repeat", repeats, axis)


@implements(np.tile)
def tile(A: Any, reps: Any) -> Variable:
    """Return the array repeated as a tile."""
    return moved(A, np.tile, "np.tile", reps)


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Variable:
    """Return the diagonals of two axes, as the last axis."""
    return moved(a, np.diagonal, "np.diagonal", offset, axis1, axis2)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Variable:
    """Return the diagonal of a matrix, or a matrix with that diagonal."""
    x = as_variable(v)
    if x.ndim != 1:
        return moved(x, np.diag, "np.diag", k)
    ones = numpy_does(lambda: np.diag(np.ones(x.size), k), "np.diag", x.shape)
    return arrays.put_places(x, np.flatnonzero(ones), ones.shape)


@implements(sliding_window_view)
def windows(x: Any, window_shape: Any, axis: Any = None, **kwargs: Any) -> Variable:
    """Return all windows of a shape, their axes last."""
    return moved(x, sliding_window_view, "sliding_window_view", window_shape, axis)


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
    fill = doubles.exactly(
        kwargs.pop("constant_values", 0),
        "np.pad: `constant_values`",
        "pad with np.concatenate",
    )
    refuse("np.pad", **kwargs)
    index = numpy_does(
        lambda: np.pad(places(x), pad_width, constant_values=-1), "np.pad", x.shape
    )
    inside = index >= 0
    padded = arrays.put_places(x, np.flatnonzero(inside).reshape(x.shape), index.shape)
    if not np.any(fill):
        return padded
    around = numpy_does(
        lambda: np.pad(np.zeros(x.shape), pad_width, constant_values=fill),
        "np.pad",
        x.shape,
    )
    return padded + constant(around)
