"""Formulas that have an operator of their own, found as they are written.

``x log(x)`` is bounded, ``sin(x) / x`` smooth, the length of a vector has a slope of at
most one; their derivatives, taken part by part, are not.  So formulas are given their
own operators before they are differentiated, and not only when they are simplified.
"""

from __future__ import annotations

from collections.abc import Iterable

from deuterium import ops
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.transform.simplify.roots_of_squares import ROOT_OF_SQUARES
from deuterium.transform.simplify.rules import Assumptions, Bounds, ByOperator
from deuterium.transform.simplify.simplify import Simplifier
from deuterium.transform.simplify.soft_directions import SOFT_DIRECTION

WITHOUT_LENGTHS = ByOperator(naming=True)
NAMING = ByOperator(naming=True)
NAMING[ops.sqrt] = (*NAMING[ops.sqrt], ROOT_OF_SQUARES)
for table in (WITHOUT_LENGTHS, NAMING):
    for op in (ops.multiply, ops.divide):
        table[op] = (*table[op], SOFT_DIRECTION)
"""The rules that give formulas their own operators, by what they are tried on."""

SIGNS = frozenset(
    {
        ops.exp, ops.expm1, ops.log, ops.log1p, ops.log2, ops.log10, ops.sin, ops.cos,
        ops.sinh, ops.sqrt, ops.xlogy, ops.xlog1py, ops.arccos, ops.where,
        ops.power,
    }
)  # fmt: skip
"""Operators without which no formula is recognised."""
CURVES = frozenset({ops.tanh, ops.expit})
"""Those that need a quotient beside them for that."""
POWERS = frozenset({ops.power, ops.integer_power})
"""Without which and those, none is over a domain."""


def recognized(
    graph: Graph,
    inputs: Iterable[Variable] = (),
    *,
    domain: Bounds | None = None,
    lengths: bool = True,
) -> Graph:
    """Return the same functions, formulas that have an operator given by it.

    Constants among ``inputs`` must stay what they are; ``lengths`` says whether roots
    of sums of squares are made lengths of vectors.  Over a domain, formulas are found
    that hold for positive numbers alone.
    """
    signs = SIGNS if domain is None else SIGNS | POWERS
    if any(n.op in (ops.divide, ops.reciprocal) for n in graph.order):
        signs |= CURVES
    if not any(n.op in signs for n in graph.order):
        return graph
    rules = NAMING if lengths else WITHOUT_LENGTHS
    simplifier = Simplifier(
        Assumptions(domain, (v for v in inputs if v.is_constant)), rules
    )
    found = simplifier.run(graph)
    return Graph(found) if simplifier.fired else graph
