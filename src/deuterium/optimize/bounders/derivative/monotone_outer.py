"""The core of an objective: what is left under an outermost increasing function.

``sup m(S) = m(sup S)`` for an increasing m, so S may be bounded in place of F = m(S).
A norm is the root of a sum of squares, which is smooth where the norm has a kink; a
logarithm, an exponential, a factor or a summand only get in the way of derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deuterium import ops
from deuterium.budget import check
from deuterium.certify.stated import is_stated
from deuterium.domain.domain import Domain
from deuterium.graph.constructors import symbol
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.transform.simplify.simplify import simplify

CORE = "the core"  # the name of the symbol that stands for S in the outer function

Layer = Callable[[Variable], Variable]


@dataclass(frozen=True)
class Core:
    """An objective F as an increasing function m of a scalar S.

    Attributes
    ----------
    inner : Variable
        S.
    outer : Variable
        m, a graph of the one symbol named `CORE`; that symbol itself if F is S.
    """

    inner: Variable
    outer: Variable


def core_of(objective: Variable, domain: Domain) -> Core:
    """Return the core of a scalar graph.

    From the outside in, these are taken off: ``-x``; ``x + c``, ``c + x``, ``x - c``,
    ``c - x``, ``x * c``, ``c * x``, ``x / c`` for a finite constant ``c != 0``; every
    operator of one variable that rises, or falls, strictly over its whole domain; and,
    once, a product of never negative factors with a square root or an absolute value
    among them, which is the root of the product of the factors' squares.  S is what
    remains, or minus it if what was taken off falls, simplified over the domain.
    """
    layers: list[Layer] = []
    node, falls, squared = objective, False, False
    while True:
        check()
        product = None if squared else _squared(node)
        if product is not None:
            node, squared = product, True
            layers.append(np.sqrt)
            continue
        peeled = _peeled(node)
        if peeled is None:
            break
        node, turns, layer = peeled
        falls ^= turns
        layers.append(layer)
    value = symbol(CORE)
    if not layers:
        return Core(objective, value)
    value = -value if falls else value
    for layer in reversed(layers):
        value = layer(value)
    return Core(simplify(-node if falls else node, domain), value)


def _number(v: Variable) -> float | None:
    """Return the value of a scalar constant that is a finite double."""
    if not v.is_constant or v.shape:
        return None
    number = float(v.value)
    return number if np.isfinite(number) and number == v.value else None


def _peeled(v: Variable) -> tuple[Variable, bool, Layer] | None:
    """Return the argument of an outermost monotone function, if it falls, and it."""
    if v.op is None or v.shape or not free_symbols([v]):
        return None
    op = v.op
    if len(v.args) == 1 and not v.args[0].shape and op.increasing is not None:
        # where it rises, but not strictly, the largest values of F need not be S's;
        # and what the checker does not know of an operator, it cannot take off
        if op.strictly and is_stated(op):
            return v.args[0], not op.increasing, op
        return None
    if op in (ops.add, ops.subtract, ops.multiply, ops.divide):
        return _without_constant(v)
    return None


def _without_constant(v: Variable) -> tuple[Variable, bool, Layer] | None:
    assert v.op is not None
    op, (a, b) = v.op, v.args
    left, right = _number(a), _number(b)
    if right is not None:
        if op in (ops.multiply, ops.divide) and right == 0:
            return None
        falls = op in (ops.multiply, ops.divide) and right < 0
        return a, falls, lambda x: op(x, b)
    if left is None or op is ops.divide or (op is ops.multiply and left == 0):
        return None
    falls = op is ops.subtract or (op is ops.multiply and left < 0)
    return b, falls, lambda x: op(a, x)


def _squared(v: Variable) -> Variable | None:
    """Return the square of a product of factors >= 0 some of which are roots."""
    factors, roots = _factors(v), 0
    if len(factors) < 2:
        return None
    product: Variable | None = None
    for f in factors:
        number = _number(f)
        if number is not None and number <= 0:
            return None
        if f.op in (ops.sqrt, ops.absolute):
            roots += 1
            f = f.args[0] if f.op is ops.sqrt else f.args[0] ** 2
        elif number is not None or _is_nonnegative(f.op):
            f = f**2
        else:
            return None
        product = f if product is None else product * f
    return product if roots else None


def _is_nonnegative(op: Operator | None) -> bool:
    return op is not None and op.nonnegative and is_stated(op)


def _factors(v: Variable) -> list[Variable]:
    found: list[Variable] = []
    stack = [v]
    while stack:
        x = stack.pop()
        if x.op is ops.multiply and not x.shape:
            stack.extend(x.args[::-1])
        else:
            found.append(x)
    return found
