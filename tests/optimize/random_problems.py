"""Random problems with kinks and jumps over domains of all kinds, one for each seed."""

from __future__ import annotations

import numpy as np

import deuterium as dt
from deuterium.graph.operator import OPERATORS
from deuterium.graph.serialize import attribute_names

SHAPES = [(), (), (2,), (3,), (2, 2), (1, 3)]
UNARY = sorted(
    name
    for name, op in OPERATORS.items()
    if op.elementwise and op.arity == 1 and not attribute_names(op)
)
SMOOTH = [
    "sin", "cos", "tanh", "expit", "arctan", "square", "negative", "exp", "log",
    "expm1", "erf", "reciprocal", "log_expit", "tanh'", "expit'",
]  # fmt: skip
KINKS = ["absolute", "relu", "relu'", "sign", "absolute'", "cbrt", "sqrt"]
BINARY = [
    "add", "subtract", "multiply", "divide", "maximum", "minimum", "hypot",
    "logaddexp", "direction_cosine", "power", "xlogy", "xlog1py",
]  # fmt: skip
NUMBERS = [-2.0, -1.0, -0.5, -0.3, 0.0, 0.1, 0.5, 1.0, 1.7, 3.0]
WIDE = [
    (-np.inf, np.inf), (0.0, np.inf), (-np.inf, 1.0), (-np.inf, 0.0), (1e-9, 1e9),
    (-1e9, 1e9),
]  # fmt: skip
LARGEST = 40  # elements


def problem(seed):
    """Return a graph, its domain, whether to maximise it, and by which method."""
    rng = np.random.default_rng(seed)
    shapes = SHAPES if rng.random() < 0.5 else SHAPES[:1]
    count = int(rng.integers(1, 4))
    symbols = [dt.symbol(n, shapes[rng.integers(len(shapes))]) for n in "xyz"[:count]]
    v = graph(rng, symbols, int(rng.integers(1, 9)))
    domain = dt.Box({})
    for s in sorted(dt.graph.free_symbols([v]), key=lambda s: s.name):
        domain = domain & around(rng, s)
    maximize = bool(rng.integers(2))
    method = str(rng.choice(["auto", "auto", "box", "interval"]))
    return v, domain, maximize, method


def graph(rng, symbols, steps):
    """Return a scalar graph of random operators, some of them undefined somewhere."""
    pool = list(symbols)
    for _ in range(steps):
        x = pool[-1] if rng.random() < 0.6 else pool[rng.integers(len(pool))]
        kind = rng.random()
        if kind < 0.35:
            made = _unary(rng, x)
        elif kind < 0.7:
            made = _binary(rng, x, pool)
        elif kind < 0.8:
            n = int(rng.integers(-2, 5))
            made = np.power(x if n >= 0 else 0.2 + np.square(x), n)
        else:
            made = _along(rng, x) if x.shape else x * x - _number(rng) * x
        if made is not None and made.size <= LARGEST:
            pool.append(made)
    v = _scalar(rng, pool[-1])
    return v + 0.3 * np.sum(symbols[0]) if rng.random() < 0.2 else v


def _number(rng):
    return float(rng.choice(NUMBERS))


def _unary(rng, x):
    names = [UNARY, SMOOTH, KINKS][rng.integers(3)]
    name = str(rng.choice(names))
    low, high = OPERATORS[name].domain
    if (low, high) != (-np.inf, np.inf) and rng.random() < 0.7:
        x = 1.1 + np.square(x) if low == 1 else 0.5 + 0.4 * np.sin(x)
    if name == "reciprocal" and rng.random() < 0.7:
        x = 0.5 + np.square(x)
    if name in ("exp", "exp2", "sinh", "cosh", "expm1") and rng.random() < 0.7:
        x = np.tanh(x)
    return OPERATORS[name](x)


def _binary(rng, x, pool):
    name = str(rng.choice(BINARY))
    y = pool[rng.integers(len(pool))]
    if rng.random() < 0.4:
        y = dt.constant(_number(rng))
    try:
        if len(np.broadcast_shapes(x.shape, y.shape)) > 2:
            return None
    except ValueError:
        return None
    if rng.random() < 0.8:
        if name in ("divide", "xlogy"):
            y = 0.3 + np.square(y)
        elif name == "xlog1py":
            y = np.square(y) - 0.5
        elif name == "power":
            x, y = 0.2 + np.square(x), np.tanh(y) * 2
    if rng.random() < 0.3:
        x, y = y, x
    return OPERATORS[name](x, y)


def _along(rng, x):
    axis = int(rng.integers(-x.ndim, 0))
    weights = rng.normal(size=(x.shape[-1], 2)).round(2)
    functions = [
        lambda: np.sum(x, axis=axis),
        lambda: np.max(x, axis=axis),
        lambda: np.min(x, axis=axis),
        lambda: np.prod(x, axis=axis),
        lambda: np.cumsum(x, axis=axis),
        lambda: x @ dt.constant(weights),
        lambda: OPERATORS["softmax"](x),
        lambda: OPERATORS["logsumexp"](x),
        lambda: dt.grad(np.max(x), x),
    ]
    return functions[rng.integers(len(functions))]()


def _scalar(rng, v):
    if not v.shape:
        return v
    return [np.sum, lambda x: np.max(np.ravel(x)), lambda x: dt.norm([x])][
        rng.integers(3)
    ](v)


def around(rng, s):
    """Return a domain of one symbol: a box, a ball, a choice, unit vectors."""
    kind = rng.integers(10)
    center = np.round(rng.normal(size=s.shape), 1)
    radius = float(rng.choice([0.0, 0.1, 0.3, 1.0, 2.5]))
    if kind < 4:
        width = rng.choice([0, 1e-9, 0.1, 1, 2, 3], size=s.shape)
        if rng.random() < 0.3:
            center, width = np.round(center), np.round(width)
        return dt.Box({s: (center - width, center + width)})
    if kind == 4:
        return dt.Box({s: WIDE[rng.integers(len(WIDE))]})
    if kind == 5:
        return dt.Ball(s, center, radius)
    if kind == 6:
        return dt.Ball(s, center, radius, order=np.inf)
    if kind == 7:
        values = [np.round(rng.normal(size=s.shape), 1) for _ in range(4)]
        return dt.Choice(s, values[: int(rng.integers(1, 5))])
    if kind == 8:
        return dt.OneHot(s) if s.shape else dt.Choice(s, [0, 1])
    return dt.Ball(s, 0.0, 1.5) & dt.Box({s: (-1, np.inf)})
