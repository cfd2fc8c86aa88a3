"""Upper bounds of a function over boxes from its values and derivatives.

All arrays have one row a box; what is called an enclosure has its ends stacked along a
new first axis.  Every sum is rounded upward.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.interval.rounding import EPS, MIN_NORMAL, add_up, gamma

Array = Any


def sum_up(value: Array, terms: Array, size: Array | None = None) -> Array:
    """Return an upper bound of ``value`` plus all terms of its row.

    A term may be off by a few roundings of its own ``size`` (its absolute value, unless
    it is a difference of larger numbers).
    """
    size = np.abs(terms) if size is None else size
    n = terms.shape[-1]
    error = size.sum(axis=-1) * gamma(n + 16) + MIN_NORMAL * (n + 1)
    return add_up(value, add_up(terms.sum(axis=-1), error))


def best_center(low: Array, high: Array, slopes: Array) -> Array:
    """Return the centre for which the mean value form bounds a supremum best.

    Between slopes ``a < 0 < b`` it lies where rising at most by b to the upper end and
    by -a to the lower one come to the same (E. Baumann, "Optimal centered forms",
    BIT 28, 1988); for slopes of one sign it is the higher end.
    """
    a, b = np.minimum(slopes[0], 0.0), np.maximum(slopes[1], 0.0)
    spread = b - a
    share = np.where(spread > 0, b / np.where(spread > 0, spread, 1.0), 0.5)
    share = np.where(np.isfinite(share), share, 0.5)
    center = low + share * (high - low)
    return np.clip(center, low, high)


def linear(value: Array, slopes: Array, low: Array, high: Array, at: Array) -> Array:
    """Return an upper bound of ``value + slopes (x - at)`` over boxes.

    It is the mean value form if the slopes are enclosed over the box, the tangent plane
    if they are at ``at``.
    """
    rise = np.maximum(slopes[1], 0.0) * (high - at)
    fall = np.minimum(slopes[0], 0.0) * (low - at)
    return sum_up(value, np.maximum(rise, fall))


def quadratic(
    value: Array, slopes: Array, h: Array, low: Array, high: Array, at: Array
) -> Array:
    """Return an upper bound of Taylor's form of order two around ``at``.

    ``value + sum_i max_d (g_i d + h_ii d**2 / 2) + sum_(i<j) max h_ij d_i d_j`` for
    slopes g enclosed at ``at`` and curvatures h over the box, each maximum over the
    sides ``d_i`` in ``[low_i - at_i, high_i - at_i]``.
    """
    left, right = low - at, high - at
    n = low.shape[1]
    own = np.maximum(
        _parabola(slopes[1], h[1][:, range(n), range(n)], right),
        _parabola(-slopes[0], h[1][:, range(n), range(n)], -left),
    )
    i, j = np.triu_indices(n, 1)
    corners = [x[:, i] * y[:, j] for x in (left, right) for y in (left, right)]
    least, most = np.minimum.reduce(corners), np.maximum.reduce(corners)
    cross = np.maximum.reduce([e[:, i, j] * c for e in h for c in (least, most)])
    return sum_up(value, np.concatenate([own, cross], axis=1))


def _parabola(g: Array, h: Array, end: Array) -> Array:
    """Return the maximum of ``g d + h d**2 / 2`` for d from 0 to ``end >= 0``."""
    at_end = np.maximum(end * (g + 0.5 * h * end), 0.0)
    # rounding of the sum is relative to its terms
    at_end += (np.abs(g) + np.abs(h) * end) * end * (8 * EPS)
    bends = (h < 0) & (g > 0)
    top = np.where(bends, g * g / np.where(bends, -2.0 * h, 1.0), 0.0)
    still_rising = g + h * end > (np.abs(g) + np.abs(h) * end) * (8 * EPS)
    return np.where(bends & ~still_rising, np.maximum(top, 0.0), at_end)
