"""Bounds of a saturating function of a whole array whose distance is bounded.

If ``||z - c|| <= r`` and ``g . z <= R`` then for functions h_i of one variable and any
``t, s >= 0``

    sum h_i(z_i) <= t r^2 + s R + sum_i max (h_i(z_i) - t (z_i - c_i)^2 - s g_i z_i)

where the maxima are over the intervals of the ``z_i``.  With ``h_i = (f - m_i)^2`` this
bounds how far ``f(z)`` is from a point m; with ``h_i = w_i f`` how far it reaches in a
direction.  For a bounded curve f that is much less than its Lipschitz constant allows:
only a few elements can be far out, and not all on one side.

The maxima are bounded piece by piece over the fixed `GRID`, on which f is monotone
between neighbours: a function exceeds the larger of its values at the two ends of a
piece of width v by at most ``v^2 / 8`` times what bounds minus its second derivative.
That is at most ``2 k max|f - m|`` or ``k |w|`` (with ``|f''| <= k`` on the piece) and
``2 t`` for the parabola.

It is weak Lagrangian duality with multipliers t and s (A. M. Geoffrion, "Lagrangean
relaxation for integer programming", Mathematical Programming Study 2, 1974).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from deuterium.certify.stated import is_stated
from deuterium.graph.operator import Operator, lookup
from deuterium.interval import Interval
from deuterium.interval.environment import forgets
from deuterium.interval.rounding import EPS, MIN_NORMAL, Array, gamma
from deuterium.interval.spectral_norm import inflate
from deuterium.optimize.bounders.norm_bounds.norm_options import (
    COARSE,
    FAR,
    FINE,
    RATIO,
    SEARCHES,
)

GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)  # share that golden-section search keeps


def _points() -> Array:
    near = np.arange(1, 65) * FINE  # to 4
    far = 4.0 * RATIO ** np.arange(1, FAR + 1)
    up = np.concatenate([near, far])
    return np.concatenate([-up[::-1], [0.0], up])


GRID: Array = _points()
"""Points from -9e5 to 9e5: 1/16 apart up to 4, then each 1.08 times the last."""

WIDTH: Array = inflate(np.diff(GRID))


def is_followed(op: Operator | None) -> bool:
    """Whether what an operator does to a whole array can be bounded, and checked."""
    return op is not None and op.bend is not None and is_stated(op)


@dataclass(frozen=True)
class TabulatedFunction:
    """A curve over the grid: enclosures of its values, and its bend on each piece."""

    low: Array
    high: Array
    bend: Array  # upper bounds of |f''| v^2 / 4 on each piece, of width v


@cache
def curve_of(op: Operator) -> TabulatedFunction:
    """Return the table of an operator whose `bend` is known."""
    assert op.bend is not None
    factor, slope = op.bend
    nearest = np.minimum(np.abs(GRID[1:]), np.abs(GRID[:-1]))
    with np.errstate(all="ignore"):  # far out, cosh overflows
        values = op.enclosure(Interval.unchecked(GRID, GRID))
        steep = lookup(slope).enclosure(Interval.unchecked(nearest, nearest)).upper
    bend = inflate(factor * steep * np.square(WIDTH) / 4.0)
    return TabulatedFunction(np.asarray(values.lower), np.asarray(values.upper), bend)


forgets(curve_of.cache_clear)


@dataclass(frozen=True)
class BallAndBox:
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


@dataclass(frozen=True)
class GridFunctions:
    """The functions h_i on the grid.

    Attributes
    ----------
    table : ndarray of shape (rows, n, points)
        Upper bounds of their values.
    bent : ndarray of shape (rows, n, points - 1)
        By how much they may exceed the larger of two neighbours in between.
    """

    table: Array
    bent: Array


def distances(op: Operator, m: Array) -> GridFunctions:
    """Return ``(f - m_i)^2`` for rows of m."""
    curve = curve_of(op)
    far = np.maximum(curve.high - m[..., None], m[..., None] - curve.low)
    far *= far
    far *= 1.0 + 8 * EPS
    far += MIN_NORMAL
    bent = np.sqrt(np.maximum(far[..., 1:], far[..., :-1])) * curve.bend
    return GridFunctions(far, bent)


def weighted(op: Operator, w: Array) -> GridFunctions:
    """Return ``w_i f`` for rows of w."""
    curve, w = curve_of(op), w[..., None]
    table = np.where(w > 0, w * curve.high, w * curve.low)
    table += np.abs(table) * (4 * EPS) + MIN_NORMAL
    return GridFunctions(table, np.abs(w) * (0.5 * curve.bend))


def dual_value(h: GridFunctions, z: BallAndBox, by: Multipliers) -> Array:
    """Return upper bounds of ``sum h_i(z_i)``, for any multipliers ``>= 0``."""
    slope = (by.s[:, None] * by.direction)[..., None]
    value = _pieces(h, z.centre[..., None], by.t[:, None, None], slope)
    low, high = z.ends[0][..., None], z.ends[1][..., None]
    value[(GRID[1:] < low) | (GRID[:-1] > high)] = -np.inf
    best = np.maximum(np.max(value, axis=-1), _beyond(h.table, z.ends, slope[..., 0]))
    ball, line = by.t * np.square(z.radius), by.s * by.reach
    size = np.sum(np.abs(best), axis=-1) + ball + np.abs(line)
    total = np.sum(best, axis=-1) + ball + line
    n = best.shape[-1]
    # squares that underflow are multiplied by t, products with a direction by s
    lost = (n + 1) * MIN_NORMAL * (1.0 + by.t + by.s)
    return total + size * gamma(n + 12) + lost


def root(square: Array) -> Any:
    """Return an upper bound of the root of what may be negative by rounding."""
    return inflate(np.sqrt(np.maximum(square, 0.0)))


def _pieces(h: GridFunctions, c: Array, t: Array, slope: Array) -> Any:
    """Bound ``h - t (z - c)^2 - slope z`` on each piece of the grid."""
    drop = GRID - c
    drop *= drop
    drop *= t
    line = slope * GRID
    at = h.table - drop
    at -= line
    drop += np.abs(line)
    drop += np.abs(h.table)
    drop *= 16 * EPS  # what rounding may have lost
    at += drop
    between = h.bent + t * (np.square(WIDTH) * 0.25)
    between *= 1.0 + 16 * EPS
    between += np.maximum(at[..., 1:], at[..., :-1])
    return between


def _beyond(table: Array, ends: Array, slope: Array) -> Array:
    """Return a bound for what lies outside the grid (no distance taken off)."""
    outside = (ends[0] < GRID[0]) | (ends[1] > GRID[-1])
    far = np.maximum(np.abs(ends[0]), np.abs(ends[1])) * np.abs(slope)
    size = np.max(np.abs(table), axis=-1)  # out there, f is constant to 1e-300
    high = np.max(table, axis=-1) + inflate(far + (size + 1.0) * 1e-9)
    return np.where(outside, high, -np.inf)


# -- multipliers: sought in plain floating point, since any are right -----------------


class MultiplierSearch:
    """Looks for multipliers with which `dual_value` is small."""

    def __init__(self, h: GridFunctions, z: BallAndBox) -> None:
        self.grid, self.z = GRID[::COARSE], z
        table = h.table[..., ::COARSE].copy()
        size = np.max(np.abs(table), axis=(-2, -1))
        self.scale = np.log(np.maximum(size, 1e-150))
        low, high = z.ends[0][..., None], z.ends[1][..., None]
        after, before = np.roll(self.grid, -1), np.roll(self.grid, 1)
        after[-1], before[0] = np.inf, -np.inf
        table[(after < low) | (before > high)] = -np.inf
        self.table = table
        # a point stands for its surroundings: none of them may seem too far to count
        span = 0.25 * np.maximum(after - self.grid, self.grid - before)
        span[0] = span[-1] = 0.0
        away = np.abs(self.grid - z.centre[..., None]) - span
        self.away = np.square(np.maximum(away, 0.0))
        self.line: Array = np.zeros_like(z.centre)
        self.reach: Array = np.zeros(len(table))

    def value(self, t: Array, s: Array) -> Array:
        """Return the bound, about.

        Shapes: both (rows,).
        """
        inner = self.table - t[:, None, None] * self.away
        if np.any(s):
            inner -= (s[:, None] * self.line)[..., None] * self.grid
        total = np.sum(np.max(inner, axis=-1), axis=-1)
        return total + t * np.square(self.z.radius) + s * self.reach

    def ball(self) -> Multipliers:
        """Return a multiplier of the ball alone."""
        none = np.zeros(len(self.reach))
        low, high = self.scale - 18.0, self.scale + 1.0
        t = np.exp(_golden(lambda x: self.value(np.exp(x), none), low, high))
        return Multipliers(t, none, self.line, self.reach)

    def outermost(self, t: Array) -> Array:
        """Return, as a direction of length 1, where the elements would best be."""
        inner = self.table - t[:, None, None] * self.away
        best = self.grid[np.argmax(inner, axis=-1)] - self.z.centre
        best = np.clip(best, *(self.z.ends - self.z.centre))
        return best / (
            np.sqrt(np.sum(np.square(best), axis=-1, keepdims=True)) + 1e-300
        )

    def both(self, t: Array, direction: Array, reach: Array) -> Multipliers:
        """Return multipliers of the ball and of one inequality.

        Shapes: ``t`` and ``reach`` (rows,), ``direction`` (rows, n).
        """
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
