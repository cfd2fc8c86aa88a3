"""Whether all elements of an array are one function of their coordinates.

An array whose elements are one function, reached through reshapes, broadcasts and the
like, has that function; which elements it has is another matter.
"""

from __future__ import annotations

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import apply, constant
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable


def uniform_function(v: Variable, vector: Variable) -> Variable | None:
    """Return the function of ``vector`` that every element of ``v`` is, or None."""
    made: dict[Variable, Variable] = {}
    for node in topological([v]):
        if node is vector:
            made[node] = node
        elif node.is_constant:
            value = np.asarray(node.value, dtype=float)
            if value.size == 0 or np.ptp(value) != 0:
                return None
            made[node] = constant(value.ravel()[0])
        elif node.op is None or not (node.op.elementwise or node.op.moves_elements):
            return None
        else:
            args = tuple(made[a] for a in node.args)
            if node.op.moves_elements:
                if any(a is not args[0] for a in args[1:]):
                    return None
                made[node] = args[0]
            elif all(a.shape == () for a in args):
                made[node] = apply(node.op, args, node.attrs)
            else:
                made[node] = _applied(node, args)
    return made[v] if made[v].shape == vector.shape else None


def _applied(node: Variable, args: tuple[Variable, ...]) -> Variable:
    """Return an operator of other arguments; of a product with itself its square."""
    if node.op is ops.multiply and args[0] is args[1]:
        return np.square(args[0])  # type: ignore[no-any-return]
    assert node.op is not None
    return apply(node.op, args, node.attrs)
