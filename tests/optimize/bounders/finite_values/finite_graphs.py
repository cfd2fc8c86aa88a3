"""Random graphs that are often largest at the ends of their inputs."""

from __future__ import annotations

import numpy as np

import deuterium as dt
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable

SCALES = [-2.0, -0.5, 0.25, 1.0, 3.0]


class Draw:
    """Draws formulas of a vector of people, one of them a symbol of its own.

    Attributes
    ----------
    x : Variable
        ``[a, *A]``.
    """

    def __init__(self, seed: int, n: int = 3) -> None:
        self.rng = np.random.default_rng(seed)
        self.a, self.b = dt.symbol("a"), dt.symbol("b")
        self.A, self.B = dt.symbol("A", n - 1), dt.symbol("B", n - 1)
        self.x = np.concatenate([self.a[None], self.A])
        self.y = np.concatenate([self.b[None], self.B])
        low, high = [(0.0, 1.0), (-1.0, 2.0), (-3.0, -1.0)][self.rng.integers(3)]
        ends = dict.fromkeys((self.a, self.b, self.A, self.B), (low, high))
        if self.rng.random() < 0.3:
            ends[self.b] = (0.5, 0.75)
        self.ends = ends

    def choose(self, *things):
        return things[self.rng.integers(len(things))]

    def line(self, depth=2) -> Variable:
        """Draw a vector that is often straight in each input."""
        if depth == 0:
            return self.choose(self.x, self.y, self.x, np.exp(self.x), self.x**3)
        v, w = self.line(depth - 1), self.line(0)
        return self.choose(
            lambda: v + self.choose(*SCALES) * w,
            lambda: v * w[::-1],
            lambda: v - np.mean(w),
            lambda: v * np.mean(w),
            lambda: v / (4 + np.sum(np.exp(w))),
            lambda: dt.softmax(v),
            lambda: np.maximum(v, 0.5),
            lambda: np.minimum(v, w),
            lambda: np.where(v > 0.25, 1.0, 0.0),
            lambda: np.array([[1.0, 2, 0], [0, -1, 1], [1, 1, 1]]) @ v,
            lambda: 1 / (4.0 + v),
        )()

    def scalar(self) -> Variable:
        """Draw a number."""
        v, w = self.line(self.rng.integers(3)), self.line(self.rng.integers(2))
        return self.choose(
            lambda: np.sum(v),
            lambda: np.mean(v * w) - np.mean(v) * np.mean(w),
            lambda: dt.norm(v),
            lambda: np.max(v) - v[0],
            lambda: np.abs(np.sum(v)) + np.sum(np.square(w)),
            lambda: dt.logsumexp(v),
            lambda: np.sort(v)[1] - 0.5 * np.sort(self.x)[0],
            lambda: np.median(self.x) - np.max(self.y),
            lambda: np.abs(np.quantile(np.concatenate([self.x, self.y]), 0.3) - v[0]),
            lambda: np.sum(v > self.choose(0.25, 0.5)) * 1.0 + np.sum(w),
            lambda: dt.norm(np.bincount(np.digitize(self.x, [0.25, 0.5]), minlength=3)),
            lambda: np.hypot(v[0], v[1]),
            lambda: np.prod(v),
            lambda: np.exp(np.sum(v) / 4),
        )()

    @property
    def domain(self):
        return dt.Box(self.ends)


def only(graph, ends):
    """Return the domain of those symbols that a graph has."""
    names = {s.name for s in free_symbols([graph])}
    return dt.Box({s: e for s, e in ends.items() if s.name in names})
