"""Where a graph has a value, and what is known of functions where they have one.

Each operator that is not defined everywhere has its conditions: from its traits, or
here.  In a branch where a condition keeps the argument of a function with a pole away
from it, the function becomes `on_domain`: an enclosure that reaches the pole then has
an infinite end, and is not undefined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import NamedTuple

import numpy as np

from deuterium.graph.constructors import apply, as_variable, broadcast_to
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.ops import (
    arithmetic,
    arrays,
    exponential,
    logic,
    piecewise,
    trigonometric,
)
from deuterium.ops.indexing import take_places
from deuterium.ops.on_domain import on_domain
from deuterium.transform.simplify.assumptions import Assumptions

# -- conditions ----------------------------------------------------------------------


def defined(v: Variable) -> Variable:
    """Return the condition that ``v`` has a value.

    ``dt.Where(dt.defined(v))`` restricts a domain to where that is so.  Operators whose
    domain no comparison describes (the gamma function's poles, systems that may be
    singular) are taken to be defined: what is undefined in spite of it stays undefined.

    Examples
    --------
    >>> import deuterium as dt, numpy as np
    >>> x = dt.symbol("x")
    >>> domain = dt.Box({x: (-1, 1)}) & dt.Where(dt.defined(np.log(x) / x))
    >>> dt.maximize(np.log(x) / x, domain).status
    'optimal'
    """
    v = as_variable(v)
    needed: dict[Variable, dict[Variable, None]] = {}  # an ordered set of conditions
    for n in topological([v]):
        own: dict[Variable, None] = {}
        if n.op is logic.where:
            c, a, b = n.args
            own.update(needed[c])
            for branch, chosen in ((a, c), (b, logic.logical_not(c))):
                own.update(dict.fromkeys(_unless(chosen, needed[branch])))
        elif n.op is not None:
            for a in n.args:
                own.update(needed[a])
            before = all_hold(own)  # what there is to be asked of, as far as it is
            for c in conditions_of(n):
                asked = c if before.is_constant else _after(before, c)
                own[asked] = None
        needed[n] = own
    return all_hold(needed[v])


def all_hold(conditions: Iterable[Variable]) -> Variable:
    """Return one scalar condition that holds where all elements of all of them do."""
    parts = dict.fromkeys(c if c.size == 1 else _none_fails(c) for c in conditions)
    scalars = [take_places(c, np.array(0)) if c.shape else c for c in parts]
    return reduce(logic.both, scalars) if scalars else as_variable(1)


def _none_fails(c: Variable) -> Variable:
    """Return whether the number of elements that do not hold is 0."""
    fails = logic.logical_not(c)
    return logic.is_zero(arrays.sum_over(fails, tuple(range(-c.ndim, 0))))


def _unless(chosen: Variable, conditions: Iterable[Variable]) -> list[Variable]:
    """Return what must hold of a branch, where it is chosen."""
    out = []
    for c in conditions:
        c = c if c.shape in ((), chosen.shape) else all_hold([c])
        other = logic.logical_not(chosen)
        out.append(logic.either(other, broadcast_to(c, chosen.shape)))
    return out


def _after(before: Variable, c: Variable) -> Variable:
    """Return a condition that is looked at only where another holds."""
    return logic.where(broadcast_to(before, c.shape), c, as_variable(0))


def conditions_of(n: Variable) -> list[Variable]:
    """Return the conditions that a node puts on its arguments."""
    assert n.op is not None  # of leaves nobody asks
    if n.op in _CONDITIONS:
        return _CONDITIONS[n.op](n)
    if len(n.args) != 1:
        return []
    (x,), (low, high), closed = n.args, n.op.domain, n.op.closed
    while x.op is arrays.broadcast:
        x = x.args[0]
    found = []
    if np.isfinite(low) and not (low == 0 and closed[0] and _known_nonnegative(x)):
        found.append((logic.greater_equal if closed[0] else logic.greater)(x, low))
    if np.isfinite(high):
        found.append((logic.less_equal if closed[1] else logic.less)(x, high))
    return found


def _known_nonnegative(x: Variable) -> bool:
    """Return whether it is a square, a size, or a sum of such."""
    return Assumptions().nonnegative(x)


def _nonzero(x: Variable) -> list[Variable]:
    while x.op is arrays.broadcast:
        x = x.args[0]
    value = logic.repeated_value(x)
    if value is not None and np.all(value):
        return []  # numbers that are none
    return [logic.logical_not(logic.is_zero(x))]


def _power_conditions(n: Variable) -> list[Variable]:
    base, exponent = n.args
    b = logic.repeated_value(exponent)
    if b is None or np.shape(b):
        return []
    if float(b).is_integer():
        return _nonzero(base) if b < 0 else []
    return [(logic.greater if b < 0 else logic.greater_equal)(base, 0)]


_CONDITIONS: Mapping[Operator, Callable[[Variable], list[Variable]]] = {
    arithmetic.divide: lambda n: _nonzero(n.args[1]),
    arithmetic.reciprocal: lambda n: _nonzero(n.args[0]),
    arithmetic.integer_power: lambda n: _nonzero(n.args[0]) if n.attrs["n"] < 0 else [],
    arithmetic.power: _power_conditions,
    trigonometric.tan: lambda n: _nonzero(trigonometric.cos(n.args[0])),
    on_domain: lambda n: [],
}

# -- what they say -------------------------------------------------------------------


class Fact(NamedTuple):
    """That a node is positive, or only that it is not 0."""

    x: Variable
    positive: bool


def facts_of(truths: Mapping[Variable, bool]) -> list[Fact]:
    """Return what conditions of known truth say of the sign of nodes.

    Where a product, a power or a size is not 0, nor is what it is made of.
    """
    todo = [
        Fact(c.args[0], holds)
        for c, holds in truths.items()
        if c.op is (logic.is_positive if holds else logic.is_zero)
    ]
    found: dict[Fact, None] = {}
    while todo:
        fact = todo.pop()
        if fact in found:
            continue
        found[fact] = None
        x, positive = fact
        if x.op is arithmetic.subtract and any(map(is_nothing, x.args)):
            a, b = x.args
            todo.append(Fact(a, positive) if is_nothing(b) else Fact(b, False))
        elif x.op is logic.narrowed:  # the same where the condition holds
            todo.append(Fact(x.args[1], positive))
        elif x.op in (arithmetic.sqrt, arrays.broadcast):
            todo.append(Fact(x.args[0], positive))
        elif x.op in _ZERO_TOGETHER or (
            x.op is arithmetic.integer_power and x.attrs["n"] > 0
        ):
            todo += [Fact(a, False) for a in x.args]
    return list(found)


_ZERO_TOGETHER = {
    arithmetic.negative, arithmetic.multiply, arithmetic.square, piecewise.absolute,
}  # fmt: skip


def is_nothing(x: Variable) -> bool:
    """Return whether a node is 0, in all its elements."""
    value = logic.repeated_value(x)
    return value is not None and not np.any(value)


def _follows(x: Variable, facts: list[Fact], *, positive: bool) -> bool:
    """Return whether it follows from facts that ``x`` is not 0 (or positive).

    Products, powers and sizes of what is not 0 are not.
    """
    todo, used = [(x, positive)], False
    while todo:
        n, above = todo.pop()
        if any(is_same_node(f.x, n) and (f.positive or not above) for f in facts):
            used = True
            continue
        value = logic.repeated_value(n)
        if value is not None and np.all(np.greater(value, 0) if above else value):
            continue
        if n.op in _SIZES or (
            n.op is arithmetic.integer_power and n.attrs["n"] % 2 == 0
        ):
            todo.append((n.args[0], False))
        elif n.op is logic.narrowed:  # the same where the condition holds
            todo.append((n.args[1], above))
        elif n.op in _OF_ALL or (n.op is arithmetic.negative and not above):
            todo += [(a, above) for a in n.args]
        else:
            return False
    return used  # of numbers alone nothing has to be said


def is_same_node(a: Variable, b: Variable) -> bool:
    """Return whether two nodes are one leaf, or one operator on the same nodes."""
    if a is b or _is_same_leaf(a, b):
        return True
    if a.op is None or a.op is not b.op or a.attrs or b.attrs:
        return False
    pairs = zip(a.args, b.args, strict=True)
    return all(x is y or _is_same_leaf(x, y) for x, y in pairs)


def _is_same_leaf(a: Variable, b: Variable) -> bool:
    if a.is_symbol and b.is_symbol:
        return a.name == b.name
    fixed = a.is_constant and b.is_constant and not a.name and not b.name
    return fixed and np.array_equal(a.value, b.value)


_OF_ALL = {
    arithmetic.multiply, arithmetic.divide, arithmetic.sqrt, arithmetic.integer_power,
    arrays.broadcast,
}  # fmt: skip
_SIZES = {arithmetic.square, piecewise.absolute}


def total_form(
    n: Variable, args: tuple[Variable, ...], facts: list[Fact]
) -> Variable | None:
    """Return a node with a pole as what it is where facts keep it off, if they do.

    ``args`` are what its arguments have become.
    """
    if not facts or n.op is None or n.op not in _TOTAL:
        return None
    arguments, positive, form = _TOTAL[n.op]
    if not any(_follows(x, facts, positive=positive) for x in arguments(n)):
        return None
    return form(n, args)


_Form = tuple[
    Callable[[Variable], Iterable[Variable]],
    bool,
    Callable[[Variable, tuple[Variable, ...]], Variable],
]


def _on(of: str, x: Variable) -> Variable:
    return apply(on_domain, (x,), {"of": of})


def _itself(n: Variable) -> Iterable[Variable]:
    return n.args[:1]


_TOTAL: Mapping[Operator, _Form] = {
    exponential.log: (_itself, True, lambda n, a: _on("log", a[0])),
    exponential.log2: (_itself, True, lambda n, a: _on("log2", a[0])),
    exponential.log10: (_itself, True, lambda n, a: _on("log10", a[0])),
    exponential.log1p: (
        lambda n: (n.args[0] + 1, 1 + n.args[0], n.args[0] - (-1)),
        True,
        lambda n, a: _on("log1p", a[0]),
    ),
    arithmetic.reciprocal: (
        _itself,
        False,
        lambda n, a: _on("reciprocal", a[0]),
    ),
    arithmetic.divide: (
        lambda n: n.args[1:],
        False,
        lambda n, a: a[0] * _on("reciprocal", a[1]),
    ),
    arithmetic.integer_power: (
        lambda n: n.args if n.attrs["n"] < 0 else (),
        False,
        lambda n, a: _on("reciprocal", arithmetic.integer_power(a[0], n=-n.attrs["n"])),
    ),
    arithmetic.power: (
        lambda n: n.args[:1] if _is_negative(n.args[1]) else (),
        True,
        lambda n, a: _on("reciprocal", arithmetic.power(a[0], -a[1])),
    ),
    trigonometric.tan: (
        lambda n: (trigonometric.cos(n.args[0]),),
        False,
        lambda n, a: _on("tan", a[0]),
    ),
}


def _is_negative(x: Variable) -> bool:
    value = logic.repeated_value(x)
    return value is not None and bool(np.all(np.less(value, 0)))
