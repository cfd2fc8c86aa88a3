"""Special functions of statistics and learning, under SciPy's names.

Library errors: the logistic functions are three roundings away from `exp` and `log1p`
in SciPy's source; erf and its relatives come from Cephes, whose relative error grows
in the tails.  Measured against ball arithmetic on 10**5 points, in units of 2**-52:
1.2 for the logistic functions, 1.7 for erf, 257 for erfc, 1186 for ndtr, 1059 for
log_ndtr and 1042 for its slope, 0.53 for hypot.  At least six times that is assumed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special
import symengine as se

from deuterium.graph.operator import Operator
from deuterium.graph.variable import NO_ATTRS, Variable, node
from deuterium.interval import Interval, interval_arithmetic
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.interval.rounding import Array, add_up, widen_down, widen_up
from deuterium.ops.arithmetic import (
    binary,
    integer_power,
    pi,
    reciprocal,
    sqrt,
    square,
)
from deuterium.ops.exponential import cosh, exp, log, log1p, tanh
from deuterium.ops.univariate import slope_of, times, unary

_make = Interval.unchecked

LOGISTIC_ULPS = 8.0  # units of 2**-52, as all these; 1.2 were measured
ERF_ULPS = 16.0  # 1.7 were measured
ERFC_ULPS = 2048.0  # 257 were measured
NDTR_ULPS = 8192.0  # 1186 were measured
HYPOT_ULPS = 4.0  # 0.53 were measured


def pi_for(x: Any) -> Any:
    """Return pi in the arithmetic of ``x`` (a float is not pi, only near it)."""
    if isinstance(x, Variable):
        return node(pi, (), NO_ATTRS, ())
    if isinstance(x, Interval):
        return pi.enclosure()
    return np.pi


# -- logistic ------------------------------------------------------------------------

expit = unary(
    "expit",
    scipy.special.expit,
    ulps=LOGISTIC_ULPS,
    derivative=lambda x: expit_slope(x),
    symbolic=lambda x: 1 / (1 + se.exp(-x)),
    range=(0.0, 1.0),
    increasing=True,
    exact_points=((0.0, 0.5),),
    never_zero=True,
    lipschitz=0.25,
    flattens=True,
    bend=(1.0, "expit'"),
)
# 1 / (2 + 2 cosh(x)) is s (1 - s) with its relative accuracy kept in both tails
expit_slope: Operator = slope_of(
    "expit",
    1,
    lambda x: reciprocal(2 * (1 + cosh(x))),
    compiled_form=lambda x: expit(x) * (1 - expit(x)),
    derivative=lambda x: expit_curvature(x),
    symbolic=lambda x: se.exp(-x) / (1 + se.exp(-x)) ** 2,
    extrema=(0.0,),
    range=(0.0, 0.25),
    parity="even",
    never_zero=True,
    lipschitz=0.125,
    flattens=True,
    bend=(1.0, "expit'"),
    quadratic=("expit", 0.5, 0.25),
)
expit_curvature: Operator = slope_of(
    "expit",
    2,
    lambda x: -(expit_slope(x) * tanh(0.5 * x)),
    compiled_form=lambda x: expit(x) * (1 - expit(x)) * (1 - 2 * expit(x)),
    derivative=lambda x: expit_slope(x) * (1 - 6 * expit_slope(x)),
    symbolic=lambda x: -se.tanh(x / 2) * se.exp(-x) / (1 + se.exp(-x)) ** 2,
    extrema=(-1.3169578969248168, 1.3169578969248168),  # log(2 + sqrt(3))
    parity="odd",
)
log_expit = unary(
    "log_expit",
    scipy.special.log_expit,
    ulps=LOGISTIC_ULPS,
    derivative=lambda x: expit(-x),
    symbolic=lambda x: -se.log(1 + se.exp(-x)),
    range=(-np.inf, 0.0),
    increasing=True,
    never_zero=True,
    lipschitz=1.0,
)
logit = unary(
    "logit",
    scipy.special.logit,
    ulps=LOGISTIC_ULPS,
    derivative=lambda x: logit_slope(x),
    symbolic=lambda x: se.log(x / (1 - x)),
    domain=(0.0, 1.0),
    closed=(False, False),
    increasing=True,
    exact_points=((0.5, 0.0),),
)
logit_slope: Operator = slope_of(
    "logit",
    1,
    lambda x: reciprocal(x) + reciprocal(1 - x),
    derivative=lambda x: (2 * x - 1) * square(logit_slope(x)),
    symbolic=lambda x: 1 / (x * (1 - x)),
    extrema=(0.5,),
    range=(4.0, np.inf),
    domain=(0.0, 1.0),
    closed=(False, False),
    never_zero=True,
)

# -- error function and normal distribution ------------------------------------------


def _gauss(x: Any) -> Any:
    """Return the slope of erf."""
    return (2 / sqrt(pi_for(x))) * exp(-square(x))


def _inverse_mills_ratio(x: Any) -> Any:
    """Return the slope of log_ndtr: exp(-x**2/2) / ndtr(x) without cancellation."""
    with np.errstate(all="ignore"):
        scaled = scipy.special.erfcx(np.multiply(x, -np.sqrt(0.5)))
        return np.true_divide(np.sqrt(2 / np.pi), scaled)


def _normal_density(x: Any) -> Any:
    """Return the slope of ndtr."""
    return exp(-0.5 * square(x)) / sqrt(2 * pi_for(x))


erf = unary(
    "erf",
    scipy.special.erf,
    ulps=ERF_ULPS,
    derivative=_gauss,
    symbolic=se.erf,
    range=(-1.0, 1.0),
    increasing=True,
    exact_points=((0.0, 0.0),),
    parity="odd",
    lipschitz=1.129,
    flattens=True,
)
erfc = unary(
    "erfc",
    scipy.special.erfc,
    ulps=ERFC_ULPS,
    derivative=lambda x: -_gauss(x),
    symbolic=se.erfc,
    range=(0.0, 2.0),
    increasing=False,
    exact_points=((0.0, 1.0),),
    never_zero=True,
)
ndtr = unary(
    "ndtr",
    scipy.special.ndtr,
    ulps=NDTR_ULPS,
    derivative=_normal_density,
    symbolic=lambda x: (1 + se.erf(x / se.sqrt(2))) / 2,
    range=(0.0, 1.0),
    increasing=True,
    exact_points=((0.0, 0.5),),
    never_zero=True,
    lipschitz=0.4,
)
log_ndtr = unary(
    "log_ndtr",
    scipy.special.log_ndtr,
    ulps=NDTR_ULPS,
    derivative=lambda x: log_ndtr_slope(x),
    symbolic=lambda x: se.log(se.erfc(-x / se.sqrt(2)) / 2),
    range=(-np.inf, 0.0),
    increasing=True,
    never_zero=True,
)
log_ndtr_slope: Operator = slope_of(
    "log_ndtr",
    1,
    lambda x: exp(-0.5 * square(x) - log_ndtr(x)) / sqrt(2 * pi_for(x)),
    value=_inverse_mills_ratio,
    ulps=NDTR_ULPS,
    derivative=lambda x: -(log_ndtr_slope(x) * (x + log_ndtr_slope(x))),
    symbolic=lambda x: (
        se.exp(-(x**2) / 2) * se.sqrt(2 / se.pi) / se.erfc(-x / se.sqrt(2))
    ),
    extrema=(),
    range=(0.0, np.inf),
    never_zero=True,
)

# -- two arguments -------------------------------------------------------------------


def _times_log(logarithm: Operator, pole: float) -> Any:
    """Enclosure of ``x * logarithm(y)`` with ``0 * anything = 0``."""

    def enclosure(x: Interval, y: Interval) -> Interval:
        zero = (x.lower == 0) & (x.upper == 0) & ~is_undefined(y)
        outside = y.lower <= pole
        inner = _make(
            np.where(outside, pole + 1.0, y.lower),
            np.where(outside, pole + 1.0, y.upper),
        )
        product = interval_arithmetic.multiply(x, logarithm.enclosure(inner))
        held = _make(
            np.where(zero, 0.0, product.lower), np.where(zero, 0.0, product.upper)
        )
        return undefined_where(held, outside & ~zero)

    return enclosure


xlogy = binary(
    "xlogy",
    scipy.special.xlogy,
    _times_log(log, 0.0),
    lambda x, y: x * se.log(y),
    lambda g, out, x, y: (times(g, log(y)), times(g, x / y)),
)
xlog1py = binary(
    "xlog1py",
    scipy.special.xlog1py,
    _times_log(log1p, -1.0),
    lambda x, y: x * se.log(1 + y),
    lambda g, out, x, y: (times(g, log1p(y)), times(g, x / (1 + y))),
)


def _logaddexp_at(a: Array, b: Array) -> Interval:
    top, bottom = np.maximum(a, b), np.minimum(a, b)
    difference = interval_arithmetic.subtract(_make(bottom, bottom), _make(top, top))
    rest = log1p.enclosure(exp.enclosure(difference))
    result = interval_arithmetic.add(_make(top, top), rest)
    infinite = (np.isinf(a) | np.isinf(b)) & ~np.isnan(top)
    return _make(
        np.where(infinite, top, result.lower), np.where(infinite, top, result.upper)
    )


def _logaddexp_enclosure(a: Interval, b: Interval) -> Interval:
    # increasing in both arguments
    low = _logaddexp_at(a.lower, b.lower)
    return _make(low.lower, _logaddexp_at(a.upper, b.upper).upper)


logaddexp = binary(
    "logaddexp",
    np.logaddexp,
    _logaddexp_enclosure,
    lambda a, b: se.log(se.exp(a) + se.exp(b)),
    lambda g, out, a, b: (times(g, expit(a - b)), times(g, expit(b - a))),
    commutative=True,
    keeps_sign=True,
)


def _hypot_enclosure(x: Interval, y: Interval) -> Interval:
    a, b = interval_arithmetic.absolute(x), interval_arithmetic.absolute(y)
    low = widen_down(np.hypot(a.lower, b.lower), HYPOT_ULPS)
    # at least the larger leg, whatever the rounding
    low = np.maximum(low, np.maximum(a.lower, b.lower))
    high = widen_up(np.hypot(a.upper, b.upper), HYPOT_ULPS)
    # at most the sum of the legs, which is exact where one of them is zero
    high = np.minimum(high, add_up(a.upper, b.upper))
    # the library has hypot(inf, nan) = inf
    return undefined_where(_make(low, high), is_undefined(a, b))


hypot = binary(
    "hypot",
    np.hypot,
    _hypot_enclosure,
    lambda x, y: se.sqrt(x**2 + y**2),
    lambda g, out, x, y: (
        times(g, direction_cosine(x, y)),
        times(g, direction_cosine(y, x)),
    ),
    range=(0.0, np.inf),
    commutative=True,
)


def _direction_cosine_value(x: Any, y: Any) -> Any:
    # dividing both legs by a power of two keeps their length from over- and underflow
    _, exponent = np.frexp(np.maximum(np.abs(x), np.abs(y)))
    leg = np.ldexp(x, -exponent)
    length = np.hypot(leg, np.ldexp(y, -exponent))
    with np.errstate(all="ignore"):
        return np.where(
            np.isinf(x), np.sign(x), np.where(length == 0, 0.0, leg / length)
        )


def _direction_cosine_enclosure(x: Interval, y: Interval) -> Interval:
    # increasing in x; for x > 0 decreasing in |y|, for x < 0 increasing
    leg = interval_arithmetic.absolute(y)
    low = _direction_cosine_value(x.lower, np.where(x.lower >= 0, leg.upper, leg.lower))
    high = _direction_cosine_value(
        x.upper, np.where(x.upper >= 0, leg.lower, leg.upper)
    )
    origin = (x.lower <= 0) & (x.upper >= 0) & (leg.lower == 0)
    least = np.where(x.lower >= 0, 0.0, -1.0)
    most = np.where(x.upper <= 0, 0.0, 1.0)
    low = np.where(origin, least, widen_down(low, HYPOT_ULPS + 2))
    high = np.where(origin, most, widen_up(high, HYPOT_ULPS + 2))
    return undefined_where(
        _make(np.maximum(low, least), np.minimum(high, most)), is_undefined(x, y)
    )


direction_cosine: Operator = binary(
    "direction_cosine",
    _direction_cosine_value,
    _direction_cosine_enclosure,
    lambda x, y: x / se.sqrt(x**2 + y**2),
    lambda g, out, x, y: (
        times(g, square(y) * integer_power(hypot(x, y), n=-3)),
        times(g, -(x * y) * integer_power(hypot(x, y), n=-3)),
    ),
    ufunc="",
    code="direction_cosine({0}, {1})",
    range=(-1.0, 1.0),
    keeps_sign=True,
)
"""Slope of hypot: ``x / sqrt(x**2 + y**2)``, 0 at the origin."""
