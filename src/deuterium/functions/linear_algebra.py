"""Determinants, inverses, linear systems and factors of `numpy.linalg`.

Up to three unknowns, systems are solved by cofactors, which are ordinary operators; a
larger system is one node with a verified enclosure, and so is one with a matrix that is
written as ``X' X`` plus something, which is bounded however wide X is.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, ShapeError, UnsupportedError
from deuterium.functions.axes import mismatch
from deuterium.functions.function_table import implements
from deuterium.functions.joins import concatenate, stack
from deuterium.functions.norms import norm
from deuterium.functions.polynomials import vander
from deuterium.functions.products import cross_last, matmul
from deuterium.functions.reductions import sum
from deuterium.functions.reshaping import expand_dims, moveaxis, reshape
from deuterium.functions.ridge import ridge
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.arithmetic import sqrt, square
from deuterium.ops.exponential import log
from deuterium.ops.linalg import solution
from deuterium.ops.piecewise import absolute, sign
from deuterium.options import is_whole

LARGEST_DETERMINANT = 12  # by minors: 2**n of them
BY_COFACTORS = 3  # unknowns


def _square_matrices(a: Any, caller: str) -> Variable:
    x = as_variable(a)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{caller}: needs square matrices, got shape {x.shape}")
    return x


# -- determinants --------------------------------------------------------------------


@implements(np.linalg.det)
def det(a: Any) -> Variable:
    """Return determinants, as polynomials of the elements.

    From the minors of the first rows over all sets of columns, one row after the
    other: nothing is divided by, so the value and every derivative exist where the
    matrix is singular too.
    """
    x = _square_matrices(a, "np.linalg.det")
    n = x.shape[-1]
    if n > LARGEST_DETERMINANT:
        raise UnsupportedError(
            f"np.linalg.det: {n} rows have {2**n} minors, at most "
            f"{LARGEST_DETERMINANT} rows are supported; of a positive definite matrix "
            "use np.prod(np.diagonal(np.linalg.cholesky(a)))**2"
        )
    minors = as_variable(np.ones((*x.shape[:-2], 1)))
    for k in range(n):
        minors = _next_minors(x[..., k, :], minors, n, k + 1)
    return minors[..., 0]


def _next_minors(row: Variable, minors: Variable, n: int, k: int) -> Variable:
    """Return minors of k rows from those of k - 1, expanded along the new row."""
    before = {s: i for i, s in enumerate(combinations(range(n), k - 1))}
    sets = list(combinations(range(n), k))
    columns = np.array(sets)
    rest = np.array([[before[s[:j] + s[j + 1 :]] for j in range(k)] for s in sets])
    signs = (-1.0) ** (k - 1 + np.arange(k))
    terms = row[..., columns] * minors[..., rest]
    return sum(terms * signs if k > 1 else terms, -1)


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """Return the sign of determinants and the logarithm of their size."""
    d = det(a)
    result = np.linalg.slogdet(np.eye(1))  # for its kind, a named pair
    return type(result)(sign(d), log(absolute(d)))


# -- systems -------------------------------------------------------------------------


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Variable:
    """Return solutions of ``a @ x = b``: of a vector, or of the columns of matrices."""
    matrix, right = _square_matrices(a, "np.linalg.solve"), as_variable(b)
    vector = right.ndim == 1
    columns = expand_dims(right, -1) if vector else right
    if columns.ndim < 2 or columns.shape[-2] != matrix.shape[-1]:
        raise mismatch("np.linalg.solve", matrix, right)
    try:
        lead = np.broadcast_shapes(matrix.shape[:-2], columns.shape[:-2])
    except ValueError:
        raise mismatch("np.linalg.solve", matrix, right) from None
    columns = broadcast_to(columns, lead + columns.shape[-2:])
    x = ridge(matrix, columns) if lead == matrix.shape[:-2] else None
    if x is None:
        x = _solved(broadcast_to(matrix, lead + matrix.shape[-2:]), columns)
    return x[..., 0] if vector else x


def _solved(a: Variable, b: Variable) -> Variable:
    n = a.shape[-1]
    if n > BY_COFACTORS or not b.size:
        return solution(a, b) if b.size else b
    adjugate, determinant = _adjugate(a)
    return matmul(adjugate, b) / determinant[..., None, None]


def _adjugate(a: Variable) -> tuple[Variable, Variable]:
    """Return the matrix of cofactors, transposed, and the determinant."""
    n = a.shape[-1]
    if n == 1:
        return as_variable(np.ones(a.shape)), a[..., 0, 0]
    if n == 2:
        p, q, r, s = (a[..., i, j] for i in (0, 1) for j in (0, 1))
        rows = [stack([s, -q], axis=-1), stack([-r, p], axis=-1)]
        return stack(rows, axis=-2), p * s - q * r
    u, v, w = (a[..., i, :] for i in range(3))
    columns = [cross_last(v, w), cross_last(w, u), cross_last(u, v)]
    return stack(columns, axis=-1), sum(u * columns[0], -1)


@implements(np.linalg.inv)
def inv(a: Any) -> Variable:
    """Return inverses of square matrices."""
    x = _square_matrices(a, "np.linalg.inv")
    n = x.shape[-1]
    return solve(x, broadcast_to(as_variable(np.eye(n)), x.shape)) if x.size else x


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, **kwargs: Any) -> Variable:
    """Return pseudo-inverses of matrices whose rows or columns are independent.

    Where they are not, the result is undefined: no singular value counts as zero.
    """
    x = as_variable(a)
    if x.ndim < 2:
        raise ShapeError(f"np.linalg.pinv: needs matrices, got shape {x.shape}")
    flat = arrays.flipped(x)
    if x.shape[-2] >= x.shape[-1]:
        return solve(matmul(flat, x), flat)
    return arrays.flipped(solve(matmul(x, flat), x))


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Variable:
    """Return condition numbers by norms that need no singular values."""
    if p is None or p in (2, -2, "nuc"):
        raise UnsupportedError(
            f"np.linalg.cond: p={p!r} needs singular values; use 'fro', 1 or inf"
        )
    v = _square_matrices(x, "np.linalg.cond")
    if not v.size:
        raise ShapeError(f"np.linalg.cond: no elements in shape {v.shape}")
    return norm(v, p, (-2, -1)) * norm(inv(v), p, (-2, -1))


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Variable:
    """Return x with ``tensordot(a, x, x.ndim) = b``."""
    x, right = as_variable(a), as_variable(b)
    for axis in axes or ():
        x = moveaxis(x, axis, -1)
    shape = x.shape[right.ndim :]
    n = math.prod(shape)
    if x.size != n * n or right.size != n:
        raise mismatch("np.linalg.tensorsolve", x, right)
    return reshape(solve(reshape(x, (n, n)), reshape(right, n)), shape)


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Variable:
    """Return the inverse for `numpy.tensordot` over the first ``ind`` axes."""
    x = as_variable(a)
    n = math.prod(x.shape[ind:])
    if ind <= 0 or x.size != n * n:
        raise ShapeError(f"np.linalg.tensorinv: shape {x.shape} is not square at {ind}")
    return reshape(inv(reshape(x, (n, n))), x.shape[ind:] + x.shape[:ind])


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, int, None]:
    """Return the least squares solution, by the normal equations.

    The columns of ``a`` have to be independent: where they are not, the result is
    undefined.  No singular values are worked out: they come as None.
    """
    x, right = as_variable(a), as_variable(b)
    if x.ndim != 2 or right.ndim not in (1, 2) or x.shape[0] != right.shape[0]:
        raise mismatch("np.linalg.lstsq", x, right)
    m, n = x.shape
    if m < n:
        raise UnsupportedError(
            f"np.linalg.lstsq: {m} equations for {n} unknowns leave a choice; solve "
            "a.T @ np.linalg.solve(a @ a.T, b) for the shortest solution"
        )
    found = solve(matmul(x.T, x), matmul(x.T, right))
    left = reshape(right - matmul(x, found), (m, -1))
    errors = sum(square(left), 0) if m > n else np.zeros(0)
    return found, errors, n, None


@implements(np.polyfit)
def polyfit(
    x: Any,
    y: Any,
    deg: int,
    rcond: Any = None,
    full: bool = False,
    w: Any = None,
    cov: bool = False,
) -> Variable:
    """Return the polynomial of best fit, by the normal equations."""
    if full or cov:
        raise UnsupportedError(
            "np.polyfit: only the coefficients are supported; leave out full and cov"
        )
    at, values = as_variable(x), as_variable(y)
    if at.ndim != 1 or values.ndim not in (1, 2) or values.shape[:1] != at.shape:
        raise mismatch("np.polyfit", at, values)
    if not 0 <= deg < at.size:
        raise InvalidInputError(
            f"np.polyfit: degree {deg} of {at.size} points; it must be at least 0 and "
            "less than the number of points"
        )
    powers = vander(at, deg + 1)
    if w is not None:
        weights = as_variable(w)
        powers = powers * weights[:, None]
        values = values * (weights if values.ndim == 1 else weights[:, None])
    return lstsq(powers, values)[0]


# -- factors and powers --------------------------------------------------------------


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Variable:
    """Return the triangular factor of positive definite matrices.

    Column after column, from the lower triangle alone as NumPy does.
    """
    x = _square_matrices(a, "np.linalg.cholesky")
    if upper:
        x = arrays.flipped(x)
    n, columns = x.shape[-1], []
    if not x.size:
        return x
    rest = x  # what the columns so far leave of the matrix, without their rows
    for k in range(n):
        pivot = sqrt(rest[..., 0, 0])
        below = rest[..., 1:, 0] / pivot[..., None]
        parts = [np.zeros((*x.shape[:-2], k)), pivot[..., None], below]
        columns.append(concatenate(parts, axis=-1))
        if k < n - 1:
            rest = rest[..., 1:, 1:] - below[..., :, None] * below[..., None, :]
    factor = stack(columns, axis=-1)
    return arrays.flipped(factor) if upper else factor


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Variable:
    """Return whole powers of square matrices, by repeated squaring."""
    x = _square_matrices(a, "np.linalg.matrix_power")
    if not is_whole(n):
        raise InvalidInputError(
            f"np.linalg.matrix_power: the power must be whole, got {n!r}"
        )
    if n < 0:
        x, n = inv(x), -n
    result: Variable | None = None
    while n:
        if n % 2:
            result = x if result is None else matmul(result, x)
        n //= 2
        x = matmul(x, x) if n else x
    if result is None:
        return broadcast_to(as_variable(np.eye(x.shape[-1])), x.shape)
    return result
