"""Choices by conditions."""

from __future__ import annotations

from deuterium.graph.variable import Variable
from deuterium.ops import arithmetic, logic
from deuterium.transform.simplify.assumptions import Known
from deuterium.transform.simplify.rule_table import rule


@rule(
    "where",
    identity="where(1, a, b) = a, where(c, a, a) = a, "
    "where(not c, a, b) = where(c, b, a), where(c, where(c, a, p), b) = where(c, a, b)",
    gains="a choice that is none; one form of what is the same choice",
)
def decided_choice(v: Variable, known: Known) -> Variable | None:
    """Take the branch that is chosen for certain, and a condition without its not."""
    c, a, b = v.args
    if a is b and known.defined(c):
        return a
    number = known.number(c)
    if number is not None:
        return a if number > 0 else b
    if c.op is logic.logical_not and logic.is_condition(c):
        return logic.where(c.args[0], b, a)
    inner_a = a.args[1] if _is_choice_by(a, c) else a
    inner_b = b.args[2] if _is_choice_by(b, c) else b
    changed = inner_a is not a or inner_b is not b
    return logic.where(c, inner_a, inner_b) if changed else None


def _is_choice_by(x: Variable, c: Variable) -> bool:
    return x.op is logic.where and x.args[0] is c


@rule(
    "add",
    "subtract",
    identity="where(c, a, b) + where(c, p, q) = where(c, a + p, b + q)",
    gains="a condition met once: slopes of the branches of one kink stay together",
)
def choices_together(v: Variable, known: Known) -> Variable | None:
    """Add two choices by one condition branch by branch."""
    assert v.op is not None  # it was found by its operator
    first, last = v.args
    if first.op is arithmetic.add and last.op is logic.where:  # behind another term
        rest, first = first.args
        joined = _joined(v.op, first, last)
        return None if joined is None else rest + joined
    return _joined(v.op, first, last)


def _joined(op: object, first: Variable, last: Variable) -> Variable | None:
    if first.op is not logic.where or last.op is not logic.where:
        return None
    (c, a, b), (d, p, q) = first.args, last.args
    if c is not d:
        return None
    assert callable(op)
    return logic.where(c, op(a, p), op(b, q))


@rule(
    "square",
    "negative",
    identity="where(c, a, b)**2 = where(c, a**2, b**2), and so for a sign",
    gains="choices that meet in a sum become one",
)
def function_of_choice(v: Variable, known: Known) -> Variable | None:
    """Take a function into the branches."""
    assert v.op is not None  # it was found by its operator
    (x,) = v.args
    if x.op is not logic.where:
        return None
    c, a, b = x.args
    return logic.where(c, v.op(a), v.op(b))


@rule(
    "multiply",
    identity="where(c, a, 0) * x = where(c, a * x, 0 * x)",
    gains="choices that meet in a sum become one",
)
def multiple_of_choice(v: Variable, known: Known) -> Variable | None:
    """Take a factor into the branches, of which one is a number."""
    for x, other in (v.args, v.args[::-1]):
        if x.op is logic.where and other.op is not logic.where:
            c, a, b = x.args
            if known.number(a) is not None or known.number(b) is not None:
                return logic.where(c, a * other, b * other)
    return None


@rule(
    "logical_not",
    identity="not not c = c",
    gains="two nodes less",
)
def double_negation(v: Variable, known: Known) -> Variable | None:
    """Drop two negations."""
    (c,) = v.args
    return c.args[0] if c.op is logic.logical_not else None


@rule(
    "narrowed",
    identity="max(x, x) = x, min(x, x) = x",
    gains="one node less",
)
def narrowed_by_nothing(v: Variable, known: Known) -> Variable | None:
    """Drop a bound that says nothing."""
    c, x, bound = v.args
    return x if x is bound and known.defined(c) else None
