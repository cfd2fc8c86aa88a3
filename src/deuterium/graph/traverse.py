"""The one traversal: nodes in topological order, without recursion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deuterium.graph.variable import Variable


def topological(outputs: Iterable[Variable]) -> list[Variable]:
    """Return every node below ``outputs``, arguments before their users."""
    order: list[Variable] = []
    seen: set[Variable] = set()
    stack: list[Any] = list(outputs)[::-1]  # nodes, and None as a mark
    while stack:
        node = stack.pop()
        if node is None:  # all arguments of the node beneath it are in order
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            if node.args:
                stack.append(node)
                stack.append(None)
                stack.extend(node.args[::-1])
            else:
                order.append(node)
    return order


def symbols_in(nodes: Iterable[Variable]) -> list[Variable]:
    """Return the symbols among ``nodes``, one per name, in their order."""
    found: dict[str, Variable] = {}
    for node in nodes:
        if node.op is None and node.value is None:
            found.setdefault(node.name, node)
    return list(found.values())


def varying(order: Iterable[Variable]) -> set[Variable]:
    """Return those of some nodes, in topological order, that depend on a symbol."""
    found: set[Variable] = set()
    for node in order:
        if node.is_symbol or not found.isdisjoint(node.args):
            found.add(node)
    return found


def free_symbols(outputs: Iterable[Variable]) -> list[Variable]:
    """Return the symbols below ``outputs``, one per name, in order of first use."""
    return symbols_in(topological(outputs))
