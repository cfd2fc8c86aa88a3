"""Numbers as text.  What is certified is rounded outward, so that it stays true."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

DIGITS = 6  # significant ones: as many as a bound is read for


def rounded_up(x: float, digits: int = DIGITS) -> str:
    """Return a number not below ``x``, with so many significant digits."""
    return _rounded(x, digits, ROUND_CEILING)


def rounded_down(x: float, digits: int = DIGITS) -> str:
    """Return a number not above ``x``, with so many significant digits."""
    return _rounded(x, digits, ROUND_FLOOR)


def rounded(x: float, digits: int = DIGITS) -> str:
    """Return the number nearest to ``x``, with so many significant digits."""
    return _rounded(x, digits, ROUND_HALF_EVEN)


def exact(x: float) -> str:
    """Return the shortest text that reads back as ``x``."""
    return str(int(x)) if abs(x) < 1e15 and x == int(x) else repr(float(x))


def _rounded(x: float, digits: int, way: str) -> str:
    if not math.isfinite(x):
        return str(x)
    short = Context(prec=digits, rounding=way).create_decimal(Decimal(x))
    if -5 <= short.adjusted() < digits + 3:
        return f"{short:f}"
    return f"{short:e}"
