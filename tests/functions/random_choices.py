"""Random calls of comparisons, choices, order statistics, rounding and counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.functions.random_calls import ALL, FUNCTIONS, UFUNCS, Call, Draw

Make = Callable[[Draw], Call]
THRESHOLDS = (-0.4, 0.0, 0.21, 2.0)


def _two(f: Any) -> Make:
    """A function of two arrays, or of one and a number."""

    def make(d: Draw) -> Call:
        s = d.shape(0, 4)
        number = d.pick(*THRESHOLDS)
        if d.chance(0.3):
            return [s], lambda x: f(x, number)
        return [s, d.wider(s)], lambda x, y: f(x, y)

    return make


def _one(f: Any) -> Make:
    return lambda d: ([d.shape(0, 4)], lambda x: f(x))


def _condition(d: Draw) -> Callable[[Any], Any]:
    t = d.pick(*THRESHOLDS)
    return d.pick(
        lambda x: x > t,
        lambda x: t <= x,
        lambda x: ~(x < t),
        lambda x: (x > t) & (x <= 0.5),
        lambda x: (x > t) | (x < -0.5),
        lambda x: np.abs(x) < 0.5,
    )


def _joins(f: Any) -> Make:
    def make(d: Draw) -> Call:
        s, p, q = d.shape(0, 4), _condition(d), _condition(d)
        return [s, d.wider(s)], lambda x, y: f(p(x), q(y))

    return make


def _of_condition(f: Any) -> Make:
    def make(d: Draw) -> Call:
        p = _condition(d)
        return [d.shape(0, 4)], lambda x: f(p(x))

    return make


def _where(d: Draw) -> Call:
    s, p = d.shape(0, 4), _condition(d)
    kind = d.below(3)
    if kind == 0:
        return [s, d.wider(s)], lambda x, y: np.where(p(x), x, y)
    if kind == 1:
        return [s, d.wider(s)], lambda x, y: np.where(x < y, np.exp(x), y * y)
    return [s], lambda x: np.where(p(x), x, -0.25)


def _select(d: Draw) -> Call:
    s, p, q = d.shape(0, 4), _condition(d), _condition(d)
    count = d.pick(2, 2, 2, 1)
    return [s], lambda x: np.select([p(x), q(x)], [x, x * x, 1.0][:count], 0.5)


def _piecewise(d: Draw) -> Call:
    s, p, q = d.shape(0, 3), _condition(d), _condition(d)
    functions = [np.exp, lambda t: t * t, 0.5][: d.pick(2, 3, 3, 1)]
    return [s], lambda x: np.piecewise(x, [p(x), q(x)], functions)


def _interp(d: Draw) -> Call:
    kw = d.keywords(left=-2.0, right=d.pick(3.0, 0))
    xs, ys = [-0.5, -0.1, 0.3, 0.8], [1.0, 0.5, 0.75, -1.0]
    return [d.shape(0, 4)], lambda x: np.interp(x, xs, ys, **kw)


def _reduced(f: Any) -> Make:
    def make(d: Draw) -> Call:
        s, p = d.shape(), _condition(d)
        kw = d.keywords(axis=d.some(len(s)), keepdims=d.flag)
        return [s], lambda x: f(p(x), **kw)

    return make


def _binned(f: Any) -> Make:
    edges = [-0.6, -0.2, 0.1, 0.7]

    def make(d: Draw) -> Call:
        kw = (
            {"right": d.flag} if f is np.digitize else {"side": d.pick("left", "right")}
        )
        if f is np.digitize:
            some = d.pick(edges, edges[::-1], [0.2], [])
            return [d.shape(0, 4)], lambda x: f(x, some, **kw)
        return [d.shape(0, 4)], lambda x: f(d.pick(edges), x, **kw)

    return make


def _bincount(d: Draw) -> Call:
    s = d.shape(1, 1)
    edges, n = [-0.3, 0.2], d.pick(3, 5)
    if d.flag:
        return [s, s], lambda x, w: np.bincount(np.digitize(x, edges), w, minlength=n)
    return [s], lambda x: np.bincount(np.digitize(x, edges), minlength=n)


def _histogram(d: Draw) -> Call:
    if d.flag:
        return [d.shape(0, 3)], lambda x: np.histogram(x, bins=[-0.9, 0.0, 0.3, 0.9])
    n, ends = d.pick(1, 3, 5, 0), d.pick((-0.5, 0.5), (-1, 2), (1, -1))
    return [d.shape(0, 3)], lambda x: np.histogram(x, n, range=ends)


def _sort(d: Draw) -> Call:
    s = d.shape()
    axis = d.pick(None, d.axis(len(s)))
    return [s], lambda x: np.sort(x, axis=axis)


def _partition(d: Draw) -> Call:
    n = d.pick(1, 2, 4)
    k = d.pick(0, 0, n - 1, -1, n)
    return [(*d.shape(0, 2), n)], lambda x: np.partition(x, k)[..., k]


def _median(d: Draw) -> Call:
    s = d.full()
    kw = d.keywords(axis=d.some(len(s)), keepdims=d.flag)
    return [s], lambda x: np.median(x, **kw)


def _quantile(f: Any, whole: int) -> Make:
    def make(d: Draw) -> Call:
        s = d.full(0, 4)
        kw = d.keywords(
            axis=d.some(len(s)),
            keepdims=d.flag,
            method=d.pick("linear", "lower", "higher", "midpoint"),
        )
        # 0.6 of 5 steps is 3 to NumPy alone: what is a tie to it is one exactly
        q = np.multiply(d.pick(0.0, 0.37, 1.0, [0.25, 0.625], [[0.1], [0.9]]), whole)
        q = q if d.chance(0.95) else q - 2
        return [s], lambda x: f(x, q, **kw)

    return make


def _round(f: Any) -> Make:
    def make(d: Draw) -> Call:
        n = d.pick(0, 1, 2, -1)
        return [d.shape(0, 4)], lambda x: f(37 * x, n)

    return make


COMPARISONS = (
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
)  # fmt: skip
ALWAYS = (np.isreal, np.iscomplex, np.isneginf, np.isposinf)
FUNCTIONS |= {
    np.select: _select,
    np.piecewise: _piecewise,
    np.interp: _interp,
    np.all: _reduced(np.all),
    np.any: _reduced(np.any),
    np.count_nonzero: _reduced(np.count_nonzero),
    np.digitize: _binned(np.digitize),
    np.searchsorted: _binned(np.searchsorted),
    np.bincount: _bincount,
    np.histogram: _histogram,
    np.sort: _sort,
    np.partition: _partition,
    np.median: _median,
    np.percentile: _quantile(np.percentile, 100),
    np.quantile: _quantile(np.quantile, 1),
    np.round: _round(np.round),
    np.around: _round(np.around),
    np.fix: _one(lambda x: np.fix(5 * x)),
    **{f: _one(f) for f in ALWAYS},
}
UFUNCS |= {
    **{f.__name__: _two(f) for f in (*COMPARISONS, np.heaviside)},
    **{f.__name__: _two(lambda x, y, f=f: f(x, y + 1)) for f in (
        np.floor_divide, np.remainder, np.fmod, np.divmod,
    )},
    **{f.__name__: _one(lambda x, f=f: f(5 * x)) for f in (
        np.floor, np.ceil, np.trunc, np.rint,
    )},
    **{f.__name__: _one(f) for f in (np.isnan, np.isinf, np.isfinite)},
    **{f.__name__: _joins(f) for f in (
        np.logical_and, np.logical_or, np.logical_xor, np.bitwise_and, np.bitwise_or,
        np.bitwise_xor,
    )},
    "logical_not": _of_condition(np.logical_not),
    "invert": _of_condition(np.invert),
}  # fmt: skip
ALL |= {
    **{f"{f.__module__}.{f.__name__}": g for f, g in FUNCTIONS.items()},
    **{f"ufunc {name}": g for name, g in UFUNCS.items()},
    "choice by a condition": _where,
}
