"""Numbers that must not come out too small: exact arithmetic, rounded up once.

A sensitivity or a noise scale rounded down breaks the promise made from it; rounded up
it costs a 1e-16th of noise.  Products and quotients of doubles are therefore formed as
fractions, which are exact, and rounded once, in the direction asked for.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.interval.environment import standard_only
from deuterium.interval.rounding import next_down, next_up

__all__ = [
    "as_fraction",
    "product_up",
    "quotient_down",
    "quotient_up",
    "real_number",
    "require_positive",
    "round_down",
    "round_up",
]


@standard_only
def round_up(x: Any) -> float:
    """Return the least double that is not below a number of any type."""
    value = _nearest(x)
    return float(next_up(value)) if value < x else value


@standard_only
def round_down(x: Any) -> float:
    """Return the largest double that is not above a number of any type."""
    value = _nearest(x)
    return float(next_down(value)) if value > x else value


def _nearest(x: Any) -> float:
    """Return a number as a double, infinite if it is beyond them all."""
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def product_up(*factors: float) -> float:
    """Return the product of non-negative numbers, rounded up."""
    if any(f == math.inf for f in factors):
        return math.inf
    exact = Fraction(1)
    for f in factors:
        exact *= Fraction(f)
    return round_up(exact)


def quotient_up(a: float, b: float) -> float:
    """Return ``a / b`` of positive numbers, rounded up."""
    return round_up(Fraction(a) / Fraction(b))


def quotient_down(a: float, b: float) -> float:
    """Return ``a / b`` of positive numbers, rounded down."""
    return round_down(Fraction(a) / Fraction(b)) if b < math.inf else 0.0


def real_number(x: Any) -> Any:
    """Return one real number, of whatever type, or None if this is none."""
    if isinstance(x, np.ndarray) and x.shape == () and x.dtype.kind in "iuf":
        x = x.item()
    good = isinstance(x, Real | Decimal) and not isinstance(x, bool | np.timedelta64)
    if isinstance(x, Decimal) and x.is_nan():  # comparing it would raise
        return math.nan
    return x if good else None


def as_fraction(x: Any) -> Fraction:
    """Return a finite number of whatever type, exactly."""
    whole = isinstance(x, np.integer)  # whose fractions would have NumPy's overflows
    return Fraction(int(x)) if whole else Fraction(*x.as_integer_ratio())


def require_positive(who: str, name: str, value: Any) -> float:
    """Return a positive finite number, rounded down to a double, or say why not."""
    number = real_number(value)
    found = 0.0 if number is None or not 0 < number < math.inf else round_down(number)
    if not found:
        raise InvalidInputError(
            f"{who}: `{name}` must be a positive finite number, got {value!r:.80}"
        )
    return found
