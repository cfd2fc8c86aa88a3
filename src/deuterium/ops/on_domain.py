"""Functions with a pole, where a condition keeps their argument away from it.

``log(x)`` in the branch of ``where(x > 0, log(x), 0)`` is never asked at 0, however
close x comes to it: its values have no lower end, and are not undefined.  The operator
``on_domain`` says so in the graph (see `deuterium.transform.branches`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import symengine as se

from deuterium.graph.constructors import as_variable
from deuterium.graph.operator import Operator, Shape, register
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.ops.arithmetic import reciprocal
from deuterium.ops.exponential import log
from deuterium.ops.logic import where

_make = Interval.unchecked
LEAST = float(np.nextafter(0.0, 1.0))


def _log_range(x: Interval) -> Interval:
    """Return the range of the logarithm over the positive part of an interval."""
    inside = log.enclosure(
        _make(np.maximum(x.lower, LEAST), np.maximum(x.upper, LEAST))
    )
    return _make(np.where(x.lower > 0, inside.lower, -np.inf), inside.upper)


def _reciprocal_range(x: Interval) -> Interval:
    """Return the range of ``1 / x`` over what an interval holds beside zero."""
    apart = (x.lower > 0) | (x.upper < 0)
    inside = reciprocal.enclosure(
        _make(np.where(apart, x.lower, 1.0), np.where(apart, x.upper, 1.0))
    )
    # of an end at zero only the other side is left
    above, below = (x.lower >= 0) & (x.upper > 0), (x.upper <= 0) & (x.lower < 0)
    right = reciprocal.enclosure(_ends(x.upper, above))
    left = reciprocal.enclosure(_ends(x.lower, below))
    return _make(
        np.where(apart, inside.lower, np.where(above, right.lower, -np.inf)),
        np.where(apart, inside.upper, np.where(below, left.upper, np.inf)),
    )


def _ends(x: Any, good: Any) -> Interval:
    end = np.where(good, x, 1.0)
    return _make(end, end)


@dataclass(frozen=True)
class OpenFunction:
    """A function with a pole at zero: any value will do where it has none."""

    op: Operator
    value: Callable[[Any], Any]
    range: Callable[[Interval], Interval]
    symbolic: Callable[[Any], Any]
    code: str


FUNCTIONS: Mapping[str, OpenFunction] = {
    "log": OpenFunction(
        log,
        lambda x: np.log(np.where(x > 0, x, 1.0)),
        _log_range,
        se.log,
        "xp.log(xp.where({0} > 0, {0}, 1.0))",
    ),
    "reciprocal": OpenFunction(
        reciprocal,
        lambda x: 1.0 / np.where(x == 0, 1.0, x),
        _reciprocal_range,
        lambda x: se.sympify(x) ** -1,
        "1.0 / xp.where({0} == 0, 1.0, {0})",
    ),
}


def _enclosure(c: Interval, x: Interval, of: str, holds: bool) -> Interval:
    return undefined_where(FUNCTIONS[of].range(x), is_undefined(c, x))


def _pullback(
    g: Variable, out: Variable, c: Variable, x: Variable, of: str, holds: bool
) -> tuple[None, Variable]:
    slope = FUNCTIONS[of].op.derivative
    assert slope is not None  # of the functions above
    zero = as_variable(0)
    return None, where(c, g * slope(x), zero) if holds else where(c, zero, g * slope(x))


def _shape(c: Shape, x: Shape, of: str, holds: bool) -> Shape:
    if c != x or of not in FUNCTIONS or not isinstance(holds, bool):
        raise ValueError(f"shapes {c}, {x} must be equal, and {of!r} a known function")
    return x


on_domain = register(
    Operator(
        name="on_domain",
        arity=2,
        value=lambda c, x, of, holds: FUNCTIONS[of].value(np.asarray(x)),
        enclosure=_enclosure,
        symbolic=lambda c, x, of, holds: FUNCTIONS[of].symbolic(x),
        pullback=_pullback,
        shape=_shape,
        code=lambda node, args, bind: FUNCTIONS[node.attrs["of"]].code.format(args[1]),
    )
)
"""``log(x)`` or ``1 / x`` where a condition holds (or fails), which keeps x off 0.

Its range is that of the function over the part of an interval where it is defined; what
it is where the condition does not hold is not asked.  Its derivative is the function's
own, undefined over an interval that holds the pole: no mean-value argument crosses it.
"""
