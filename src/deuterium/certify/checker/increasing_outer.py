"""The core S of an objective F = m(S), and the increasing function m around it.

Methods with derivatives speak of S: ``sup m(S) = m(sup S)``, and S rises, bends and
turns where F could only be flat or have a kink.  S is found by taking off F, from the
outside in: a sign; a constant summand or factor; a function of one variable that rises
or falls over its whole domain; and once a product of factors that are not negative, of
which one at least is a square root or an absolute value, in favour of the root of the
product of their squares.  What remains, or minus it if what was taken off falls, is
simplified over the domain.
"""

from __future__ import annotations

import math

from deuterium import ops
from deuterium.certify.checker.operator_table import is_never_negative, rises
from deuterium.domain.domain import Domain
from deuterium.graph.constructors import apply, symbol
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.transform.simplify.simplify import simplify

CORE = "the core"

Layer = tuple[
    Operator, Variable | None, bool
]  # operator, its constant, whether it is first


def core_of(objective: Variable, domain: Domain) -> tuple[Variable, Variable]:
    """Return S and m, a graph of the one symbol named `CORE`."""
    layers: list[Layer] = []
    node, falls, squared = objective, False, False
    while True:
        product = None if squared else _squared(node)
        if product is not None:
            node, squared = product, True
            layers.append((ops.sqrt, None, False))
            continue
        found = _outermost(node)
        if found is None:
            break
        node, turns, layer = found
        falls ^= turns
        layers.append(layer)
    value = symbol(CORE)
    if not layers:
        return objective, value
    if falls:
        value, node = -value, -node
    for op, number, first in reversed(layers):
        args = (
            [value] if number is None else [number, value] if first else [value, number]
        )
        value = apply(op, args, {})
    return simplify(node, domain), value


def _number(v: Variable) -> float | None:
    """Return the value of a scalar constant that is a finite double, exactly."""
    if not v.is_constant or v.shape:
        return None
    number = float(v.value)
    return number if math.isfinite(number) and number == v.value else None


def _outermost(v: Variable) -> tuple[Variable, bool, Layer] | None:
    """Return the argument of an outermost monotone function, if it falls, and it."""
    if v.op is None or v.shape or not free_symbols([v]):
        return None
    op = v.op
    up = rises(op)
    if up is not None:
        x = v.args[0]
        return None if x.shape else (x, not up, (op, None, False))
    if op not in (ops.add, ops.subtract, ops.multiply, ops.divide):
        return None
    a, b = v.args
    scales = op in (ops.multiply, ops.divide)
    c = _number(b)
    if c is not None:
        return None if scales and c == 0 else (a, scales and c < 0, (op, b, False))
    c = _number(a)
    if c is None or op is ops.divide or (op is ops.multiply and c == 0):
        return None
    return b, op is ops.subtract or (scales and c < 0), (op, a, True)


def _squared(v: Variable) -> Variable | None:
    """Return the product of the squares of factors >= 0 of which one is a root."""
    factors, roots = _factors(v), 0
    if len(factors) < 2:
        return None
    product: Variable | None = None
    for f in factors:
        op = f.op
        number = _number(f)
        if number is not None and number <= 0:
            return None
        if op in (ops.sqrt, ops.absolute):
            roots += 1
            f = f.args[0] if op is ops.sqrt else f.args[0] ** 2
        elif number is not None or is_never_negative(op):
            f = f**2
        else:
            return None
        product = f if product is None else product * f
    return product if roots else None


def _factors(v: Variable) -> list[Variable]:
    found: list[Variable] = []
    stack = [v]
    while stack:
        x = stack.pop()
        if x.op is ops.multiply and not x.shape:
            stack += x.args[::-1]
        else:
            found.append(x)
    return found
