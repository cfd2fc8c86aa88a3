"""Arithmetic on constants that refuses to round."""

from __future__ import annotations

import math
from fractions import Fraction

Number = int | float

LARGEST = 2**53  # integers beyond it are not all doubles


def product(a: Number, b: Number) -> Number | None:
    """Return ``a * b`` if a double holds it exactly."""
    if a == 1:
        return b
    if b == 1:
        return a
    return _exact(a * b, lambda: Fraction(a) * Fraction(b))


def total(a: Number, b: Number) -> Number | None:
    """Return ``a + b`` if a double holds it exactly."""
    return _exact(a + b, lambda: Fraction(a) + Fraction(b))


def power(a: Number, n: int) -> Number | None:
    """Return ``a ** n`` if a double holds it exactly (None for 0 to a power < 1)."""
    if n == 1:
        return a
    if a == 0:
        return 0 if n > 0 else None
    if a == 1 or abs(n) > 64:
        return 1 if a == 1 else None
    try:
        return _exact(float(a) ** n, lambda: Fraction(a) ** n)
    except OverflowError:
        return None


def _exact(rounded: Number, truth: object) -> Number | None:
    if isinstance(rounded, int):
        return rounded if abs(rounded) <= LARGEST else None
    if not math.isfinite(rounded) or not callable(truth):
        return None
    if truth() != Fraction(rounded):
        return None
    return int(rounded) if rounded.is_integer() and abs(rounded) <= LARGEST else rounded
