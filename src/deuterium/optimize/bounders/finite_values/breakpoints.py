"""Places between which a graph does not depend on an input: counts, bins, digits.

An input that enters through comparisons with numbers alone, or rounded to integers,
matters only by which of them it has passed.  Between two neighbouring places, the value
is the same everywhere; so the places themselves, and one point in each gap, stand for
all values there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.finite_values.finite_options import MOST_PLACES

JUMPS = {ops.is_positive, ops.is_zero, ops.sign, ops.step}
# jump at integers, or half way between them
ROUNDINGS: dict[Operator, Fraction | int] = {
    ops.floor: 0, ops.floor_divide: 0, ops.ceil: 0, ops.trunc: 0,
    ops.rint: Fraction(1, 2),
}  # fmt: skip


@dataclass(frozen=True)
class _Affine:
    """Elements ``slope * t + at``, of one element t of a symbol each; exact.

    Where an element depends on other symbols, ``at`` is None.
    """

    slope: Array
    at: Array


def breakpoints(
    graph: Graph, s: Variable, low: float, high: float
) -> list[float] | None:
    """Return all places at which a graph may jump as an element of a symbol moves.

    None where it depends on the symbol in another way, or at a place is no double.

    Parameters
    ----------
    graph : Graph
        Of one output.
    s : Variable
        The symbol.
    low, high : float
        All of its elements lie between them.
    """
    affine: dict[Variable, _Affine] = {}
    moving: set[Variable] = set()  # piecewise constant in the symbol
    places: set[Fraction] = set()
    for node in graph.order:
        if node.is_symbol and node.name == s.name:
            one = np.full(node.shape, Fraction(1), dtype=object)
            affine[node] = _Affine(one, one * 0)
        elif node.op is None or not any(a in affine or a in moving for a in node.args):
            continue
        elif not any(a in affine for a in node.args):
            moving.add(node)
        elif node.op in JUMPS or node.op in ROUNDINGS:
            x = affine.get(node.args[0])
            if len(node.args) == 2:  # rounded is a quotient
                x = _form(node, affine, moving)
            found = None if x is None else _jumps(node.op, x, low, high)
            if found is None:
                return None
            places |= found
            moving.add(node)
        else:
            form = _form(node, affine, moving)
            if form is None:
                return None
            affine[node] = form
    if graph[0] in affine or len(places) > MOST_PLACES:
        return None
    exact = sorted(places)
    doubles = [float(x) for x in exact]
    return doubles if all(map(_same, doubles, exact)) else None


def _jumps(op: Operator, x: _Affine, low: float, high: float) -> set[Fraction] | None:
    """Return where a function of affine elements jumps, if that is known."""
    places: set[Fraction] = set()
    pairs = set(zip(np.ravel(x.slope), np.ravel(x.at), strict=True))
    for a, b in pairs:
        if not a:
            continue
        if b is None:
            return None
        if op in JUMPS:
            places.add(-b / a)
            continue
        if not (math.isfinite(low) and math.isfinite(high)):
            return None
        off = ROUNDINGS[op]
        ends = sorted(a * Fraction(t) + b - off for t in (low, high))
        first, last = math.ceil(ends[0]), math.floor(ends[1])
        if last - first > MOST_PLACES:
            return None
        places |= {(k + off - b) / a for k in range(first, last + 1)}
    return places


def _same(x: float, exact: Fraction) -> bool:
    return Fraction(x) == exact


def _form(
    node: Variable, affine: dict[Variable, _Affine], moving: set[Variable]
) -> _Affine | None:
    """Return a node that is affine in the symbol, element by element."""
    if any(a in moving for a in node.args):
        return None
    parts = [affine.get(a) or _number(a) for a in node.args]
    op = node.op
    assert op is not None
    if op.moves_elements:
        return _Affine(
            _moved(node, [p.slope for p in parts]), _moved(node, [p.at for p in parts])
        )
    rule = RULES.get(op)
    if rule is None:
        return None
    pairs = [list(zip(np.ravel(p.slope), np.ravel(p.at), strict=True)) for p in parts]
    found = [rule(*row) for row in zip(*pairs, strict=True)]
    if None in found:
        return None
    both = np.array([*found, (None, None)], dtype=object)[:-1]
    return _Affine(both[:, 0].reshape(node.shape), both[:, 1].reshape(node.shape))


def _moved(node: Variable, numbers: list[Array]) -> Array:
    assert node.op is not None
    return np.asarray(node.op.value(*numbers, **node.attrs), dtype=object)


Pair = tuple[Fraction, Fraction | None]


def _sum(a: Pair, b: Pair) -> Pair:
    known = a[1] is not None and b[1] is not None
    return a[0] + b[0], a[1] + b[1] if known else None  # type: ignore[operator]


def _opposite(a: Pair) -> Pair:
    return -a[0], None if a[1] is None else -a[1]


def _product(a: Pair, b: Pair) -> Pair | None:
    if b[0]:
        a, b = b, a
    if not a[0]:
        known = a[1] is not None and b[1] is not None
        return a[0], a[1] * b[1] if known else None  # type: ignore[operator]
    if b[0] or b[1] is None:
        return None
    return a[0] * b[1], None if a[1] is None else a[1] * b[1]


def _quotient(a: Pair, b: Pair) -> Pair | None:
    if b[0] or not b[1]:
        return None
    return a[0] / b[1], None if a[1] is None else a[1] / b[1]


RULES: dict[Operator, Callable[..., Pair | None]] = {
    ops.add: _sum,
    ops.subtract: lambda a, b: _sum(a, _opposite(b)),
    ops.negative: _opposite,
    ops.multiply: _product,
    ops.divide: _quotient,
    ops.floor_divide: _quotient,
}


def _number(v: Variable) -> _Affine:
    """Return what does not depend on the symbol; constants as they are."""
    chain = []
    while v.op is not None and v.op.moves_elements and len(v.args) == 1:
        chain.append(v)
        v = v.args[0]
    at = np.full(v.shape, None, dtype=object)
    if v.is_constant:
        with suppress(TypeError, ValueError, OverflowError):
            at = np.vectorize(Fraction, otypes=[object])(v.value)
    at = np.asarray(at, dtype=object)
    for node in chain[::-1]:
        at = _moved(node, [at])
    return _Affine(np.full(at.shape, Fraction(0), dtype=object), at)


def representatives(places: list[float], low: float, high: float) -> list[float] | None:
    """Return the ends, the places between them, and a point in each gap.

    None where a gap holds no double.
    """
    inside = [x for x in places if low < x < high]
    edges = sorted({low, high, *inside})
    found = edges[:1]
    for a, b in pairwise(edges):
        middle = a + 0.5 * (b - a)
        if not a < middle < b:
            return None
        found += [middle, b]
    return found
