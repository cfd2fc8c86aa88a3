"""The bound of `one_feature` as a function of its multipliers, made small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deuterium.privacy.one_feature_tables import NOT, SLACK

__all__ = ["Dual"]

Array = Any

ROUNDS = 9  # of the search for multipliers
NEARLY = 2e-3  # of all terms: so close to the best, a place counts


class Dual:
    """The bound as a function of two multipliers, for many corners of cells at once."""

    def __init__(
        self, table: Array, first: Array, second: Array, edges: Sequence[Array]
    ) -> None:
        self.table = table
        self.shape = table.shape[1:]
        self.flat = table.reshape(8, -1)
        known = np.where(table > NOT / 2, np.abs(table), 0.0)
        self.sizes = known.max(axis=2).sum(axis=1)
        self.factors = np.stack(
            [first**2, second**2, -2 * first * second, 2 * np.abs(first * second)], 1
        )
        self.edges = np.stack(edges, 1)  # t from, to; t' - t from, to

    def least(self, start: Array, target: float) -> tuple[Array, Array]:
        """Return the least bounds found, and where; those below a target are left."""
        best = np.full(len(start), np.inf)
        found, here = start.copy(), start.copy()
        state = np.zeros((len(start), 5))  # slope (2) and curvature (3) at the best
        trust = np.ones(len(start))
        live = np.arange(len(start))
        for _ in range(ROUNDS):
            value, slope, curve = self._at(live, here[live])
            better = value < best[live]
            at = live[better]
            best[at], found[at] = value[better], here[at]
            state[at] = np.concatenate([slope, curve], 1)[better]
            trust[at] = np.minimum(1.0, 2 * trust[at])
            trust[live[~better]] *= 0.3
            live = live[(best[live] > target) & (trust[live] > 1e-3)]
            if not len(live):
                break
            step = _step(best[live], target, state[live])
            here[live] = found[live] - trust[live, None] * step
        return best, found

    def apart(self, row: int, multipliers: Array, nodes: int) -> tuple[int, int | None]:
        """Return which z one corner's bound wants at two places, and a node between.

        Places count that are nearly the best; of all z the one whose part of t or of
        ``t' - t`` differs most between two of them.  None if all are at one place.
        """
        if not nodes:
            return 0, None
        f = self.factors[row]
        weights = np.concatenate([f[:3], -multipliers, f[3:], np.abs(multipliers)])
        v = (weights @ self.flat).reshape(self.shape)[:, : 2 * nodes]
        top = v.max(axis=1, keepdims=True)
        near = v >= top - NEARLY * np.abs(top).sum()
        near = near[:, :nodes] | near[:, nodes:]
        first = near.argmax(axis=1)
        last = nodes - 1 - near[:, ::-1].argmax(axis=1)
        k = np.arange(len(v))
        parts = self.table[3:5, k, last] - self.table[3:5, k, first]
        moves = np.where(last > first + 1, np.abs(parts).sum(axis=0), -1.0)
        best = int(np.argmax(moves))
        return best, None if moves[best] <= 0 else int(first[best] + last[best]) // 2

    def _at(self, rows: Array, multipliers: Array) -> tuple[Array, Array, Array]:
        """Return the bound, its slope and (roughly) its curvature."""
        f = self.factors[rows]
        weights = np.concatenate(
            [f[:, :3], -multipliers, f[:, 3:], np.abs(multipliers)], 1
        )
        v = (weights @ self.flat).reshape(len(rows), *self.shape)
        place = v.argmax(axis=2)
        tops = np.take_along_axis(v, place[:, :, None], 2)[:, :, 0]
        up = multipliers > 0
        e = self.edges[rows]
        t = np.where(up, e[:, 1::2], e[:, ::2])
        parts = multipliers * t
        value = tops.sum(axis=1) + parts.sum(axis=1)
        # what rounding can do to it: a few ulps of the terms' absolute values
        size = np.abs(weights) @ self.sizes + np.abs(parts).sum(axis=1)
        value = value + SLACK * size
        k = np.arange(self.shape[0])
        here = self.table[3:5, k, place]  # (2, rows, H)
        slope = t - here.sum(axis=2).T
        return value, slope, self._curvature(v, place, k)

    def _curvature(self, v: Array, place: Array, k: Array) -> Array:
        """Return what the maxima's places moving adds: one number per pair of axes."""
        last = self.shape[1]
        half = last // 2
        inner = np.where(place < half, place.clip(1, half - 2), place)
        inner = np.where(inner >= half, inner.clip(half + 1, last - 2), inner)
        rows = np.arange(len(v))[:, None]
        bend = 2 * v[rows, k, inner] - v[rows, k, inner - 1] - v[rows, k, inner + 1]
        rise = self.table[3:5, k, inner + 1] - self.table[3:5, k, inner - 1]
        moves = (inner == place) & (bend > 1e-12)
        over = np.where(moves, 0.25 / np.maximum(bend, 1e-12), 0.0)
        pairs = [rise[0] * rise[0], rise[0] * rise[1], rise[1] * rise[1]]
        return np.stack([(p * over).sum(axis=1) for p in pairs], 1)


def _step(value: Array, target: float, state: Array) -> Array:
    """Return Newton's step, or one along the slope that would reach the target."""
    g, (a, b, c) = state[:, :2], state[:, 2:].T
    ridge = 1e-9 * (a + c) + 1e-12
    a, c = a + ridge, c + ridge
    det = a * c - b * b
    newton = np.stack([c * g[:, 0] - b * g[:, 1], a * g[:, 1] - b * g[:, 0]], 1)
    with np.errstate(all="ignore"):
        newton = newton / det[:, None]
    gain = (newton * g).sum(axis=1) / 2
    lacking = np.maximum(value - 0.98 * target, 1e-9)
    straight = g * (lacking / np.maximum((g * g).sum(axis=1), 1e-30))[:, None]
    good = np.isfinite(gain) & (gain > 0) & (gain < 4 * lacking)
    return np.where(good[:, None], newton, straight)
