"""From any graph to one that is cheap to run: the last steps before code.

After the rewriting over the reals (arrays for many scalars, simpler forms), three steps
that change nothing but rounding: parts that depend on no input are computed once,
derivatives of one-variable operators are spelled out so that they share work with the
function itself, and equal subexpressions become one node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.budget import check
from deuterium.errors import UnsupportedError
from deuterium.graph.constructors import apply, broadcast_to, constant
from deuterium.graph.hashcons import share_equal
from deuterium.graph.interpret import interpret, pick
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import Graph, topological
from deuterium.graph.variable import Variable
from deuterium.transform.pipeline import prepared

DEEPEST = 32  # formulas within formulas


def lower(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> Graph:
    """Return outputs that compute the same from the same inputs, ready for code."""
    simple = prepared(outputs, [v for v in inputs if v.is_constant])
    spelled = share_equal(spell_out(simple), inputs)
    return share_equal(fold_constants(inputs, spelled), inputs)


def spell_out(outputs: Sequence[Variable]) -> Graph:
    """Replace slopes (``expit'`` and the like) by their formulas.

    A formula may name other slopes, and what has no code of its own, so this goes on
    until nothing is left to replace.

    Raises
    ------
    UnsupportedError
        The formulas of some operators name each other.
    """

    def rule(op: Operator) -> Any:
        if op is ops.entr:
            return _entropy
        return op.spelled_out or (lambda *args, **attrs: apply(op, args, attrs))

    graph = Graph.of(outputs)
    for _ in range(DEEPEST):
        kept = _untouched(graph.order, _is_spelled_out)
        if len(kept) == len(graph.order):
            return graph
        graph = Graph(pick(interpret(graph.order, lambda v: v, rule, kept), graph))
    names = sorted({n.op.name for n in graph.order if n.op and _is_spelled_out(n)})
    raise UnsupportedError(
        f"compile: operators cannot be spelled out, since the formulas of {names} "
        "name each other; give one of them `code` of its own"
    )


def _is_spelled_out(n: Variable) -> bool:
    if n.op is ops.entr:
        return _above_one(n.args[0]) is not None
    return n.op is not None and n.op.spelled_out is not None


def _entropy(x: Variable) -> Variable:
    """Return ``entr(x)``, of ``1 + w`` with what ``1 + w`` rounds away of a small w."""
    w = _above_one(x)
    return ops.entr(x) if w is None else -ops.xlog1py(x, w)


def _above_one(x: Variable) -> Variable | None:
    """Return the w of ``1 + w``, or None."""
    if x.op is ops.add:
        for one, w in (x.args, x.args[::-1]):
            number = one.args[0] if one.op is ops.broadcast else one
            if number.is_constant and np.all(np.asarray(number.value) == 1):
                return w
    return None


def _untouched(order: Sequence[Variable], changes: Any) -> dict[Variable, Variable]:
    """Return the nodes below which nothing changes; they stay themselves."""
    same: dict[Variable, Variable] = {}
    for n in order:
        if not changes(n) and all(a in same for a in n.args):
            same[n] = n
    return same


def fold_constants(
    inputs: Sequence[Variable], outputs: Sequence[Variable]
) -> Sequence[Variable]:
    """Replace what depends on no input by its value."""
    order = topological(outputs)
    given = {v for v in inputs if v.is_constant}
    fixed: dict[Variable, Any] = {}
    for n in order:
        check()
        if not n.is_symbol and n not in given and all(a in fixed for a in n.args):
            value = _value(n, fixed)
            if not np.isnan(value).any():  # undefined, which no constant can be
                fixed[n] = value
    used = {a for n in order if n not in fixed for a in n.args} | set(outputs)
    folded = {n: _folded(n, fixed) for n in fixed if n in used}
    if all(new is n for n, new in folded.items()):
        return outputs
    return pick(interpret(order, lambda v: v, _again, folded), outputs)


def _folded(n: Variable, fixed: Mapping[Variable, Any]) -> Variable:
    """Return a constant; a repeated number stays a number, which code can inline."""
    if n.op is None:
        return n
    if n.op is ops.broadcast and n.args[0].shape == ():
        return broadcast_to(constant(float(fixed[n.args[0]])), n.shape)
    return constant(fixed[n])


def _again(op: Operator) -> Any:
    return lambda *args, **attrs: apply(op, args, attrs)


def _value(n: Variable, fixed: Mapping[Variable, Any]) -> Any:
    if n.op is None:
        return float(n.value) if n.shape == () else n.value
    with np.errstate(all="ignore"):
        return n.op.value(*[fixed[a] for a in n.args], **n.attrs)
