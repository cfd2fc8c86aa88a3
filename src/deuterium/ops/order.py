"""Order statistics: elements sorted along the last axis, and the way back.

Sorting the lower ends and the upper ends gives the exact range of every order
statistic, since each is nondecreasing in every element.  The derivative moves the
adjoint of a rank to the element that has it; among equals the first in line has the
lower rank, as in a stable sort.  Over a box an element may have several ranks: its
adjoint is in the hull of theirs (which holds the Clarke derivative).
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import symengine as se

from deuterium.errors import SymbolicError
from deuterium.graph.operator import Operator, register
from deuterium.graph.variable import Variable, node
from deuterium.interval import Interval
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where

_make = Interval.unchecked


def _sorted_enclosure(x: Interval) -> Interval:
    bad = np.any(is_undefined(x), axis=-1, keepdims=True)
    return undefined_where(
        _make(np.sort(x.lower, axis=-1), np.sort(x.upper, axis=-1)), bad
    )


def _same(x: Any) -> Any:
    if not x:
        raise ValueError("only an array with an axis can be sorted")
    return x


def _same_two(g: Any, x: Any, reverse: Any) -> Any:
    if g != x:
        raise ValueError(f"shapes {g} and {x} must be equal")
    return _same(x)


def _ranked(x: Any) -> Any:
    """Return forms: the k-th is the least of what any k elements leave as greatest."""
    out = np.empty(np.shape(x), dtype=object)
    if math.comb(out.shape[-1], out.shape[-1] // 2) > MOST_TERMS:
        _no_closed_form()
    for place in np.ndindex(out.shape):
        some = combinations(x[place[:-1]].tolist(), place[-1] + 1)
        out[place] = se.Min(*[se.Max(*chosen) for chosen in some])
    return out


MOST_TERMS = 100  # of the closed form of one order statistic


def _no_closed_form(*_: Any, **__: Any) -> Any:
    raise SymbolicError(
        "a sorted array of many elements, and the slope of any, has no closed form "
        "here; enclose or evaluate the graph itself, or write the order statistic "
        "with np.maximum and np.minimum"
    )


sort_last = register(
    Operator(
        name="sort",
        arity=1,
        value=lambda x: np.sort(x, axis=-1),
        enclosure=_sorted_enclosure,
        pullback=lambda g, out, x: (reordered(g, x, reverse=True),),
        shape=_same,
        elementwise=False,
        symbolic=_ranked,
        code="xp.sort({0}, axis=-1)",
    )
)
"""Elements in ascending order along the last axis."""


def sorted_last(x: Variable) -> Variable:
    """Return the elements in ascending order along the last axis."""
    return node(sort_last, (x,), {}, _same(x.shape))


def _order(x: Any, reverse: bool) -> Any:
    """Return which element has each rank, or the rank of each element (reverse)."""
    order = np.argsort(x, axis=-1, kind="stable")
    return np.argsort(order, axis=-1, kind="stable") if reverse else order


def _reordered(g: Any, x: Any, reverse: bool) -> Any:
    shape = np.broadcast_shapes(np.shape(g), np.shape(x))
    order = np.broadcast_to(_order(x, reverse), shape)
    return np.take_along_axis(np.broadcast_to(g, shape), order, axis=-1)


def _possible_ranks(x: Interval) -> tuple[Any, Any]:
    """Return the least and the largest rank that each element may have."""
    count = math.prod(np.shape(x.lower)[:-1])  # -1 is not known where rows are empty
    rows = [np.reshape(e, (count, -1 if e.size else 0)) for e in (x.lower, x.upper)]
    least, most = np.empty(rows[0].shape, dtype=int), np.empty(rows[0].shape, dtype=int)
    for i, (low, high) in enumerate(zip(*rows, strict=True)):
        least[i] = np.searchsorted(np.sort(high), low, side="left")  # surely below it
        most[i] = np.searchsorted(np.sort(low), high, side="right") - 1  # and itself
    return least.reshape(np.shape(x.lower)), most.reshape(np.shape(x.lower))


def _reordered_enclosure(g: Interval, x: Interval, reverse: bool) -> Interval:
    """Return, for each place, the hull of all that may come there."""
    shape = np.broadcast_shapes(np.shape(g.lower), np.shape(x.lower))
    x = _make(*(np.broadcast_to(e, shape) for e in (x.lower, x.upper)))
    g = _make(*(np.broadcast_to(e, shape) for e in (g.lower, g.upper)))
    least, most = _possible_ranks(x)
    low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
    for k in range(shape[-1]):
        may = (least <= k) & (k <= most)  # which elements may have rank k
        if reverse:
            here = np.s_[..., k : k + 1]
            low = np.where(may, np.minimum(low, g.lower[here]), low)
            high = np.where(may, np.maximum(high, g.upper[here]), high)
        else:
            low[..., k] = np.min(np.where(may, g.lower, np.inf), axis=-1)
            high[..., k] = np.max(np.where(may, g.upper, -np.inf), axis=-1)
    bad = np.any(is_undefined(x) | is_undefined(g), axis=-1, keepdims=True)
    return undefined_where(_make(low, high), bad | np.zeros(shape, dtype=bool))


def _reordered_pullback(
    h: Variable, out: Variable, g: Variable, x: Variable, reverse: bool
) -> tuple[Variable, Variable]:
    # in x it is constant off the ties, and jumps across one
    return reordered(h, x, reverse=not reverse), h * node(rank_slope, (x,), {}, x.shape)


reorder: Operator = register(
    Operator(
        name="reorder",
        arity=2,
        value=_reordered,
        enclosure=_reordered_enclosure,
        pullback=_reordered_pullback,
        shape=_same_two,
        elementwise=False,
        symbolic=_no_closed_form,
        code=lambda node, args, bind: (
            f"reorder({args[0]}, {args[1]}, {node.attrs['reverse']})"
        ),
    )
)
"""``g`` in the order in which sorting puts ``x``, or (reverse) put back from there."""


def reordered(g: Variable, x: Variable, *, reverse: bool) -> Variable:
    """Return ``g`` sorted as ``x`` is, or moved from ranks to the elements of ``x``."""
    return node(reorder, (g, x), {"reverse": reverse}, x.shape)


def _rank_slope_enclosure(x: Interval) -> Interval:
    least, most = _possible_ranks(x)
    zero = np.zeros(np.shape(x.lower))
    bad = np.any(is_undefined(x), axis=-1, keepdims=True)
    return undefined_where(_make(zero, zero), (least < most) | bad)


rank_slope: Operator = register(
    Operator(
        name="rank_slope",
        arity=1,
        value=lambda x: np.zeros(np.shape(x)),
        enclosure=_rank_slope_enclosure,
        pullback=lambda g, out, x: (g * node(rank_slope, (x,), {}, x.shape),),
        shape=_same,
        elementwise=False,
        symbolic=_no_closed_form,
        code="0.0 * {0}",
    )
)
"""Slope of an order: 0, and undefined where two elements may change places."""
