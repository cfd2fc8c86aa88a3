"""The logarithm of an objective that is a product, spread over its factors.

From the outside in: of a product both factors are taken, of a quotient, root, square or
reciprocal the argument, with a power k along the way.  What is left is ``log`` of it,
or ``log_expit(t)`` of ``expit(t)``, ``log_ndtr(t)`` of ``ndtr(t)``, t of ``exp(t)``.
Every factor is proved not negative; where one is zero, so is the objective.
"""

from __future__ import annotations

from collections.abc import Callable

from deuterium import ops
from deuterium.certify.checker.ball_functions import ZERO, Ball
from deuterium.certify.checker.operator_table import is_never_negative
from deuterium.graph.constructors import apply
from deuterium.graph.variable import Variable

Least = Callable[[Variable], Ball | None]
Part = tuple[float, Variable]  # the power of a factor, and the factor

SPLIT = {
    ops.multiply,
    ops.divide,
    ops.sqrt,
    ops.expit,
    ops.ndtr,
    ops.exp,
    ops.square,
    ops.reciprocal,
}
LOGARITHMS = {ops.expit: ops.log_expit, ops.ndtr: ops.log_ndtr}


def inside(v: Variable) -> Variable:
    """Return the scalar beneath reshapes."""
    while v.op is ops.reshape and v.args[0].size == 1:
        v = v.args[0]
    return v


def _scalar(v: Variable) -> Variable:
    if v.shape == ():
        return v
    return apply(ops.reshape, (v,), {"shape": (), "ndim": v.ndim})


def log_form(
    objective: Variable, least: Least
) -> tuple[Variable | None, list[Variable]]:
    """Return the logarithm of a scalar graph; None if it is not a product or root.

    ``least`` gives a lower bound of a graph over the domain, or None.  Also returned
    are the logarithms that were taken of what is proved not negative.
    """
    root = inside(objective)
    if root.op not in SPLIT:
        return None, []
    taken: list[Variable] = []
    parts = _parts(objective, least, taken)
    if parts is None:
        return None, []
    total: Variable | None = None
    for k, g in parts:
        term = g if k == 1 else k * g
        total = term if total is None else total + term
    return total, taken


def _parts(
    objective: Variable, least: Least, taken: list[Variable]
) -> list[Part] | None:
    """Return the factors; what is proved not negative has its logarithm `taken`."""

    def not_negative(v: Variable) -> bool:
        if is_never_negative(v.op):
            return True
        low = least(v)
        return low is not None and bool(low >= ZERO)

    def positive(v: Variable) -> bool:
        low = least(v)
        return low is not None and bool(low > ZERO)

    parts: list[Part] = []
    stack: list[Part] = [(1.0, objective)]
    while stack:
        k, v = stack.pop()
        v = inside(v)
        op = v.op
        if op is ops.multiply and all(not_negative(a) for a in v.args):
            stack += [(k, a) for a in v.args[::-1]]
        elif op is ops.divide and not_negative(v.args[0]) and positive(v.args[1]):
            stack += [(-k, v.args[1]), (k, v.args[0])]
        elif op is ops.sqrt:
            stack.append((0.5 * k, v.args[0]))
        elif op is ops.square and not_negative(v.args[0]):
            stack.append((2.0 * k, v.args[0]))
        elif op is ops.reciprocal and positive(v.args[0]):
            stack.append((-k, v.args[0]))
        elif op in LOGARITHMS:
            parts.append((k, LOGARITHMS[op](_scalar(v.args[0]))))
        elif op is ops.exp:
            parts.append((k, _scalar(v.args[0])))
        elif not_negative(v):
            taken.append(ops.log(_scalar(v)))
            parts.append((k, taken[-1]))
        else:
            return None
    return parts
