"""Rounding to integers, and division with a remainder.

They are constant between their jumps: the derivative is 0 there, and undefined on an
interval that holds a jump (at an end, too).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import symengine as se

from deuterium.graph.operator import OPERATORS, Operator
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.ops.arithmetic import binary, divide
from deuterium.ops.univariate import unary

_make = Interval.unchecked


def _slope(name: str, value: Any, at_jump: Callable[[Any], Any]) -> Operator:
    """Enter the slope of a function that is constant between its jumps."""

    def enclosure(x: Interval) -> Interval:
        zero = np.zeros(np.shape(x.lower))
        still = (value(x.lower) == value(x.upper)) & ~is_undefined(x)
        jumps = at_jump(x.lower) | at_jump(x.upper)
        return undefined_where(_make(zero, zero), ~still | jumps)

    slope: Operator = unary(
        f"{name}'",
        lambda x: np.zeros(np.shape(x)),
        ulps=0,
        derivative=lambda x: slope(x),
        symbolic=lambda x: se.Integer(0),
        enclosure=enclosure,
        ufunc="",
        code="0.0 * {0}",
    )
    return slope


def _rounding(
    name: str,
    value: Any,
    at_jump: Callable[[Any], Any],
    symbolic: Any,
    code: str = "",
    kinks: tuple[float, ...] = (),
) -> Operator:
    """Enter a nondecreasing function to the integers, whose values are exact."""
    slope = _slope(name, value, at_jump)
    return unary(
        name,
        value,
        ulps=0,
        derivative=slope,
        symbolic=symbolic,
        enclosure=lambda x: _make(value(x.lower), value(x.upper)),
        code=code,
        kinks=kinks,
    )


def _even_halves(x: Any) -> Any:
    """Return the nearest integer, of halves the even one."""
    quarter = (2 * x - 1) / 4
    half_up = se.floor(x + se.Rational(1, 2))
    return half_up + se.ceiling(quarter) - se.floor(quarter) - 1


floor = _rounding("floor", np.floor, lambda x: np.floor(x) == x, se.floor, kinks=(0.0,))
ceil = _rounding("ceil", np.ceil, lambda x: np.floor(x) == x, se.ceiling, kinks=(0.0,))
trunc = _rounding(
    "trunc",
    np.trunc,
    lambda x: (np.trunc(x) == x) & (x != 0),
    lambda x: se.Piecewise((se.floor(x), x >= 0), (se.ceiling(x), True)),
)
rint = _rounding(
    "rint",
    np.rint,
    lambda x: np.abs(x - np.rint(x)) == 0.5,
    _even_halves,
    code="xp.round({0})",
)
floor_slope, ceil_slope, trunc_slope, rint_slope = (
    OPERATORS[f"{name}'"] for name in ("floor", "ceil", "trunc", "rint")
)


def _whole_quotient(a: Interval, b: Interval) -> Interval:
    """Return the hull of ``floor(a / b)``.

    A quotient is monotone in each argument (b has one sign, else it is undefined), so
    its ends are at corners.  There `numpy.floor_divide` is exact while the result is
    small: its ``fmod`` is, and what rounds after it is off by less than 1/2.
    """
    quotient = interval_arithmetic.divide(a, b)
    low, high = np.floor(quotient.lower), np.floor(quotient.upper)
    ends = ((a.lower, b.lower), (a.lower, b.upper), (a.upper, b.lower))
    corners = [np.floor_divide(x, y) for x, y in (*ends, (a.upper, b.upper))]
    least, most = np.minimum.reduce(corners), np.maximum.reduce(corners)
    small = (np.abs(least) < _SMALL) & (np.abs(most) < _SMALL) & (low <= high)
    return _make(np.where(small, least, low), np.where(small, most, high))


# quotients in size: below it, one rounding changes no floor but to a neighbour
_SMALL = 2.0**50


def _quotient_pullback(
    g: Variable, out: Variable, a: Variable, b: Variable
) -> tuple[Variable, Variable]:
    slope = g * floor_slope(divide(a, b))
    return slope, slope


floor_divide = binary(
    "floor_divide",
    np.floor_divide,
    _whole_quotient,
    lambda a, b: se.floor(a / b),
    _quotient_pullback,
    code="xp.floor_divide({0}, {1})",
)


def _remainder_enclosure(a: Interval, b: Interval) -> Interval:
    """Return ``a - b k`` where the quotient k is one number, else all remainders."""
    k = _whole_quotient(a, b)
    one = k.lower == k.upper
    exact = interval_arithmetic.subtract(a, interval_arithmetic.multiply(b, k))
    least, most = np.minimum(b.lower, 0.0), np.maximum(b.upper, 0.0)
    low = np.where(one, np.maximum(exact.lower, least), least)
    high = np.where(one, np.minimum(exact.upper, most), most)
    return undefined_where(_make(low, high), is_undefined(k, a, b))


def _remainder_pullback(
    g: Variable, out: Variable, a: Variable, b: Variable
) -> tuple[Variable, Variable]:
    jumps = floor_slope(divide(a, b))  # 0, or undefined
    return g * (1 + jumps), g * (jumps - floor_divide(a, b))


remainder = binary(
    "remainder",
    np.remainder,
    _remainder_enclosure,
    lambda a, b: a - b * se.floor(a / b),
    _remainder_pullback,
    code="xp.remainder({0}, {1})",
)
"""``a - b * floor(a / b)``, of the sign of b."""
