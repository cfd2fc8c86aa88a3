"""Exact arithmetic on intervals of rationals, with infinite ends: the oracle."""

import math
from fractions import Fraction

INF = math.inf


def exact(x):
    """Return a double as a Fraction, or itself if it is infinite."""
    return x if math.isinf(x) else Fraction(x)


def times(x, y):
    """Return the product, 0 * inf being 0 (only finite numbers lie inside)."""
    if x == 0 or y == 0:
        return Fraction(0)
    if isinstance(x, float) or isinstance(y, float):
        return INF if (x > 0) == (y > 0) else -INF
    return x * y


def plus(x, y):
    """Return the sum; the infinite one wins, and no two of them disagree."""
    for z in (x, y):
        if isinstance(z, float):
            return z
    return x + y


def product_hull(a, b):
    """Return the least and greatest product of two intervals of exact ends."""
    corners = [times(x, y) for x in a for y in b]
    return min(corners), max(corners)


def rounded_down(x):
    """Return the largest double that is at most ``x``."""
    if isinstance(x, float):
        return x
    try:
        near = float(x)
    except OverflowError:
        near = INF if x > 0 else -INF
    if math.isinf(near):
        return math.nextafter(INF, 0) if near > 0 else -INF
    return near if Fraction(near) <= x else math.nextafter(near, -INF)


def rounded_up(x):
    """Return the smallest double that is at least ``x``."""
    return -rounded_down(-x)


def assert_tight(found, least, greatest, steps, what):
    """Assert that an interval holds the exact hull, at most ``steps`` doubles wider."""
    low, high = float(found[0]), float(found[1])
    least, greatest = rounded_down(least), rounded_up(greatest)
    assert low <= least and high >= greatest, (what, (low, high), (least, greatest))
    assert low < INF and high > -INF, (what, (low, high))
    for _ in range(steps):
        least, greatest = math.nextafter(least, -INF), math.nextafter(greatest, INF)
    assert low >= least and high <= greatest, (what, (low, high), (least, greatest))
