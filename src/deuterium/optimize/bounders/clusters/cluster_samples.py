"""Clusters at samples of their hubs: maxima, smoothed, and the maximisers' features."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.cluster_layout import (
    ClusterBlock,
)
from deuterium.optimize.bounders.clusters.cluster_options import (
    FLAT,
)
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges
from deuterium.optimize.bounders.clusters.cluster_terms import ONE
from deuterium.optimize.bounders.lagrangian.solver_samples import between
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    CellTable,
    UnivariateFunctions,
)


class ClusterSamples:
    """One block's functions at samples of its hubs, over a batch of regions."""

    def __init__(
        self,
        block: ClusterBlock,
        curves: UnivariateFunctions,
        table: CellTable,
        count: int,
    ) -> None:
        self.block, self.curves, self.table = block, curves, table
        self.count = count

    def sample(self, ranges: ClusterRanges) -> None:
        """Take samples of every hub's range, both sides of a kink."""
        b = self.block
        shape = (len(ranges.low), b.group.size, b.functions)
        hubs, spokes, _ = b.parts
        low, high = (
            x[:, hubs].reshape(shape)[..., 0] for x in (ranges.low, ranges.high)
        )
        z, right = _spaced(low, high, self.curves.kinked, self.count, self.table)
        values = self.curves.values(z, right)  # (B, G, H, functions)
        one = np.ones((*z.shape, 1))
        self.z = z
        self.f = np.concatenate([values, one], axis=-1)
        if len(b.hub_of):
            shape = (len(ranges.low), len(b.hub_of), len(b.linear))
            place = int(np.searchsorted(b.linear, ONE))
            ends = (
                x[:, spokes].reshape(shape)[:, None, :, place]
                for x in (ranges.low, ranges.high)
            )
            self.low, self.high = ends
            f = self.f[:, :, b.hub_of]
            self.fl, self.fq = f[..., b.linear], f[..., b.quadratic]

    def maxima(self, c: Array, tau: float, e: Array) -> Array:
        """Return the (smoothed) maxima summed, and enter the maximisers' features.

        Shapes: ``c`` and ``e`` (B, features); the value (B,).
        """
        b = self.block
        batch, hubs = len(c), b.group.size
        part, lin, quad = b.parts
        coefficient = c[:, part].reshape(batch, hubs, b.functions)
        psi = np.einsum("bghr,bhr->bgh", self.f[..., :-1], coefficient)
        best: Any = None
        if len(b.hub_of):
            linear = c[:, lin].reshape(batch, len(b.hub_of), -1)
            square = c[:, quad].reshape(batch, len(b.hub_of), -1)
            slope = np.einsum("bgsk,bsk->bgs", self.fl, linear)
            bend = np.einsum("bgsk,bsk->bgs", self.fq, square)
            best, value = _parabola_maximum(bend, slope, self.low, self.high)
            psi = psi + _by_hub(value, b.hub_of, hubs)
        top = psi.max(axis=1)
        if tau:
            w = np.exp((psi - top[:, None]) / tau)
            total = w.sum(axis=1)
            w /= total[:, None]
            found = (top + tau * np.log(total)).sum(axis=1)
        else:
            w = np.zeros(psi.shape)
            np.put_along_axis(w, psi.argmax(axis=1)[:, None], 1.0, 1)
            found = top.sum(axis=1)
        e[:, part] = np.einsum("bghr,bgh->bhr", self.f[..., :-1], w).reshape(batch, -1)
        if len(b.hub_of):
            own = w[:, :, b.hub_of] * best
            e[:, lin] = np.einsum("bgsk,bgs->bsk", self.fl, own).reshape(batch, -1)
            own = own * best
            e[:, quad] = np.einsum("bgsk,bgs->bsk", self.fq, own).reshape(batch, -1)
        self.psi, self.weights, self.best = psi, w, best
        return found


def _parabola_maximum(
    a: Array, b: Array, low: Array, high: Array
) -> tuple[Array, Array]:
    """Return where ``a e**2 + b e`` is largest on [low, high], and how large."""
    bent = a < FLAT
    tip = np.where(bent, -0.5 * b / np.where(bent, a, -1.0), low)
    tip = np.minimum(np.maximum(tip, low), high)
    first, last, middle = ((a * e + b) * e for e in (low, high, tip))
    best = np.where(first >= last, low, high)
    value = np.maximum(first, last)
    inside = middle > value
    return np.where(inside, tip, best), np.where(inside, middle, value)


def _by_hub(value: Array, hub_of: Array, hubs: int) -> Array:
    """Return values of spokes, of shape (B, G, S), summed by hub."""
    if len(hub_of) == hubs and np.array_equal(hub_of, np.arange(hubs)):
        return value
    pick = np.zeros((len(hub_of), hubs))
    pick[np.arange(len(hub_of)), hub_of] = 1.0
    return value @ pick


def _spaced(
    low: Array, high: Array, kinked: bool, count: int, table: CellTable
) -> tuple[Array, Array]:
    """Return samples, of shape (B, G, m), and which are right of a kink at 0."""
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
