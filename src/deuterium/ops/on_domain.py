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

from deuterium.graph.constructors import apply
from deuterium.graph.operator import Operator, Shape, register
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.interval_arithmetic import is_undefined, undefined_where
from deuterium.interval.rounding import next_up
from deuterium.ops.arithmetic import reciprocal, square
from deuterium.ops.exponential import log, log1p, log2, log10, log_of
from deuterium.ops.trigonometric import tan
from deuterium.ops.univariate import times

_make = Interval.unchecked


def _rising_range(op: Operator) -> Callable[[Interval], Interval]:
    """Return the range of a rising function over what lies above its pole."""
    least = float(next_up(op.domain[0]))

    def enclosure(x: Interval) -> Interval:
        ends = _make(np.maximum(x.lower, least), np.maximum(x.upper, least))
        inside = op.enclosure(ends)
        low = np.where(x.lower > op.domain[0], inside.lower, -np.inf)
        return _make(low, inside.upper)

    return enclosure


def _tan_range(x: Interval) -> Interval:
    inside = tan.enclosure(x)
    pole = is_undefined(inside)
    return _make(
        np.where(pole, -np.inf, inside.lower), np.where(pole, np.inf, inside.upper)
    )


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
    """A function with a pole: any value will do where it has none."""

    op: Operator
    value: Callable[[Any], Any]
    range: Callable[[Interval], Interval]
    symbolic: Callable[[Any], Any]
    code: str


def _logarithm(op: Operator, symbolic: Callable[[Any], Any]) -> OpenFunction:
    (pole, _), name = op.domain, op.name
    return OpenFunction(
        op,
        lambda x: op.value(np.where(x > pole, x, pole + 1)),
        _rising_range(op),
        symbolic,
        f"xp.{name}(xp.where({{0}} > {pole}, {{0}}, {pole + 1}))",
    )


FUNCTIONS: Mapping[str, OpenFunction] = {
    "log": _logarithm(log, se.log),
    "log2": _logarithm(log2, lambda x: se.log(x) / se.log(2)),
    "log10": _logarithm(log10, lambda x: se.log(x) / se.log(10)),
    "log1p": _logarithm(log1p, lambda x: se.log(1 + x)),
    "reciprocal": OpenFunction(
        reciprocal,
        lambda x: 1.0 / np.where(x == 0, 1.0, x),
        _reciprocal_range,
        lambda x: se.sympify(x) ** -1,
        "1.0 / xp.where({0} == 0, 1.0, {0})",
    ),
    "tan": OpenFunction(tan, np.tan, _tan_range, se.tan, "xp.tan({0})"),
}


def _enclosure(x: Interval, of: str) -> Interval:
    return undefined_where(FUNCTIONS[of].range(x), is_undefined(x))


def _shape(x: Shape, of: str) -> Shape:
    if of not in FUNCTIONS:
        raise ValueError(f"no function {of!r} with a pole")
    return x


on_domain: Operator = register(
    Operator(
        name="on_domain",
        arity=1,
        value=lambda x, of: FUNCTIONS[of].value(np.asarray(x)),
        enclosure=lambda x, of: undefined_where(
            FUNCTIONS[of].range(x), is_undefined(x)
        ),
        symbolic=lambda x, of: FUNCTIONS[of].symbolic(x),
        pullback=lambda g, out, x, of: (times(g, _SLOPES[of](x, out)),),
        shape=_shape,
        code=lambda node, args, bind: FUNCTIONS[node.attrs["of"]].code.format(args[0]),
    )
)
"""One of those functions, in a branch whose condition keeps its argument off the pole.

Its range is that of the function over the part of an interval where it is defined; what
it is elsewhere is not asked, so its values are numbers there.  Its slopes are of that
kind, too: over an interval that holds the pole, the choice has a jump, whose slope is
undefined, and no mean-value argument crosses it.
"""


def _inverse(x: Variable) -> Variable:
    return apply(on_domain, (x,), {"of": "reciprocal"})


_SLOPES: Mapping[str, Callable[[Variable, Variable], Any]] = {
    "log": lambda x, out: _inverse(x),
    "log2": lambda x, out: _inverse(x) / log_of(2),
    "log10": lambda x, out: _inverse(x) / log_of(10),
    "log1p": lambda x, out: _inverse(1 + x),
    "reciprocal": lambda x, out: -square(out),
    "tan": lambda x, out: 1 + square(out),
}
