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
    if isinstance(a, int) and isinstance(b, int):
        return _short(a * b)
    c = a * b
    return _plain(c) if math.isfinite(c) and Fraction(a) * Fraction(b) == c else None


def total(a: Number, b: Number) -> Number | None:
    """Return ``a + b`` if a double holds it exactly."""
    if a == 0:
        return b
    if b == 0:
        return a
    if isinstance(a, int) and isinstance(b, int):
        return _short(a + b)
    c = a + b
    return _plain(c) if math.isfinite(c) and Fraction(a) + Fraction(b) == c else None


def power(a: Number, n: int) -> Number | None:
    """Return ``a ** n`` if a double holds it exactly (None for 0 to a power < 1)."""
    if n == 1:
        return a
    if a == 0:
        return 0 if n > 0 else None
    if a == 1 or abs(n) > 64:
        return 1 if a == 1 else None
    try:
        c = float(a) ** n
    except OverflowError:
        return None
    return _plain(c) if Fraction(a) ** n == Fraction(c) else None


def _short(a: int) -> int | None:
    return a if abs(a) <= LARGEST else None


def _plain(c: Number) -> Number:
    """Return a whole number as an integer."""
    return int(c) if abs(c) <= LARGEST and float(c).is_integer() else c
