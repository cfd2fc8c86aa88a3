"""The graph that a proof takes apart: softmax by exponentials, products centred.

Both change no value: ``softmax(t) = exp(t - logsumexp(t))``, and ``A B = (A - A0) (B -
B0) + A0 B + (A - A0) B0``.  Nodes are made as the format says, so that their numbers
are those that facts refer to.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.certify.checker.exact_data import numbers
from deuterium.certify.checker.exceptions import NoBound
from deuterium.graph.constructors import apply, broadcast_to, constant
from deuterium.graph.traverse import Graph, topological
from deuterium.graph.variable import Variable
from deuterium.ops.shapes import reshape_to, sum_over

Centres = tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class SquaredColumns:
    """A centred product D, and what the squares of its columns sum up to at most."""

    rest: Variable
    limit: Variable


class RewrittenGraph:
    """A scalar graph R, rewritten.

    Parameters
    ----------
    root : Variable
        R.
    told : list
        The centres of a proof's facts.

    Attributes
    ----------
    root : Variable
    made : dict from Variable to Variable
        By the nodes of R: those that are used instead.
    softmax : dict from Variable to Variable
        The arguments of softmax, by the exponentials made of it.
    products : list of SquaredColumns
        In the order of the centres.
    order : list of Variable
        All nodes, by their numbers.

    Raises
    ------
    NoBound
        The centres are not what products of matrices may have.
    """

    def __init__(self, root: Variable, told: Any) -> None:
        graph = Graph([root])
        centres = _centres(told, graph.order, graph.varying)
        self.softmax: dict[Variable, Variable] = {}
        columns: dict[Variable, SquaredColumns] = {}
        made = self.made = dict[Variable, Variable]()
        for node in graph.order:
            args = tuple([made[a] for a in node.args])
            if node.op is ops.softmax_last and node in graph.varying:
                made[node] = self._exponentials(args[0])
            elif node in centres:
                made[node], columns[node] = _centred(args, centres[node])
            elif all(a is b for a, b in zip(args, node.args, strict=True)):
                made[node] = node
            else:
                assert node.op is not None
                made[node] = apply(node.op, args, node.attrs)
        self.root = made[root]
        self.products = [columns[node] for node in centres]
        self.order = topological([self.root, *[p.limit for p in self.products]])

    def _exponentials(self, t: Variable) -> Variable:
        total = apply(ops.logsumexp_last, (t,), {})
        rows = broadcast_to(reshape_to(total, (*total.shape, 1)), t.shape)
        p = apply(ops.exp, (apply(ops.subtract, (t, rows), {}),), {})
        self.softmax[p] = t
        return p


def _centred(
    args: tuple[Variable, ...], centres: Centres
) -> tuple[Variable, SquaredColumns]:
    """Return a product of matrices in three parts, and its part that is not linear."""
    (a, b), (first, second) = args, centres
    off = a - constant(first) if first.any() else a
    other = b - constant(second) if second.any() else b
    rest = total = apply(ops.matmul, (off, other), {})
    if first.any():
        total = total + apply(ops.matmul, (constant(first), b), {})
    if second.any():
        total = total + apply(ops.matmul, (off, constant(second)), {})
    squares = [apply(ops.square, (x,), {}) for x in (off, other)]
    limit = sum_over(squares[0], (-2, -1)) * sum_over(squares[1], (-2,))
    return total, SquaredColumns(rest, limit)


def _centres(
    told: Any, order: Sequence[Variable], varying: Collection[Variable]
) -> dict[Variable, Centres]:
    if not isinstance(told, list):
        raise NoBound(f"a list of centres is wanted, got {told!r:.60}")
    found: dict[Variable, Centres] = {}
    for row in told:
        if not isinstance(row, list) or len(row) != 3:
            raise NoBound(f"centres of a product are three, got {row!r:.60}")
        number, *both = row
        if type(number) is not int or not 0 <= number < len(order):
            raise NoBound(f"there is no node {number!r:.40}")
        node = order[number]
        if node.op is not ops.matmul or any(a not in varying for a in node.args):
            raise NoBound(f"node {number} is no product of two that vary")
        if any(a.ndim != 2 for a in node.args) or node in found:
            raise NoBound(f"node {number} is not of matrices, or there twice")
        a, b = [_matrix(x, f.shape) for x, f in zip(both, node.args, strict=True)]
        found[node] = a, b
    return found


def _matrix(told: Any, shape: tuple[int, ...]) -> Array:
    if not isinstance(told, list) or len(told) != shape[0]:
        raise NoBound(f"a matrix of {shape} is wanted, got {told!r:.60}")
    for row in told:
        numbers(row, shape[1])
    return np.array(told, dtype=float).reshape(shape)
