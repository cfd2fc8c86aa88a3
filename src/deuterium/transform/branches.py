"""What the conditions of `where` say of their branches, written into the graph.

In the branch of ``where(x > 1, a, b)`` that is taken where the condition holds, x is at
least 1: every ``x`` in ``a`` becomes ``narrowed(x > 1, x, 1)``, which is ``max(x, 1)``
and has the derivative of x there.  The function stays what it is, and whatever looks
at ``a`` alone (an enclosure, a slope) looks only at what can occur in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from deuterium.graph.constructors import apply, broadcast_to, constant
from deuterium.graph.hashcons import rebuilt, share_equal
from deuterium.graph.traverse import Graph, topological
from deuterium.graph.variable import Variable
from deuterium.ops import arithmetic, arrays, logic, piecewise
from deuterium.transform.definedness import (
    facts_of,
    is_nothing,
    is_same_node,
    total_form,
)

MOST_COPIED = 20  # times a graph's nodes: branches within branches are copied each time
FEW_COPIED = 20_000  # nodes that may be copied whatever the graph's size
MOST_WORK = 2_000_000  # nodes times choices, beyond which branches stay as they are


class Bound(NamedTuple):
    """``x`` is at least (upward) or at most ``bound`` where ``condition is holds``."""

    x: Variable
    bound: Variable
    upward: bool
    condition: Variable
    holds: bool


# -- what a condition says -----------------------------------------------------------


def consequences(
    condition: Variable, holds: bool
) -> tuple[list[Bound], dict[Variable, bool]]:
    """Return what follows from a condition that holds, or from one that does not.

    Bounds of nodes, and conditions (itself among them) with their truth.
    """
    bounds: list[Bound] = []
    truths: dict[Variable, bool] = {}
    todo = [(condition, holds)] if logic.is_condition(condition) else []
    while todo:
        c, truth = todo.pop()
        truths[c] = truth
        if c.op is arrays.broadcast:
            todo.append((c.args[0], truth))
        elif c.op is logic.logical_not:
            todo.append((c.args[0], not truth))
        elif c.op is (piecewise.minimum if truth else piecewise.maximum):
            todo += [(a, truth) for a in c.args]
        elif c.op is logic.where and truth and is_nothing(c.args[2]):
            todo += [(a, truth) for a in c.args[:2]]
        elif c.op is logic.is_positive:
            bounds += _bounds_of_sign(c, truth, truth)
        elif c.op is logic.is_zero and truth and _counts(c.args[0]):
            todo.append((c.args[0].args[0], False))
        elif c.op is logic.is_zero and truth:
            for positive in (True, False):
                bounds += _bounds_of_sign(c, positive, truth)
    # of conditions like the whole one: all choices by it can be put together
    like = {condition.shape: condition}
    return [
        b._replace(condition=like[b.x.shape], holds=holds) if b.x.shape in like else b
        for b in bounds
    ], truths


def _counts(h: Variable) -> bool:
    """Return whether a node counts how many elements of a condition hold."""
    return h.op is arrays.add_reduce and logic.is_condition(h.args[0])


def _bounds_of_sign(c: Variable, positive: bool, holds: bool) -> list[Bound]:
    """Return what follows from ``h >= 0`` or from ``h <= 0``, ``h`` being c's."""
    (h,) = c.args
    zero = broadcast_to(constant(0), h.shape)
    whole = _without_zero(Bound(h, zero, positive, c, holds))
    bound = solved(whole)
    if whole.x.op is arithmetic.subtract and not any(map(_is_fixed, whole.x.args)):
        # a difference is known better than what it is the difference of
        a, b = whole.x.args
        turned = whole._replace(x=b - a, bound=-whole.bound, upward=not whole.upward)
        return [whole, turned, bound]
    if bound.x.op is piecewise.absolute and not bound.upward:
        (x,) = bound.x.args
        return [
            solved(bound._replace(x=x)),
            solved(bound._replace(x=x, bound=-bound.bound, upward=True)),
        ]
    return [bound]


def _is_fixed(x: Variable) -> bool:
    return logic.repeated_value(x) is not None


def _without_zero(b: Bound) -> Bound:
    """Return the bound of ``x`` for that of ``x - 0``, of ``0 - x`` or of ``-x``."""
    while b.x.op in (arithmetic.subtract, arithmetic.negative):
        *first, x = b.x.args
        if first and is_nothing(x):
            b = b._replace(x=first[0])
        elif not first or is_nothing(first[0]):
            b = b._replace(x=x, bound=-b.bound, upward=not b.upward)
        else:
            break
    return b


def solved(b: Bound) -> Bound:
    """Return the bound for what is inside sums with, and multiples by, constants."""
    while (inner := _step_inward(b)) is not None:
        x, bound, upward = inner
        b = b._replace(x=x, bound=bound, upward=upward)
    return b


def _step_inward(b: Bound) -> tuple[Variable, Variable, bool] | None:
    op = b.x.op
    if op is arithmetic.negative:
        return b.x.args[0], -b.bound, not b.upward
    if op is None or len(b.x.args) != 2:
        return None
    x, y = b.x.args
    if op is arithmetic.subtract:
        if logic.repeated_value(x) is not None:  # y is at most x - bound
            return y, x - b.bound, not b.upward
        return x, b.bound + y, b.upward
    if logic.repeated_value(y) is None:
        x, y = y, x
    if logic.repeated_value(y) is None:
        return None
    if op is arithmetic.add:
        return x, b.bound - y, b.upward
    divides = op is arithmetic.divide and y is b.x.args[1]
    factor = _fixed_number(y)
    if factor and (op is arithmetic.multiply or divides):
        return x, b.bound * y if divides else b.bound / y, b.upward == (factor > 0)
    return None


def _fixed_number(v: Variable) -> Any:
    """Return the one number that a node is, but None of a parameter.

    A parameter (a named constant, an array) may get another sign later.
    """
    while v.op is arrays.broadcast:
        v = v.args[0]
    return None if v.shape or v.name or not v.is_constant else v.value


# -- branches narrowed ---------------------------------------------------------------


def has_choices(graph: Graph) -> bool:
    """Return whether a graph chooses by a condition."""
    return any(n.op is logic.where for n in graph.order)


def narrowed_branches(
    outputs: Iterable[Variable], keep: Iterable[Variable] = ()
) -> Graph:
    """Return the outputs with what conditions say written into the branches.

    Nodes in ``keep`` stay in them as they are.
    """
    graph = Graph.of(outputs)
    choices = sum(1 for n in graph.order if n.op is logic.where)
    if not choices or choices * len(graph.order) > MOST_WORK:
        return graph
    given = set(keep)
    kept = {v for v in given if v.op is not None}
    done: dict[Variable, Variable] = {}
    shared = share_equal(graph, given)
    left = max(FEW_COPIED, MOST_COPIED * len(graph.order))
    for n in shared.order:
        new = rebuilt(n, tuple(done[a] for a in n.args))
        if n.op is logic.where:
            c, a, b = new.args
            left -= len(topological([a])) + len(topological([b]))
            if left < 0:
                return graph
            a, b = (_narrow(x, c, t, kept) for x, t in ((a, True), (b, False)))
            new = rebuilt(new, (c, a, b))
        done[n] = new
    return share_equal(Graph(done[v] for v in shared), given)


def _narrow(
    branch: Variable, condition: Variable, holds: bool, kept: set[Variable]
) -> Variable:
    """Return a branch with the bounds of its condition put in, all at once."""
    order = topological([branch])
    if not kept.isdisjoint(order):
        return branch
    bounds, truths = consequences(condition, holds)
    conditions = {condition, *(b.condition for b in bounds)}
    facts = facts_of(truths)

    def meaning(n: Variable, new: Variable) -> Variable:
        if n.op is logic.narrowed and n.args[0] in conditions:
            return n  # done before
        if n in truths:
            return broadcast_to(constant(int(truths[n])), n.shape)
        if n.op is logic.narrowed and _is_repeated(new):
            return new.args[1]
        total = total_form(n, new.args, facts)
        new = new if total is None else total
        for b in bounds:
            if is_same_node(b.x, n):
                args = b.condition, new, broadcast_to(b.bound, n.shape)
                attrs = {"upward": b.upward, "holds": b.holds}
                new = apply(logic.narrowed, args, attrs)
        return new

    return replaced(branch, meaning, everywhere=condition.size == 1)


def _is_repeated(n: Variable) -> bool:
    """Return whether a narrowed node is narrowed inside by the same bound."""
    _, inner, bound = n.args
    same = inner.op is logic.narrowed and inner.attrs["upward"] == n.attrs["upward"]
    return same and is_same_node(inner.args[2], bound)


def _stays_in_place(n: Variable) -> bool:
    """Return whether each element is made of the elements in its own place."""
    return n.op is not None and (n.op.elementwise or n.op is arrays.broadcast)


def replaced(
    root: Variable,
    meaning: Callable[[Variable, Variable], Variable],
    *,
    everywhere: bool = False,
) -> Variable:
    """Return a graph in which nodes mean something else, element by element.

    ``meaning(n, rebuilt n)`` is asked where an element of the root depends on that one
    element of ``n`` alone that stands in its place (and of nodes that have only one):
    what a condition says of an element says nothing of its neighbours.  What one
    condition says of all elements is asked of nodes ``everywhere``.
    """
    order = topological([root])
    in_place = {root}
    for n in reversed(order):
        if n in in_place and _stays_in_place(n):
            in_place.update(n.args)
    own: dict[Variable, Variable] = {}  # of nodes met in place
    other: dict[Variable, Variable] = {}  # of nodes met out of place
    for n in order:
        aside = rebuilt(n, tuple(other[a] for a in n.args))
        other[n] = meaning(n, aside) if everywhere or n.size == 1 else aside
        if n not in in_place:
            continue
        elementwise = _stays_in_place(n)
        args = tuple((own if elementwise else other)[a] for a in n.args)
        own[n] = meaning(n, rebuilt(n, args))
    return own[root]
