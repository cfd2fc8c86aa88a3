"""Rules for signs under even and odd functions."""

from __future__ import annotations

from deuterium import ops
from deuterium.graph.variable import Variable
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.rule_table import rule

EVEN_POWERS = (ops.square, ops.absolute)  # of which other rules take signs
SIGNS = (ops.negative, ops.reciprocal)


@rule(
    when=lambda op: op.parity == "even" and op not in EVEN_POWERS,
    identity="f(-x) = f(x) for an even function f",
    gains="a sign",
)
def even_function(v: Variable, known: Assumptions) -> Variable | None:
    """Drop a sign under an even function."""
    assert v.op is not None  # it was found by its operator
    (x,) = v.args
    return v.op(x.args[0]) if x.op is ops.negative else None


@rule(
    when=lambda op: op.parity == "odd" and op not in SIGNS,
    identity="f(-x) = -f(x) for an odd function f",
    gains="signs meet and cancel",
)
def odd_function(v: Variable, known: Assumptions) -> Variable | None:
    """Pull a sign out of an odd function."""
    assert v.op is not None  # it was found by its operator
    (x,) = v.args
    return -v.op(x.args[0]) if x.op is ops.negative else None
