"""The angle of a point of the plane.

The angle jumps across the branch cut, where y is 0 and x is not positive: over a box
that meets both sides of it, or the origin, its slopes are not defined.  On the cut
itself the angle is pi, and 0 at the origin; there is no zero with a sign.

Over any other box the angle takes its extremes at corners: along a segment that does
not meet the origin it is monotone.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import symengine as se

from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.interval.rounding import widen_down, widen_up
from deuterium.ops.arithmetic import binary
from deuterium.ops.special import direction_cosine, hypot
from deuterium.ops.univariate import times

ARCTAN2_ULPS = 8.0  # units of 2**-52, as for the other functions of the library
_PI_UP = 3.1415926535897936  # the double next above pi, which no angle exceeds


def _value(y: Any, x: Any) -> Any:
    return np.arctan2(np.add(y, 0.0), np.add(x, 0.0))  # no negative zeros


def _crosses_cut(y: Interval, x: Interval) -> Any:
    """Where a box meets the cut, unless it has only points above it besides."""
    on_cut = (y.lower <= 0) & (y.upper >= 0) & (x.lower <= 0)
    one_sided = (y.lower >= 0) & (x.upper < 0)
    return on_cut & np.logical_not(one_sided)


def _enclosure(y: Interval, x: Interval) -> Interval:
    corners = [_value(a, b) for a, b in product((y.lower, y.upper), (x.lower, x.upper))]
    low = widen_down(np.minimum.reduce(np.broadcast_arrays(*corners)), ARCTAN2_ULPS)
    high = widen_up(np.maximum.reduce(np.broadcast_arrays(*corners)), ARCTAN2_ULPS)
    low = np.maximum(low, np.where(y.lower >= 0, 0.0, -_PI_UP))
    below = (y.upper < 0) | ((y.upper <= 0) & (x.lower > 0))
    high = np.minimum(high, np.where(below, 0.0, _PI_UP))
    # where x is not negative, the angle is between those at the corners all the same
    jump = _crosses_cut(y, x) & (x.lower < 0)
    low = np.where(jump, np.where(y.lower >= 0, 0.0, -_PI_UP), low)
    high = np.where(jump, _PI_UP, high)
    return undefined_where(Interval.unchecked(low, high), is_undefined(y, x))


def _slopes(g: Variable, out: Variable, y: Variable, x: Variable) -> Any:
    length, still = hypot(x, y), off_cut(y, x)
    by_y = direction_cosine(x, y) / length + still
    by_x = still - direction_cosine(y, x) / length
    return times(g, by_y), times(g, by_x)


def _still(y: Interval, x: Interval) -> Interval:
    zero = np.zeros(np.broadcast_shapes(np.shape(y.lower), np.shape(x.lower)))
    return undefined_where(
        Interval.unchecked(zero, zero), _crosses_cut(y, x) | is_undefined(y, x)
    )


arctan2: Operator = binary(
    "arctan2",
    _value,
    _enclosure,
    se.atan2,
    _slopes,
    code="arctan2({0}, {1})",
    range=(-_PI_UP, _PI_UP),
    keeps_sign=True,
)
off_cut: Operator = binary(
    "off_cut",
    lambda y, x: np.zeros(np.broadcast_shapes(np.shape(y), np.shape(x)))[()],
    _still,
    lambda y, x: se.Integer(0),
    lambda g, out, y, x: (times(g, off_cut(y, x)), times(g, off_cut(y, x))),
    ufunc="",
    code="0.0 * ({0} + {1})",
    range=(0.0, 0.0),
)
"""Zero, but undefined across the cut of arctan2: so that its slopes are, too."""
