"""What a graph costs to compute, judged by shapes alone."""

from __future__ import annotations

from collections.abc import Iterable

from deuterium.graph.variable import Variable

_PLAIN = frozenset({"add", "subtract", "multiply", "negative", "square", "absolute"})
_FREE = frozenset({"broadcast", "reshape", "transpose", "gather"})


def cost(v: Variable, stop: Iterable[Variable] = ()) -> int:
    """Return the static cost of computing ``v`` from the nodes ``stop``.

    An element costs 1 in plain arithmetic, 4 in other functions, a node 64.
    """
    done = set(stop)
    total = 0
    stack = [v]
    while stack:
        x = stack.pop()
        if x in done:
            continue
        done.add(x)
        if x.op is None:
            continue
        total += _node_cost(x)
        stack.extend(x.args)
    return total


def _node_cost(x: Variable) -> int:
    name = x.op.name if x.op is not None else ""
    if name in _FREE:
        return 8
    if name == "matmul":
        return 64 + x.size * x.args[0].shape[-1]
    largest = max([x.size, *[a.size for a in x.args]])
    return 64 + (1 if name in _PLAIN else 4) * largest
