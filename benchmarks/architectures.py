"""Gradient norms of networks of many kinds, each for any seed.

`CASES` says of each how to build it: a function of a random generator that returns the
output (or loss) of one record and the domain; `problem` takes the gradient by all
weights, which are drawn with standard deviations of 1 / sqrt(inputs), and its norm.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import deuterium as dt

ACTIVATIONS = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": dt.relu,
    "leaky": lambda z: np.maximum(z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "softplus": lambda z: np.logaddexp(z, 0),
}


class Weights:
    """Draws weights, and remembers them."""

    def __init__(self, seed):
        self.rng, self.drawn = np.random.default_rng(seed), []

    def __call__(self, *shape, deviation=None):
        fan = int(np.prod(shape[:-1])) or 1
        values = self.rng.normal(size=shape) * (deviation or fan**-0.5)
        self.drawn.append(dt.constant(values, name=f"w{len(self.drawn)}"))
        return self.drawn[-1]


def binary(score):
    """Cross-entropy of two classes."""
    y = dt.symbol("label")
    return np.logaddexp(score, 0) - y * score, dt.Choice(y, [0, 1])


def classes(scores):
    """Cross-entropy of several classes."""
    y = dt.symbol("label", scores.shape)
    return -np.sum(y * dt.log_softmax(scores)), dt.OneHot(y)


def squares(values):
    """Half the squared error of targets in [0, 1]."""
    y = dt.symbol("label", values.shape)
    return np.sum(np.square(values - y)) / 2, dt.Box({y: (0, 1)})


def dense(w, sizes, activation="tanh", loss=binary):
    a = x = dt.symbol("x", (sizes[0],))
    for k, (m, n) in enumerate(pairwise(sizes)):
        a = a @ w(m, n) + w(n, deviation=0.1)
        if k < len(sizes) - 2:
            a = ACTIVATIONS[activation](a)
    value, labels = loss(a[0] if loss is binary else a)
    return value, dt.Box({x: (-1, 1)}) & labels


def residual(w, size=16, blocks=3):
    a = x = dt.symbol("x", (size,))
    for _ in range(blocks):
        a = a + np.tanh(a @ w(size, size)) @ w(size, size)
    value, labels = binary((a @ w(size, 1))[0])
    return value, dt.Box({x: (-1, 1)}) & labels


def convolved(w, length=32, width=5, filters=4):
    x = dt.symbol("x", (length,))
    h = np.tanh(sliding_window_view(x, width) @ w(width, filters))
    value, labels = binary((h.mean(axis=0) @ w(filters, 1))[0])
    return value, dt.Box({x: (-1, 1)}) & labels


def image(w, activation="tanh", size=8, filters=4, kinds=10):
    x = dt.symbol("x", (size, size))
    patches = sliding_window_view(x, (3, 3)).reshape((size - 2) ** 2, 9)
    h = ACTIVATIONS[activation](patches @ w(9, filters))
    half = (size - 2) // 2
    h = h.reshape(half, 2, half, 2, filters).mean(axis=(1, 3)).reshape(-1)
    value, labels = classes(h @ w(half * half * filters, kinds))
    return value, dt.Box({x: (0, 1)}) & labels


def normalised(w, size=12):
    x = dt.symbol("x", (size,))
    h = x @ w(size, size)
    h = h - h.mean()
    h = h / np.sqrt(np.mean(np.square(h)) + 0.1)
    value, labels = binary((np.tanh(h) @ w(size, 1))[0])
    return value, dt.Box({x: (-1, 1)}) & labels


def attending(w, length=4, size=6):
    x = dt.symbol("x", (length, size))
    q, k, v = (x @ w(size, size) for _ in range(3))
    h = (dt.softmax(q @ k.T / size**0.5) @ v).mean(axis=0)
    value, labels = binary((h @ w(size, 1))[0])
    return value, dt.Box({x: (-1, 1)}) & labels


def coded(w, size=16, inner=4):
    x = dt.symbol("x", (size,))
    off = np.tanh(x @ w(size, inner)) @ w(inner, size) - x
    return np.sum(np.square(off)) / 2, dt.Box({x: (0, 1)})


CASES = {
    **{
        f"one layer, {a}": (lambda w, a=a: dense(w, [20, 16, 1], a))
        for a in ACTIVATIONS
    },
    "one layer, 5 classes": lambda w: dense(w, [20, 16, 5], loss=classes),
    "one layer, squares of 5": lambda w: dense(w, [20, 16, 5], loss=squares),
    "two layers": lambda w: dense(w, [20, 16, 16, 1]),
    "two layers, 5 classes": lambda w: dense(w, [20, 16, 16, 5], loss=classes),
    "three layers": lambda w: dense(w, [20, 16, 16, 16, 1]),
    "three layers, relu": lambda w: dense(w, [20, 16, 16, 16, 1], "relu"),
    "five layers": lambda w: dense(w, [20, *[16] * 5, 1]),
    "residual": residual,
    "convolution": convolved,
    "image": image,
    "image, relu": lambda w: image(w, "relu"),
    "layer normalisation": normalised,
    "attention": attending,
    "autoencoder": coded,
}


def problem(name, seed):
    """Return a gradient norm and its domain."""
    w = Weights(seed)
    loss, domain = CASES[name](w)
    return dt.norm(dt.grad(loss, w.drawn)), domain
