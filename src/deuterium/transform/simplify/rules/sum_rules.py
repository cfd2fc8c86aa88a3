"""Rules for sums and differences."""

from __future__ import annotations

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.variable import Variable
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.broadcastable import joint_shape
from deuterium.transform.simplify.cost import cost
from deuterium.transform.simplify.factors import OPEN, Factors, build, factors
from deuterium.transform.simplify.rule_table import rule
from deuterium.transform.simplify.terms import build_sum, terms


@rule(
    ops.add,
    ops.subtract,
    identity="x + 0 = x, 0 - x = -x, x + (-y) = x - y, x - (-y) = x + y",
    gains="one node; one form of what is the same difference",
)
def add_zero(v: Variable, known: Assumptions) -> Variable | None:
    """Drop a term of zero, and the sign of a term."""
    a, b = v.args
    adds = v.op is ops.add
    number = known.number(b)
    if number == 0:
        return a
    if number is not None and number < 0:
        return a - constant(-number) if adds else a + constant(-number)
    if known.number(a) == 0:
        return b if adds else -b
    if b.op is ops.negative:
        return a - b.args[0] if adds else a + b.args[0]
    if adds and a.op is ops.negative:
        return b - a.args[0]
    return None


@rule(
    ops.add,
    ops.subtract,
    identity="x + 2 * x - 3 + 1 = 3 * x - 2, x - x = 0",
    holds="where the terms that vanish are defined",
    gains="one number, and each term once",
)
def merge_terms(v: Variable, known: Assumptions) -> Variable | None:
    """Write a sum with one number and one multiple of each term."""
    view = terms(v, known)
    if view.occurrences == len(view.terms) and view.numbers < 2:
        return None  # each term was met once
    result = build_sum(view, known)
    stops = list(view.terms)
    cheaper = result is not None and cost(result, stops) < cost(v, stops)
    return result if cheaper else None


@rule(
    ops.add,
    ops.subtract,
    identity="a * b + a * c = a * (b + c), also next to other terms",
    gains="one multiplication; bounds never wider, since a is met once",
)
def common_factor(v: Variable, known: Assumptions) -> Variable | None:
    """Take the factors that two terms share out of their sum."""
    assert v.op is not None  # it was found by its operator
    first, last = v.args
    found = _taken_out(v, first, last, known)
    if found is not None or v.op is not ops.add:
        return found
    # and of the last two terms of a longer sum
    if first.op is ops.add:
        found = _taken_out(v, first.args[1], last, known)
        return None if found is None else first.args[0] + found
    return None


def _taken_out(
    v: Variable, a: Variable, b: Variable, known: Assumptions
) -> Variable | None:
    """Return ``v.op(a, b)`` with the factors that both have taken out."""
    if not (_is_product(a) or _is_product(b)):
        return None
    one, other = factors(a, known), factors(b, known)
    common = {
        base: min(e, other.powers[base], key=abs)
        for base, e in one.powers.items()
        if e * other.powers.get(base, 0) > 0
    }
    if not common:
        return None
    assert v.op is not None  # the caller has looked
    shared = build(Factors(v.shape, 1, common), known)
    left = _rest(one.without(common), known)
    right = _rest(other.without(common), known)
    if shared is None or left is None or right is None:
        return None
    return broadcast_to(shared * v.op(left, right), v.shape)


def _is_product(v: Variable) -> bool:
    return v.op in OPEN


def _rest(view: Factors, known: Assumptions) -> Variable | None:
    """Return what is left of a term, in the shape of its factors."""
    view.shape = joint_shape(view.powers)
    return build(view, known)
