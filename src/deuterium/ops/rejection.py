"""A vector divided by its length with a floor, and its slope: a rejection.

``soft_direction(x, s) = x / sqrt(|x|**2 + s)``, over the last axis, for s > 0, is what
layer and root-mean-square normalisation do to a row, up to a factor.  Its slope is the
symmetric matrix ``(I - x x' / (|x|**2 + s)) / sqrt(|x|**2 + s)``, the eigenvalues of
whose first factor lie in [0, 1]: it lengthens no vector, which its elements, as
intervals, do not show.  ``rejection(x, g, s) = g - x (x.g) / (|x|**2 + s)`` is that
factor applied to g (the part of g that is orthogonal to x, and a bit of the rest).

Reference: J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization",
arXiv:1607.06450, 2016.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import symengine as se

from deuterium.graph.constructors import broadcast_to
from deuterium.graph.operator import Operator, Shape, register
from deuterium.graph.variable import Variable, node
from deuterium.interval import Interval, interval_arithmetic, linear
from deuterium.ops import arrays, portable_values
from deuterium.ops.indexing import take_places
from deuterium.ops.lengths import direction, direction_of


def _rows(*shapes: Shape) -> Shape:
    own, *same, floor = shapes
    if not own or not own[-1] or any(s != own for s in same) or floor != own[:-1]:
        raise ValueError(f"shapes {shapes} are not of rows and a floor for each")
    return own


def _spread(y: Variable, x: Variable) -> Variable:
    return broadcast_to(arrays.reshape_to(y, (*y.shape, 1)), x.shape)


def _dot(x: Variable, y: Variable) -> Variable:
    return arrays.sum_over(x * y, (-1,))


def _square_of(x: Variable, floor: Variable) -> Variable:
    return _dot(x, x) + floor


# -- soft directions -----------------------------------------------------------------


def _with_root(x: Variable, floor: Variable) -> Variable:
    """Return rows with the root of the floor behind them."""
    root = arrays.reshape_to(floor.sqrt(), (*floor.shape, 1))
    shape = (*x.shape[:-1], x.shape[-1] + 1)
    return node(arrays.concatenate, (x, root), {"axis": -1, "ndim": x.ndim}, shape)


def _soft_direction(x: Variable, floor: Variable) -> Variable:
    found = direction_of(_with_root(x, floor))
    places = np.arange(found.size).reshape(found.shape)
    return take_places(found, places[..., :-1])


def _soft_direction_value(x: Any, floor: Any) -> Any:
    return portable_values.direction(np, _behind(x, np.sqrt(floor)))[..., :-1]


def _behind(x: Any, root: Any) -> Any:
    root = np.broadcast_to(np.asarray(root)[..., None], (*np.shape(x)[:-1], 1))
    return np.concatenate([x, root], axis=-1)


def _soft_direction_enclosure(x: Interval, floor: Interval) -> Interval:
    root = interval_arithmetic.sqrt(floor)
    low, high = _behind(x.lower, root.lower), _behind(x.upper, root.upper)
    found = direction.enclosure(Interval.unchecked(low, high))
    return Interval.unchecked(found.lower[..., :-1], found.upper[..., :-1])


def _soft_direction_pullback(
    g: Variable, out: Variable, x: Variable, floor: Variable
) -> tuple[Variable, Variable]:
    square = _square_of(x, floor)
    by_x = rejection_of(x, g, floor) / _spread(square.sqrt(), x)
    return by_x, _dot(g, out) / (-2 * square)


soft_direction: Operator = register(
    Operator(
        name="soft_direction",
        arity=2,
        value=_soft_direction_value,
        enclosure=_soft_direction_enclosure,
        symbolic=lambda x, s: x / _symbolic_root(x, s)[..., None],
        pullback=_soft_direction_pullback,
        shape=_rows,
        elementwise=False,
        range=(-1.0, 1.0),
        definition=_soft_direction,
    )
)
"""A row divided by the root of its squared length and a positive number."""


def _symbolic_root(x: Any, s: Any) -> Any:
    return np.frompyfunc(se.sqrt, 1, 1)(np.asarray(np.sum(x * x, axis=-1) + s))


# -- rejections ----------------------------------------------------------------------


def _rejection(x: Variable, g: Variable, floor: Variable) -> Variable:
    return g - x * _spread(_dot(x, g) / _square_of(x, floor), x)


def _rejection_value(x: Any, g: Any, floor: Any) -> Any:
    share = np.sum(x * g, axis=-1) / (np.sum(x * x, axis=-1) + floor)
    return g - x * share[..., None]


def _square_enclosure(x: Interval, floor: Interval) -> Interval:
    total = linear.add_reduce(interval_arithmetic.square(x), (np.ndim(x.lower) - 1,))
    return interval_arithmetic.add(total, floor)


def _column(x: Interval) -> Interval:
    return Interval.unchecked(x.lower[..., None], x.upper[..., None])


def _rejection_enclosure(x: Interval, g: Interval, floor: Interval) -> Interval:
    last = (np.ndim(x.lower) - 1,)
    dot = linear.add_reduce(interval_arithmetic.multiply(x, g), last)
    share = interval_arithmetic.divide(dot, _square_enclosure(x, floor))
    return interval_arithmetic.subtract(
        g, interval_arithmetic.multiply(x, _column(share))
    )


def _rejection_pullback(
    h: Variable, out: Variable, x: Variable, g: Variable, floor: Variable
) -> tuple[Variable, Variable, Variable]:
    """Of ``h.g - (h.x) (x.g) / (|x|**2 + s)``, which is symmetric in h and g."""
    square = _square_of(x, floor)
    left, right = _dot(h, x) / square, _dot(x, g) / square
    both = left * right
    by_x = x * _spread(2 * both, x) - h * _spread(right, x) - g * _spread(left, x)
    return by_x, rejection_of(x, h, floor), both


rejection: Operator = register(
    Operator(
        name="rejection",
        arity=3,
        value=_rejection_value,
        enclosure=_rejection_enclosure,
        symbolic=_rejection_value,
        pullback=_rejection_pullback,
        shape=_rows,
        elementwise=False,
        degrees=(None, 1, None),
        definition=_rejection,
    )
)
"""A row less its part along another one: no longer than it was."""


def soft_direction_of(x: Variable, floor: Variable) -> Variable:
    """Return ``x / sqrt(|x|**2 + floor)`` over the last axis."""
    return node(soft_direction, (x, floor), {}, x.shape)


def rejection_of(x: Variable, g: Variable, floor: Variable) -> Variable:
    """Return ``g - x (x.g) / (|x|**2 + floor)`` over the last axis."""
    return node(rejection, (x, g, floor), {}, x.shape)
