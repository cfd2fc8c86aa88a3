"""Clusters at samples of their hubs: maxima, smoothed, and the maximisers' features."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.cluster_layout import (
    ClusterBlock,
)
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges
from deuterium.optimize.bounders.clusters.cluster_terms import ONE
from deuterium.optimize.bounders.lagrangian.solver_samples import between
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    CellTable,
    UnivariateFunctions,
)


class SampledBlock:
    """One block's functions at samples of its hubs, over a batch of regions.

    Attributes
    ----------
    z : ndarray of shape (B, H, S)
    hubs, linear, square : ndarray of int, of shapes (H, R), (P, L), (P, Q)
        The features of each hub, of each spoke, and of each one's square.
    f, fl, fq : ndarray of shape (B, H, R, S), (B, P, L, S), (B, P, Q, S)
        What they are multiplied by.
    low, high : ndarray of shape (B, P)
        Ranges of spokes.
    """

    def __init__(
        self,
        block: ClusterBlock,
        curves: UnivariateFunctions,
        table: CellTable,
        ranges: ClusterRanges,
        count: int,
    ) -> None:
        features = np.arange(block.stop)
        hubs, spokes, squares = (features[part] for part in block.parts)
        self.hub_of = block.hub_of
        self.hubs = hubs.reshape(block.group.size, block.functions)
        self.linear = spokes.reshape(len(block.hub_of), len(block.linear))
        self.square = squares.reshape(len(block.hub_of), len(block.quadratic))
        at = self.hubs[:, 0]
        low, high = ranges.low[:, at], ranges.high[:, at]
        z, right = _spaced(low, high, curves.kinked, count, table)
        values = np.moveaxis(curves.values(z, right), 1, -1)
        self.z, self.f = np.moveaxis(z, 1, -1), values
        own = values[:, block.hub_of]
        ones = np.ones((*own.shape[:2], 1, own.shape[-1]))
        own = np.concatenate([own, ones], axis=2)  # ONE is the last
        self.fl, self.fq = own[:, :, block.linear], own[:, :, block.quadratic]
        self.own = self.linear[:, int(np.searchsorted(block.linear, ONE))]
        self.low, self.high = ranges.low[:, self.own], ranges.high[:, self.own]


class ClusterSamples:
    """Several blocks as one: what one of them has less of than others is zero.

    Parameters
    ----------
    blocks : list of SampledBlock
        All with as many samples.
    nothing : int
        A feature that is none.

    Attributes
    ----------
    hubs, linear, square, f, fl, fq, z : ndarray
        As of a `SampledBlock`.
    hub_of, own : ndarray of int, of shape (P,)
        The hub of each spoke, and the feature that it is itself.
    psi, weights, best : ndarray of shape (B, H, S), (B, H, S), (B, P, S)
        The last maxima at all samples, what each counts, and the best spokes there.
    """

    def __init__(self, blocks: list[SampledBlock], nothing: int) -> None:
        first = np.cumsum([0] + [len(b.hubs) for b in blocks])
        self.z = np.concatenate([b.z for b in blocks], axis=1)
        self.hub_of = np.concatenate(
            [b.hub_of + k for b, k in zip(blocks, first, strict=False)]
        )
        self.own = np.concatenate([b.own for b in blocks])
        names = ("hubs", "f"), ("linear", "fl"), ("square", "fq")
        (
            (self.hubs, self.f),
            (self.linear, self.fl),
            (self.square, self.fq),
        ) = (
            (
                _filled([getattr(b, at) for b in blocks], 1, nothing),
                _filled([getattr(b, f) for b in blocks], 2, 0.0),
            )
            for at, f in names
        )
        low, high = (
            np.concatenate([getattr(b, k) for b in blocks], axis=1)[..., None]
            for k in ("low", "high")
        )
        self._middle, self._half = 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low
        self._pick: Any = None
        count = len(self.hubs)
        if not np.array_equal(self.hub_of, np.arange(count)):
            self._pick = (self.hub_of == np.arange(count)[:, None]).astype(float)

    def at(self, c: Array) -> Array:
        """Return the clusters at all samples, of shape (B, H, S).

        Shapes: ``c`` (B, features + 1).
        """
        psi = self.combined(c, self.hubs, self.f)
        if len(self.hub_of):
            slope = self.combined(c, self.linear, self.fl)
            bend = self.combined(c, self.square, self.fq)
            self.best, value = _best_spoke(bend, slope, self._middle, self._half)
            psi += value if self._pick is None else self._pick @ value
        self.psi = psi
        return psi

    @staticmethod
    def combined(c: Array, features: Array, f: Array) -> Array:
        """Return combinations of functions at samples.

        Shapes: ``c`` (B, features + 1), ``features`` (H, R), ``f`` (B, H, R, S); the
        result (B, H, S).
        """
        found: Array = (c[:, features][..., None, :] @ f)[..., 0, :]
        return found

    def largest(self, c: Array) -> Array:
        """Return the maxima over samples, summed, of shape (B,)."""
        found: Array = self.at(c).max(axis=-1).sum(axis=-1)
        return found

    def maxima(self, c: Array, tau: float, e: Array) -> Array:
        """Return the smoothed maxima summed, and enter the maximisers' features.

        Shapes: ``c`` and ``e`` (B, features + 1); the value (B,).
        """
        psi = self.at(c)
        top = psi.max(axis=-1)
        w = psi - top[..., None]
        w /= tau
        np.exp(w, out=w)
        total = w.sum(axis=-1)
        w /= total[..., None]
        self.weights = w
        e[:, self.hubs] = (self.f @ w[..., None])[..., 0]
        if len(self.hub_of):
            own = self.best * (w if self._pick is None else w[:, self.hub_of])
            e[:, self.linear] = (self.fl @ own[..., None])[..., 0]
            own *= self.best
            e[:, self.square] = (self.fq @ own[..., None])[..., 0]
        np.log(total, out=total)
        total *= tau
        total += top
        found: Array = total.sum(axis=-1)
        return found


def _filled(parts: list[Array], axis: int, value: float) -> Array:
    """Return arrays one behind another, all as wide as the widest along ``axis``."""
    width = max(x.shape[axis] for x in parts)
    out = []
    for x in parts:
        more = [(0, 0)] * x.ndim
        more[axis] = (0, width - x.shape[axis])
        out.append(np.pad(x, more, constant_values=value))
    return np.ascontiguousarray(np.concatenate(out, axis=axis - 1))


def _best_spoke(a: Array, b: Array, middle: Array, half: Array) -> tuple[Array, Array]:
    """Return where ``a e**2 + b e`` is largest on a range, and how large.

    From the middle to the vertex, if it bends down; if not, the vertex is put far away
    to the side where it rises, and the end is met before.
    """
    with np.errstate(all="ignore"):
        e = a * middle
        e *= 2.0
        e += b
        e += 1e-200  # to one side where both are alike
        down = np.maximum(-a, 1e-300)
        down *= 2.0
        e /= down
    np.maximum(e, -half, out=e)
    np.minimum(e, half, out=e)
    e += middle
    value = a * e
    value += b
    value *= e
    return e, value


def _spaced(
    low: Array, high: Array, kinked: bool, count: int, table: CellTable
) -> tuple[Array, Array]:
    """Return samples, of shape (B, S, m), and which are right of a kink at 0."""
    if not kinked:
        z = np.moveaxis(between(low, high, table, count), -1, 1)
        return z, np.zeros(z.shape, dtype=bool)
    half = count // 2
    no_left, no_right = low >= 0, high <= 0
    left_high = np.where(no_left, high, np.minimum(high, 0.0))
    right_low = np.where(no_right, low, np.maximum(low, 0.0))
    sides = between(low, left_high, table, half), between(right_low, high, table, half)
    z = np.moveaxis(np.concatenate(sides, axis=-1), -1, 1)
    side = np.zeros(z.shape, dtype=bool)
    side[:, :half] = (no_left & ~no_right)[:, None]
    side[:, half:] = ~no_right[:, None]
    return z, side
