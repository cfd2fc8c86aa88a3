"""Whether the branches of `where` meet where its condition changes.

That is decided by putting the bound in for the node that the condition bounds, in both
branches, and simplifying exactly.  A number is the double it is, so branches that are
written to meet, such as ``0.1 * x`` and ``0.02 + 0.3 * (x - 0.2)``, may miss each other
by the rounding of their constants: by how much is certified, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import numpy as np

from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.hashcons import rebuilt, share_equal
from deuterium.graph.hooks import provides
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.ops import arrays, logic, piecewise
from deuterium.ops.on_domain import FUNCTIONS, on_domain
from deuterium.transform.branches import Bound, replaced, solved
from deuterium.transform.definedness import is_same_node
from deuterium.transform.expansion.expand import Expansion, TooLong
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.simplify import simplify

MOST = 2_000  # nodes of branches that are looked at
ROUNDING = 2.0**-47  # 32 units in the last place of the largest number met

_FORGIVES: ContextVar[bool] = ContextVar("FORGIVES", default=False)


@contextmanager
def rounding_forgiven() -> Iterator[None]:
    """Let branches that miss each other by rounding count as meeting."""
    token = _FORGIVES.set(True)
    try:
        yield
    finally:
        _FORGIVES.reset(token)


@provides("branches_meet")
def branches_meet(choice: Variable) -> bool:
    """Return whether it is certain that a choice has no jump at its condition.

    At every boundary of the condition both branches must have a value, and the same:
    `simplify` drops nothing undefined and folds nothing that is not exact.
    """
    condition, a, b = choice.args
    if not logic.is_condition(condition) or len(topological([a, b])) > MOST:
        return False
    gaps = [_gap_at(a - b, at) for at in _boundaries(condition)]
    return all(
        gap is not None and (_is_zero(gap) or (_FORGIVES.get() and _rounds(gap)))
        for gap in gaps
    )


class RoundingJump(NamedTuple):
    """A choice whose branches miss each other by rounding, and by how much at most."""

    choice: Variable
    size: float


def rounding_jumps(outputs: Variable | Iterable[Variable]) -> list[RoundingJump]:
    """Return the jumps of choices that are no larger than rounding.

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> x = dt.symbol("x")
    >>> dt.rounding_jumps([np.where(x > 1, x, 2 * x - 1)])
    []
    """
    found = []
    for n in topological([outputs] if isinstance(outputs, Variable) else outputs):
        if n.op is logic.where and not branches_meet(n):
            with rounding_forgiven():
                if not branches_meet(n):
                    continue
            condition, a, b = n.args
            gaps = [_gap_at(a - b, at) for at in _boundaries(condition)]
            sizes = [_range(gap)[0] for gap in gaps if gap is not None]
            found.append(RoundingJump(n, max(sizes, default=0.0)))
    return found


def met(v: Variable, share: Variable) -> tuple[Variable, Variable]:
    """Return a number whose choices meet, and what leads to it from ``v``.

    Of every choice with a jump by rounding, one branch is moved by the gap, in the
    second graph by a share of it: that is ``v`` at 0, and the first graph at 1.  What
    cannot be made to meet so keeps its jump.
    """
    done: dict[Variable, tuple[Variable, Variable]] = {}
    for n in topological([v]):
        whole, part = (rebuilt(n, tuple(done[a][i] for a in n.args)) for i in (0, 1))
        if n.op is logic.where and not branches_meet(whole):
            gap = _filling(whole)
            if gap is not None:
                (c, a, b), (h, p, q) = whole.args, part.args
                whole = logic.where(c, a - gap, b)
                part = logic.where(h, p - share * gap, q)
        done[n] = whole, part
    return done[v]


def _filling(choice: Variable) -> Variable | None:
    """Return the jump by rounding of a choice, if it is the same at all boundaries."""
    with rounding_forgiven():
        if not branches_meet(choice):
            return None
    condition, a, b = choice.args
    found = [_gap_at(a - b, at) for at in _boundaries(condition)]
    first, *others = share_equal([simplify(gap) for gap in found if gap is not None])
    return first if all(g is first or _is_zero(g - first) for g in others) else None


def _is_zero(gap: Variable) -> bool:
    simple = simplify(gap)
    value = logic.repeated_value(simple)
    if value is not None or free_symbols([simple]):
        return value is not None and not np.any(value)
    if not Assumptions().defined(simple):  # what cancels below may not be defined
        return False
    try:
        (elements,) = Expansion().of([simple])
    except TooLong:
        return False
    return not any(p.terms for p in elements)


def _rounds(gap: Variable) -> bool:
    """Return whether a difference is a number no larger than rounding makes it."""
    size, largest = _range(gap)
    return size <= ROUNDING * largest


def _range(gap: Variable) -> tuple[float, float]:
    """Return bounds of the size of a number, and of all that it is made of."""
    simple = simplify(gap)
    if free_symbols([simple]):
        return np.inf, 0.0
    known = Assumptions()
    size = _size(known.range(simple))
    nodes = [n for n in topological([gap]) if not free_symbols([n])]
    return size, max((_size(known.range(n)) for n in nodes), default=0.0)


def _size(x: Interval) -> float:
    return float(np.max(np.maximum(np.abs(x.lower), np.abs(x.upper)), initial=0.0))


def _boundaries(condition: Variable) -> Iterator[Bound | None]:
    """Yield where a condition may change, as equations for one node each."""
    todo, seen = [condition], {condition}
    while todo:
        c = todo.pop()
        if c.op is logic.is_positive:
            yield from _zeros_of(c)
        elif c.op in _JOINS:
            todo += [a for a in c.args if a not in seen]
            seen.update(c.args)
        elif not c.is_constant:
            yield None


_JOINS = {logic.logical_not, piecewise.minimum, piecewise.maximum, arrays.broadcast}


def _zeros_of(c: Variable) -> list[Bound]:
    (h,) = c.args
    found = solved(Bound(h, broadcast_to(constant(0), h.shape), True, c, True))
    if found.x.op is piecewise.absolute:
        inner = found._replace(x=found.x.args[0])
        return [solved(inner._replace(bound=e)) for e in (found.bound, -found.bound)]
    return [found]


def _gap_at(gap: Variable, at: Bound | None) -> Variable | None:
    """Return the difference of two branches at a boundary, if that is one equation."""
    if at is None:
        return None
    gap, x = share_equal([gap, at.x])
    bound = broadcast_to(at.bound, x.shape)

    def meaning(n: Variable, new: Variable) -> Variable:
        if n.op is on_domain:  # at the boundary nothing keeps it off its pole
            return FUNCTIONS[n.attrs["of"]].op(new.args[0])
        inside = n.op is logic.narrowed and new.args[1] is bound
        return bound if inside or is_same_node(n, x) else new

    return replaced(gap, meaning)
