"""Ranges of the functions of two variables, each in an interval of its own."""

from __future__ import annotations

from collections.abc import Callable

from flint import arb

from deuterium.certify.checker.ball_functions import (
    LARGEST_POWER,
    ONE,
    ZERO,
    Ball,
    cosine,
    larger,
    logaddexp,
    smaller,
)
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.unary_ranges import (
    Range,
    Rule,
    integer_power,
    rising,
    valley,
)

Rule2 = Callable[[Ball, Ball, Ball, Ball], Range]

SIZES = valley(abs, ZERO)  # the range of the absolute value
EXPONENTIAL = rising(arb.exp, ZERO)


def times(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    """Return the product of [a, b] and [c, d]; zero times no matter what is zero."""
    if (b.is_zero() and a.is_zero()) or (d.is_zero() and c.is_zero()):
        return ZERO, ZERO
    if a >= ZERO:
        if c >= ZERO:
            return a * c, b * d
        if d <= ZERO:
            return b * c, a * d
        return b * c, b * d
    if b <= ZERO:
        if c >= ZERO:
            return a * d, b * c
        if d <= ZERO:
            return b * d, a * c
        return a * d, a * c
    if c >= ZERO:
        return a * d, b * d
    if d <= ZERO:
        return b * c, a * c
    ac, bd, ad, bc = a * c, b * d, a * d, b * c
    # beside the products of opposite signs, where the signs are not certain, all four
    return (
        smaller(smaller(ad, bc), smaller(ac, bd)),
        larger(larger(ac, bd), larger(ad, bc)),
    )


def over(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    """Return the quotient of [a, b] and [c, d]."""
    if d < ZERO:
        a, b, c, d = -b, -a, -d, -c
    elif not c > ZERO:
        raise NoBound("division by what may be zero")
    if a >= ZERO:
        low = a / d
        return low if low >= ZERO else ZERO, b / c
    if b <= ZERO:
        high = b / d
        return a / c, high if high <= ZERO else ZERO
    return smaller(a / c, a / d), larger(b / c, b / d)


def power(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    """Return [a, b] to the power [c, d]."""
    if c == d and c.is_exact() and c.is_integer() and abs(c) <= LARGEST_POWER:
        return integer_power(int(c.unique_fmpz()))(a, b)
    if a > ZERO:
        return EXPONENTIAL(*times(a.log(), b.log(), c, d))
    if not (a >= ZERO and c >= ZERO):
        raise NoBound("a power of what may be negative, or of zero to a negative one")
    top = b.upper()
    if top <= ZERO:
        return ZERO, ZERO if c > ZERO else ONE
    t = top.log()
    return ZERO, larger(c * t, d * t).exp()


def times_log(logarithm: Rule) -> Rule2:
    """Return the rule of ``x log(y)``, given that of the logarithm."""

    def product(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
        if a.is_zero() and b.is_zero():
            return ZERO, ZERO
        return times(a, b, *logarithm(c, d))

    return product


def above(a: Ball, c: Ball) -> Ball:
    """Return what is not above the larger of two numbers that may be unknown."""
    if a.is_finite() and c.is_finite():
        return larger(a, c)
    return a if a.is_finite() else c


def below(b: Ball, d: Ball) -> Ball:
    """Return what is not below the smaller of two numbers that may be unknown."""
    return -above(-b, -d)


def log_add_exp(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    """Return the range of ``log(exp(x) + exp(y))``."""
    low, floor = logaddexp(a, c), above(a, c)
    return low if low >= floor else floor, logaddexp(b, d)


def hypot(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    """Return the length of the vector with legs in [a, b] and [c, d]."""
    (p, q), (r, s) = SIZES(a, b), SIZES(c, d)
    low = ZERO if p.is_zero() and r.is_zero() else (p * p + r * r).sqrt()
    for leg in (p, r):  # no length is below a leg, whatever a root is rounded to
        low = leg if leg.lower() >= low.lower() else low
    high = q * q + s * s
    return low if low >= ZERO else ZERO, (high if high >= ZERO else high.upper()).sqrt()


def direction_cosine(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    """Return the range of ``x / hypot(x, y)``, anything of its sign at the origin."""
    near, far = SIZES(c, d)
    least, most = ZERO if a >= ZERO else -ONE, ZERO if b <= ZERO else ONE
    if not (a > ZERO or b < ZERO or near > ZERO):
        return least, most
    # rises in x; falls in |y| where x > 0, and rises where x < 0
    if a >= ZERO:
        low = cosine(a, far)
    else:
        low = cosine(a, near) if a <= ZERO else smaller(cosine(a, near), cosine(a, far))
    if b <= ZERO:
        high = cosine(b, far)
    else:
        high = cosine(b, near) if b >= ZERO else larger(cosine(b, near), cosine(b, far))
    return low if low >= least else least, high if high <= most else most
