"""Graphs of few symbols and few operators, so that the patterns of rules are common."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy.special import expit, log_expit, xlogy

import deuterium as dt

NUMBERS = (0, 1, -1, 2, -2, 0.5, 4, 0.25, 0.3)

ONE = {
    "neg": lambda x: -x,
    "exp": np.exp,
    "expit": expit,
    "expit -": lambda x: expit(-x),
    "1 + exp": lambda x: 1 + np.exp(x),
    "1 / (1 + exp(-x))": lambda x: 1 / (1 + np.exp(-x)),
    "1 - x": lambda x: 1 - x,
    "log": np.log,
    "sqrt": np.sqrt,
    "square": np.square,
    "abs": abs,
    "1 / x": lambda x: 1 / x,
    "tanh": np.tanh,
    "tanh by exp": lambda x: 2 / (1 + np.exp(-2 * x)) - 1,
    "log_expit": log_expit,
    "log1p": np.log1p,
    "cube": lambda x: x**3,
    "inverse square": lambda x: x**-2,
    "sin": np.sin,
}
TWO = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "xlogy": xlogy,
    "logaddexp": np.logaddexp,
}
MANY = {  # of arrays
    "sum": np.sum,
    "sum last": lambda x: np.sum(x, axis=-1, keepdims=True),
    "sum first": lambda x: np.sum(x, axis=0),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True),
    "softmax op": dt.softmax,
    "shift": lambda x: x - np.max(x, axis=-1, keepdims=True),
    "log sum": lambda x: np.log(np.sum(np.exp(x), axis=-1, keepdims=True)),
    "T": np.transpose,
    "ravel": np.ravel,
    "element": lambda x: x[..., 0],
    "flip": lambda x: x[..., ::-1],
    "outer": lambda x: np.ravel(x)[:2][:, None] * np.ravel(x)[None, :2],
    "gram": lambda x: np.ravel(x)[None, :] @ np.ravel(x)[:, None],
    "weights": lambda x: np.ravel(x)[None, :2] @ np.array([[0.5, -1.0], [2.0, 0.3]]),
    "norm": np.linalg.norm,
}


@st.composite
def algebra(draw, arrays=False, max_steps=8):
    """Return a graph of one or two symbols, deep more often than wide."""
    shape = draw(st.sampled_from([(3,), (1, 2), (2, 1)])) if arrays else ()
    pool = [dt.symbol("x", shape), dt.symbol("y", shape)]
    tables = [ONE, ONE, TWO, TWO, TWO] + ([MANY, MANY] if arrays else [])
    for _ in range(draw(st.integers(2, max_steps))):
        table = draw(st.sampled_from(tables))
        f = table[draw(st.sampled_from(sorted(table)))]
        last = len(pool) - 1
        a = pool[last - draw(st.one_of(st.just(0), st.integers(0, last)))]
        if table is ONE:
            made = f(a)
        elif table is MANY:
            made = f(a) if a.ndim and a.size > 1 else a
        else:
            fits = [b for b in pool if b.ndim == 0 or a.ndim == 0 or b.shape == a.shape]
            b = draw(st.sampled_from([*fits, *fits, *NUMBERS]))
            made = f(*draw(st.permutations([a, b])))
        pool.append(made)
    return pool[-1]


END = st.one_of(
    st.sampled_from((0.0, 1.0, -1.0, 0.5)), st.floats(-2, 2).map(lambda x: round(x, 3))
)


@st.composite
def tame_boxes(draw, v):
    """Return a box with ends of ordinary size."""
    bounds = {}
    for s in dt.graph.free_symbols([v]):
        ends = np.array([sorted((draw(END), draw(END))) for _ in range(s.size)])
        ends = ends.reshape((*s.shape, 2))
        bounds[s] = ends[..., 0], ends[..., 1]
    return dt.Box(bounds)
