"""Functions with a pole, whose argument a condition keeps away from it, on balls."""

from __future__ import annotations

from deuterium.certify.checker.ball_functions import ONE, UNKNOWN, ZERO, Ball
from deuterium.certify.checker.unary_ranges import Range, reciprocal


def _log(a: Ball, b: Ball) -> Range:
    """Return the range over the positive numbers: no lower end is known at 0."""
    return a.log() if a > ZERO else UNKNOWN, b.log() if b > ZERO else UNKNOWN


def _reciprocal(a: Ball, b: Ball) -> Range:
    """Return the range over what is not 0: on one side of it, one end is known."""
    if a > ZERO or b < ZERO:
        return reciprocal(a, b)
    return (
        ONE / b if a >= ZERO and b > ZERO else UNKNOWN,
        ONE / a if b <= ZERO and a < ZERO else UNKNOWN,
    )


RANGES = {"log": _log, "reciprocal": _reciprocal}
VALUES = {"log": lambda x: x.log(), "reciprocal": lambda x: ONE / x}
