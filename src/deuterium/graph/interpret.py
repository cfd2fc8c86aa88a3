"""The one interpreter loop: run a graph under any meaning of its operators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from deuterium.budget import watch
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable

Rule = Callable[..., Any]


def interpret(
    order: Iterable[Variable],
    leaf: Callable[[Variable], Any],
    rule: Callable[[Operator], Rule],
    given: Mapping[Variable, Any] | None = None,
) -> dict[Variable, Any]:
    """Return the meaning of every node.

    Parameters
    ----------
    order : iterable of Variable
        Nodes in topological order.
    leaf : callable
        The meaning of a symbol or constant.
    rule : callable
        Picks the rule of an operator, such as ``lambda op: op.value``.
    given : mapping, optional
        Nodes whose meaning is known already.
    """
    meaning: dict[Variable, Any] = dict(given or {})
    rules: dict[Operator, Rule] = {}
    look = watch()
    for node in order:
        if node in meaning:
            continue
        op = node.op
        if op is None:
            meaning[node] = leaf(node)
            continue
        if look is not None:
            look()
        apply = rules.get(op)
        if apply is None:
            apply = rules[op] = rule(op)
        if node.attrs:
            meaning[node] = apply(*[meaning[a] for a in node.args], **node.attrs)
        else:
            meaning[node] = apply(*[meaning[a] for a in node.args])
    return meaning


def pick(meaning: Mapping[Variable, Any], nodes: Sequence[Variable]) -> list[Any]:
    """Return the meanings of ``nodes`` in order."""
    return [meaning[node] for node in nodes]
