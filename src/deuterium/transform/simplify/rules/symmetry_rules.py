"""Rules for signs under even and odd functions."""

from __future__ import annotations

from deuterium.graph.variable import Variable
from deuterium.transform.simplify.assumptions import Known
from deuterium.transform.simplify.rule_table import is_op, rule


@rule(
    "expit'", "tanh'", "cosh", "cos",
    identity="f(-x) = f(x) for an even function f",
    gains="a sign",
)  # fmt: skip
def even_function(v: Variable, known: Known) -> Variable | None:
    """Drop a sign under an even function."""
    assert v.op is not None  # it was found by its operator
    (x,) = v.args
    return v.op(x.args[0]) if is_op(x, "negative") else None


@rule(
    "tanh", "sinh", "sin", "tan", "arctan", "arcsin", "arcsinh", "arctanh", "erf",
    "cbrt", "expit''", "tanh''", "sign",
    identity="f(-x) = -f(x) for an odd function f",
    gains="signs meet and cancel",
)  # fmt: skip
def odd_function(v: Variable, known: Known) -> Variable | None:
    """Pull a sign out of an odd function."""
    assert v.op is not None  # it was found by its operator
    (x,) = v.args
    return -v.op(x.args[0]) if is_op(x, "negative") else None
