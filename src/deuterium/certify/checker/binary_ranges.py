"""Ranges of the functions of two variables, each in an interval of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from deuterium.certify.checker.ball_functions import (
    ONE,
    ZERO,
    Ball,
    larger,
    logaddexp,
    smaller,
)
from deuterium.certify.checker.entropy_ranges import (
    kl_div_range,
    power_log_range,
    rel_entr_range,
)
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.quotient_ranges import (
    exp_difference_range,
    log_difference_range,
)
from deuterium.certify.checker.unary_ranges import RULES, Range, integer_power

Rule2 = Callable[[Ball, Ball, Ball, Ball], Range]

LARGEST_POWER = 2**53  # whole exponents beyond it are not told from others


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


def guarded_over(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    """Return the quotient, zero where the numerator is, whatever the denominator."""
    if a.is_zero() and b.is_zero():
        if not (c.is_finite() and d.is_finite()):
            raise NoBound("zero over what may not be defined")
        return ZERO, ZERO
    return over(a, b, c, d)


def power(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    """Return [a, b] to the power [c, d]."""
    if c == d and c.is_exact() and c.is_integer() and abs(c) <= LARGEST_POWER:
        return integer_power(int(c.unique_fmpz()))(a, b)
    if a > ZERO:
        low, high = times(*RULES["log"](a, b), c, d)
        return low.exp(), high.exp()
    if not (a >= ZERO and c >= ZERO):
        raise NoBound("a power of what may be negative, or of zero to a negative one")
    top = b.upper()
    if top <= ZERO:
        return ZERO, ZERO if c > ZERO else ONE
    t = top.log()
    return ZERO, larger(c * t, d * t).exp()


def _times_log(logarithm: str) -> Rule2:
    rule = RULES[logarithm]

    def product(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
        if a.is_zero() and b.is_zero():
            return ZERO, ZERO
        return times(a, b, *rule(c, d))

    return product


def above(a: Ball, c: Ball) -> Ball:
    """Return what is not above the larger of two numbers that may be unknown."""
    if a.is_finite() and c.is_finite():
        return larger(a, c)
    return a if a.is_finite() else c


def below(b: Ball, d: Ball) -> Ball:
    """Return what is not below the smaller of two numbers that may be unknown."""
    return -above(-b, -d)


def _logaddexp(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    low, floor = logaddexp(a, c), above(a, c)
    return low if low >= floor else floor, logaddexp(b, d)


def hypot(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    """Return the length of the vector with legs in [a, b] and [c, d]."""
    (p, q), (r, s) = RULES["absolute"](a, b), RULES["absolute"](c, d)
    low = ZERO if p.is_zero() and r.is_zero() else (p * p + r * r).sqrt()
    return low if low >= ZERO else ZERO, (q * q + s * s).sqrt()


def cosine(x: Ball, y: Ball) -> Ball:
    """Return ``x / hypot(x, y)`` away from the origin."""
    return x / (x * x + y * y).sqrt()


def _direction_cosine(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    near, far = RULES["absolute"](c, d)
    if not (a > ZERO or b < ZERO or near > ZERO):
        if a.is_zero() and b.is_zero():
            return ZERO, ZERO
        return -ONE, ONE
    # rises in x; falls in |y| where x > 0, and rises where x < 0
    if a >= ZERO:
        low = cosine(a, far)
    else:
        low = cosine(a, near) if a <= ZERO else smaller(cosine(a, near), cosine(a, far))
    if b <= ZERO:
        high = cosine(b, far)
    else:
        high = cosine(b, near) if b >= ZERO else larger(cosine(b, near), cosine(b, far))
    return low if low >= -ONE else -ONE, high if high <= ONE else ONE


RULES2: Mapping[str, Rule2] = {
    "add": lambda a, b, c, d: (a + c, b + d),
    "subtract": lambda a, b, c, d: (a - d, b - c),
    "multiply": times,
    "divide": over,
    "guarded_divide": guarded_over,
    "power": power,
    "maximum": lambda a, b, c, d: (above(a, c), larger(b, d)),
    "minimum": lambda a, b, c, d: (smaller(a, c), below(b, d)),
    "xlogy": _times_log("log"),
    "xlog1py": _times_log("log1p"),
    "logaddexp": _logaddexp,
    "hypot": hypot,
    "rel_entr": rel_entr_range,
    "kl_div": kl_div_range,
    "direction_cosine": _direction_cosine,
}
"""The range of every operator of two variables without attributes."""

BY_ORDER2: Mapping[str, Callable[..., Rule2]] = {
    "power_log": power_log_range,
    "exp_difference": exp_difference_range,
    "log_difference": log_difference_range,
}
"""Those with attributes: what makes the rule of them."""
