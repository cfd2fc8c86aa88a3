"""Functions of hubs: the same one entered once, whatever shape it was written in.

An array whose elements are one function of their coordinates, reached through
reshapes, broadcasts and the like, has that function; which elements it has is another
matter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import apply, broadcast_to, constant
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    CoordinateGroup,
    KinkBranches,
)


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
    found = made[v]
    return broadcast_to(found, vector.shape) if found.shape == () else found


def _applied(node: Variable, args: tuple[Variable, ...]) -> Variable:
    """Return an operator of other arguments; of a product with itself its square."""
    if node.op is ops.multiply and args[0] is args[1]:
        return np.square(args[0])  # type: ignore[no-any-return]
    assert node.op is not None
    return apply(node.op, args, node.attrs)


def enter_function(group: CoordinateGroup, image: KinkBranches) -> int:
    """Return the number of a function of a group's coordinates; 0 is the identity."""
    key = tuple(_content(v) for v in (image.full, image.left, image.right))
    if image.full is group.vector:
        return 0
    table = group.__dict__.setdefault("table", {})
    if key not in table:
        if not image.kinked or key[0] == key[1] == key[2]:
            image = KinkBranches(image.full, image.full, image.full)
        group.functions.append(image)
        table[key] = len(group.functions)
    found: int = table[key]
    return found


def product_function(group: CoordinateGroup, r: int, s: int) -> int:
    """Return the number of the product of two functions of a group."""
    a, b = _image(group, r), _image(group, s)
    full = _times(a.full, b.full)
    if not (a.kinked or b.kinked):
        return enter_function(group, KinkBranches(full, full, full))
    left, right = _times(a.left, b.left), _times(a.right, b.right)
    return enter_function(group, KinkBranches(full, left, right))


def _image(group: CoordinateGroup, r: int) -> KinkBranches:
    v = group.vector
    return KinkBranches(v, v, v) if r == 0 else group.functions[r - 1]


def _times(x: Variable, y: Variable) -> Variable:
    return np.square(x) if x is y else x * y  # type: ignore[no-any-return]


def _content(v: Variable) -> tuple[Any, ...]:
    """Return what tells a graph from others that are written otherwise."""
    order = topological([v])
    number = {n: i for i, n in enumerate(order)}
    found: list[Any] = []
    for n in order:
        if n.op is None:
            value = None if n.is_symbol else np.asarray(n.value, dtype=float).tobytes()
            found.append((n.name, value))
        else:
            args = tuple(number[a] for a in n.args)
            attrs = repr(sorted(n.attrs.items())) if n.attrs else ""
            found.append((n.op.name, args, attrs))
    return tuple(found)
