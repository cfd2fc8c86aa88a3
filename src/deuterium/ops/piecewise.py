"""Functions with kinks and jumps: relu, |x|, sign, maximum, and their slopes.

Conventions.  The value of a slope at a kink is one-sided and fixed: relu'(0) = 0 (from
the left), |x|'(0) = 0 (the sign).  Where ``a = b``, the derivative of ``maximum(a, b)``
is b's and that of ``minimum(a, b)`` is a's, so that together they have that of
``a + b``; a number counts as the second argument.  ``np.maximum(x, 0)`` is relu(x).
The enclosure of a slope over an interval that holds the kink is the hull of its values
on both sides (the Clarke derivative), so it is right whatever convention one prefers.
The slope of a jump is 0 away from it and undefined on an interval that holds it: no
mean-value argument may cross a jump.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import symengine as se

from deuterium.graph import protocols
from deuterium.graph.constructors import as_variable, constant
from deuterium.graph.hooks import METHODS
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.interval.environment import require_read
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.ops.arithmetic import binary
from deuterium.ops.shapes import array_operator
from deuterium.ops.univariate import times, unary

_make = Interval.unchecked


def _nan_kept(x: Interval, low: Any, high: Any) -> Interval:
    return undefined_where(_make(low, high), is_undefined(x))


def _filled(x: Variable, value: float) -> Variable:
    """Return a constant of the shape of ``x``."""
    return constant(np.full(x.shape, value) if x.shape else value)


def _jump(
    name: str,
    value: Any,
    symbolic: Any,
    left: float,
    right: float,
    code: str,
    *,
    hull: bool,
    **traits: Any,
) -> Operator:
    """Enter a function that is ``left`` below zero and ``right`` above it.

    At zero its set of values is the hull of both sides, or just its value there.
    """
    at_zero = float(value(np.float64(0.0)))

    def enclosure(x: Interval) -> Interval:
        low = np.where(x.lower > 0, right, left)
        high = np.where(x.upper < 0, left, right)
        if not hull:
            low = np.where(x.lower == 0, at_zero, low)
            high = np.where(x.upper == 0, at_zero, high)
        return _nan_kept(x, low * 1.0, high * 1.0)

    return unary(
        name,
        value,
        ulps=0,
        derivative=lambda x: jump_slope(x),
        symbolic=symbolic,
        range=(left, right),
        enclosure=enclosure,
        code=code,
        kinks=(0.0,),
        **traits,
    )


def _flat_enclosure(x: Interval) -> Interval:
    zero = np.zeros(np.shape(x.lower))
    away = ((x.lower > 0) | (x.upper < 0)) & ~is_undefined(x)
    return undefined_where(_make(zero, zero), np.logical_not(away))


jump_slope: Operator = unary(
    "jump_slope",
    lambda x: np.zeros(np.shape(x)),
    ulps=0,
    derivative=lambda x: jump_slope(x),
    symbolic=lambda x: se.Integer(0),
    enclosure=_flat_enclosure,
    ufunc="",
    code="0.0 * {0}",
)
"""Slope of a jump at zero: 0, and undefined on an interval that holds zero.

It has no sides: taken as 0 on either, the jump between them would be lost.
"""

sign = _jump(
    "sign", np.sign, se.sign, -1.0, 1.0, "xp.sign({0})", hull=False, parity="odd"
)
absolute_slope: Operator = _jump(
    "absolute'",
    np.sign,
    se.sign,
    -1.0,
    1.0,
    "xp.sign({0})",
    hull=True,
    ufunc="",
    # at the kink itself it is 0, which is at neither side
    sides=(lambda x: absolute_slope(x), lambda x: _filled(x, 1.0)),
)
step = _jump(
    "relu'",
    lambda x: np.where(x > 0, 1.0, 0.0),
    lambda x: se.Piecewise((0, x <= 0), (1, True)),
    0.0,
    1.0,
    "xp.sign(xp.maximum({0}, 0.0))",
    hull=True,
    ufunc="",
    sides=(lambda x: _filled(x, 0.0), lambda x: _filled(x, 1.0)),
)

absolute = unary(
    "absolute",
    np.abs,
    ulps=0,
    derivative=lambda x: absolute_slope(x),
    symbolic=se.Abs,
    range=(0.0, np.inf),
    enclosure=interval_arithmetic.absolute,
    sides=(operator.neg, operator.pos),
    parity="even",
    degrees=(1,),
    keeps_nonzero=True,
    lipschitz=1.0,
    below_identity=True,
    kinks=(0.0,),
    work=1,
)


def _near(v: Variable, depth: int) -> list[Variable]:
    """Return a node and those at most so far below it."""
    found, level = [v], [v]
    for _ in range(depth):
        level = [a for n in level for a in n.args]
        found += level
    return found


def _meets_pole(g: Variable, out: Variable) -> bool:
    """Return whether an adjoint divides by a function of ``out``, as behind a root."""
    return any(
        n.op is not None and n.op.name in _DIVIDING and out in _near(n, 2)
        for n in _near(g, 3)
    )


_DIVIDING = frozenset({"divide", "reciprocal", "power", "integer_power"})


def _relu_pullback(g: Variable, out: Variable, x: Variable) -> tuple[Variable]:
    # behind the flat piece the slope is 0, whatever becomes of what is made of it
    if _meets_pole(g, out):
        return (METHODS["split_by_size"](g, x, as_variable(0), larger=True)[0],)
    return (times(g, step(x)),)


relu = unary(
    "relu",
    lambda x: np.maximum(x, 0.0),
    ulps=0,
    derivative=lambda x: step(x),
    pullback=_relu_pullback,
    symbolic=lambda x: se.Max(0, x),
    range=(0.0, np.inf),
    increasing=True,
    enclosure=lambda x: _make(np.maximum(x.lower, 0.0), np.maximum(x.upper, 0.0)),
    ufunc="",
    code="xp.maximum({0}, 0.0)",
    sides=(lambda x: _filled(x, 0.0), operator.pos),
    strictly=False,
    lipschitz=1.0,
    below_identity=True,
    kinks=(0.0,),
)
maximum = binary(
    "maximum",
    np.maximum,
    interval_arithmetic.maximum,
    lambda a, b: se.Max(a, b),
    lambda g, out, a, b: METHODS["split_by_size"](g, a, b, larger=True),
    chooses=True,
    keeps_sign=True,
)
minimum = binary(
    "minimum",
    np.minimum,
    interval_arithmetic.minimum,
    lambda a, b: se.Min(a, b),
    lambda g, out, a, b: METHODS["split_by_size"](g, a, b, larger=False),
    chooses=True,
    keeps_sign=True,
)


def larger(a: Any, b: Any) -> Variable:
    """Return ``maximum(a, b)``, as relu where one side is zero."""
    x, y = as_variable(a), as_variable(b)
    for one, other in ((x, y), (y, x)):
        is_zero = other.is_constant and not np.any(other.value)
        if is_zero and other.shape in ((), one.shape):
            require_read("maximum", other.value)
            return relu(one)
    return maximum(x, y)


protocols.UFUNCS["maximum"] = larger
protocols.UFUNCS["fmax"] = larger
protocols.UFUNCS["fmin"] = minimum
protocols.UFUNCS["fabs"] = absolute


def _select_enclosure(a: Interval, b: Interval, mask: Any) -> Interval:
    return _make(np.where(mask, a.lower, b.lower), np.where(mask, a.upper, b.upper))


def _select_shape(a: Any, b: Any, mask: Any) -> Any:
    if a != b or np.shape(mask) != a:
        raise ValueError(f"shapes {a}, {b} and mask {np.shape(mask)} must be equal")
    return a


def _select_pullback(
    g: Variable, out: Variable, a: Variable, b: Variable, mask: Any
) -> tuple[Variable, Variable]:
    zero = np.zeros(out.shape) if out.shape else 0
    return select(g, as_variable(zero), mask=mask), select(
        as_variable(zero), g, mask=mask
    )


select = array_operator(
    "select",
    2,
    lambda a, b, mask: np.where(mask, a, b),
    _select_enclosure,
    _select_pullback,
    _select_shape,
    code=lambda node, args, bind: (
        f"xp.where({bind(node.attrs['mask'])}, {args[0]}, {args[1]})"
    ),
    moves_elements=True,
)
