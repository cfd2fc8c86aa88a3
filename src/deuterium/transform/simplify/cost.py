"""What a graph costs to compute, judged by shapes alone."""

from __future__ import annotations

from collections.abc import Iterable

from deuterium import ops
from deuterium.graph.variable import Variable


def cost(v: Variable, stop: Iterable[Variable] = ()) -> int:
    """Return the static cost of computing ``v`` from the nodes ``stop``.

    An element costs the `work` of its operator, a node 64; moving elements costs 8.
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
    op = x.op
    if op is None:
        return 0
    if op.moves_elements:
        return 8
    if op is ops.matmul:
        return 64 + x.size * x.args[0].shape[-1]
    largest = max([x.size, *[a.size for a in x.args]])
    return 64 + op.work * largest
