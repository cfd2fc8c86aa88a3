"""Functions of one variable as power series, for Taylor's formula.

`arb_series` carries the value and the first derivatives of a function; over a ball that
is a cell, its coefficients hold those at every point of the cell.  At a kink, the side
that a cell lies on decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flint import arb, arb_series

from deuterium.certify.checker.ball_functions import ONE, TWO, ZERO, Ball
from deuterium.certify.checker.exceptions import NoBound

Series = Any
ORDER = 4  # value, two derivatives, and the third for the remainder


def variable(at: Ball) -> Series:
    """Return the variable around a ball."""
    return arb_series([at, ONE], ORDER)


def number(x: Ball) -> Series:
    """Return a constant."""
    return arb_series([x], ORDER)


def _expit(x: Series) -> Series:
    return 1 / (1 + (-x).exp())


def _expit_slope(x: Series) -> Series:
    e = (-x).exp()
    d = 1 + e
    return e / (d * d)


def _tanh_slope(x: Series) -> Series:
    e = (-2 * x).exp()
    d = 1 + e
    return 4 * e / (d * d)


def _tanh(x: Series) -> Series:
    return 1 - 2 / (1 + (2 * x).exp())


def _ndtr(x: Series) -> Series:
    return (x * (-ONE / TWO.sqrt())).erfc() / 2


def _density(x: Series) -> Series:
    return (x * x * arb(-0.5)).exp() / (TWO * arb.pi()).sqrt()


SMOOTH: Mapping[str, Callable[[Series], Series]] = {
    "arccos": lambda x: x.acos(),
    "arcsin": lambda x: x.asin(),
    "arcsinh": lambda x: (x + (x * x + 1).sqrt()).log(),
    "arctan": lambda x: x.atan(),
    "arctanh": lambda x: ((1 + x) / (1 - x)).log() / 2,
    "cos": lambda x: x.cos(),
    "cosh": lambda x: (x.exp() + (-x).exp()) / 2,
    "entr": lambda x: -(x * x.log()),
    "erf": lambda x: x.erf(),
    "erfc": lambda x: x.erfc(),
    "exp": lambda x: x.exp(),
    "exp2": lambda x: (x * TWO.log()).exp(),
    "expit": _expit,
    "expit'": _expit_slope,
    "expit''": lambda x: -(_expit_slope(x) * _tanh(x * arb(0.5))),
    "expm1": lambda x: x.exp() - 1,
    "log": lambda x: x.log(),
    "log10": lambda x: x.log() / arb(10).log(),
    "log1p": lambda x: (1 + x).log(),
    "log2": lambda x: x.log() / TWO.log(),
    "log_cosh": lambda x: ((x.exp() + (-x).exp()) / 2).log(),
    "log_expit": lambda x: -((1 + (-x).exp()).log()),
    "log_ndtr": lambda x: _ndtr(x).log(),
    "log_ndtr'": lambda x: _density(x) / _ndtr(x),
    "logit": lambda x: (x / (1 - x)).log(),
    "logit'": lambda x: 1 / (x * (1 - x)),
    "ndtr": _ndtr,
    "negative": lambda x: -x,
    "reciprocal": lambda x: 1 / x,
    "sin": lambda x: x.sin(),
    "sinh": lambda x: (x.exp() - (-x).exp()) / 2,
    "sqrt": lambda x: x.sqrt(),
    "square": lambda x: x * x,
    "tan": lambda x: x.tan(),
    "tanh": _tanh,
    "tanh'": _tanh_slope,
    "tanh''": lambda x: -2 * _tanh(x) * _tanh_slope(x),
}
"""Functions without kinks; others of one variable are known by ranges only."""

KINKS: Mapping[str, tuple[Callable[[Series], Series], Callable[[Series], Series]]] = {
    "relu": (lambda x: number(ZERO), lambda x: x),
    "relu'": (lambda x: number(ZERO), lambda x: number(ONE)),
    "absolute": (lambda x: -x, lambda x: x),
    "absolute'": (lambda x: number(-ONE), lambda x: number(ONE)),
    "sign": (lambda x: number(-ONE), lambda x: number(ONE)),
    "flat": (lambda x: number(ZERO), lambda x: number(ZERO)),
}
"""Functions with a kink at zero: what they are below and above it."""

JUMPS = {"absolute'", "sign"}
"""Those that at zero itself have the value of neither side."""

TWO_VARIABLES: Mapping[str, Callable[[Series, Series], Series]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
}


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


def applied(
    name: str, args: list[Series], attrs: Mapping[str, Any], side: int
) -> Series:
    """Return an operator's series; ``side`` is the cell's, of a plain coordinate."""
    if name in KINKS:
        side = side or side_of(args[0])
        if side:
            return KINKS[name][side > 0](args[0])
    elif name == "integer_power":
        return whole_power(args[0], attrs["n"])
    elif name in SMOOTH:
        return SMOOTH[name](args[0])
    elif name in TWO_VARIABLES:
        return TWO_VARIABLES[name](*args)
    raise NoBound(f"no series of {name}")
