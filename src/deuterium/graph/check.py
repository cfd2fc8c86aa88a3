"""The legality check: what every graph must satisfy, whoever made it."""

from __future__ import annotations

from collections.abc import Iterable

from deuterium.errors import GraphError
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable


def check(outputs: Iterable[Variable]) -> None:
    """Raise GraphError unless the graph below ``outputs`` is legal.

    Legal: every operator has its number of arguments, every shape is what the
    operator's shape rule gives, and symbols of one name have one shape.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for node in topological(outputs):
        if node.is_symbol:
            first = shapes.setdefault(node.name, node.shape)
            if first != node.shape:
                raise GraphError(
                    f"two symbols are named {node.name!r} but have shapes {first} and "
                    f"{node.shape}; rename one of them"
                )
        elif node.op is not None:
            _check_operator(node)


def _check_operator(node: Variable) -> None:
    op = node.op
    assert op is not None  # for the type checker: leaves do not come here
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
