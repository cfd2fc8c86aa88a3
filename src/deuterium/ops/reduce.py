"""Reductions that are not sums, running sums, and matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np
import symengine as se

from deuterium.errors import SymbolicError
from deuterium.graph.constructors import broadcast_to
from deuterium.graph.operator import Operator, Shape
from deuterium.graph.variable import Variable, node
from deuterium.interval import Interval, linear
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.ops.indexing import take_places
from deuterium.ops.shapes import array_operator, flipped, reshape_to

_make = Interval.unchecked


def _last_axis_shape(own: Shape) -> Shape:
    if not own:
        raise ValueError("a scalar has no last axis")
    return own[:-1]


def _others(n: int) -> Any:
    """Row ``i`` holds every place but ``i``."""
    return np.array([[j for j in range(n) if j != i] for i in range(n)], dtype=np.int64)


def _prod_pullback(g: Variable, out: Variable, x: Variable) -> tuple[Variable | None]:
    # product of the others, formed as such: dividing by x would fail at zeros
    n = x.shape[-1]
    if n == 0:
        return (None,)
    places = np.arange(x.size).reshape(x.shape)[..., _others(n).reshape(n, n - 1)]
    rest = prod_last(take_places(x, places))
    return (rest * broadcast_to(reshape_to(g, (*g.shape, 1)), x.shape),)


multiply_reduce = array_operator(
    "prod",
    1,
    lambda x: np.prod(x, axis=-1),
    linear.multiply_reduce,
    _prod_pullback,
    _last_axis_shape,
    code="xp.prod({0}, axis=-1)",
    keeps_sign=True,
    keeps_nonzero=True,
)


def prod_last(x: Variable) -> Variable:
    """Return the product over the last axis."""
    return node(multiply_reduce, (x,), {}, x.shape[:-1])


def _max_pullback(g: Variable, out: Variable, x: Variable) -> tuple[Variable]:
    chosen = node(argmax_onehot, (x,), {}, x.shape)
    return (chosen * broadcast_to(reshape_to(g, (*g.shape, 1)), x.shape),)


def _largest(x: Any) -> Any:
    out = np.empty(np.shape(x)[:-1], dtype=object)
    for i in np.ndindex(out.shape):
        out[i] = se.Max(*x[i].tolist())
    return out


maximum_reduce = array_operator(
    "max",
    1,
    lambda x: np.max(x, axis=-1),
    lambda x: _make(np.max(x.lower, axis=-1), np.max(x.upper, axis=-1)),
    _max_pullback,
    _last_axis_shape,
    _largest,
    code="xp.max({0}, axis=-1)",
    chooses=True,
    keeps_sign=True,
)


def max_last(x: Variable) -> Variable:
    """Return the maximum over the last axis."""
    return node(maximum_reduce, (x,), {}, x.shape[:-1])


def _argmax_onehot_value(x: Any) -> Any:
    places = np.argmax(x, axis=-1)[..., None]
    return np.where(np.arange(np.shape(x)[-1]) == places, 1.0, 0.0)


def _argmax_onehot_enclosure(x: Interval) -> Interval:
    """1 where it exceeds all others for certain, 0 where another exceeds it."""
    floor = np.max(x.lower, axis=-1, keepdims=True)
    possible = x.upper >= floor
    alone = possible & (np.sum(possible, axis=-1, keepdims=True) == 1)
    bad = is_undefined(x).any(axis=-1, keepdims=True) & np.ones_like(possible)
    return undefined_where(_make(alone * 1.0, possible * 1.0), bad)


def _argmax_onehot_pullback(g: Variable, out: Variable, x: Variable) -> tuple[Variable]:
    # zero where the maximum stands clear of the rest, undefined where two may tie
    return (g * node(argmax_slope, (x,), {}, x.shape),)


def _no_closed_form(x: Any) -> Any:
    raise SymbolicError(
        "the slope of a maximum over an axis has no closed form here; write the "
        "maximum with np.maximum of two arguments"
    )


argmax_onehot = array_operator(
    "argmax_onehot",
    1,
    _argmax_onehot_value,
    _argmax_onehot_enclosure,
    _argmax_onehot_pullback,
    lambda own: own,
    _no_closed_form,
    code="argmax_onehot({0})",
)
"""Slope of the maximum over the last axis: 1 at the first largest element, else 0."""


def _argmax_slope_enclosure(x: Interval) -> Interval:
    chosen = _argmax_onehot_enclosure(x)
    zero = np.zeros(np.shape(chosen.lower))
    return undefined_where(_make(zero, zero), ~(chosen.lower == chosen.upper))


argmax_slope: Operator = array_operator(
    "argmax_slope",
    1,
    lambda x: np.zeros(np.shape(x)),
    _argmax_slope_enclosure,
    # as the slope of any jump: not even its curvature is defined where it may lie
    lambda g, out, x: (g * node(argmax_slope, (x,), {}, x.shape),),
    lambda own: own,
    code="0.0 * {0}",
)


def _cumsum_value(x: Any, reverse: bool) -> Any:
    return _reversed(np.cumsum(_reversed(x, reverse), axis=-1), reverse)


def _reversed(x: Any, reverse: bool) -> Any:
    return x[..., ::-1] if reverse else x


def _cumsum_enclosure(x: Interval, reverse: bool) -> Interval:
    total = linear.cumulative_sum(x[..., ::-1] if reverse else x)
    return total[..., ::-1] if reverse else total


def _cumsum_shape(own: Shape, reverse: bool) -> Shape:
    _last_axis_shape(own)
    return own


cumsum = array_operator(
    "cumsum",
    1,
    _cumsum_value,
    _cumsum_enclosure,
    lambda g, out, x, reverse: (running_sum(g, not reverse),),
    _cumsum_shape,
    code=lambda node, args, bind: (
        f"reverse_cumsum({args[0]})"
        if node.attrs["reverse"]
        else f"xp.cumsum({args[0]}, axis=-1)"
    ),
    linear=True,
    keeps_sign=True,
)


def running_sum(x: Variable, reverse: bool = False) -> Variable:
    """Return the running sum along the last axis, from either end."""
    return node(cumsum, (x,), {"reverse": reverse}, x.shape)


def _matmul_shape(a: Shape, b: Shape) -> Shape:
    if len(a) < 2 or len(b) < 2 or a[:-2] != b[:-2] or a[-1] != b[-2]:
        raise ValueError(f"cannot multiply matrices of shapes {a} and {b}")
    return (*a[:-1], b[-1])


def _matmul_pullback(
    g: Variable, out: Variable, a: Variable, b: Variable
) -> tuple[Variable, Variable]:
    return matrix_product(g, flipped(b)), matrix_product(flipped(a), g)


matmul = array_operator(
    "matmul",
    2,
    np.matmul,
    linear.matmul,
    _matmul_pullback,
    _matmul_shape,
    code="matmul({0}, {1})",
    bilinear=True,
    degrees=(1, 1),
    keeps_sign=True,
)


def matrix_product(a: Variable, b: Variable) -> Variable:
    """Return the matrix product of stacks of equal leading shape.

    An inner axis of length one makes it an outer product: element-wise, hence tighter
    to enclose and cheaper.
    """
    if a.shape[-1] == 1 and a.shape[:-2] == b.shape[:-2]:
        shape = _matmul_shape(a.shape, b.shape)
        return broadcast_to(a, shape) * broadcast_to(b, shape)
    return node(matmul, (a, b), {}, _matmul_shape(a.shape, b.shape))
