"""Losses, data and trainers for tests of private training."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium import privacy

ClipFreeSGD = partial(privacy.ClipFreeSGD, relation="add_or_remove_one")

ACTIVATIONS = {"tanh": np.tanh, "expit": expit, "relu": dt.relu}
COUNT = 60


def binary(act):
    def loss(x, y, w1, b1, w2, b2):
        t = (act(x @ w1 + b1) @ w2 + b2)[:, 0]
        return -(y * log_expit(t) + (1 - y) * log_expit(-t))

    return loss


def classes(act):
    def loss(x, y, w1, b1, w2, b2):
        return -(y * dt.log_softmax(act(x @ w1 + b1) @ w2 + b2)).sum(1)

    return loss


def squared(x, y, w1, b1, w2, b2):
    """A loss whose slope has no bound of its own."""
    return ((np.tanh(x @ w1 + b1) @ w2 + b2)[:, 0] - y) ** 2


def unusual(x, y, w1, b1, w2, b2):
    """Not layer upon layer: a connection skips one."""
    t = (np.tanh(x @ w1 + b1) @ w2 + b2)[:, 0] + x[:, 0] * b2[0]
    return -(y * log_expit(t) + (1 - y) * log_expit(-t))


def pooled(x, y, w1, b1, w2, b2):
    """The largest of the hidden values alone: no sum of functions of one variable."""
    t = np.max(np.tanh(x @ w1 + b1), axis=1) * w2[0, 0] + b2[0]
    return -(y * log_expit(t) + (1 - y) * log_expit(-t))


def deep(act, k):
    def loss(x, y, w1, b1, w2, w3, b3):
        t = act(act(x @ w1 + b1) @ w2) @ w3 + b3
        if k == 1:
            return -(y * log_expit(t[:, 0]) + (1 - y) * log_expit(-t[:, 0]))
        return -(y * dt.log_softmax(t)).sum(1)

    return loss


def start(rng, sizes, names, scale=1.0):
    found, i = {}, 0
    for name in names:
        if name.startswith("w"):
            m, n = sizes[i], sizes[i + 1]
            found[name] = rng.normal(size=(m, n)) * scale / math.sqrt(m)
            i += 1
        else:
            found[name] = rng.normal(size=sizes[i]) * 0.3 * scale
    return found


def problem(kind, seed=0, scale=1.0, **more):
    """Return a trainer and data for a small network."""
    rng = np.random.default_rng(seed)
    head, _, act = kind.partition(" ")
    k = 3 if head in ("classes", "deep3") else 1
    names = ["w1", "b1", "w2", "b2"]
    sizes = [5, 4, k]
    if head.startswith("deep"):
        names, sizes = ["w1", "b1", "w2", "w3", "b3"], [5, 4, 3, k]
        loss = deep(ACTIVATIONS[act], k)
    elif head == "binary":
        loss = binary(ACTIVATIONS[act])
    elif head == "classes":
        loss = classes(ACTIVATIONS[act])
    else:
        loss = {"squared": squared, "unusual": unusual, "pooled": pooled}[head]
    x = dt.symbol("x", shape=(5,))
    y = dt.symbol("y", shape=() if k == 1 else (k,))
    labels = dt.Choice(y, [0, 1]) if k == 1 else dt.OneHot(y)
    domain = dt.Box({x: (-1, 1.5)}) & labels
    records = rng.uniform(-1, 1.5, (COUNT, 5))
    records[::3] = np.where(records[::3] > 0, 1.5, -1)
    classes_of = rng.integers(0, max(k, 2), COUNT)
    data = {x: records, y: classes_of * 1.0 if k == 1 else np.eye(k)[classes_of]}
    settings = {
        "noise_multiplier": 5.0,
        "learning_rate": 0.5,
        "count": COUNT,
        "insecure_rng": seed,
        **more,
    }
    weights = start(rng, sizes, names, scale)
    return ClipFreeSGD(loss, weights, domain, **settings), data, domain, loss


# the first few have every head and every activation
KINDS = ["binary tanh", "classes relu", "deep1 expit", "deep3 tanh", "squared"]
KINDS += [
    kind
    for head in ("binary", "classes", "deep1", "deep3")
    for act in ACTIVATIONS
    if (kind := f"{head} {act}") not in KINDS
] + ["unusual"]


def record_norms(trainer, loss, domain, records):
    """Return every record's gradient norm, by a graph of this test's own."""
    shapes = domain.shapes
    one = {n: dt.symbol(n, shape=(1, *s)) for n, s in shapes.items()}
    weights = {n: dt.symbol(n, shape=w.shape) for n, w in trainer.parameters.items()}
    total = loss(**one, **weights).sum()
    g = dt.grad(total, list(weights.values()))
    rows = {one[n]: x[:, None] for n, x in records.items()}
    fixed = {weights[n]: w for n, w in trainer.parameters.items()}
    squares = 0.0
    for part in g:
        value = part.evaluate({**rows, **fixed})
        count = len(next(iter(records.values())))
        squares = squares + (np.reshape(value, (count, -1)) ** 2).sum(axis=1)
    return np.sqrt(squares)


def worst_records(domain, rng, count=400):
    """Corners of the box, and every label."""
    rows = {}
    for name, shape in domain.shapes.items():
        s = dt.symbol(name, shape=shape)
        table, hull = domain.table(s), domain.hull(s)
        if table is None:
            side = rng.random((count, *shape)) < 0.5
            rows[name] = np.where(side, hull.lower, hull.upper)
        else:
            rows[name] = table[rng.integers(0, len(table), count)]
    return rows
