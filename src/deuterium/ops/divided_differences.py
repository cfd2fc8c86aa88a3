"""Quotients that are smooth where numerator and denominator vanish together.

The divided difference of a function over m arguments a and n arguments b,

    f[a, ..., a, b, ..., b] = integral of f^(m+n-1)(b + s (a - b)) w(s) ds over [0, 1],
    w(s) = s^(m-1) (1-s)^(n-1) / ((m-1)! (n-1)!),

is ``(f(a) - f(b)) / (a - b)`` for m = n = 1, and is defined where a = b too (the
formula of Hermite and Genocchi: C. de Boor, "Divided differences", Surveys in
Approximation Theory 1, 2005, section 9).  Its slopes are m and n times divided
differences again.  All derivatives of the exponential are positive, those of the
logarithm alternate in sign, so both are monotone in a and in b: their bounds over a box
are their values at two corners.

The k-th derivative of ``sin(x) / x``, the integral of ``s^k cos(s x + k pi / 2)`` over
[0, 1], is at most ``1 / (k + 1)`` in size: bounds over a box are Taylor's formula.

Library errors: measured against ball arithmetic for all orders that are allowed, in
units of 2**-52: 8 for the exponential; for the logarithm 4 for one slope more than its
value, 43 where arguments count 5 times together and 1485 where they count 8 times; for
the sine 1.3 up to 1 in size, and 4 in absolute terms beyond.  At least six times that
is assumed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import symengine as se

from deuterium.errors import UnsupportedError
from deuterium.graph.constructors import apply
from deuterium.graph.operator import Operator, Shape, register, same_shape
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.interval.rounding import EPS, Array, next_up, widen_down, widen_up
from deuterium.ops import portable_values
from deuterium.ops.arithmetic import binary
from deuterium.ops.univariate import times

_make = Interval.unchecked

EXP_ULPS = 64.0  # units of 2**-52; 8 were measured
SINE_ULPS = 8.0  # units of 2**-52, up to 1 in size; 1.3 were measured
SINE_ERROR = 32 * EPS  # absolute, beyond 1; 4 EPS were measured
MOST = 8  # the order of a slope up to which errors are known


def counted(*shapes: Shape, m: int, n: int) -> Shape:
    """Shape rule of divided differences: how often each argument counts."""
    if any(type(k) is not int or k < 1 for k in (m, n)) or m + n > MOST:
        raise TypeError(f"counts must be 1 or more, {MOST} together; got {m!r}, {n!r}")
    return same_shape(*shapes)


def _slopes(name: str) -> Any:
    def pullback(
        g: Variable, out: Variable, a: Variable, b: Variable, m: int, n: int
    ) -> tuple[Variable, Variable]:
        operator = _BY_NAME[name]
        if m + n == MOST:
            raise UnsupportedError(
                "grad: slopes of divided differences are known up to order "
                f"{MOST - 1}; differentiate fewer times"
            )
        left = apply(operator, (a, b), {"m": m + 1, "n": n})
        right = apply(operator, (a, b), {"m": m, "n": n + 1})
        return times(g, m * left), times(g, n * right)

    return pullback


def _symbolic(f: Any) -> Any:
    """Return the closed form of a divided difference by its recurrence."""

    def form(a: Any, b: Any, m: int, n: int) -> Any:
        x = se.Symbol("x")

        def entry(i: int, j: int) -> Any:
            if not (i and j):
                slope = f(x)
                for _ in range(i + j - 1):
                    slope = slope.diff(x)
                return slope.subs({x: a if i else b}) / math.factorial(i + j - 1)
            return (entry(i, j - 1) - entry(i - 1, j)) / (a - b)

        a, b = se.sympify(a), se.sympify(b)
        return entry(m, n)

    return form


def _exp_value(a: Any, b: Any, m: int, n: int) -> Any:
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return portable_values.exp_difference(np, a, b, m, n)


def _exp_enclosure(a: Interval, b: Interval, m: int, n: int) -> Interval:
    low = widen_down(_exp_value(a.lower, b.lower, m, n), EXP_ULPS)
    high = widen_up(_exp_value(a.upper, b.upper, m, n), EXP_ULPS)
    # infinity times what underflowed is not known
    bounds = _make(np.fmax(low, 0.0), np.fmin(high, np.inf))
    return undefined_where(bounds, is_undefined(a, b))


exp_difference: Operator = binary(
    "exp_difference",
    _exp_value,
    _exp_enclosure,
    _symbolic(se.exp),
    _slopes("exp"),
    ufunc="",
    code="exp_difference({0}, {1}, {m}, {n})",
    shape=counted,
    range=(0.0, np.inf),
    never_zero=True,
)
"""``(exp(a) - exp(b)) / (a - b)``, and ``exp(a)`` where a = b."""


def _log_value(a: Any, b: Any, m: int, n: int) -> Any:
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return portable_values.log_difference(np, a, b, m, n)


def _log_ulps(m: int, n: int) -> float:
    """Return the stated error: the recurrence cancels more with each step."""
    return 2.0 ** (2 * (m + n) + 1)


def _log_size(a: Array, b: Array, m: int, n: int) -> Interval:
    """Bounds of the size at points, which falls in both arguments."""
    mean, _ = portable_values.mean_power(np, np.asarray(a), np.asarray(b), m, n)
    size, ulps = np.abs(_log_value(a, b, m, n)), _log_ulps(m, n)
    sure = np.isfinite(mean) & np.isfinite(size)
    low = np.maximum(widen_down(size, ulps), 0.0)
    # the power of a tiny or huge number may have left the doubles before the product
    doubt = (size == 0) & (np.maximum(a, b) < np.inf)
    high = np.where(doubt | ~(sure | (size == 0)), np.inf, widen_up(size, ulps))
    return _make(np.where(sure, low, 0.0), high)


def _log_enclosure(a: Interval, b: Interval, m: int, n: int) -> Interval:
    bad = np.logical_not((a.lower > 0) & (b.lower > 0)) | is_undefined(a, b)
    ends = [np.where(bad, 1.0, x) for x in (a.lower, b.lower, a.upper, b.upper)]
    high = _log_size(ends[0], ends[1], m, n).upper
    low = _log_size(ends[2], ends[3], m, n).lower
    rising = (m + n) % 2 == 1  # and negative
    return undefined_where(_make(-high, -low) if rising else _make(low, high), bad)


log_difference: Operator = binary(
    "log_difference",
    _log_value,
    _log_enclosure,
    _symbolic(se.log),
    _slopes("log"),
    ufunc="",
    code="log_difference({0}, {1}, {m}, {n})",
    shape=counted,
    never_zero=True,
)
"""``(log(a) - log(b)) / (a - b)``, and ``1 / a`` where a = b."""

_BY_NAME = {"exp": exp_difference, "log": log_difference}

# -- the sine ------------------------------------------------------------------------

FIRST_TURN = 4.493409457909063  # below the least positive x with tan(x) = x
LEAST = -0.21723362821122174  # below sin(x) / x there, the least value


def _order(*shapes: Shape, n: int) -> Shape:
    if type(n) is not int or not 0 <= n <= MOST:
        raise TypeError(f"the order must be an integer of 0 to {MOST}, got {n!r}")
    return same_shape(*shapes)


def _sinc_value(x: Any, n: int) -> Any:
    return portable_values.sinc(np, np.asarray(x, dtype=np.float64), n)


def _sinc_at(x: Array, n: int) -> Interval:
    value = _sinc_value(x, n)
    error = np.where(np.abs(x) <= 1, 0.0, SINE_ERROR)
    return _make(widen_down(value, SINE_ULPS, error), widen_up(value, SINE_ULPS, error))


def _taylor(c: Array, r: Array, n: int) -> Interval:
    """Bounds within r of c: value, slope, and the largest curvature there is."""
    at, slope = _sinc_at(c, n), _sinc_at(c, n + 1)
    steep = np.maximum(np.abs(slope.lower), np.abs(slope.upper))
    change = r * (steep + r * (0.5 / (n + 3))) * (1 + 16 * EPS)
    return _make(widen_down(at.lower - change, 4), widen_up(at.upper + change, 4))


def _sinc_enclosure(x: Interval, n: int) -> Interval:
    finite = np.isfinite(x.lower) & np.isfinite(x.upper)
    low_end, high_end = np.where(finite, x.lower, 0.0), np.where(finite, x.upper, 0.0)
    c = 0.5 * low_end + 0.5 * high_end
    r = next_up(np.maximum(high_end - c, c - low_end))
    r = np.where(low_end == high_end, 0.0, r)
    around, slope = _taylor(c, r, n), _taylor(c, r, n + 1)
    first, last = _sinc_at(low_end, n), _sinc_at(high_end, n)
    low, high = np.minimum(first.lower, last.lower), np.maximum(first.upper, last.upper)
    monotone = (slope.lower > 0) | (slope.upper < 0) | (r == 0)
    if n == 0:
        hill = np.maximum(-low_end, high_end) <= FIRST_TURN
        high = np.where(hill & (low_end <= 0) & (high_end >= 0), 1.0, high)
        monotone = monotone | hill
    low = np.where(monotone, low, around.lower)
    high = np.where(monotone, high, around.upper)
    return _within_reach(x, np.where(finite, low, -1.0), np.where(finite, high, 1.0), n)


def _within_reach(x: Interval, low: Array, high: Array, n: int) -> Interval:
    """Cut bounds down to what holds everywhere, and so far from zero."""
    most = 1.0 if n == 0 else float(next_up(1.0 / (n + 1)))
    near = np.maximum(np.maximum(x.lower, -x.upper), 0.0)
    with np.errstate(divide="ignore"):
        most = np.minimum(most, next_up((1.0 if n == 0 else 2.0) / near))
    least = np.maximum(-most, LEAST) if n == 0 else -most
    result = _make(np.clip(low, least, most), np.clip(high, least, most))
    return undefined_where(result, is_undefined(x))


sinc: Operator = register(
    Operator(
        name="sinc",
        arity=1,
        value=_sinc_value,
        enclosure=_sinc_enclosure,
        symbolic=lambda x, n: _symbolic_sinc(x, n),
        pullback=lambda g, out, x, n: (times(g, apply(sinc, (x,), {"n": n + 1})),),
        shape=_order,
        code="sinc({0}, {n})",
    )
)
"""``sin(x) / x``, 1 at 0, and its n-th derivative."""


def _symbolic_sinc(x: Any, n: int) -> Any:
    t = se.Symbol("t")
    form = se.sin(t) / t
    for _ in range(n):
        form = form.diff(t)
    return form.subs({t: se.sympify(x)})
