"""Random calls of statistics, running results, differences and reductions by a mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.functions.draws import Call, Draw


def _mask(d: Draw, shape: tuple[int, ...]) -> Any:
    mask = d.rng.random(d.wider(shape)) < 0.7
    return d.pick(True, True, mask)


def masked(f: Any, **more: Any) -> Callable[[Draw], Call]:
    """Return a reduction that takes a mask, one that takes ``initial`` too."""

    def make(d: Draw) -> Call:
        s = d.shape()
        given = {"axis": d.some(len(s)), "keepdims": d.flag, "where": _mask(d, s)}
        given |= {k: d.pick(*v) for k, v in more.items()}
        kw = d.keywords(**given)
        return [s], lambda x: f(x, **kw)

    return make


def _running(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.shape()
        kw = d.keywords(axis=d.pick(None, d.axis(len(s))))
        return [s], lambda x: f(x, **kw)

    return make


def _cumulative(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.shape()
        kw = d.keywords(axis=d.axis(len(s)), include_initial=d.flag)
        return [s], lambda x: f(x, **kw)

    return make


def accumulate(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.shape(0, 4)
        kw = d.keywords(axis=d.axis(len(s)))
        return [s], lambda x: f.accumulate(x, **kw)

    return make


def _covariance(d: Draw) -> Call:
    rows, n = 1 + d.below(3), 2 + d.below(3)
    upright = d.flag
    s = d.pick((n,), (rows, n) if upright else (n, rows), d.shape(0, 3))
    kw = {} if upright else {"rowvar": False}
    kw |= d.keywords(bias=d.flag, ddof=d.pick(None, 0, 1))
    if d.chance(0.3):
        kw["fweights"] = d.rng.integers(0, 4, size=n)
    if d.chance(0.3):
        kw["aweights"] = d.rng.uniform(0.5, 2, size=n)
    if d.flag:
        return [s], lambda x: np.cov(x, **kw)
    return [s, d.pick((n,), s)], lambda x, y: np.cov(x, y, **kw)


def _correlation(d: Draw) -> Call:
    n = 2 + d.below(3)
    s = d.pick((n,), (2, n), (3, n))
    kw = d.keywords(rowvar=d.flag)
    if d.flag:
        return [s], lambda x: np.corrcoef(x, **kw)
    return [s, s], lambda x, y: np.corrcoef(x, y, **kw)


def _ediff1d(d: Draw) -> Call:
    shapes = [d.shape(0, 3), *[d.shape(0, 1) for _ in range(d.below(3))]]
    return shapes, lambda x, *ends: np.ediff1d(x, *ends)


def _gradient(d: Draw) -> Call:
    s = tuple(n + 2 for n in d.shape(1, 3))
    if d.chance(0.1):
        s = d.shape()
    axis = d.some(len(s))
    kw = d.keywords(axis=axis, edge_order=d.pick(1, 2))
    axes = range(len(s)) if kw.get("axis") is None else np.atleast_1d(kw["axis"])
    try:
        points = [np.cumsum(d.rng.uniform(0.5, 1.5, size=s[i])) for i in axes]
    except IndexError:
        points = []
    spacing = d.pick([], [0.5], [0.5 + i for i in range(len(points))], points)
    return [s], lambda x: np.gradient(x, *spacing, **kw)


def _apply_along_axis(d: Draw) -> Call:
    s = d.full(1, 4)
    axis = d.axis(len(s))
    f = d.pick(np.sum, np.diff, lambda v: np.outer(v, v), lambda v: v[0], np.cumsum)
    return [s], lambda x: np.apply_along_axis(f, axis, x)


def _apply_over_axes(d: Draw) -> Call:
    s = d.full(1, 4) or (2,)
    axes = [int(i) for i in d.rng.permutation(len(s))[: 1 + d.below(len(s))]]
    f = d.pick(np.sum, np.cumsum, lambda v, i: np.mean(v, i, keepdims=True))
    return [s], lambda x: np.apply_over_axes(f, x, axes)


STATISTICS = {
    np.sum: masked(np.sum, initial=(0, 1.5), dtype=(None, float)),
    np.nansum: masked(np.nansum, initial=(0, 1.5)),
    np.mean: masked(np.mean),
    np.nanmean: masked(np.nanmean),
    np.prod: masked(np.prod, initial=(1, 1.5)),
    np.nanprod: masked(np.nanprod, initial=(1, 1.5)),
    np.var: masked(np.var, ddof=(0, 1, 0.5)),
    np.nanvar: masked(np.nanvar, ddof=(0, 1)),
    np.std: masked(np.std, correction=(0, 1)),
    np.nanstd: masked(np.nanstd, ddof=(0, 1)),
    np.max: masked(np.max, initial=(0.25, -9)),
    np.nanmax: masked(np.nanmax, initial=(0.25, -9)),
    np.min: masked(np.min, initial=(0.25, 9)),
    np.nanmin: masked(np.nanmin, initial=(0.25, 9)),
    np.cumsum: _running(np.cumsum),
    np.cumprod: _running(np.cumprod),
    np.nancumsum: _running(np.nancumsum),
    np.nancumprod: _running(np.nancumprod),
    np.cumulative_sum: _cumulative(np.cumulative_sum),
    np.cumulative_prod: _cumulative(np.cumulative_prod),
    np.cov: _covariance,
    np.corrcoef: _correlation,
    np.ediff1d: _ediff1d,
    np.gradient: _gradient,
    np.apply_along_axis: _apply_along_axis,
    np.apply_over_axes: _apply_over_axes,
}
ACCUMULATED = {
    f"{f.__name__}.accumulate": accumulate(f)
    for f in (
        np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp,
    )
}  # fmt: skip
