"""Quotients by the root of a squared length and a number, seen as soft directions.

Only before differentiating: what the slope is, is the point (`ops.rejection`).
"""

from __future__ import annotations

import math

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.rejection import soft_direction_of
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.factors import Factors, build, factors
from deuterium.transform.simplify.rule_table import Rule
from deuterium.transform.simplify.terms import terms


def _soft_direction(v: Variable, known: Assumptions) -> Variable | None:
    """Return a product with ``x / sqrt(k |x|**2 + s)`` for numbers k and s > 0."""
    view = factors(v, known)
    for base, e in view.powers.items():
        inner = _under_root(base, e, known)
        for x in () if inner is None else view.powers:
            found = _direction_in(view, x, inner, known)
            if found is None:
                continue
            direction, scale = found
            rest = view.without({base: e, x: 1})
            rest.times(arrays.reshape_to(direction, x.shape), 1)
            rest.times(scale.sqrt(), -1)
            return build(rest, known)
    return None


def _under_root(base: Variable, e: int, known: Assumptions) -> Variable | None:
    """Return what a factor divides by the root of."""
    if base.op is ops.sqrt and e == -1:
        return base.args[0]
    if base.op is ops.power and abs(e) == 1 and known.number(base.args[1]) == -0.5 * e:
        return base.args[0]
    return None


def _direction_in(
    view: Factors, x: Variable, inner: Variable | None, known: Assumptions
) -> tuple[Variable, Variable] | None:
    """Return the soft direction of x, and k, where ``k |x|**2 + s`` is given."""
    assert inner is not None
    if view.powers[x] != 1 or x.shape != view.shape or not known.defined(x):
        return None
    sums = terms(inner, known)
    if len(sums.terms) != 1 or not sums.constant > 0:
        return None
    ((term, c),) = sums.terms.items()
    product = factors(term, known)
    for total in product.powers:
        rows = _rows_of(total, x, known)
        if rows is None or product.powers[total] != 1:
            continue
        rest = product.without({total: 1})
        if not (c > 0 and rest.coefficient > 0):
            return None
        if not all((known.number(b) or 0) > 0 and b.size == 1 for b in rest.powers):
            return None
        rest.shape = ()
        number = build(Factors((), rest.coefficient, _scalars(rest)), known)
        if number is None:
            return None
        scale = c * number
        floor = broadcast_to(constant(sums.constant) / scale, rows.shape[:-1])
        return soft_direction_of(rows, floor), scale
    return None


def _scalars(view: Factors) -> dict[Variable, int]:
    return {arrays.reshape_to(b, ()): e for b, e in view.powers.items()}


def _rows_of(total: Variable, x: Variable, known: Assumptions) -> Variable | None:
    """Return x by rows whose squares a node sums up, each in its own place."""
    shape = total.shape
    while total.op is ops.reshape:
        (total,) = total.args
    if total.op is not ops.add_reduce or total.args[0].op is not ops.square:
        return None
    axes = sorted(i % x.ndim for i in total.attrs["axis"]) if x.ndim else []
    if not axes or axes != list(range(x.ndim))[-len(axes) :]:
        return None
    if not _is_same(total.args[0].args[0], x, known):
        return None
    lead = x.shape[: -len(axes)]
    if shape not in (lead, (*lead, *(1,) * len(axes))) or (lead and shape == lead):
        return None
    count = math.prod(x.shape[-len(axes) :])
    return arrays.reshape_to(x, (*lead, count)) if count > 1 else None


def _is_same(a: Variable, b: Variable, known: Assumptions) -> bool:
    """Whether two arrays are one, or deviations from a mean that is spread two ways."""
    if a is b:
        return True
    if a.op is not ops.subtract or b.op is not ops.subtract or a.shape != b.shape:
        return False
    one, other = (_spread(x.args[1], known) for x in (a, b))
    return a.args[0] is b.args[0] and one == other


def _spread(v: Variable, known: Assumptions) -> object:
    """Return what is spread over an array, however the axes of length one are put."""
    if v.op is ops.broadcast:
        (x,) = v.args
        kept = (1,) * (v.ndim - x.ndim) + x.shape
        if any(k not in (1, n) for k, n in zip(kept, v.shape, strict=True)):
            return v
        return kept if x.size > 1 else (), _value(x, known)
    return v


def _value(v: Variable, known: Assumptions) -> object:
    """Return what tells a value: numbers, but those that must stay what they are."""
    while v.op in (ops.broadcast, ops.reshape) and (
        v.op is ops.reshape or v.args[0].size == 1
    ):
        (v,) = v.args
    if v.op is ops.divide:
        return tuple(_value(a, known) for a in v.args)
    number = None if v.shape or v.op is not None else known.number(v)
    return v if number is None else number


SOFT_DIRECTION = Rule(
    name="soft_direction",
    identity="x / sqrt(k * sum(square(x)) + s) = soft_direction(x, s / k) / sqrt(k) "
    "for numbers k and s > 0",
    holds="everywhere",
    gains="a slope that lengthens no vector",
    applies=lambda op: op in (ops.multiply, ops.divide),
    rewrite=_soft_direction,
    names=True,
)
