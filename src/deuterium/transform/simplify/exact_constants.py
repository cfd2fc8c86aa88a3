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
    (m, p), (n, q) = a.as_integer_ratio(), b.as_integer_ratio()
    return _quotient(m * n, p * q)


def total(a: Number, b: Number) -> Number | None:
    """Return ``a + b`` if a double holds it exactly."""
    if a == 0:
        return b
    if b == 0:
        return a
    (m, p), (n, q) = a.as_integer_ratio(), b.as_integer_ratio()
    return _quotient(m * q + n * p, p * q)


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
    return _quotient(value.numerator, value.denominator)


def _quotient(top: int, bottom: int) -> Number | None:
    """Return ``top / bottom`` as an integer or a double, if it is one.

    Of integers, as they need no common factor taken out, which fractions look for.
    """
    whole, rest = divmod(top, bottom)
    if not rest and abs(whole) <= LARGEST:
        return whole
    try:
        number = top / bottom  # the double next to it
    except OverflowError:
        return None
    m, n = number.as_integer_ratio()
    return number if m * bottom == top * n else None
