"""The legality check: what every graph must satisfy, whoever made it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deuterium.errors import GraphError, InvalidInputError
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable


def listed(given: Any, what: str) -> list[Any]:
    """Return what was given as one Variable, or as a sequence or array of them."""
    if isinstance(given, Variable):
        return [given]
    try:
        return list(given.ravel() if hasattr(given, "ravel") else given)
    except TypeError:
        raise InvalidInputError(
            f"{what} must be a Variable or a sequence of them, got "
            f"{type(given).__name__}"
        ) from None


def check(outputs: Iterable[Variable]) -> None:
    """Raise GraphError unless the graph below ``outputs`` is legal.

    Legal: every operator has its number of arguments, every shape is what the
    operator's shape rule gives, and symbols of one name have one shape.
    """
    check_nodes(topological(outputs))


def check_nodes(nodes: Iterable[Variable]) -> None:
    """Raise GraphError unless these nodes, a graph's in any order, are legal."""
    shapes: dict[str, tuple[int, ...]] = {}
    legal: set[Any] = set()  # what was looked at already, of nodes without attributes
    for node in nodes:
        op = node.op
        if op is not None:
            if node.attrs:
                _check_operator(op, node)
                continue
            pattern = (op, node.shape, *[a.shape for a in node.args])
            if pattern not in legal:
                _check_operator(op, node)
                legal.add(pattern)
        elif node.value is None:
            first = shapes.setdefault(node.name, node.shape)
            if first != node.shape:
                raise GraphError(
                    f"two symbols are named {node.name!r} but have shapes {first} and "
                    f"{node.shape}; rename one of them"
                )


def _check_operator(op: Operator, node: Variable) -> None:
    if op.arity is not None and len(node.args) != op.arity:
        raise GraphError(
            f"{op.name} takes {op.arity} arguments, this node has {len(node.args)}"
        )
    try:
        shape = op.shape(*[a.shape for a in node.args], **node.attrs)
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise GraphError(
            f"{op.name} cannot be applied to shapes {[a.shape for a in node.args]} "
            f"with attributes {dict(node.attrs)}: {error}"
        ) from None
    if tuple(shape) != node.shape:
        raise GraphError(
            f"{op.name}: the node claims shape {node.shape}, its rule gives {shape}"
        )
