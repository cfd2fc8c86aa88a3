"""Whether symmetric matrices of intervals are definite, along what, and in what basis.

A matrix is taken as centre M and radius R >= 0 (rounded up), element by element.

A symmetric matrix with a negative diagonal that outweighs the rest of each row has only
negative eigenvalues, by Gershgorin's theorem, and by Sylvester's law of inertia so has
one that is congruent to it.
"""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.interval.rounding import EPS, MIN_NORMAL

MARGIN = 1e-9  # far more than rounding can do in matrices of a dozen rows


def centred(h: Array) -> tuple[Array, Array]:
    """Return centres and radii of stacked ends."""
    centre = 0.5 * h[0] + 0.5 * h[1]
    radius = np.maximum(h[1] - centre, centre - h[0])
    return centre, radius * (1.0 + 4 * EPS) + np.abs(centre) * (4 * EPS) + MIN_NORMAL


def _eigen(matrices: Array) -> tuple[Array, Array]:
    """Return eigenvalues and eigenvectors; anything at all where there are none."""
    known = np.isfinite(matrices).all(axis=(1, 2), keepdims=True)
    matrices = np.where(known, matrices, 0.0)
    try:
        values, vectors = np.linalg.eigh(matrices)
    except np.linalg.LinAlgError:  # of numbers near the largest
        shape = matrices.shape
        return np.zeros(shape[:2]), np.broadcast_to(np.eye(shape[1]), shape)
    return values, vectors


def negative_basis(centre: Array, radius: Array) -> tuple[Array, Array]:
    """Return which matrices are certainly negative definite, and bases P to prove it.

    ``P^T H P`` has a negative diagonal that outweighs the rest of each row for every H
    in the interval; being regular then, it proves P regular and H negative definite.
    The columns of P are eigenvectors of the centre divided by the root of the size of
    their eigenvalue.

    Shapes: ``centre`` and ``radius`` (B, n, n).
    """
    values, vectors = _eigen(centre)
    size = np.maximum(np.abs(values), 1e-12 * np.abs(values).max(axis=1)[:, None])
    size = np.maximum(size, 1e-300)
    basis = vectors / np.sqrt(size)[:, None, :]
    return outweighs(basis, centre, radius), basis


def outweighs(basis: Array, centre: Array, radius: Array) -> Array:
    """Return whether ``P^T H P`` is negative and diagonally dominant for every H.

    Shapes: all (B, n, n).
    """
    turned = basis.swapaxes(1, 2)
    middle = turned @ centre @ basis
    spread = np.abs(turned) @ (radius + MARGIN * np.abs(centre)) @ np.abs(basis)
    n = basis.shape[1]
    diagonal = middle[:, range(n), range(n)]
    others = np.abs(middle).sum(axis=2) - np.abs(diagonal)
    worst = diagonal + (others + spread.sum(axis=2)) * (1.0 + MARGIN)
    return np.all(worst < 0, axis=1)


def rising_direction(centre: Array, radius: Array) -> tuple[Array, Array]:
    """Return where ``v^T H v > 0`` for every H in the interval, and the vectors v.

    Shapes: ``centre`` and ``radius`` (B, n, n); v (B, n).
    """
    v = _eigen(centre)[1][:, :, -1]
    size = np.abs(v)
    bend = np.einsum("bi,bij,bj->b", v, centre, v)
    slack = np.einsum("bi,bij,bj->b", size, radius + MARGIN * np.abs(centre), size)
    return bend > slack * (1.0 + MARGIN), v
