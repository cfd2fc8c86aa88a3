"""The oracle: a graph evaluated in ball arithmetic, to any precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deuterium.errors import MissingSymbolError
from deuterium.evaluate.inputs import fitted
from deuterium.graph.constructors import as_variable
from deuterium.graph.interpret import interpret
from deuterium.graph.substitute import symbol_name
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.testing import balls

BITS = 256  # of working precision: 200 more than a double has


def evaluate_exactly(v: Variable, point: Mapping[Any, Any], bits: int = BITS) -> Any:
    """Return the value of a graph at one point, as balls that hold the exact value.

    Parameters
    ----------
    v : Variable
        The graph.
    point : mapping
        From each symbol (Variable or name) to numbers, taken as they are: the double
        0.1 is not one tenth.
    bits : int
        Working precision.

    Returns
    -------
    flint.arb, or object array of them
        A ball is NaN where the value is undefined, and infinite where nothing is
        known at this precision.

    Raises
    ------
    MissingDependencyError
        python-flint is not installed.
    MissingSymbolError
        A symbol of the graph has no value.

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> from deuterium.testing import evaluate_exactly
    >>> x = dt.symbol("x")
    >>> evaluate_exactly(np.exp(x), {x: 1}).contains(np.e)
    False
    """
    v = as_variable(v)
    result = meanings([v], point, bits)[v]
    return result if v.shape else result.item()


def meanings(
    outputs: Sequence[Variable],
    point: Mapping[Any, Any],
    bits: int = BITS,
    given: Mapping[Variable, Any] | None = None,
) -> dict[Variable, Any]:
    """Return the balls of all nodes of graphs at a point, each an object array."""
    values = {symbol_name(key): value for key, value in point.items()}

    def leaf(node: Variable) -> Any:
        if node.is_constant:
            return balls.balls_of(node.value)
        if node.name not in values:
            raise MissingSymbolError(
                f"evaluate_exactly: symbol {node.name!r} was given no value"
            )
        return balls.balls_of(fitted(values[node.name], node, "evaluate_exactly"))

    with balls.flint().ctx.workprec(bits):
        return interpret(topological(outputs), leaf, balls.rule_of, given)
