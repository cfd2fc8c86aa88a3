"""Numbers that must not come out too small: exact arithmetic, rounded up once.

A sensitivity or a noise scale rounded down breaks the promise made from it; rounded up
it costs a 1e-16th of noise.  Products and quotients of doubles are therefore formed as
fractions, which are exact, and rounded once, in the direction asked for.
"""

from __future__ import annotations

import math
from fractions import Fraction
from numbers import Real
from typing import Any

from deuterium.errors import InvalidInputError
from deuterium.interval.environment import standard_only
from deuterium.interval.rounding import next_down, next_up

__all__ = ["down", "positive", "product_up", "quotient_down", "quotient_up", "up"]


@standard_only
def up(x: Any) -> float:
    """Return the least double that is not below a number of any type."""
    value = float(x)
    return float(next_up(value)) if value < x else value


@standard_only
def down(x: Any) -> float:
    """Return the largest double that is not above a number of any type."""
    value = float(x)
    return float(next_down(value)) if value > x else value


def product_up(*factors: float) -> float:
    """Return the product of non-negative numbers, rounded up."""
    if any(f == math.inf for f in factors):
        return math.inf
    exact = Fraction(1)
    for f in factors:
        exact *= Fraction(f)
    return _fraction_up(exact)


def quotient_up(a: float, b: float) -> float:
    """Return ``a / b`` of positive numbers, rounded up."""
    return _fraction_up(Fraction(a) / Fraction(b))


def quotient_down(a: float, b: float) -> float:
    """Return ``a / b`` of positive numbers, rounded down."""
    try:
        return down(Fraction(a) / Fraction(b))
    except OverflowError:
        return math.inf


def _fraction_up(exact: Fraction) -> float:
    try:
        return up(exact)
    except OverflowError:
        return math.inf


def positive(who: str, name: str, value: Any) -> float:
    """Return a positive finite number as a float, or say why it is none."""
    good = isinstance(value, Real) and not isinstance(value, bool)
    if not good or not 0 < value < math.inf:
        raise InvalidInputError(
            f"{who}: `{name}` must be a positive finite number, got {value!r:.80}"
        )
    return float(value)
