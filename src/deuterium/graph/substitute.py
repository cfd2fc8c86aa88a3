"""Replace symbols of a graph by numbers, expressions or other Variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import symengine as se

from deuterium.errors import InvalidInputError, ShapeError
from deuterium.graph.constructors import apply, as_variable, broadcast_to
from deuterium.graph.hooks import provides
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable


def symbol_name(key: Any) -> str:
    """Return the name of a symbol given as a Variable, a string or an expression."""
    if isinstance(key, str):
        return key
    if isinstance(key, Variable) and key.is_symbol:
        return key.name
    if isinstance(key, se.Symbol) or getattr(key, "is_Symbol", False):
        return str(key)
    raise InvalidInputError(
        "symbols are keyed by name or by their own Variable; got "
        f"{type(key).__name__} {key!r}, which is not a symbol"
    )


@provides("substitute")
def substitute(v: Variable, values: Mapping[Any, Any]) -> Variable:
    """Return ``v`` with symbols replaced.

    Parameters
    ----------
    v : Variable
        The graph to rewrite.
    values : mapping
        From a symbol (Variable, name or symengine Symbol) to a number, an expression
        or a Variable that broadcasts to the symbol's shape.

    Raises
    ------
    ShapeError
        A value does not broadcast to the shape of its symbol.
    """
    new = {symbol_name(k): as_variable(x) for k, x in values.items()}

    def leaf(old: Variable) -> Variable:
        if not old.is_symbol or old.name not in new:
            return old
        return _fitted(new[old.name], old)

    order = topological([v])
    same: dict[Variable, Variable] = {}  # parts that hold none of the symbols stay
    for node in order:
        if node.is_symbol and node.name in new:
            continue
        if all(a in same for a in node.args):
            same[node] = node
    return interpret(order, leaf, rebuild, same)[v]


def rebuild(op: Operator) -> Any:
    """Return a function that applies an operator to Variables."""
    return lambda *args, **attrs: apply(op, args, attrs)


def _fitted(value: Variable, old: Variable) -> Variable:
    try:
        shape = np.broadcast_shapes(value.shape, old.shape)
    except ValueError:
        shape = None
    if shape != old.shape:
        raise ShapeError(
            f"subs: symbol {old.name!r} has shape {old.shape}; a value of shape "
            f"{value.shape} does not broadcast to it"
        )
    return broadcast_to(value, old.shape)
