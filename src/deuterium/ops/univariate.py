"""From facts about a one-variable function to its operator.

A record states what is true of the function (where it is defined, where it turns, what
values it can take, how many ulps its library value may be off, its derivatives) and the
rules are derived here.  Between two neighbouring turning points a function is monotone,
so its range over an interval is the hull of its values at the ends and at the turning
points inside.

The derivative of a one-variable operator is again one, with its own turning points: the
product ``s (1 - s)`` that a chain rule would build for the logistic function's slope is
twice too wide as an interval, the operator ``expit'`` is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from deuterium.graph.operator import Operator, Shape, register, same_shape
from deuterium.graph.traits import INF, Ends, Function, Traits
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, scalar
from deuterium.interval.interval_arithmetic import undefined_where
from deuterium.interval.rounding import (
    Array,
    next_down,
    next_up,
    widen_down,
    widen_up,
)

MOST = 64  # the order of a slope: beyond it numbers overflow, and nobody asks


def numbered(*shapes: Shape, n: int) -> Shape:
    """Shape rule of element-wise operators with an order ``n`` of 0 or more."""
    if type(n) is not int or not 0 <= n <= MOST:
        raise TypeError(f"the order must be an integer of 0 to {MOST}, got {n!r}")
    return same_shape(*shapes)


def times(g: Variable, slope: Any) -> Variable:
    """Return ``g * slope`` without multiplying by a constant 1."""
    if is_one(g) and isinstance(slope, Variable):
        return slope
    if is_one(slope):
        return g
    return g * slope


def is_one(x: Any) -> bool:
    """Return whether ``x`` is the scalar constant 1."""
    if isinstance(x, Variable):
        return x.is_constant and x.shape == () and x.value == 1
    return bool(np.ndim(x) == 0 and isinstance(x, (int, float)) and x == 1)


def unary(
    name: str,
    value: Function,
    *,
    ulps: float,
    derivative: Function,
    symbolic: Function,
    from_value: Function | None = None,
    enclosure: Callable[[Interval], Interval] | None = None,
    trim: Callable[[Interval, Interval], Interval] | None = None,
    pullback: Callable[..., Any] | None = None,
    ufunc: str | None = None,
    code: str = "",
    definition: Function | None = None,
    **traits: Any,
) -> Operator:
    """Enter a one-variable operator, given facts about its function.

    Parameters
    ----------
    name : str
        Its name; also that of its ufunc unless ``ufunc`` says otherwise.
    value : callable
        Its value on arrays.
    ulps : float
        How far ``value`` may be from the truth, see `Traits`.
    derivative : callable
        The derivative, written with operators, so that it runs on Variables, numbers
        and Intervals.
    from_value : callable, optional
        The derivative as a function of the value, where that is cheaper.
    symbolic : callable
        The closed form on symengine expressions.
    enclosure : callable, optional
        A rule that replaces the derived one (for periodic functions and jumps).
    trim : callable, optional
        Cuts bounds by what else is known: ``trim(argument, bounds)`` to bounds.
    pullback : callable, optional
        The adjoint of the argument, where it is not just a multiple of the slope.
    code, definition
        As in `Operator`.
    **traits
        Fields of `Traits`.  An operator without an ``enclosure`` must be monotone
        (``increasing``) or say where it turns (``extrema``); bounds are clipped to its
        ``range`` and respect its ``exact_points`` (so the bound of ``log1p`` on
        positive numbers is not negative).
    """
    facts = _with_consequences(Traits(ulps=ulps, derivative=derivative, **traits))
    rule = enclosure or library_enclosure(value, ulps, facts)
    return register(
        Operator(
            name=name,
            arity=1,
            value=value,
            enclosure=rule if trim is None else lambda x: trim(x, rule(x)),
            symbolic=symbolic,
            pullback=pullback or _chain(derivative, from_value),
            ufunc=name if ufunc is None else ufunc,
            code=code,
            definition=definition,
            **vars(facts),
        )
    )


def slope_of(
    base: str,
    order: int,
    formula: Function,
    *,
    derivative: Function,
    symbolic: Function,
    compiled_form: Function | None = None,
    value: Function | None = None,
    ulps: float | None = None,
    **traits: Any,
) -> Operator:
    """Enter the ``order``-th derivative of an operator as an operator of its own.

    ``formula`` defines it, written with operators; at single points (the ends of an
    interval and the turning points) it runs on thin intervals, so no separate error
    analysis is needed.  ``compiled_form`` is another formula for compiled evaluation,
    which shares work with the function itself at the price of relative accuracy in the
    tails; either may name slopes in turn.  A library's ``value``, off by at most
    ``ulps``, takes the formula's place for single points where it is given.
    ``traits`` are fields of `Traits`; ``extrema`` must be among them.
    """
    facts = _with_consequences(Traits(ulps=ulps, derivative=derivative, **traits))

    def by_formula(x: Array) -> Interval:
        return _clip(formula(Interval.unchecked(x, x)), facts.range)

    bounds: Callable[[Array], Interval] = by_formula
    if value is not None and ulps is not None:
        bounds = _library_bounds(value, ulps, 0.0, facts.range)
    return register(
        Operator(
            name=base + "'" * order,
            arity=1,
            value=value or formula,
            enclosure=_derived(bounds, facts),
            symbolic=symbolic,
            pullback=_chain(derivative, None),
            definition=formula,
            compiled_form=compiled_form,
            **vars(facts),
        )
    )


def _with_consequences(f: Traits) -> Traits:
    """Return traits with those that follow from others."""
    from_zero = f.increasing and any(p <= 0 <= y for p, y in f.exact_points)
    through_zero = f.increasing and f.strictly and (0.0, 0.0) in f.exact_points
    return replace(
        f,
        keeps_sign=f.keeps_sign or bool(from_zero),
        keeps_nonzero=f.keeps_nonzero or bool(through_zero),
    )


def _chain(derivative: Function, from_value: Function | None) -> Callable[..., Any]:
    def pullback(g: Variable, out: Variable, x: Variable) -> tuple[Variable]:
        return (times(g, derivative(x) if from_value is None else from_value(out)),)

    return pullback


def _library_bounds(
    value: Function, ulps: float, absolute: float, range: Ends
) -> Callable[[Array], Interval]:
    """Bounds of the function at points, from the error of the library's value."""

    def bounds(x: Array) -> Interval:
        y = value(x)
        wide = Interval.unchecked(
            widen_down(y, ulps, absolute), widen_up(y, ulps, absolute)
        )
        return _clip(wide, range)

    return bounds


def library_enclosure(
    value: Function, ulps: float, facts: Traits
) -> Callable[[Interval], Interval]:
    """Return the enclosure that follows from facts and the error of a value."""
    bounds = _library_bounds(value, ulps, facts.absolute, facts.range)
    of_arrays, of_floats = _derived(bounds, facts), _of_floats(value, ulps, facts)
    if facts.increasing is None:
        return of_arrays

    def enclosure(x: Interval) -> Interval:
        plain = scalar.is_scalar(x) and x.lower <= x.upper
        return of_floats(x) if plain else of_arrays(x)

    return enclosure


def _of_floats(
    value: Function, ulps: float, facts: Traits
) -> Callable[[Interval], Interval]:
    """Return the enclosure of a monotone function, of plain floats."""
    least, most = facts.range

    def enclosure(x: Interval) -> Interval:
        if _outside(x, facts.domain, facts.closed):
            return Interval.unchecked(math.nan, math.nan)
        a, b = (x.lower, x.upper) if facts.increasing else (x.upper, x.lower)
        low = scalar.widen_down(float(value(a)), ulps, facts.absolute)
        high = scalar.widen_up(float(value(b)), ulps, facts.absolute)
        low, high = min(max(low, least), most), max(min(high, most), least)
        for point, known in facts.exact_points:
            if a >= point if facts.increasing else a <= point:
                low = max(low, known)
            if b <= point if facts.increasing else b >= point:
                high = min(high, known)
        return Interval.unchecked(low, high)

    return enclosure


def _clip(x: Interval, range: Ends) -> Interval:
    low, high = range
    if low == -INF and high == INF:
        return x
    return Interval.unchecked(
        np.minimum(np.maximum(x.lower, low), high),
        np.maximum(np.minimum(x.upper, high), low),
    )


def _derived(
    bounds: Callable[[Array], Interval], facts: Traits
) -> Callable[[Interval], Interval]:
    """Return the enclosure rule that follows from the facts."""
    extrema, increasing = facts.extrema, facts.increasing
    turning: list[tuple[float, float, Interval]] = []

    def at_turning_points() -> list[tuple[float, float, Interval]]:
        # made on first use: the formulas name operators that are entered later
        if len(turning) < len(extrema):
            turning[:] = [_around(e, bounds) for e in extrema]
        return turning

    def enclosure(x: Interval) -> Interval:
        first = bounds(x.lower)
        last = first if x.is_thin else bounds(x.upper)
        if increasing is None:
            low = np.minimum(first.lower, last.lower)
            high = np.maximum(first.upper, last.upper)
            for left, right, at in at_turning_points():
                inside = (x.lower <= right) & (x.upper >= left)
                low = np.where(inside, np.minimum(low, at.lower), low)
                high = np.where(inside, np.maximum(high, at.upper), high)
            result = _clip(Interval.unchecked(low, high), facts.range)
        else:
            small, large = (first, last) if increasing else (last, first)
            result = _through_exact_points(x, small.lower, large.upper, facts)
        return undefined_where(result, _outside(x, facts.domain, facts.closed))

    return enclosure


def _around(
    e: float, bounds: Callable[[Array], Interval]
) -> tuple[float, float, Interval]:
    """Return neighbours of a turning point (a nearest double) and the values there."""
    left, right = next_down(e), next_up(e)
    ends = [bounds(np.asarray(p)) for p in (left, e, right)]
    return (
        float(left),
        float(right),
        Interval.unchecked(
            widen_down(np.minimum.reduce([i.lower for i in ends]), 1),
            widen_up(np.maximum.reduce([i.upper for i in ends]), 1),
        ),
    )


def _through_exact_points(
    x: Interval, low: Array, high: Array, facts: Traits
) -> Interval:
    for point, value in facts.exact_points:
        if facts.increasing:
            low = np.where(x.lower >= point, np.maximum(low, value), low)
            high = np.where(x.upper <= point, np.minimum(high, value), high)
        else:
            low = np.where(x.upper <= point, np.maximum(low, value), low)
            high = np.where(x.lower >= point, np.minimum(high, value), high)
    return Interval.unchecked(low, high)


def _outside(x: Interval, domain: Ends, closed: tuple[bool, bool]) -> Any:
    """Where ``x`` leaves the domain or touches a pole at its end."""
    outside: Any = False
    if domain[0] > -INF:
        outside = x.lower < domain[0] if closed[0] else x.lower <= domain[0]
    if domain[1] < INF:
        above = x.upper > domain[1] if closed[1] else x.upper >= domain[1]
        outside = outside | above
    return outside
