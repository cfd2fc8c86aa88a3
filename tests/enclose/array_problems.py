"""Random graphs of arrays on which claims of sign and range rest, one for each seed.

Matrix products of what cannot be negative, next to what breaks where a sign is wrong by
a rounding error: squares, roots, logarithms, reciprocals, products, slopes of minima
and maxima.  The boxes touch 0, are an ulp wide, subnormal, huge or infinite.
"""

from __future__ import annotations

import numpy as np
from flint import arb, ctx

import deuterium as dt
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import OPERATORS
from deuterium.graph.traverse import topological
from deuterium.testing.balls import balls_of, rule_of

TINY, MIN_NORMAL, MAX = 5e-324, 2.0**-1022, float(np.finfo(float).max)
SIZES = [TINY, 1e-320, MIN_NORMAL, 1e-200, 1e-100, 1e-20, 1e-8, 1.0, 1e8, 1e100, 1e160]
NONNEGATIVE = [
    "relu", "absolute", "square", "exp", "cosh", "expit", "tanh'", "expit'", "softmax",
]  # fmt: skip
ANY = [
    "tanh", "sin", "cos", "arctan", "erf", "arcsinh", "negative", "log_expit", "expm1",
    "cbrt", "sign", "relu'", "absolute'", "expit''", "tanh''", "ndtr", "erfc", "arccos",
]  # fmt: skip
EDGES = ["sqrt", "log", "reciprocal", "log1p", "arctanh", "arcsin", "arccosh", "log2"]


def problem(seed):
    """Return a graph and the box of its one symbol, of shape ``(rows, inputs)``."""
    rng = np.random.default_rng(seed)
    rows, inputs = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    x = dt.symbol("x", shape=(rows, inputs))
    h = _start(rng, x)
    for _ in range(int(rng.integers(1, 4))):
        h = _step(rng, _layer(rng, h))
    kind = rng.random()
    if kind < 0.5:
        v = np.sum(h)
    elif kind < 0.6:
        v = dt.norm(h)
    elif kind < 0.8:
        v = dt.norm(dt.grad(np.sum(h), x))
    else:
        v = h
    return v, x, box(rng, (rows, inputs))


def _start(rng, x):
    kind = rng.random()
    if kind < 0.2:
        return x
    if kind < 0.3:
        return np.hypot(x, float(rng.choice([0.0, 1e-200, 1.0])))
    if kind < 0.4:
        return np.sqrt(np.sum(np.square(x), axis=-1, keepdims=True)) * np.ones(x.shape)
    if kind < 0.5:
        return np.arcsinh(np.abs(x))
    return OPERATORS[str(rng.choice(NONNEGATIVE))](x)


def _layer(rng, h):
    """Multiply by a matrix, most often one of numbers that are not negative."""
    shape = (h.shape[-1], int(rng.integers(1, 4)))
    w = rng.integers(0, 6, shape) / 3 * 10.0 ** rng.choice([0, 0, 0, -160, -20, 20])
    if rng.random() < 0.2:
        w = w - rng.random(shape)
    v = h @ dt.constant(w)
    kind = rng.random()
    if kind < 0.3:
        v = v + dt.constant(rng.choice([0.0, 1e-300, 1.0], shape[1]))
    elif kind < 0.4:
        v = v - dt.constant(rng.random(shape[1]))
    return v


def _step(rng, h):
    kind = rng.random()
    if kind < 0.25:
        return OPERATORS[str(rng.choice(EDGES))](h)
    if kind < 0.4:
        return OPERATORS[str(rng.choice(ANY))](h)
    if kind < 0.5:
        return OPERATORS[str(rng.choice(NONNEGATIVE))](h)
    axis = int(rng.integers(-2, 0))
    makers = [
        lambda: h * np.sin(h),
        lambda: h * h[..., ::-1],
        lambda: np.square(h) * 3.0 - h,
        lambda: 1e-28 / np.square(h),
        lambda: np.sin(h) * np.cos(h) + np.sqrt(h),
        lambda: 1.0 - np.square(np.tanh(h)),
        lambda: np.power(h, int(rng.choice([-3, -2, 3, 5]))),
        lambda: np.power(h, float(rng.choice([-0.5, 0.3, 1.5]))),
        lambda: h / (h + 1.0),
        lambda: dt.grad(np.sum(np.max(h, axis=axis)), h),
        lambda: dt.grad(np.sum(np.min(h, axis=axis)), h) * h,
        lambda: h * np.max(h, axis=axis, keepdims=True),
        lambda: h - np.min(h, axis=axis, keepdims=True),
        lambda: np.where(np.arange(h.shape[-1]) % 2 == 0, h, np.square(h)),
        lambda: np.maximum(h, 0.5),
        lambda: np.cumsum(h, axis=axis),
        lambda: np.hypot(h, h[::-1]),
        lambda: OPERATORS["xlogy"](h, h),
    ]
    return makers[rng.integers(len(makers))]()


def box(rng, shape):
    """Return the ends of a box, each element of a kind of its own, or all of one."""
    if rng.random() < 0.5:
        ends = np.broadcast_to(
            np.reshape(_ends(rng), (2,) + (1,) * len(shape)), (2, *shape)
        )
    else:
        some = [_ends(rng) for _ in range(int(np.prod(shape)))]
        ends = np.array(some).T.reshape(2, *shape)
    return ends[0].copy(), ends[1].copy()


def _ends(rng):
    size = float(rng.choice(SIZES))
    kind = rng.random()
    if kind < 0.3:
        return 0.0, size
    if kind < 0.4:
        return size, float(np.nextafter(size, np.inf))
    if kind < 0.5:
        return -size, size * rng.random()
    if kind < 0.6:
        return 0.0, np.inf
    if kind < 0.65:
        return -np.inf, float(rng.choice([0.0, size, np.inf]))
    if kind < 0.7:
        return size, np.inf
    if kind < 0.75:
        return 0.0, MAX
    if kind < 0.8:
        return 0.0, 800.0
    if kind < 0.9:
        return -0.0, 1.0
    return size, size * 1.5


def points(rng, low, high, count):
    """Return points of a box: corners, next to its ends, on all scales."""
    near = np.clip(np.maximum(low, -1e200), low, high)
    far = np.clip(np.minimum(high, 1e200), low, high)
    found = [near, far, np.clip(0.0 * near, low, high)]
    while len(found) < count:
        shape = low.shape if rng.random() < 0.5 else (1,) * low.ndim
        share = rng.random(shape) * 10.0 ** rng.choice(
            [0, -1, -8, -16, -20, -160, -300]
        )
        share = np.where(rng.random(shape) < 0.1, np.round(share), share)
        point = near + share * (far - near) if rng.random() < 0.8 else far - share * far
        point = np.where(np.isfinite(point), point, near)
        found.append(np.clip(point, low, high))
    return found


def exactly(v, point, bits=256):
    """Return the value at a point that every symbol shares, in balls."""

    def leaf(node):
        return balls_of(node.value if node.is_constant else point)

    with ctx.workprec(bits):
        result = interpret(topological([v]), leaf, rule_of)[v]
    return np.asarray(result, dtype=object)


def misses(v, point, low, high):
    """Return what is wrong with an enclosure at a point, or nothing."""
    for bits in (256, 4096):
        exact, doubt = exactly(v, point, bits), False
        for index in np.ndindex(v.shape):
            ball, ends = exact[index], (float(low[index]), float(high[index]))
            if ball.is_nan():
                if ends[1] < np.inf:
                    return f"at {index} undefined, not in {list(ends)}"
            elif ball < arb(ends[0]) or ball > arb(ends[1]):
                return f"at {index} the value {ball.str(25)} is not in {list(ends)}"
            elif not (ball >= arb(ends[0]) and ball <= arb(ends[1])):
                doubt = True
        if not doubt:
            return ""
    return ""
