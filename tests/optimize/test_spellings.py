"""One network written in many ways has one bound."""

from functools import cache

import numpy as np
import pytest

import deuterium as dt
from tests.amounts import some

D, H = 6, 4
RNG = np.random.default_rng(5)
W, B, V = RNG.normal(size=(D, H)) / 2, RNG.normal(size=H) / 9, RNG.normal(size=H) / 2
RNG_OUT = RNG.normal(size=(H, 3)) / 2
HIDDEN = {
    "x @ W": lambda x, w: x @ w,
    "W.T @ x": lambda x, w: w.T @ x,
    "dot": np.dot,
    "einsum": lambda x, w: np.einsum("i,ij->j", x, w),
    "tensordot": lambda x, w: np.tensordot(x, w, axes=1),
    "inner": lambda x, w: np.inner(w.T, x),
    "sum of products": lambda x, w: np.sum(x[:, None] * w, axis=0),
    "sum of rows": lambda x, w: (x * w.T).sum(axis=-1),
    "one by one": lambda x, w: np.stack(
        [sum(x[i] * w[i, j] for i in range(D)) for j in range(H)]
    ),
    "a batch of one": lambda x, w: (x[None, :] @ w)[0],
}
OUT = {
    "h @ V": lambda h, v: h @ v,
    "sum of products": lambda h, v: np.sum(h * v),
    "a matrix": lambda h, v: (h[None] @ v[:, None])[0, 0],
}
TANH = {
    "tanh": np.tanh,
    "by exp": lambda z: 2 / (1 + np.exp(-2 * z)) - 1,
    "quotient": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
}
LOSS = {
    "logaddexp": lambda t, y: np.logaddexp(0, t) - y * t,
    "log(1 + exp)": lambda t, y: np.log(1 + np.exp(t)) - y * t,
    "logarithms": lambda t, y: (
        -y * np.log(1 / (1 + np.exp(-t))) - (1 - y) * np.log(1 - 1 / (1 + np.exp(-t)))
    ),
}


def upper(hidden="x @ W", out="h @ V", tanh="tanh", loss="logaddexp"):
    x, y = dt.symbol("x", D), dt.symbol("y")
    w, b, v = map(dt.constant, (W, B, V))
    t = OUT[out](TANH[tanh](HIDDEN[hidden](x, w) + b), v)
    norm = dt.norm(dt.grad(LOSS[loss](t, y), [w, b, v]))
    domain = dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1])
    return dt.maximize(norm, domain, max_regions=4, seed=0).upper


ACTIVATIONS = {
    "leaky relu": (
        lambda z: np.where(z > 0, z, 0.1 * z),
        lambda z: np.maximum(z, 0) + 0.1 * np.minimum(z, 0),
        lambda z: np.where(z >= 0, 1, 0.1) * z,
    ),
    "softplus": (
        lambda z: np.logaddexp(z, 0),
        lambda z: np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))),
        lambda z: z + np.log(1 + np.exp(-z)),
    ),
    "silu": (
        lambda z: z / (1 + np.exp(-z)),
        lambda z: z * (1 + np.tanh(z / 2)) / 2,
        lambda z: z * np.exp(-np.logaddexp(0, -z)),
    ),
}
CROSS_ENTROPY = {
    "log_softmax": lambda t, y: -(y * dt.log_softmax(t)).sum(),
    "by hand": lambda t, y: -np.sum(y * np.log(np.exp(t) / np.exp(t).sum())),
    "of one chance": lambda t, y: -np.log(np.sum(y * np.exp(t) / np.exp(t).sum())),
    "of a quotient": lambda t, y: -np.log(np.exp((t * y).sum()) / np.exp(t).sum()),
    "shifted": lambda t, y: (
        np.log(np.sum(np.exp(t - t.max()))) + t.max() - np.sum(y * t)
    ),
}
CASES = [{"hidden": h} for h in HIDDEN]
CASES += [{"out": o, "hidden": "sum of products"} for o in OUT]
CASES += [{"tanh": t} for t in TANH] + [{"loss": a} for a in LOSS]


MIXED = [
    {"hidden": "sum of products", "out": "sum of products"},
    {"tanh": "quotient", "loss": "logarithms"},
]


@cache
def usual():
    return upper()


@pytest.mark.parametrize("case", some([*MIXED, *CASES], 2), ids=str)
def test_the_bound_is_that_of_the_usual_spelling(case):
    assert upper(**case) == pytest.approx(usual(), rel=0.01)


def of_activation(f):
    x, y = dt.symbol("x", D), dt.symbol("y")
    w, b, v = map(dt.constant, (W, B, V))
    norm = dt.norm(dt.grad(LOSS["logaddexp"](f(x @ w + b) @ v, y), [w, b, v]))
    domain = dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1])
    return dt.maximize(norm, domain, max_regions=6, seed=0).upper


@pytest.mark.parametrize("name", some(ACTIVATIONS, 1))
def test_activations_are_the_same_in_every_spelling(name):
    first, *others = map(of_activation, ACTIVATIONS[name])
    assert others == pytest.approx([first] * len(others), rel=0.01)


def of_classes(loss):
    x, y = dt.symbol("x", D), dt.symbol("y", 3)
    w, v = dt.constant(W), dt.constant(RNG_OUT)
    norm = dt.norm(dt.grad(loss(np.tanh(x @ w) @ v, y), [w, v]))
    domain = dt.Box({x: (-1, 1)}) & dt.OneHot(y)
    return dt.maximize(norm, domain, max_regions=12, seed=0).upper


@pytest.mark.parametrize("name", some(reversed(CROSS_ENTROPY), 1))
def test_cross_entropies_are_the_same_in_every_spelling(name):
    usual = of_classes(CROSS_ENTROPY["log_softmax"])
    assert of_classes(CROSS_ENTROPY[name]) == pytest.approx(usual, rel=0.02)
