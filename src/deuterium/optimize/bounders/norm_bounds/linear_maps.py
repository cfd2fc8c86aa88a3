"""Compositions of linear operators as one sparse matrix, with a certified norm.

A gradient goes backwards through windows, kernels, means and paddings one after the
other.  The norm of the whole map is far less than the product of the norms of its parts
(a window shows every element up to 25 times, a kernel takes them together again), so
the parts are multiplied out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.budget import afford
from deuterium.graph.hashcons import hashable
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import MIN_NORMAL, Array, gamma
from deuterium.interval.spectral_norm import (
    frobenius_norm,
    inflate,
    root_sum,
    spectral_norm,
)
from deuterium.optimize.bounders.norm_bounds.norm_options import (
    CLOSE,
    KEPT_MAPS,
    MOST_ENTRIES,
    POWER_ROUNDS,
    ROOM,
)

Sparse = Any  # a matrix of SciPy's, in rows


@dataclass(frozen=True)
class LinearStep:
    """A linear operator with all arguments but one put in.

    Attributes
    ----------
    key : tuple
        What it does, hashable.
    node : Variable
        Where it stands.
    side : int
        Which argument varies.
    number : ndarray, or None
        The other one.
    """

    key: Any
    node: Variable = field(compare=False)
    side: int = field(compare=False)
    number: Array | None = field(compare=False)

    @property
    def is_shift(self) -> bool:
        """Whether a constant is added."""
        return self.node.op in (ops.add, ops.subtract)


@dataclass(frozen=True)
class LinearMap:
    """A matrix that is known up to an error, with certified norms.

    Attributes
    ----------
    sigma : float
        Upper bound of the spectral norm.
    rows : ndarray
        Upper bounds of the rows' lengths.
    """

    sigma: float
    rows: Array


def step_of(node: Variable, side: int, number: Any) -> LinearStep | None:
    """Return what a node does to one argument, or None if it is not linear in it."""
    op = node.op
    x = node.args[side]
    if op is None or (op.arity != 1 and number is None):
        return None
    if op in (ops.add, ops.subtract):
        if x.shape != node.shape:
            return None
    elif op is ops.divide:
        if side or np.any(number == 0) or x.shape != node.shape:
            return None
    elif op is ops.multiply:
        if x.shape != node.shape:
            return None
    elif op is ops.matmul:
        if np.ndim(number) != 2 or (side and x.ndim != 2):
            return None
    elif op not in (ops.scatter, ops.add_reduce, ops.negative) and not (
        op.moves_elements and op.arity == 1
    ):
        return None
    given = b"" if number is None else np.asarray(number, dtype=float).tobytes()
    attrs = tuple((k, hashable(v)) for k, v in sorted(node.attrs.items()))
    shapes = x.shape, node.shape, np.shape(number)
    key = (op.name, side, shapes, blake2b(given).digest(), attrs)
    return LinearStep(key, node, side, number)


@lru_cache(maxsize=KEPT_MAPS)
def linear_map(steps: tuple[LinearStep, ...]) -> LinearMap | None:
    """Return the composition of steps, the first one first; None if it is too large."""
    matrix: Sparse = None
    error = 0.0  # of all entries, by the root of the sum of squares
    for step in steps:
        if step.is_shift and not (step.side and step.node.op is ops.subtract):
            continue
        own = _matrix(step)
        if matrix is None:
            matrix, error = own, _rounded(step) * frobenius_norm(own.data)
            continue
        if own.nnz * (matrix.nnz / max(matrix.shape[0], 1)) > 4 * MOST_ENTRIES:
            return None
        afford(0.0, 16.0 * own.nnz * (matrix.nnz / max(matrix.shape[0], 1)))
        most = int(np.diff(own.indptr).max(initial=0)) + 4
        grown = _plain_norm(own)
        size = frobenius_norm(matrix.data) + error
        share = gamma(most) + _rounded(step)
        error = float(inflate(grown * (error + share * size)))
        matrix = (own @ matrix).tocsr()
        if matrix.nnz > MOST_ENTRIES:
            return None
    if matrix is None:
        return None
    return _with_norms(matrix, error)


def _with_norms(matrix: Sparse, error: float) -> LinearMap | None:
    """Return a matrix's norms; None where numbers overflow."""
    top = float(np.max(np.abs(matrix.data), initial=0.0))
    scale = np.ldexp(1.0, int(np.frexp(top)[1])) if 0 < top < 1e300 else 1.0
    near = matrix * (1.0 / scale)  # exactly; what underflows is far below the largest
    sigma = _plain_norm(near)
    if sigma > CLOSE * _about(near):
        sigma = min(sigma, spectral_norm(near))
    sigma = float(inflate(sigma * ROOM * scale + error))
    squares = np.asarray(near.multiply(near).sum(axis=1)).ravel()
    squares = squares * (1 + gamma(matrix.shape[1] + 8))
    rows = np.sqrt(squares + matrix.shape[1] * MIN_NORMAL) * ROOM * scale + error
    if not (np.isfinite(sigma) and np.isfinite(rows).all()):
        return None
    return LinearMap(sigma, inflate(rows))


def _rounded(step: LinearStep) -> float:
    """Return by how much, relative to themselves, a step's entries may be off."""
    return gamma(4) if step.node.op is ops.divide else 0.0


def _matrix(step: LinearStep) -> Sparse:
    """Return a step as a matrix, of shape (elements, elements of the argument)."""
    from scipy import sparse

    node, number = step.node, step.number
    op, x = node.op, node.args[step.side]
    if op in (ops.multiply, ops.divide):
        factor = np.broadcast_to(np.asarray(number, dtype=float), node.shape).ravel()
        return sparse.diags_array(
            factor if op is ops.multiply else 1.0 / factor
        ).tocsr()
    if op in (ops.negative, ops.subtract):
        return (-sparse.eye_array(node.size)).tocsr()
    if op is ops.matmul:
        assert number is not None
        if step.side:
            return sparse.kron(number, sparse.eye_array(x.shape[1])).tocsr()
        rows = sparse.eye_array(x.size // x.shape[-1])
        return sparse.kron(rows, number.T).tocsr()
    assert op is not None
    places = np.arange(x.size).reshape(x.shape)
    if op is ops.scatter:
        to = np.asarray(node.attrs["index"]).ravel()
    elif op is ops.add_reduce:
        axes = tuple(node.attrs["axis"])
        to = np.expand_dims(np.arange(node.size).reshape(node.shape), axes)
        to = np.broadcast_to(to, x.shape).ravel()
    else:
        places = op.value(places, **node.attrs)
        to = np.arange(node.size)
    at = (to, np.ravel(places))
    return sparse.csr_array((np.ones(len(to)), at), shape=(node.size, x.size))


def _plain_norm(matrix: Sparse) -> float:
    """Return the root of the largest row sum times the largest column sum, of sizes."""
    size = abs(matrix)
    sums = [float(np.max(size.sum(axis=k), initial=0.0)) for k in (0, 1)]
    return float(
        inflate(root_sum(np.array([sums[0] * sums[1]]), (0,)), 16 + max(matrix.shape))
    )


def _about(matrix: Sparse) -> float:
    """Return a number that is not above the norm, but for rounding."""
    x = np.random.default_rng(0).normal(size=matrix.shape[1])
    size = 0.0
    for _ in range(POWER_ROUNDS):
        size = float(np.linalg.norm(x))
        if not 0 < size < np.inf:
            return 0.0
        x = matrix.T @ (matrix @ (x / size))
    return float(np.sqrt(np.linalg.norm(x)))
