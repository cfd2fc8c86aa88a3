"""Quotients whose hole is filled by hand, as ``where(a == b, f, g)``."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from deuterium import ops
from deuterium.graph.constructors import constant
from deuterium.graph.hashcons import rebuilt, structural_key
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.ops import logic
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.rule_table import rule
from deuterium.transform.simplify.written_out import written_out


@rule(
    logic.where,
    identity="where(a == b, f, g) = g, if g has a value where a = b, and that is f",
    holds="where g is defined",
    gains="no choice: quotients whose hole is filled by hand have a slope there",
    names=True,
)
def guarded_quotient(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise a quotient whose hole is filled by hand."""
    c, filling, quotient = v.args
    if c.op is logic.logical_not:
        c, filling, quotient = c.args[0], quotient, filling
    if c.op is not logic.is_zero or v.shape:
        return None
    (h,) = c.args
    a, b = h.args if h.op is ops.subtract else (h, constant(0))
    if not a.is_symbol:
        a, b = b, a
    if not a.is_symbol or not known.defined(quotient):
        return None
    filling, there = _with((filling, quotient), a, b, known)
    return quotient if written_out([(filling, 1), (there, -1)], known) == {} else None


def _with(
    outputs: tuple[Variable, ...], a: Variable, b: Variable, known: Assumptions
) -> list[Variable]:
    """Return graphs with ``b`` for ``a``, smooth quotients of equals being slopes."""
    new: dict[Variable, Variable] = {a: b}
    made: dict[Any, Variable] = {}  # equal nodes once
    for n in topological([b, *outputs]):
        if n is a:
            continue
        args = tuple(new[x] for x in n.args)
        slope = None if n.op is None else _SLOPES.get(n.op)
        if slope is None or written_out(zip(args, (1, -1), strict=False), known) != {}:
            found = rebuilt(n, args)
        else:
            found = slope(_plain(args[0], known))
        new[n] = made.setdefault(structural_key(found, found.args), found)
    return [new[v] for v in outputs]


_SLOPES: dict[Operator, Callable[[Variable], Variable]] = {
    ops.exp_difference: lambda u: constant(1) if _is_zero(u) else ops.exp(u),
    ops.log_difference: lambda u: 1 / u,
    ops.sinc: lambda u: constant(1),
}


def _plain(v: Variable, known: Assumptions) -> Variable:
    """Return a node, or the whole number that it is."""
    written = written_out([(v, 1)], known)
    if written is None or not written.keys() <= {frozenset()}:
        return v
    number = written.get(frozenset(), Fraction(0))
    return constant(int(number)) if number.denominator == 1 else v


def _is_zero(v: Variable) -> bool:
    return v.is_constant and not v.shape and v.value == 0
