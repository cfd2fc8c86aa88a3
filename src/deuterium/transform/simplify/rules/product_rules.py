"""Rules for products, quotients and powers."""

from __future__ import annotations

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.cost import cost
from deuterium.transform.simplify.factors import Factors, build, factors, multiply_in
from deuterium.transform.simplify.rule_table import rule
from deuterium.transform.simplify.rules.logistic_rules import combine_logistic
from deuterium.transform.simplify.rules.softmax_rules import combine_softmax
from deuterium.transform.simplify.sums_of_squares import squares_in
from deuterium.transform.simplify.terms import Terms, terms

PRODUCTS = (
    ops.multiply,
    ops.divide,
    ops.reciprocal,
    ops.square,
    ops.integer_power,
    ops.negative,
)


@rule(
    ops.negative,
    identity="-(-x) = x, -(a - b) = b - a",
    gains="a node or two",
)
def negate_twice(v: Variable, known: Assumptions) -> Variable | None:
    """Cancel a sign against what is inside."""
    (x,) = v.args
    if x.op is ops.negative:
        return x.args[0]
    if x.op is ops.subtract:
        return x.args[1] - x.args[0]
    return None


@rule(
    ops.multiply,
    ops.divide,
    identity="x * 1 = x, x / 1 = x, x * -1 = -x",
    gains="one node",
)
def multiply_by_one(v: Variable, known: Assumptions) -> Variable | None:
    """Drop a factor of one."""
    for x, one in (v.args, v.args[::-1]):
        number = known.number(one)
        if number in (1, -1) and (one is v.args[1] or v.op is ops.multiply):
            return x if number == 1 else -x
    return None


@rule(
    ops.multiply,
    ops.divide,
    ops.reciprocal,
    identity="(-x) * y = -(x * y), x / (-y) = -(x / y), 1 / (-x) = -(1 / x)",
    gains="signs meet and cancel, or vanish in a square or a difference",
)
def pull_out_sign(v: Variable, known: Assumptions) -> Variable | None:
    """Move a sign from a factor to the product."""
    assert v.op is not None  # it was found by its operator
    for i, x in enumerate(v.args):
        if x.op is ops.negative:
            args = list(v.args)
            args[i] = x.args[0]
            return -v.op(*args)
    return None


@rule(
    *PRODUCTS,
    identity="0 * x = 0",
    holds="where x is defined",
    gains="everything below x",
)
def multiply_by_zero(v: Variable, known: Assumptions) -> Variable | None:
    """Replace a product by zero: ``0 * log(p)`` where ``p > 0``."""
    view = factors(v, known)
    if view.coefficient != 0 or not known.defined(v):
        return None
    return broadcast_to(constant(0), v.shape)


@rule(
    *PRODUCTS,
    identity="-3 * x * x**2 / (-y * z) * z = 3 * x**3 / y, and the like",
    holds="where the factors that cancel are defined and not zero",
    gains="one coefficient and one power of each factor, small factors first",
)
def merge_factors(v: Variable, known: Assumptions) -> Variable | None:
    """Write a product with one power of each factor."""
    return _written_again(v, factors(v, known), known)


@rule(
    *PRODUCTS,
    identity="s / (1 + exp(-z)) = s * expit(z), exp(-z) * expit(z)**2 = expit'(z), "
    "expit'(z) / expit(z) = expit(-z)",
    holds="everywhere; where z is defined, if nothing of it is left",
    gains="one function with its own enclosure; the chain rule's poles cancel",
)
def logistic_factors(v: Variable, known: Assumptions) -> Variable | None:
    """Combine factors that are powers of ``expit(z)`` and ``expit(-z)``."""
    view = factors(v, known)
    if not view.may_combine:
        return None
    view = view.copy()
    return _written_again(v, view, known) if combine_logistic(view, known) else None


@rule(
    *PRODUCTS,
    identity="exp(x) / sum(exp(x)) = softmax(x), exp(x) / softmax(x) = sum(exp(x))",
    holds="where x is defined and elements meet the sum of their own row",
    gains="one function that increases in one element and decreases in the others",
    names=True,
)
def softmax_factors(v: Variable, known: Assumptions) -> Variable | None:
    """Combine factors that are powers of ``exp(x)`` and of its sum."""
    view = factors(v, known)
    if not view.may_combine:
        return None
    view = view.copy()
    return build(view, known) if combine_softmax(view, known) else None


def _written_again(v: Variable, view: Factors, known: Assumptions) -> Variable | None:
    """Return a product built again from a view of it, if that is cheaper."""
    if view.is_plain:
        return None
    stops = factors(v, known).stops
    result = build(view, known)
    cheaper = result is not None and cost(result, stops) < cost(v, stops)
    return result if cheaper else None


@rule(
    ops.multiply,
    ops.divide,
    identity="(a / x + b) * x = a + b * x",
    holds="where x is not zero",
    gains="poles that cancel: the slope of a cross-entropy without 1 / p",
)
def distribute(v: Variable, known: Assumptions) -> Variable | None:
    """Multiply a sum out where that removes denominators."""
    view = factors(v, known)
    if not any(view.powers[b] == 1 and is_sum(b) for b in view.powers):
        return None
    for base in [b for b in view.powers if view.powers[b] == 1 and is_sum(b)]:
        inside = terms(base, known)
        if 1 <= len(inside.terms) <= MOST_MULTIPLIED_OUT:
            found = _multiplied_out(view.without({base: 1}), inside, known)
            if found is not None:
                return broadcast_to(found, v.shape)
    return None


def is_sum(v: Variable) -> bool:
    """Whether ``v`` is a sum or a difference."""
    return v.op in (ops.add, ops.subtract)


def _multiplied_out(
    rest: Factors, inside: Terms, known: Assumptions
) -> Variable | None:
    before = rest.poles + sum(factors(term, known).poles for term in inside.terms)
    after = 0
    parts: list[Variable] = []
    if before == 0:
        return None
    for term, coefficient in inside.terms.items():
        view = rest.copy(np.broadcast_shapes(rest.shape, term.shape))
        multiply_in(view, term, 1, known)
        combine_logistic(view, known)
        combine_softmax(view, known)
        part = build(view, known)
        if part is None:
            return None
        after += view.poles
        parts.append(coefficient * part)
    if inside.constant:
        part = build(rest, known)
        if part is None:
            return None
        after += rest.poles
        parts.append(inside.constant * part)
    if after >= before:
        return None
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result


MOST_MULTIPLIED_OUT = 4  # terms


@rule(
    ops.sqrt,
    identity="sqrt(x**2 * y) = |x| * sqrt(y)",
    holds="where y >= 0",
    gains="the square of a square root",
)
def root_of_square(v: Variable, known: Assumptions) -> Variable | None:
    """Take even powers out of a square root."""
    view = factors(v.args[0], known)
    even = {b: e - e % 2 for b, e in view.powers.items() if e >= 2}
    if not even:
        return None
    rest = view.without(even)
    if rest.powers or rest.coefficient != 1:
        inner = build(rest, known)
        if inner is None or not known.never_negative(inner):
            return None
        root = inner.sqrt()
    else:
        root = None
    outer = build(Factors(v.shape, 1, {b: e // 2 for b, e in even.items()}), known)
    if outer is None:
        return None
    return abs(outer) if root is None else abs(outer) * root


@rule(
    ops.sqrt,
    identity="sqrt(y) = sqrt(sum(square(x))) where y is made of hidden squares",
    holds="where y may seem to be negative",
    gains="a root of what is never negative",
)
def root_of_hidden_squares(v: Variable, known: Assumptions) -> Variable | None:
    """Write a number that is never negative as what it is."""
    (y,) = v.args
    found = None if known.defined(v) else squares_in(y, known)
    if not found:
        return None
    total = ops.square(found[0])
    for x in found[1:]:
        total = total + ops.square(x)
    return arrays.reshape_to(total, v.shape).sqrt()


@rule(
    ops.square,
    ops.integer_power,
    identity="square(sqrt(x)) = x, |x|**(2 n) = x**(2 n)",
    holds="the first where x >= 0",
    gains="two nodes",
)
def square_of_root(v: Variable, known: Assumptions) -> Variable | None:
    """Undo a square root or a modulus by an even power."""
    assert v.op is not None  # it was found by its operator
    (x,) = v.args
    even = v.attrs.get("n", 2) % 2 == 0
    if x.op is ops.absolute and even:
        return v.op(x.args[0], **v.attrs)
    if x.op is ops.sqrt and even and known.nonnegative(x.args[0]):
        return x.args[0] ** (v.attrs.get("n", 2) // 2)
    return None


@rule(
    ops.absolute,
    identity="|x| = x, |x| = -x, |-x| = |x|, ||x|| = |x|",
    holds="the first where x >= 0, the second where x <= 0",
    gains="a kink, or a sign",
)
def modulus(v: Variable, known: Assumptions) -> Variable | None:
    """Drop a modulus, or a sign under it."""
    (x,) = v.args
    if x.op is ops.negative or x.op is ops.absolute:
        return abs(x.args[0])
    if known.never_negative(x):
        return x
    if np.all(known.range(x).upper <= 0):
        return -x
    return None
