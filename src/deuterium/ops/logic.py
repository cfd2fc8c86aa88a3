"""Conditions, choices by them, and what a condition says of a number.

A condition is a number that is 1 (true) or 0 (false).  Comparisons are functions of a
difference: ``a > b`` is ``is_positive(a - b)``, which IEEE arithmetic decides rightly
because a difference of two doubles is zero only where they are equal.  The derivative
of a condition is 0 where it is constant and undefined on an interval where it jumps.

``where(c, a, b)`` looks only at the branch that is chosen: what is undefined in the
other does not matter.  Inside a branch its condition is known, which the operator
``narrowed`` says in the graph (see `deuterium.transform.branches`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import symengine as se

from deuterium.graph.constructors import as_variable
from deuterium.graph.hooks import METHODS, provides
from deuterium.graph.operator import Operator, register
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.ops import arrays
from deuterium.ops.arithmetic import subtract
from deuterium.ops.piecewise import jump_slope, maximum, minimum, select
from deuterium.ops.univariate import unary

_make = Interval.unchecked


def _condition(name: str, value: Any, symbolic: Any, code: str) -> Operator:
    """Enter a condition on the sign of a number, which is exact at 0."""

    def enclosure(x: Interval) -> Interval:
        ends = [value(np.asarray(e)) for e in (x.lower, x.upper)]
        at_zero = np.where((x.lower <= 0) & (x.upper >= 0), value(np.float64(0)), ends)
        low, high = (
            np.minimum.reduce([*ends, *at_zero]),
            np.maximum.reduce([*ends, *at_zero]),
        )
        return undefined_where(_make(low, high), is_undefined(x))

    return unary(
        name,
        value,
        ulps=0,
        derivative=lambda x: jump_slope(x),
        symbolic=symbolic,
        range=(0.0, 1.0),
        enclosure=enclosure,
        kinks=(0.0,),
        ufunc="",
        code=code,
    )


is_positive = _condition(
    "is_positive",
    lambda x: np.where(x > 0, 1.0, 0.0),
    lambda x: se.Piecewise((1, x > 0), (0, True)),
    "xp.where({0} > 0, 1.0, 0.0)",
)
is_zero = _condition(
    "is_zero",
    lambda x: np.where(x == 0, 1.0, 0.0),
    lambda x: se.Piecewise((0, x > 0), (0, x < 0), (1, True)),  # 0.0 is not Eq to 0
    "xp.where({0} == 0, 1.0, 0.0)",
)


def _negation(c: Interval) -> Interval:
    """Return ``1 - c``, which does not round what is true or false."""
    ends = (c.lower, c.upper)
    decided = np.logical_and(*[(e == 0) | (e == 1) for e in ends])
    rounded = interval_arithmetic.subtract(_make(1.0, 1.0), c)
    return _make(
        np.where(decided, 1 - c.upper, rounded.lower),
        np.where(decided, 1 - c.lower, rounded.upper),
    )


logical_not = register(
    Operator(
        name="logical_not",
        arity=1,
        value=lambda c: 1 - c,
        enclosure=_negation,
        symbolic=lambda c: 1 - c,
        pullback=lambda g, out, c: (-g,),
        code="1.0 - {0}",
    )
)
"""Whether a condition does not hold."""


def _chosen(c: Interval, a: Interval, b: Interval) -> Interval:
    """Return the hull of the branches that may be chosen."""
    true, false = c.lower > 0, c.upper <= 0
    low = np.where(
        true, a.lower, np.where(false, b.lower, np.minimum(a.lower, b.lower))
    )
    high = np.where(
        true, a.upper, np.where(false, b.upper, np.maximum(a.upper, b.upper))
    )
    undecided = np.logical_not(true | false) & is_undefined(a, b)
    return undefined_where(_make(low, high), is_undefined(c) | undecided)


def _branches(
    g: Variable, out: Variable, c: Variable, a: Variable, b: Variable
) -> tuple[Variable | None, Variable, Variable]:
    zero = as_variable(0)
    # where the branches meet, no jump of the condition is one of the choice
    jump = None
    if not METHODS["branches_meet"](out):
        jump = g if is_condition(c) else g * jump_slope(c)
    return jump, where(c, g, zero), where(c, zero, g)


def _piecewise_choice(c: Any, a: Any, b: Any) -> Any:
    """Return a closed form; a condition that is itself a form in pieces is read."""
    for condition, first, last in ((c, a, b), (1 - c, b, a)):
        args: Any = getattr(condition, "args", ())
        if isinstance(condition, se.Piecewise) and len(args) == 4 and args[0] == 1:
            return se.Piecewise((first, args[1]), (last, True))
    return se.Piecewise((a, c > 0), (b, True))


where = register(
    Operator(
        name="where",
        arity=3,
        value=lambda c, a, b: np.where(np.asarray(c) > 0, a, b),
        enclosure=_chosen,
        symbolic=_piecewise_choice,
        pullback=_branches,
        code="xp.where({0} > 0, {1}, {2})",
        keeps_sign=True,
    )
)
"""``a`` where the condition holds, else ``b``."""


def _narrowed_pullback(
    g: Variable,
    out: Variable,
    c: Variable,
    x: Variable,
    bound: Variable,
    upward: bool,
    holds: bool,
) -> tuple[None, Variable, None]:
    zero = as_variable(0)
    return None, where(c, g, zero) if holds else where(c, zero, g), None


def _narrowed_shape(c: Any, x: Any, bound: Any, upward: Any, holds: Any) -> Any:
    if c != x or bound != x:
        raise ValueError(f"shapes {c}, {x}, {bound} must be equal")
    return x


def _narrowed_enclosure(
    c: Interval, x: Interval, bound: Interval, upward: bool, holds: bool
) -> Interval:
    extreme = (maximum if upward else minimum).enclosure(x, bound)
    return undefined_where(extreme, is_undefined(c))


def _extreme(upward: bool) -> str:
    return "maximum" if upward else "minimum"


narrowed = register(
    Operator(
        name="narrowed",
        arity=3,
        value=lambda c, x, bound, upward, holds: (np.maximum if upward else np.minimum)(
            x, bound
        ),
        enclosure=_narrowed_enclosure,
        symbolic=lambda c, x, bound, upward, holds: (se.Max if upward else se.Min)(
            x, bound
        ),
        pullback=_narrowed_pullback,
        shape=_narrowed_shape,
        code=lambda node, args, bind: (
            f"xp.{_extreme(node.attrs['upward'])}({args[1]}, {args[2]})"
        ),
        keeps_sign=True,
    )
)
"""``x`` where a condition holds (or fails), which implies a bound that it respects.

Its value is ``max(x, bound)`` or ``min(x, bound)``, so a branch stays defined, and is
enclosed, where its condition says so and no further; its derivative is that of ``x``
where the branch is chosen, else 0.
"""


@provides("split_by_size")
def split_by_size(
    g: Variable, a: Variable, b: Variable, *, larger: bool
) -> tuple[Variable, Variable]:
    """Return the adjoints of both arguments of a maximum (larger) or a minimum."""
    if repeated_value(a) is not None and repeated_value(b) is None:
        second, first = split_by_size(g, b, a, larger=larger)
        return first, second
    c, zero = greater(a, b), as_variable(0)
    chosen, other = where(c, g, zero), where(c, zero, g)
    return (chosen, other) if larger else (other, chosen)


# -- what is a condition -------------------------------------------------------------

_ALWAYS = {is_positive, is_zero}
_OF_CONDITIONS = {
    arrays.broadcast, arrays.reshape, arrays.transpose, arrays.gather,
    arrays.concatenate, select, minimum, maximum, where, logical_not,
}  # fmt: skip


def repeated_value(v: Variable) -> Any:
    """Return the value of a constant, of a repeated one too; else None."""
    while v.op is arrays.broadcast:
        v = v.args[0]
    return v.value if v.is_constant else None


def is_condition(v: Variable) -> bool:
    """Return whether every element is 0 or 1 by the way it is made."""
    todo, seen = [v], {v}
    while todo:
        n = todo.pop()
        if n.op is None:
            if not n.is_constant or not np.isin(n.value, (0, 1)).all():
                return False
        elif n.op in _ALWAYS:
            continue
        elif n.op not in _OF_CONDITIONS:
            return False
        todo += [a for a in n.args if a not in seen]
        seen.update(n.args)
    return True


# -- conditions put together ---------------------------------------------------------


def less(a: Any, b: Any) -> Variable:
    """Return whether ``a < b``."""
    return is_positive(subtract(as_variable(b), as_variable(a)))


def greater(a: Any, b: Any) -> Variable:
    """Return whether ``a > b``."""
    return less(b, a)


def less_equal(a: Any, b: Any) -> Variable:
    """Return whether ``a <= b``."""
    return logical_not(less(b, a))


def greater_equal(a: Any, b: Any) -> Variable:
    """Return whether ``a >= b``."""
    return logical_not(less(a, b))


def equal(a: Any, b: Any) -> Variable:
    """Return whether ``a == b`` as numbers."""
    return is_zero(subtract(as_variable(a), as_variable(b)))


def not_equal(a: Any, b: Any) -> Variable:
    """Return whether ``a != b`` as numbers."""
    return logical_not(equal(a, b))


def both(a: Variable, b: Variable) -> Variable:
    """Return whether two conditions hold."""
    return minimum(a, b)


def either(a: Variable, b: Variable) -> Variable:
    """Return whether one of two conditions holds, or both."""
    return maximum(a, b)
