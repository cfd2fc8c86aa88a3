"""Matrices of balls, and proofs that their spectral norm is at most a number.

``||A|| <= s`` says that ``I - B^T B`` is positive semidefinite, for ``B = A / s``.
Small matrices are shown to be definite by elimination.  Of larger ones the factor L of
``I - B^T B - d I`` is worked out in floating point; if the rest ``R``, what is left of
that in balls after ``L L^T`` is taken off, has a Frobenius norm of at most d, then
``I - B^T B = L L^T + d I + R`` is semidefinite, whatever L is.

References: S. M. Rump, "Verification of positive definiteness", BIT 46, 2006.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb, arb_mat

from deuterium.certify.checker.ball_functions import ONE, ZERO, Ball
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.norm_bounds.ball_vectors import Vector, root, vector
from deuterium.certify.checker.range_products import by_sign

SMALL = 24  # of sides: eliminated in balls


class Matrix:
    """A matrix of balls.

    Parameters
    ----------
    rows, columns : int
        Its shape.
    elements : array of balls
        In C order.
    """

    def __init__(self, rows: int, columns: int, elements: Vector) -> None:
        self.rows, self.columns = rows, columns
        self.elements = elements
        self.balls = arb_mat(rows, columns, elements.tolist())
        self._signs: Any = None
        self._widths: Vector | None = None
        self._frobenius: Ball | None = None
        self._proved: dict[float, Ball] = {}

    def transposed(self) -> Matrix:
        """Return the matrix turned."""
        turned = self.elements.reshape(self.rows, self.columns).T.reshape(-1)
        return Matrix(self.columns, self.rows, turned)

    def after(self, x: Vector) -> Vector:
        """Return ``x W`` for rows x."""
        product = arb_mat(len(x) // self.rows, self.rows, x.tolist()) * self.balls
        return vector(product.entries())

    def before(self, x: Vector) -> Vector:
        """Return ``W x`` for one column x."""
        return vector((self.balls * arb_mat(self.columns, 1, x.tolist())).entries())

    def ends(self, low: Vector, high: Vector) -> tuple[Vector, Vector]:
        """Return the intervals of ``x W`` for those of rows x.

        Shapes: both (vectors * rows,), one vector after the other.
        """
        if self._signs is None:
            positive, negative = by_sign(self.elements.tolist())
            self._signs = arb_mat(2 * self.rows, self.columns, positive + negative)
        n = len(low) // self.rows
        below, above = low.reshape(n, self.rows), high.reshape(n, self.rows)
        pairs = np.concatenate([below, above, above, below], axis=1).reshape(-1)
        product = arb_mat(2 * n, 2 * self.rows, pairs.tolist()) * self._signs
        both = vector(product.entries()).reshape(n, 2, self.columns)
        return both[:, 0].reshape(-1), both[:, 1].reshape(-1)

    @property
    def widths(self) -> Vector:
        """The lengths of the columns."""
        if self._widths is None:
            squares = self.elements.reshape(self.rows, self.columns) ** 2
            sums = np.sum(squares, axis=0).tolist()
            self._widths = vector([root(x) for x in sums])
        return self._widths

    @property
    def frobenius(self) -> Ball:
        """The root of the sum of all squares, which is no less than the norm."""
        if self._frobenius is None:
            self._frobenius = root(np.sum(self.widths**2))
        return self._frobenius

    def norm(self, claim: float | None) -> Ball:
        """Return an upper bound of the spectral norm: the claim, once it is proved."""
        if claim is None:
            return self.frobenius
        if claim not in self._proved:
            self._proved[claim] = self._prove(claim)
        return self._proved[claim]

    def _prove(self, claim: float) -> Ball:
        s = arb(claim)
        if s >= self.frobenius or is_norm(self.balls, s):
            return s
        raise NoBound(
            f"the norm of a matrix of shape ({self.rows}, {self.columns}) is not "
            f"proved to be at most {claim!r}"
        )


def is_norm(matrix: Any, s: Ball) -> bool:
    """Return whether the spectral norm of a matrix is proved to be at most s."""
    if not (s > ZERO and s.is_finite()):
        return False
    n = min(matrix.nrows(), matrix.ncols())
    scaled = matrix * (ONE / s)
    turned = scaled.transpose()
    gram = turned * scaled if n == matrix.ncols() else scaled * turned
    return _is_semidefinite(_eye(n, ONE) - gram, n)


def _eye(n: int, x: Ball) -> Any:
    out = arb_mat(n, n)
    for i in range(n):
        out[i, i] = x
    return out


def _is_semidefinite(matrix: Any, n: int) -> bool:
    rest = matrix.entries()
    middles = np.array([float(x.mid()) for x in rest]).reshape(n, n)
    if not np.isfinite(middles).all():
        return False
    if n <= SMALL:
        return _eliminates([rest[i * n : (i + 1) * n] for i in range(n)])
    middles = 0.5 * (middles + middles.T)
    try:
        shift = 0.5 * float(np.linalg.eigvalsh(middles)[0])
        if not shift > 0:
            return False
        factor = np.linalg.cholesky(middles - shift * np.eye(n))
    except np.linalg.LinAlgError:
        return False
    lower = arb_mat(n, n, factor.ravel().tolist())
    left = matrix - _eye(n, arb(shift)) - lower * lower.transpose()
    return bool(sum([x * x for x in left.entries()], ZERO) <= arb(shift) ** 2)


def _eliminates(rows: list[list[Ball]]) -> bool:
    """Return whether all pivots of a symmetric matrix are positive."""
    n = len(rows)
    for k in range(n):
        pivot = rows[k][k]
        if not pivot > ZERO:
            return False
        for i in range(k + 1, n):
            factor = rows[i][k] / pivot
            for j in range(k + 1, i + 1):
                rows[i][j] = rows[j][i] = rows[i][j] - factor * rows[j][k]
    return True
