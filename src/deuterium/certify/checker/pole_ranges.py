"""Functions with a pole, whose argument a condition keeps away from it, on balls."""

from __future__ import annotations

from collections.abc import Mapping

from flint import arb

from deuterium.certify.checker.ball_functions import ONE, UNKNOWN, ZERO, Ball, Function
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.unary_ranges import Range, Rule, reciprocal, tan


def _rising(f: Function, pole: Ball) -> Rule:
    """Return the range over what lies above the pole; no lower end is known there."""
    return lambda a, b: (
        f(a) if a > pole else UNKNOWN,
        f(b) if b > pole else UNKNOWN,
    )


def _tan(a: Ball, b: Ball) -> Range:
    try:
        return tan(a, b)
    except NoBound:
        return UNKNOWN, UNKNOWN


def _reciprocal(a: Ball, b: Ball) -> Range:
    """Return the range over what is not 0: on one side of it, one end is known."""
    if a > ZERO or b < ZERO:
        return reciprocal(a, b)
    return (
        ONE / b if a >= ZERO and b > ZERO else UNKNOWN,
        ONE / a if b <= ZERO and a < ZERO else UNKNOWN,
    )


VALUES: Mapping[str, Function] = {
    "log": arb.log,
    "log2": lambda x: x.log_base(2),
    "log10": lambda x: x.log_base(10),
    "log1p": arb.log1p,
    "reciprocal": lambda x: ONE / x,
    "tan": arb.tan,
}
RANGES: Mapping[str, Rule] = {
    **{name: _rising(VALUES[name], ZERO) for name in ("log", "log2", "log10")},
    "log1p": _rising(arb.log1p, -ONE),
    "reciprocal": _reciprocal,
    "tan": _tan,
}
