"""Coefficients of local functions as the solver wants them: few columns each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deuterium.array_type import Array


@dataclass(frozen=True)
class ColumnPiece:
    """One function's coefficients: ``matrix @ p[columns]``, or ``-p[columns]``."""

    columns: Array
    matrix: Array
    own: bool

    @property
    def span(self) -> slice | None:
        """The columns as a slice, if they are neighbours."""
        first, count = int(self.columns[0]), len(self.columns)
        if self.columns[-1] - first == count - 1:
            return slice(first, first + count)
        return None


class SparseColumns:
    """What one group's coefficients are made of, sparse, as the solver works with it.

    Parameters
    ----------
    base : ndarray of shape (m, R)
        Coefficients at p = 0.
    matrix : ndarray of shape (m, R, P)
        What the multipliers add.
    """

    def __init__(self, base: Array, matrix: Array) -> None:
        self.base = base
        self.size, self.count, self.total = matrix.shape
        self.pieces = [self._piece(matrix[:, r]) for r in range(self.count)]

    def _piece(self, matrix: Array) -> ColumnPiece:
        columns = np.flatnonzero(matrix.any(axis=0))
        found = matrix[:, columns]
        own = found.shape == (self.size, self.size) and np.array_equal(
            found, -np.eye(self.size)
        )
        return ColumnPiece(columns, found, own)

    def append(self, column: int) -> None:
        """Add a function whose coefficient is one multiplier."""
        self.pieces.append(
            ColumnPiece(np.array([column]), np.ones((self.size, 1)), False)
        )
        self.base = np.concatenate([self.base, np.zeros((self.size, 1))], axis=1)
        self.count += 1

    def coefficients(self, p: Array) -> Array:
        """Return ``matrix @ p`` of shape (B, m, R)."""
        out = np.zeros((len(p), self.size, self.count))
        for r, piece in enumerate(self.pieces):
            x = p[:, piece.columns]
            out[..., r] = -x if piece.own else x @ piece.matrix.T
        return out

    def gather(self, g: Array, out: Array) -> None:
        """Add ``matrix.T @ g`` to ``out``, of shape (B, P)."""
        for r, piece in enumerate(self.pieces):
            x = g[..., r]
            out[:, piece.columns] += -x if piece.own else x @ piece.matrix

    def add_to(self, h: Array, cov: Array) -> None:
        """Add ``matrix.T @ cov @ matrix`` to ``h``, of shape (B, P, P)."""
        for r, a in enumerate(self.pieces):
            for s in range(r, self.count):
                b = self.pieces[s]
                if not len(a.columns) or not len(b.columns):
                    continue
                x = _sandwich(a, b, cov[:, :, r, s])
                if x.ndim == 2:
                    h[:, a.columns, b.columns] += x
                    if s > r:
                        h[:, b.columns, a.columns] += x
                    continue
                _add(h, a, b, x)
                if s > r:
                    _add(h, b, a, np.swapaxes(x, 1, 2))


def _add(h: Array, a: ColumnPiece, b: ColumnPiece, x: Array) -> None:
    """Add a block; neighbouring columns are much faster to reach as a slice.

    Shapes: ``h`` (B, P, P), ``x`` (B, columns of a, columns of b).
    """
    if a.span is not None and b.span is not None:
        h[:, a.span, b.span] += x
    else:
        h[:, a.columns[:, None], b.columns] += x


def _sandwich(a: ColumnPiece, b: ColumnPiece, w: Array) -> Array:
    """Return ``a.T @ diag(w) @ b``; its diagonal where both are own multipliers."""
    if a.own and b.own:
        return w
    if a.own:
        return -w[..., None] * b.matrix
    if b.own:
        return -np.swapaxes(w[..., None] * a.matrix, 1, 2)
    if a.matrix.shape[1] == 1 or b.matrix.shape[1] == 1:
        return np.matmul(a.matrix.T, w[..., None] * b.matrix)
    return np.matmul(a.matrix.T * w[:, None, :], b.matrix)
