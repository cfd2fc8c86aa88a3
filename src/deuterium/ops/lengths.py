"""The length of a vector and its direction, over the last axis.

The length is 1-Lipschitz everywhere; its slope is the direction ``x / |x|``, of length
1, and at the origin any vector of the unit ball (F. H. Clarke, "Optimization and
Nonsmooth Analysis", 1983, section 2.2), of which the value taken is 0.  So the bounds
of an element of the slope lie in [-1, 1], also where the vector may vanish.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import symengine as se

from deuterium.graph.constructors import broadcast_to
from deuterium.graph.operator import Operator, Shape, register
from deuterium.graph.variable import Variable, node
from deuterium.interval import Interval, interval_arithmetic, linear
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.interval.rounding import widen_down, widen_up
from deuterium.ops import arrays, portable_values
from deuterium.ops.special import HYPOT_ULPS, direction_cosine

_make = Interval.unchecked


def _rows(own: Shape) -> Shape:
    if not own or not own[-1]:
        raise ValueError(f"shape {own} has no elements along a last axis")
    return own


def _norm_enclosure(x: Interval) -> Interval:
    total = linear.add_reduce(interval_arithmetic.square(x), (np.ndim(x.lower) - 1,))
    return interval_arithmetic.sqrt(total)


def _without_own(sizes: Any) -> Any:
    """Return, for each element of a row, the length of the others."""
    zero = np.zeros((*sizes.shape[:-1], 1))
    before = np.hypot.accumulate(sizes, axis=-1)[..., :-1]
    after = np.hypot.accumulate(sizes[..., ::-1], axis=-1)[..., -2::-1]
    before, after = (
        np.concatenate(parts, axis=-1) for parts in ((zero, before), (after, zero))
    )
    return np.hypot(before, after)


def _direction_enclosure(x: Interval) -> Interval:
    """Bound each element by its own range and that of the others' length."""
    size = interval_arithmetic.absolute(x)
    n = np.shape(x.lower)[-1]
    ulps = HYPOT_ULPS * (n + 1)
    with np.errstate(all="ignore"):
        others = _make(
            np.maximum(widen_down(_without_own(size.lower), ulps), 0.0),
            widen_up(_without_own(size.upper), ulps) if n > 1 else 0.0 * size.upper,
        )
    bad = is_undefined(x)
    others = _make(np.where(bad, 0.0, others.lower), np.where(bad, 1.0, others.upper))
    found = direction_cosine.enclosure(x, others)
    return undefined_where(found, np.any(bad, axis=-1, keepdims=True))


def _norm_pullback(g: Variable, out: Variable, x: Variable) -> tuple[Variable]:
    return (_spread(g, x) * direction_of(x),)


def _spread(y: Variable, x: Variable) -> Variable:
    return broadcast_to(arrays.reshape_to(y, (*y.shape, 1)), x.shape)


def _direction_pullback(g: Variable, out: Variable, x: Variable) -> tuple[Variable]:
    along = arrays.sum_over(g * out, (-1,))
    return ((g - out * _spread(along, x)) / _spread(norm_of(x), x),)


def _length(x: Any) -> Any:
    return np.frompyfunc(se.sqrt, 1, 1)(np.sum(x * x, axis=-1))


norm: Operator = register(
    Operator(
        name="norm",
        arity=1,
        value=partial(portable_values.norm, np),
        enclosure=_norm_enclosure,
        symbolic=_length,
        pullback=_norm_pullback,
        shape=lambda own: _rows(own)[:-1],
        elementwise=False,
        range=(0.0, np.inf),
        code="norm({0})",
    )
)
"""The L2 norm over the last axis."""

direction: Operator = register(
    Operator(
        name="direction",
        arity=1,
        value=partial(portable_values.direction, np),
        enclosure=_direction_enclosure,
        symbolic=lambda x: x / np.asarray(_length(x))[..., None],
        pullback=_direction_pullback,
        shape=_rows,
        elementwise=False,
        range=(-1.0, 1.0),
        code="direction({0})",
    )
)
"""The vector along the last axis divided by its length; 0 where that is 0."""


def norm_of(x: Variable) -> Variable:
    """Return the length over the last axis."""
    return node(norm, (x,), {}, x.shape[:-1])


def direction_of(x: Variable) -> Variable:
    """Return the unit vectors along the last axis."""
    return node(direction, (x,), {}, x.shape)
