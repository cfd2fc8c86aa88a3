"""Bounds of one array over a batch of regions: intervals, a ball, lengths.

Beside the interval of each element: a ball around a centre, and bounds of the sum of
squares and of the sum of absolute values of the whole array.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from deuterium.interval.rounding import EPS, MIN_NORMAL, Array, gamma, outward
from deuterium.interval.spectral_norm import inflate, root_sum

LEAD = 2  # batch axes: regions, and vertices of a simplex


@dataclass(frozen=True)
class ArrayBounds:
    """Bounds of an array; every attribute has two batch axes (which may be 1) in front.

    Attributes
    ----------
    ends : ndarray of shape (2, B, K, *shape)
        Interval of each element.
    centre, radius : ndarrays of shape (B, K, *shape) and (B, K)
        The Euclidean distance of the array from ``centre`` is at most ``radius``.
    length : ndarray of shape (B, K)
        Upper bound of the Euclidean norm.
    total : ndarray of shape (B, K)
        Upper bound of the sum of absolute values.
    """

    ends: Array
    centre: Array
    radius: Array
    length: Array
    total: Array

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of the array itself."""
        return tuple(range(LEAD, self.centre.ndim))

    @cached_property
    def size(self) -> Array:
        """Upper bounds of the elements' absolute values."""
        return np.maximum(-self.ends[0], self.ends[1])

    @cached_property
    def largest(self) -> Array:
        """Upper bound of the largest absolute value."""
        return np.max(self.size, axis=self.axes, initial=0.0)

    @cached_property
    def half(self) -> tuple[Array, Array]:
        """Middle and half width of each interval, the width rounded up."""
        middle = 0.5 * self.ends[0] + 0.5 * self.ends[1]
        width = np.maximum(self.ends[1] - middle, middle - self.ends[0])
        return middle, width * (1.0 + 2 * EPS)


def of_ends(ends: Array) -> ArrayBounds:
    """Return what intervals alone say."""
    low, high = ends[0], ends[1]
    axes = tuple(range(LEAD, low.ndim))
    middle = 0.5 * low + 0.5 * high
    width = np.maximum(high - middle, middle - low) * (1.0 + 2 * EPS)
    size = np.maximum(-low, high)
    return ArrayBounds(
        ends,
        middle,
        root_sum(np.square(width), axes),
        root_sum(np.square(size), axes),
        sum_up(size, axes),
    )


def sum_up(size: Array, axes: tuple[int, ...]) -> Any:
    """Return an upper bound of sums of numbers ``>= 0``."""
    count = int(np.prod([size.shape[i] for i in axes], dtype=np.int64))
    return np.sum(size, axis=axes) * (1.0 + gamma(count + 4)) + MIN_NORMAL


def combine(
    ends: Array,
    ball: tuple[Array, Array] | None = None,
    length: Array | None = None,
    total: Array | None = None,
    choice: Array | None = None,
) -> tuple[ArrayBounds, Array]:
    """Return the best of intervals and of what else is known.

    Parameters
    ----------
    ends : ndarray
        Intervals.
    ball : (centre, radius), optional
        A ball that holds the array, used in place of that of the intervals where it is
        smaller.
    length, total : ndarray, optional
        Upper bounds.
    choice : ndarray of bool, of shape (B, K), optional
        Where to take the ball, if that is laid down.

    Returns
    -------
    ArrayBounds
    choice : ndarray of bool
        Where the ball given was taken.
    """
    if ball is not None:
        ends = _within(ends, *ball)
    if length is not None and ends.ndim == 1 + LEAD:
        ends = cut(ends, np.zeros((1, 1)), length)
    own = of_ends(ends)
    centre, radius, took = own.centre, own.radius, np.zeros((1, 1), dtype=bool)
    best = own.length if length is None else _least(own.length, length)
    if ball is not None:
        took = ball[1] < radius if choice is None else choice
        wide = took.reshape(took.shape + (1,) * len(own.axes))
        centre = np.where(wide, ball[0], centre)
        best = _least(best, _reach(*ball))
        radius = np.where(took, ball[1], radius)
    count = max(int(np.prod(ends.shape[1 + LEAD :], dtype=np.int64)), 1)
    sums = _least(own.total, inflate(best * np.sqrt(float(count))))
    sums = sums if total is None else _least(sums, total)
    best = _least(best, sums)  # a sum of squares is at most the square of the sum
    return ArrayBounds(ends, centre, radius, best, sums), took


def _least(a: Array, b: Array) -> Any:
    """Return the lesser bound; one that is NaN says nothing."""
    return np.fmin(a, b)


def _reach(centre: Array, radius: Array) -> Any:
    """Return how far from zero a ball reaches.

    Shapes: ``centre`` (B, K, *shape), ``radius`` (B, K).
    """
    axes = tuple(range(LEAD, centre.ndim))
    return inflate(root_sum(np.square(centre), axes) + radius)


def _within(ends: Array, centre: Array, radius: Array) -> Array:
    """Return the intervals cut to the ball's width on every axis.

    Shapes: ``ends`` (2, B, K, *shape), ``centre`` (B, K, *shape), ``radius`` (B, K).
    """
    if not np.all(np.isfinite(radius)):
        return ends
    wide = radius.reshape(radius.shape + (1,) * (centre.ndim - LEAD))
    return cut(ends, centre, wide)


def cut(ends: Array, centre: Array, width: Array) -> Array:
    """Return intervals intersected with ``centre - width <= x <= centre + width``.

    Shapes: ``ends`` (2, B, K, *shape); the others broadcast to (B, K, *shape).
    """
    low, high = np.broadcast_arrays(centre - width, centre + width)
    other = outward(np.stack([low, high]))
    # where the ball says nothing; an interval that is NaN (undefined) stays NaN
    other = np.where(np.isnan(other), _everything(other.ndim), other)
    return np.stack([np.maximum(ends[0], other[0]), np.minimum(ends[1], other[1])])


def _everything(ndim: int) -> Array:
    return np.array([-np.inf, np.inf]).reshape((2,) + (1,) * (ndim - 1))
