"""Which nodes are hubs because all of a choice or product is a function of them.

Found in the graph before its nodes are classified, so that it does not matter which
function of a hub comes first.
"""

from __future__ import annotations

from collections.abc import Collection

from deuterium import ops
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.factored_parts import Unsuited

Below = dict[Variable, bool]
PRODUCTS = (ops.multiply, ops.divide)


def shared_hubs(root: Variable) -> set[Variable]:
    """Return the nodes of which single elements decide those of others.

    They are the nearest node that all arguments of a choice or a product are functions
    of, element by element; and what several arguments of functions are multiples of.
    """
    graph = Graph([root])
    below: dict[Variable, Below] = {}  # what a node is a function of; if linearly
    found: set[Variable] = set()
    multiples: dict[Variable, set[Variable]] = {}
    for v in graph.order:
        if v not in graph.varying:
            continue
        args = list(dict.fromkeys(a for a in v.args if a in graph.varying))
        below[v] = {v: True}
        if v.op is None or not (v.op.elementwise or v.op.moves_elements):
            continue
        linear = _is_linear(v, graph.varying)
        first, *rest = (below[a] for a in args)
        common = {
            n: linear and all(below[a][n] for a in args)
            for n in first
            if all(n in b for b in rest)
        }
        below[v] |= common
        nearest = next(iter(common), None)
        if nearest is None or linear or v.op is ops.square:
            continue
        if len(args) == 1:
            multiples.setdefault(_unscaled(nearest, graph.varying), set()).add(nearest)
        elif v.op not in PRODUCTS or not all(below[a][nearest] for a in args):
            found.add(nearest)
    return found | {n for n, of in multiples.items() if len(of) > 1}


def _is_linear(v: Variable, varying: Collection[Variable]) -> bool:
    assert v.op is not None
    if v.op in PRODUCTS and v.args[-1] not in varying:
        return True
    return v.op.linear or (v.op.bilinear and v.args[0] not in varying)


def _unscaled(v: Variable, varying: Collection[Variable]) -> Variable:
    """Return what a node is a multiple of, by one number."""
    while v.op is ops.negative or v.op in PRODUCTS:
        inner = [a for a in v.args if a in varying]
        numbers = [_repeated(a) for a in v.args if a not in varying]
        divides = v.op is ops.divide and v.args[1] in varying
        if len(inner) != 1 or any(a.shape for a in numbers) or divides:
            break
        (v,) = inner
    return v


def _repeated(v: Variable) -> Variable:
    """Return what is repeated."""
    while v.op is ops.broadcast:
        (v,) = v.args
    return v


def require_few_hubs(root: Variable) -> None:
    """Raise where there are too many arguments of curves, before anything is composed.

    Each is a hub, unless it is an input.

    Raises
    ------
    Unsuited
        There are.
    """
    graph = Graph([root])
    source: dict[Variable, Variable] = {}
    found: set[Variable] = set()
    for v in graph.order:
        inner = [a for a in dict.fromkeys(v.args) if a in graph.varying]
        source[v] = v
        if v.op is None or not (v.op.elementwise or v.op.moves_elements):
            continue
        if len(inner) == 1:
            source[v] = source[inner[0]]
            if v.op.arity == 1 and not v.op.linear and v.op is not ops.square:
                found.add(source[v])
    if sum(v.size for v in found if not v.is_symbol) > options.MOST_MULTIPLIERS:
        raise Unsuited("too many hubs")
