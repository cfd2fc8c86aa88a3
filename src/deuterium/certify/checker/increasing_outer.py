"""The core S of an objective F = m(S), and the rising function m around it.

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
from collections.abc import Mapping

from deuterium.domain.domain import Domain
from deuterium.graph.constructors import apply, symbol
from deuterium.graph.operator import OPERATORS
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.transform.simplify.simplify import simplify

CORE = "the core"

# strictly: were m flat anywhere (as relu is), then where S is largest would say nothing
# of F, and the cores of one objective with different labels would not agree
RISING = {
    "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "cbrt", "erf", "exp", "exp2",
    "expit", "expm1", "log", "log10", "log1p", "log2", "log_expit", "log_ndtr", "logit",
    "ndtr", "sinh", "sqrt", "tanh",
}  # fmt: skip
FALLING = {"negative", "arccos", "erfc"}

# operators whose values are never negative, whatever their arguments
NEVER_NEGATIVE = {
    "absolute", "arccos", "arccosh", "cosh", "erfc", "exp", "exp2", "exp_difference",
    "expit", "expit'", "hypot", "kl_div", "log_cosh", "log_ndtr'", "logit'", "ndtr",
    "norm", "relu", "relu'", "softmax", "sqrt", "square", "tanh'",
}  # fmt: skip

Layer = tuple[str, Variable | None, bool]  # operator, its constant, whether it is first


def core_of(objective: Variable, domain: Domain) -> tuple[Variable, Variable]:
    """Return S and m, a graph of the one symbol named `CORE`."""
    layers: list[Layer] = []
    node, falls, squared = objective, False, False
    while True:
        product = None if squared else _squared(node)
        if product is not None:
            node, squared = product, True
            layers.append(("sqrt", None, False))
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
        value, node = _of("negative", value), -node
    for name, number, first in reversed(layers):
        args = (
            [value] if number is None else [number, value] if first else [value, number]
        )
        value = _of(name, *args)
    return simplify(node, domain), value


def _of(name: str, *args: Variable) -> Variable:
    return apply(OPERATORS[name], args, {})


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
    name = v.op.name
    if name in RISING or name in FALLING:
        x = v.args[0]
        return None if x.shape else (x, name in FALLING, (name, None, False))
    if name not in ("add", "subtract", "multiply", "divide"):
        return None
    a, b = v.args
    scales = name in ("multiply", "divide")
    c = _number(b)
    if c is not None:
        return None if scales and c == 0 else (a, scales and c < 0, (name, b, False))
    c = _number(a)
    if c is None or name == "divide" or (name == "multiply" and c == 0):
        return None
    return b, name == "subtract" or (scales and c < 0), (name, a, True)


def _squared(v: Variable) -> Variable | None:
    """Return the product of the squares of factors >= 0 of which one is a root."""
    factors, roots = _factors(v), 0
    if len(factors) < 2:
        return None
    product: Variable | None = None
    for f in factors:
        name = "" if f.op is None else f.op.name
        number = _number(f)
        if number is not None and number <= 0:
            return None
        if name in ("sqrt", "absolute"):
            roots += 1
            f = f.args[0] if name == "sqrt" else _of("square", f.args[0])
        elif number is not None or name in NEVER_NEGATIVE:
            f = _of("square", f)
        else:
            return None
        product = f if product is None else product * f
    return product if roots else None


def _factors(v: Variable) -> list[Variable]:
    found: list[Variable] = []
    stack = [v]
    while stack:
        x = stack.pop()
        if x.op is not None and x.op.name == "multiply" and not x.shape:
            stack += x.args[::-1]
        else:
            found.append(x)
    return found


CATALOGUE: Mapping[str, set[str]] = {
    "rising": RISING,
    "falling": FALLING,
    "never negative": NEVER_NEGATIVE,
}
"""What is stated here of operators, for tests."""
