"""Norm bounds of a node from those of its arguments: one rule an operator.

Operators without a rule have what their intervals say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from flint import arb

from deuterium import ops
from deuterium.certify.checker.ball_functions import (
    INFINITY,
    ONE,
    ZERO,
    Ball,
    larger,
    smaller,
)
from deuterium.certify.checker.defined_operator import entry_of
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.norm_bounds.array_knowledge import (
    ArrayKnowledge,
    RuleBounds,
)
from deuterium.certify.checker.norm_bounds.ball_matrices import Matrix
from deuterium.certify.checker.norm_bounds.ball_vectors import (
    Vector,
    known,
    larger_of,
    least,
    lowered,
    raised,
    root,
    smaller_of,
    total,
    vector,
)
from deuterium.certify.checker.norm_bounds.bounded_functions import (
    Heights,
    is_bent,
)
from deuterium.certify.checker.norm_bounds.image_of_box import length_over_box
from deuterium.certify.checker.norm_bounds.shortening_maps import (
    longest_row,
    ranges_of,
    softmax_slope,
)
from deuterium.certify.checker.norm_bounds.support_in_balls import dual_bound
from deuterium.certify.checker.operator_entry import Entry
from deuterium.certify.checker.operator_table import TABLE
from deuterium.certify.checker.scalar_layout import MOVES
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable

if TYPE_CHECKING:
    from deuterium.certify.checker.norm_bounds.norm_pass import NormPass

Rule = Callable[["NormPass", Variable], ArrayKnowledge]
Ends = tuple[Vector, Vector]


def _enclosed(sweep: NormPass, node: Variable) -> Ends:
    return sweep.graph.ends(node, [sweep.value(a) for a in node.args])


def default(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    """Return what the intervals say."""
    return sweep.combined(node, _enclosed(sweep, node), RuleBounds())


# -- sums and products ---------------------------------------------------------------


def _add(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    a, b = (sweep.value(v) for v in node.args)
    return _sum_of(sweep, node, a, b)


def _subtract(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    a, b = (sweep.value(v) for v in node.args)
    return _sum_of(sweep, node, a, _opposite(b))


def _sum_of(
    sweep: NormPass, node: Variable, a: ArrayKnowledge, b: ArrayKnowledge
) -> ArrayKnowledge:
    ends = a.low + b.low, a.high + b.high
    length = known(a.length + b.length)
    if not any(sweep.graph.is_fixed(v) for v in node.args):
        length = least(length, _across(a, b))
    found = RuleBounds(
        a.centre + b.centre,
        known(a.radius + b.radius),
        length,
        known(a.total + b.total),
    )
    return sweep.combined(node, ends, found)


def _across(a: ArrayKnowledge, b: ArrayKnowledge) -> Ball:
    """Bound the length of a sum by ``|a|**2 + |b|**2 + 2 a.b``: Pythagoras' theorem."""
    if not (a.largest.is_finite() and b.largest.is_finite()):
        return INFINITY
    over = np.full(len(a.low), ZERO)
    for x in (a.low, a.high):
        for y in (b.low, b.high):
            over = larger_of(over, x * y)
    return root(a.length**2 + b.length**2 + arb(2) * total(over))


def _negative(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    return _opposite(sweep.value(node.args[0]))


def _opposite(a: ArrayKnowledge) -> ArrayKnowledge:
    return ArrayKnowledge(-a.high, -a.low, -a.centre, a.radius, a.length, a.total)


def _multiply(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    """Take the largest factor times the other's length; Cauchy-Schwarz; cubes."""
    a, b = (sweep.value(v) for v in node.args)
    longest = least(a.largest * b.length, b.largest * a.length)
    if "weights" in sweep.choice(node):
        longest = least(longest, length_over_box(sweep, node))
    sums = least(a.length * b.length, a.largest * b.total)
    sums = least(sums, b.largest * a.total)
    centre, radius = None, INFINITY
    for x, y, v in ((b, a, node.args[1]), (a, b, node.args[0])):
        if sweep.graph.is_fixed(v):
            centre, radius = x.centre * y.centre, known(x.largest * y.radius)
    found = RuleBounds(centre, radius, longest, sums)
    return sweep.combined(node, _enclosed(sweep, node), found)


def _square(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    a = sweep.value(node.args[0])
    found = RuleBounds(length=known(a.largest * a.length), total=known(a.length**2))
    return sweep.combined(node, _enclosed(sweep, node), found)


def _sum(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    """Bound sums, together, by the sum of absolute values."""
    a = sweep.value(node.args[0])
    low, high = _enclosed(sweep, node)
    if not node.shape and a.total.is_finite():
        low, high = raised(low, -a.total), lowered(high, a.total)
    count = arb(node.args[0].size // max(node.size, 1))
    found = RuleBounds(length=known(a.length * count.sqrt()), total=a.total)
    return sweep.combined(node, (low, high), found)


# -- matrices ------------------------------------------------------------------------


def _matmul(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    """Spectral norms, and Cauchy-Schwarz with each column."""
    left, right = node.args
    matrix = sweep.graph.matrix(right)
    if matrix is not None:
        return _through(sweep, node, left, matrix, right)
    matrix = sweep.graph.matrix(left, turned=True)
    if matrix is not None:
        return _through(sweep, node, right, matrix, left)
    a, b = sweep.value(left), sweep.value(right)
    longest, (low, high) = known(a.length * b.length), _enclosed(sweep, node)
    if left.op is ops.softmax_last:  # means of rows
        low, high = _among_rows(node, right, b, low, high)
    g = softmax_slope(left)
    if g is not None and len(right.shape) == 2:
        rows = longest_row(right, sweep.value, lambda v: _norm_of(sweep, v))
        longest = least(longest, ranges_of(g, sweep.value) / 2 * rows)
    return sweep.combined(node, (low, high), RuleBounds(length=longest))


def _norm_of(sweep: NormPass, v: Variable) -> Ball:
    """Return a bound of the norm of a matrix without symbols; else infinity."""
    matrix = sweep.graph.matrix(v)
    return INFINITY if matrix is None else sweep.norm(v, matrix)


def _among_rows(
    node: Variable, right: Variable, b: ArrayKnowledge, low: Vector, high: Vector
) -> Ends:
    """Cut elements to what those of all rows of the right factor are."""
    if len(right.shape) != 2:
        return low, high
    least_of = _smallest(b.low.reshape(right.shape))
    most_of = -_smallest(-b.high.reshape(right.shape))
    times = node.size // max(right.shape[1], 1)
    return raised(low, np.tile(least_of, times)), lowered(high, np.tile(most_of, times))


def _smallest(rows: Vector) -> Vector:
    """Return the least of each column; NaN where one is not known."""
    best = rows[0]
    for row in rows[1:]:
        best = smaller_of(best, row)
    return best


def _through(
    sweep: NormPass, node: Variable, argument: Variable, matrix: Matrix, name: Variable
) -> ArrayKnowledge:
    """Take an array through a constant matrix; ``W b`` as the turned ``b' W'``."""
    x = sweep.value(argument)
    turned = name is node.args[0]
    rows = _Rows(argument.shape if turned else None)
    low, high = matrix.ends(rows.of(x.low), rows.of(x.high))
    centre = matrix.after(rows.of(x.centre))
    if x.radius.is_finite():
        widths = np.tile(matrix.widths * x.radius, len(centre) // matrix.columns)
        low, high = raised(low, centre - widths), lowered(high, centre + widths)
    norm = sweep.norm(name, matrix)
    longest = known(norm * x.length)
    if "weights" in sweep.choice(node):
        longest = least(longest, length_over_box(sweep, node))
    back = _Rows(node.shape[::-1] if turned else None)
    found = RuleBounds(back.of(centre), known(norm * x.radius), longest)
    return sweep.combined(node, (back.of(low), back.of(high)), found)


class _Rows:
    """Turns arrays of a shape, or leaves them as they are."""

    def __init__(self, shape: tuple[int, ...] | None) -> None:
        self.shape = shape

    def of(self, x: Vector) -> Vector:
        return x if self.shape is None else x.reshape(self.shape).T.reshape(-1)


# -- functions of one variable -------------------------------------------------------


def _curve(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    """Lipschitz curves, and bounded ones by the sum of what each element may do."""
    assert node.op is not None
    op, a = node.op, sweep.value(node.args[0])
    entry = entry_of(op, node.attrs)
    centre = vector([entry.value(x) for x in a.centre.tolist()])
    radius = known(_steepest(entry, a.low, a.high, a.centre) * a.radius)
    length = known(_shortening(entry, a) * a.length)
    chosen = sweep.choice(node)
    if is_bent(op) and "near" in chosen:
        h = Heights(op, True, centre)
        radius = least(radius, root(dual_bound(sweep, node, h, chosen["near"])))
    if is_bent(op) and "long" in chosen:
        h = Heights(op, True, vector([arb(0)] * node.size))
        length = least(length, root(dual_bound(sweep, node, h, chosen["long"])))
    return sweep.combined(
        node, _enclosed(sweep, node), RuleBounds(centre, radius, length)
    )


def _steepest(entry: Entry, *parts: Vector) -> Ball:
    """Return the largest slope between the least and the largest of some numbers."""
    numbers = [x for part in parts for x in part.tolist()]
    if not numbers:
        return ZERO
    low, high = numbers[0], numbers[0]
    for x in numbers[1:]:
        low, high = smaller(low, x), larger(high, x)
    assert entry.steepest is not None
    try:
        return entry.steepest(low, high)
    except NoBound:
        return INFINITY


def _shortening(entry: Entry, a: ArrayKnowledge) -> Ball:
    """Return a number L with ``|f(z)| <= L |z|``."""
    if entry.below_identity:
        return ONE
    if not entry.value(ZERO).is_zero():
        return INFINITY
    return _steepest(entry, a.low, a.high, vector([ZERO]))


# -- layout --------------------------------------------------------------------------


def _move(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    """Elements change places; none is lost or doubled."""
    assert node.op is not None
    a, shape = sweep.value(node.args[0]), node.args[0].shape
    move = MOVES[node.op]

    def moved(x: Vector) -> Vector:
        return move(x.reshape(shape), **node.attrs).reshape(-1)

    low, high, centre = moved(a.low), moved(a.high), moved(a.centre)
    return ArrayKnowledge(low, high, centre, a.radius, a.length, a.total)


def _broadcast(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    """Every element as often as the shape grows."""
    a = sweep.value(node.args[0])
    times = arb(max(node.size // max(node.args[0].size, 1), 1))
    found = RuleBounds(
        length=known(times.sqrt() * a.length), total=known(times * a.total)
    )
    return sweep.combined(node, _enclosed(sweep, node), found)


def _concatenate(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    """Squares add up."""
    args = [sweep.value(v) for v in node.args]
    length, sums = arb(0), arb(0)
    for a in args:
        length, sums = length + a.length**2, sums + a.total
    found = RuleBounds(length=root(length), total=known(sums))
    return sweep.combined(node, _enclosed(sweep, node), found)


def _softmax(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    """Each row is non-negative and sums to 1; so does the place of a largest one."""
    rows = arb(node.size // node.shape[-1])
    found = RuleBounds(length=rows.sqrt(), total=rows)
    return sweep.combined(node, _enclosed(sweep, node), found)


def _reorder(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    """Elements of a row change places, whichever: none is lost or doubled."""
    a = sweep.value(node.args[0])
    found = RuleBounds(length=a.length, total=a.total)
    return sweep.combined(node, _enclosed(sweep, node), found)


def _direction(sweep: NormPass, node: Variable) -> ArrayKnowledge:
    """Each row has length 1, or is zero."""
    rows, n = arb(node.size // node.shape[-1]), arb(node.shape[-1])
    found = RuleBounds(length=rows.sqrt(), total=rows * n.sqrt())
    return sweep.combined(node, _enclosed(sweep, node), found)


def rule_of(op: Operator) -> Rule:
    """Return the rule of an operator."""
    if op in RULES:
        return RULES[op]
    is_known = op in TABLE or op.definition is not None
    if not (op.elementwise and op.arity == 1 and is_known):
        return default
    return default if entry_of(op).steepest is None else _curve


RULES: dict[Operator, Rule] = {
    ops.add: _add,
    ops.subtract: _subtract,
    ops.negative: _negative,
    ops.multiply: _multiply,
    ops.square: _square,
    ops.add_reduce: _sum,
    ops.matmul: _matmul,
    ops.reshape: _move,
    ops.transpose: _move,
    ops.broadcast: _broadcast,
    ops.concatenate: _concatenate,
    ops.softmax_last: _softmax,
    ops.argmax_onehot: _softmax,
    ops.reorder: _reorder,
    ops.direction: _direction,
    ops.soft_direction: _direction,
}
