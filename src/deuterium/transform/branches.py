"""What the conditions of `where` say of their branches, written into the graph.

In the branch of ``where(x > 1, a, b)`` that is taken where the condition holds, x is at
least 1: every ``x`` in ``a`` becomes ``narrowed(x > 1, x, 1)``, which is ``max(x, 1)``
and has the derivative of x there.  The function stays what it is, and whatever looks
at ``a`` alone (an enclosure, a slope) looks only at what can occur in it.

A choice whose branches are equal where its condition changes has no jump: that is
decided by putting the bound in for x in both branches and simplifying exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from deuterium.graph.constructors import apply, broadcast_to, constant
from deuterium.graph.hashcons import rebuilt, share
from deuterium.graph.hooks import provides
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.ops import arithmetic, arrays, logic, piecewise
from deuterium.transform.simplify.simplify import simplify

MOST_WORK = 2_000_000  # nodes times choices, beyond which branches stay as they are
MOST = 2_000  # nodes of branches that are looked at for whether they meet


class Bound(NamedTuple):
    """``x`` is at least (upward) or at most ``bound`` wherever a condition holds."""

    x: Variable
    bound: Variable
    upward: bool


# -- what a condition says -----------------------------------------------------------


def consequences(
    condition: Variable, holds: bool
) -> tuple[list[Bound], dict[Variable, Variable]]:
    """Return what follows from a condition that holds, or from one that does not.

    Bounds of nodes, and conditions (itself among them) with the number that each is.
    """
    bounds: list[Bound] = []
    truths: dict[Variable, Variable] = {}
    todo = [(condition, holds)]
    while todo:
        c, truth = todo.pop()
        truths[c] = broadcast_to(constant(int(truth)), c.shape)
        if c.op is arithmetic.subtract and _is_one(c.args[0]):
            todo.append((c.args[1], not truth))
        elif c.op is (piecewise.minimum if truth else piecewise.maximum):
            todo += [(a, truth) for a in c.args]
        elif c.op is logic.is_positive:
            bounds += _bounds_of_sign(c.args[0], truth)
        elif c.op is logic.is_zero and truth:
            for positive in (True, False):
                bounds += _bounds_of_sign(c.args[0], positive)
    return bounds, truths


def _is_one(v: Variable) -> bool:
    while v.op is arrays.broadcast:
        v = v.args[0]
    return v.is_constant and bool(np.all(v.value == 1))


def _number(v: Variable) -> Any:
    """Return the value of a constant, of a repeated one too; else None."""
    while v.op is arrays.broadcast:
        v = v.args[0]
    return v.value if v.is_constant else None


def _bounds_of_sign(h: Variable, positive: bool) -> list[Bound]:
    """Return what follows from ``h >= 0`` or from ``h <= 0``."""
    zero = broadcast_to(constant(0), h.shape)
    bound = _solved(Bound(h, zero, positive))
    if bound.x.op is piecewise.absolute and not bound.upward:
        (x,) = bound.x.args
        return [
            _solved(Bound(x, bound.bound, False)),
            _solved(Bound(x, -bound.bound, True)),
        ]
    return [bound]


def _solved(b: Bound) -> Bound:
    """Return the bound for what is inside sums with, and multiples by, constants."""
    while (inner := _step_inward(b)) is not None:
        b = inner
    return b


def _step_inward(b: Bound) -> Bound | None:
    op = b.x.op
    if op is arithmetic.negative:
        return Bound(b.x.args[0], -b.bound, not b.upward)
    if op is None or len(b.x.args) != 2:
        return None
    x, y = b.x.args
    if op is arithmetic.subtract:
        if _number(x) is not None:  # y is at most x - bound
            return Bound(y, x - b.bound, not b.upward)
        return Bound(x, b.bound + y, b.upward)
    if _number(y) is None:
        x, y = y, x
    factor = _number(y)
    if factor is None:
        return None
    if op is arithmetic.add:
        return Bound(x, b.bound - y, b.upward)
    divides = op is arithmetic.divide and y is b.x.args[1]
    if op is arithmetic.multiply or divides:
        signs = np.sign(factor)
        if not np.all(signs) or np.ptp(signs):
            return None
        scaled = b.bound * y if divides else b.bound / y
        return Bound(x, scaled, b.upward == bool(np.all(signs > 0)))
    return None


# -- branches narrowed ---------------------------------------------------------------


def has_choices(*outputs: Variable) -> bool:
    """Return whether a graph chooses by a condition."""
    return any(n.op is logic.where for n in topological(outputs))


def narrowed_branches(
    outputs: Sequence[Variable], keep: Iterable[Variable] = ()
) -> list[Variable]:
    """Return the outputs with what conditions say written into the branches.

    Nodes in ``keep`` stay in them as they are.
    """
    order = topological(outputs)
    choices = sum(1 for n in order if n.op is logic.where)
    if not choices or choices * len(order) > MOST_WORK:
        return list(outputs)
    given = set(keep)
    kept = {v for v in given if v.op is not None}
    done: dict[Variable, Variable] = {}
    shared = share(outputs, given)
    for n in topological(shared):
        new = rebuilt(n, tuple(done[a] for a in n.args))
        if n.op is logic.where:
            c, a, b = new.args
            a, b = (_narrow(x, c, t, kept) for x, t in ((a, True), (b, False)))
            new = rebuilt(new, (c, a, b))
        done[n] = new
    return share([done[v] for v in shared], given)


def _narrow(
    branch: Variable, condition: Variable, holds: bool, kept: set[Variable]
) -> Variable:
    """Return a branch with the bounds of its condition put in, all at once."""
    order = topological([branch])
    if not kept.isdisjoint(order):
        return branch
    bounds, truths = consequences(condition, holds)
    meaning: dict[Variable, Variable] = {}
    for n in order:
        if n.op is logic.narrowed and n.args[0] is condition:
            meaning[n] = n  # done before
            continue
        if n in truths:
            meaning[n] = truths[n]
            continue
        new = rebuilt(n, tuple(meaning[a] for a in n.args))
        for b in bounds:
            if _is_same(b.x, n):
                args = condition, new, broadcast_to(b.bound, n.shape)
                attrs = {"upward": b.upward, "holds": holds}
                new = apply(logic.narrowed, args, attrs)
        meaning[n] = new
    return meaning[branch]


def _is_same(a: Variable, b: Variable) -> bool:
    return a is b or (a.is_symbol and b.is_symbol and a.name == b.name)


# -- whether branches meet -----------------------------------------------------------


@provides("branches_meet")
def branches_meet(choice: Variable) -> bool:
    """Return whether it is certain that a choice has no jump at its condition."""
    condition, a, b = choice.args
    if len(topological([a, b])) > MOST:
        return False
    return all(_vanishes(a - b, at) for at in _boundaries(condition))


def _boundaries(condition: Variable) -> Iterator[Bound | None]:
    """Yield where a condition may change, as equations for one node each."""
    todo, seen = [condition], {condition}
    while todo:
        c = todo.pop()
        if c.op is logic.is_positive:
            yield from _zeros_of(c.args[0])
        elif c.op is not None and c.op not in _JOINS:
            yield None
        else:
            todo += [a for a in c.args if a not in seen]
            seen.update(c.args)


_JOINS = {
    arithmetic.subtract, piecewise.minimum, piecewise.maximum, arrays.broadcast,
    arrays.reshape,
}  # fmt: skip


def _zeros_of(h: Variable) -> list[Bound]:
    found = _solved(Bound(h, broadcast_to(constant(0), h.shape), True))
    if found.x.op is piecewise.absolute:
        (x,) = found.x.args
        return [_solved(Bound(x, e, True)) for e in (found.bound, -found.bound)]
    return [found]


def _vanishes(gap: Variable, at: Bound | None) -> bool:
    """Return whether the difference of two branches is exactly 0 at a boundary."""
    if at is None:
        return False
    bound = broadcast_to(at.bound, at.x.shape)
    meaning: dict[Variable, Variable] = {}
    (gap,) = share([gap, at.x])[:1]
    for n in topological([gap]):
        inside = n.op is logic.narrowed and meaning[n.args[1]] is bound
        if _is_same(n, at.x) or inside:
            meaning[n] = bound
        else:
            meaning[n] = rebuilt(n, tuple(meaning[a] for a in n.args))
    rest = simplify(meaning[gap])
    value = _number(rest)
    return value is not None and not np.any(value)
