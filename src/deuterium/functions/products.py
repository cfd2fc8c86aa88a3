"""NumPy's products of arrays: dot, matmul, outer, kron and traces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deuterium.errors import ShapeError
from deuterium.functions.axes import common_shape, mismatch, one_axis
from deuterium.functions.einsum import tensordot
from deuterium.functions.function_table import implements, refuse, refuse_dtype
from deuterium.functions.joins import concatenate
from deuterium.functions.movement import diagonal
from deuterium.functions.reshaping import expand_dims, moveaxis, reshape
from deuterium.graph import protocols
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable
from deuterium.ops import arrays


@implements(np.matmul, np.linalg.matmul)
def matmul(x1: Any, x2: Any, /, **kwargs: Any) -> Variable:
    """Return the matrix product; one-axis arguments are rows or columns."""
    refuse("np.matmul", **kwargs)
    a, b = as_variable(x1), as_variable(x2)
    if not a.ndim or not b.ndim:
        raise ShapeError("np.matmul: arguments must have at least one axis; use *")
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise mismatch("np.matmul", a, b)
    if a is b and a.ndim == 1:  # a sum of squares is never negative
        return arrays.sum_over(a * a, (-1,))
    left = a if a.ndim > 1 else expand_dims(a, 0)
    right = b if b.ndim > 1 else expand_dims(b, 1)
    try:
        lead = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    except ValueError:
        raise mismatch("np.matmul", a, b) from None
    product = arrays.matrix_product(
        broadcast_to(left, lead + left.shape[-2:]),
        broadcast_to(right, lead + right.shape[-2:]),
    )
    rows = a.shape[-2:-1] if a.ndim > 1 else ()
    columns = b.shape[-1:] if b.ndim > 1 else ()
    return arrays.reshape_to(product, lead + rows + columns)


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Variable:
    """Return the dot product of the last axis of a and the second last of b."""
    refuse("np.dot", out=out)
    x, y = as_variable(a), as_variable(b)
    if not x.ndim or not y.ndim:
        return x * y
    if x.ndim <= 2 and y.ndim <= 2:
        return matmul(x, y)
    return tensordot(x, y, ([x.ndim - 1], [max(y.ndim - 2, 0)]))


@implements(np.vdot)
def vdot(a: Any, b: Any) -> Variable:
    """Return the dot product of the flattened arguments."""
    x, y = as_variable(a), as_variable(b)
    return dot(arrays.reshape_to(x, (x.size,)), arrays.reshape_to(y, (y.size,)))


@implements(np.inner)
def inner(a: Any, b: Any) -> Variable:
    """Return the sum of products over the last axes."""
    x, y = as_variable(a), as_variable(b)
    if not x.ndim or not y.ndim:
        return x * y
    return tensordot(x, y, ([-1], [-1]))


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Variable:
    """Return all products of an element of a with one of b."""
    refuse("np.outer", out=out)
    x, y = as_variable(a), as_variable(b)
    return arrays.reshape_to(x, (x.size, 1)) * arrays.reshape_to(y, (1, y.size))


@implements(np.linalg.outer)
def linalg_outer(x1: Any, x2: Any, /) -> Variable:
    """Return all products of an element of one vector with one of another."""
    x, y = as_variable(x1), as_variable(x2)
    if x.ndim != 1 or y.ndim != 1:
        raise ShapeError(
            f"np.linalg.outer: takes vectors, got {x.shape} and {y.shape}; use np.outer"
        )
    return outer(x, y)


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


@implements(np.trace)
def trace(
    a: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: Any = None,
    out: Any = None,
) -> Variable:
    """Return the sum along the diagonal of two axes."""
    refuse("np.trace", out=out)
    refuse_dtype("np.trace", dtype)
    return arrays.sum_over(diagonal(a, offset, axis1, axis2), (-1,))


@implements(np.linalg.trace)
def linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Variable:
    """Return the sum along the diagonal of the last two axes."""
    refuse_dtype("np.linalg.trace", dtype)
    return trace(x, offset, -2, -1)


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


@implements(np.linalg.vecdot)
def linalg_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Variable:
    """Return dot products along an axis."""
    return _vecdot(x1, x2, axis=axis)


def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Variable:
    x, y = (
        moveaxis(v, one_axis(axis, v.ndim, "np.vecdot"), -1)
        for v in (as_variable(x1), as_variable(x2))
    )
    if x.shape[-1] != y.shape[-1]:
        raise mismatch("np.vecdot", x, y)
    return arrays.sum_over(x * y, (-1,))


def _matvec(x1: Any, x2: Any, /) -> Variable:
    """Return products of a stack of matrices with a stack of vectors."""
    a, b = as_variable(x1), as_variable(x2)
    if a.ndim < 2 or not b.ndim:
        raise mismatch("np.matvec", a, b)
    product = matmul(a, expand_dims(b, -1))
    return arrays.reshape_to(product, product.shape[:-1])


def _vecmat(x1: Any, x2: Any, /) -> Variable:
    """Return products of a stack of vectors with a stack of matrices."""
    a, b = as_variable(x1), as_variable(x2)
    if b.ndim < 2 or not a.ndim:
        raise mismatch("np.vecmat", a, b)
    product = matmul(expand_dims(a, -2), b)
    return arrays.reshape_to(product, (*product.shape[:-2], product.shape[-1]))


protocols.UFUNCS["vecmat"] = _vecmat
protocols.UFUNCS["matmul"] = matmul


protocols.UFUNCS["vecdot"] = _vecdot


protocols.UFUNCS["matvec"] = _matvec


def cross_last(a: Variable, b: Variable) -> Variable:
    """Return cross products of vectors of three elements along the last axis."""
    one, two = [1, 2, 0], [2, 0, 1]
    return a[..., one] * b[..., two] - a[..., two] * b[..., one]


@implements(np.cross)
def cross(
    a: Any,
    b: Any,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Variable:
    """Return cross products of vectors of three elements (or two, on a plane)."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = (
        moveaxis(v, one_axis(i, v.ndim, "np.cross"), -1)
        for v, i in ((as_variable(a), axisa), (as_variable(b), axisb))
    )
    if x.shape[-1] not in (2, 3) or y.shape[-1] not in (2, 3):
        raise mismatch("np.cross", x, y)
    shape = common_shape("np.cross", x.shape[:-1], y.shape[:-1])
    x, y = (broadcast_to(v, (*shape, v.shape[-1])) for v in (x, y))
    if x.shape[-1] == 2 == y.shape[-1]:
        return x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]
    flat = np.zeros((*shape, 1))
    x, y = (concatenate([v, flat], -1) if v.shape[-1] == 2 else v for v in (x, y))
    product = cross_last(x, y)
    return moveaxis(product, -1, one_axis(axisc, product.ndim, "np.cross"))


@implements(np.linalg.cross)
def linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Variable:
    """Return cross products of vectors of three elements."""
    x, y = as_variable(x1), as_variable(x2)
    for v in (x, y):
        if v.shape[one_axis(axis, v.ndim, "np.linalg.cross")] != 3:
            raise mismatch("np.linalg.cross", x, y)
    return cross(x, y, axis=axis)
