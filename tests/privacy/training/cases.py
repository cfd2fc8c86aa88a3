"""Networks, weights and records drawn at random, for tests of bounds of a step."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium import privacy
from deuterium.testing import evaluate_exactly

ClipFreeSGD = partial(privacy.ClipFreeSGD, relation="add_or_remove_one")

ACTIVATIONS = {"tanh": np.tanh, "expit": expit, "relu": dt.relu}
HEADS = {
    "cross-entropy": lambda t, y: -(y * log_expit(t) + (1 - y) * log_expit(-t)),
    "square": lambda t, y: (t - y) ** 2,
    "hinge": lambda t, y: np.maximum(0, 1 - (2 * y - 1) * t),
    "without label": lambda t, y: np.tanh(t),
    "linear": lambda t, y: t * y,
}
SIZES = (0.0, 1e-200, 1e-90, 1e-8, 0.1, 1.0, 1.0, 10.0, 1e3, 1e6)


class Case:
    """A random network, loss, domain and weights, by a seed."""

    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        act = ACTIVATIONS[rng.choice(list(ACTIVATIONS))]
        depth, k = int(rng.choice([0, 1, 1, 1, 2])), int(rng.choice([1, 1, 3]))
        head = HEADS[rng.choice(list(HEADS))]
        sizes = [int(n) for n in rng.integers(2, 6, depth + 1)] + [k]
        biased = rng.random(depth + 1) < 0.6

        def loss(x, y, **p):
            h = x
            for i in range(depth + 1):
                h = h @ p[f"w{i}"]
                h = h + p[f"b{i}"] if biased[i] else h
                h = act(h) if i < depth else h
            if k > 1:
                return -(y * dt.log_softmax(h)).sum(1)
            return head(h[:, 0], y)

        self.loss, self.weights = loss, {}
        for i in range(depth + 1):
            shape = sizes[i], sizes[i + 1]
            self.weights[f"w{i}"] = rng.normal(size=shape) * rng.choice(SIZES)
            if biased[i]:
                self.weights[f"b{i}"] = rng.normal(size=shape[1]) * rng.choice(SIZES)
        self.x = dt.symbol("x", shape=(sizes[0],))
        self.y = dt.symbol("y", shape=() if k == 1 else (k,))
        self.domain = self._records() & self._labels(k)

    def _records(self):
        m, rng = self.x.size, self.rng
        kind = rng.choice(
            ["symmetric", "beside", "far", "ball", "both", "thin", "tiny"]
        )
        center = rng.normal(size=m) * 10.0 ** rng.choice([0, 1, 6])
        r = float(10.0 ** rng.choice([-2, 0, 1]))
        ball = dt.Ball(self.x, center * rng.choice([0, 1]), r)
        return {
            "symmetric": dt.Box({self.x: (-r, r)}),
            "beside": dt.Box({self.x: (-rng.random(m), 3 * rng.random(m))}),
            "far": dt.Box({self.x: (center, center + r)}),
            "ball": ball,
            "both": dt.Ball(self.x, np.zeros(m), r) & dt.Box({self.x: (-r / 2, r)}),
            "thin": dt.Box({self.x: (center, center)}),
            "tiny": dt.Box({self.x: (-1e-160, 1e-160)}),
        }[kind]

    def _labels(self, k):
        if k > 1:
            return dt.OneHot(self.y)
        kinds = dt.Choice(self.y, [0, 1]), dt.Box({self.y: (0, 1)})
        return (*kinds, dt.Choice(self.y, [1]), dt.Choice(self.y, [-1, 0.25, 3]))[
            self.rng.integers(4)
        ]

    def trainer(self, **more):
        settings = {"noise_multiplier": 1.0, "learning_rate": 1.0, "count": 1, **more}
        return ClipFreeSGD(
            self.loss, self.weights, self.domain, **settings, insecure_rng=0
        )

    def records(self, count=200):
        """Corners, edges and spheres of the domain."""
        m, rng = self.x.size, self.rng
        hull, table = self.domain.hull(self.x), self.domain.table(self.y)
        side = rng.random((count, m))
        side = np.where(rng.random((count, 1)) < 0.7, side.round(), side)
        x = np.clip(
            hull.lower + (hull.upper - hull.lower) * side, hull.lower, hull.upper
        )
        for c in self.domain.constraints["x"]:
            if hasattr(c, "radius"):
                away = x - c.center
                length = np.linalg.norm(away, axis=1, keepdims=True)
                shorter = np.minimum(1, c.radius * (1 - 1e-15) / length)
                x = c.center + away * shorter
        if table is None:
            return x, rng.choice([0.0, 1.0], count)
        return x, table[rng.integers(0, len(table), count)]

    def norms(self, trainer):
        """Return the graph of each parameter's gradient norm, for one record."""
        one, weights = trainer._one, trainer._weights
        total = self.loss(**one, **weights).reshape(())
        return [dt.norm([g]) for g in dt.grad(total, list(weights.values()))]

    def worst(self, trainer, norms):
        """Return the record with the longest gradient, and all lengths."""
        x, y = self.records()
        inputs = [*trainer._one.values(), *trainer._weights.values()]
        with np.errstate(all="ignore"):
            found = dt.compile(inputs, norms)(
                x[:, None], y[:, None], *trainer.parameters.values()
            )
        squares = sum(np.broadcast_to(v, len(x)) ** 2 for v in found)
        i = int(np.argmax(np.where(np.isfinite(squares), squares, -1)))
        return {"x": x[[i]], "y": y[[i]]}


def exactly(v, point):
    """Return the end of a ball that a number is certainly not below."""
    used = {s.name for s in dt.graph.traverse.free_symbols([v])}
    return evaluate_exactly(v, {n: p for n, p in point.items() if n in used}).lower()
