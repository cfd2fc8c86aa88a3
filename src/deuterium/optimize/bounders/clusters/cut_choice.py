"""Which cut to make: what cuts promise, corrected by what trials of some gained.

What the relaxation pretends at a coordinate is not what a cut there gains: the
multipliers may gain it back elsewhere.  So of one region in each batch some cuts are
tried, with few steps, as in strong branching; and by coordinate, and by kind of
coordinate, the ratio between what was gained and promised is kept, as pseudo-costs are
(T. Achterberg, T. Koch and A. Martin, "Branching rules revisited", Operations Research
Letters 33, 2005).
"""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.cluster_options import (
    FLOOR_OF_GAINS,
    LARGER_SIDE,
)


class CutChoice:
    """What trials have taught.

    Parameters
    ----------
    kinds : ndarray of int, of shape (coordinates,)
        Coordinates of one kind are expected to be alike.
    """

    def __init__(self, kinds: Array) -> None:
        self.kinds = kinds
        self.count = np.zeros(len(kinds))
        self.ratios = np.zeros(len(kinds))  # summed

    def expected(self, gain: Array) -> Array:
        """Return what cuts can be expected to gain, of shape (B, coordinates)."""
        count = np.bincount(self.kinds, self.count)
        ratios = np.bincount(self.kinds, self.ratios)
        overall = ratios.sum() / count.sum() if count.any() else 1.0
        kind = (ratios + overall) / (count + 1.0)
        ratio = (self.ratios + kind[self.kinds]) / (self.count + 1.0)
        found: Array = np.where(gain < 0, gain, _promised(gain) * ratio)
        return found

    def candidates(self, gain: Array, most: int) -> Array:
        """Return coordinates to be tried, some of each kind."""
        order = np.argsort(-self.expected(gain[None])[0], kind="stable")
        order = order[gain[order] >= 0]
        best = order[: most // 2]
        rest = order[most // 2 :]
        _, first = np.unique(self.kinds[rest], return_index=True)
        heads = rest[np.sort(first)]  # of each kind the best that is left
        heads = heads[np.argsort(self.count[heads], kind="stable")]
        found = np.concatenate([best, heads, rest])
        _, first = np.unique(found, return_index=True)
        return found[np.sort(first)][:most]

    def learn(self, gain: Array, tried: Array, before: float, after: Array) -> int:
        """Note the bounds of both sides of cuts; return which cut is best.

        Shapes: ``gain`` (coordinates,), ``after`` (tried, 2).
        """
        won = np.maximum(before - after, 0.0)
        known = np.max(won[np.isfinite(won)], initial=0.0)
        won = np.minimum(won, 1.0 + 2.0 * known)  # what is proved empty
        less, more = won.min(axis=1), won.max(axis=1)
        most = 2.0 * np.median(less) + less.max()  # one side alone is worth no more
        score = less + LARGER_SIDE * np.minimum(more - less, most)
        self.ratios[tried] += score / _promised(gain[None])[0, tried]
        self.count[tried] += 1.0
        return int(tried[np.argmax(score)])


def _promised(gain: Array) -> Array:
    """Return gains, the small ones raised: a ratio to nothing says nothing."""
    most = gain.max(axis=1, keepdims=True, initial=0.0)
    return np.maximum(gain, 0.0) + FLOOR_OF_GAINS * most + 1e-12
