"""Trigonometric functions and their inverses.

The periodic ones have no finite list of turning points, so which multiples of pi/2 lie
inside an interval is counted with rounding allowed for.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import symengine as se

from deuterium.graph.operator import Operator
from deuterium.interval import Interval, scalar
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.interval.rounding import EPS, Array, widen_down, widen_up
from deuterium.ops.arithmetic import reciprocal, sqrt, square
from deuterium.ops.exponential import NUMPY_ULPS
from deuterium.ops.univariate import unary

LARGE = 2.0**45  # beyond it, neighbouring doubles are a fair part of a period apart


def _contains_multiple(
    x: Interval, size: Any, offset: float, period: float, exact: Any = np
) -> Any:
    """Return whether some ``offset + k * period`` (units of pi) may lie inside.

    Errors on the side of yes: the quotient is off by a few ulps at most.
    """
    slack = 4 * EPS * (1.0 + size / np.pi)
    first = exact.ceil((x.lower / np.pi - slack - offset) / period - 4 * EPS)
    last = exact.floor((x.upper / np.pi + slack - offset) / period + 4 * EPS)
    return first <= last


def _too_wide(x: Interval) -> Any:
    return np.maximum(np.abs(x.lower), np.abs(x.upper)) > LARGE


def _wave(function: Any, top: float, bottom: float) -> Any:
    """Enclosure of a sine or cosine, with its maxima and minima in units of pi."""

    def enclosure(x: Interval) -> Interval:
        if scalar.is_scalar(x) and x.lower <= x.upper:
            return of_floats(x)
        first, last = function(x.lower), function(x.upper)
        # libraries reduce large arguments with an absolute error
        size = np.maximum(np.abs(x.lower), np.abs(x.upper))
        slack = np.where(size <= 0.5, 0, EPS)
        low = np.maximum(widen_down(np.minimum(first, last), NUMPY_ULPS, slack), -1.0)
        high = np.minimum(widen_up(np.maximum(first, last), NUMPY_ULPS, slack), 1.0)
        wide = size > LARGE
        low = np.where(wide | _contains_multiple(x, size, bottom, 2.0), -1.0, low)
        high = np.where(wide | _contains_multiple(x, size, top, 2.0), 1.0, high)
        low, high = _exact_at_zero(function, x, low, high)
        return undefined_where(Interval.unchecked(low, high), is_undefined(x))

    def of_floats(x: Interval) -> Interval:
        """Return the same of plain floats, without NumPy's overhead."""
        size = max(abs(float(x.lower)), abs(float(x.upper)))
        if size > LARGE:
            return Interval.unchecked(-1.0, 1.0)
        ends = float(function(x.lower)), float(function(x.upper))
        slack = 0.0 if size <= 0.5 else EPS
        low = max(scalar.widen_down(min(ends), NUMPY_ULPS, slack), -1.0)
        high = min(scalar.widen_up(max(ends), NUMPY_ULPS, slack), 1.0)
        if _contains_multiple(x, size, bottom, 2.0, math):
            low = -1.0
        if _contains_multiple(x, size, top, 2.0, math):
            high = 1.0
        if function is np.sin and x.lower >= 0 and x.upper <= 3.0:
            low = max(low, 0.0)
        if function is np.sin and x.lower >= -3.0 and x.upper <= 0:
            high = min(high, 0.0)
        return Interval.unchecked(low, high)

    return enclosure


def _exact_at_zero(
    function: Any, x: Interval, low: Array, high: Array
) -> tuple[Array, Array]:
    """Keep the sign of the sine next to zero, and sin(0) = 0 exactly."""
    if function is np.sin:
        low = np.where((x.lower >= 0) & (x.upper <= 3.0), np.maximum(low, 0.0), low)
        high = np.where((x.upper <= 0) & (x.lower >= -3.0), np.minimum(high, 0.0), high)
    return low, high


def _tan_enclosure(x: Interval) -> Interval:
    first, last = np.tan(x.lower), np.tan(x.upper)
    low, high = widen_down(first, NUMPY_ULPS), widen_up(last, NUMPY_ULPS)
    branch = _branch(x.lower, first)
    low = np.where((branch == 0) & (x.lower >= 0), np.maximum(low, 0.0), low)
    high = np.where((branch == 0) & (x.upper <= 0), np.minimum(high, 0.0), high)
    pole = _too_wide(x) | (branch != _branch(x.upper, last))
    return undefined_where(Interval.unchecked(low, high), pole | is_undefined(x))


def _branch(x: Array, tangent: Array) -> Array:
    """Return the k for which ``x`` lies within ``(k - 1/2, k + 1/2)`` pi.

    ``x - arctan(tan(x))`` is ``k pi`` up to rounding, so the nearest integer is right
    even for the doubles next to a pole (none of which is one).
    """
    return np.rint((x - np.arctan(tangent)) / np.pi)


sin = unary(
    "sin",
    np.sin,
    ulps=NUMPY_ULPS,
    absolute=EPS,
    derivative=lambda x: cos(x),
    symbolic=se.sin,
    range=(-1.0, 1.0),
    enclosure=_wave(np.sin, 0.5, -0.5),
    parity="odd",
    lipschitz=1.0,
    below_identity=True,
)
cos: Operator = unary(
    "cos",
    np.cos,
    ulps=NUMPY_ULPS,
    absolute=EPS,
    derivative=lambda x: -sin(x),
    symbolic=se.cos,
    range=(-1.0, 1.0),
    enclosure=_wave(np.cos, 0.0, 1.0),
    parity="even",
    lipschitz=1.0,
)
tan: Operator = unary(
    "tan",
    np.tan,
    ulps=NUMPY_ULPS,
    derivative=lambda x: 1 + square(tan(x)),
    from_value=lambda y: 1 + square(y),
    symbolic=se.tan,
    enclosure=_tan_enclosure,
    parity="odd",
)
arcsin = unary(
    "arcsin",
    np.arcsin,
    ulps=NUMPY_ULPS,
    derivative=lambda x: reciprocal(sqrt(1 - square(x))),
    symbolic=se.asin,
    domain=(-1.0, 1.0),
    increasing=True,
    exact_points=((0.0, 0.0),),
    parity="odd",
)
arccos = unary(
    "arccos",
    np.arccos,
    ulps=NUMPY_ULPS,
    derivative=lambda x: -reciprocal(sqrt(1 - square(x))),
    symbolic=se.acos,
    domain=(-1.0, 1.0),
    range=(0.0, 3.1415926535897936),
    increasing=False,
    exact_points=((1.0, 0.0),),
)
arctan = unary(
    "arctan",
    np.arctan,
    ulps=NUMPY_ULPS,
    derivative=lambda x: reciprocal(1 + square(x)),
    symbolic=se.atan,
    increasing=True,
    exact_points=((0.0, 0.0),),
    parity="odd",
    lipschitz=1.0,
    below_identity=True,
    flattens=True,
)
