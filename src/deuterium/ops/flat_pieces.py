"""Zero slope times infinite slope: behind a flat piece nothing changes.

The slope of ``sqrt(maximum(x, 0))`` at -1 is 0, though the root has an infinite slope
at 0 and the chain rule says ``0 / 0``.  Where a slope that may be 0 meets one that may
be infinite at an end that belongs to a function's domain, the chain rule takes the
quotient here, which is 0 where its numerator is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import symengine as se

from deuterium.graph.constructors import constant
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval import interval_arithmetic as arithmetic
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.ops import portable_values
from deuterium.ops.arithmetic import binary, power, square
from deuterium.ops.univariate import times


def _enclosure(a: Interval, b: Interval) -> Interval:
    zero = (a.lower == 0) & (a.upper == 0)
    safe = Interval.unchecked(
        np.where(zero, 1.0, b.lower), np.where(zero, 1.0, b.upper)
    )
    return undefined_where(arithmetic.divide(a, safe), is_undefined(a, b))


def _pullback(
    g: Variable, out: Variable, a: Variable, b: Variable
) -> tuple[Variable, Variable]:
    return guarded_divide(g, b), -times(g, guarded_divide(a, square(b)))


guarded_divide: Operator = binary(
    "guarded_divide",
    partial(portable_values.guarded_divide, np),
    _enclosure,
    lambda a, b: se.sympify(a) / b,
    _pullback,
    ufunc="",
    code="guarded_divide({0}, {1})",
)
"""``a / b``, and 0 where a is 0, whatever b."""


@dataclass(frozen=True)
class _Steep:
    """``rest * numerator / denominator``, of a root that may be zero."""

    denominator: Variable
    numerator: Variable | None = None
    rest: Variable | None = None

    def times(self, factor: Variable) -> _Steep:
        """Multiply the rest."""
        rest = factor if self.rest is None else self.rest * factor
        return replace(self, rest=rest)


def through_flat(g: Variable, slope: Variable) -> Variable:
    """Return ``g * slope`` for a slope that is 0 on a piece."""
    found = _steep(g)
    if found is None:
        return times(g, slope)
    numerator = slope if found.numerator is None else found.numerator * slope
    steep = guarded_divide(numerator, found.denominator)
    return steep if found.rest is None else found.rest * steep


def _steep(g: Variable) -> _Steep | None:
    if g.op is None:
        return None
    name, args = g.op.name, g.args
    if name == "guarded_divide":
        return _Steep(args[1], numerator=args[0])
    if name == "divide" and _is_root(args[1]):
        return _Steep(args[1], rest=args[0])
    if name == "reciprocal" and _is_root(args[0]):
        return _Steep(args[0])
    if name == "power" and _is_negative_number(args[1]):
        return _Steep(power(args[0], -args[1]))
    if name == "negative":
        found = _steep(args[0])
        return None if found is None else found.times(constant(-1))
    if name == "multiply":
        for one, other in (args, args[::-1]):
            found = _steep(one)
            if found is not None:
                return found.times(other)
    return None


def _is_negative_number(v: Variable) -> bool:
    """Whether an exponent is negative: a constant, or a constant less one."""
    if v.is_constant:
        return bool(np.all(v.value < 0))
    if (
        v.op is None
        or v.op.name != "subtract"
        or not all(a.is_constant for a in v.args)
    ):
        return False
    a, b = (a.value for a in v.args)
    return bool(np.all(a < b))


def _is_root(v: Variable) -> bool:
    return v.op is not None and v.op.name == "sqrt"
