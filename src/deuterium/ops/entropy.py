"""Entropies: ``x log x`` and its relatives, with ``0 log 0 = 0``.

Each is one operator, so its bound over an interval that reaches zero is finite: the
product of ``x`` and ``log(x)``, each bounded alone, is not.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import scipy.special
import symengine as se

from deuterium.graph.constructors import apply
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.interval.rounding import MAX, Array, next_up
from deuterium.ops import portable_values
from deuterium.ops.arithmetic import binary, power, raise_to
from deuterium.ops.exponential import exp, log
from deuterium.ops.univariate import numbered, times, unary

_make = Interval.unchecked

ENTROPY_ULPS = 12.0  # a logarithm's eight, and a product
LARGEST_ENTROPY = float(next_up(np.exp(-1.0)))  # of -x log(x), at x = 1 / e


def _thin(x: Any) -> Interval:
    return _make(x, x)


def _e() -> Interval:
    return exp.enclosure(_make(1.0, 1.0))


def _entropy_signs(x: Interval, found: Interval) -> Interval:
    low = np.where(x.upper <= 1, np.maximum(found.lower, 0.0), found.lower)
    high = np.where(x.lower >= 1, np.minimum(found.upper, 0.0), found.upper)
    return _make(low, np.where(x.upper == 0, np.minimum(high, 0.0), high))


entr: Operator = unary(
    "entr",
    scipy.special.entr,
    ulps=ENTROPY_ULPS,
    derivative=lambda x: -(1 + log(x)),
    symbolic=lambda x: -x * se.log(x),
    domain=(0.0, np.inf),
    range=(-np.inf, LARGEST_ENTROPY),
    extrema=(0.36787944117144233,),  # 1/e
    trim=_entropy_signs,
)
"""``-x log(x)``, and 0 at 0."""

# -- relative entropy ----------------------------------------------------------------


def _relative_at(x: Array, y: Array) -> Interval:
    """Bounds of ``x log(x / y)`` at points, with 0 where x is 0."""
    zero = x == 0
    a, b = _thin(np.where(zero, 1.0, x)), _thin(np.where(zero, 1.0, y))
    one = log.enclosure(interval_arithmetic.divide(a, b))
    other = interval_arithmetic.subtract(log.enclosure(a), log.enclosure(b))
    # the quotient may underflow, and then has no logarithm
    logs = _make(np.fmax(one.lower, other.lower), np.fmin(one.upper, other.upper))
    found = interval_arithmetic.multiply(a, logs)
    low = np.where(np.isinf(x), MAX, found.lower)
    low = np.where(np.isinf(y), -np.inf, low)  # falls without end
    high = np.where(np.isinf(x), np.inf, found.upper)
    return _make(np.where(zero, 0.0, low), np.where(zero, 0.0, high))


def _relative_outside(x: Interval, y: Interval) -> Any:
    pole = (y.lower < 0) | ((y.lower == 0) & (x.upper > 0))
    return (x.lower < 0) | pole | is_undefined(x, y)


def _inner(x: Interval, y: Interval, outside: Any) -> tuple[Interval, Interval]:
    """Return arguments with harmless numbers where the function is undefined."""
    return (
        _make(np.where(outside, 1.0, x.lower), np.where(outside, 1.0, x.upper)),
        _make(np.where(outside, 1.0, y.lower), np.where(outside, 1.0, y.upper)),
    )


def _relative_enclosure(x: Interval, y: Interval) -> Interval:
    # falls in y; convex in x, least at x = y / e where it is -y / e
    outside = _relative_outside(x, y)
    x, y = _inner(x, y, outside)
    high = np.maximum(
        _relative_at(x.lower, y.lower).upper, _relative_at(x.upper, y.lower).upper
    )
    low = np.minimum(
        _relative_at(x.lower, y.upper).lower, _relative_at(x.upper, y.upper).lower
    )
    turn = interval_arithmetic.divide(_thin(y.upper), _e())
    turns = (x.lower <= turn.upper) & (x.upper >= turn.lower)
    low = np.where(turns, np.minimum(low, -turn.upper), low)
    return undefined_where(_make(low, high), outside)


def _divergence_at(x: Array, y: Array) -> Interval:
    """Bounds of ``x log(x / y) - x + y`` at points."""
    gap = interval_arithmetic.subtract(_thin(y), _thin(x))
    found = interval_arithmetic.add(_relative_at(x, y), gap)
    infinite = np.isinf(x) | np.isinf(y)
    return _make(
        np.where(infinite, 0.0, np.maximum(found.lower, 0.0)),
        np.where(infinite, np.inf, np.maximum(found.upper, 0.0)),
    )


def _divergence_enclosure(x: Interval, y: Interval) -> Interval:
    # convex in each, zero where both are equal
    outside = _relative_outside(x, y)
    x, y = _inner(x, y, outside)
    corners = [
        _divergence_at(a, b) for a in (x.lower, x.upper) for b in (y.lower, y.upper)
    ]
    high = np.maximum.reduce([c.upper for c in corners])
    right = _divergence_at(x.lower, y.upper).lower
    left = _divergence_at(x.upper, y.lower).lower
    low = np.where(x.lower > y.upper, right, np.where(x.upper < y.lower, left, 0.0))
    return undefined_where(_make(low, high), outside)


rel_entr = binary(
    "rel_entr",
    partial(portable_values.rel_entr, np),
    _relative_enclosure,
    lambda x, y: x * se.log(x / y),
    lambda g, out, x, y: (times(g, log(x) - log(y) + 1), times(g, -(x / y))),
    code="rel_entr({0}, {1})",
)
"""``x log(x / y)``, and 0 where x is 0."""

kl_div = binary(
    "kl_div",
    partial(portable_values.kl_div, np),
    _divergence_enclosure,
    lambda x, y: x * se.log(x / y) - x + y,
    lambda g, out, x, y: (times(g, log(x) - log(y)), times(g, 1 - x / y)),
    code="kl_div({0}, {1})",
    range=(0.0, np.inf),
)
"""``x log(x / y) - x + y``, and y where x is 0."""

# -- slopes of powers by their exponents -----------------------------------------------


def _power_log_value(x: Any, y: Any, n: int) -> Any:
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return portable_values.power_log(np, x, y, n)


def _power_log_at(x: Array, y: Array, n: int) -> Interval:
    zero = x == 0
    base = _thin(np.where(zero, 1.0, x))
    logs = interval_arithmetic.integer_power(log.enclosure(base), n)
    found = interval_arithmetic.multiply(power.enclosure(base, _thin(y)), logs)
    return _make(np.where(zero, 0.0, found.lower), np.where(zero, 0.0, found.upper))


def _power_log_turn(x: Interval, y: Array, n: int) -> tuple[Any, Interval]:
    """Return whether ``log(x) = -n / y`` may lie inside, and the value there."""
    exponent = _thin(np.where(y == 0, 1.0, y))
    at = interval_arithmetic.divide(_make(-float(n), -float(n)), exponent)
    place = exp.enclosure(at)
    size = interval_arithmetic.divide(at, _e())
    inside = (y != 0) & (x.lower <= place.upper) & (x.upper >= place.lower)
    return inside, interval_arithmetic.integer_power(size, n)


def _power_log_enclosure(x: Interval, y: Interval, n: int) -> Interval:
    # monotone in y; as a function of log(x), it turns at -n / y and touches zero at 0
    outside = (x.lower < 0) | ((x.lower == 0) & (y.lower <= 0)) | is_undefined(x, y)
    x, y = _inner(x, y, outside)
    ends = [
        _power_log_at(a, b, n) for a in (x.lower, x.upper) for b in (y.lower, y.upper)
    ]
    low = np.minimum.reduce([e.lower for e in ends])
    high = np.maximum.reduce([e.upper for e in ends])
    for inside, at in [_power_log_turn(x, b, n) for b in (y.lower, y.upper)]:
        low = np.where(inside, np.minimum(low, at.lower), low)
        high = np.where(inside, np.maximum(high, at.upper), high)
    one = (x.lower <= 1) & (x.upper >= 1)
    low = np.where(one, np.minimum(low, 0.0), low)
    high = np.where(one, np.maximum(high, 0.0), high)
    return undefined_where(_make(low, high), outside)


def _power_log_pullback(
    g: Variable, out: Variable, x: Variable, y: Variable, n: int
) -> tuple[Variable, Variable]:
    slope = y * apply(power_log, (x, y - 1), {"n": n})
    rest = raise_to(x, y - 1) if n == 1 else apply(power_log, (x, y - 1), {"n": n - 1})
    return (
        times(g, slope + n * rest),
        times(g, apply(power_log, (x, y), {"n": n + 1})),
    )


power_log: Operator = binary(
    "power_log",
    _power_log_value,
    _power_log_enclosure,
    lambda x, y, n: se.sympify(x) ** y * se.log(x) ** n,
    _power_log_pullback,
    ufunc="",
    code="power_log({0}, {1}, {n})",
    shape=numbered,
)
"""``x**y log(x)**n``, and 0 where x is 0: the n-th slope of ``x**y`` by ``y``."""
