"""The oracle: a graph evaluated in ball arithmetic, to any precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from deuterium.errors import MissingSymbolError, UnsupportedError
from deuterium.evaluate.inputs import fitted
from deuterium.graph.constructors import as_variable
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.substitute import symbol_name
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.testing import balls

BITS = 256


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
    """
    v = as_variable(v)
    values = {symbol_name(key): value for key, value in point.items()}

    def leaf(node: Variable) -> Any:
        if node.is_constant:
            return _balls(node.value)
        if node.name not in values:
            raise MissingSymbolError(
                f"evaluate_exactly: symbol {node.name!r} was given no value"
            )
        return _balls(fitted(values[node.name], node, "evaluate_exactly"))

    with balls.flint().ctx.workprec(bits):
        result = interpret(topological([v]), leaf, _rule)[v]
    return result if v.shape else result.item()


def _balls(numbers: Any) -> Any:
    arb = balls.flint().arb
    array = np.asarray(numbers, dtype=object)
    return _filled(array.shape, [arb(x) for x in array.ravel().tolist()])


def _filled(shape: tuple[int, ...], elements: Any) -> Any:
    out = np.empty(shape, dtype=object)
    out.reshape(-1)[:] = elements
    return out


def _rule(op: Operator) -> Callable[..., Any]:
    whole = balls.on_arrays().get(op.name)
    if whole is not None:
        return lambda *args, **attrs: _array(whole(*args, **attrs))
    single = balls.elementwise().get(op.name)
    if single is None:
        raise UnsupportedError(
            f"evaluate_exactly: the operator {op.name!r} has no rule in ball "
            "arithmetic; add one to deuterium.testing.balls"
        )

    def run(*args: Any, **attrs: Any) -> Any:
        rule = balls.careful(lambda *xs: single(*xs, **attrs))
        return _array(np.frompyfunc(rule, len(args), 1)(*args))

    return run


def _array(x: Any) -> Any:
    return x if isinstance(x, np.ndarray) else _filled((), x)
