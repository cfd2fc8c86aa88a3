"""The graph that is taken apart: softmax by exponentials, products of matrices centred.

Two rewritings, which change no value, let relations be stated that hold beside the
definitions of hubs and spokes:

* ``softmax(t) = exp(t - logsumexp(t))``: the exponentials of a row have the sum 1;
* ``A B = D + A0 B + (A - A0) B0`` with ``D = (A - A0) (B - B0)``, where both factors
  vary and A0, B0 are numbers: by Cauchy and Schwarz the squares of D's column j have a
  sum of at most ``sum((A - A0)**2) * sum((B - B0)_j**2)``.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.domain.problem import Problem
from deuterium.graph.constructors import apply, broadcast_to, constant
from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import Graph, topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.ops.shapes import reshape_to
from deuterium.optimize.bounders.clusters.cluster_options import (
    CENTRE_DIGITS,
    FEW_PRODUCTS,
    NEAR_ZERO,
)


@dataclass(frozen=True, eq=False)
class CentredProduct:
    """A product of two matrices that vary, centred.

    Attributes
    ----------
    node : Variable
        As it was in the graph.
    centres : (ndarray, ndarray)
        A0 and B0.
    rest : Variable
        D, of shape (m, n).
    limit : Variable
        What the sums of squares of its columns are at most, of shape (n,).
    """

    node: Variable
    centres: tuple[Array, Array]
    rest: Variable
    limit: Variable


@dataclass
class RelaxedGraph:
    """A scalar graph, rewritten.

    Attributes
    ----------
    root : Variable
    place : dict from Variable to int
        The places of the nodes as they were, in ``topological([R])``.
    softmax : dict from Variable to (Variable, Variable)
        By the exponentials: the softmax as it was, and its (rewritten) argument.
    products : list of CentredProduct
    """

    root: Variable
    place: dict[Variable, int]
    softmax: dict[Variable, tuple[Variable, Variable]] = field(default_factory=dict)
    products: list[CentredProduct] = field(default_factory=list)

    @property
    def nodes(self) -> list[Variable]:
        """All nodes, in the order in which proofs number them."""
        return topological([self.root, *(p.limit for p in self.products)])


def relaxed_graph(problem: Problem, root: Variable) -> RelaxedGraph:
    """Return a scalar graph, rewritten; centres are the middles of ranges."""
    order = topological([root])
    varying = Graph([root]).varying
    products = {n for n in order if _is_product(n, varying)}
    if products:
        with np.errstate(all="ignore"):
            ranges = interpret(order, _leaf(problem), lambda op: op.enclosure)
    found = RelaxedGraph(root, {n: i for i, n in enumerate(order)})
    made: dict[Variable, Variable] = {}
    for node in order:
        args = tuple(made[a] for a in node.args)
        if node.op is ops.softmax_last and node in varying:
            made[node] = _softmax(found, node, args[0])
        elif node in products:
            centres = [_middle(ranges[a]) for a in node.args]
            made[node] = _centred(found, node, args, (centres[0], centres[1]))
        elif all(a is b for a, b in zip(args, node.args, strict=True)):
            made[node] = node
        else:
            assert node.op is not None
            made[node] = apply(node.op, args, node.attrs)
    found.root = made[root]
    return found


def _is_product(node: Variable, varying: Container[Variable]) -> bool:
    if node.op is not ops.matmul or any(a not in varying for a in node.args):
        return False
    a, b = node.args
    return a.ndim == b.ndim == 2 and a.size * b.shape[1] > FEW_PRODUCTS


def _softmax(found: RelaxedGraph, node: Variable, t: Variable) -> Variable:
    total = apply(ops.logsumexp_last, (t,), {})
    spread = broadcast_to(reshape_to(total, (*total.shape, 1)), t.shape)
    p = apply(ops.exp, (t - spread,), {})
    found.softmax[p] = node, t
    return p


def _centred(
    found: RelaxedGraph,
    node: Variable,
    args: tuple[Variable, ...],
    centres: tuple[Array, Array],
) -> Variable:
    off = [
        a - constant(c) if c.any() else a for a, c in zip(args, centres, strict=True)
    ]
    rest = apply(ops.matmul, tuple(off), {})
    limit = np.sum(np.square(off[0])) * np.sum(np.square(off[1]), axis=0)
    found.products.append(CentredProduct(node, centres, rest, limit))
    total = rest
    if centres[0].any():
        total = total + apply(ops.matmul, (constant(centres[0]), args[1]), {})
    if centres[1].any():
        total = total + apply(ops.matmul, (off[0], constant(centres[1])), {})
    return total


def _middle(x: Interval) -> Array:
    """Return numbers of few digits near the middles; all 0 where these are near 0."""
    middle = 0.5 * np.asarray(x.lower) + 0.5 * np.asarray(x.upper)
    half = 0.5 * np.asarray(x.upper) - 0.5 * np.asarray(x.lower)
    if not np.linalg.norm(middle) > NEAR_ZERO * np.linalg.norm(half):
        return np.zeros(middle.shape)
    with np.errstate(all="ignore"):
        scale = 10.0 ** (CENTRE_DIGITS - 1 - np.floor(np.log10(np.abs(middle))))
        short = np.rint(middle * scale) / scale
    return np.where(np.isfinite(short), short, 0.0)


def _leaf(problem: Problem) -> Any:
    ends = problem.boxes(problem.lower, problem.upper)

    def leaf(v: Variable) -> Interval:
        if v.is_symbol:
            low, high = ends[v.name]
            return Interval.unchecked(low, high)
        value = np.asarray(v.value, dtype=float)
        return Interval.unchecked(value, value)

    return leaf
