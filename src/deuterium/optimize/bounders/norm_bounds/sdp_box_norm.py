"""The largest length of ``s A`` for a row ``s`` of numbers in [-1, 1].

For every row of weights ``q > 0``

    ||s A|| <= ||s * q|| ||diag(1 / q) A||_2 <= ||q|| ||diag(1 / q) A||_2 ,

and the least right hand side is the dual of the semidefinite relaxation of maximising
a convex quadratic form over a cube: with ``D = diag(q**2)`` scaled so that the norm of
``diag(1 / q) A`` is 1 it says that ``D - A A^T`` is positive semidefinite and the bound
is the trace of ``D``.  Weights all equal give the spectral norm times the root of n.

The weights come from the primal side (a matrix ``V`` of unit rows, improved by the
power method ``V <- rows of (A A^T V), normalised``); they may be anything positive, the
norm of the scaled matrix is certified afterwards.

References: A. Raghunathan, J. Steinhardt and P. Liang, "Certified defenses against
adversarial examples", ICLR 2018 (this relaxation); S. Burer and R. D. C. Monteiro,
Mathematical Programming 95, 2003 (the primal side with few columns).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.budget import check
from deuterium.interval.rounding import Array
from deuterium.interval.spectral_norm import (
    inflate,
    root_sum,
    spectral_norm,
)
from deuterium.optimize.bounders.norm_bounds.norm_options import (
    RANK,
    ROUNDS,
)


def box_norm_bound(matrix: Array, roundings: int = 0) -> tuple[float, Array, float]:
    """Return an upper bound of ``max ||s A||`` over the cube, and its reasons.

    Parameters
    ----------
    matrix : ndarray of shape (n, m)
        One row per coordinate of the cube.
    roundings : int
        How many roundings its entries have suffered.

    Returns
    -------
    bound : float
    weights : ndarray of shape (n,)
        ``q``; 0 for rows that are zero.
    sigma : float
        The certified norm of ``diag(1 / q) A``.
    """
    weights = _weights(matrix)
    used = weights > 0
    scaled = matrix[used] / weights[used, None]
    sigma = spectral_norm(scaled, roundings + 1)
    length = float(root_sum(np.square(weights), (0,)))
    return inflate(sigma * length), weights, sigma


def _weights(matrix: Array) -> Any:
    """Return positive weights near the best ones (0 where a row is 0)."""
    used = np.any(matrix != 0, axis=1)  # squares of its entries may underflow
    top = float(np.max(np.abs(matrix), initial=0.0))
    if not 0 < top < np.inf:
        return np.where(used, 1.0, 0.0)
    unit = matrix / top
    gram = unit @ unit.T
    rows = np.random.default_rng(0).normal(size=(len(gram), RANK))
    for _ in range(ROUNDS):
        check()
        rows /= np.sqrt(np.sum(np.square(rows), axis=1, keepdims=True)) + 1e-300
        rows = gram @ rows
    square = np.sqrt(np.sum(np.square(rows), axis=1))
    least = 1e-9 * float(np.mean(square))
    return np.where(used, np.sqrt(np.maximum(square, least)), 0.0)
