"""Slopes of jumps, beside what vanishes where they are."""

from __future__ import annotations

import numpy as np

from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.hashcons import rebuilt
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.ops import arithmetic, piecewise
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.factors import factors
from deuterium.transform.simplify.rule_table import rule

FEW = 12  # nodes of a factor that is looked at


@rule(
    arithmetic.multiply,
    identity="f(x) * jump_slope(x) = 0 for f(0) = 0",
    holds="where f(x) is defined, and f made of continuous operators",
    gains="what vanishes where its condition changes does not jump",
)
def no_jump_at_zero(v: Variable, known: Assumptions) -> Variable | None:
    """Drop the slope of a jump that is multiplied by zero where it jumps."""
    for jump, x in (v.args, v.args[::-1]):
        if jump.op is not piecewise.jump_slope:
            continue
        if _vanishes_with(jump.args[0], x, known) and known.defined(x):
            return broadcast_to(constant(0), v.shape)
    return None


def _vanishes_with(h: Variable, v: Variable, known: Assumptions) -> bool:
    """Return whether a product has a factor that is certainly 0 where ``h`` is."""
    while h.op is arithmetic.negative:
        (h,) = h.args
    for factor, e in factors(v, known).powers.items():
        if e > 0 and (factor is h or _is_zero_with(h, factor, known)):
            return True
    return False


_CONTINUOUS = frozenset(
    {
        arithmetic.add, arithmetic.subtract, arithmetic.multiply, arithmetic.divide,
        arithmetic.negative, arithmetic.square, piecewise.absolute, piecewise.maximum,
        piecewise.minimum, piecewise.relu,
    }
)  # fmt: skip


def _is_continuous(n: Variable) -> bool:
    """Return whether an elementwise node has no jumps where it is defined."""
    op = n.op
    if op is None or op in _CONTINUOUS:
        return op is not None
    rises = op.strictly and op.increasing is not None
    return op.elementwise and len(n.args) == 1 and rises and not op.kinks


def _is_zero_with(h: Variable, v: Variable, known: Assumptions) -> bool:
    """Return whether each element is 0 where that of ``h`` in its place is."""
    order = topological([v])
    if len(order) > FEW or h not in order or v.shape != h.shape:
        return False
    new: dict[Variable, Variable] = {h: broadcast_to(constant(0), h.shape)}
    for n in order:
        if n is not h:
            new[n] = rebuilt(n, tuple(new[a] for a in n.args))
        if new[n] is not n and n is not h and not _is_continuous(n):
            return False  # a jump beside 0; moved or summed, h would be elsewhere
    there = known.range(new[v])
    return bool(np.all(there.lower == 0) and np.all(there.upper == 0))
