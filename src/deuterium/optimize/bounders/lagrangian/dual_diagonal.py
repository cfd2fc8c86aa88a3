"""Diagonals above Gram matrices, of nearly the least trace.

They bound second moments of linear functions over a box: the dual of a semidefinite
relaxation (A. Raghunathan, J. Steinhardt and P. Liang, "Semidefinite relaxations for
certifying robustness to adversarial examples", NeurIPS 2018).  Nothing here has to be
right: what is used of it is proved elsewhere.
"""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.budget import check
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options


def start(gram: Array) -> Array:
    """Return unit vectors, one a row, for `nearly` to start from."""
    n = len(gram)
    rank = min(n, int(np.sqrt(2 * n)) + 2)
    v = np.cos(np.arange(1, n + 1)[:, None] * np.arange(1, rank + 1) * 1.7)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    for _ in range(options.FIRST_SWEEPS):
        check()
        v = gram @ v
        v /= np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-300)
    return v


def nearly(gram: Array, vectors: Array) -> tuple[Array, Array]:
    """Return D of least trace with ``diag(D) >= gram``, about; and V.

    The dual maximises ``<gram, V V.T>`` over V with unit rows; the fixed point of
    ``V <- rows of gram V, normalised`` has D as the lengths of those rows.

    Shapes: ``gram`` (B, terms, terms), ``vectors`` (terms, rank).
    """
    v = np.broadcast_to(vectors, (len(gram), *vectors.shape))
    d = np.ones(gram.shape[:2])
    for _ in range(options.REGION_SWEEPS):
        check()
        w = gram @ v
        d = np.maximum(np.linalg.norm(w, axis=2), 1e-300)
        v = w / d[..., None]
    # scale up until it is feasible
    root = 1.0 / np.sqrt(d)
    most = _largest(root[:, :, None] * gram * root[:, None, :])
    return d * np.maximum(most, 1e-300)[:, None], v


def _largest(matrices: Array) -> Array:
    """Return the largest eigenvalues, about; 1 of numbers too large to have any."""
    known = np.isfinite(matrices).all(axis=(1, 2), keepdims=True)
    try:
        return np.linalg.eigvalsh(np.where(known, matrices, np.eye(matrices.shape[1])))[
            :, -1
        ]
    except np.linalg.LinAlgError:
        return np.ones(len(matrices))
