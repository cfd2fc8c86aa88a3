"""Standard problems: the per-record gradient norm of small networks, two ways.

``norm_graph`` builds it with deuterium from nothing but the loss; ``closed_form`` is
the same norm worked out by hand in NumPy, which is what speed is compared with.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.special import expit, log_expit

import deuterium as dt

UNITS = {"100-100-1": [100, 100, 1], "784-256-128-10": [784, 256, 128, 10]}
ACTIVATIONS = {
    "sigmoid": (expit, expit, lambda a: a * (1 - a)),
    "tanh": (np.tanh, np.tanh, lambda a: 1 - a * a),
    "relu": (dt.relu, lambda z: np.maximum(z, 0), lambda a: 1.0 * (a > 0)),
}


def weights(name, seed=0):
    """Layers [(W, b), ...], normal numbers over the root of the fan-in."""
    rng = np.random.default_rng(seed)
    units = UNITS[name]
    return [
        (rng.normal(size=(m, n)) / np.sqrt(m), rng.normal(size=n) / np.sqrt(m))
        for m, n in pairwise(units)
    ]


def norm_graph(layers, activation):
    """Return the input symbol and the norm of the loss gradient by all parameters."""
    act = ACTIVATIONS[activation][0]
    x = dt.symbol("x", shape=(1, len(layers[0][0])))
    h, parameters = x, []
    for i, (w, b) in enumerate(layers):
        parameters += [dt.constant(w), dt.constant(b)]
        h = h @ parameters[-2] + parameters[-1]
        if i < len(layers) - 1:
            h = act(h)
    one = h.shape[1] == 1
    loss = -np.sum(log_expit(h)) if one else -dt.log_softmax(h)[0, 0]
    return x, dt.norm(dt.grad(loss, parameters))


def closed_form(layers, activation):
    """Return a function of records (m, n) that gives the norms (m,)."""
    _, act, slope = ACTIVATIONS[activation]
    *hidden, (w_out, b_out) = layers

    def norms(x):
        values = [x]
        for w, b in hidden:
            values.append(act(values[-1] @ w + b))
        t = values[-1] @ w_out + b_out
        if t.shape[1] == 1:
            delta = -expit(-t)
        else:
            e = np.exp(t - t.max(1, keepdims=True))
            delta = e / e.sum(1, keepdims=True)
            delta[:, 0] -= 1
        total = (delta**2).sum(1) * ((values[-1] ** 2).sum(1) + 1)
        for (w, _), a, before in zip(
            layers[:0:-1], values[:0:-1], values[-2::-1], strict=True
        ):
            delta = (delta @ w.T) * slope(a)
            total = total + (delta**2).sum(1) * ((before**2).sum(1) + 1)
        return np.sqrt(total)

    return norms
