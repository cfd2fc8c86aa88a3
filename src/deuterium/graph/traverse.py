"""The one traversal: nodes in topological order, without recursion."""

from __future__ import annotations

from collections.abc import Iterable

from deuterium.graph.variable import Variable


def topological(outputs: Iterable[Variable]) -> list[Variable]:
    """Return every node below ``outputs``, arguments before their users."""
    order: list[Variable] = []
    seen: set[Variable] = set()
    stack: list[Variable | None] = [None, *outputs]
    pending: list[Variable] = []  # nodes whose arguments are being visited
    while stack:
        node = stack.pop()
        if node is None:  # all arguments of the innermost pending node are in order
            if pending:
                order.append(pending.pop())
        elif node not in seen:
            seen.add(node)
            if node.args:
                pending.append(node)
                stack.append(None)
                stack.extend(node.args)
            else:
                order.append(node)
    return order


def free_symbols(outputs: Iterable[Variable]) -> list[Variable]:
    """Return the symbols below ``outputs``, one per name, in order of first use."""
    found: dict[str, Variable] = {}
    for node in topological(outputs):
        if node.is_symbol:
            found.setdefault(node.name, node)
    return list(found.values())
