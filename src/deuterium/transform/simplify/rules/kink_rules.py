"""Sums of choices that one number makes: slopes of kinks that meet, and their like."""

from __future__ import annotations

from deuterium.graph.constructors import constant
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.ops import arithmetic, arrays, logic
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.choices import (
    MOST_OF_ONE,
    Given,
    are_of_one_number,
    chooses,
    decided_by,
    in_half_lines,
    under,
)
from deuterium.transform.simplify.half_lines import half_line
from deuterium.transform.simplify.rule_table import rule

MOST = 12  # choices in a sum that is taken into the branches of one of them
FEW = 24  # nodes of an array of choices that is taken apart


@rule(
    arithmetic.add,
    arithmetic.subtract,
    identity="where(c, a, b) + where(c, p, q) = where(c, a + p, b + q)",
    gains="a condition met once: slopes of the branches of one kink stay together",
)
def choices_together(v: Variable, known: Assumptions) -> Variable | None:
    """Add two choices by one condition branch by branch."""
    assert v.op is not None  # it was found by its operator
    first, last = v.args
    if not chooses(first, known) or not chooses(last, known):
        return None
    joined = _joined(v, first, last, known)
    if joined is None and first.op is arithmetic.add:  # behind another term
        rest, term = first.args
        joined = _joined(v, term, last, known)
        joined = None if joined is None else rest + joined
    return _of_one_number(v, known) if joined is None else joined


def _of_one_number(v: Variable, known: Assumptions) -> Variable | None:
    """Divide the line once for both parts of a sum."""
    parts = [decided_by(x, sums=True) for x in v.args]
    if not all(parts) or not are_of_one_number({h for p in parts for h in p}, known):
        return None
    total = in_half_lines(v, known)
    for h, c in decided_by(total, sums=True).items():
        if known.defined(c):
            sides = (Given(h, t, known, sums=True) for t in (True, False))
            return logic.where(c, *(under(total, side) for side in sides))
    return None


def _joined(
    v: Variable, first: Variable, last: Variable, known: Assumptions
) -> Variable | None:
    assert v.op is not None
    conditions, others = decided_by(first), decided_by(last)
    if not conditions or not others or len(conditions) + len(others) > MOST:
        return None
    for h, c in conditions.items():
        if h in others and known.defined(c):
            given = (Given(h, t, known) for t in (True, False))
            a, b = (v.op(under(first, g), under(last, g)) for g in given)
            return logic.where(c, a, b)
    return None


@rule(
    arrays.add_reduce,
    identity="sum(where(x > a, b, c)) = where(x > a[0], b[0], c[0]) + ...",
    holds="where conditions of several elements change at one number",
    gains="slopes of kinks that meet stay together, in arrays as well",
)
def choices_apart(v: Variable, known: Assumptions) -> Variable | None:
    """Write out the sum of an array whose elements choose by one number."""
    (x,) = v.args
    if v.shape or x.size > MOST_OF_ONE or not decided_by(x):
        return None
    elements = _elements(topological([x]), x.size, known)
    if elements is None:
        return None
    choices = [in_half_lines(e, known) for e in elements]
    decisive = {h for e in choices for h in decided_by(e)}
    if not are_of_one_number(decisive, known):
        return None
    ends = [line.end for h in decisive if (line := half_line(h, known))]
    if len(set(ends)) == len(ends):
        return None
    total, *more = choices
    for e in more:
        total = total + e
    return total


def _elements(
    order: list[Variable], size: int, known: Assumptions
) -> list[Variable] | None:
    """Return the elements of an array made of numbers and constants, one by one."""
    if len(order) > FEW:
        return None
    done: dict[Variable, list[Variable]] = {}
    for n in order:
        if n.size == 1:
            done[n] = [arrays.reshape_to(n, ())] * size
        elif n.size != size:
            return None
        elif n.is_constant and n not in known.inputs:
            done[n] = [constant(e) for e in n.value.ravel().tolist()]
        elif n.op is arrays.broadcast and n.args[0].size in (1, size):
            done[n] = done[n.args[0]]
        elif n.op is not None and n.op.elementwise:
            rows = zip(*(done[a] for a in n.args), strict=True)
            done[n] = [n.op(*row, **n.attrs) for row in rows]
        else:
            return None
    return done[order[-1]]
