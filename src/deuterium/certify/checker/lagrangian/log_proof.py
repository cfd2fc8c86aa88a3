"""The logarithm of an objective that is a product, spread over its factors.

From the outside in: of a product both factors are taken, of a quotient, root, square or
reciprocal the argument, with a power k along the way.  What is left is ``log`` of it,
or ``log_expit(t)`` of ``expit(t)``, ``log_ndtr(t)`` of ``ndtr(t)``, t of ``exp(t)``.
Every factor is proved not negative; where one is zero, so is the objective.
"""

from __future__ import annotations

from collections.abc import Callable

from deuterium.certify.checker.ball_functions import ZERO, Ball
from deuterium.certify.checker.increasing_outer import NEVER_NEGATIVE
from deuterium.graph.constructors import apply
from deuterium.graph.operator import OPERATORS
from deuterium.graph.variable import Variable

Least = Callable[[Variable], Ball | None]
Part = tuple[float, Variable]  # the power of a factor, and the factor

SPLIT = {
    "multiply", "divide", "sqrt", "expit", "ndtr", "exp", "square", "reciprocal",
}  # fmt: skip
LOGARITHMS = {"expit": "log_expit", "ndtr": "log_ndtr"}


def inside(v: Variable) -> Variable:
    """Return the scalar beneath reshapes."""
    while v.op is not None and v.op.name == "reshape" and v.args[0].size == 1:
        v = v.args[0]
    return v


def _of(name: str, v: Variable) -> Variable:
    return apply(OPERATORS[name], (v,), {})


def _scalar(v: Variable) -> Variable:
    if v.shape == ():
        return v
    return apply(OPERATORS["reshape"], (v,), {"shape": (), "ndim": v.ndim})


def log_form(
    objective: Variable, least: Least
) -> tuple[Variable | None, list[Variable]]:
    """Return the logarithm of a scalar graph; None if it is not a product or root.

    ``least`` gives a lower bound of a graph over the domain, or None.  Also returned
    are the logarithms that were taken of what is proved not negative.
    """
    root = inside(objective)
    if root.op is None or root.op.name not in SPLIT:
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
        if v.op is not None and v.op.name in NEVER_NEGATIVE:
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
        name = "" if v.op is None else v.op.name
        if name == "multiply" and all(not_negative(a) for a in v.args):
            stack += [(k, a) for a in v.args[::-1]]
        elif name == "divide" and not_negative(v.args[0]) and positive(v.args[1]):
            stack += [(-k, v.args[1]), (k, v.args[0])]
        elif name == "sqrt":
            stack.append((0.5 * k, v.args[0]))
        elif name == "square" and not_negative(v.args[0]):
            stack.append((2.0 * k, v.args[0]))
        elif name == "reciprocal" and positive(v.args[0]):
            stack.append((-k, v.args[0]))
        elif name in LOGARITHMS:
            parts.append((k, _of(LOGARITHMS[name], _scalar(v.args[0]))))
        elif name == "exp":
            parts.append((k, _scalar(v.args[0])))
        elif not_negative(v):
            taken.append(_of("log", _scalar(v)))
            parts.append((k, taken[-1]))
        else:
            return None
    return parts
