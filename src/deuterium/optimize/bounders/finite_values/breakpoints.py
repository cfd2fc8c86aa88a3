"""Places between which a graph does not depend on an input: counts, bins, digits.

An input that enters through comparisons with numbers alone matters only by which of
them it has passed.  Between two neighbouring places, the value is the same everywhere;
so the places themselves, and one point in each gap, stand for all values there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable

MOST = 256  # places

Array = Any
JUMPS = {ops.is_positive, ops.is_zero, ops.sign, ops.step}


@dataclass(frozen=True)
class _Affine:
    """Elements ``slope * t + at``, of one element t of a symbol each; exact."""

    slope: Array
    at: Array


def breakpoints(graph: Graph, s: Variable) -> list[float] | None:
    """Return all places at which a graph may jump as an element of a symbol moves.

    None where it depends on the symbol in another way, or at a place is no double.
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
        elif node.op in JUMPS:
            x = affine[node.args[0]]
            pairs = zip(np.ravel(x.slope), np.ravel(x.at), strict=True)
            places |= {-b / a for a, b in pairs if a}
            moving.add(node)
        else:
            form = _form(node, affine)
            if form is None:
                return None
            affine[node] = form
    if graph[0] in affine or len(places) > MOST:
        return None
    exact = sorted(places)
    doubles = [float(x) for x in exact]
    return doubles if all(map(_same, doubles, exact)) else None


def _same(x: float, exact: Fraction) -> bool:
    return Fraction(x) == exact


def _form(node: Variable, affine: dict[Variable, _Affine]) -> _Affine | None:
    """Return a node that is affine in the symbol, element by element."""
    parts = [affine.get(a) or _number(a) for a in node.args]
    known = [p for p in parts if p is not None]
    if len(known) < len(parts):
        return None
    op = node.op
    assert op is not None
    if op.moves_elements:
        return _Affine(*(_moved(node, [e(p) for p in known]) for e in (_slope, _at)))
    if op is ops.negative:
        return _Affine(-known[0].slope, -known[0].at)
    if op in (ops.add, ops.subtract, ops.multiply):
        return _combined(op, known, [a in affine for a in node.args])
    return None


def _slope(p: _Affine) -> Array:
    return p.slope


def _at(p: _Affine) -> Array:
    return p.at


def _moved(node: Variable, numbers: list[Array]) -> Array:
    assert node.op is not None
    return np.asarray(node.op.value(*numbers, **node.attrs), dtype=object)


def _combined(op: Any, parts: list[_Affine], moves: list[bool]) -> _Affine | None:
    if all(moves):
        return None  # two elements of the symbol may meet
    a, b = parts
    if op is ops.multiply:
        factor, other = (b, a) if moves[0] else (a, b)
        return _Affine(other.slope * factor.at, other.at * factor.at)
    sign = -1 if op is ops.subtract else 1
    return _Affine(a.slope + sign * b.slope, a.at + sign * b.at)


def _number(v: Variable) -> _Affine | None:
    """Return a constant, or what is moved of one."""
    chain = []
    while v.op is not None and v.op.moves_elements and len(v.args) == 1:
        chain.append(v)
        v = v.args[0]
    if not v.is_constant:
        return None
    try:
        exact = np.vectorize(Fraction, otypes=[object])(v.value)
    except (TypeError, ValueError, OverflowError):
        return None
    for node in chain[::-1]:
        exact = _moved(node, [exact])
    exact = np.asarray(exact, dtype=object)
    return _Affine(exact * 0, exact)


def representatives(places: list[float], low: float, high: float) -> list[float] | None:
    """Return the ends, the places between them, and a point in each gap.

    None where a gap holds no double.
    """
    inside = [x for x in places if low < x < high]
    edges = sorted({low, high, *inside})
    found = edges[:1]
    for a, b in zip(edges, edges[1:], strict=False):
        middle = a + 0.5 * (b - a)
        if not a < middle < b:
            return None
        found += [middle, b]
    return found
