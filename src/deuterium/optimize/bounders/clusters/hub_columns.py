"""The features of one block of clusters, hub by hub, as an interior-point method wants.

A sample of a hub with its spokes is a point: a place of the hub, and for every spoke
one of its ends.  Where no square of a spoke has a coefficient, a cluster's largest
value is at such a point.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.cluster_layout import ClusterBlock
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges
from deuterium.optimize.bounders.clusters.cluster_terms import ONE
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    UnivariateFunctions,
)


class HubColumns:
    """The features of a block by hub, those that nothing uses left out.

    Parameters
    ----------
    block : ClusterBlock
    curves : UnivariateFunctions
        Of its hubs.
    used : ndarray of bool, of shape (features,)

    Attributes
    ----------
    slots : int
        How many spokes the hub with most of them has.
    spoke : ndarray of int, of shape (m, slots)
        The spokes of each hub; -1 for none.
    features : ndarray of int, of shape (m, R)
        Functions of hubs, the identity first, then for each slot the functions that
        multiply spokes; -1 for none.
    squares : bool
        Whether squares of spokes are used, of which samples at ends do not tell all.
    """

    def __init__(
        self, block: ClusterBlock, curves: UnivariateFunctions, used: Array
    ) -> None:
        self.block, self.curves = block, curves
        hubs, linear, quadratic = block.parts
        size = block.group.size
        own = hubs.start + np.arange(hubs.stop - hubs.start).reshape(size, -1)
        some = used[own].any(axis=0)
        some[0] = True
        self.functions = np.flatnonzero(some)
        self.slots = int(np.bincount(block.hub_of, minlength=1).max(initial=0))
        self.spoke = np.full((size, self.slots), -1)
        for number, hub in enumerate(block.hub_of.tolist()):
            self.spoke[hub, np.argmax(self.spoke[hub] < 0)] = number
        count = len(block.linear)
        parts = [own[:, self.functions]]
        for spoke in self.spoke.T:
            at = linear.start + spoke[:, None] * count + np.arange(count)
            parts.append(np.where(spoke[:, None] < 0, -1, at))
        self.features = np.concatenate(parts, axis=1)
        self.squares = bool(used[quadratic].any())

    def own(self, slot: int) -> int:
        """Return the column in which the spokes of a slot stand themselves."""
        place = int(np.searchsorted(self.block.linear, ONE))
        return len(self.functions) + slot * len(self.block.linear) + place

    def ends(self, ranges: ClusterRanges) -> Array:
        """Return the corners of the spokes' ranges, of shape (B, m, slots, E)."""
        b = self.block
        place = int(np.searchsorted(b.linear, ONE))
        at = b.parts[1].start + self.spoke * len(b.linear) + place
        pair = [
            np.where(self.spoke < 0, 0.0, x[:, at]) for x in (ranges.low, ranges.high)
        ]
        corners = [
            [pair[side][..., k] for k, side in enumerate(sides)]
            for sides in product((0, 1), repeat=self.slots)
        ]
        shape = (len(ranges.low), b.group.size, self.slots, len(corners))
        return np.moveaxis(np.array(corners), (0, 1), (-1, -2)).reshape(shape)

    def values(self, z: Array, right: Array, e: Array) -> Array:
        """Return features at all places with all spokes, of shape (B, m, R, Z * E).

        Shapes: ``z`` and ``right`` (on which side of a kink) (B, m, Z), ``e`` (B, m,
        slots, E).
        """
        f = self.curves.values(np.moveaxis(z, -1, 0), np.moveaxis(right, -1, 0))
        f = np.moveaxis(f, 0, -1)
        if not self.slots:
            return f[:, :, self.functions]
        f = np.concatenate([f, np.ones_like(f[:, :, :1])], axis=2)  # `ONE` is the last
        parts = [np.repeat(f[:, :, self.functions], e.shape[-1], axis=-1)]
        linear = f[:, :, self.block.linear, :, None]
        for k in range(self.slots):
            found = linear * e[:, :, k, None, None, :]
            parts.append(found.reshape(*found.shape[:3], -1))
        return np.concatenate(parts, axis=2)
