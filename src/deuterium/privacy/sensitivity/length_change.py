"""How far a length can change: no farther than its vector does.

``| |u| - |v| | <= |u - v|``, the reverse triangle inequality.  A standard deviation is
the length of what is left of people when their mean is taken off; of the difference of
two such vectors, what both data sets share is gone, and of their lengths it is not.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from deuterium import ops
from deuterium.domain.domain import Domain
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import widen_up
from deuterium.transform.simplify.simplify import simplify

__all__ = ["length_behind"]


def length_behind(v: Variable, domain: Domain) -> tuple[Variable, float] | None:
    """Return h and c with ``v = a |h| + b`` for numbers a, b with ``|a| <= c``.

    None where the simplified graph of a number has no such form.
    """
    (v,) = simplify([v], domain)
    v, factor, _ = _peeled(v)
    if v.op is not ops.sqrt:
        return None
    v, square, moved = _peeled(v.args[0])
    if moved or v.op is not ops.add_reduce or v.shape:
        return None
    (squares,) = v.args
    if squares.op is not ops.square or square < 0:
        return None
    size: Any = float(abs(factor)) * float(square) ** 0.5
    return squares.args[0], float(widen_up(size, 8.0))


def _peeled(v: Variable) -> tuple[Variable, Fraction, bool]:
    """Return what is under numbers added and multiplied; a factor; if one is added."""
    factor, moved = Fraction(1), False
    while v.op in (ops.add, ops.subtract, ops.multiply, ops.divide, ops.negative):
        if v.op is ops.negative:
            v, factor = v.args[0], -factor
            continue
        numbers = [_number(a) for a in v.args]
        at = 0 if numbers[0] is None else 1
        number = numbers[1 - at]
        if number is None or (v.op is ops.divide and at == 1):
            break
        if v.op is ops.multiply:
            factor *= number
        elif v.op is ops.divide:
            factor /= number
        else:
            moved = True
            factor *= -1 if v.op is ops.subtract and at == 1 else 1
        v = v.args[at]
    return v, factor, moved


def _number(v: Variable) -> Fraction | None:
    """Return a scalar constant, exactly."""
    return Fraction(v.value) if v.is_constant and not v.shape else None
