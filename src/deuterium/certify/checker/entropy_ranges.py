"""Entropies and logarithms times powers, on balls and over intervals."""

from __future__ import annotations

from collections.abc import Callable

from deuterium.certify.checker.ball_functions import (
    INFINITY,
    ONE,
    UNKNOWN,
    ZERO,
    Ball,
    entr,
    larger,
    smaller,
    where_known,
)
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.unary_ranges import FAR

Range = tuple[Ball, Ball]
Rule2 = Callable[[Ball, Ball, Ball, Ball], Range]


def entr_range(a: Ball, b: Ball) -> Range:
    """Rise up to 1 / e, and fall from there."""
    if not a >= ZERO:
        raise NoBound("entr of what may be negative")
    c = entr(a)
    if a is b:
        return c, c
    d = entr(b if b > ZERO else b.upper())  # its ball may reach below 0
    top = (-ONE).exp()
    if b <= top and c.is_finite():
        return c, d
    if a >= top:
        return d, c
    low = smaller(c, d) if c.is_finite() else smaller(ZERO, d)
    return low, top


def _rel_entr(x: Ball, y: Ball) -> Ball:
    if x.is_zero():
        return ZERO if y >= ZERO else UNKNOWN
    return x * (x / y).log() if x > ZERO and y > ZERO else UNKNOWN


rel_entr = where_known(_rel_entr)


@where_known
def kl_div(x: Ball, y: Ball) -> Ball:
    """Return ``x log(x / y) - x + y``, with ``0 log 0 = 0``."""
    return _rel_entr(x, y) - x + y


def _require_pair(name: str, a: Ball, b: Ball, c: Ball) -> None:
    if not a >= ZERO or not (c > ZERO or (b.is_zero() and c >= ZERO)):
        raise NoBound(f"{name} of what may be negative, or of some over zero")


def rel_entr_range(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    """Fall in y; convex in x, least at ``x = y / e``."""
    _require_pair("rel_entr", a, b, c)
    high = larger(rel_entr(a, c), rel_entr(b, c))
    turn = d / ONE.exp()
    if b <= turn:
        return rel_entr(b, d), high
    if a >= turn:
        return rel_entr(a, d), high
    return -turn, high


def kl_div_range(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    """Convex in each argument, and zero where both are equal."""
    _require_pair("kl_div", a, b, c)
    high = larger(
        larger(kl_div(a, c), kl_div(a, d)), larger(kl_div(b, c), kl_div(b, d))
    )
    low = kl_div(a, d) if a > d else kl_div(b, c) if b < c else ZERO
    return low if low > ZERO else ZERO, high


def power_log(n: int) -> Callable[[Ball, Ball], Ball]:
    """Return ``x**y log(x)**n``, 0 where x is 0."""

    @where_known
    def at(x: Ball, y: Ball) -> Ball:
        if x.is_zero():
            return ZERO if y > ZERO else UNKNOWN
        if not x > ZERO:
            return UNKNOWN
        log = x.log()
        return (y * log).exp() * log**n

    return at


def power_log_range(n: int) -> Rule2:
    """Monotone in y; turn where ``log(x)`` is ``-n / y``, or 0."""
    inside = power_log(n)

    def at(x: Ball, y: Ball) -> Ball:
        """Return the value, or what it tends to far out, where the power decides."""
        if x.is_finite() and y.is_finite():
            return inside(x, y)
        if x > ONE:
            return INFINITY if y >= ZERO else ZERO if y < ZERO else UNKNOWN
        if (x - ONE).is_zero() or (ZERO <= x < ONE and y > ZERO):
            return ZERO if y >= ZERO or y < ZERO else UNKNOWN
        out = INFINITY if n % 2 == 0 else -INFINITY
        return out if ZERO < x < ONE and y < ZERO else UNKNOWN

    def rule(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
        if not (a > ZERO or (a >= ZERO and c > ZERO)):
            raise NoBound("a logarithm of what may be zero, times no falling power")
        if a >= ONE and c >= ZERO:  # rises in both; too large for a ball far out
            low, high = at(a, c), at(b, d)
            if not low.is_finite():
                low = at(smaller(a, FAR), smaller(c, FAR))
            return low, high if high.is_finite() else INFINITY
        values = [at(x, y) for x in {id(a): a, id(b): b}.values() for y in (c, d)]
        if not (a > ONE or b < ONE):
            values.append(ZERO)
        for y in (c, d):
            if y.is_zero() or not y.is_finite():
                continue
            turn = -n / y
            if not (b.is_zero() or turn < a.log() or turn > b.log()):
                values.append((turn / ONE.exp()) ** n)
        low = high = values[0]
        for v in values[1:]:
            low, high = smaller(low, v), larger(high, v)
        if (n % 2 == 0 or a >= ONE) and not low > ZERO:  # whatever is lost of a power
            low = ZERO
        return low, ZERO if n % 2 and b <= ONE and not high < ZERO else high

    return rule
