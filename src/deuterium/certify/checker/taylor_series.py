"""Functions of one variable as power series, for Taylor's formula.

`arb_series` carries the value and the first derivatives of a function; over a ball that
is a cell, its coefficients hold those at every point of the cell.
"""

from __future__ import annotations

from typing import Any

from flint import arb, arb_series

from deuterium.certify.checker.ball_functions import ONE, TWO, ZERO, Ball

Series = Any
ORDER = 4  # value, two derivatives, and the third for the remainder


def variable(at: Ball) -> Series:
    """Return the variable around a ball."""
    return arb_series([at, ONE], ORDER)


def number(x: Ball) -> Series:
    """Return a constant."""
    return arb_series([x], ORDER)


def expit(x: Series) -> Series:
    """Return the logistic function."""
    return 1 / (1 + (-x).exp())


def expit_slope(x: Series) -> Series:
    """Return its slope."""
    e = (-x).exp()
    d = 1 + e
    return e / (d * d)


def tanh_slope(x: Series) -> Series:
    """Return the slope of tanh."""
    e = (-2 * x).exp()
    d = 1 + e
    return 4 * e / (d * d)


def tanh(x: Series) -> Series:
    """Return tanh."""
    return 1 - 2 / (1 + (2 * x).exp())


def ndtr(x: Series) -> Series:
    """Return the normal distribution function."""
    return (x * (-ONE / TWO.sqrt())).erfc() / 2


def density(x: Series) -> Series:
    """Return the normal density."""
    return (x * x * arb(-0.5)).exp() / (TWO * arb.pi()).sqrt()


def whole_power(x: Series, n: int) -> Series:
    """Return a whole power."""
    result, base, left = number(ONE), x, abs(n)
    while left:
        if left & 1:
            result = result * base
        left >>= 1
        if left:
            base = base * base
    return 1 / result if n < 0 else result


def side_of(x: Series) -> int:
    """Return on which side of zero a series' value certainly is, 0 if not known."""
    value = x.coeffs()[0] if x.coeffs() else ZERO
    return 1 if value > ZERO else -1 if value < ZERO else 0
