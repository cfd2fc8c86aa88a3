"""Sums of all squares of what lies in a Euclidean ball: coordinates of their own."""

from __future__ import annotations

import numpy as np
from flint import arb

from deuterium import ops
from deuterium.certify.checker.ball_functions import ZERO, Ball, smaller
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.graph.constructors import symbol
from deuterium.graph.interpret import interpret
from deuterium.graph.substitute import rebuild
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable


def summed(
    v: Variable, inputs: ProofInputs
) -> tuple[Variable, dict[str, int], list[Ball]]:
    """Return a graph with a symbol in the place of each such sum.

    Returns
    -------
    graph : Variable
    starts : dict from str to int
        The first coordinate of each symbol; those of the sums follow on the inputs.
    tops : list of arb
        What each sum is at most: the square of how far its ball reaches.
    """
    starts = dict(inputs.starts)
    tops: list[Ball] = []
    given: dict[Variable, Variable] = {}
    for node in topological([v]):
        top = _most(node, inputs)
        if top is not None:
            name = f"sum {len(tops)}"
            while name in starts:
                name += "'"
            starts[name] = inputs.size + len(tops)
            tops.append(top)
            given[node] = symbol(name)
    if not given:
        return v, starts, tops
    graph = interpret(topological([v]), lambda leaf: leaf, rebuild, given)[v]
    return graph, starts, tops


def _most(node: Variable, inputs: ProofInputs) -> Ball | None:
    """Return how large a sum of squares over a ball may be; None for other nodes."""
    base, away = _squared(node), np.zeros(())
    if base is not None and base.op is ops.subtract and base.args[1].is_constant:
        base, away = base.args[0], base.args[1].value
    if base is None or not base.is_symbol or not inputs.whole[base.name].balls:
        return None
    gone = np.broadcast_to(np.asarray(away, dtype=object), base.shape).ravel()
    found = None
    for centre, radius in inputs.whole[base.name].balls:
        gaps = [arb(m) - arb(c) for m, c in zip(centre, gone.tolist(), strict=True)]
        reach = arb(radius) + sum([g * g for g in gaps], ZERO).sqrt()
        found = reach * reach if found is None else smaller(found, reach * reach)
    return found


def _squared(node: Variable) -> Variable | None:
    """Return the whole array whose squares a node adds up."""
    if node.op is not ops.add_reduce or node.shape:
        return None
    (squares,) = node.args
    if squares.op is ops.square:
        return squares.args[0]
    is_square = squares.op is ops.multiply and squares.args[0] is squares.args[1]
    return squares.args[0] if is_square else None
