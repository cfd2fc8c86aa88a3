"""Networks of one hidden layer, and pairs of records that differ in some features."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit, log_expit

import deuterium as dt

ACTIVATIONS = {"tanh": np.tanh, "expit": expit, "relu": dt.relu}
MORE = {
    "leaky": lambda v: np.maximum(v, 0.1 * v),
    "silu": lambda v: v * expit(v),
    "softplus": lambda v: np.logaddexp(0, v),
    "square": np.square,
    "elu": lambda v: np.maximum(v, 0) + np.minimum(np.exp(v) - 1, 0),
    "scaled": lambda v: 5 * expit(5 * v) - 5,
}


def network(seed=0, activation="tanh", features=4, hidden=3, scale=1.0, bias=True):
    rng = np.random.default_rng(seed)
    x, y = dt.symbol("x", shape=(1, features)), dt.symbol("y")
    weights = [
        rng.normal(size=(features, hidden)) * scale,
        rng.normal(size=hidden) * scale,
        rng.normal(size=(hidden, 1)) * scale,
        rng.normal(size=1) * scale,
    ]
    p = [dt.constant(w) for w in (weights if bias else weights[::2])]
    if bias:
        t = ((ACTIVATIONS | MORE)[activation](x @ p[0] + p[1]) @ p[2] + p[3])[0, 0]
    else:
        t = ((ACTIVATIONS | MORE)[activation](x @ p[0]) @ p[1])[0, 0]
    loss = -(y * log_expit(t) + (1 - y) * log_expit(-t))
    return x, y, dt.grad(loss, p), dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1])


def pairs(x, where, count, rng, features=4):
    """Records, and the same with some features drawn anew; half of them at corners."""
    first = rng.uniform(-1, 1, (count, 1, features))
    first[::2] = np.sign(first[::2])
    second = first.copy()
    second[:, 0, where] = rng.uniform(-1, 1, (count, len(where)))
    second[::2, 0, where] = -first[::2, 0, where]
    return first, second


def largest_move(x, y, g, where, rng, count=4000, features=4):
    """Return the largest distance over many pairs."""
    first, second = pairs(x, where, count, rng, features)
    labels = rng.integers(0, 2, count) * 1.0
    fn = dt.compile([x, y], g)
    total = 0.0
    for u, v in zip(fn(first, labels), fn(second, labels), strict=True):
        apart = np.broadcast_to(u - v, np.broadcast_shapes(u.shape, v.shape))
        total = total + (apart.reshape(count, -1) ** 2).sum(axis=1)
    return math.sqrt(total.max())
