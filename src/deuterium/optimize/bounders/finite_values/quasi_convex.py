"""Whether a graph is largest at the ends of an input, whatever the others are.

One element t of a symbol moves, all else stays.  Each node is

* *fixed*: it does not depend on t;
* a *line*: ``u + w h(t)`` with fixed u, w and one number h(t) that never turns back; a
  line is *single* where one element depends on t at most;
* *convex*: each element is a convex function of h(t);
* *unimodal*: each element, over any interval of t, is largest at one of its ends.

Lines are: the symbol; what is linear in lines with the same h; products with what is
fixed; a monotone operator of a single line (with an h of its own), softmax being one
along its axis; and quotients of lines over one scalar line, of which no range holds
zero (projective maps take segments to segments; S. Boyd and L. Vandenberghe, "Convex
Optimization", Cambridge 2004, section 2.3.3).  Convex functions of lines are convex,
maxima of unimodal ones and rising functions of them are unimodal (section 3.4).

For order statistics all elements of several symbols, with the same ends, move together.
Over the points where they come in one given order, sorted elements, and the largest
and the least of some, are elements again: a *line* is then an affine function of them,
and *convex* is what it says.  Such points, in a box with equal sides, are the convex
hull of those of its corners that are in that order.  So the largest value over the box
is at a corner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.certify.stated import is_stated
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable

FIXED, LINE, CONVEX, UNIMODAL, OTHER = range(5)  # how a node bends, flattest first

SUMS = {ops.add, ops.subtract, ops.negative, ops.add_reduce}
STEPS = {ops.is_positive, ops.step, ops.sign, ops.floor, ops.ceil, ops.trunc, ops.rint}
ROUND = {ops.absolute, ops.square, ops.relu, ops.exp, ops.cosh}  # convex everywhere


@dataclass(frozen=True)
class Shape:
    """How a node depends on what moves.

    Attributes
    ----------
    kind : int
        From FIXED to OTHER.
    along : object
        What h is: equal for nodes with the same.
    single : bool
        Whether one element moves at most.
    sign : int
        1 or -1 where each element is one, or minus one, of those that move together;
        else 0.
    """

    kind: int
    along: Any = None
    single: bool = False
    sign: int = 0


NOT_MOVING, LOST = Shape(FIXED), Shape(OTHER)


def is_largest_at_ends(
    graph: Graph, symbols: Sequence[Variable], *, together: bool = False
) -> bool:
    """Return whether a scalar graph is largest at the ends of inputs.

    Parameters
    ----------
    graph : Graph
        Of one scalar, defined throughout the domain.
    symbols : sequence of Variable
        Whose elements move: one, each by itself, or ``together``.
    """
    walk = _Walk(graph, {s.name for s in symbols}, together)
    return walk.shapes[graph[0]].kind < OTHER


class _Walk:
    def __init__(self, graph: Graph, names: set[str], together: bool) -> None:
        self.graph, self.together = graph, together
        self.shapes: dict[Variable, Shape] = {}
        for node in graph.order:
            if node.op is not None:
                self.shapes[node] = self._of(node, [self.shapes[a] for a in node.args])
            elif node.is_symbol and node.name in names:
                self.shapes[node] = Shape(LINE, "t", not together, int(together))
            else:
                self.shapes[node] = NOT_MOVING

    def _of(self, node: Variable, own: list[Shape]) -> Shape:
        op = node.op
        assert op is not None
        worst = max((s.kind for s in own), default=FIXED)
        if worst in (FIXED, OTHER):
            return NOT_MOVING if worst == FIXED else LOST
        if op.moves_elements:
            return self._moved(node, own)
        if op in (ops.multiply, ops.matmul):
            return self._product(node, own)
        if op in RULES:
            return RULES[op](self, node, own)
        if op in SUMS:
            return self._linear(node, own)
        if op.arity == 1 and op.elementwise:
            return self._univariate(op, node, own[0])
        return LOST

    # -- sums --------------------------------------------------------------------------

    def _moved(self, node: Variable, own: list[Shape]) -> Shape:
        kinds = [s.kind for s in own]
        if max(kinds) > LINE:
            return _unimodal(own)
        moving = [s for s in own if s.kind]
        if any(s.along != moving[0].along for s in moving):
            return Shape(UNIMODAL)
        single = len(moving) == 1 and moving[0].single and _once(node)
        return Shape(LINE, moving[0].along, single, _sign(own))

    def _linear(self, node: Variable, own: list[Shape]) -> Shape:
        """Return a sum, or what is linear in one argument."""
        op, moving = node.op, [s for s in own if s.kind]
        kind = max(s.kind for s in moving)
        if kind == UNIMODAL or any(s.along != moving[0].along for s in moving):
            return LOST
        if kind == CONVEX:
            if op in (ops.add, ops.add_reduce):
                return Shape(CONVEX, moving[0].along)
            minus = op is ops.subtract and own[1].kind <= LINE
            return Shape(CONVEX, moving[0].along) if minus else LOST
        if op is ops.negative:
            return replace(own[0], sign=-own[0].sign)
        single = len(moving) == 1 and moving[0].single
        return self._line(node, moving[0].along, single)

    def _line(self, node: Variable, along: Any, single: bool) -> Shape:
        single = (single or not node.shape) and not self.together
        return Shape(LINE, along, single)

    def _product(self, node: Variable, own: list[Shape]) -> Shape:
        if node.args[0] is node.args[1] and node.op is ops.multiply:
            return self._univariate(ops.square, node, own[0])
        if own[0].kind and own[1].kind:
            return LOST
        i = 0 if own[0].kind else 1
        return self._scaled(node, own[i], node.args[1 - i])

    def _scaled(self, node: Variable, x: Shape, by: Variable) -> Shape:
        """Return a product with what is fixed, element by element or as matrices."""
        if x.kind == LINE:
            single = x.single and node.op is not ops.matmul
            return self._line(node, x.along, single)
        if by not in self.graph.nonnegative:
            return LOST
        if x.kind == UNIMODAL and node.op is ops.matmul:
            return LOST
        return Shape(x.kind, x.along)

    def divide(self, node: Variable, own: list[Shape]) -> Shape:
        """Return a quotient."""
        top, below = own
        if not below.kind:
            return self._scaled(node, top, node.args[1])
        number = _scalar_behind(node.args[1])
        if number is None or below.kind != LINE or top.kind > LINE or self.together:
            return LOST
        if top.kind and top.along != below.along:
            return LOST
        single = top.kind == LINE and top.single and node.size == 1
        return self._line(node, ("over", number, below.along), single)

    # -- functions ---------------------------------------------------------------------

    def _univariate(self, op: Operator, node: Variable, x: Shape) -> Shape:
        way = op.increasing if is_stated(op) else None
        rises = way is True or op in STEPS
        if x.kind == LINE:
            if x.single and (rises or way is False):
                return self._line(node, ("of", node), True)
            if op in ROUND:
                return Shape(CONVEX, x.along)
        if op is ops.logical_not and x.kind == LINE:  # 1 - c
            return self._line(node, x.along, x.single)
        if rises or (way is False and x.kind == LINE):
            return Shape(UNIMODAL)
        return LOST

    def reciprocal(self, node: Variable, own: list[Shape]) -> Shape:
        """Return the inverse of what is nowhere zero, and so is monotone."""
        single = own[0].kind == LINE and own[0].single
        return self._line(node, ("of", node), True) if single else LOST

    def extreme(self, node: Variable, own: list[Shape]) -> Shape:
        """Return the larger or smaller of two."""
        if _sign(own):
            return replace(own[0], single=False)
        moving = [s for s in own if s.kind]
        if len(moving) == 1 and moving[0].kind == LINE and moving[0].single:
            return self._line(node, ("of", node), True)
        return _unimodal(own) if node.op is ops.maximum else LOST

    def largest(self, node: Variable, own: list[Shape]) -> Shape:
        """Return the largest along an axis."""
        return own[0] if own[0].sign else _unimodal(own)

    def sort(self, node: Variable, own: list[Shape]) -> Shape:
        """Return sorted elements."""
        return own[0] if own[0].sign else LOST

    def softmax(self, node: Variable, own: list[Shape]) -> Shape:
        """Return a softmax: exponentials over their sum."""
        single = own[0].kind == LINE and own[0].single
        return self._line(node, ("of", node), False) if single else LOST

    def row_product(self, node: Variable, own: list[Shape]) -> Shape:
        """Return products of rows, of which one element moves."""
        single = own[0].kind == LINE and own[0].single
        return self._line(node, own[0].along, True) if single else LOST

    def length(self, node: Variable, own: list[Shape]) -> Shape:
        """Return a convex function of several lines: norm, logsumexp."""
        moving = [s for s in own if s.kind]
        if any(s.kind != LINE or s.along != moving[0].along for s in moving):
            return LOST
        return Shape(CONVEX, moving[0].along)


RULES: dict[Operator, Callable[[_Walk, Variable, list[Shape]], Shape]] = {
    ops.divide: _Walk.divide,
    ops.reciprocal: _Walk.reciprocal,
    ops.maximum: _Walk.extreme,
    ops.minimum: _Walk.extreme,
    ops.maximum_reduce: _Walk.largest,
    ops.sort_last: _Walk.sort,
    ops.softmax_last: _Walk.softmax,
    ops.multiply_reduce: _Walk.row_product,
    ops.norm: _Walk.length,
    ops.hypot: _Walk.length,
    ops.logsumexp_last: _Walk.length,
}


def _sign(own: Sequence[Shape]) -> int:
    """Return the sign of inputs, if all that is taken are with the same."""
    signs = {s.sign for s in own}
    return signs.pop() if len(signs) == 1 else 0


def _unimodal(own: Sequence[Shape]) -> Shape:
    """Return what takes its elements from several, or the largest of them."""
    moving = [s for s in own if s.kind]
    convex = all(s.kind <= CONVEX and s.along == moving[0].along for s in moving)
    return Shape(CONVEX, moving[0].along) if convex else Shape(UNIMODAL)


def _once(node: Variable) -> bool:
    """Return whether no element of an argument is taken twice."""
    if node.op is ops.gather:
        index = node.attrs["index"]
        return len(np.unique(index)) == index.size
    return node.size == sum(a.size for a in node.args) or node.op is ops.select


def _scalar_behind(v: Variable) -> Variable | None:
    """Return the number that all elements of an array are, if that is plain."""
    while v.size > 1 or v.shape:
        if v.op not in (ops.broadcast, ops.reshape):
            break
        v = v.args[0]
    return v if v.size == 1 else None
