"""Choices by conditions, and the slopes of order statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.hashcons import structural_key
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable, node
from deuterium.ops import arithmetic, arrays, logic, piecewise
from deuterium.ops.order import reorder, reordered
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.choices import Given, decided_by, decides, under
from deuterium.transform.simplify.factors import Factors, build, factors
from deuterium.transform.simplify.half_lines import without_narrowing
from deuterium.transform.simplify.rule_table import rule

_MOVEMENTS = (arrays.reshape, arrays.transpose)

FEW = 12  # nodes of a factor that may be smaller within a branch


@rule(
    logic.where,
    identity="where(1, a, b) = a, where(c, a, a) = a, "
    "where(not c, a, b) = where(c, b, a), where(c, where(c, a, p), b) = where(c, a, b)",
    gains="a choice that is none; one form of what is the same choice",
    names=True,
)
def decided_choice(v: Variable, known: Assumptions) -> Variable | None:
    """Take the branch that is chosen for certain, and a condition without its not."""
    c, a, b = v.args
    if a is b and known.defined(c):
        return a
    truth = known.range(c)
    if np.all(truth.lower > 0):
        return a
    if np.all(truth.upper <= 0):
        return b
    if c.op is logic.logical_not and logic.is_condition(c):
        return logic.where(c.args[0], b, a)
    h = decides(c)
    first, last = (under(x, Given(h, t, known)) for x, t in ((a, True), (b, False)))
    changed = first is not a or last is not b
    return logic.where(c, first, last) if changed else None


@rule(
    logic.where,
    identity="where(c, 2 * x, x * y) = where(c, 2, y) * x",
    holds="where x is defined",
    gains="a choice between fewer factors, next to a product",
)
def factor_of_choice(v: Variable, known: Assumptions) -> Variable | None:
    """Take out what is a factor of both branches, or of one if the other is zero."""
    c, a, b = v.args
    made: dict[Any, Variable] = {}
    first, last = _opened(a, known, made), _opened(b, known, made)
    if first.coefficient == 0:
        common = dict(last.powers)
    elif last.coefficient == 0:
        common = dict(first.powers)
    else:
        common = _common_powers(first.powers, last.powers)
    factor = build(Factors(v.shape, powers=common), known) if common else None
    if factor is None or decided_by(factor) or _is_narrowed(factor, c):
        return None
    p, q = (build(x.without(common), known) for x in (first, last))
    if p is None or q is None or not known.defined(factor):
        return None
    return logic.where(c, p, q) * factor


def _common_powers(
    first: dict[Variable, int], last: dict[Variable, int]
) -> dict[Variable, int]:
    """Return the powers that divide two products."""
    return {
        x: min(e, last[x], key=abs) for x, e in first.items() if e * last.get(x, 0) > 0
    }


def _opened(v: Variable, known: Assumptions, made: dict[Any, Variable]) -> Factors:
    """Return a product that is seen through movements; ``made``: equal nodes once."""
    outer = factors(v, known)
    view = Factors(v.shape, outer.coefficient)
    todo = [(x, e, x in outer.divided) for x, e in outer.powers.items()]
    while todo:
        x, power, divides = todo.pop()
        inner = None
        if x.op in _MOVEMENTS and power > 0 and not divides:
            inner = factors(x.args[0], known)
        if inner is None or inner.divided or _is_moved_whole(x, inner):
            once = made.setdefault(structural_key(x, x.args), x)
            view.times(once, power, divides)
            continue
        todo += [(_moved(b, x), e * power, False) for b, e in inner.powers.items()]
        if inner.coefficient != 1:
            todo.append((constant(inner.coefficient), power, False))
    return view


def _is_moved_whole(x: Variable, inner: Factors) -> bool:
    """Return whether what a node moves is one factor, itself or spread, and no more."""
    if x.args[0] in inner.powers:
        return True
    ((base, power), *more) = inner.powers.items() or [(x, 0)]
    if more or power != 1 or inner.coefficient != 1 or base.size == 1:
        return False
    return x.op is arrays.transpose or base.size != x.size


def _moved(base: Variable, x: Variable) -> Variable:
    """Return a factor of what a node moves, moved by it."""
    if base.size == 1:
        return arrays.reshape_to(base, ())
    if x.op is arrays.reshape and base.size == x.size:
        inner = base.args[0] if base.op is arrays.reshape else base
        return arrays.reshape_to(inner, x.shape)
    whole = broadcast_to(base, x.args[0].shape)
    return node(x.op, (whole,), x.attrs, x.shape)


def _is_narrowed(factor: Variable, c: Variable) -> bool:
    """Return whether a condition may say more of a factor than is known without it.

    Of a few nodes, that is; through many, little of it would be left.
    """
    order = topological([factor])
    return len(order) <= FEW and not set(order).isdisjoint(topological([c]))


@rule(
    arithmetic.square,
    arithmetic.negative,
    identity="where(c, a, b)**2 = where(c, a**2, b**2), and so for a sign",
    gains="choices that meet in a sum become one",
)
def function_of_choice(v: Variable, known: Assumptions) -> Variable | None:
    """Take a function into the branches."""
    assert v.op is not None  # it was found by its operator
    (x,) = v.args
    if x.op is not logic.where:
        return None
    c, a, b = x.args
    return logic.where(c, v.op(a), v.op(b))


@rule(
    logic.is_positive,
    identity="max(x, a) - b > 0 is x - b > 0 for b >= a, and 2 x > 0 is x > 0",
    gains="one condition for what is one",
)
def plain_condition(v: Variable, known: Assumptions) -> Variable | None:
    """Drop what does not change a sign."""
    (h,) = v.args
    plain = without_narrowing(h, known)
    if plain is not None:
        return logic.is_positive(plain)
    if h.op is arithmetic.multiply:
        for k, x in (h.args, h.args[::-1]):
            number = known.number(k)
            if number is not None and number > 0:
                return logic.is_positive(x)
            if number is not None and number < 0:
                return logic.is_positive(-x) if number != -1 else None
    if h.op is arithmetic.subtract:
        first, last = h.args
        up, down = _inside(first, last, 1, known), _inside(last, first, -1, known)
        if up is not None or down is not None:
            larger = first if up is None else up
            return logic.is_positive(larger - (last if down is None else down))
    return None


def _inside(v: Variable, b: Variable, side: int, known: Assumptions) -> Variable | None:
    """Return x where v is the larger or lesser of x and a number: if that is no matter.

    That is, if v > b just where x > b (on side 1), or v < b just where x < b (on -1).
    """
    largest = v.op in (piecewise.relu, piecewise.maximum)
    if not largest and v.op is not piecewise.minimum:
        return None
    level = known.number(b)
    for x, other in zip(v.args, v.args[::-1], strict=True):
        a = 0 if v.op is piecewise.relu else known.number(other)
        if a is None or level is None:
            continue
        if side > 0:
            same = level >= a if largest else level < a
        else:
            same = level > a if largest else level <= a
        if same:
            return x
    return None


@rule(
    logic.logical_not,
    identity="not not c = c",
    gains="two nodes less",
)
def double_negation(v: Variable, known: Assumptions) -> Variable | None:
    """Drop two negations."""
    (c,) = v.args
    return c.args[0] if c.op is logic.logical_not else None


@rule(
    arithmetic.add,
    arithmetic.subtract,
    identity="max(x, b) + k = max(x + k, b + k)",
    holds="where x + k is what the condition of the bound is about",
    gains="what is narrowed is what the condition speaks of",
)
def narrowed_sum(v: Variable, known: Assumptions) -> Variable | None:
    """Narrow the sum itself."""
    assert v.op is not None  # it was found by its operator
    first, last = v.args
    for x, k in ((first, last), (last, first)):
        if x.op is not logic.narrowed:
            continue
        c, inner, bound = x.args
        same = [(inner, k), (k, inner)] if v.op is arithmetic.add else [(inner, last)]
        for h in topological([c]):
            if h.op is v.op and h.args in same and (x is first or len(same) == 2):
                return logic.narrowed(c, h, v.op(bound, k), **x.attrs)
    return None


@rule(
    logic.narrowed,
    identity="max(x, x) = x, min(x, x) = x",
    gains="one node less",
)
def narrowed_by_nothing(v: Variable, known: Assumptions) -> Variable | None:
    """Drop a bound that says nothing."""
    c, x, bound = v.args
    return x if x is bound and known.defined(c) else None


# -- slopes that only move an adjoint ------------------------------------------------


@rule(
    arithmetic.square,
    identity="argmax_onehot(x)**2 = argmax_onehot(x), and so for conditions",
    gains="a square less; what is 0 or 1 is met once",
)
def square_of_truth(v: Variable, known: Assumptions) -> Variable | None:
    """Drop the square of what is 0 or 1."""
    (x,) = v.args
    truths = (arrays.argmax_onehot, logic.is_positive, logic.is_zero)
    return x if x.op in truths else None


@rule(
    arrays.add_reduce,
    identity="sum(argmax_onehot(x)) = 1, sum(reorder(g, x)**2) = sum(g**2)",
    holds="where x is defined",
    gains="the length of an adjoint that is only moved is known",
)
def sum_of_one_row_reordered(v: Variable, known: Assumptions) -> Variable | None:
    """Sum over the last axis without looking at its order."""
    (x,) = v.args
    axes = v.attrs["axis"]
    if -1 not in axes:
        return None
    if x.op is arrays.argmax_onehot and known.defined(*x.args):
        count = math.prod(x.shape[i] for i in axes if i != -1)
        return broadcast_to(constant(count), v.shape)
    inner = x.args[0] if x.op is arithmetic.square else x
    if inner.op is not reorder or not known.defined(inner.args[1]):
        return None
    g = inner.args[0]
    return arrays.sum_over(g if inner is x else arithmetic.square(g), axes)


@rule(
    arithmetic.add,
    arithmetic.subtract,
    identity="reorder(g, x) + reorder(h, x) = reorder(g + h, x), and so for -",
    gains="one order: a difference of quantiles has the slope of one vector",
)
def reordered_together(v: Variable, known: Assumptions) -> Variable | None:
    """Add what is put into the same order before it is."""
    a, b = v.args
    if a.op is not reorder or b.op is not reorder or a.attrs != b.attrs:
        return None
    if a.args[1] is not b.args[1] or not a.shape == b.shape == a.args[1].shape:
        return None
    assert v.op is not None  # it was found by its operator
    return reordered(v.op(a.args[0], b.args[0]), a.args[1], reverse=a.attrs["reverse"])
