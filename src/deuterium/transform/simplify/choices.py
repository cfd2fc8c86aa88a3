"""Terms that choose by the signs of numbers, and what they are where one is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from deuterium.graph.constructors import as_variable, broadcast_to, constant
from deuterium.graph.variable import Variable
from deuterium.ops import arithmetic, logic, piecewise
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.half_lines import half_line, of_size

MOST_LOOKED_AT = 600  # nodes of a sum, at each of its additions
MOST_OF_ONE = 64  # choices that one number decides: nodes grow as its square


def decides(c: Variable) -> Variable:
    """Return what a condition depends on: conditions of one number are one."""
    return c.args[0] if c.op is logic.is_positive else c


_FACTORS = (arithmetic.multiply, arithmetic.negative, logic.logical_not)
_SUMS = (arithmetic.add, arithmetic.subtract)
_SIGNS = (piecewise.sign, piecewise.absolute_slope)
_TRUTHS = (logic.is_positive, piecewise.step)  # 1 or 0 by the sign of a number


def _parts(v: Variable, *, sums: bool) -> tuple[Variable, ...]:
    """Return the factors of a term, and if asked the terms of a sum, to look into."""
    if v.op in _FACTORS or (sums and v.op in _SUMS):
        return v.args
    return ()


def chooses(v: Variable, known: Assumptions) -> bool:
    """Return whether a sum has a term that chooses."""
    memo: dict[Variable, bool] = known.choosing
    stack = [v]
    while stack:
        x = stack.pop()
        if x in memo:
            continue
        inner = _parts(x, sums=True)
        if not all(a in memo for a in inner):
            stack += [x, *inner]
        elif inner:
            memo[x] = any(memo[a] for a in inner)
        else:
            memo[x] = x.op is logic.where or x.op in _TRUTHS or x.op in _SIGNS
    return memo[v]


def decided_by(v: Variable, *, sums: bool = False) -> dict[Variable, Variable]:
    """Return what the choices in a term depend on, with their conditions.

    Those among its factors, and those within their branches, outer ones first; where
    ``sums`` are looked into, those among their terms, too.
    """
    found: dict[Variable, Variable] = {}
    todo, seen = [v], {v}
    for x in todo:
        inner: tuple[Variable, ...] = ()
        if x.op is logic.where:
            found.setdefault(decides(x.args[0]), x.args[0])
            inner = x.args[1:]
        elif x.op in _TRUTHS or x.op in _SIGNS:
            found.setdefault(x.args[0], logic.is_positive(x.args[0]))
        else:
            inner = _parts(x, sums=sums)
        hides = sums and x.op is arithmetic.divide and decided_by(x.args[0])
        if hides or (sums and len(todo) > MOST_LOOKED_AT):
            return {}  # what a quotient chooses is known when it is a term
        todo += [a for a in inner if a not in seen]
        seen.update(inner)
    return found


class Given(NamedTuple):
    """That ``h > 0``, or that it is not; ``sums`` are looked into."""

    h: Variable
    holds: bool
    known: Assumptions
    sums: bool = False

    def truth(self, g: Variable) -> bool | None:
        """Return whether ``g > 0`` then, if that follows."""
        if g is self.h:
            return self.holds
        if g.shape != self.h.shape:
            return None
        mine, other = half_line(self.h, self.known), half_line(g, self.known)
        if mine is None or other is None:
            return None
        return mine.decides(self.holds, other, self.known.dense)


def under(v: Variable, given: Given) -> Variable:
    """Return a term where a condition holds, or where it does not."""
    if v.op is logic.where:
        truth = given.truth(decides(v.args[0]))
        if truth is not None:
            return under(v.args[1 if truth else 2], given)
        args = (v.args[0], *(under(a, given) for a in v.args[1:]))
    elif v.op in _TRUTHS:
        truth = given.truth(v.args[0])
        return v if truth is None else broadcast_to(constant(int(truth)), v.shape)
    elif v.op in _SIGNS:
        h = v.args[0]
        truth = given.truth(h)
        if truth is None:
            return v
        less = None if truth else given.truth(-h)
        side = logic.where(logic.is_positive(-h), -1, 0) if less is None else -int(less)
        return broadcast_to(constant(1) if truth else as_variable(side), v.shape)
    elif v.op in (*_FACTORS, arithmetic.divide, *(_SUMS if given.sums else ())):
        args = tuple(under(a, given) for a in v.args)
    else:
        return v
    assert v.op is not None  # it is one of those above
    changed = any(a is not b for a, b in zip(args, v.args, strict=True))
    return v.op(*args) if changed else v


def in_half_lines(v: Variable, known: Assumptions) -> Variable:
    """Return a term whose conditions on ``|u|`` are on u."""
    if v.op in _TRUTHS:
        return in_half_lines(logic.where(logic.is_positive(v.args[0]), 1, 0), known)
    if v.op in (*_FACTORS, *_SUMS):
        return v.op(*(in_half_lines(a, known) for a in v.args))
    if v.op is not logic.where:
        return v
    c, a, b = v.args[0], *(in_half_lines(x, known) for x in v.args[1:])
    found = of_size(decides(c), known)
    if found is None:
        return logic.where(c, a, b)
    either, (first, last) = found
    inner = logic.where(logic.is_positive(last), a, b)
    outer = (a, inner) if either else (inner, b)
    return logic.where(logic.is_positive(first), *outer)


def are_of_one_number(decisive: Iterable[Variable], known: Assumptions) -> bool:
    """Return whether conditions divide one line: sums stay as many as the pieces."""
    decisive = list(decisive)
    if len(decisive) > MOST_OF_ONE or len({h.shape for h in decisive}) > 1:
        return False
    numbers = {line.x if (line := half_line(h, known)) else None for h in decisive}
    sizes = [x for x in numbers if x is not None and x.op is piecewise.absolute]
    for x in sizes:
        inner = half_line(x.args[0], known)
        numbers = numbers - {x} | {inner.x if inner else None}
    return None not in numbers and len(numbers) == 1
