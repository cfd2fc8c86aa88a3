"""The squared length of a sum of outer products, multiplied out.

Of ``M = a b' + c d'`` the squares of all elements have the sum ``|a|**2 |b|**2 + 2 (a
c) (b d) + |c|**2 |d|**2``: a few sums over one axis each, where M has a sum of two
products in every element.  A derivative of a gradient is of that form, by the product
rule, and so is a vector of which every summand has a scalar factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from deuterium import ops
from deuterium.functions.norms import norm_of_all
from deuterium.graph.constructors import apply
from deuterium.graph.variable import Variable

__all__ = ["length_of_outer_sums"]

MOST = 4  # summands; of more, the products of pairs are too many


def length_of_outer_sums(parts: Sequence[Variable]) -> Variable:
    """Return the length of all elements of arrays, those multiplied out that are sums.

    Where rounding might make the sum of products negative it is 0.
    """
    listed = [_summands(p) for p in parts]
    if all(len(terms) == 1 for terms in listed):
        return norm_of_all(list(parts))
    total: Any = 0.0
    for terms in listed:
        for t in terms:
            total = total + (t * t).sum()
        for s, t in combinations(terms, 2):
            total = total + 2 * (s * t).sum()
    length: Variable = apply(ops.sqrt, (apply(ops.relu, (total,), {}),), {})
    return length


def _summands(v: Variable) -> list[Variable]:
    """Return arrays of one shape whose sum a node is: itself, or outer products."""
    if v.op in (ops.add, ops.subtract):
        a, b = (_summands(x) for x in v.args)
        found = [*a, *([-t for t in b] if v.op is ops.subtract else b)]
        if len(found) <= MOST and all(_is_spread(t) for t in found):
            return found
        return [v]
    if v.op is ops.negative:
        return [-t for t in _summands(v.args[0])]
    if v.op is ops.multiply:
        a, b = (_summands(x) for x in v.args)
        if 1 < len(a) * len(b) <= MOST:
            return [s * t for s in a for t in b]
        return [v]
    if v.op is not None and v.op.linear and len(v.args) == 1 and _moves(v):
        terms = _summands(v.args[0])
        return [v] if len(terms) == 1 else [apply(v.op, (t,), v.attrs) for t in terms]
    return [v]


def _moves(v: Variable) -> bool:
    return v.op in (ops.broadcast, ops.reshape, ops.transpose)


def _is_spread(v: Variable) -> bool:
    """Whether a factor of a product is the same along an axis."""
    if v.op is ops.broadcast:
        return v.args[0].size < v.size
    if v.op in (ops.reshape, ops.transpose, ops.negative):
        return _is_spread(v.args[0])
    return v.op is ops.multiply and any(_is_spread(a) for a in v.args)
