"""Sums and products of many intervals, with one rigorous error term for the whole.

A sum or dot product computed in floating point, in any order and with or without fused
multiply-add, differs from the exact one by at most ``gamma_n`` times the same sum of
absolute values (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd
ed., sections 3.1 and 4.2).  So NumPy's pairwise summation and BLAS can be used as they
are, and the error is added once at the end.

Matrix products of two proper intervals use centre and radius (S. M. Rump, "Fast and
parallel interval arithmetic", BIT 39, 1999), or, where the product is small, the exact
products of ends.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.interval import interval_arithmetic
from deuterium.interval.interval import Interval
from deuterium.interval.rounding import (
    EPS,
    MAX,
    MIN_NORMAL,
    TINY,
    Array,
    gamma,
    minus_error,
    next_down,
    next_up,
    plus_error,
)

_make = Interval.unchecked

EXACT_PRODUCTS = 2**16  # up to this many products of ends are formed one by one


def add_reduce(a: Interval, axis: tuple[int, ...]) -> Interval:
    """Return the sum over ``axis``."""
    low, high = np.asarray(a.lower), np.asarray(a.upper)
    count = math.prod(low.shape[i] for i in axis)
    if count <= 2:
        return _sum_of_few(a, axis, count)
    if _are_whole(low, count) and _are_whole(high, count):  # counts, say
        return _make(np.sum(low, axis=axis), np.sum(high, axis=axis))
    if np.all(low >= 0):
        return _nonnegative_sum(low, high, axis, count)
    return _make(
        minus_error(np.sum(low, axis=axis), _sum_error(low, axis, count)),
        plus_error(np.sum(high, axis=axis), _sum_error(high, axis, count)),
    )


def _are_whole(x: Array, count: int) -> bool:
    """Return whether sums of so many elements are sums of integers that do not round.

    Every partial sum of them is an integer below 2**53, in whatever order they are
    added.  The first element tells most other arrays apart at once.
    """
    first = x.item(0) if x.size else 0.5
    if not -_LARGEST_WHOLE < first < _LARGEST_WHOLE or first != int(first):
        return False
    return bool(np.all(np.rint(x) == x) and np.max(np.abs(x)) * count < _LARGEST_WHOLE)


_LARGEST_WHOLE = 2.0**53  # up to here a double holds every integer


def _nonnegative_sum(
    low: Array, high: Array, axis: tuple[int, ...], count: int
) -> Interval:
    """Sum numbers ``>= 0``: the error is relative, and the sum stays ``>= 0``.

    Shapes: ``low`` and ``high`` equal; ``count`` is the number of terms of each sum.
    """
    error = gamma(count + 2)
    return _make(
        np.minimum(np.sum(low, axis=axis), MAX) * (1.0 - error),
        np.sum(high, axis=axis) * (1.0 + error),
    )


def _sum_error(x: Array, axis: tuple[int, ...], count: int) -> Array:
    return np.sum(np.abs(x), axis=axis) * gamma(count + 4)


def _sum_of_few(a: Interval, axis: tuple[int, ...], count: int) -> Interval:
    """Sum none, one or two terms as `add` would, which is tighter."""
    low, high = np.asarray(a.lower), np.asarray(a.upper)
    if count < 2:
        return _make(np.sum(low, axis=axis), np.sum(high, axis=axis))
    long = next(i for i in axis if low.shape[i] == 2)
    parts = [
        _make(
            np.sum(np.take(low, [i], axis=long), axis=axis),
            np.sum(np.take(high, [i], axis=long), axis=axis),
        )
        for i in (0, 1)
    ]
    return interval_arithmetic.add(*parts)


def cumulative_sum(a: Interval) -> Interval:
    """Return the running sum along the last axis."""
    count = a.shape[-1]

    def error(x: Array) -> Array:
        return np.cumsum(np.abs(x), axis=-1) * gamma(count + 4)

    low, high = np.asarray(a.lower), np.asarray(a.upper)
    return _make(
        minus_error(np.cumsum(low, axis=-1), error(low)),
        plus_error(np.cumsum(high, axis=-1), error(high)),
    )


def multiply_reduce(a: Interval) -> Interval:
    """Return the product over the last axis, by halves."""
    while a.shape[-1] > 1:
        half = a.shape[-1] // 2
        product = interval_arithmetic.multiply(a[..., :half], a[..., half : 2 * half])
        a = _append(product, a[..., 2 * half :])
    if a.shape[-1] == 0:
        one = np.ones(a.shape[:-1])
        return _make(one, one)
    return a[..., 0]


def _append(a: Interval, b: Interval) -> Interval:
    return _make(
        np.concatenate([a.lower, b.lower], axis=-1),
        np.concatenate([a.upper, b.upper], axis=-1),
    )


def matmul(a: Interval, b: Interval) -> Interval:
    """Return the matrix product over the last two axes (leading axes broadcast)."""
    inner = a.shape[-1]
    if inner == 0:
        zero = np.matmul(a.lower, b.lower)
        return _make(zero, zero)
    if not (a.is_thin or b.is_thin) and _products(a, b) <= EXACT_PRODUCTS:
        return _matmul_by_ends(a, b)
    with np.errstate(all="ignore"):
        result = _matmul_by_centres(a, b)
        if not np.isfinite(np.sum(result.upper) - np.sum(result.lower)):
            return _matmul_by_columns(a, b)
    return _with_sign(result, a, b)


def _with_sign(product: Interval, a: Interval, b: Interval) -> Interval:
    """Keep products of rows and columns of one sign on their side of zero."""
    rows_up, rows_down = (np.all(x, axis=-1)[..., :, None] for x in _signs(a))
    cols_up, cols_down = (np.all(x, axis=-2)[..., None, :] for x in _signs(b))
    positive = (rows_up & cols_up) | (rows_down & cols_down)
    negative = (rows_up & cols_down) | (rows_down & cols_up)
    return _make(
        np.where(positive, np.maximum(product.lower, 0.0), product.lower),
        np.where(negative, np.minimum(product.upper, 0.0), product.upper),
    )


def _signs(x: Interval) -> tuple[Any, Any]:
    return np.asarray(x.lower) >= 0, np.asarray(x.upper) <= 0


def _products(a: Interval, b: Interval) -> int:
    batch = math.prod(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]))
    return batch * a.shape[-2] * a.shape[-1] * b.shape[-1]


def _matmul_by_ends(a: Interval, b: Interval) -> Interval:
    """Form every product of ends: as tight as intervals get."""
    terms = interval_arithmetic.multiply(_expand(a, -1), _expand(b, -3))
    return add_reduce(terms, axis=(-2,))


def _expand(a: Interval, axis: int) -> Interval:
    low = np.expand_dims(a.lower, axis)
    return _make(low, low if a.is_thin else np.expand_dims(a.upper, axis))


def _matmul_by_columns(a: Interval, b: Interval) -> Interval:
    """Add one rank-one product after another: right for infinite ends too."""
    total: Any = None
    for k in range(a.shape[-1]):
        term = interval_arithmetic.multiply(a[..., :, k : k + 1], b[..., k : k + 1, :])
        total = term if k == 0 else interval_arithmetic.add(total, term)
    return total


def _matmul_by_centres(a: Interval, b: Interval) -> Interval:
    """Multiply centres and radii with the rounding errors in the radius."""
    (centre_a, radius_a), (centre_b, radius_b) = _centred(a), _centred(b)
    relative = gamma(a.shape[-1] + 4)
    size_a, size_b = np.abs(centre_a), np.abs(centre_b)
    centre = centre_a @ centre_b
    # |exact - centre| <= size_a radius_b + radius_a (size_b + radius_b) + rounding;
    # TINY pays for an underflow of ``size * relative``
    if radius_b is None:
        spread = _plus(size_a * relative + TINY, radius_a) @ size_b
    else:
        spread = size_a @ (radius_b + (size_b * relative + TINY))
        if radius_a is not None:
            spread = spread + radius_a @ (size_b + radius_b)
    absolute = a.shape[-1] * TINY * 4 + MIN_NORMAL  # products that underflow
    spread = spread * (1.0 + 3 * relative + 8 * EPS) + absolute
    return _make(next_down(centre - spread), next_up(centre + spread))


def _plus(x: Array, y: Array | None) -> Array:
    return x if y is None else x + y


def _centred(x: Interval) -> tuple[Array, Array | None]:
    """Return centre and radius (None for a thin interval), the radius rounded up."""
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    if x.is_thin:
        return low, None
    centre = 0.5 * low + 0.5 * high
    return centre, next_up(np.maximum(centre - low, high - centre))
