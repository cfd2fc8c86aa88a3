"""Ranges of the functions of one variable over an interval.

An interval is a pair of balls: there are numbers in the two balls between which every
value lies.  A ball that is not finite says nothing.  A comparison of balls is true only
if it is certain, so a rule takes the branch that is proved, or else the one that always
holds.

Where each function is defined, rises, falls and turns is stated here, apart from the
operators' own records.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from flint import arb

from deuterium.certify.checker import ball_functions
from deuterium.certify.checker.ball_functions import (
    HALF,
    ONE,
    TWO,
    ZERO,
    Ball,
    Function,
    larger,
    smaller,
    whole_power,
)
from deuterium.certify.checker.exceptions import NoBound

Range = tuple[Ball, Ball]
Rule = Callable[[Ball, Ball], Range]

LARGE = 2.0**50  # beyond it a double does not say which half wave it is in
FAR = arb(2) ** 20  # what grows fast is a ball there, and no double; beyond, it is none


def rising(f: Function, low: Ball = None, high: Ball = None) -> Rule:
    """Return the rule of a function that rises, with values in [low, high]."""

    def rule(a: Ball, b: Ball) -> Range:
        c = f(a)
        d = c if a is b else f(b)
        if not c.is_finite():
            c = f(FAR if a > FAR else a.lower())
        if not d.is_finite():  # the ball of an end may lie in part where f has no value
            d = f(-FAR if b < -FAR else b.upper())
        if low is not None and not c > low:
            c = low
        if high is not None and not d < high:
            d = high
        return c, d

    return rule


def falling(f: Function, low: Ball = None, high: Ball = None) -> Rule:
    """Return the rule of a function that falls, with values in [low, high]."""
    mirrored = rising(lambda x: f(-x), low, high)

    def rule(a: Ball, b: Ball) -> Range:
        return mirrored(-b, -b if a is b else -a)

    return rule


def through(rule: Rule, *points: tuple[float, float], rises: bool = True) -> Rule:
    """Return the rule of a monotone function whose value at some points is exact.

    Beyond them it is certainly on one side of that value, however close.
    """
    exact = [(arb(x if rises else -x), arb(y)) for x, y in points]

    def kept(a: Ball, b: Ball) -> Range:
        c, d = rule(a, b)
        first, last = (a, b) if rises else (-b, -a)
        for x, y in exact:
            if first >= x and not c >= y:
                c = y
            if last <= x and not d <= y:
                d = y
        return c, d

    return kept


def within(
    rule: Rule, name: str, low: Ball = None, high: Ball = None, *, closed: bool
) -> Rule:
    """Return a rule for the arguments between two ends; elsewhere there is no bound."""

    def checked(a: Ball, b: Ball) -> Range:
        if low is not None and not (a >= low if closed else a > low):
            raise NoBound(
                f"{name} of what may not be {'>='[: 1 + closed]} {low.str(5)}"
            )
        if high is not None and not (b <= high if closed else b < high):
            raise NoBound(
                f"{name} of what may not be {'<='[: 1 + closed]} {high.str(5)}"
            )
        return rule(a, b)

    return checked


def valley(f: Function, bottom: Ball) -> Rule:
    """Return the rule of an even function that rises away from zero."""
    rises = rising(f, bottom)

    def rule(a: Ball, b: Ball) -> Range:
        if a >= ZERO:
            return rises(a, b)
        if b <= ZERO:
            return rises(-b, -b if a is b else -a)
        return bottom, larger(f(a), f(b))

    return rule


def hill(f: Function, top: Ball) -> Rule:
    """Return the rule of an even positive function that falls away from zero."""

    def rule(a: Ball, b: Ball) -> Range:
        if a >= ZERO:
            d = f(a)
            c = d if a is b else f(b)
        elif b <= ZERO:
            c, d = f(a), f(b)
        else:
            c, d = smaller(f(a), f(b)), top
        return c if c > ZERO else ZERO, d if d < top else top

    return rule


def wave(f: Function, turn: Callable[[], Ball]) -> Rule:
    """Return the rule of an odd function, largest at -turn and least at turn."""

    def rule(a: Ball, b: Ball) -> Range:
        t = turn()
        c = f(a)
        d = c if a is b else f(b)
        return wave_between(a, b, (c, d), t, f(t))

    return rule


def wave_between(a: Ball, b: Ball, values: Range, turn: Ball, bottom: Ball) -> Range:
    """Return the range of such a function, given its values at the two ends.

    It is negative above zero, and positive below.
    """
    low, high = values
    if a >= -turn and b <= turn:
        low, high = high, low
    elif not (b <= -turn or a >= turn):
        low, high = smaller(low, high), larger(low, high)
        if not (b < turn or a > turn):
            low = bottom
        if not (b < -turn or a > -turn):
            high = -bottom
    least = ZERO if b <= ZERO else bottom
    most = ZERO if a >= ZERO else -bottom
    return low if low >= least else least, high if high <= most else most


def logit_slope(a: Ball, b: Ball) -> Range:
    """Return the range of the slope of logit, least at 1/2."""
    c, d = ball_functions.logit_slope(a), ball_functions.logit_slope(b)
    if b <= HALF:
        return d, c
    if a >= HALF:
        return c, d
    return arb(4), larger(c, d)


def reciprocal(a: Ball, b: Ball) -> Range:
    """Return the range of ``1 / x``."""
    if a > ZERO:
        c = ONE / b
        return c if c > ZERO else ZERO, ONE / a
    if b < ZERO:
        d = ONE / a
        return ONE / b, d if d < ZERO else ZERO
    raise NoBound("division by what may be zero")


# -- periodic ------------------------------------------------------------------------


def _middle(a: Ball, b: Ball) -> float:
    """Return about the middle of an interval, in units of pi."""
    return float((HALF * (a + b)).mid()) / math.pi


def periodic(f: Function, offset: Ball) -> Rule:
    """Return the rule of a sine that rises on ``(offset + [-1/2, 1/2]) pi``."""
    shift = float(offset)

    def rule(a: Ball, b: Ball) -> Range:
        c = f(a)
        d = c if a is b else f(b)
        middle = _middle(a, b) - shift
        if abs(middle) < LARGE:
            k = round(middle)
            if _between_turns(a, b, k + offset):
                c, d = (c, d) if k % 2 == 0 else (d, c)
                return c if c >= -ONE else -ONE, d if d <= ONE else ONE
        return _with_turns(a, b, smaller(c, d), larger(c, d), offset)

    return rule


def _between_turns(a: Ball, b: Ball, centre: Ball) -> bool:
    pi = arb.pi()
    return bool(a >= (centre - HALF) * pi and b <= (centre + HALF) * pi)


def _with_turns(a: Ball, b: Ball, low: Ball, high: Ball, offset: Ball) -> Range:
    """Return the range where the sine may turn."""
    low, high = low if low >= -ONE else -ONE, high if high <= ONE else ONE
    if not (b - a).is_finite() or _may_hold(a, b, offset + HALF):
        high = ONE
    if not (b - a).is_finite() or _may_hold(a, b, offset - HALF):
        low = -ONE
    return low, high


def _may_hold(a: Ball, b: Ball, at: Ball) -> bool:
    """Return whether some ``(at + 2 k) pi`` may lie in the interval."""
    two_pi = TWO * arb.pi()
    first = ((a - at * arb.pi()) / two_pi).lower().ceil()
    last = ((b - at * arb.pi()) / two_pi).upper().floor()
    return not first > last


def tan(a: Ball, b: Ball) -> Range:
    """Return the range of the tangent between two poles."""
    middle = _middle(a, b)
    if abs(middle) < LARGE:
        k, pi = round(middle), arb.pi()
        if a > (k - HALF) * pi and b < (k + HALF) * pi:
            c = a.tan()
            return c, c if a is b else b.tan()
    raise NoBound("tan over what may be a pole")


# -- jumps ---------------------------------------------------------------------------


def relu(a: Ball, b: Ball) -> Range:
    """Return the range of ``max(x, 0)``."""
    low = a if a > ZERO else ZERO
    return low, low if a is b and low is a else larger(b, ZERO)


def sign(a: Ball, b: Ball) -> Range:
    """Return the range of the sign."""
    low = ONE if a > ZERO else ZERO if a >= ZERO else -ONE
    high = -ONE if b < ZERO else ZERO if b <= ZERO else ONE
    return low, high


def sign_slope(a: Ball, b: Ball) -> Range:
    """Slope of the absolute value: both sides at its kink."""
    return ONE if a > ZERO else -ONE, -ONE if b < ZERO else ONE


def step_slope(a: Ball, b: Ball) -> Range:
    """Slope of relu as a derivative: both sides at its kink."""
    return ONE if a > ZERO else ZERO, ZERO if b < ZERO else ONE


def step_value(a: Ball, b: Ball) -> Range:
    """Slope of relu as a function: 0 at the kink."""
    return ONE if a > ZERO else ZERO, ZERO if b <= ZERO else ONE


def flat(a: Ball, b: Ball) -> Range:
    """Return the slope of a jump at zero, away from it."""
    if a > ZERO or b < ZERO:
        return ZERO, ZERO
    raise NoBound("the slope of a jump that may lie inside")


def integer_power(n: int) -> Rule:
    """Return the rule of a whole power."""
    if n < 0:
        positive = integer_power(-n)

        def inverse(a: Ball, b: Ball) -> Range:
            if a > ZERO or b < ZERO:
                return reciprocal(*positive(a, b))
            raise NoBound("a negative power of what may be zero")

        return inverse
    if n == 0:
        return lambda a, b: (ONE, ONE)
    power = partial(whole_power, n=n)
    return valley(power, ZERO) if n % 2 == 0 else rising(power)
