"""Whether a graph is convex in one symbol, all else being held fixed.

Judged by the operators between them: *affine* ones; *quadratic*, a sum of squares of
affine functions with factors that are not negative and do not depend on the symbol,
plus what does not depend on it and is not negative; *convex* and not negative, such as
the root or square of a quadratic or the absolute value of an affine function.

The rules are those by which convex functions are composed (S. Boyd and L.
Vandenberghe, "Convex Optimization", Cambridge 2004, section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deuterium import ops
from deuterium.certify.checker.operator_table import is_never_negative, keeps_sign
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

FIXED, AFFINE, QUADRATIC, CONVEX, OTHER = range(5)  # how a node depends on a symbol

SUMS = {  # of their arguments' elements, with factors that are not negative
    ops.reshape, ops.transpose, ops.broadcast, ops.gather, ops.scatter, ops.concatenate,
    ops.select, ops.add_reduce, ops.cumsum, ops.add,
}  # fmt: skip


def is_convex_in(graph: Variable, variable: str | Variable) -> bool:
    """Return whether a scalar graph certainly is convex in a symbol, or in a node.

    Parameters
    ----------
    graph : Variable
    variable : str or Variable
        The name of the symbol, or the node.
    """
    order = topological([graph])
    if isinstance(variable, str):
        named = [v for v in order if v.is_symbol and v.name == variable]
        if not named:
            return True
        (variable,) = named
    kinds: dict[Variable, int] = {}
    positive = never_negative(order)
    for node in order:
        if node is variable:
            kinds[node] = AFFINE
        elif node.op is None:
            kinds[node] = FIXED
        else:
            kinds[node] = _kind(node, [kinds[a] for a in node.args], positive)
    return kinds[graph] < OTHER


def never_negative(order: Sequence[Variable]) -> set[Variable]:
    """Return the nodes that certainly are never negative, arguments first."""
    found: set[Variable] = set()
    for node in order:
        if node.op is None:
            if node.is_constant and np.all(np.asarray(node.value, dtype=float) >= 0):
                found.add(node)
        elif is_never_negative(node.op) or (
            keeps_sign(node.op) and found.issuperset(node.args)
        ):
            found.add(node)
    return found


def _kind(node: Variable, own: Sequence[int], positive: set[Variable]) -> int:
    assert node.op is not None
    op, worst = node.op, max(own, default=FIXED)
    if worst in (FIXED, OTHER):
        return worst
    if op in SUMS:
        return worst if worst == AFFINE or _are_kept(node, own, positive) else OTHER
    if op in (ops.subtract, ops.negative):
        return worst if worst == AFFINE else OTHER
    if op in (ops.multiply, ops.matmul) or (op is ops.divide and own[1] == FIXED):
        return _product(node, own, positive)
    if op is ops.square:
        return QUADRATIC if worst == AFFINE else CONVEX
    if op is ops.absolute:
        return CONVEX if worst == AFFINE else OTHER
    if op is ops.sqrt:
        return CONVEX if worst == QUADRATIC else OTHER
    return OTHER


def _are_kept(node: Variable, own: Sequence[int], positive: set[Variable]) -> bool:
    """Return whether all parts are convex or fixed, and none can be negative."""
    return all(
        kind >= QUADRATIC or (kind == FIXED and a in positive)
        for a, kind in zip(node.args, own, strict=True)
    )


def _product(node: Variable, own: Sequence[int], positive: set[Variable]) -> int:
    if sum(kind == FIXED for kind in own) != 1:
        return OTHER
    factor = node.args[own.index(FIXED)]
    kind = max(own)
    return kind if kind == AFFINE or factor in positive else OTHER
