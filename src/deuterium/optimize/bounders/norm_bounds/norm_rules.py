"""Norm bounds of a node from those of its arguments: one rule an operator.

A rule is a function of the sweep (which holds constants, certified norms of matrices
and the choices made), the node and the `Value` of each argument.  Operators without a
rule have the bounds that follow from their interval enclosure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium import ops
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval import stacked as ends
from deuterium.interval.rounding import EPS, Array, gamma
from deuterium.optimize.bounders.norm_bounds import saturating as curves
from deuterium.optimize.bounders.norm_bounds.ball_and_box import LEAD, Value, cut, known
from deuterium.optimize.bounders.norm_bounds.spectral_norm import raised, root_sum

if TYPE_CHECKING:
    from deuterium.optimize.bounders.norm_bounds.norm_propagation import Sweep

Rule = Callable[["Sweep", Variable, list[Value]], Value]


def enclosed(node: Variable, args: list[Value]) -> Array:
    """Return the intervals of a node by its operator's own enclosure."""
    assert node.op is not None
    boxed = [ends.interval(a.ends) for a in args]
    result = node.op.enclosure(*boxed, **node.attrs)
    low, high = np.broadcast_arrays(result.lower, result.upper)
    return np.stack([low, high])


def default(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Return what the intervals say."""
    return known(enclosed(node, args))[0]


# -- sums and products ---------------------------------------------------------------


def add(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Distances add up."""
    a, b = args
    centre = a.centre + b.centre
    slip = raised(root_sum(np.square(centre), tuple(range(LEAD, centre.ndim)))) * EPS
    return sweep.settled(
        node,
        ends.add(a.ends, b.ends),
        (centre, raised(a.radius + b.radius + slip)),
        raised(a.length + b.length),
        raised(a.total + b.total),
    )


def subtract(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """As a sum with the second negated."""
    return add(sweep, node, [args[0], _negated(args[1])])


def negative(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Nothing but the sign changes."""
    return _negated(args[0])


def _negated(a: Value) -> Value:
    return Value(-a.ends[::-1], -a.centre, a.radius, a.length, a.total)


def multiply(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Take the largest factor times the other's length; Cauchy-Schwarz."""
    a, b = args
    length = np.fmin(raised(a.largest * b.length), raised(b.largest * a.length))
    total = raised(a.length * b.length)
    total = np.fmin(total, raised(a.largest * b.total))
    total = np.fmin(total, raised(b.largest * a.total))
    for factor, other in ((0, 1), (1, 0)):
        sharp = sweep.sharp_product(node, node.args[other], args[factor].size)
        length = length if sharp is None else np.fmin(length, sharp)
    product = ends.multiply(a.ends, b.ends)
    ball = _scaled_ball(sweep, node, a, b)
    return sweep.settled(node, product, ball, length, total)


def _scaled_ball(
    sweep: Sweep, node: Variable, a: Value, b: Value
) -> tuple[Array, Array] | None:
    """Return a ball for a product with a constant."""
    for x, y, v in ((a, b, node.args[0]), (b, a, node.args[1])):
        if sweep.constant(v) is not None:
            centre = x.centre * y.centre
            slip = raised(x.largest * raised(root_sum(np.square(y.centre), y.axes)))
            return centre, raised(x.largest * y.radius + slip * (4 * EPS))
    return None


def square(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Sum up squares as the square of the length."""
    (a,) = args
    return sweep.settled(
        node,
        ends.square(ends.sizes(a.ends)),
        None,
        raised(a.largest * a.length),
        raised(np.square(a.length)),
    )


def total(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Bound sums, together, by the sum of absolute values."""
    (a,) = args
    result = enclosed(node, args)
    if not node.shape:
        result = cut(result, np.zeros((1, 1)), a.total)
    return sweep.settled(node, result, None, None, a.total)


# -- matrices ------------------------------------------------------------------------


def matmul(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Spectral norms, and Cauchy-Schwarz with each column."""
    a, b = args
    right, left = sweep.constant(node.args[1]), sweep.constant(node.args[0])
    if right is not None and right.ndim == 2:
        result = ends.affine(a.ends, np.stack([right, np.abs(right)]), 0.0)
        return _through(sweep, node, a, right, result, node.args[1])
    if left is not None and left.ndim == 2:
        result = enclosed(node, args)
        return _through(sweep, node, b, left, result, node.args[0], from_left=True)
    return sweep.settled(node, enclosed(node, args), None, raised(a.length * b.length))


def _through(
    sweep: Sweep,
    node: Variable,
    x: Value,
    matrix: Array,
    result: Array,
    name: Variable,
    *,
    from_left: bool = False,
) -> Value:
    """Take a ball through a constant matrix.

    Shapes: ``matrix`` two-dimensional, ``result`` (2, B, K, *shape).
    """
    sigma = sweep.norm_of(name, matrix)
    sums = root_sum(np.square(matrix), (1 if from_left else 0,))
    inner = matrix.shape[1 if from_left else 0]
    centre = matrix @ x.centre if from_left else x.centre @ matrix
    reach = raised(root_sum(np.square(x.centre), x.axes))
    # of computing the centre: |error| <= gamma |c| |W|, row by row
    slip = reach * gamma(inner + 6)
    known_centre = np.isfinite(centre).all(axis=tuple(range(LEAD, centre.ndim)))
    slip = np.where(known_centre, slip, np.inf)  # sums that overflow may be anything
    width = raised(x.radius + slip)[..., None, None]
    width = width * (sums[:, None] if from_left else sums)
    result = cut(result, centre, raised(width))
    frobenius = raised(root_sum(np.square(matrix), (0, 1)))
    radius = raised(sigma * x.radius + slip * frobenius)
    length = raised(sigma * x.length)
    sharp = sweep.sharp_product(node, node, None)
    if sharp is not None:
        length = np.fmin(length, sharp)
    return sweep.settled(node, result, (centre, radius), length)


# -- functions of one variable -------------------------------------------------------


def unary(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Lipschitz curves, and bounded ones by the sum of what each element may do."""
    assert node.op is not None and node.op.lipschitz is not None
    (a,) = args
    result = enclosed(node, args)
    at = node.op.enclosure(Interval.unchecked(a.centre, a.centre))
    centre = 0.5 * at.lower + 0.5 * at.upper
    slip = raised(root_sum(np.square(at.upper - at.lower), a.axes))
    radius = raised(node.op.lipschitz * a.radius + slip)
    length = None
    if curves.is_followed(node.op) and sweep.follows(node, a):
        near, length = sweep.along(node, a, centre)
        radius = radius if near is None else np.fmin(radius, near)
    elif node.op.below_identity:
        length = raised(a.length)
    return sweep.settled(node, result, (centre, radius), length)


# -- layout --------------------------------------------------------------------------


def move(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Elements change places; none is lost or doubled."""
    assert node.op is not None
    (a,) = args

    def moved(x: Array) -> Any:
        return node.op.value(x, **node.attrs)  # type: ignore[union-attr]

    return Value(moved(a.ends), moved(a.centre), a.radius, a.length, a.total)


def broadcast(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Every element as often as the shape grows."""
    (a,) = args
    times = float(max(node.size // max(node.args[0].size, 1), 1))
    value = default(sweep, node, args)
    root = raised(np.sqrt(times))
    return Value(
        value.ends,
        value.centre,
        value.radius,
        np.fmin(value.length, raised(root * a.length)),
        np.fmin(value.total, raised(times * a.total)),
    )


def concatenate(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Squares add up."""
    squares = sum(np.square(a.length) for a in args)
    return sweep.settled(
        node,
        enclosed(node, args),
        None,
        raised(np.sqrt(squares), len(args) + 4),
        raised(sum(a.total for a in args), len(args) + 4),
    )


def softmax(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Each row is non-negative and sums to 1."""
    rows = float(node.size // node.shape[-1])
    shape = args[0].radius.shape
    return sweep.settled(
        node,
        ends.softmax(args[0].ends),
        None,
        np.full(shape, float(raised(np.sqrt(rows)))),
        np.full(shape, rows),
    )


def direction(sweep: Sweep, node: Variable, args: list[Value]) -> Value:
    """Each row has length 1, or is zero."""
    rows = float(node.size // node.shape[-1])
    shape = args[0].radius.shape
    total = rows * raised(np.sqrt(float(node.shape[-1])))
    return sweep.settled(
        node,
        enclosed(node, args),
        None,
        np.full(shape, float(raised(np.sqrt(rows)))),
        np.full(shape, float(raised(total))),
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
    ops.direction: direction,
}
