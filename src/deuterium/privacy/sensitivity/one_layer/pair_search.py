"""Pairs of records that one feature moves far apart: the lower side of the bound.

What pays is at the ends of the other features' ranges, as every square counts; so the
features are gone through one by one, each put where it does most for a whole crowd of
pairs at once.  What is found is a starting point and proves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium import budget
from deuterium.array_type import Array
from deuterium.evaluate import compile
from deuterium.graph.traverse import free_symbols
from deuterium.privacy.sensitivity.neighbours import FeatureNeighbours
from deuterium.privacy.sensitivity.one_layer import pair_options as options
from deuterium.privacy.sensitivity.one_layer.common_factor import some_value

if TYPE_CHECKING:
    from deuterium.privacy.sensitivity.one_layer.pair_layer import OneFeature

__all__ = ["FarPairs"]


class FarPairs:
    """A search among pairs of records that differ in one feature.

    Parameters
    ----------
    feature : OneFeature
        The vector's form, and the records' ranges.
    """

    def __init__(self, feature: OneFeature) -> None:
        self.feature, self.layer = feature, feature.layer
        layer = feature.layer
        used = free_symbols([layer.scalar])
        self.labels = [s for s in used if s.name != layer.output.name]
        self.images = compile([layer.atoms], [layer.value, *feature.images])

    def found(
        self, pair: FeatureNeighbours, seed: int, seconds: float | None
    ) -> dict[str, Array]:
        """Return points of the domain of pairs, the best first: (points, *shape)."""
        (j,) = pair.where
        end = None if seconds is None else budget.now() + seconds
        rounds = 0
        rng = np.random.default_rng([seed, j])
        kept: list[tuple[Array, ...]] = []
        while not kept or (
            rounds < options.ROUNDS if end is None else budget.now() < end
        ):
            rounds += 1
            kept.append(self._round(rng, j, kept))
            whole = _sorted(*(np.concatenate(v) for v in zip(*kept, strict=True)))
            kept = [tuple(v[: options.PAIRS_KEPT] for v in whole)]
        rows, label, _ = kept[0]
        points = {
            pair.x.name: rows[:, :-1].reshape(-1, *pair.x.shape),
            pair.name: rows[:, -1:],
        }
        for s in self.labels:
            each = np.stack([some_value(d, s) for d in self.feature.labels])
            points[s.name] = each[label]
        return points

    def _round(self, rng: Any, j: int, kept: list[tuple[Array, ...]]) -> Any:
        """Return pairs from a crowd of new ones, or around those that are kept."""
        if not kept or rng.random() < 0.4:
            rows, label = self._random(rng, j)
        else:
            rows, label = self._shaken(rng, j, *kept[0][:2])
        size = self._sizes(rows, j, label)
        for count in (len(rows), len(rows) // 3, len(rows) // 10):
            rows, label, size = (v[:count] for v in _sorted(rows, label, size))
            rows, size, _ = self._swept(rng, rows, size, j, label)
        gain = 1.0
        while gain > 0.001:
            rows, size, gain = self._swept(rng, rows, size, j, label)
        return rows, label, size

    def _random(self, rng: Any, j: int) -> tuple[Array, Array]:
        low, high = self.feature.low, self.feature.high
        rows = _ends(rng, low, high, options.ROUND_PAIRS)
        rows[:, j] = low[j]
        label = np.arange(options.ROUND_PAIRS) % len(self.feature.labels)
        return np.hstack([rows, np.full((options.ROUND_PAIRS, 1), high[j])]), label

    def _shaken(
        self, rng: Any, j: int, rows: Array, label: Array
    ) -> tuple[Array, Array]:
        """Return the best pairs with some features at other ends."""
        low, high = (np.append(v, v[j]) for v in (self.feature.low, self.feature.high))
        take = np.minimum(
            rng.exponential(4.0, options.ROUND_PAIRS).astype(int), len(rows) - 1
        )
        rows, label = rows[take], label[take]
        other = _ends(rng, low, high, len(rows))
        share = rng.uniform(0.02, 0.35, (options.ROUND_PAIRS, 1))
        return np.where(rng.random(rows.shape) < share, other, rows), label

    def _swept(
        self, rng: Any, rows: Array, size: Array, j: int, label: Array
    ) -> tuple[Array, Array, float]:
        """Put every feature, one after another, where it does most."""
        n, before = len(self.feature.low), float(size.sum())
        for i in rng.permutation(n + 1):
            k = j if i == n else i
            low, high = self.feature.low[k], self.feature.high[k]
            values = [np.full(len(rows), v) for v in (low, high)]
            if i in (j, n) or rng.random() < 0.2:
                near = rows[:, i] + rng.normal(size=len(rows)) * 0.03 * (high - low)
                values += [rng.uniform(low, high, len(rows)), np.clip(near, low, high)]
            tried = np.repeat(rows[None], len(values), axis=0)
            for trial, value in zip(tried, values, strict=True):
                trial[:, i] = value
            sizes = self._sizes(
                tried.reshape(-1, n + 1), j, np.tile(label, len(values))
            ).reshape(len(values), -1)
            top, at = sizes.argmax(axis=0), np.arange(len(rows))
            better = sizes[top, at] > size
            rows[better] = tried[top, at][better]
            size = np.where(better, sizes[top, at], size)
        total = float(size.sum())
        gain = total - before if total < np.inf else 0.0
        return rows, size, gain / max(total, 1e-300)

    def _sizes(self, rows: Array, j: int, label: Array) -> Array:
        """Return squared distances, not rounded in any direction."""
        f, layer = self.feature, self.layer
        x = rows[:, :-1]
        tau = rows[:, -1] - x[:, j]
        z = x @ layer.matrix.T + layer.shift
        z2 = z + tau[:, None] * layer.matrix[:, j]
        with np.errstate(all="ignore"):
            (h, *phis), (h2, *phis2) = self.images(z), self.images(z2)
            d, d2 = np.empty(len(rows)), np.empty(len(rows))
            for i, domain in enumerate(f.labels):
                at = label == i
                for to, value in ((d, h), (d2, h2)):
                    t = layer.offset + (value[at] @ layer.weight)
                    to[at] = f.factor.roughly(domain, t)
            squares = np.hstack([x**2, np.ones((len(x), 1))])
            first, second, both = (squares.copy() for _ in range(3))
            second[:, j], both[:, j] = rows[:, -1] ** 2, rows[:, -1] * x[:, j]
            total = d**2 * (first @ f.free) + d2**2 * (second @ f.free)
            total = total - 2 * d * d2 * (both @ f.free)
            for phi, phi2, weight in zip(phis, phis2, f.weights, strict=True):
                a, b = d[:, None] * phi, d2[:, None] * phi2
                total = total + (
                    a * a * (first @ weight.T)
                    + b * b * (second @ weight.T)
                    - 2 * a * b * (both @ weight.T)
                ).sum(axis=1)
        return np.where(np.isfinite(total), total, 0.0)


def _sorted(rows: Array, label: Array, size: Array) -> tuple[Array, Array, Array]:
    """Return different pairs, the best first."""
    order = np.argsort(-size, kind="stable")
    new = np.diff(size[order], prepend=np.inf) != 0
    order = order[new]
    return rows[order], label[order], size[order]


def _ends(rng: Any, low: Array, high: Array, count: int) -> Array:
    return np.where(rng.random((count, len(low))) < 0.5, low, high)
