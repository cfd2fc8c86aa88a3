"""One network written in many ways has one bound."""

import numpy as np
import pytest

import deuterium as dt

D, H = 6, 4
RNG = np.random.default_rng(5)
W, B, V = RNG.normal(size=(D, H)) / 2, RNG.normal(size=H) / 9, RNG.normal(size=H) / 2
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


CASES = [{"hidden": h} for h in HIDDEN]
CASES += [{"out": o, "hidden": "sum of products"} for o in OUT]
CASES += [{"tanh": t} for t in TANH] + [{"loss": a} for a in LOSS]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_bound_is_that_of_the_usual_spelling(case):
    assert upper(**case) == pytest.approx(upper(), rel=0.01)
