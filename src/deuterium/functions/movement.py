"""NumPy's functions that pick, repeat and rearrange elements."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from deuterium.errors import OutOfRangeError, ShapeError, UnsupportedError
from deuterium.functions.axes import one_axis, shape_of
from deuterium.functions.function_table import implements, refuse
from deuterium.functions.joins import stack
from deuterium.functions.places import moved, numpy_does, places
from deuterium.functions.reshaping import ravel
from deuterium.graph.constructors import as_variable
from deuterium.graph.hooks import provides
from deuterium.graph.variable import Variable
from deuterium.ops import arrays


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


@implements(np.fliplr)
def fliplr(m: Any) -> Variable:
    """Return the columns in reverse order."""
    return moved(m, np.fliplr, "np.fliplr")


@implements(np.flipud)
def flipud(m: Any) -> Variable:
    """Return the rows in reverse order."""
    return moved(m, np.flipud, "np.flipud")


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Variable:
    """Return the array turned by right angles."""
    return moved(m, np.rot90, "np.rot90", k, axes)


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


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Variable:
    """Return the array without some of its places."""
    return moved(arr, np.delete, "np.delete", obj, axis)


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Variable:
    """Return the elements repeated to fill a shape."""
    x = as_variable(a)
    if x.size:
        return moved(x, np.resize, "np.resize", new_shape)
    return arrays.zeros(shape_of(new_shape, "np.resize"))  # as NumPy does


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Variable:
    """Return the diagonals of two axes, as the last axis."""
    return moved(a, np.diagonal, "np.diagonal", offset, axis1, axis2)


@implements(np.linalg.diagonal)
def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Variable:
    """Return the diagonals of the last two axes."""
    return diagonal(x, offset, -2, -1)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Variable:
    """Return the diagonal of a matrix, or a matrix with that diagonal."""
    x = as_variable(v)
    if x.ndim != 1:
        return moved(x, np.diag, "np.diag", k)
    ones = numpy_does(lambda: np.diag(np.ones(x.size), k), "np.diag", x.shape)
    return arrays.put_places(x, np.flatnonzero(ones), ones.shape)


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Variable:
    """Return a matrix with the flattened elements on a diagonal."""
    return diag(ravel(v), k)


@implements(sliding_window_view)
def windows(x: Any, window_shape: Any, axis: Any = None, **kwargs: Any) -> Variable:
    """Return all windows of a shape, their axes last."""
    return moved(x, sliding_window_view, "sliding_window_view", window_shape, axis)


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Variable:
    """Return the parts of an array along an axis that a mask chooses."""
    refuse("np.compress", out=out)
    mask = _numbers(condition, "np.compress")
    return moved(a, lambda p: np.compress(mask, p, axis), "np.compress")


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Variable:
    """Return the elements that a mask chooses."""
    mask = _numbers(condition, "np.extract")
    return moved(arr, lambda p: np.extract(mask, p), "np.extract")


def _numbers(condition: Any, caller: str) -> Any:
    if isinstance(condition, Variable):
        raise UnsupportedError(
            f"{caller}: how many elements are chosen cannot depend on a Variable; use "
            "np.where, which keeps the shape"
        )
    return condition


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Variable:
    """Return the array with an axis moved before another."""
    return moved(a, np.rollaxis, "np.rollaxis", axis, start)


@implements(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Variable:
    """Return the elements rolled by half the length, zero frequency to the middle."""
    return moved(x, np.fft.fftshift, "np.fft.fftshift", axes)


@implements(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Variable:
    """Return the elements rolled back from `numpy.fft.fftshift`."""
    return moved(x, np.fft.ifftshift, "np.fft.ifftshift", axes)


@implements(np.apply_along_axis)
def apply_along_axis(
    func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Variable:
    """Return what a function makes of each slice along an axis."""
    x = as_variable(arr)
    at = one_axis(axis, x.ndim, "np.apply_along_axis") % x.ndim
    lead, tail = x.shape[:at], x.shape[at + 1 :]
    if 0 in (*lead, *tail):
        raise ShapeError(f"np.apply_along_axis: no slice in shape {x.shape}")
    made = [
        as_variable(func1d(x[(*i, slice(None), *j)], *args, **kwargs))
        for i in np.ndindex(lead)
        for j in np.ndindex(tail)
    ]
    whole = arrays.reshape_to(stack(made), (*lead, *tail, *made[0].shape))
    n, own = len(lead) + len(tail), made[0].ndim
    order = (*range(at), *range(n, n + own), *range(at, n))
    return arrays.permute(whole, order)
