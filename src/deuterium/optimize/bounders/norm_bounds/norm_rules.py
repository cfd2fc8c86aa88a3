"""Norm bounds of a node from those of its arguments: one rule an operator.

A rule is a function of the sweep (which holds constants, certified norms of matrices
and the choices made), the node and the `ArrayBounds` of each argument.  Operators
without a rule have the bounds that follow from their interval enclosure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium import ops
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, stacked
from deuterium.interval.rounding import EPS, Array, gamma, sqrt_up
from deuterium.interval.spectral_norm import inflate, root_sum
from deuterium.optimize.bounders.norm_bounds import saturating
from deuterium.optimize.bounders.norm_bounds.ball_and_box import (
    LEAD,
    ArrayBounds,
    combine,
    cut,
    sum_up,
)

if TYPE_CHECKING:
    from deuterium.optimize.bounders.norm_bounds.norm_propagation import NormPropagation

Rule = Callable[["NormPropagation", Variable, list[ArrayBounds]], ArrayBounds]


def enclosed(node: Variable, args: list[ArrayBounds]) -> Array:
    """Return the intervals of a node by its operator's own enclosure."""
    assert node.op is not None
    boxed = [stacked.interval(a.ends) for a in args]
    result = node.op.enclosure(*boxed, **node.attrs)
    low, high = np.broadcast_arrays(result.lower, result.upper)
    return np.stack([low, high])


def default(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Return what the intervals say."""
    return combine(enclosed(node, args))[0]


# -- sums and products ---------------------------------------------------------------


def add(sweep: NormPropagation, node: Variable, args: list[ArrayBounds]) -> ArrayBounds:
    """Distances add up."""
    a, b = args
    centre = a.centre + b.centre
    slip = inflate(root_sum(np.square(centre), tuple(range(LEAD, centre.ndim)))) * EPS
    length = inflate(a.length + b.length)
    if not any(v in sweep.layout.constants for v in node.args):
        length = np.fmin(length, _across(a, b))
    return sweep.combined(
        node,
        stacked.add(a.ends, b.ends),
        (centre, inflate(a.radius + b.radius + slip)),
        length,
        inflate(a.total + b.total),
    )


def _across(a: ArrayBounds, b: ArrayBounds) -> Array:
    """Bound the length of a sum by ``|a|**2 + |b|**2 + 2 a.b``: Pythagoras' theorem."""
    over = sum_up(np.maximum(stacked.multiply(a.ends, b.ends)[1], 0.0), a.axes)
    return sqrt_up(inflate(np.square(a.length) + np.square(b.length) + 2 * over, 8))


def subtract(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """As a sum with the second negated."""
    return add(sweep, node, [args[0], _negated(args[1])])


def negative(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Nothing but the sign changes."""
    return _negated(args[0])


def _negated(a: ArrayBounds) -> ArrayBounds:
    return ArrayBounds(-a.ends[::-1], -a.centre, a.radius, a.length, a.total)


def multiply(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Take the largest factor times the other's length; Cauchy-Schwarz."""
    a, b = args
    length = np.fmin(inflate(a.largest * b.length), inflate(b.largest * a.length))
    total = inflate(a.length * b.length)
    total = np.fmin(total, inflate(a.largest * b.total))
    total = np.fmin(total, inflate(b.largest * a.total))
    for factor, other in ((0, 1), (1, 0)):
        sharp = sweep.box_norm_of_product(node, node.args[other], args[factor].size)
        length = length if sharp is None else np.fmin(length, sharp)
    product = stacked.multiply(a.ends, b.ends)
    ball = _scaled_ball(sweep, node, a, b)
    return sweep.combined(node, product, ball, length, total)


def _scaled_ball(
    sweep: NormPropagation, node: Variable, a: ArrayBounds, b: ArrayBounds
) -> tuple[Array, Array] | None:
    """Return a ball for a product with a constant."""
    for x, y, v in ((a, b, node.args[0]), (b, a, node.args[1])):
        if sweep.constant(v) is not None:
            centre = x.centre * y.centre
            slip = inflate(x.largest * inflate(root_sum(np.square(y.centre), y.axes)))
            return centre, inflate(x.largest * y.radius + slip * (4 * EPS))
    return None


def square(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Sum up squares as the square of the length."""
    (a,) = args
    return sweep.combined(
        node,
        stacked.square(stacked.sizes(a.ends)),
        None,
        inflate(a.largest * a.length),
        inflate(np.square(a.length)),
    )


def total(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Bound sums, together, by absolute values, and by Cauchy and Schwarz."""
    (a,) = args
    result = enclosed(node, args)
    if not node.shape:
        result = cut(result, np.zeros((1, 1)), a.total)
    count = float(node.args[0].size // max(node.size, 1))
    length = inflate(a.length * np.sqrt(count))
    return sweep.combined(node, result, None, length, a.total)


# -- matrices ------------------------------------------------------------------------


def matmul(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Spectral norms, and Cauchy-Schwarz with each column."""
    a, b = args
    right, left = sweep.constant(node.args[1]), sweep.constant(node.args[0])
    if right is not None and right.ndim == 2:
        result = stacked.affine(a.ends, np.stack([right, np.abs(right)]), 0.0)
        return _through(sweep, node, a, right, result, node.args[1])
    if left is not None and left.ndim == 2:
        result = enclosed(node, args)
        return _through(sweep, node, b, left, result, node.args[0], from_left=True)
    length = inflate(a.length * b.length)
    for matrix, other in ((node.args[1], a), (node.args[0], b)):
        if matrix in sweep.layout.constants and matrix.ndim == 2:  # not known exactly
            found = inflate(sweep.norm_of(matrix) * other.length)
            length = np.fmin(length, found)
    result = enclosed(node, args)
    if node.args[0].op is ops.softmax_last:
        result = _average(result, b)
    short = sweep.layout.contractions.get(node.args[0])
    if short is not None and short.is_softmax:
        ranges = short.ranges(sweep.values[short.base])
        longest = _longest_row(sweep, node.args[1])
        length = np.fmin(length, inflate(ranges / 2 * longest))
    return sweep.combined(node, result, None, length)


def _longest_row(sweep: NormPropagation, v: Variable) -> Array:
    """Bound the length of the longest row of a node, its last axis, (B, K)."""
    x = sweep.values[v]
    rows = root_sum(np.square(x.size), (-1,))
    longest = np.max(rows, axis=tuple(range(LEAD, rows.ndim)), initial=0.0)
    matrix = sweep.constant(v.args[1]) if v.op is ops.matmul else None
    if matrix is not None and matrix.ndim == 2:
        through = inflate(sweep.norm_of(v.args[1]) * _longest_row(sweep, v.args[0]))
        longest = np.fmin(longest, through)
    return longest


def _average(result: Array, b: ArrayBounds) -> Array:
    """Cut what is a mean of rows, with weights, to what the rows' elements are."""
    low = np.min(b.ends[0], axis=-2, keepdims=True)
    high = np.max(b.ends[1], axis=-2, keepdims=True)
    return np.stack([np.maximum(result[0], low), np.minimum(result[1], high)])


def _through(
    sweep: NormPropagation,
    node: Variable,
    x: ArrayBounds,
    matrix: Array,
    result: Array,
    name: Variable,
    *,
    from_left: bool = False,
) -> ArrayBounds:
    """Take a ball through a constant matrix.

    Shapes: ``matrix`` two-dimensional, ``result`` (2, B, K, *shape).
    """
    sigma = sweep.norm_of(name)
    sums = root_sum(np.square(matrix), (1 if from_left else 0,))
    inner = matrix.shape[1 if from_left else 0]
    centre = matrix @ x.centre if from_left else x.centre @ matrix
    reach = inflate(root_sum(np.square(x.centre), x.axes))
    # of computing the centre: |error| <= gamma |c| |W|, row by row
    slip = reach * gamma(inner + 6)
    known_centre = np.isfinite(centre).all(axis=tuple(range(LEAD, centre.ndim)))
    slip = np.where(known_centre, slip, np.inf)  # sums that overflow may be anything
    width = inflate(x.radius + slip)[..., None, None]
    width = width * (sums[:, None] if from_left else sums)
    result = cut(result, centre, inflate(width))
    frobenius = inflate(root_sum(np.square(matrix), (0, 1)))
    radius = inflate(sigma * x.radius + slip * frobenius)
    length = inflate(sigma * x.length)
    sharp = sweep.box_norm_of_product(node, node, None)
    if sharp is not None:
        length = np.fmin(length, sharp)
    return sweep.combined(node, result, (centre, radius), length)


# -- functions of one variable -------------------------------------------------------


def unary(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Lipschitz curves, and bounded ones by the sum of what each element may do."""
    assert node.op is not None and node.op.lipschitz is not None
    (a,) = args
    result = enclosed(node, args)
    at = node.op.enclosure(Interval.unchecked(a.centre, a.centre))
    centre = 0.5 * at.lower + 0.5 * at.upper
    slip = inflate(root_sum(np.square(at.upper - at.lower), a.axes))
    radius = inflate(node.op.lipschitz * a.radius + slip)
    length = None
    if saturating.is_followed(node.op) and sweep.uses_dual_bound(node, a):
        near, length = sweep.directional_bound(node, a, centre)
        radius = radius if near is None else np.fmin(radius, near)
    elif node.op.below_identity:
        length = inflate(a.length)
    return sweep.combined(node, result, (centre, radius), length)


# -- layout --------------------------------------------------------------------------


def move(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Elements change places; none is lost or doubled."""
    assert node.op is not None
    (a,) = args

    def moved(x: Array) -> Any:
        return node.op.value(x, **node.attrs)  # type: ignore[union-attr]

    return ArrayBounds(moved(a.ends), moved(a.centre), a.radius, a.length, a.total)


def broadcast(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Every element as often as the shape grows."""
    (a,) = args
    times = float(max(node.size // max(node.args[0].size, 1), 1))
    value = default(sweep, node, args)
    root = inflate(np.sqrt(times))
    return ArrayBounds(
        value.ends,
        value.centre,
        value.radius,
        np.fmin(value.length, inflate(root * a.length)),
        np.fmin(value.total, inflate(times * a.total)),
    )


def concatenate(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Squares add up."""
    squares = sum(np.square(a.length) for a in args)
    return sweep.combined(
        node,
        enclosed(node, args),
        None,
        inflate(np.sqrt(squares), len(args) + 4),
        inflate(sum(a.total for a in args), len(args) + 4),
    )


def softmax(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Each row is non-negative and sums to 1."""
    rows = float(node.size // node.shape[-1])
    shape = args[0].radius.shape
    return sweep.combined(
        node,
        stacked.softmax(args[0].ends),
        None,
        np.full(shape, float(inflate(np.sqrt(rows)))),
        np.full(shape, rows),
    )


def onehot(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Each row has one 1, and else zeros."""
    rows = float(node.size // node.shape[-1])
    shape = args[0].radius.shape
    length = np.full(shape, float(inflate(np.sqrt(rows))))
    return sweep.combined(
        node, enclosed(node, args), None, length, np.full(shape, rows)
    )


def reorder(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Elements of a row change places, whichever: none is lost or doubled."""
    a = args[0]
    return sweep.combined(node, enclosed(node, args), None, a.length, a.total)


def direction(
    sweep: NormPropagation, node: Variable, args: list[ArrayBounds]
) -> ArrayBounds:
    """Each row has length 1, or is zero."""
    rows = float(node.size // node.shape[-1])
    shape = args[0].radius.shape
    total = rows * inflate(np.sqrt(float(node.shape[-1])))
    return sweep.combined(
        node,
        enclosed(node, args),
        None,
        np.full(shape, float(inflate(np.sqrt(rows)))),
        np.full(shape, float(inflate(total))),
    )


def rule_of(op: Operator) -> Rule:
    """Return the rule of an operator."""
    return RULES.get(op, default if op.lipschitz is None else unary)


RULES: dict[Operator, Rule] = {
    ops.add: add,
    ops.subtract: subtract,
    ops.negative: negative,
    ops.multiply: multiply,
    ops.square: square,
    ops.add_reduce: total,
    ops.matmul: matmul,
    ops.reshape: move,
    ops.transpose: move,
    ops.broadcast: broadcast,
    ops.concatenate: concatenate,
    ops.softmax_last: softmax,
    ops.argmax_onehot: onehot,
    ops.reorder: reorder,
    ops.direction: direction,
    ops.soft_direction: direction,
}
