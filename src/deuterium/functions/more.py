"""Functions of NumPy that are short in terms of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deuterium.errors import ShapeError
from deuterium.functions.axes import one_axis
from deuterium.functions.movement import (
    atleast_1d,
    concatenate,
    diagonal,
    moved,
    ravel,
    reshape,
    split,
    swapaxes,
)
from deuterium.functions.products import convolve, matmul, outer, tensordot, trace
from deuterium.functions.reductions import norm, sum
from deuterium.functions.table import implements, refuse
from deuterium.graph import protocols
from deuterium.graph.variable import Variable, as_variable, broadcast_to
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
    try:
        shape = np.broadcast_shapes(*[v.shape for v in nodes])
    except ValueError as error:
        raise ShapeError(f"np.broadcast_arrays: {error}") from None
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
        if x.ndim <= along:
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
    return moved(m, lambda p: np.rot90(p, k, axes), "np.rot90")


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Variable:
    """Return the array without some of its places."""
    return moved(arr, lambda p: np.delete(p, obj, axis), "np.delete")


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Variable:
    """Return the elements repeated to fill a shape."""
    return moved(a, lambda p: np.resize(p, new_shape), "np.resize")


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1) -> Variable:
    """Return differences of neighbours along an axis, ``n`` times over."""
    x = as_variable(a)
    last = one_axis(axis, x.ndim, "np.diff")
    if n < 0:
        raise ShapeError(f"np.diff: `n` must be at least 0, got {n}")
    x = swapaxes(x, last, -1)
    for _ in range(n):
        x = x[..., 1:] - x[..., :-1]
    return swapaxes(x, last, -1)


# -- products ------------------------------------------------------------------------


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Variable:
    """Return the cross-correlation of two one-axis arrays."""
    x, k = (atleast_1d(u) for u in (a, v))
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
    last = one_axis(axis, values.ndim, "np.trapezoid")
    values = swapaxes(values, last, -1)
    if x is not None:
        points = as_variable(x)
        dx = diff(points if points.ndim == 1 else swapaxes(points, last, -1))
    return sum((values[..., 1:] + values[..., :-1]) * dx, -1) / 2


# -- the names of numpy.linalg -------------------------------------------------------


@implements(np.linalg.diagonal)
def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Variable:
    """Return the diagonals of the last two axes."""
    return diagonal(x, offset, -2, -1)


@implements(np.linalg.trace)
def linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Variable:
    """Return the sum along the diagonal of the last two axes."""
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
    product = parts[0]
    for part in parts[1:]:
        product = matmul(product, part)
    return product


implements(np.linalg.matmul)(matmul)
implements(np.linalg.outer)(outer)
implements(np.linalg.tensordot)(tensordot)
implements(np.linalg.matrix_transpose)(protocols.FUNCTIONS[np.matrix_transpose])
