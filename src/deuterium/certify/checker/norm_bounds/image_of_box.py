"""The length of ``d * (u W)`` for a row u in a box.

It is at most that of ``s A`` for numbers s of at most 1 in absolute value: the first
row of A is ``(mid W) * D``, of factor 1, the others are ``half_i W_i * D``, with D the
largest ``|d_j|``.  With weights ``q_i > 0`` for some rows, and ``||diag(1 / q) A|| <=
sigma`` over these, it is at most ``sigma ||q||`` plus the lengths of the other rows
(which are zero, up to rounding).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb_mat

from deuterium import ops
from deuterium.certify.checker.ball_functions import ONE, ZERO, Ball
from deuterium.certify.checker.exact_data import finite, numbers
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.norm_bounds.ball_matrices import Matrix, is_norm
from deuterium.certify.checker.norm_bounds.ball_vectors import Vector, known, length
from deuterium.graph.variable import Variable

if TYPE_CHECKING:
    from deuterium.certify.checker.norm_bounds.norm_pass import NormPass


def length_over_box(sweep: NormPass, node: Variable) -> Ball:
    """Return the bound of the length of a node that its weights prove."""
    product, factor = _parts(sweep, node)
    u = sweep.value(product.args[0])
    matrix = sweep.graph.matrix(product.args[1])
    assert matrix is not None
    rows = matrix.elements.reshape(matrix.rows, matrix.columns)
    rows = np.concatenate(
        [matrix.after(u.middle).reshape(1, -1), u.half.reshape(-1, 1) * rows]
    )
    if factor is not None:
        rows = rows * factor
    chosen = sweep.choice(node)
    weights = numbers(chosen["weights"], len(rows))
    return _bounded(rows, weights, finite(chosen["sigma"]))


def _parts(sweep: NormPass, node: Variable) -> tuple[Variable, Vector | None]:
    """Return the product with a matrix, and the largest absolute values before it."""
    assert node.op is not None
    if node.op is ops.matmul:
        pairs: list[tuple[Variable, Variable | None]] = [(node, None)]
    else:
        a, b = node.args
        pairs = [(a, b), (b, a)]
    for product, other in pairs:
        if _is_row_product(sweep, product):
            return product, None if other is None else sweep.value(other).sizes
    raise NoBound("weights at what is no product of a row with a matrix")


def _is_row_product(sweep: NormPass, v: Variable) -> bool:
    if v.op is not ops.matmul:
        return False
    u, matrix = v.args[0], sweep.graph.matrix(v.args[1])
    return matrix is not None and u.size == u.shape[-1]


def _bounded(rows: Any, weights: list[Ball], sigma: Ball) -> Ball:
    used: list[Vector] = []
    squares = rest = ZERO
    for row, q in zip(rows, weights, strict=True):
        if q > ZERO:
            used.append(row * (ONE / q))
            squares = squares + q * q
        else:
            rest = rest + length(row)
    if not used:
        return known(rest)
    scaled = arb_mat([row.tolist() for row in used])
    frobenius = Matrix(len(used), len(used[0]), np.concatenate(used)).frobenius
    if not (sigma >= frobenius or is_norm(scaled, sigma)):
        raise NoBound("the norm of a matrix over a cube is not proved to be as claimed")
    return known(sigma * squares.sqrt() + rest)
