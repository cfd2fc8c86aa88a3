"""The rational number that a graph without symbols is, if it is one."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from deuterium import ops
from deuterium.graph.constructors import constant
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.substitute import rebuild
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.transform.expansion.expand import Expansion, TooLong
from deuterium.transform.simplify.simplify import simplify

__all__ = ["exact_number"]


def exact_number(v: Variable) -> Fraction | None:
    """Return what a scalar without symbols is, by fractions; None if that is not seen.

    Of functions that are not rational, roots of squares are seen.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium.transform.exact_number import exact_number
    >>> exact_number(dt.constant(0.01) - dt.constant(0.1) ** 2) < 0
    True
    """
    simple = simplify(v)
    order = topological([simple])
    return _polynomial(interpret(order, lambda leaf: leaf, _rule)[simple])


def _polynomial(v: Variable) -> Fraction | None:
    try:
        (elements,) = Expansion().of([v])
    except TooLong:
        return None
    return elements[0].value


def _rule(op: Operator) -> Any:
    return _root if op is ops.sqrt else rebuild(op)


def _root(square: Variable) -> Variable:
    found = None if square.shape else _polynomial(square)
    if found is not None and found >= 0:
        root = Fraction(*(math.isqrt(n) for n in found.as_integer_ratio()))
        if root * root == found and Fraction(float(root)) == root:
            return constant(float(root))
    return ops.sqrt(square)
