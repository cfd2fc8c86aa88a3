"""Gradient norms of networks of many kinds, each for any seed.

`CASES` says of each how to build it: a function of `Weights` that returns the loss of
one record and the domain; `problem` takes the gradient by all weights, which are drawn
with standard deviations of 1 / sqrt(inputs), and its norm.
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
    "gelu": lambda z: (
        0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))
    ),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "softplus": lambda z: np.logaddexp(z, 0),
}


class Weights:
    """Draws weights; remembers them as arrays and as what to differentiate by."""

    def __init__(self, seed):
        self.rng, self.arrays, self.drawn = np.random.default_rng(seed), [], []

    def __call__(self, *shape, deviation=None):
        fan = int(np.prod(shape[:-1])) or 1
        return self.keep(self.rng.normal(size=shape) * (deviation or fan**-0.5))

    def keep(self, values):
        self.arrays.append(values)
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


def counts(values):
    """Poisson's loss, of up to ten events."""
    y = dt.symbol("label", values.shape)
    return np.sum(np.exp(values) - y * values), dt.Box({y: (0, 10)})


def robust(values):
    """The smooth loss of Huber's kind, of targets in [0, 1]."""
    y = dt.symbol("label", values.shape)
    return np.sum(np.sqrt(1 + np.square(values - y)) - 1), dt.Box({y: (0, 1)})


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


def pooled(h):
    """Return means of the squares of four neighbours, (height, width, channels)."""
    height, width, channels = h.shape
    return h.reshape(height // 2, 2, width // 2, 2, channels).mean(axis=(1, 3))


def filtered(h, kernel):
    """Return a convolution without padding; the kernel's rows are whole windows."""
    size = int(np.sqrt(kernel.shape[0] // h.shape[2]))
    windows = sliding_window_view(h, (size, size), axis=(0, 1))
    return windows.reshape(*windows.shape[:2], -1) @ kernel


def image(w, activation="tanh", size=8, filters=4, kinds=10):
    x = dt.symbol("x", (size, size, 1))
    h = pooled(ACTIVATIONS[activation](filtered(x, w(9, filters)))).reshape(-1)
    value, labels = classes(h @ w(*h.shape, kinds))
    return value, dt.Box({x: (0, 1)}) & labels


def lenet(w, activation="tanh"):
    """LeNet-5 of images of 28 x 28 pixels, its biases zero."""
    x, f = dt.symbol("x", (28, 28, 1)), ACTIVATIONS[activation]
    h = x
    for kernel in ((25, 6), (150, 16)):
        h = pooled(f(filtered(h, w(*kernel)) + w.keep(np.zeros(kernel[1]))))
    h = h.reshape(-1)
    for m, n in ((256, 120), (120, 84), (84, 10)):
        h = (h if m == 256 else f(h)) @ w(m, n) + w.keep(np.zeros(n))
    value, labels = classes(h)
    return value, dt.Box({x: (0, 1)}) & labels


def normalised(w, size=12):
    x = dt.symbol("x", (size,))
    h = x @ w(size, size)
    h = h - h.mean()
    h = h / np.sqrt(np.mean(np.square(h)) + 0.1)
    h = h * w.keep(np.ones(size)) + w.keep(np.zeros(size))
    value, labels = binary((np.tanh(h) @ w(size, 1))[0])
    return value, dt.Box({x: (-1, 1)}) & labels


def attending(w, length=4, size=6):
    x = dt.symbol("x", (length, size))
    q, k, v = (x @ w(size, size) for _ in range(3))
    h = (dt.softmax(q @ k.T / size**0.5) @ v).mean(axis=0)
    value, labels = binary((h @ w(size, 1))[0])
    return value, dt.Box({x: (-1, 1)}) & labels


def recurrent(w, length=4, size=3, units=5):
    """A network of LSTM cells, without biases."""
    x, sigmoid = dt.symbol("x", (length, size)), ACTIVATIONS["sigmoid"]
    gates = [w(size + units, units) for _ in range(4)]
    h = c = dt.constant(np.zeros(units))
    for row in range(length):
        both = np.concatenate([x[row], h])
        enter, keep, leave = (sigmoid(both @ gate) for gate in gates[:3])
        c = keep * c + enter * np.tanh(both @ gates[3])
        h = leave * np.tanh(c)
    value, labels = binary((h @ w(units, 1))[0])
    return value, dt.Box({x: (-1, 1)}) & labels


def embedded(w, words=12, size=5, length=3, units=8):
    """Words are looked up, and a layer takes them all."""
    x = dt.symbol("x", (length, words))
    h = np.tanh((x @ w(words, size)).reshape(-1) @ w(length * size, units))
    value, labels = binary((h @ w(units, 1))[0])
    return value, dt.OneHot(x) & labels


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
    "one layer, poisson": lambda w: dense(w, [20, 16, 1], loss=counts),
    "one layer, huber": lambda w: dense(w, [20, 16, 1], loss=robust),
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
    "lstm": recurrent,
    "embedding": embedded,
    "autoencoder": coded,
    "lenet": lenet,
    "lenet, relu": lambda w: lenet(w, "relu"),
}


def drawn(name, seed):
    """Return the weights of a network, its loss and its domain."""
    w = Weights(seed)
    return w, *CASES[name](w)


def problem(name, seed):
    """Return a gradient norm and its domain."""
    w, loss, domain = drawn(name, seed)
    return dt.norm(dt.grad(loss, w.drawn)), domain


def spellings(seed, size=20, units=12):
    """Yield one network's gradient norm, written in many ways: (how, norm, domain)."""
    w = Weights(seed)
    for shape in ((size, units), (units,), (units,)):
        w(*shape, deviation=0.1 if len(w.arrays) == 1 else shape[0] ** -0.5)
    matrix, bias, last = w.arrays
    mean, scale = w.rng.normal(size=size) * 0.1, np.exp(w.rng.normal(size=size) * 0.1)
    x, y = dt.symbol("x", (size,)), dt.symbol("label")
    labels = dt.Choice(y, [0, 1])
    box = dt.Box({x: (-1, 1)}) & labels

    def usual(score):
        return np.logaddexp(score, 0) - y * score

    def by_log(score):
        p = 1 / (1 + np.exp(-score))
        return -(y * np.log(p) + (1 - y) * np.log(1 - p))

    def norm(hidden, loss=usual, by=(matrix, bias, last), top=lambda h, v: h @ v):
        m, b, v = (dt.constant(value) for value in by)
        return dt.norm(dt.grad(np.sum(loss(top(hidden(m, b), v) + 0.1)), [m, b, v]))

    def plain(m, b):
        return np.tanh(x @ m + b)

    def logistic(m, b):
        return 2 / (1 + np.exp(-2 * (x @ m + b))) - 1

    turned, less = (matrix.T, bias, last), (matrix, -bias, last)
    yield "as usual", norm(plain), box
    yield "bias subtracted", norm(lambda m, b: np.tanh(x @ m - b), by=less), box
    yield "einsum", norm(lambda m, b: np.tanh(np.einsum("i,ij->j", x, m) + b)), box
    yield "on the left", norm(lambda m, b: np.tanh(m @ x + b), by=turned), box
    summed = norm(
        lambda m, b: np.tanh(np.sum(x[:, None] * m, axis=0) + b),
        top=lambda h, v: np.sum(h * v),
    )
    yield "sums of products", summed, box
    yield "two shifts", norm(lambda m, b: np.tanh((x @ m + b) + 0.0 * bias)), box
    yield "tanh by exp", norm(logistic), box
    yield "loss by log", norm(plain, by_log), box
    yield "batch of one", norm(lambda m, b: np.tanh(x[None, :] @ m + b)), box
    z = dt.symbol("z", (size,))
    standard = norm(lambda m, b: np.tanh((z - mean) / scale @ m + b))
    yield "standardised", standard, dt.Box({z: (mean - scale, mean + scale)}) & labels
