"""Interval arithmetic on both ends at once: the fast path for compiled enclosures.

Lower and upper ends are stacked along a new first axis, ``e[0]`` and ``e[1]``, so that
one NumPy call serves both; a constant (a thin interval) is its plain array.  Rules here
are as sound as those of `interval_arithmetic` but looser by a few ulps: they round
every result outward without asking whether it was exact.  What they do not cover
(infinite ends, a pole) raises `FastPathUnsupported`, and the caller falls back to the
full rules.

Shapes: ends are (2, *shape), a thin interval is (*shape); they broadcast, and axes are
negative.

Two things hold of all stacked ends.

* A NaN at either end makes an element undefined: ends that overflow are left as
  ``inf - inf``, on one side only.  Arithmetic carries a NaN along; whatever compares
  numbers would lose it, and takes its ends through `nan_at_both_ends` or `interval`
  first.
* Rules that say "never negative" want ends ``>= 0``.  Rounding may leave a result below
  what its function can be, so whoever makes such a claim cuts the ends to it first,
  with `within`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.interval.interval import Interval
from deuterium.interval.rounding import EPS, MIN_NORMAL, Array, gamma, outward, signs


class FastPathUnsupported(Exception):
    """The fast rules do not reach; use the full ones."""


def nan_at_both_ends(e: Array) -> Array:
    """Return ends with both NaN where one is, or is infinite on the inside."""
    if np.isfinite(np.sum(e)):  # infinite ends on the outside are fine, but rare
        return e
    bad = ~((e[0] < np.inf) & (e[1] > -np.inf))
    return np.where(bad, np.nan, e) if bad.any() else e


def interval(e: Array) -> Interval:
    """Return ends as an Interval for the full rules, undefined where one is NaN."""
    e = nan_at_both_ends(e)
    return Interval.unchecked(e[0], e[1])


def within(e: Array, low: float, high: float) -> Array:
    """Cut ends, in place, to what the function can be; a NaN stays."""
    if low > -np.inf:
        np.maximum(e, low, out=e)
    if high < np.inf:
        np.minimum(e, high, out=e)
    return e


def inflate_relative(e: Array, relative: float) -> Array:
    """Return non-negative ends with a relative error added; stays non-negative.

    An overflowed lower end becomes NaN (inf - inf), which spoils the result for good.
    """
    return e + signs(e) * (e * relative)


def add(a: Array, b: Array) -> Array:
    """Return ``a + b`` of ends with ends or a thin interval."""
    return outward(a + b)


def multiply_nonnegative(a: Array, b: Array) -> Array:
    """Return ``a * b`` of ends that are not negative."""
    return outward(a * b)


def multiply_thin(e: Array, c: Array) -> Array:
    """Return ends times a constant of any signs."""
    p = e * c
    out = np.empty(p.shape)
    np.minimum(p[0], p[1], out=out[0, ...])
    np.maximum(p[0], p[1], out=out[1, ...])
    return outward(out)


def multiply(a: Array, b: Array) -> Array:
    """Return the product of two proper intervals."""
    same, cross = a * b, a * b[::-1]
    out = np.empty(same.shape)
    np.minimum.reduce((same[0], same[1], cross[0], cross[1]), out=out[0, ...])
    np.maximum.reduce((same[0], same[1], cross[0], cross[1]), out=out[1, ...])
    return outward(out)


def square(e: Array) -> Array:
    """Return ``e ** 2`` of ends that are not negative."""
    return outward(e * e)


def sizes(e: Array) -> Array:
    """Return the ends of ``|e|``."""
    out = np.empty(e.shape)
    np.maximum(e[0], -e[1], out=out[0, ...])
    np.maximum(out[0], 0.0, out=out[0, ...])
    np.maximum(-e[0], e[1], out=out[1, ...])
    return out


def sum_nonnegative(e: Array, axis: tuple[int, ...], count: int) -> Array:
    """Return the sum over negative axes of non-negative ends."""
    return inflate_relative(np.add.reduce(e, axis=axis), gamma(count + 2))


def sum_of_squares(
    size: Array, factor: Array | None, axis: tuple[int, ...], count: int
) -> Array:
    """Return the sum of ``(factor * size)**2`` over negative axes; neither is negative.

    Products and squares carry at most four roundings each, which join the relative
    error of the sum; what underflows on the way is less than the smallest normal number
    an element.
    """
    if factor is not None:
        size = size * factor
    total = np.add.reduce(size * size, axis=axis)
    error = total * gamma(count + 8)
    error += count * MIN_NORMAL
    error *= signs(total)
    error += total  # an overflowed lower end becomes inf - inf
    return error


def sum_any(e: Array, axis: tuple[int, ...], count: int) -> Array:
    """Return the sum over negative axes."""
    error = np.sum(np.abs(e), axis=axis) * gamma(count + 4) + MIN_NORMAL
    total = np.sum(e, axis=axis)
    return total + signs(total) * error


def monotone(
    e: Array,
    value: Callable[[Any], Array],
    error: tuple[float, float],
    limits: tuple[float, float],
) -> Array:
    """Return an increasing function of ends, with its library error.

    The error is ``relative * |f| + absolute``; a function with a bounded range
    (``limits``) has the product taken at its largest value, which saves two passes.
    """
    y = value(e)
    relative, absolute = error
    low, high = limits
    if low >= 0 and not np.isinf(relative):
        y = inflate_relative(y, relative) + signs(y) * (absolute + MIN_NORMAL)
    elif np.isfinite(low) and np.isfinite(high):
        y += signs(y) * (relative * max(-low, high) + absolute + MIN_NORMAL)
    else:
        y += signs(y) * (np.abs(y) * relative + (absolute + MIN_NORMAL))
    return y


def logistic_slope(s: Array, centre: float, top: float) -> Array:
    """Return ``top - (s - centre)**2``: the slope of a logistic curve.

    ``expit' = 1/4 - (expit - 1/2)**2`` and ``tanh' = 1 - tanh**2`` use the function's
    own ends once each, so they are exact but for rounding (absolute, a few 1e-16).
    """
    size = sizes(s - centre if centre else s)
    size *= size
    y = top - size[::-1]
    y += signs(y) * (8 * EPS)
    return y


def sqrt(e: Array) -> Array:
    """Return the square root of ends that must not be negative."""
    require(e[0] >= 0)
    return outward(np.sqrt(e))


def step(e: Array) -> Array:
    """Return the slope of relu: 0 below zero, 1 above it, the hull of both across."""
    require(e == e)  # comparisons would swallow a NaN
    out = np.empty(e.shape)
    out[0] = e[0] > 0
    out[1] = e[1] >= 0
    return out


def softmax(e: Array) -> Array:
    """Return the softmax of the last axis.

    Element i is ``E_i / (E_i + sum of others)``: it rises in its own argument and
    falls in the others.  The sum of the others is the sum of all less its own term,
    with the cancellation allowed for.  Exponents are shifted by the largest upper end;
    rounding a shift as large as 745 (beyond it the exponential is zero) is part of the
    relative error.
    """
    relative = (760.0 + e.shape[-1]) * EPS
    power = np.exp(e - np.max(e[1], axis=-1, keepdims=True))
    total = np.sum(power, axis=-1, keepdims=True)
    slack = total * (2 * relative) + MIN_NORMAL
    others = np.maximum(total - power, 0.0)
    low = np.maximum(power[0] * (1.0 - relative) - MIN_NORMAL, 0.0)
    high = power[1] * (1.0 + relative) + MIN_NORMAL
    out = np.empty(e.shape)
    out[0] = low / (low + (others[1] + slack[1])) * (1.0 - 8 * EPS)
    rest = np.maximum(others[0] - slack[0], 0.0)
    np.minimum(high / (high + rest) * (1.0 + 8 * EPS), 1.0, out=out[1, ...])
    return out


def affine_slack(bias: Any, inputs: int) -> Any:
    """Return what adding a bias may lose, beside what the products lose."""
    return np.abs(bias) * (2 * EPS) + MIN_NORMAL * (inputs + 1)


def affine(e: Array, pair: Array, bias: Any, slack: Any = None) -> Array:
    """Return ``e @ W + bias``, given the stack ``(W, |W|)`` of a constant matrix.

    Centre and radius; the radius carries every rounding error.  Those of adding the
    bias and of the last sum are at most ``2**-52`` of ``|centre| |W| + |bias|``: the
    first part is in the radius, the second in `affine_slack`.
    """
    n, m = pair.shape[-2:]
    relative = gamma(n + 8)
    half = 0.5 * e
    both = np.empty(e.shape)
    centre = np.add(half[0], half[1], out=both[0, ...])
    radius = np.subtract(half[1], half[0], out=both[1, ...])
    radius *= 1.0 + 4 * EPS
    radius += np.abs(centre) * (relative + 4 * EPS) + MIN_NORMAL
    product = np.matmul(both.reshape(2, math.prod(e.shape[1:-1]), n), pair).reshape(
        (*e.shape[:-1], m)
    )
    middle = product[0] + bias
    spread = product[1] * (1.0 + 2 * relative)
    spread += affine_slack(bias, n) if slack is None else slack
    lost = np.isinf(middle)
    if lost.any():  # a sum that overflows on its way may be anything
        spread = np.where(lost, np.inf, spread)
    out = np.empty(product.shape)
    np.subtract(middle, spread, out=out[0, ...])
    np.add(middle, spread, out=out[1, ...])
    return out


def require(condition: Any) -> None:
    """Raise `FastPathUnsupported` unless a condition holds everywhere."""
    if not np.all(condition):
        raise FastPathUnsupported
