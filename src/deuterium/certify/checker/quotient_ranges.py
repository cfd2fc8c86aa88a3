"""Divided differences and ``sin(x) / x``, on balls and over intervals.

Values come from hypergeometric functions and series, not from the operators' own
formulas: DLMF 13.4.1 and 15.6.1 are the integrals of Hermite and Genocchi.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from flint import arb, ctx

from deuterium.certify.checker.ball_functions import (
    HALF,
    ONE,
    UNKNOWN,
    ZERO,
    Ball,
    between,
    larger,
    smaller,
    where_known,
)
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.unary_ranges import FAR

Range = tuple[Ball, Ball]
Function2 = Callable[[Ball, Ball], Ball]
Rule2 = Callable[[Ball, Ball, Ball, Ball], Range]


def exp_difference(m: int, n: int) -> Function2:
    """Return the divided difference of exp over m times a and n times b."""
    scale = arb(math.factorial(m + n - 1))

    @where_known
    def at(a: Ball, b: Ball) -> Ball:
        if a < b:
            return b.exp() * (a - b).hypgeom_1f1(arb(m), arb(m + n)) / scale
        return a.exp() * (b - a).hypgeom_1f1(arb(n), arb(m + n)) / scale

    return at


def exp_difference_range(m: int, n: int) -> Rule2:
    """Rise in both."""
    at = exp_difference(m, n)

    def rule(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
        low, high = at(a, c), at(b, d)
        if not low.is_finite():  # too large for a ball
            low = at(smaller(a, FAR), smaller(c, FAR))
        if not high.is_finite():
            high = at(larger(b, -FAR), larger(d, -FAR))
        return low if low > ZERO else ZERO, high

    return rule


def log_difference(m: int, n: int) -> Function2:
    """Return the divided difference of log over m times a and n times b."""
    p = m + n - 1

    @where_known
    def at(a: Ball, b: Ball) -> Ball:
        if not (a > ZERO and b > ZERO):
            return UNKNOWN
        top, bottom, (i, j) = (b, a, (n, m)) if a < b else (a, b, (m, n))
        if top > 2 * bottom:
            return _log_recurrence(top, bottom, i, j)
        z = (top - bottom) / top
        size = z.hypgeom_2f1(arb(p), arb(j), arb(p + 1)) / top**p / p
        return size if p % 2 else -size

    return at


def _log_recurrence(a: Ball, b: Ball, m: int, n: int) -> Ball:
    def entry(i: int, j: int) -> Ball:
        if i and j:
            return (entry(i, j - 1) - entry(i - 1, j)) / (a - b)
        x, k = (a, i) if i else (b, j)
        if k == 1:
            return x.log()
        return arb((-1) ** k) / (x ** (k - 1) * (k - 1))

    return entry(m, n)


def log_difference_range(m: int, n: int) -> Rule2:
    """Fall in both where positive, rise where negative."""
    at, rises = log_difference(m, n), (m + n) % 2 == 1

    def rule(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
        if not (a > ZERO and c > ZERO):
            raise NoBound("a quotient of logarithms of what may be zero")
        first, last = at(a, c), at(b, d)
        last = last if last.is_finite() else ZERO  # far out, which none passes
        return (first, last) if rises else (last, first)

    return rule


# -- the sine ------------------------------------------------------------------------


def _series(x: Ball, n: int) -> Ball:
    """Return the n-th derivative of ``sin(x) / x`` by its power series."""
    size = abs(x).upper()
    total, k = ZERO, (n + 1) // 2
    while True:
        i = 2 * k - n
        total = total + x**i * arb((-1) ** k) / (math.factorial(i) * (2 * k + 1))
        k, i = k + 1, i + 2
        left = size**i / math.factorial(i)  # terms alternate and fall from here on
        if i > size and left < arb(2) ** -(ctx.prec + 8):
            return total + between(-left, left)


def sinc(n: int) -> Callable[[Ball], Ball]:
    """Return the n-th derivative of ``sin(x) / x``."""

    @where_known
    def at(x: Ball) -> Ball:
        if not abs(x) > n + 2:
            return _series(x, n) if abs(x) < 64 else between(-ONE, ONE) / (n + 1)
        value, (s, c) = x.sin() / x, (x.sin(), x.cos())
        for k in range(1, n + 1):
            wave = (s, c, -s, -c)[k % 4]
            value = (wave - k * value) / x
        return value

    return at


FIRST_TURN = arb(4.49)  # below the least positive x with tan(x) = x
LEAST = arb(-0.21723362821122174)  # below the least value of sin(x) / x


def _around(n: int, c: Ball, r: Ball) -> Range:
    """Return bounds within r of c, by Taylor's formula."""
    value, slope = sinc(n)(c), abs(sinc(n + 1)(c))
    change = r * (slope + HALF * r / (n + 3))
    return value - change, value + change


def sinc_range(n: int) -> Callable[[Ball, Ball], Range]:
    """Return the range by ends where it is monotone, else by Taylor's formula."""
    at = sinc(n)

    def rule(a: Ball, b: Ball) -> Range:
        c, d = at(a), at(b)
        if a is b:
            return c, d
        low, high = smaller(c, d), larger(c, d)
        centre = (HALF * (a + b)).mid()
        radius = larger(abs(b - centre), abs(a - centre))
        if n == 0 and a >= -FIRST_TURN and b <= FIRST_TURN:
            return low, high if a > ZERO or b < ZERO else ONE
        slope = _around(n + 1, centre, radius)
        if not (slope[0] > ZERO or slope[1] < ZERO):
            low, high = _around(n, centre, radius)
        return _cut(low, high, a, b, n)

    return rule


def _cut(low: Ball, high: Ball, a: Ball, b: Ball, n: int) -> Range:
    """Cut a range down to what holds everywhere, and so far from zero."""
    most = ONE / (n + 1)
    near = a if a > ZERO else -b if b < ZERO else None
    if near is not None:
        most = smaller(most, (1 if n == 0 else 2) / near)
    least = larger(-most, LEAST) if n == 0 else -most
    return (
        low if low > least else least,
        high if high < most else most,
    )
