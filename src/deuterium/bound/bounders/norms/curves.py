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
SEARCHES = 12
HOPELESS = 12.0  # root mean square distance from which a ball says nothing


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
    nearest = np.minimum(np.abs(GRID[1:]), np.abs(GRID[:-1]))
    with np.errstate(all="ignore"):  # far out, cosh overflows
        values = lookup(name).enclosure(Interval.unchecked(GRID, GRID))
        steep = lookup(slope).enclosure(Interval.unchecked(nearest, nearest)).upper
    width = raised(np.diff(GRID))
    bend = raised(factor * steep * np.square(width) / 4.0)
    return Curve(np.asarray(values.lower), np.asarray(values.upper), bend, width)


@dataclass(frozen=True)
class Around:
    """What is known of the argument z of a curve, a row per case.

    Attributes
    ----------
    centre, radius : ndarrays of shape (rows, n) and (rows,)
        ``||z - centre|| <= radius``.
    ends : ndarray of shape (2, rows, n)
        The interval of each ``z_i``.
    """

    centre: Array
    radius: Array
    ends: Array


@dataclass(frozen=True)
class Multipliers:
    """Of the ball (t), and of one more inequality ``direction . z <= reach`` (s)."""

    t: Array
    s: Array
    direction: Array
    reach: Array


def distance(name: str, m: Array, z: Around, by: Multipliers) -> Array:
    """Return upper bounds of ``||f(z) - m||``, for any multipliers ``>= 0``.

    Parameters
    ----------
    name : str
        The curve.
    m : ndarray of shape (rows, n)
        From which point.
    z : Around
        The argument.
    by : Multipliers
    """
    curve = curve_of(name)
    square = _squares(curve.low, curve.high, m)
    slope = (by.s[:, None] * by.direction)[..., None]
    value = _pieces(curve, square, z.centre[..., None], by.t[:, None, None], slope)
    low, high = z.ends[0][..., None], z.ends[1][..., None]
    value[(GRID[1:] < low) | (GRID[:-1] > high)] = -np.inf
    best = np.maximum(np.max(value, axis=-1), _beyond(square, z.ends, slope[..., 0]))
    return _total(best, by.t * np.square(z.radius), by.s * by.reach)


def _squares(low: Array, high: Array, m: Array) -> Array:
    """Return upper bounds of ``(f - m)^2`` at the points of the grid."""
    far = np.maximum(high - m[..., None], m[..., None] - low)
    far *= far
    far *= 1.0 + 8 * EPS
    far += MIN_NORMAL
    return far


def _pieces(curve: Curve, square: Array, c: Array, t: Array, slope: Array) -> Any:
    """Bound ``(f - m)^2 - t (z - c)^2 - slope z`` on each piece of the grid."""
    drop = GRID - c
    drop *= drop
    drop *= t
    line = slope * GRID
    at = square - drop
    at -= line
    drop += np.abs(line)
    drop += square
    drop *= 16 * EPS  # what rounding may have lost
    at += drop
    between = np.sqrt(np.maximum(square[..., 1:], square[..., :-1]))
    between *= curve.bend
    between += t * (np.square(curve.width) * 0.25)
    between *= 1.0 + 16 * EPS
    between += np.maximum(at[..., 1:], at[..., :-1])
    return between


def _beyond(square: Array, ends: Array, slope: Array) -> Array:
    """Return a bound for what lies outside the grid (no distance taken off)."""
    outside = (ends[0] < GRID[0]) | (ends[1] > GRID[-1])
    far = np.maximum(np.abs(ends[0]), np.abs(ends[1])) * np.abs(slope)
    return np.where(outside, raised(np.max(square, axis=-1) + 1e-9 + far), -np.inf)


def _total(best: Array, ball: Array, line: Array) -> Array:
    """Return the root of the sum of maxima and of what the inequalities allow."""
    n = best.shape[-1]
    size = np.sum(np.abs(best), axis=-1) + ball + np.abs(line)
    total = np.sum(best, axis=-1) + ball + line + size * gamma(n + 12)
    return raised(np.sqrt(np.maximum(total, 0.0)))


# -- multipliers: sought in plain floating point, since any are right -----------------


class Search:
    """Looks for multipliers with which `distance` is small."""

    def __init__(self, name: str, m: Array, z: Around) -> None:
        curve = curve_of(name)
        self.grid, self.z = GRID[::COARSE], z
        square = _squares(curve.low[::COARSE], curve.high[::COARSE], m)
        low, high = z.ends[0][..., None], z.ends[1][..., None]
        after, before = np.roll(self.grid, -1), np.roll(self.grid, 1)
        after[-1], before[0] = np.inf, -np.inf
        square[(after < low) | (before > high)] = -np.inf
        self.square = square
        # a point stands for its surroundings: none of them may seem too far to count
        span = 0.25 * np.maximum(after - self.grid, self.grid - before)
        span[0] = span[-1] = 0.0
        away = np.abs(self.grid - z.centre[..., None]) - span
        self.away = np.square(np.maximum(away, 0.0))
        self.line: Array = np.zeros_like(z.centre)
        self.reach: Array = np.zeros(len(m))

    def value(self, t: Array, s: Array) -> Array:
        """Return the square of the bound, about."""
        inner = self.square - t[:, None, None] * self.away
        if np.any(s):
            inner -= (s[:, None] * self.line)[..., None] * self.grid
        total = np.sum(np.max(inner, axis=-1), axis=-1)
        return total + t * np.square(self.z.radius) + s * self.reach

    def ball(self) -> Multipliers:
        """Return a multiplier of the ball alone."""
        none = np.zeros(len(self.reach))
        t = np.exp(_golden(lambda x: self.value(np.exp(x), none), -18.0 + none, 1.0))
        return Multipliers(t, none, self.line, self.reach)

    def outermost(self, t: Array) -> Array:
        """Return, as a direction of length 1, where the elements would best be."""
        inner = self.square - t[:, None, None] * self.away
        best = self.grid[np.argmax(inner, axis=-1)] - self.z.centre
        best = np.clip(best, *(self.z.ends - self.z.centre))
        return best / (
            np.sqrt(np.sum(np.square(best), axis=-1, keepdims=True)) + 1e-300
        )

    def both(self, t: Array, direction: Array, reach: Array) -> Multipliers:
        """Return multipliers of the ball and of one inequality."""
        self.line, self.reach = direction, reach
        width = reach - np.sum(direction * self.z.centre, axis=-1)
        scale = t * np.maximum(self.z.radius, width)
        first, s = t, np.zeros_like(t)
        least = self.value(t, s)
        for _ in range(2):
            k = _golden(lambda x, t=t: self.value(t, scale * x), 0.0 * t, 4.0)
            s = scale * k
            log = np.log(t)
            t = np.exp(
                _golden(lambda x, s=s: self.value(np.exp(x), s), log - 5, log + 2)
            )
        better = self.value(t, s) < least
        t, s = np.where(better, t, first), np.where(better, s, 0.0)
        return Multipliers(t, s, direction, reach)


def _golden(f: Any, low: Array, high: Any) -> Array:
    """Return about where a function is least between two ends (golden section)."""
    high = np.broadcast_to(high, low.shape)
    one, two = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    left, right = f(one), f(two)
    for _ in range(SEARCHES):
        down = left < right  # the least lies below `two`
        low, high = np.where(down, low, one), np.where(down, two, high)
        kept, value = np.where(down, one, two), np.where(down, left, right)
        fresh = np.where(
            down, high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        )
        found = f(fresh)
        one, two = np.where(down, fresh, kept), np.where(down, kept, fresh)
        left, right = np.where(down, found, value), np.where(down, value, found)
    return 0.5 * (low + high)
