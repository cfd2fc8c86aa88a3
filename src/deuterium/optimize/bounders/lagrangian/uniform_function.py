"""Whether all elements of an array are one function of their coordinates.

An array whose elements are one function, reached through reshapes, broadcasts and the
like, has that function; which elements it has is another matter.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import apply, broadcast_to, constant
from deuterium.graph.traverse import Graph, topological
from deuterium.graph.variable import Variable


def uniform_function(v: Variable, vector: Variable) -> Variable | None:
    """Return the function of ``vector`` that every element of ``v`` is, or None."""
    made: dict[Variable, Variable | None] = {}
    for node in topological([v]):
        made[node] = node if node is vector else _uniform(node, made)
        if made[node] is None:
            return None
    found = made[v]
    if found is not None and found.shape == ():
        return broadcast_to(found, vector.shape)
    return found


def are_uniform(functions: Graph, vector: Variable) -> bool:
    """Whether each of the functions does the same to all elements of ``vector``."""
    made: dict[Variable, Variable | None] = {}
    for node in functions.order:
        made[node] = node if node is vector else _uniform(node, made)
        if made[node] is None:
            return False
    return True


def _uniform(
    node: Variable, made: Mapping[Variable, Variable | None]
) -> Variable | None:
    """Return what all elements of a node are, given that of its arguments."""
    if node.is_constant:
        value = np.asarray(node.value, dtype=float)
        if value.size == 0 or np.ptp(value) != 0:
            return None
        return constant(value.ravel()[0])
    if node.op is None or not (node.op.elementwise or node.op.moves_elements):
        return None
    args = [x for a in node.args if (x := made[a]) is not None]
    if node.op.moves_elements:
        return args[0] if all(a is args[0] for a in args) else None
    if node.op is ops.multiply and args[0] is args[1] and args[0].shape:
        return apply(ops.square, (args[0],), {})
    return apply(node.op, tuple(args), node.attrs)
