"""Distances through curves: how far ``f(z)`` may be from a point, given that of ``z``.

If ``||z - c|| <= r`` then for any ``t >= 0``

    ||f(z) - m||^2 <= t r^2 + sum_i max over z_i of ((f(z_i) - m_i)^2 - t (z_i - c_i)^2)

where ``z_i`` runs through its own interval.  For a bounded curve this is much less than
the Lipschitz constant allows: no more than a few elements can be far out.

The maxima are bounded piece by piece over the fixed `GRID`, on which f is monotone
between neighbours, with the error of interpolating between its points: where
``|f''| <= k`` on a piece of width w, ``(f - m)^2`` exceeds the larger of its values at
the two ends by at most ``w^2 / 8 * 2 k max|f - m|``, and the concave ``-t (z - c)^2``
exceeds the larger of its values by at most ``t w^2 / 4``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from deuterium.bound.bounders.norms.spectral import raised
from deuterium.graph.operator import lookup
from deuterium.interval import Interval
from deuterium.interval.rounding import EPS, MIN_NORMAL, Array, gamma

FLATTENS = {  # |f''| <= k * slope, where slope falls with |z|
    "tanh": (2.0, "tanh'"),
    "expit": (1.0, "expit'"),
    "tanh'": (4.0, "tanh'"),
    "expit'": (1.0, "expit'"),
}
LIPSCHITZ = {
    "tanh": 1.0,
    "expit": 0.25,
    "tanh'": 1.0,
    "expit'": 0.125,
    "relu": 1.0,
    "absolute": 1.0,
    "sin": 1.0,
    "cos": 1.0,
    "arctan": 1.0,
    "log_expit": 1.0,
    "erf": 1.129,
    "ndtr": 0.4,
}
FINE, RATIO, FAR = 0.0625, 1.08, 160
COARSE = 4  # every so many points serve to choose the multiplier
GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)
SEARCHES = 14


def _points() -> Array:
    near = np.arange(1, 65) * FINE  # to 4
    far = 4.0 * RATIO ** np.arange(1, FAR + 1)
    up = np.concatenate([near, far])
    return np.concatenate([-up[::-1], [0.0], up])


GRID: Array = _points()
"""Points from -9e5 to 9e5: 1/16 apart up to 4, then each 1.08 times the last."""


@dataclass(frozen=True)
class Curve:
    """A curve over the grid: enclosures of its values, and its bend on each piece."""

    low: Array
    high: Array
    bend: Array  # of |f''| w^2 / 4 on each piece
    width: Array


@cache
def curve_of(name: str) -> Curve:
    """Return the table of an operator (one of `FLATTENS`)."""
    factor, slope = FLATTENS[name]
    values = lookup(name).enclosure(Interval.unchecked(GRID, GRID))
    nearest = np.minimum(np.abs(GRID[1:]), np.abs(GRID[:-1]))
    steep = lookup(slope).enclosure(Interval.unchecked(nearest, nearest)).upper
    width = raised(np.diff(GRID))
    bend = raised(factor * steep * np.square(width) / 4.0)
    return Curve(np.asarray(values.lower), np.asarray(values.upper), bend, width)


def spread(
    name: str, m: Array, c: Array, r: Array, ends: Array, t: Array | None = None
) -> tuple[Array, Array]:
    """Return upper bounds of ``||f(z) - m||``, and the multipliers t.

    Parameters
    ----------
    name : str
        The curve.
    m, c : ndarray of shape (rows, n)
        Around which points.
    r : ndarray of shape (rows,)
        ``||z - c|| <= r``.
    ends : ndarray of shape (2, rows, n)
        The interval of each ``z_i``.
    t : ndarray of shape (rows,), optional
        Multipliers; good ones are sought by default.
    """
    curve = curve_of(name)
    square = _squares(curve.low, curve.high, m)
    if t is None:
        t = _multiplier(square[..., ::COARSE], c, r, ends)
    value = _pieces(curve, square, np.square(GRID - c[..., None]), t[:, None, None])
    inside = (GRID[1:] >= ends[0][..., None]) & (GRID[:-1] <= ends[1][..., None])
    best = np.max(np.where(inside, value, -np.inf), axis=-1)
    best = np.maximum(best, _beyond(square, ends))
    return _total(best, t, r), t


def _squares(low: Array, high: Array, m: Array) -> Array:
    """Return upper bounds of ``(f - m)^2`` at the points of the grid."""
    far = np.maximum(np.abs(high - m[..., None]), np.abs(low - m[..., None]))
    return np.square(far) * (1.0 + 8 * EPS) + MIN_NORMAL


def _pieces(curve: Curve, square: Array, distance: Array, t: Array) -> Any:
    """Return bounds of ``(f - m)^2 - t (z - c)^2`` on each piece of the grid."""
    shift = t * distance
    at = square - shift + (square + shift) * (8 * EPS)
    piece = np.maximum(square[..., 1:], square[..., :-1])
    between = np.sqrt(piece) * curve.bend + t * np.square(curve.width) * 0.25
    return np.maximum(at[..., 1:], at[..., :-1]) + raised(between)


def _beyond(square: Array, ends: Array) -> Array:
    """Return a bound for what lies outside the grid (no distance taken off)."""
    outside = (ends[0] < GRID[0]) | (ends[1] > GRID[-1])
    most = np.max(square, axis=-1) + 1e-9
    return np.where(outside, most, -np.inf)


def _total(best: Array, t: Array, r: Array) -> Array:
    n = best.shape[-1]
    total = np.sum(best, axis=-1) + t * np.square(r)
    size = np.sum(np.abs(best), axis=-1) + t * np.square(r)
    return raised(np.sqrt(np.maximum(total + size * gamma(n + 8), 0.0)))


def _multiplier(square: Array, c: Array, r: Array, ends: Array) -> Array:
    """Return a multiplier near the best, by golden section on its logarithm."""
    grid = GRID[::COARSE]
    distance = np.square(grid - c[..., None])
    near = (grid >= ends[0][..., None] - 1) & (grid <= ends[1][..., None] + 1)
    near[..., len(grid) // 2] = True
    square = np.where(near, square, -np.inf)

    def value(x: Array) -> Array:
        t = np.exp(x)
        inner = np.max(square - t[:, None, None] * distance, axis=-1)
        return np.sum(inner, axis=-1) + t * np.square(r)

    low, high = np.full(len(r), -18.0), np.full(len(r), 1.0)
    for _ in range(SEARCHES):
        one, two = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        left = value(one) < value(two)
        low, high = np.where(left, low, one), np.where(left, two, high)
    return np.exp(0.5 * (low + high))
