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

from collections.abc import Sequence

import numpy as np

from deuterium.graph.variable import Variable

FIXED, AFFINE, QUADRATIC, CONVEX, OTHER = range(5)
"""How a node depends on the one in question.

QUADRATIC: a sum of squares of affine functions, with factors >= 0 that do not depend on
it, plus something >= 0 that does not.  CONVEX: convex and >= 0.
"""

MOVES = {"reshape", "transpose", "broadcast", "gather", "scatter", "concatenate"}
SPREADS = MOVES | {"sum", "add", "multiply", "matmul"}  # keep arrays non-negative
MOST = 64  # unit vectors


def simplex_of(order: Sequence[Variable]) -> Variable | None:
    """Return a softmax of one row that the last node is convex in, if there is one."""
    for node in order:
        if node.op is None or node.op.name != "softmax" or not _is_row(node):
            continue
        if _kind(order, node) in (AFFINE, QUADRATIC, CONVEX):
            return node
    return None


def is_convex_in(order: Sequence[Variable], symbol: Variable) -> bool:
    """Return whether the last node is convex in a symbol, judged by its operators."""
    return _kind(order, symbol) in (FIXED, AFFINE, QUADRATIC, CONVEX)


def _is_row(node: Variable) -> bool:
    return node.size == node.shape[-1] and 2 <= node.size <= MOST


def _kind(order: Sequence[Variable], variable: Variable) -> int:
    """Return how the last node depends on ``variable``."""
    kinds: dict[Variable, int] = {}
    positive = nonnegative_in(order)
    for node in order:
        if node is variable:
            kinds[node] = AFFINE
        elif node.op is None:
            kinds[node] = FIXED
        else:
            own = [kinds[a] for a in node.args]
            kinds[node] = FIXED if set(own) <= {FIXED} else _rule(node, own, positive)
    return kinds[order[-1]]


def _rule(node: Variable, own: list[int], positive: set[Variable]) -> int:
    assert node.op is not None
    name, worst = node.op.name, max(own)
    if worst == OTHER:
        return OTHER
    if name == "sum" or (name in MOVES and len(own) == 1):
        return worst
    if name in ("add", "concatenate"):
        return _sum(node, own, positive)
    if name in ("subtract", "negative"):
        return worst if worst <= AFFINE else OTHER
    if name == "multiply":
        return _product(node, own, positive)
    if name == "matmul":
        return AFFINE if min(own) == FIXED and worst == AFFINE else OTHER
    if name == "square":
        return QUADRATIC if worst == AFFINE else CONVEX
    if name == "absolute":
        return CONVEX if worst == AFFINE else OTHER
    if name == "sqrt":
        return CONVEX if worst == QUADRATIC and node.args[0].size == 1 else OTHER
    return OTHER


def _sum(node: Variable, own: list[int], positive: set[Variable]) -> int:
    worst = max(own)
    if worst == AFFINE:
        return AFFINE
    kept = all(
        kind in (QUADRATIC, CONVEX) or (kind == FIXED and a in positive)
        for a, kind in zip(node.args, own, strict=True)
    )
    return worst if kept else OTHER


def _product(node: Variable, own: list[int], positive: set[Variable]) -> int:
    if own.count(FIXED) != 1:
        return OTHER
    fixed = node.args[own.index(FIXED)]
    kind = max(own)
    return kind if kind == AFFINE or fixed in positive else OTHER


def nonnegative_in(order: Sequence[Variable]) -> set[Variable]:
    """Return the nodes that are certainly never negative, judged by their operators."""
    found: set[Variable] = set()
    for v in order:
        if v.op is None:
            if v.is_constant and np.all(np.asarray(v.value, dtype=float) >= 0):
                found.add(v)
        elif v.op.at_least >= 0 or (
            v.op.name in SPREADS and all(a in found for a in v.args)
        ):
            found.add(v)
    return found
