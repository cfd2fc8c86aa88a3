"""Certified upper bounds of the largest singular value of a matrix.

A number is guessed from the eigenvalues of the Gram matrix and then proved: if a
Cholesky factorisation of ``s I - G`` runs to its end in floating point, the matrix is
positive semidefinite up to a rounding error that is known beforehand (S. M. Rump,
"Verification of positive definiteness", BIT 46, 2006; N. J. Higham, "Accuracy and
Stability of Numerical Algorithms", 2nd ed., theorem 10.3), whatever the order in which
LAPACK sums.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from deuterium.budget import afford
from deuterium.interval.rounding import MIN_NORMAL, Array, gamma, sqrt_up

LARGEST = 2304  # of the smaller side; above it the Frobenius norm has to do
DENSE = 2**22  # entries of a sparse matrix that is made a full one
LANCZOS = 256  # rows from which on the largest eigenvalue alone is sought
ROUGH = 1e-6  # relative error of an eigenvalue found by Lanczos' method
FASTER = 12  # times a loop's operations a second, in products of full matrices
ATTEMPTS = 6  # each with four times the slack for rounding


def spectral_norm(matrix: Any, roundings: int = 0) -> float:
    """Return an upper bound of the spectral norm.

    Parameters
    ----------
    matrix : ndarray of shape (m, n), or sparse
        Its entries.
    roundings : int
        How many roundings each entry has suffered: the norm bounded is that of every
        matrix whose entries were rounded so.
    """
    is_sparse = not isinstance(matrix, np.ndarray)
    if is_sparse and np.prod(matrix.shape) <= DENSE:
        matrix, is_sparse = matrix.toarray(), False
    entries = matrix.data if is_sparse else matrix
    frobenius = frobenius_norm(entries)
    side = min(matrix.shape)
    if not 1 < side <= LARGEST or not 0 < frobenius < np.inf:
        return inflate(frobenius, roundings)
    longer = matrix.nnz / side if is_sparse else max(matrix.shape)
    afford(side**2 * (2.0 * longer + side) / (1 if is_sparse else FASTER))
    scale = 2.0 ** -np.floor(np.log2(frobenius))  # exact, and nothing overflows
    small = matrix * scale
    gram = small @ small.T if small.shape[0] <= small.shape[1] else small.T @ small
    gram = gram.toarray() if is_sparse else gram
    square = _largest_eigenvalue(0.5 * (gram + gram.T))
    count = max(matrix.shape) + 2 * roundings + 8
    frobenius_squared = inflate(np.square(frobenius_norm(entries * scale)))
    square = square + 2 * frobenius_squared * gamma(count) + count**2 * MIN_NORMAL
    root = float(sqrt_up(np.asarray(inflate(square))))
    return min(inflate(root / scale), inflate(frobenius, roundings))


def frobenius_norm(matrix: Array) -> float:
    """Return an upper bound of the root of the sum of all squares."""
    return float(root_sum(np.square(matrix), range(matrix.ndim)))


def _largest_eigenvalue(gram: Array) -> float:
    """Return a number no eigenvalue of a symmetric matrix exceeds."""
    n = len(gram)
    if not np.isfinite(gram).all():
        return np.inf
    guess, share = _guess(gram)
    for attempt in range(ATTEMPTS):
        top = guess * (1.0 + share * 4.0**attempt)
        try:
            np.linalg.cholesky(top * np.eye(n) - gram)
        except np.linalg.LinAlgError:
            continue
        # hidden: gamma_{n+1} / (1 - gamma_{n+1}) of the trace, which is at most n top
        return inflate(top * (1.0 + 2 * n * gamma(n + 3)) + n * n * MIN_NORMAL)
    return inflate(frobenius_norm(gram))


def _guess(gram: Array) -> tuple[float, float]:
    """Return about the largest eigenvalue, and by what share it may be too small."""
    n = len(gram)
    share = 4 * n * gamma(n + 2)  # of what a Cholesky factorisation may hide
    if n > LANCZOS:
        from scipy.sparse.linalg import ArpackError, eigsh

        first = np.random.default_rng(0).normal(size=n)
        with suppress(ArpackError):
            found = eigsh(gram, 1, which="LA", v0=first, tol=ROUGH)
            return float(found[0][0]), max(share, ROUGH)
    return float(np.linalg.eigvalsh(gram)[-1]), share


def inflate(x: Any, roundings: int = 6) -> Any:
    """Return a number above every ``x >= 0`` that was rounded so many times."""
    return x * (1.0 + gamma(roundings + 4)) + MIN_NORMAL


def root_sum(squares: Array, axes: Any) -> Any:
    """Return an upper bound of the root of sums of squares (each rounded once)."""
    axis = tuple(axes)
    count = int(np.prod([squares.shape[i] for i in axis], dtype=np.int64))
    total = np.sum(squares, axis=axis) * (1.0 + gamma(count + 6))
    return sqrt_up(total + count * MIN_NORMAL)
