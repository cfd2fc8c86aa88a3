"""The largest value of a parabola over an interval, and pairs of rows and cells."""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array


def parabola_top(t0: Array, t1: Array, t2: Array, a: Array, b: Array) -> Array:
    """Return the maximum of a parabola over [a, b] (about: rounding is added later).

    Shapes: all (pairs,).
    """
    with np.errstate(all="ignore"):
        at = np.where(t2 < 0, -t1 / (2 * t2), a)
    at = np.clip(np.where(np.isfinite(at), at, a), np.minimum(a, b), np.maximum(a, b))
    values = [t0 + d * (t1 + d * t2) for d in (a, b, at)]
    return np.maximum.reduce(values)


def spread_out(first: Array, last: Array) -> tuple[Array, Array]:
    """Return rows and members of ranges ``first <= i < last``, one below the other.

    Shapes: both (N,).
    """
    count = last - first
    row = np.repeat(np.arange(len(first)), count)
    before = np.cumsum(count) - count
    return row, np.arange(len(row)) - np.repeat(before - first, count)
