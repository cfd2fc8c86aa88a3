"""Functions of hubs: the same one entered once, whatever shape it was written in."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import apply
from deuterium.graph.hashcons import hashable
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    CoordinateGroup,
    KinkBranches,
)
from deuterium.optimize.bounders.lagrangian.uniform_function import uniform_function


def enter_function(group: CoordinateGroup, image: KinkBranches) -> int:
    """Return the number of a function of a group's coordinates; 0 is the identity."""
    if image.full is group.vector:
        return 0
    written = {v: _content(v) for v in {image.full, image.left, image.right}}
    key = tuple(written[v] for v in (image.full, image.left, image.right))
    table = group.__dict__.setdefault("table", {})
    if key not in table:
        if not image.kinked or key[0] == key[1] == key[2]:
            image = KinkBranches(image.full, image.full, image.full)
        group.functions.append(image)
        table[key] = len(group.functions)
    found: int = table[key]
    return found


def uniform_number(group: CoordinateGroup, image: KinkBranches) -> int | None:
    """Return the function that all elements are, or None if they differ."""
    graphs = image.full, image.left, image.right
    made = {v: uniform_function(v, group.vector) for v in set(graphs)}
    full, left, right = (made[v] for v in graphs)
    if full is None or left is None or right is None:
        return None
    return enter_function(group, KinkBranches(full, left, right))


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
    return apply(ops.square, (x,), {}) if x is y else x * y


def _content(v: Variable) -> tuple[Any, ...]:
    """Return what tells a graph from others that are written otherwise."""
    order = topological([v])
    number = {n: i for i, n in enumerate(order)}
    found: list[Any] = []
    for n in order:
        if n.op is None:
            value = None if n.is_symbol else hashable(np.asarray(n.value, dtype=float))
            found.append((n.name, value))
        else:
            args = tuple(number[a] for a in n.args)
            attrs = [(k, hashable(x)) for k, x in sorted(n.attrs.items())]
            found.append((n.op, args, tuple(attrs)))
    return tuple(found)
