"""Moves: each takes something made before and puts something new beside it.

They know nothing of soundness and little of where a function is defined.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import deuterium as dt
from deuterium.graph.operator import OPERATORS
from deuterium.graph.serialize import attribute_names
from deuterium.ops.linalg import ridge_regression, ridge_solution, solution

LARGEST = 96  # elements of one array
SHAPES = (
    (), (), (), (2,), (3,), (4,), (1,), (5,), (2, 2), (2, 3), (3, 1), (1, 3), (4, 2),
    (1, 1), (2, 1, 2), (1, 2, 2), (2, 2, 2), (1, 1, 3), (2, 1, 1, 2), (1, 2, 1, 2, 1),
    (2, 1, 2, 1, 2), (0,), (2, 0), (0, 3), (1, 0, 2),
    (16,), (4, 5), (6, 3), (8, 4), (2, 3, 4), (3, 1, 6), (24,), (1, 16),
)  # fmt: skip
UNARY = sorted(
    name
    for name, op in OPERATORS.items()
    if op.elementwise and op.arity == 1 and not attribute_names(op)
)
KINKED = ("relu", "absolute", "relu'", "absolute'", "sign", "sqrt", "cbrt", "arcsinh")
POLES = ("log", "reciprocal", "log1p", "log2", "logit", "logit'", "sqrt", "arctanh")
RARE = (
    "arccos", "arcsin", "erfc", "tan", "log10", "log2", "exp2", "cosh", "sinh", "erf",
)  # fmt: skip
SMOOTH = (
    "tanh", "expit", "sin", "cos", "exp", "square", "erf", "ndtr", "log_ndtr",
    "expit'", "tanh'", "log_expit", "arctan", "arcsinh",
)  # fmt: skip
BINARY = sorted(
    name
    for name, op in OPERATORS.items()
    if op.elementwise and op.arity == 2 and not attribute_names(op)
)
ARITHMETIC = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "power")
SIZES = (
    0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 0.1, -0.3, 1 / 3, 3.0, 7.0, 1e-3, 5e-324, -5e-324,
    1e-308, 2.2250738585072014e-308, 1e308, -1e308, 1e-160, 1e155, 1e16, 1e-16,
    4.0, 0.25, 2.0**-1000, 2.0**1000, math.pi, math.e,
)  # fmt: skip
INTS = (0, 1, 2, -1, 3, 2**53 + 1, -(2**60) - 1, 10**19, 10**300)


def wander(rng: Any, pool: list[Any], steps: int) -> Any:
    """Return what a number of moves ends with."""
    for _ in range(steps):
        x = pool[-1] if rng.random() < 0.65 else _pick(rng, pool)
        move = MOVES[rng.choice(len(MOVES), p=_WEIGHTS)]
        made = move(rng, x, pool)
        if isinstance(made, dt.Variable) and made.size <= LARGEST and made.ndim <= 5:
            pool.append(made)
    return pool[-1]


def _pick(rng: Any, pool: list[Any]) -> Any:
    return pool[rng.integers(len(pool))]


def number(rng: Any) -> Any:
    """Return a number of any size: tame ones half of the time."""
    p = rng.random()
    if p < 0.5:
        return float(rng.choice((-2.0, -1.0, -0.3, 0.0, 0.5, 1.0, 1.7, 3.0)))
    if p < 0.9:
        return float(SIZES[rng.integers(len(SIZES))])
    return INTS[rng.integers(len(INTS))]


def numbers(rng: Any, shape: tuple[int, ...]) -> Any:
    """Return an array of numbers, often of one sign and often with zeros."""
    p = rng.random()
    if p < 0.4:
        return rng.normal(size=shape).round(2)
    if p < 0.7:
        return np.abs(rng.normal(size=shape)) / 3
    if p < 0.8:
        return rng.integers(-2, 3, size=shape)
    if p < 0.9:
        return rng.choice((0.0, 1 / 3, 1.0, -1.0), size=shape)
    return rng.choice(SIZES, size=shape)


def _constant(rng: Any, shape: tuple[int, ...]) -> Any:
    return dt.constant(numbers(rng, shape) if shape else number(rng))


# -- moves ---------------------------------------------------------------------------


def _unary(rng: Any, x: Any, pool: Any) -> Any:
    names = (UNARY, UNARY, RARE, KINKED, POLES, SMOOTH)[rng.integers(6)]
    op = OPERATORS[str(rng.choice(names))]
    p = rng.random()
    if p < 0.25:  # bring it near to where the function is defined
        low, high = op.domain
        if (low, high) == (-1.0, 1.0):
            x = np.tanh(x)
        elif (low, high) == (0.0, 1.0):
            x = OPERATORS["expit"](x)
        elif np.isfinite(low):
            x = never_negative(rng, x) + low
    elif p < 0.35:
        x = x * number(rng)
    return op(x)


def never_negative(rng: Any, x: Any) -> Any:
    """Return something that is 0 or more, and reaches 0."""
    ways = (
        lambda: dt.relu(x),
        lambda: np.abs(x),
        lambda: np.square(x),
        lambda: np.arcsinh(np.abs(x)),
        lambda: np.hypot(x, 0.0 * x),
        lambda: np.hypot(x, x),
        lambda: np.sqrt(np.abs(x)),
        lambda: np.maximum(x, 0),
        lambda: np.exp(x),
        lambda: OPERATORS["expit"](x),
        lambda: np.linalg.norm(x, axis=-1, keepdims=True) if x.ndim else np.abs(x),
        lambda: dt.softmax(x, axis=-1) if x.ndim and x.shape[-1] else np.abs(x),
        lambda: np.log1p(np.abs(x)),
        lambda: np.expm1(dt.relu(x)),
        lambda: np.clip(x, 0, 1),
        lambda: x - np.minimum(x, 0),
    )
    return ways[rng.integers(len(ways))]()


def _binary(rng: Any, x: Any, pool: Any) -> Any:
    op = OPERATORS[str(rng.choice((BINARY, ARITHMETIC)[rng.integers(2)]))]
    p = rng.random()
    if p < 0.3:
        y = _constant(rng, x.shape if rng.random() < 0.5 else ())
    elif p < 0.4:
        y = x
    else:
        y = _matching(rng, x, pool)
    if rng.random() < 0.3:
        y = never_negative(rng, y)
    if rng.random() < 0.3:
        x, y = y, x
    return op(x, y)


def _matching(rng: Any, x: Any, pool: Any) -> Any:
    fitting = []
    for p in pool:
        try:
            shape = np.broadcast_shapes(x.shape, p.shape)
        except ValueError:
            continue
        if math.prod(shape) <= LARGEST and len(shape) <= 5:
            fitting.append(p)
    return _pick(rng, fitting or [x])


def _power(rng: Any, x: Any, pool: Any) -> Any:
    p = rng.random()
    if p < 0.5:
        n = int(rng.choice((-3, -2, -1, 0, 1, 2, 3, 4, 5, 8, 31)))
        return np.power(x, n)
    if p < 0.8:
        return never_negative(rng, x) ** float(
            rng.choice((0.5, -0.5, 1.5, 1 / 3, 2.5, -1.5, 0.1))
        )
    if p < 0.9:
        return np.power(x, rng.integers(-2, 4, size=x.shape))
    return float(rng.choice((2.0, 0.5, 10.0, 1.0))) ** x


def product(rng: Any, x: Any, pool: Any) -> Any:
    """A matrix product with numbers, from either side, or with what is in the pool."""
    if not x.ndim:
        return x * np.stack([x, -x])
    if rng.random() < 0.6:
        x = never_negative(rng, x)
    n, m = x.shape[-1], int(rng.integers(1, 4))
    p = rng.random()
    if p < 0.45:
        return x @ dt.constant(numbers(rng, (n, m)))
    if p < 0.6 and x.ndim > 1:
        return numbers(rng, (m, x.shape[-2])) @ x
    if p < 0.75:
        return np.sum(x[..., :, None] * numbers(rng, (n, m)), axis=-2)
    if p < 0.85:
        y = x if x.ndim > 1 else x[None]
        return y @ np.swapaxes(y, -1, -2)
    other = np.ravel(_pick(rng, pool))
    return np.tensordot(x, other[: max(1, LARGEST // max(1, x.size))], 0)


def _along(rng: Any, x: Any, pool: Any) -> Any:
    if not x.ndim:
        return np.stack([x, number(rng) * x, 1 - x])
    axis = int(rng.integers(-x.ndim, x.ndim))
    keep = bool(rng.integers(2))
    ways = (
        lambda: np.sum(x, axis=axis, keepdims=keep),
        lambda: np.sum(x),
        lambda: np.mean(x, axis=axis, keepdims=keep),
        lambda: np.prod(x, axis=axis, keepdims=keep),
        lambda: np.max(x, axis=axis, keepdims=keep),
        lambda: np.min(x, axis=axis, keepdims=keep),
        lambda: np.cumsum(x, axis=axis),
        lambda: np.exp(np.cumsum(np.log(np.abs(x)), axis=axis)),
        lambda: OPERATORS["cumsum"](x, reverse=bool(rng.integers(2))),
        lambda: np.ptp(x, axis=axis),
        lambda: np.var(x, axis=axis),
        lambda: np.std(x, axis=axis),
        lambda: np.diff(x, axis=axis),
        lambda: dt.softmax(x, axis=axis),
        lambda: dt.log_softmax(x, axis=axis),
        lambda: dt.logsumexp(x, axis=axis),
        lambda: np.linalg.norm(x, axis=axis, keepdims=keep),
        lambda: np.linalg.norm(x, axis=axis, ord=(1, 2, np.inf)[rng.integers(3)]),
        lambda: dt.norm([x]),
        lambda: x / np.sum(np.abs(x), axis=axis, keepdims=True),
        lambda: x / np.linalg.norm(x, axis=axis, keepdims=True),
        lambda: x - np.max(x, axis=axis, keepdims=True),
    )
    return _tried(ways, rng)


def _movement(rng: Any, x: Any, pool: Any) -> Any:
    if not x.ndim:
        return np.broadcast_to(x, SHAPES[rng.integers(3, len(SHAPES))])
    axis = int(rng.integers(-x.ndim, x.ndim))
    places = rng.integers(0, max(x.size, 1), size=SHAPES[rng.integers(len(SHAPES))])
    other = _pick(rng, pool)
    ways = (
        lambda: np.ravel(x)[places],
        lambda: x[..., ::-1],
        lambda: x[..., 0],
        lambda: x[None],
        lambda: x[..., None],
        lambda: np.transpose(x, rng.permutation(x.ndim)),
        lambda: np.flip(x, axis=axis),
        lambda: np.roll(x, 1, axis=axis),
        lambda: np.reshape(x, (-1,)),
        lambda: np.reshape(x, (1, *x.shape[::-1])),
        lambda: np.squeeze(x),
        lambda: np.repeat(x, 2, axis=axis)[..., :3],
        lambda: np.pad(np.ravel(x), 1)[:5],
        lambda: np.concatenate([x, x * number(rng)], axis=axis),
        lambda: np.concatenate([np.ravel(x), np.ravel(other)])[-6:],
        lambda: np.concatenate([np.ravel(x), numbers(rng, (2,))]),
        lambda: np.stack([x, never_negative(rng, x)], axis=axis),
        lambda: np.where(rng.integers(2, size=x.shape), x, number(rng)),
        lambda: np.where(rng.integers(2, size=x.shape), x, never_negative(rng, x)),
        lambda: np.clip(x, min(a := number(rng), b := number(rng)), max(a, b)),
        lambda: np.tril(x) if x.ndim > 1 else np.diag(x),
        lambda: np.broadcast_to(x, (2, *x.shape)),
        lambda: OPERATORS["scatter"](
            np.ravel(x), index=rng.integers(0, 4, size=x.size), shape=(4,)
        ),
        lambda: x[rng.integers(0, x.shape[0], size=3)],
        lambda: x[..., :0],
    )
    return _tried(ways, rng)


def _tried(ways: Any, rng: Any) -> Any:
    try:
        return ways[rng.integers(len(ways))]()
    except (dt.DeuteriumError, IndexError, ValueError):
        return None  # an empty axis, or a shape that does not fit


def _slope(rng: Any, x: Any, pool: Any) -> Any:
    """Slopes of maxima, and weights that choose between elements."""
    if not x.ndim or not x.shape[-1]:
        return dt.grad(np.sum(x * x), x)
    ways = (
        lambda: OPERATORS["argmax_onehot"](x),
        lambda: OPERATORS["argmax_slope"](x),
        lambda: dt.grad(np.sum(np.min(x, axis=-1)), x),
        lambda: dt.grad(np.sum(np.max(x, axis=-1) * np.sum(x, axis=-1)), x),
        lambda: OPERATORS["jump_slope"](x),
        lambda: OPERATORS["softmax"](x),
        lambda: OPERATORS["logsumexp"](x),
        lambda: OPERATORS["norm"](x),
        lambda: OPERATORS["direction"](x),
        lambda: OPERATORS["soft_direction"](x, np.sum(x, axis=-1)),
        lambda: OPERATORS["soft_direction"](x, np.sum(x * x, axis=-1) + 0.1),
        lambda: OPERATORS["rejection"](x, np.tanh(x), np.sum(x, axis=-1)),
        lambda: dt.grad(_normalised_rows(x), x),
        lambda: OPERATORS["prod"](x),
        lambda: dt.grad(np.sum(np.prod(x, axis=-1)), x),
    )
    return ways[rng.integers(len(ways))]()


def _normalised_rows(x: Any) -> Any:
    centred = x - np.mean(x, axis=-1, keepdims=True)
    spread = np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + 0.1)
    return np.sum(np.tanh(centred / spread) * np.arange(1, x.size + 1).reshape(x.shape))


def _counted(rng: Any, x: Any, pool: Any) -> Any:
    """Operators with an order, and formulas of which they are the smooth form."""
    y = _matching(rng, x, pool)
    m, n = (int(k) for k in rng.integers(1, 4, 2))
    ways = (
        lambda: OPERATORS["sinc"](x, n=n),
        lambda: OPERATORS["power_log"](np.abs(x), y, n=n),
        lambda: OPERATORS["exp_difference"](x, y, m=m, n=n),
        lambda: OPERATORS["log_difference"](x, y, m=m, n=n),
        lambda: np.sin(x) / x,
        lambda: np.expm1(x) / x,
        lambda: (np.exp(x) - np.exp(y)) / (x - y),
        lambda: np.log1p(x) / x,
        lambda: np.abs(x) * np.log(np.abs(x)),
    )
    return ways[rng.integers(len(ways))]()


def _with_pi(rng: Any, x: Any, pool: Any) -> Any:
    ways = (
        lambda: np.radians(x),
        lambda: np.degrees(x),
        lambda: x * OPERATORS["ndtr"](x),
        lambda: dt.grad(np.sum(OPERATORS["erf"](x)), x),
        lambda: dt.grad(np.sum(x * OPERATORS["ndtr"](x)), x),
        lambda: dt.grad(np.sum(OPERATORS["erfc"](x)), x),
        lambda: np.logaddexp2(x, number(rng)),
        lambda: np.exp2(x),
        lambda: np.sin(OPERATORS["pi"].value() * x),
    )
    return _tried(ways, rng)


def _cancel(rng: Any, x: Any, pool: Any) -> Any:
    """What cancels over the reals, with terms that need not be defined."""
    y = OPERATORS[str(rng.choice((*POLES, *SMOOTH)))](_matching(rng, x, pool))
    ways = (
        lambda: x + (y - y),
        lambda: x * (y / y),
        lambda: (x + y) - y,
        lambda: x + 0 * y,
        lambda: x * y**0 if rng.random() < 0.5 else x * np.exp(y) * np.exp(-y),
        lambda: 1 - OPERATORS["expit"](x + y),
        lambda: np.tanh(x) + y - np.tanh(x),
        lambda: np.log(np.exp(x + y)) - y,
        lambda: 4.0 ** float(rng.integers(-600, 500)) * OPERATORS["expit'"](2 * x),
        lambda: number(rng) * np.tanh(x) + number(rng) * OPERATORS["expit"](2 * x),
    )
    return _tried(ways, rng)


def _choice(rng: Any, x: Any, pool: Any) -> Any:
    """Conditions, choices, polygons and order statistics."""
    y, k = _matching(rng, x, pool), number(rng)
    knots = np.unique(numbers(rng, (int(rng.integers(1, 5)),))).astype(float)
    ways = (
        lambda: np.where(x > k, x, y),
        lambda: np.where(x > y, y, x - y),
        lambda: np.where((x >= k) & ~(y < x), y, k),
        lambda: np.where(np.abs(x) <= 1, x * x, 2 * np.abs(x) - 1),
        lambda: np.where(x > 0, np.log(x), y),
        lambda: np.where(x != k, y / (x - k), 1.0),
        lambda: np.select([x < y, x == k], [y, np.sum(x)], x),
        lambda: (x > k) * y,
        lambda: np.interp(x, knots, numbers(rng, knots.shape)),
        lambda: OPERATORS["interp''"](
            x, xs=knots, ys=numbers(rng, knots.shape).astype(float)
        ),
        lambda: np.digitize(x, knots),
        lambda: np.sort(x, axis=-1),
        lambda: np.median(x, axis=-1) * y,
        lambda: dt.grad(np.sum(np.sort(x, axis=-1) * y), x),
        lambda: np.sum(x > k, axis=-1) + y,
        lambda: np.round(x, 1),
    )
    return _tried(ways, rng)


def _system(rng: Any, x: Any, pool: Any) -> Any:
    """Solutions of small linear systems: regular, nearly so, singular."""
    n, m = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    some = np.ravel(x)[: n * m]
    rows = np.concatenate([some, numbers(rng, (n * m - some.size,))])
    data, y = np.reshape(rows, (n, m)), dt.constant(numbers(rng, (n, 1)))
    ridge = dt.constant(np.eye(m) * number(rng))
    gram = data.T @ data + ridge
    ways = (
        lambda: np.linalg.solve(gram, data.T @ y),
        lambda: solution(gram, dt.constant(numbers(rng, (m, 2)))),
        lambda: ridge_regression(data, ridge, y),
        lambda: ridge_solution(data, ridge, np.tanh(data.T @ y)),
    )
    return _tried(ways, rng)


MOVES = (
    _unary, _binary, _power, product, _along, _movement, _slope, _with_pi, _cancel,
    _counted, _choice, _system,
)  # fmt: skip
_WEIGHTS = np.array((5, 4, 2, 3, 4, 3, 1, 1, 1.5, 1.5, 2, 0.7))
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
