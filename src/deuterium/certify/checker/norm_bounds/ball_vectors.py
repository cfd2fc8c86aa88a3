"""Arrays of balls in a row, and bounds of lengths.

A bound of a length that is not known is infinite: it says nothing, and so does one that
is not a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deuterium.certify.checker.ball_functions import (
    INFINITY,
    ZERO,
    Ball,
    larger,
    smaller,
)

Vector = Any  # one-dimensional, of balls

larger_of: Any = np.frompyfunc(larger, 2, 1)
smaller_of: Any = np.frompyfunc(smaller, 2, 1)


def _from_zero(x: Ball) -> Ball:
    """Return a lower end of what is not negative: one that is certainly not."""
    return ZERO if x.is_finite() and not x > ZERO else x


from_zero: Any = np.frompyfunc(_from_zero, 1, 1)

raised: Any = np.frompyfunc(lambda x, y: y if y > x else x, 2, 1)
"""Lower ends, or others where these certainly are higher."""
lowered: Any = np.frompyfunc(lambda x, y: y if y < x else x, 2, 1)


def vector(balls: Sequence[Ball]) -> Vector:
    """Return balls as an array."""
    out = np.empty(len(balls), dtype=object)
    out[:] = balls
    return out


def known(bound: Ball) -> Ball:
    """Return an upper bound of something finite; infinity where it says nothing."""
    return bound if bound.is_finite() else INFINITY


def least(*bounds: Ball) -> Ball:
    """Return the lowest of several upper bounds."""
    best = INFINITY
    for x in bounds:
        if x.is_finite():
            best = smaller(best, x) if best.is_finite() else x
    return best


def root(square: Ball) -> Ball:
    """Return an upper bound of a root, from one of its square."""
    top = square.upper()
    if not top.is_finite():
        return INFINITY
    return top.sqrt() if top > ZERO else ZERO


def total(x: Vector) -> Ball:
    """Return the sum of all elements."""
    return sum(x.tolist(), ZERO)


def dot(x: Vector, y: Vector) -> Ball:
    """Return the sum of products of elements.

    Shapes: both (n,).
    """
    return total(x * y)


def length(x: Vector) -> Ball:
    """Return the Euclidean length."""
    return root(total(x * x))


def top(x: Vector) -> Ball:
    """Return the largest element, none of which is negative."""
    best = ZERO
    for e in x.tolist():
        if not e <= best:
            best = larger(best, e)
    return best
