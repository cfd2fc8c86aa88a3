"""NumPy's rounding, interpolation, and division with a remainder."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.functions.comparisons import where
from deuterium.functions.function_table import implements, refuse
from deuterium.graph import protocols
from deuterium.graph.constructors import as_variable, constant
from deuterium.graph.hooks import provides
from deuterium.graph.variable import Variable
from deuterium.ops.integers import floor_divide, remainder, rint, trunc
from deuterium.ops.interpolation import interpolated
from deuterium.ops.piecewise import absolute, sign

MOST_DECIMALS = 400  # no double has more, and powers of ten take their time


@implements(np.round, np.around)
def round_(a: Any, decimals: int = 0, out: Any = None) -> Variable:
    """Return numbers rounded to a number of decimals, halves to even."""
    refuse("np.round", out=out)
    x = as_variable(a)
    if decimals == 0:
        return rint(x)
    places = abs(int(decimals))
    if places > MOST_DECIMALS:
        raise InvalidInputError(
            f"np.round: at most {MOST_DECIMALS} decimals, got {decimals!r:.40}"
        )
    power = constant(10**places)
    return rint(x * power) / power if decimals > 0 else rint(x / power) * power


@implements(np.fix)
def fix(x: Any, out: Any = None) -> Variable:
    """Return numbers rounded toward zero."""
    refuse("np.fix", out=out)
    return trunc(as_variable(x))


@provides("divmod")
def quotient_and_remainder(a: Any, b: Any) -> tuple[Variable, Variable]:
    """Return the floor of the quotient, and the remainder."""
    return floor_divide(a, b), remainder(a, b)


def fmod(a: Any, b: Any) -> Variable:
    """Return the remainder of the sign of the first argument, as in C."""
    x, y = as_variable(a), as_variable(b)
    return sign(x) * remainder(absolute(x), absolute(y))


protocols.UFUNCS["divmod"] = quotient_and_remainder
protocols.UFUNCS["fmod"] = fmod


@implements(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Variable:
    """Return the polygon through points at ``x``."""
    if any(isinstance(p, Variable) for p in (xp, fp)):
        raise UnsupportedError(
            "np.interp: the points must be numbers, only `x` may be a Variable"
        )
    if period is not None:
        raise UnsupportedError("np.interp: take np.mod(x, period); leave `period` out")
    xs, ys = np.asarray(xp, dtype=np.float64), np.asarray(fp, dtype=np.float64)
    v = as_variable(x)
    try:
        inner = interpolated(v, xs, ys)
    except ValueError as error:
        raise InvalidInputError(f"np.interp: {error}") from None
    if left is not None:
        inner = where(v < xs[0], left, inner)
    return inner if right is None else where(v > xs[-1], right, inner)
