"""Graphs unlike those of the other fuzzers: few, odd and deep compositions."""

from __future__ import annotations

from typing import Any

import numpy as np

import deuterium as dt
from deuterium.graph.operator import OPERATORS

from .moves import (
    KINKED,
    LARGEST,
    SHAPES,
    SIZES,
    SMOOTH,
    never_negative,
    number,
    numbers,
    product,
    wander,
)


def draw(rng: Any) -> Any:
    """Return a Variable: some steps, and now and then a derivative or two."""
    style = rng.integers(12)
    if style == 0:
        v = _scalar_style(rng)
    elif style < 4:
        v = _layers(rng)
    elif style == 4:
        v = _losses(rng)
    elif style == 5:
        v = _choosing(rng)
    else:
        v = wander(rng, _symbols(rng), int(rng.integers(1, 10)))
    order = rng.choice((0, 0, 0, 1, 1, 2))
    for _ in range(order):
        v = _derivative(rng, v)
    if rng.random() < 0.5:
        v = _longer(rng, v)
    return v if v.size <= LARGEST else np.ravel(v)[:LARGEST]


def _longer(rng: Any, v: Any) -> Any:
    """Return a graph of enough nodes for the ways that are for long ones only."""
    ways = (
        lambda: np.sin(v) * np.cos(v) + v,
        lambda: np.sin(v) * np.cos(v) + 1e-28 / np.square(v),
        lambda: v * (1 + 0.25 * np.tanh(v)) - np.sin(v) / 3 + np.cos(v),
        lambda: np.exp(-np.square(v)) + np.arctan(v) * np.sin(v + 1) - v / 7,
        lambda: np.sqrt(1 + np.square(v)) * np.cos(v) + np.expm1(np.tanh(v)),
        lambda: dt.norm([np.sin(v) + v, np.cos(v) * v]),
    )
    for _ in range(int(rng.integers(1, 4))):
        v = ways[rng.integers(len(ways))]()
    return v


def _symbols(rng: Any) -> list[Any]:
    count = int(rng.integers(1, 4))
    return [dt.symbol(n, SHAPES[rng.integers(len(SHAPES))]) for n in "xyz"[:count]]


def _layers(rng: Any) -> Any:
    """A product of what is never negative, and what must not meet 0 behind it."""
    rows, n = int(rng.choice((1, 2, 3, 4, 8, 16))), int(rng.integers(1, 6))
    x = dt.symbol("x", ((rows, n), (n,), (2, 1, n))[rng.integers(3)])
    y: Any = x
    pool = [x]
    for _ in range(int(rng.integers(1, 3))):
        y = product(rng, never_negative(rng, y), pool)
        if not y.ndim:
            y = np.stack([y, y])
    risky = (
        lambda: np.reciprocal(np.square(y)) * float(SIZES[rng.integers(len(SIZES))]),
        lambda: np.log(y),
        lambda: np.sqrt(y),
        lambda: 1 / y,
        lambda: y**-3,
        lambda: np.power(y, 0.3),
        lambda: OPERATORS["xlogy"](y, y),
        lambda: y / np.sum(y, axis=-1, keepdims=True),
        lambda: np.log1p(y - 1),
        lambda: np.arccosh(y + 1),
        lambda: np.min(y, axis=-1),
        lambda: np.max(y, axis=-1),
        lambda: dt.grad(np.sum(np.max(y, axis=-1)), x),
        lambda: np.prod(y, axis=-1),
        lambda: np.linalg.norm(y),
        lambda: dt.log_softmax(y, axis=-1),
    )
    pool.append(risky[rng.integers(len(risky))]())
    return wander(rng, pool, int(rng.integers(0, 4)))


def _scalar_style(rng: Any) -> Any:
    """Object arrays of scalars, as the seed notebooks write them."""
    n = int(rng.integers(1, 4))
    x = np.array([dt.symbol(f"x_{i}") for i in range(n)], dtype=object)
    w = numbers(rng, (n, 2))
    layer = x @ w
    name = str(rng.choice((*SMOOTH, *KINKED)))
    layer = np.array([OPERATORS[name](e + number(rng)) for e in layer], dtype=object)
    total = np.sum(layer * layer) if rng.random() < 0.5 else np.prod(layer)
    pool = [*x.tolist(), total]
    return wander(rng, pool, int(rng.integers(0, 5)))


def _losses(rng: Any) -> Any:
    """The gradient of a small network's loss by its parameters, or its norm."""
    n, m, k = (int(rng.integers(1, 5)) for _ in "nmk")
    x = dt.symbol("x", (int(rng.choice((1, 1, 4))), n))
    y = dt.symbol("y", (x.shape[0], k))
    w, u = (dt.constant(numbers(rng, s)) for s in ((n, m), (m, k)))
    b = dt.constant(numbers(rng, (m,)))
    bend = str(
        rng.choice(("tanh", "relu", "expit", "erf", "arctan", "absolute", "sin"))
    )
    layer = OPERATORS[bend](x @ w + b)
    if rng.random() < 0.2:
        layer = layer * OPERATORS["ndtr"](layer)
    out = layer @ u
    losses = (
        lambda: -np.sum(y * dt.log_softmax(out, axis=-1)),
        lambda: np.sum(np.square(out - y)),
        lambda: -np.sum(OPERATORS["log_expit"](out * y)),
        lambda: np.sum(dt.relu(1 - out * y)),
        lambda: np.sum(np.hypot(out - y, 1)),
        lambda: np.sum(np.max(out, axis=-1)) - np.sum(out * y),
        lambda: -np.sum(np.log(dt.softmax(out, axis=-1)) * y),
        lambda: np.sum(np.abs(out - y) / (1 + np.abs(out))),
        lambda: np.sum(np.logaddexp(0, out) - y * out),
    )
    loss = losses[rng.integers(len(losses))]()
    slopes = dt.grad(loss, [w, b, u])
    some = slopes[: int(rng.integers(1, 4))]
    return dt.norm(some) if rng.random() < 0.7 else np.ravel(some[0])[:6]


def _choosing(rng: Any) -> Any:
    """Slopes of a maximum of what may overflow, tie or not be known at one end."""
    rows, n, m = int(rng.choice((1, 2, 4, 8))), int(rng.integers(1, 6)), 4
    x, b = dt.symbol("x", (rows, n)), dt.constant(numbers(rng, (m,)))
    inner = (x, np.exp(x), np.square(x), np.sinh(x), x**3, 1e155 * x)[rng.integers(6)]
    y = inner @ dt.constant(numbers(rng, (n, m))) + b
    ways = (
        lambda: np.sum(np.max(y, axis=-1)),
        lambda: np.sum(np.min(y, axis=-1)),
        lambda: np.sum(np.max(y, axis=-1) - np.min(y, axis=-1)),
        lambda: np.sum(np.maximum(y, b)),
        lambda: np.sum(dt.logsumexp(y, axis=-1)),
        lambda: np.sum(np.clip(y, -1, 1)),
        lambda: np.sum(np.abs(y)),
        lambda: np.sum(np.prod(y, axis=-1)),
    )
    total = ways[rng.integers(len(ways))]()
    slope = dt.grad(total, b if rng.random() < 0.6 else x)
    return dt.norm([slope]) if rng.random() < 0.6 else np.ravel(slope)[:8]


def _derivative(rng: Any, v: Any) -> Any:
    symbols = dt.graph.free_symbols([v])
    if not symbols or not v.size:
        return v
    s = symbols[rng.integers(len(symbols))]
    constants = [
        c for c in dt.graph.topological([v]) if c.is_constant and c.size and c.shape
    ]
    if constants and rng.random() < 0.25:  # a parameter
        s = constants[rng.integers(len(constants))]
    g = dt.grad(np.sum(v), s)
    return dt.norm([g]) if rng.random() < 0.3 else g
