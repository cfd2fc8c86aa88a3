"""NumPy functions written with others: kron, diff, delete, stacks, linalg's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deuterium.errors import ShapeError
from deuterium.functions.axes import common_shape, one_axis, shape_of
from deuterium.functions.function_table import implements, refuse, refuse_dtype
from deuterium.functions.movement import (
    concatenate,
    diagonal,
    moved,
    ravel,
    reshape,
    split,
)
from deuterium.functions.products import convolve, matmul, outer, tensordot, trace
from deuterium.functions.reductions import norm, sum
from deuterium.graph import protocols
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable
from deuterium.ops import arrays

# -- shapes --------------------------------------------------------------------------


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """Return arrays with at least three axes."""
    done = [
        reshape(v, np.atleast_3d(np.empty(v.shape)).shape)
        for v in map(as_variable, arys)
    ]
    return done[0] if len(done) == 1 else tuple(done)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Variable, ...]:
    """Return arrays repeated to their common shape."""
    nodes = [as_variable(a) for a in args]
    shape = common_shape("np.broadcast_arrays", *[v.shape for v in nodes])
    return tuple(broadcast_to(v, shape) for v in nodes)


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Variable:
    """Return the array itself: Variables are immutable."""
    return as_variable(a)


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Variable:
    """Return a matrix with the flattened elements on a diagonal."""
    return protocols.call(np.diag, ravel(v), k)


# -- joining and splitting -----------------------------------------------------------


@implements(np.dstack)
def dstack(tup: Sequence[Any]) -> Variable:
    """Return arrays joined along the third axis."""
    return concatenate([atleast_3d(x) for x in tup], axis=2)


@implements(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Variable:
    """Return two arrays joined (flattened by default)."""
    return concatenate([as_variable(arr), as_variable(values)], axis=axis)


def _split_along(axis: int, name: str) -> Callable[..., list[Variable]]:
    def run(ary: Any, indices_or_sections: Any) -> list[Variable]:
        x = as_variable(ary)
        along = 0 if name == "np.hsplit" and x.ndim == 1 else axis
        if x.ndim <= along or (name == "np.vsplit" and x.ndim < 2):
            raise ShapeError(f"{name}: needs more axes than shape {x.shape} has")
        return split(x, indices_or_sections, along)

    return run


hsplit = implements(np.hsplit)(_split_along(1, "np.hsplit"))
vsplit = implements(np.vsplit)(_split_along(0, "np.vsplit"))
dsplit = implements(np.dsplit)(_split_along(2, "np.dsplit"))

# -- picking and rearranging ---------------------------------------------------------


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
        x = x[_slice(along, slice(1, None))] - x[_slice(along, slice(None, -1))]
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


def _slice(along: int, part: slice) -> tuple[Any, ...]:
    """Return the index of a part along a (negative) axis."""
    return (..., part, *[slice(None)] * (-1 - along))


# -- products ------------------------------------------------------------------------


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Variable:
    """Return the cross-correlation of two one-axis arrays."""
    x, k = as_variable(a), as_variable(v)
    if not x.ndim or not k.ndim:
        raise ShapeError("np.correlate: needs two vectors, got a scalar")
    if x.ndim == 1 == k.ndim and k.size > x.size:  # NumPy turns the result round
        return convolve(k, x[::-1], mode)[::-1]
    return convolve(x, k[::-1], mode)


@implements(np.kron)
def kron(a: Any, b: Any) -> Variable:
    """Return the Kronecker product."""
    x, y = as_variable(a), as_variable(b)
    ndim = max(x.ndim, y.ndim)
    left = (1,) * (ndim - x.ndim) + x.shape
    right = (1,) * (ndim - y.ndim) + y.shape
    product = tensordot(reshape(x, left), reshape(y, right), 0)
    paired = arrays.permute(
        product, tuple(i for k in range(ndim) for i in (k, ndim + k))
    )
    return reshape(paired, tuple(m * n for m, n in zip(left, right, strict=True)))


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
    later = values[_slice(along, slice(1, None))]
    sooner = values[_slice(along, slice(None, -1))]
    return sum((later + sooner) * dx, axis) / 2


# -- the names of numpy.linalg -------------------------------------------------------


@implements(np.linalg.diagonal)
def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Variable:
    """Return the diagonals of the last two axes."""
    return diagonal(x, offset, -2, -1)


@implements(np.linalg.trace)
def linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Variable:
    """Return the sum along the diagonal of the last two axes."""
    refuse_dtype("np.linalg.trace", dtype)
    return trace(x, offset, -2, -1)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Variable:
    """Return a norm of the matrices in the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Variable:
    """Return the product of several matrices, from left to right."""
    refuse("np.linalg.multi_dot", out=out)
    parts = [as_variable(a) for a in arrays]
    if len(parts) < 2:
        raise ShapeError("np.linalg.multi_dot: needs at least two arrays")
    inner, ends = parts[1:-1], (parts[0], parts[-1])
    if any(p.ndim != 2 for p in inner) or any(p.ndim not in (1, 2) for p in ends):
        raise ShapeError(
            "np.linalg.multi_dot: takes matrices, and vectors as first and last; got "
            f"shapes {[p.shape for p in parts]}"
        )
    product = parts[0]
    for part in parts[1:]:
        product = matmul(product, part)
    return product


implements(np.linalg.matmul)(matmul)


@implements(np.linalg.outer)
def linalg_outer(x1: Any, x2: Any, /) -> Variable:
    """Return all products of an element of one vector with one of another."""
    x, y = as_variable(x1), as_variable(x2)
    if x.ndim != 1 or y.ndim != 1:
        raise ShapeError(
            f"np.linalg.outer: takes vectors, got {x.shape} and {y.shape}; use np.outer"
        )
    return outer(x, y)


implements(np.linalg.tensordot)(tensordot)
implements(np.linalg.matrix_transpose)(protocols.FUNCTIONS[np.matrix_transpose])
