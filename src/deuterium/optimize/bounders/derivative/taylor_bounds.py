"""Upper bounds of a function over boxes from its values and derivatives.

All arrays have one row a box; what is called an enclosure has its ends stacked along a
new first axis.  Every sum is rounded upward.

References: R. E. Moore, "Interval Analysis", 1966 (the mean value form); A. Neumaier,
"Interval Methods for Systems of Equations", Cambridge 1990, section 2.3 (centred
forms).
"""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.interval.rounding import MIN_NORMAL, add_up, gamma


def sum_up(value: Array, terms: Array, size: Array | None = None) -> Array:
    """Return an upper bound of ``value`` plus all terms of its row.

    A term may be off by a few roundings of its own ``size`` (its absolute value, unless
    it is a difference of larger numbers).

    Shapes: ``value`` (b,), ``terms`` and ``size`` (b, terms).
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

    Shapes: ``low`` and ``high`` (b, n), ``slopes`` (2, b, n).
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

    Shapes: ``value`` (b,), ``slopes`` (2, b, n), all else (b, n).
    """
    rise = np.maximum(slopes[1], 0.0) * (high - at)
    fall = np.minimum(slopes[0], 0.0) * (low - at)
    return sum_up(value, np.maximum(rise, fall))


def change(h: Array, low: Array, high: Array, at: Array) -> Array:
    """Return enclosures of ``sum_j h_ij (x_j - at_j)`` over boxes, of shape (2, b, i).

    Exact sums of products of ends, not rounded outward; `size` bounds their rounding.
    """
    left, right = (low - at)[:, None, :], (high - at)[:, None, :]
    corners = [h[0] * left, h[0] * right, h[1] * left, h[1] * right]
    return np.stack([np.minimum.reduce(corners), np.maximum.reduce(corners)])


def refined(
    slopes: Array, g: Array, h: Array, low: Array, high: Array, at: Array
) -> Array:
    """Return slopes over boxes, given those at a point and the curvatures.

    ``g_i(at) + sum_j h_ij (x_j - at_j)`` encloses slope i; what it has in common with
    the slope known is returned, or that alone where a curvature is not known.  A slope
    that is undefined stays so.

    Shapes: ``slopes`` and ``g`` (2, b, n), ``h`` (2, b, n, n), all else (b, n).
    """
    terms = change(h, low, high, at)
    upper = sum_up(g[1], terms[1])
    lower = -sum_up(-g[0], -terms[0])
    both = np.stack([np.fmax(slopes[0], lower), np.fmin(slopes[1], upper)])
    return np.where(np.isnan(slopes), np.nan, both)


def least_along(
    p: Array, g: Array, h: Array, low: Array, high: Array, at: Array
) -> Array:
    """Return lower bounds of the slope along p over boxes.

    It is ``p g(at) + sum_j (sum_i p_i h_ij) (x_j - at_j)``.

    Shapes: ``g`` (2, b, n), ``h`` (2, b, n, n), all else (b, n).
    """
    own = np.minimum(p * g[0], p * g[1])
    rows = np.minimum(p[:, :, None] * h[0], p[:, :, None] * h[1])
    tops = np.maximum(p[:, :, None] * h[0], p[:, :, None] * h[1])
    # each sum is off by less than this share of the sizes of its terms
    slack = np.abs(p)[:, :, None] * np.maximum(np.abs(h[0]), np.abs(h[1]))
    slack = slack.sum(axis=1) * gamma(p.shape[1] + 8) + MIN_NORMAL
    mixed = np.stack([rows.sum(axis=1) - slack, tops.sum(axis=1) + slack])
    terms = change(mixed[:, :, None, :], low, high, at)[0][:, 0]
    return -sum_up(sum_up(np.zeros(len(p)), -own), -terms)
