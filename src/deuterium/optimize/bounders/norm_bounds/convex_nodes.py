"""Convexity of the objective in one node, all else being held fixed.

A softmax is a convex combination of unit vectors.  Where the objective is convex in it
(the gradient of a cross entropy is linear in it, so the gradient's norm is), its
largest value is found at a unit vector, or at most the same combination of its values
there.  A label that enters the loss linearly is another such node: only the end points
of its range count.

The rules are those by which convex functions are composed (S. Boyd and L.
Vandenberghe, "Convex Optimization", Cambridge 2004, section 3.2).
"""

from __future__ import annotations

from collections.abc import Set

from deuterium import ops
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.norm_bounds.norm_options import (
    MOST_VERTICES,
)

FIXED, AFFINE, QUADRATIC, CONVEX, OTHER = range(5)
"""How a node depends on the one in question.

QUADRATIC: a sum of squares of affine functions, with factors >= 0 that do not depend on
it, plus something >= 0 that does not.  CONVEX: convex and >= 0.
"""


def simplex_of(graph: Graph) -> Variable | None:
    """Return a softmax of one row that the last node is convex in, if there is one."""
    for node in graph.order:
        if node.op is not ops.softmax_last or not _is_row(node):
            continue
        if _kind(graph, node) in (AFFINE, QUADRATIC, CONVEX):
            return node
    return None


def is_convex_in(graph: Graph, symbol: Variable) -> bool:
    """Return whether the last node is convex in a symbol, judged by its operators."""
    return _kind(graph, symbol) in (FIXED, AFFINE, QUADRATIC, CONVEX)


def _is_row(node: Variable) -> bool:
    return node.size == node.shape[-1] and 2 <= node.size <= MOST_VERTICES


def _kind(graph: Graph, variable: Variable) -> int:
    """Return how the last node depends on ``variable``."""
    kinds: dict[Variable, int] = {}
    for node in graph.order:
        if node is variable:
            kinds[node] = AFFINE
        elif node.op is None:
            kinds[node] = FIXED
        else:
            own = [kinds[a] for a in node.args]
            fixed = set(own) <= {FIXED}
            kinds[node] = FIXED if fixed else _rule(node, own, graph.nonnegative)
    return kinds[graph.order[-1]]


def _rule(node: Variable, own: list[int], positive: Set[Variable]) -> int:
    assert node.op is not None
    op, worst = node.op, max(own)
    if worst == OTHER:
        return OTHER
    if op.linear and op.keeps_sign:  # a sum, with factors that are not negative
        return worst if len(own) == 1 else _sum(node, own, positive)
    if op.linear:
        return worst if worst <= AFFINE else OTHER
    if op is ops.multiply or (op is ops.divide and own[1] == FIXED):
        return _product(node, own, positive)
    if op is ops.matmul:
        return AFFINE if min(own) == FIXED and worst == AFFINE else OTHER
    if op is ops.square:
        return QUADRATIC if worst == AFFINE else CONVEX
    if op is ops.absolute:
        return CONVEX if worst == AFFINE else OTHER
    if op is ops.sqrt:
        return CONVEX if worst == QUADRATIC and node.args[0].size == 1 else OTHER
    return OTHER


def _sum(node: Variable, own: list[int], positive: Set[Variable]) -> int:
    worst = max(own)
    if worst == AFFINE:
        return AFFINE
    kept = all(
        kind in (QUADRATIC, CONVEX) or (kind == FIXED and a in positive)
        for a, kind in zip(node.args, own, strict=True)
    )
    return worst if kept else OTHER


def _product(node: Variable, own: list[int], positive: Set[Variable]) -> int:
    if own.count(FIXED) != 1:
        return OTHER
    fixed = node.args[own.index(FIXED)]
    kind = max(own)
    return kind if kind == AFFINE or fixed in positive else OTHER
