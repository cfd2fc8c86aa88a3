"""Linear systems as operators: one node, with an enclosure that is verified.

Written out by elimination, every pivot would have to keep clear of zero by itself, and
each entry of the matrix would occur many times.  As operators, the whole system is
enclosed at once (`deuterium.interval.linear_systems`), and derivatives are systems with
the same matrix (M. B. Giles, "Collected matrix derivative results", 2008, section 2.2).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import SymbolicError
from deuterium.graph.operator import Operator, Shape
from deuterium.graph.variable import Variable, node
from deuterium.interval import linear_systems
from deuterium.ops.reduce import matrix_product
from deuterium.ops.shapes import array_operator, flipped


def _solve_value(a: Any, b: Any) -> Any:
    """Return the solution; NaN where LAPACK finds the matrix singular."""
    lead = np.broadcast_shapes(np.shape(a)[:-2], np.shape(b)[:-2])
    a = np.broadcast_to(a, (*lead, *np.shape(a)[-2:]))
    b = np.broadcast_to(b, (*lead, *np.shape(b)[-2:]))
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        out = np.full(b.shape, np.nan)
        for place in np.ndindex(lead):
            try:
                out[place] = np.linalg.solve(a[place], b[place])
            except np.linalg.LinAlgError:
                continue
        return out


def _solve_shape(a: Shape, b: Shape) -> Shape:
    if len(a) < 2 or a[-1] != a[-2] or len(b) != len(a) or b[:-1] != a[:-1]:
        raise ValueError(f"no system has a matrix of shape {a} and right sides {b}")
    return b


def _no_closed_form(*_: Any) -> Any:
    raise SymbolicError(
        "the solution of a linear system has no closed form here beyond three unknowns"
    )


def _solve_pullback(
    g: Variable, out: Variable, a: Variable, b: Variable
) -> tuple[Variable, Variable]:
    right = solution(flipped(a), g)
    return -matrix_product(right, flipped(out)), right


solve: Operator = array_operator(
    "solve",
    2,
    _solve_value,
    linear_systems.solve,
    _solve_pullback,
    _solve_shape,
    _no_closed_form,
    code="solve({0}, {1})",
)


def solution(a: Variable, b: Variable) -> Variable:
    """Return x with ``a @ x = b``, for matrices of equal leading shape."""
    return node(solve, (a, b), {}, _solve_shape(a.shape, b.shape))


def _ridge_value(x: Any, r: Any, b: Any) -> Any:
    return _solve_value(np.matmul(np.swapaxes(x, -1, -2), x) + r, b)


def _ridge_shape(x: Shape, r: Shape, b: Shape) -> Shape:
    if len(x) != len(r) or x[:-2] != r[:-2] or x[-1] != r[-1]:
        raise ValueError(f"a matrix of shape {r} does not fit X' X of shape {x}")
    return _solve_shape(r, b)


def _ridge_pullback(
    g: Variable, out: Variable, x: Variable, r: Variable, b: Variable
) -> tuple[Variable, Variable, Variable]:
    right = ridge_solution(x, flipped(r), g)
    slope = -matrix_product(right, flipped(out))
    return matrix_product(x, slope + flipped(slope)), slope, right


ridge_solve: Operator = array_operator(
    "ridge_solve",
    3,
    _ridge_value,
    linear_systems.ridge_solve,
    _ridge_pullback,
    _ridge_shape,
    _no_closed_form,
    code="solve(matmul(xp.matrix_transpose({0}), {0}) + {1}, {2})",
)
"""``(X' X + R)^-1 B``: bounded for every X wherever R is positive definite."""


def ridge_solution(x: Variable, r: Variable, b: Variable) -> Variable:
    """Return ``(x' x + r)^-1 b``, for matrices of equal leading shape."""
    shape = _ridge_shape(x.shape, r.shape, b.shape)
    return node(ridge_solve, (x, r, b), {}, shape)


def _fit_shape(x: Shape, r: Shape, y: Shape) -> Shape:
    if len(y) != len(x) or y[:-1] != x[:-1]:
        raise ValueError(f"X of shape {x} does not fit Y of shape {y}")
    return _ridge_shape(x, r, (*r[:-1], y[-1]))


def _fit_pullback(
    g: Variable, out: Variable, x: Variable, r: Variable, y: Variable
) -> tuple[Variable, Variable, Variable]:
    right = ridge_solution(x, flipped(r), g)
    slope = -matrix_product(right, flipped(out))
    by_x = matrix_product(x, slope + flipped(slope))
    by_x = by_x + matrix_product(y, flipped(right))
    return by_x, slope, matrix_product(x, right)


ridge_fit: Operator = array_operator(
    "ridge_fit",
    3,
    lambda x, r, y: _ridge_value(x, r, np.matmul(np.swapaxes(x, -1, -2), y)),
    linear_systems.ridge_fit,
    _fit_pullback,
    _fit_shape,
    _no_closed_form,
    code=(
        "solve(matmul(xp.matrix_transpose({0}), {0}) + {1}, "
        "matmul(xp.matrix_transpose({0}), {2}))"
    ),
)
"""``(X' X + R)^-1 X' Y``: ridge regression, with a bound that knows of both X."""


def ridge_regression(x: Variable, r: Variable, y: Variable) -> Variable:
    """Return ``(x' x + r)^-1 x' y``, for matrices of equal leading shape."""
    shape = _fit_shape(x.shape, r.shape, y.shape)
    return node(ridge_fit, (x, r, y), {}, shape)
