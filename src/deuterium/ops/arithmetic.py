"""Arithmetic: sums, products, quotients, powers, roots.

These are correctly rounded in IEEE arithmetic, so their enclosures are hand-written in
`deuterium.interval.interval_arithmetic` and lose at most one ulp.
"""

from __future__ import annotations

import operator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import symengine as se

from deuterium.graph import protocols
from deuterium.graph.constructors import apply, as_variable, constant
from deuterium.graph.hooks import provides
from deuterium.graph.operator import BY_UFUNC, OPERATORS, Operator, Shape, register
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, doubles, interval_arithmetic
from deuterium.interval.environment import require_read
from deuterium.interval.rounding import next_down, next_up, sum_error
from deuterium.ops.univariate import times, unary


def _symbolic_root(x: Any) -> Any:
    """Return ``x**0.5`` where floats occur in ``x``, and else the exact root.

    So that a form in floats is in floats throughout: code that walks one (as the seed
    notebooks do) meets no rational number in it.
    """
    x = se.sympify(x)
    stack, seen = [x], {x}
    while stack:
        e = stack.pop()
        if isinstance(e, se.RealDouble):
            return x**0.5
        fresh = [a for a in e.args if a not in seen]
        seen.update(fresh)
        stack.extend(fresh)
    return se.sqrt(x)


def binary(
    name: str, value: Any, enclosure: Any, symbolic: Any, pullback: Any, **fields: Any
) -> Operator:
    """Enter an element-wise operator of two arguments."""
    return register(
        Operator(
            name=name,
            arity=2,
            value=value,
            enclosure=enclosure,
            symbolic=symbolic,
            pullback=pullback,
            ufunc=fields.pop("ufunc", name),
            **fields,
        )
    )


add = binary(
    "add",
    operator.add,
    interval_arithmetic.add,
    operator.add,
    lambda g, out, a, b: (g, g),
    code="{0} + {1}",
    linear=True,
    commutative=True,
    keeps_sign=True,
    work=1,
)
subtract = binary(
    "subtract",
    operator.sub,
    interval_arithmetic.subtract,
    operator.sub,
    lambda g, out, a, b: (g, -g),
    code="{0} - {1}",
    linear=True,
    work=1,
)
multiply = binary(
    "multiply",
    operator.mul,
    interval_arithmetic.multiply,
    operator.mul,
    lambda g, out, a, b: (times(g, b), times(g, a)),
    code="{0} * {1}",
    bilinear=True,
    degrees=(1, 1),
    commutative=True,
    keeps_sign=True,
    keeps_nonzero=True,
    work=1,
)
divide = binary(
    "divide",
    np.true_divide,
    interval_arithmetic.divide,
    lambda a, b: se.sympify(a) / b,
    lambda g, out, a, b: (g / b, -(times(g, a) / square(b))),
    code="{0} / {1}",
    degrees=(1, -1),
    keeps_sign=True,
    keeps_nonzero=True,
)
negative = register(
    Operator(
        name="negative",
        arity=1,
        value=operator.neg,
        enclosure=interval_arithmetic.negative,
        symbolic=operator.neg,
        pullback=lambda g, out, x: (-g,),
        ufunc="negative",
        code="-{0}",
        linear=True,
        increasing=False,
        keeps_nonzero=True,
        parity="odd",
        work=1,
    )
)

square: Operator = unary(
    "square",
    lambda x: x * x,
    ulps=0.5,
    derivative=lambda x: 2 * x,
    symbolic=lambda x: x**2,
    range=(0.0, np.inf),
    extrema=(0.0,),
    enclosure=interval_arithmetic.square,
    code="{0} * {0}",
    parity="even",
    degrees=(2,),
    keeps_nonzero=True,
    work=1,
)
sqrt: Operator = unary(
    "sqrt",
    np.sqrt,
    ulps=0.5,
    derivative=lambda x: 0.5 / sqrt(x),
    from_value=lambda y: 0.5 / y,
    symbolic=lambda x: _symbolic_root(x),
    domain=(0.0, np.inf),
    range=(0.0, np.inf),
    increasing=True,
    enclosure=interval_arithmetic.sqrt,
    degrees=(0.5,),
    keeps_nonzero=True,
)
reciprocal = unary(
    "reciprocal",
    lambda x: np.true_divide(1.0, x),
    ulps=0.5,
    derivative=lambda x: -integer_power(x, n=-2),
    symbolic=lambda x: se.sympify(x) ** -1,
    enclosure=interval_arithmetic.reciprocal,
    code="1.0 / {0}",
    degrees=(-1,),
    parity="odd",
    keeps_nonzero=True,
    keeps_sign=True,
)
cbrt: Operator = unary(
    "cbrt",
    np.cbrt,
    ulps=16,
    derivative=lambda x: reciprocal(3 * square(cbrt(x))),
    from_value=lambda y: reciprocal(3 * square(y)),
    symbolic=lambda x: se.sign(x) * se.Abs(x) ** se.Rational(1, 3),
    increasing=True,
    exact_points=((0.0, 0.0), (1.0, 1.0), (-1.0, -1.0)),
    parity="odd",
)


# -- powers --------------------------------------------------------------------------


def _integer_power_value(x: Any, n: int) -> Any:
    return np.power(np.asarray(x, dtype=np.float64), float(n))


def _integer_power_pullback(
    g: Variable, out: Variable, x: Variable, n: int
) -> tuple[Variable]:
    return (times(g, n * raise_to(x, n - 1)),)


def _same(shape: Shape, n: int) -> Shape:
    if not isinstance(n, int):
        raise TypeError(f"the exponent must be an integer, got {n!r}")
    return shape


integer_power: Operator = register(
    Operator(
        name="integer_power",
        arity=1,
        value=_integer_power_value,
        enclosure=interval_arithmetic.integer_power,
        symbolic=lambda x, n: se.sympify(x) ** n,
        pullback=_integer_power_pullback,
        code="{0} ** {n}.0",
        shape=_same,
        keeps_nonzero=True,
        keeps_sign=True,
    )
)


def _power_pullback(
    g: Variable, out: Variable, x: Variable, y: Variable
) -> tuple[Variable, Variable]:
    less = y - 1
    if y.is_constant and np.all(sum_error(y.value, -1.0, y.value - 1.0) == 0):
        less = constant(y.value - 1)  # no rounding: the same number
    if x.is_constant and np.all(x.value > 0):
        return times(g, y * raise_to(x, less)), times(g, out * BY_UFUNC["log"](x))
    by_exponent = apply(OPERATORS["power_log"], (x, y), {"n": 1})
    return times(g, y * raise_to(x, less)), times(g, by_exponent)


power = binary(
    "power",
    lambda x, y: np.power(np.asarray(x, dtype=np.float64), y),
    interval_arithmetic.power,
    lambda x, y: se.sympify(x) ** y,
    _power_pullback,
)


@provides("power")
def raise_to(base: Any, exponent: Any) -> Any:
    """Return ``base ** exponent``, choosing the operator by the exponent.

    A constant integer exponent gives ``integer_power`` (defined for negative bases, no
    logarithm anywhere), one half gives ``sqrt``, anything else ``power``.
    """
    for x in (base, exponent):
        if isinstance(x, np.ndarray) and x.dtype == object:
            return protocols.elementwise(raise_to, (base, exponent), {})
    number = _plain_number(exponent)
    if number is None:
        return power(as_variable(base), exponent)
    base = as_variable(base)
    if number == 0.5:
        return sqrt(base)
    if number == -0.5:
        return reciprocal(sqrt(base))
    if number != number or abs(number) > 2**31 or number != int(number):
        return power(base, as_variable(number))
    return _by_integer(base, int(number))


def _plain_number(exponent: Any) -> Any:
    """Return the exponent, exactly, if it is a plain number.

    A constant Variable is not: one may differentiate with respect to it.
    """
    if isinstance(exponent, (np.ndarray, np.generic, Fraction, Decimal)):
        array = np.asarray(exponent)
        if array.shape != ():
            return None
        exponent = doubles.as_plain_array(exponent, "an exponent").item()
    if not isinstance(exponent, (int, float)):
        return None
    if isinstance(exponent, float):
        require_read("power", exponent)
    return exponent


def _by_integer(base: Variable, n: int) -> Variable:
    if n == 0:
        return constant(np.ones(base.shape) if base.shape else 1)
    if n == 1:
        return base
    if n == 2:
        return square(base)
    if n == -1:
        return reciprocal(base)
    return integer_power(base, n=n)


protocols.UFUNCS["power"] = raise_to
protocols.UFUNCS["float_power"] = raise_to


# -- pi ------------------------------------------------------------------------------

pi = register(
    Operator(
        name="pi",
        arity=0,
        value=lambda: np.pi,
        enclosure=lambda: Interval.unchecked(
            float(next_down(np.pi)), float(next_up(np.pi))
        ),
        symbolic=lambda: se.pi,
        pullback=lambda g, out: (),
        shape=lambda: (),
        ufunc="",
        never_zero=True,
    )
)
