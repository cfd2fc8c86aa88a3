"""The rules of the oracle, by operator; only now is python-flint imported."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.errors import UnsupportedError
from deuterium.graph.constructors import symbol
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.optional import require

Rule = Callable[..., Any]


def flint() -> Any:
    """Return the module of python-flint."""
    return require("flint", "python-flint", "ball arithmetic")


def rule_of(op: Operator) -> Rule:
    """Return what an operator does to object arrays of balls.

    A value is a finite ball that holds the exact one; NaN where the operator is
    certainly not defined; infinite where nothing is known at this precision.  What is
    not an operator of the package is what its ``definition`` says.

    Raises
    ------
    UnsupportedError
        There is no rule, and the record has no definition.
    """
    flint()
    from deuterium.testing.array_definitions import ON_ARRAYS
    from deuterium.testing.definitions import ELEMENTWISE, guarded, integer_power

    if op in ON_ARRAYS:
        return lambda *args, **attrs: as_array(ON_ARRAYS[op](*args, **attrs))
    if op is ops.integer_power:
        return lambda x, n: _mapped(guarded(partial(integer_power, n=n)), x)
    if op in ELEMENTWISE:
        rule = ELEMENTWISE[op]
        return lambda *args, **attrs: _mapped(guarded(partial(rule, **attrs)), *args)
    if op.definition is None:
        raise UnsupportedError(
            f"evaluate_exactly: the operator {op.name!r} has no rule in ball "
            "arithmetic; give its record a `definition` by other operators"
        )
    return partial(_defined, op.definition)


def _mapped(rule: Rule, *args: Any) -> Any:
    return as_array(np.frompyfunc(rule, len(args), 1)(*args))


def _defined(definition: Callable[..., Any], *args: Any, **attrs: Any) -> Any:
    """Return what a definition by other operators says."""
    names = [symbol(f"argument {i}", np.shape(a)) for i, a in enumerate(args)]
    v = definition(*names, **attrs)
    values = dict(zip(names, args, strict=True))

    def leaf(node: Variable) -> Any:
        return values[node] if node.is_symbol else balls_of(node.value)

    return interpret(topological([v]), leaf, rule_of)[v]


def balls_of(numbers: Any) -> Any:
    """Return exact balls of numbers, as an object array."""
    arb = flint().arb
    array = np.asarray(numbers, dtype=object)
    return filled(array.shape, [arb(x) for x in array.ravel().tolist()])


def filled(shape: tuple[int, ...], elements: Any) -> Any:
    """Return an object array of elements, into which NumPy does not look."""
    out = np.empty(shape, dtype=object)
    out.reshape(-1)[:] = elements
    return out


def as_array(x: Any) -> Any:
    """Return one ball as an array without axes."""
    return x if isinstance(x, np.ndarray) else filled((), x)
