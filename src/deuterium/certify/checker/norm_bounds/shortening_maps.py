"""Nodes that are another node times a symmetric matrix with eigenvalues in [0, 1].

Of rows x, g, with a number s > 0: ``g - x (x.g) / (|x|**2 + s)`` is no longer than g,
as ``x x' / (|x|**2 + s)`` has its eigenvalues in [0, 1); nor is ``x - mean(x)``.  Of a
softmax p, ``d = p * (g - p.g)`` is ``diag(p) - p p'`` times g.  With r the range of g,
p.g lies in it, so that ``sum |d| = 2 sum of the positive d <= 2 P (1 - P) r``, P being
the chance of these, and each ``|d| <= p (1 - p) r``.  So ``sum |d| <= r / 2``, and
``sum d**2 <= r / 4 * r / 2``; and ``g' (diag(p) - p p') g``, a variance, is at most
``r**2 / 4 <= |g|**2 / 2``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from flint import arb

from deuterium import ops
from deuterium.certify.checker.ball_functions import INFINITY, ZERO, Ball, larger
from deuterium.certify.checker.norm_bounds.array_knowledge import ArrayKnowledge
from deuterium.certify.checker.norm_bounds.ball_vectors import (
    known,
    least,
    length,
    lowered,
    raised,
    root,
)
from deuterium.graph.variable import Variable

ValueOf = Callable[[Variable], ArrayKnowledge]


def shortened(v: Variable, found: ArrayKnowledge, value: ValueOf) -> ArrayKnowledge:
    """Return what is known of a node, with the length of what it is a map of."""
    limit = _limit(v, value)
    if not limit.is_finite():
        return found
    count = arb(max(v.size, 1)).sqrt()
    return ArrayKnowledge(
        raised(found.low, -limit),
        lowered(found.high, limit),
        found.centre,
        found.radius,
        least(found.length, limit),
        least(found.total, limit * count),
    )


def _limit(v: Variable, value: ValueOf) -> Ball:
    """Return a bound of the length of a node that is such a map; else infinity."""
    if v.op is ops.rejection:
        floors = value(v.args[2]).low.tolist()
        return value(v.args[1]).length if all(s >= ZERO for s in floors) else INFINITY
    g = softmax_slope(v)
    if g is not None:
        return least(value(g).length / 2, ranges_of(g, value) / arb(8).sqrt())
    for x in v.args:
        if v.op in (ops.add, ops.subtract) and _is_centred(v, x):
            return value(x).length
    return INFINITY


def ranges_of(g: Variable, value: ValueOf) -> Ball:
    """Return the length of the vector of the ranges of the rows of a node."""
    bounds, squares = value(g), ZERO
    low = bounds.low.reshape(-1, g.shape[-1])
    for below, above in zip(low, bounds.high.reshape(low.shape), strict=True):
        ends = [*(-below).tolist(), *above.tolist()]
        if not all(x.is_finite() for x in ends):
            return INFINITY
        least_of, most_of = ends[: len(below)], ends[len(below) :]
        squares += (_top(least_of) + _top(most_of)) ** 2
    return root(squares)


def longest_row(v: Variable, value: ValueOf, norm: Callable[[Variable], Ball]) -> Ball:
    """Return the length of the longest row of a node, which may be rows times a matrix.

    Parameters
    ----------
    norm : callable
        From a node without symbols to a bound of its norm, infinite if it is no matrix.
    """
    sizes = value(v).sizes.reshape(-1, v.shape[-1])
    own = ZERO
    for row in sizes:
        one = length(row)
        own = larger(own, one) if one.is_finite() and own.is_finite() else INFINITY
    if v.op is not ops.matmul:
        return own
    sigma = norm(v.args[1])
    if not sigma.is_finite():
        return own
    return least(own, known(sigma * longest_row(v.args[0], value, norm)))


def _top(balls: list[Ball]) -> Ball:
    best = balls[0]
    for x in balls[1:]:
        best = larger(best, x)
    return best


# -- what a node is --------------------------------------------------------------------


def softmax_slope(v: Variable) -> Variable | None:
    """Return g of a node ``p * (g - p.g)``, by rows, for a softmax p."""
    if v.op is not ops.multiply:
        return None
    for p, d in ((v.args[0], v.args[1]), (v.args[1], v.args[0])):
        if p.op is not ops.softmax_last or d.op not in (ops.subtract, ops.add):
            continue
        for g, mean in [d.args, d.args[::-1]][: 2 if d.op is ops.add else 1]:
            total = _of_rows(mean, g, d.op is ops.add)
            if total is None or total.op is not ops.multiply:
                continue
            if set(total.args) == {p, g} and total.shape == g.shape:
                return g
    return None


def _of_rows(v: Variable, x: Variable, negative: bool) -> Variable | None:
    """Return what v is, at every element of a row of x, the sum of over that row.

    Or, where that is asked for, the negative of the sum.

    A sum over the last axis has one element for each row; put behind it an axis of
    length one, and repeat along that.
    """
    if v.op is not ops.broadcast or v.shape != x.shape or not x.shape:
        return None
    (v,) = v.args
    if v.shape != (*x.shape[:-1], 1) and not (v.shape == () and x.ndim == 1):
        return None
    is_negative = False
    while v.op in (ops.reshape, ops.negative):  # which keep the order of the rows
        is_negative ^= v.op is ops.negative
        (v,) = v.args
    if is_negative != negative:
        return None
    if v.op is not ops.add_reduce or tuple(v.attrs["axis"]) != (-1,):
        return None
    return v.args[0]


def _is_centred(v: Variable, x: Variable) -> bool:
    """Return whether v is ``x - mean(x)``, by rows."""
    a, b = v.args
    sign = -1 if v.op is ops.add else 1
    other = b if a is x else a if b is x and sign == -1 else None
    if other is None or not x.shape or other.op is not ops.broadcast:
        return False
    (mean,) = other.args
    if mean.shape != (*x.shape[:-1], 1) and not (mean.shape == () and x.ndim == 1):
        return False
    while mean.op is ops.reshape:
        (mean,) = mean.args
    if mean.op is ops.negative:
        sign, (mean,) = -sign, mean.args
    if sign != 1 or mean.op is not ops.divide or mean.shape != x.shape[:-1]:
        return False
    top, count = mean.args
    while count.op is ops.broadcast:
        (count,) = count.args
    if not (count.is_constant and not count.shape and count.value == x.shape[-1]):
        return False
    is_sum = top.op is ops.add_reduce and tuple(top.attrs["axis"]) == (-1,)
    return bool(is_sum and top.args[0] is x and np.size(count.value) == 1)
