"""The logarithm of an objective, spread over its factors.

``ln(a b) = ln a + ln b`` turns a product of never negative factors into a sum, whose
parts can be bounded one by one; of ``expit(t)`` it leaves ``log_expit(t)``, which is
concave.  A factor that may be zero is harmless: its logarithm is minus infinity there,
and only upper bounds are sought.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deuterium import ops
from deuterium.domain.problem import Problem
from deuterium.domain.spaces import Box
from deuterium.enclose.enclose import enclose
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.ops.shapes import reshape_to

SPLITS = {
    ops.multiply,
    ops.divide,
    ops.sqrt,
    ops.expit,
    ops.ndtr,
    ops.exp,
    ops.square,
    ops.reciprocal,
}

Part = tuple[float, Variable]  # a factor and a graph: their products are summed


def log_form(problem: Problem) -> Variable | None:
    """Return ``ln F`` as a graph, or None where F is not a product or a root.

    Notes
    -----
    The graph is ``sum(k * g)`` over parts found by taking factors off from the outside
    in: of a product both factors, of a quotient, a power (square, sqrt, reciprocal) or
    a reshaped scalar its arguments, with k multiplied by -1, 2, 1/2 along the way; the
    logarithms of ``expit(t)``, ``ndtr(t)``, ``exp(t)`` are ``log_expit(t)``,
    ``log_ndtr(t)``, t, and of all else it is ``log`` of it.
    """
    objective = problem.objective
    root = _inside(objective)
    if root.op not in SPLITS:
        return None
    parts = _parts(objective, _Signs(problem))
    if parts is None:
        return None
    total: Variable | None = None
    for k, g in parts:
        term = g if k == 1 else k * g
        total = term if total is None else total + term
    return total


class _Signs:
    """Knows which graphs are never negative over the domain."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    def nonnegative(self, v: Variable) -> bool:
        if v.op is not None and v.op.nonnegative:
            return True
        return self._lower(v) >= 0

    def positive(self, v: Variable) -> bool:
        return self._lower(v) > 0

    def _lower(self, v: Variable) -> float:
        box = self.problem.boxes(self.problem.lower, self.problem.upper)
        known = {s.name for s in free_symbols([v])}
        ends = {n: (e[0], e[1]) for n, e in box.items() if n in known}
        return float(np.min(enclose(v, Box(ends)).lower))


def _inside(v: Variable) -> Variable:
    """Return the scalar beneath reshapes."""
    while v.op is ops.reshape and v.args[0].size == 1:
        v = v.args[0]
    return v


def _scalar(v: Variable) -> Variable:
    return reshape_to(v, ())


def _parts(objective: Variable, signs: _Signs) -> list[Part] | None:
    """Return the parts of the logarithm; None if a factor may be negative."""
    parts: list[Part] = []
    stack: list[Part] = [(1.0, objective)]
    while stack:
        k, v = stack.pop()
        v = _inside(v)
        op = v.op
        if op is ops.multiply and all(signs.nonnegative(a) for a in v.args):
            stack += [(k, a) for a in v.args[::-1]]
        elif op is ops.divide and _is_quotient(v, signs):
            stack += [(-k, v.args[1]), (k, v.args[0])]
        elif op is ops.sqrt:
            stack.append((0.5 * k, v.args[0]))
        elif op is ops.square and signs.nonnegative(v.args[0]):
            stack.append((2.0 * k, v.args[0]))
        elif op is ops.reciprocal and signs.positive(v.args[0]):
            stack.append((-k, v.args[0]))
        elif op in _ATOMS:
            parts.append((k, _ATOMS[op](_scalar(v.args[0]))))
        elif signs.nonnegative(v):
            parts.append((k, ops.log(_scalar(v))))
        else:
            return None
    return parts


def _is_quotient(v: Variable, signs: _Signs) -> bool:
    return signs.nonnegative(v.args[0]) and signs.positive(v.args[1])


_ATOMS: dict[Operator, Callable[[Variable], Variable]] = {
    ops.expit: ops.log_expit,
    ops.ndtr: ops.log_ndtr,
    ops.exp: lambda t: t,
}
