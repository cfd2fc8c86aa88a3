"""The standard gradient norms, from seeds, with a gradient worked out by hand.

The norm of the loss's gradient by all parameters, of one record in [-1, 1]^n:

    S1   2 - 2 - 1, biases after the activation    -log(sigmoid(h @ w)), no last bias
    S2   10 - 10 - 1                               binary cross-entropy, y = 1
    S3   25 - 8 - 1                                the same
    S4   100 - 100 - 1                             the same
    S5   784 - 256 - 128 - 10                      softmax cross-entropy, class 0

Weights are standard normal (plain), or those over the root of the fan-in (scaled).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import expit, log_expit, softmax

import deuterium as dt

Array = Any

SIZES = {
    "S1": [2, 2, 1],
    "S2": [10, 10, 1],
    "S3": [25, 8, 1],
    "S4": [100, 100, 1],
    "S5": [784, 256, 128, 10],
}
# as operators, and as a function of numbers with its slope
ACTIVATIONS = {
    "sigmoid": (expit, lambda z: (expit(z), expit(z) * expit(-z))),
    "tanh": (np.tanh, lambda z: (np.tanh(z), 1 / np.cosh(z) ** 2)),
    "relu": (dt.relu, lambda z: (np.maximum(z, 0), 1.0 * (z > 0))),
}


@dataclass(frozen=True)
class Network:
    """Layers ``(W, b)`` of a problem: (fan in, fan out) and (fan out,), or None."""

    size: str
    activation: str
    layers: list[tuple[Array, Array | None]]

    @property
    def inputs(self) -> int:
        """How many numbers a record has."""
        return len(self.layers[0][0])

    @property
    def early(self) -> bool:
        """Whether the biases come after the activation."""
        return self.size == "S1"


def make(size: str, activation: str, weights: str = "scaled", seed: int = 0) -> Network:
    """Return one of the problems; W1, b1, W2, ... are drawn in this order."""
    random, layers, units = np.random.RandomState(seed), [], SIZES[size]
    for i, (m, n) in enumerate(pairwise(units)):
        bare = size == "S1" and i == len(units) - 2
        w = random.normal(size=m * n).reshape(m, n)
        b = None if bare else random.normal(size=n)
        scale = np.sqrt(m) if weights == "scaled" else 1.0
        layers.append((w / scale, None if b is None else b / scale))
    return Network(size, activation, layers)


def graph(network: Network) -> tuple[Any, Any]:
    """Return the input symbol and the gradient's norm."""
    act, x = ACTIVATIONS[network.activation][0], dt.symbol("x", (1, network.inputs))
    h, parameters = x, []
    for i, (w, b) in enumerate(network.layers):
        hidden = i < len(network.layers) - 1
        parameters.append(dt.constant(w))
        h = h @ parameters[-1]
        h = act(h) if hidden and network.early else h
        if b is not None:
            parameters.append(dt.constant(b))
            h = h + parameters[-1]
        h = act(h) if hidden and not network.early else h
    loss = -np.sum(log_expit(h)) if h.size == 1 else -dt.log_softmax(h)[0, 0]
    return x, dt.norm(dt.grad(loss, parameters))


def gradient_norm(network: Network, rows: Array) -> Array:
    """Return the norm at each row (m, n), by hand, rounded as it comes: (m,)."""
    act = ACTIVATIONS[network.activation][1]
    values, slopes = [np.atleast_2d(rows)], []
    for w, b in network.layers[:-1]:
        z = values[-1] @ w
        a, slope = act(z if network.early else z + b)
        values.append(a + b if network.early else a)
        slopes.append(slope)
    w, b = network.layers[-1]
    scores = values[-1] @ w + (0.0 if b is None else b)
    if scores.shape[1] == 1:
        delta = -expit(-scores)
    else:
        delta = softmax(scores, axis=1)
        delta[:, 0] -= 1
    total = 0.0
    for i in reversed(range(len(network.layers))):
        w, b = network.layers[i]
        # a bias before the activation has the slope of z, one after it that of h
        inner = delta * slopes[i] if network.early and i < len(slopes) else delta
        total = total + (inner**2).sum(1) * (values[i] ** 2).sum(1)
        if b is not None:
            total = total + (delta**2).sum(1)
        if i:
            delta = inner @ w.T
            delta = delta if network.early else delta * slopes[i - 1]
    return np.sqrt(total)
