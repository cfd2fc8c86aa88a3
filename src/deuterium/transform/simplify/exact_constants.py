"""Arithmetic on constants that refuses to round."""

from __future__ import annotations

from fractions import Fraction

Number = int | float

LARGEST = 2**53  # integers beyond it are not all doubles
MOST_POWER = 64  # beyond it, a power is a double for few numbers, and long to work out


def product(a: Number, b: Number) -> Number | None:
    """Return ``a * b`` if a double holds it exactly."""
    if a == 1:
        return b
    if b == 1:
        return a
    return held(Fraction(a) * Fraction(b))


def total(a: Number, b: Number) -> Number | None:
    """Return ``a + b`` if a double holds it exactly."""
    if a == 0:
        return b
    if b == 0:
        return a
    return held(Fraction(a) + Fraction(b))


def power(a: Number, n: int) -> Number | None:
    """Return ``a ** n`` if a double holds it exactly (None for 0 to a power < 1)."""
    if n == 1 or a == 1:
        return a
    if a == 0:
        return 0 if n > 0 else None
    return None if abs(n) > MOST_POWER else held(Fraction(a) ** n)


def held(value: Fraction) -> Number | None:
    """Return an exact result as an integer or a double, if it is one.

    A product that underflows or overflows is neither.
    """
    if value.denominator == 1 and abs(value.numerator) <= LARGEST:
        return value.numerator
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if Fraction(number) == value else None
