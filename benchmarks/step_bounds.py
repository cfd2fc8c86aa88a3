"""How tight, and how dear, the bound of a training step is: losses of many kinds.

Run ``python benchmarks/step_bounds.py [steps]``.  For each loss, after so many steps
(default 0) on random records: how the gradient norm is bounded, the bound
over the largest norm that a search found, and the milliseconds of one bound.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from scipy.special import log_expit

import deuterium as dt
from deuterium.privacy import ClipFreeSGD

ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "gelu": lambda z: (
        0.5 * z * (1 + np.tanh(0.7978845608028654 * (z + 0.044715 * z**3)))
    ),
    "leaky": lambda z: np.maximum(z, 0.01 * z),
    "tanh by exp": lambda z: 2 / (1 + np.exp(-2 * z)) - 1,
}


def binary(t, y):
    return np.logaddexp(0, t) - y * t


def by_log(t, y):
    p = 1 / (1 + np.exp(-t))
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def by_expit(t, y):
    return -(y * log_expit(t) + (1 - y) * log_expit(-t))


def cross_entropy(t, y):
    return -(y * dt.log_softmax(t)).sum(1)


def smoothed(t, y):
    return -((0.9 * y + 0.1 / y.shape[1]) * dt.log_softmax(t)).sum(1)


def squares(t, y):
    return np.square(t - y).sum(1) / 2


def layers(sizes, act="tanh", head=binary, minus=False):
    """Return a loss of a feed-forward network, and the shapes of its weights."""
    last = len(sizes) - 2

    def loss(x, y, **w):
        a = x
        for i in range(last + 1):
            a = a @ w[f"w{i}"]
            a = a - w[f"b{i}"] if minus else a + w[f"b{i}"]
            a = ACTIVATIONS[act](a) if i < last else a
        return head(a[:, 0] if sizes[-1] == 1 else a, y)

    shapes = {}
    for i in range(last + 1):
        shapes |= {f"w{i}": sizes[i : i + 2], f"b{i}": (sizes[i + 1],)}
    return loss, shapes


def summed(x, y, w, b, v):
    h = np.tanh((x[:, :, None] * w[None]).sum(axis=1) + b)
    return binary((h * v).sum(axis=1), y)


def einsum(x, y, w, b, v):
    return binary(np.tanh(np.einsum("ni,ij->nj", x, w) + b) @ v, y)


def conv1d(x, y, w, v):
    windows = np.lib.stride_tricks.sliding_window_view(x, 5, axis=1)
    return binary((np.tanh(windows @ w).mean(axis=1) @ v)[:, 0], y)


def cnn(x, y, w, v):
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    h = np.tanh(windows.reshape(-1, 6, 6, 9) @ w)
    h = h.reshape(-1, 3, 2, 3, 2, 4).mean(axis=(2, 4)).reshape(-1, 36)
    return cross_entropy(h @ v, y)


def residual(x, y, w0, v0, w1, v1, u):
    a = x
    for w, v in ((w0, v0), (w1, v1)):
        a = a + np.tanh(a @ w) @ v
    return binary((a @ u)[:, 0], y)


def embedding(x, y, e, w, v):
    h = np.tanh((x @ e).reshape(-1, 15) @ w)
    return binary((h @ v)[:, 0], y)


def autoencoder(x, w, v):
    return np.square(np.tanh(x @ w) @ v - x).sum(axis=1) / 2


ONE = {"w": (20, 12), "b": (12,), "v": (12,)}
RESIDUAL = {f"{n}{i}": (12, 12) for i in (0, 1) for n in "wv"} | {"u": (12, 1)}
SMALL = (20, 16, 1)
# the loss and its shapes; the record's shape; the number of classes, or ends of labels
PROBLEMS = {
    "one layer": (*layers(SMALL), (20,), 1),
    "one layer, x @ w - b": (*layers(SMALL, minus=True), (20,), 1),
    "one layer, tanh by exp": (*layers(SMALL, "tanh by exp"), (20,), 1),
    "one layer, loss by log": (*layers(SMALL, head=by_log), (20,), 1),
    "one layer, loss by log_expit": (*layers(SMALL, head=by_expit), (20,), 1),
    "one layer, sums": (summed, ONE, (20,), 1),
    "one layer, einsum": (einsum, ONE, (20,), 1),
    "one layer, relu": (*layers(SMALL, "relu"), (20,), 1),
    "one layer, leaky relu": (*layers(SMALL, "leaky"), (20,), 1),
    "one layer, silu": (*layers(SMALL, "silu"), (20,), 1),
    "one layer, gelu": (*layers(SMALL, "gelu"), (20,), 1),
    "5 classes": (*layers((20, 16, 5), head=cross_entropy), (20,), 5),
    "5 classes, smoothed": (*layers((20, 16, 5), head=smoothed), (20,), 5),
    "squares, 5 outputs": (*layers((20, 16, 5), head=squares), (20,), (5,)),
    "two layers": (*layers((20, 16, 16, 1)), (20,), 1),
    "two layers, 5 classes": (
        *layers((20, 16, 16, 5), head=cross_entropy),
        (20,),
        5,
    ),
    "three layers": (*layers((20, 16, 16, 16, 1)), (20,), 1),
    "three layers, relu": (*layers((20, 16, 16, 16, 1), "relu"), (20,), 1),
    "conv1d": (conv1d, {"w": (5, 4), "v": (4, 1)}, (32,), 1),
    "cnn, 10 classes": (cnn, {"w": (9, 4), "v": (36, 10)}, (8, 8), 10),
    "residual": (residual, RESIDUAL, (12,), 1),
    "embedding": (embedding, {"e": (12, 5), "w": (15, 8), "v": (8, 1)}, (3, 12), 1),
    "autoencoder": (autoencoder, {"w": (16, 4), "v": (4, 16)}, (16,), None),
}


def domain_of(shape, labels, embedded):
    """Return the symbols of a record, and their domain."""
    x = dt.symbol("x", shape=shape)
    domain = dt.OneHot(x) if embedded else dt.Box({x: (-1, 1)})
    if labels is None:
        return domain
    y = dt.symbol("y", shape=() if labels == 1 else np.ravel(labels).tolist())
    if labels == 1:
        return domain & dt.Choice(y, [0, 1])
    return domain & (dt.OneHot(y) if isinstance(labels, int) else dt.Box({y: (0, 1)}))


def trainer(name, seed=0):
    """Return a trainer of a problem, with random weights."""
    loss, shapes, shape, labels = PROBLEMS[name]
    rng = np.random.default_rng(seed)
    weights = {
        n: rng.normal(size=s)
        * (0.1 if n[0] == "b" else 1 / np.sqrt(np.prod(s[:-1]) or 1))
        for n, s in shapes.items()
    }
    domain = domain_of(shape, labels, name == "embedding")
    settings = {"noise_multiplier": 1.0, "learning_rate": 0.05, "count": 200}
    return ClipFreeSGD(
        loss,
        weights,
        domain,
        **settings,
        relation="add_or_remove_one",
        insecure_rng=seed,
    )


def settled(made, times=30):
    """Return a bound that was asked for often, and its processor seconds."""
    made.bound()
    seconds = []
    for _ in range(times):
        start = time.process_time()
        bound = made.bound()
        seconds.append(time.process_time() - start)
    return bound, float(np.median(seconds))


def found(made, starts=16):
    """Return the largest gradient norm that a search finds."""
    weights = {n: dt.constant(w) for n, w in made.parameters.items()}
    one = {n: dt.symbol(n, shape=(1, *s)) for n, s in made.domain.shapes.items()}
    loss = made.loss(**one, **weights).reshape(())
    norm = dt.norm(dt.grad(loss, list(weights.values())))
    return dt.search(norm, made._rows, starts=starts, seed=0).value


def records(made, count=200):
    """Return random records of the domain."""
    rng, rows = np.random.default_rng(1), {}
    for n, s in made.domain.shapes.items():
        hull = made.domain.hull(dt.symbol(n, shape=s))
        kinds = [type(k).__name__ for k in made.domain.constraints[n]]
        if "UnitVectors" in kinds:
            rows[n] = np.eye(s[-1])[rng.integers(0, s[-1], (count, *s[:-1]))]
        elif s == ():
            rows[n] = rng.integers(0, 2, count) * 1.0
        else:
            rows[n] = rng.uniform(hull.lower, hull.upper, (count, *s))
    return rows


def main(steps=0, only=""):
    """Print the table."""
    print(f"{'loss':30} {'bound / found':>13} {'ms':>8}  method")
    for name in PROBLEMS:
        if only not in name:
            continue
        made = trainer(name)
        if steps:
            made.fit(records(made), steps)
        bound, seconds = settled(made)
        ratio, cost = bound / found(made), 1e3 * seconds
        print(f"{name:30} {ratio:13.3f} {cost:8.3f}  {made.method}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
