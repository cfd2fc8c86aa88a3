"""The bound as a function of its Lagrange multipliers, made small.

Any multipliers give a bound (weak duality; A. M. Geoffrion, "Lagrangian relaxation for
integer programming", 1974); good ones are found by Newton's method on the largest of
the corners, smoothed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.privacy.sensitivity.one_layer import pair_options as options
from deuterium.privacy.sensitivity.one_layer.affine_cuts import AffineCut
from deuterium.privacy.sensitivity.one_layer.common_factor import FactorCorners
from deuterium.privacy.sensitivity.one_layer.univariate_tables import (
    NOT,
    SLACK,
    UnivariateTable,
)

__all__ = ["PairLagrangian"]


class PairLagrangian:
    """The bound as a function of two multipliers, for groups of corners.

    Parameters
    ----------
    table : UnivariateTable
        The functions of each z.
    cut : AffineCut or None
        What z cannot be, all together.
    corners : FactorCorners
        d and d' at the corners of cells.
    """

    def __init__(
        self, table: UnivariateTable, cut: AffineCut | None, corners: FactorCorners
    ) -> None:
        self.table, values = table, table.values
        self.shape = values.shape[1:]
        self.flat = values.reshape(8, -1)
        known = np.where(values[0] > NOT / 2, np.abs(values), 0.0)
        self.sizes = known.max(axis=2).sum(axis=1)
        first, second = corners.first, corners.second
        self.corners = first.shape[1]
        self.factors = np.stack(
            [first**2, second**2, -2 * first * second, 2 * np.abs(first * second)], 2
        )
        self.edges = corners.edges
        # ||d u - d' v||, where ||u|| and ||v|| are at most these
        self.blur = np.sqrt(self.sizes[:2]) @ corners.errors * (1 + SLACK)
        self.most = 0.0
        if cut is not None:
            tilt = cut.over(table)
            self.most = cut.most
            self.flat = np.concatenate([self.flat, tilt.reshape(1, -1)])
            size = np.abs(tilt).max(axis=1).sum() + abs(cut.most)
            self.sizes = np.append(self.sizes, size)

    def least(self, start: Array, target: float) -> tuple[Array, Array]:
        """Return the least bounds found, and where; those below a target are left.

        Parameters
        ----------
        start : ndarray
            (groups, 2): multipliers of t and ``t' - t`` to begin with.
        target : float
            A squared distance.

        Returns
        -------
        tuple of ndarray
            The bounds, (groups,), and their multipliers, (groups, 2).
        """
        count = len(start)
        aim = np.maximum(np.sqrt(target) - self.blur, 0.0) ** 2
        best = np.full(count, np.inf)
        found, here = start.copy(), start.copy()
        values = np.zeros((count, self.corners))
        # slope (2) and curvature (3) at the best
        state = np.zeros((count, self.corners, 5))
        trust = np.ones(count)
        live = np.arange(count)
        blunt = options.FIRST_SMOOTHING
        for _ in range(options.MULTIPLIER_ROUNDS):
            value, slope, curve = self._at(live, here[live])
            most = value.max(axis=1)
            better = most < best[live]
            at = live[better]
            best[at], found[at], values[at] = most[better], here[at], value[better]
            state[at] = np.concatenate([slope, curve], 2)[better]
            trust[at] = np.minimum(1.0, 2 * trust[at])
            trust[live[~better]] *= 0.3
            live = live[(best[live] > aim[live]) & (trust[live] > 1e-3)]
            if not len(live):
                break
            step = _step(values[live], aim[live], state[live], blunt)
            blunt = max(blunt * options.SMOOTHING_FACTOR, options.LAST_SMOOTHING)
            here[live] = found[live] - trust[live, None] * step
        with np.errstate(invalid="ignore"):
            best = (np.sqrt(np.maximum(best, 0.0)) + self.blur) ** 2
        return np.where(np.isnan(best), np.inf, best), found

    def apart(self, group: int, multipliers: Array) -> tuple[int, float] | None:
        """Return which z a group wants at two places, and a number between.

        The multipliers are those of t and ``t' - t``, (2,).
        Places count that are nearly the best; of all z the one whose part of t or of
        ``t' - t`` differs most between two of them.  None if all are at one place.
        """
        _, v = self._worst(group, multipliers)
        top = v.max(axis=1, keepdims=True)
        near = v >= top - options.NEARLY_BEST * np.abs(top).sum()
        z = ((self.table.low + self.table.high) / 2).T
        first = np.where(near, z, np.inf).argmin(axis=1)
        last = np.where(near, z, -np.inf).argmax(axis=1)
        k = np.arange(len(v))
        parts = self.table.values[3:5, k, last] - self.table.values[3:5, k, first]
        moves = np.abs(parts).sum(axis=0)
        for best in np.argsort(-moves):
            low, high = z[best, first[best]], z[best, last[best]]
            ends = np.concatenate([self.table.low[:, best], self.table.high[:, best]])
            ends = ends[(ends > low) & (ends < high)]
            if len(ends):
                middle = (low + high) / 2
                return int(best), float(ends[np.argmin(np.abs(ends - middle))])
        return None

    def blurred(self, group: int, multipliers: Array) -> float:
        """Return about how much of one group's bound is due to the width of tau.

        That is how far the functions are spread for it, and that each z may choose its
        end of tau by itself.
        """
        weights, v = self._worst(group, multipliers)
        n, k = self.table.nodes, np.arange(len(v))
        late = self.table.late[:, k, v.argmax(axis=1)]
        found = float((np.abs(weights[:5]) @ late).sum())
        if n:
            ends = v[:, :n].max(axis=1), v[:, n : 2 * n].max(axis=1)
            found += float(np.maximum(*ends).sum() - max(e.sum() for e in ends))
        return found

    def _worst(self, group: int, multipliers: Array) -> tuple[Array, Array]:
        """Return the weights of a group's worst corner, and all terms: (H, rows)."""
        value, *_ = self._at([group], multipliers[None])
        weights = self._weights([group], multipliers[None])[int(np.argmax(value))]
        return weights, (weights @ self.flat).reshape(self.shape)

    def terms(self, group: int) -> Array:
        """Return what the table's rows add in a group, on average: (H, rows)."""
        v = self.table.values
        found: Array = np.tensordot(
            self.factors[group].mean(axis=0), v[[0, 1, 2, 5]], 1
        )
        return found

    def limits(self, group: int) -> Array:
        """Return what t and ``t' - t`` are in a group, from and to: (4,)."""
        e = self.edges[group]
        return np.where([1, 0, 1, 0], e.min(axis=0), e.max(axis=0))

    def _weights(self, groups: Any, multipliers: Array) -> Array:
        """Return the weights of the table's functions, and of the affine cut's."""
        f = self.factors[groups].reshape(-1, 4)
        m = np.repeat(multipliers, self.corners, axis=0)
        one = np.ones((len(f), len(self.flat) - 8))
        return np.concatenate([f[:, :3], -m, f[:, 3:], np.abs(m), one], 1)

    def _at(self, groups: Any, multipliers: Array) -> tuple[Array, Array, Array]:
        """Return the bound at each corner, its slope and (roughly) its curvature."""
        weights = self._weights(groups, multipliers)
        v = (weights @ self.flat).reshape(-1, *self.shape)
        place = v.argmax(axis=2)
        tops = np.take_along_axis(v, place[:, :, None], 2)[:, :, 0]
        e = self.edges[groups]
        multipliers = multipliers[:, None]
        t = np.where(multipliers > 0, e[..., 1::2], e[..., ::2])
        parts = multipliers * t
        value = (
            tops.sum(axis=1).reshape(-1, self.corners) + parts.sum(axis=2) + self.most
        )
        # what rounding can do to it: a few ulps of the terms' absolute values
        size = (np.abs(weights) @ self.sizes).reshape(-1, self.corners) + np.abs(
            parts
        ).sum(axis=2)
        value = value + SLACK * size
        k = np.arange(self.shape[0])
        here = self.table.values[3:5, k, place]  # (2, rows, H)
        slope = t - here.sum(axis=2).T.reshape(-1, self.corners, 2)
        return value, slope, self._curvature(v, place, k).reshape(-1, self.corners, 3)

    def _curvature(self, v: Array, place: Array, k: Array) -> Array:
        """Return what the maxima's places moving adds: one number per pair of axes."""
        last = self.shape[1]
        half = last // 2
        inner = np.where(place < half, place.clip(1, half - 2), place)
        inner = np.where(inner >= half, inner.clip(half + 1, last - 2), inner)
        rows = np.arange(len(v))[:, None]
        bend = 2 * v[rows, k, inner] - v[rows, k, inner - 1] - v[rows, k, inner + 1]
        t = self.table.values[3:5]
        rise = t[:, k, inner + 1] - t[:, k, inner - 1]
        moves = (inner == place) & (bend > 1e-12)
        over = np.where(moves, 0.25 / np.maximum(bend, 1e-12), 0.0)
        pairs = [rise[0] * rise[0], rise[0] * rise[1], rise[1] * rise[1]]
        return np.stack([(p * over).sum(axis=1) for p in pairs], 1)


def _step(values: Array, aim: Array, state: Array, blunt: float) -> Array:
    """Return Newton's step for the largest, or one along its slope to the aim.

    The largest of all corners is smoothed: the logarithm of a sum of exponentials.
    """
    top = values.max(axis=1)
    scale = (
        np.maximum(blunt * np.ptp(values, axis=1), options.LAST_SMOOTHING * np.abs(top))
        + 1e-9
    )
    share = np.exp((values - top[:, None]) / scale[:, None])
    share /= share.sum(axis=1, keepdims=True)
    mean = (share[..., None] * state).sum(axis=1)
    g = mean[:, :2]
    off = state[..., :2] - g[:, None]
    pairs = np.stack([off[..., 0] ** 2, off[..., 0] * off[..., 1], off[..., 1] ** 2], 2)
    bend = mean[:, 2:] + (share[..., None] * pairs).sum(axis=1) / scale[:, None]
    a, b, c = bend.T
    ridge = 1e-9 * (a + c) + 1e-12
    a, c = a + ridge, c + ridge
    det = a * c - b * b
    newton = np.stack([c * g[:, 0] - b * g[:, 1], a * g[:, 1] - b * g[:, 0]], 1)
    with np.errstate(all="ignore"):
        newton = newton / det[:, None]
    gain = (newton * g).sum(axis=1) / 2
    lacking = np.maximum(top - 0.98 * aim, 1e-9)
    straight = g * (lacking / np.maximum((g * g).sum(axis=1), 1e-30))[:, None]
    good = np.isfinite(gain) & (gain > 0) & (gain < 4 * lacking)
    return np.where(good[:, None], newton, straight)
