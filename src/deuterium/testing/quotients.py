"""Divided differences in ball arithmetic, from the integrals that define them.

The mean of ``f(b + s (a - b))`` over s in [0, 1], with a weight that is a polynomial in
s, is worked out as a series in ``a - b`` where they are close, and by the recurrence of
divided differences where they are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from flint import arb

from deuterium import ops
from deuterium.graph.operator import Operator

Rule = Callable[..., Any]

CLOSE = 2.0**-20  # relative to what the derivatives of the function grow by
TERMS = 40  # of the series, the last of which bounds the rest


def _difference(slopes: Rule, scale: Rule) -> Rule:
    """Return divided differences of a function, given ``f^(k)(x) / k!``."""

    def at(a: Any, b: Any, m: int, n: int) -> Any:
        gap = a - b
        if abs(gap) < CLOSE * scale(b):
            return _series(slopes, gap, b, m, n)
        table: dict[tuple[int, int], Any] = {}
        for i in range(m + 1):
            for j in range(n + 1):
                if i and j:
                    value = (table[i, j - 1] - table[i - 1, j]) / gap
                elif i or j:
                    value = slopes(a if i else b, i + j - 1)
                else:
                    continue
                table[i, j] = value
        return table[m, n]

    return at


def _series(slopes: Rule, gap: Any, b: Any, m: int, n: int) -> Any:
    p = m + n - 1
    total = arb(0)
    for k in range(TERMS):
        # the mean of s^k: (m)_k / (m + n)_k; f^(p + k) / (p! k!)
        weight = arb(math.comb(p + k, k) * math.comb(m + k - 1, k))
        weight = weight / math.comb(m + n + k - 1, k)
        term = weight * slopes(b, p + k) * gap**k
        total = total + term
    return total + arb(0, 2 * abs(term).upper())


def _exp_slope(x: Any, k: int) -> Any:
    return x.exp() / math.factorial(k)


def _log_slope(x: Any, k: int) -> Any:
    return x.log() if k == 0 else arb((-1) ** (k - 1)) / (k * x**k)


_of_logarithm = _difference(_log_slope, lambda b: b)


def _log_difference(a: Any, b: Any, m: int, n: int) -> Any:
    if a <= 0 or b <= 0:
        return None
    return _of_logarithm(a, b, m, n) if a > 0 and b > 0 else arb("[+/- inf]")


def _sinc(x: Any, n: int) -> Any:
    if abs(x) < 1:
        total, first = arb(0), (n + 1) // 2
        for k in range(first, first + 60):
            i = 2 * k - n
            term = x**i / (math.factorial(i) * (2 * k + 1))
            total = total + (term if k % 2 == 0 else -term)
        return total + arb(0, abs(term).upper())
    value = x.sin() / x
    for k in range(1, n + 1):
        wave = (x.sin(), x.cos(), -x.sin(), -x.cos())[k % 4]
        value = (wave - k * value) / x
    return value


RULES: Mapping[Operator, Rule] = {
    ops.exp_difference: _difference(_exp_slope, lambda b: 1),
    ops.log_difference: _log_difference,
    ops.sinc: _sinc,
}
