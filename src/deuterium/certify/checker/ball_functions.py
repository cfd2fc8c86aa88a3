"""The functions of one real variable, on balls.

Each takes a ball and returns one that holds the function's value at every point of it
where it is defined.  They are written so that the relative accuracy is kept where an
argument is a tight ball: the tails of the logistic and normal functions too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import arb, ctx

Ball = Any
Function = Callable[[Ball], Ball]

ZERO, ONE, TWO, HALF = arb(0), arb(1), arb(2), arb(0.5)  # as balls, which are exact
INFINITY, UNKNOWN = arb("inf"), arb("nan")


def cbrt(x: Ball) -> Ball:
    """Return the real cube root."""
    if x > ZERO:
        return x.root(3)
    if x < ZERO:
        return -((-x).root(3))
    most = ZERO if x.is_zero() else abs(x).upper().root(3)
    return between(-most, most)


def exp2(x: Ball) -> Ball:
    """Return two to the power x."""
    return (x * TWO.log()).exp()


def expit(x: Ball) -> Ball:
    """Return the logistic function."""
    if x > ZERO:
        return ONE / (ONE + (-x).exp())
    e = x.exp()
    return e / (ONE + e)


def expit_slope(x: Ball) -> Ball:
    """Return the first derivative of the logistic function."""
    e = (-abs(x)).exp()
    d = ONE + e
    return e / (d * d)


def expit_curvature(x: Ball) -> Ball:
    """Return the second derivative of the logistic function."""
    return -(expit_slope(x) * (HALF * x).tanh())


def log_expit(x: Ball) -> Ball:
    """Return the logarithm of the logistic function."""
    if x > ZERO:
        return -((-x).exp().log1p())
    return x - x.exp().log1p()


def tanh_slope(x: Ball) -> Ball:
    """Return the first derivative of tanh."""
    e = (-TWO * abs(x)).exp()  # never too large, as cosh may be
    d = ONE + e
    return TWO * TWO * e / (d * d)


def tanh_curvature(x: Ball) -> Ball:
    """Return the second derivative of tanh."""
    return -(TWO * x.tanh() * tanh_slope(x))


def logit(x: Ball) -> Ball:
    """Return the inverse of the logistic function."""
    return (x / (ONE - x)).log()


def logit_slope(x: Ball) -> Ball:
    """Return the first derivative of logit, on its domain."""
    return ONE / (x * (ONE - x)) if x > ZERO and x < ONE else UNKNOWN


def ndtr(x: Ball) -> Ball:
    """Return the distribution function of the normal distribution."""
    return HALF * (-x / TWO.sqrt()).erfc()


TAIL = -arb(64)  # below it, the series of the tail falls for TERMS terms, to 2**-2900
TERMS = 2000  # of that series at most


def _tail(x: Ball) -> Ball:
    """Return ``-x ndtr(x) / density(x)`` of what is below `TAIL`.

    An alternating series whose error is less than the first term left out (DLMF
    7.12.1).
    """
    total = term = ONE
    factor = -ONE / (x * x)
    for k in range(TERMS if factor.is_finite() else 0):
        if abs(term) < arb(2) ** -(ctx.prec + 8):
            return total + between(-abs(term), abs(term))
        term = term * factor * (2 * k + 1)
        total = total + term
    return UNKNOWN


def log_ndtr(x: Ball) -> Ball:
    """Return the logarithm of the normal distribution function."""
    if x > ZERO:
        return (-ndtr(-x)).log1p()
    if x < TAIL:
        scale = -x * (TWO * arb.pi()).sqrt()
        return _tail(x).log() - HALF * x * x - scale.log()
    return ndtr(x).log()


def log_ndtr_slope(x: Ball) -> Ball:
    """Return the derivative of log_ndtr: the inverse Mills ratio."""
    if x < TAIL:
        return -x / _tail(x)
    return (-HALF * x * x).exp() / (TWO * arb.pi()).sqrt() / ndtr(x)


def whole_power(x: Ball, n: int) -> Ball:
    """Return a whole power, also of a ball that holds zero."""
    if n == 0:
        return ONE if x.is_finite() else UNKNOWN
    if abs(x) == INFINITY:  # an end, whose powers flint knows of the upper one only
        return ZERO if n < 0 else -INFINITY if x < ZERO and n % 2 else INFINITY
    if n < 0 or x > ZERO or x < ZERO or x.is_exact():
        return x**n
    most = abs(x).upper() ** n
    return between(-most if n % 2 else ZERO, most)


def logaddexp(x: Ball, y: Ball) -> Ball:
    """Return ``log(exp(x) + exp(y))``."""
    return larger(x, y) + share(-abs(x - y)).log1p()


def share(x: Ball) -> Ball:
    """Return exp of a number that is not above zero, whatever its ball says."""
    e = x.exp()
    return e if e <= TWO else HALF.union(ZERO).union(ONE)


def larger(x: Ball, y: Ball) -> Ball:
    """Return the maximum."""
    if x >= y:
        return x
    return y if y >= x else x.max(y)


def smaller(x: Ball, y: Ball) -> Ball:
    """Return the minimum."""
    if x <= y:
        return x
    return y if y <= x else x.min(y)


def between(low: Ball, high: Ball) -> Ball:
    """Return a ball that holds both, and all between."""
    return low.union(high)


def where_known(f: Callable[..., Ball]) -> Callable[..., Ball]:
    """Return a function whose value is not known where an argument is not.

    For those that would hide it: a step of what is undefined is not 0 or 1.
    """

    def known(*x: Ball) -> Ball:
        return f(*x) if all(e.is_finite() for e in x) else UNKNOWN

    return known


@where_known
def sign(x: Ball) -> Ball:
    """Return the sign, 0 at 0."""
    return x.sgn()


@where_known
def step(x: Ball) -> Ball:
    """Return 1 for positive numbers, else 0."""
    if x > ZERO:
        return ONE
    return ZERO if x <= ZERO else HALF.union(ZERO).union(ONE)


@where_known
def entr(x: Ball) -> Ball:
    """Return ``-x log(x)``, 0 at 0."""
    if x.is_zero():
        return ZERO
    return -(x * x.log()) if x > ZERO else UNKNOWN


def log_cosh(x: Ball) -> Ball:
    """Return the logarithm of cosh."""
    size = abs(x)
    if size > ONE:
        return size + (-TWO * size).exp().log1p() - TWO.log()
    half = (HALF * x).sinh()
    return (TWO * half * half).log1p()


# -- two variables -------------------------------------------------------------------

LARGEST_POWER = 2**53  # whole exponents beyond it are not told from others


def power(x: Ball, y: Ball) -> Ball:
    """Return x to the power y."""
    if y.is_exact() and y.is_integer() and abs(y) <= LARGEST_POWER:
        return whole_power(x, int(y.unique_fmpz()))
    if x.is_zero() and y > ZERO:
        return ZERO if y.is_finite() else UNKNOWN
    return (y * x.log()).exp()


def times_log(log: Function) -> Callable[[Ball, Ball], Ball]:
    """Return ``x log(y)``, which is zero where x is."""
    return where_known(lambda x, y: ZERO if x.is_zero() else x * log(y))


def hypot(x: Ball, y: Ball) -> Ball:
    """Return the length of a vector with two legs."""
    return (x * x + y * y).sqrt()


def cosine(x: Ball, y: Ball) -> Ball:
    """Return ``x / hypot(x, y)`` away from the origin."""
    return x / hypot(x, y)


@where_known
def direction_cosine(x: Ball, y: Ball) -> Ball:
    """Return ``x / hypot(x, y)``, and 0 at the origin."""
    if x.is_zero():
        return ZERO
    if y.is_zero() and (x > ZERO or x < ZERO):
        return ONE if x > ZERO else -ONE
    return cosine(x, y) if x > ZERO or x < ZERO or y > ZERO or y < ZERO else arb(0, 1)
