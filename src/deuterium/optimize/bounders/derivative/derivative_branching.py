"""Branching rule for boxes: the input that moves the objective most."""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.natural_interval import middle_of


class BranchingRule:
    """Chooses cuts.

    Parameters
    ----------
    problem : Problem
        What is maximised.
    """

    def __init__(self, problem: Problem) -> None:
        width = problem.upper - problem.lower
        self.scale = np.where(np.isfinite(width) & (width > 0), width, 1.0)

    def level(self, low: Array, high: Array) -> Array:
        """Return how often each box has been halved, about, in its longest side.

        Shapes: ``low`` and ``high`` (B, n).
        """
        share = ((high - low) / self.scale).max(axis=1)
        share = np.clip(np.nan_to_num(share, nan=1.0), 1e-300, 1e300)
        return np.floor(-np.log2(share) * 2.0).astype(int)

    def branching_points(
        self, low: Array, high: Array, slopes: Array
    ) -> tuple[Array, Array]:
        """Return the input to cut, or -1 if none can be, and where.

        It is the one with the largest product of side and slope; where a slope is not
        known, the one with the longest side.

        Shapes: ``low`` and ``high`` (B, n), ``slopes`` (2, B, n).
        """
        if not low.shape[1]:
            return np.full(len(low), -1), np.zeros(len(low))
        at = middle_of(low, high)
        can = (low < at) & (at < high)
        side = np.where(can, high - low, 0.0)
        steep = np.maximum(np.abs(slopes[0]), np.abs(slopes[1])) * side
        known = np.isfinite(steep).all(axis=1)[:, None]
        score = np.where(known, steep, side / self.scale)
        score = np.where(can, score, -1.0)
        cut = np.argmax(score, axis=1)
        rows = np.arange(len(low))
        return np.where(can[rows, cut], cut, -1), at[rows, cut]
