"""What the functions of SymPy and symengine are, by the names of their classes.

Both spell them alike but for capitals, so names are in lower case here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import scipy.special as sc

from deuterium.functions.comparisons import COMPARISONS, where
from deuterium.functions.special_formulas import polygamma
from deuterium.graph.constructors import as_variable, constant
from deuterium.graph.variable import Variable
from deuterium.ops.arithmetic import reciprocal
from deuterium.ops.gamma import bessel

__all__ = ["ANY_NUMBER", "HEADS"]

Head = Callable[..., Any]


def _logarithm(x: Variable, *base: Variable) -> Any:
    return np.log(x) / np.log(base[0]) if base else np.log(x)


def _heaviside(x: Variable, at_zero: Any = 0.5) -> Any:
    return np.heaviside(x, at_zero)


def _gamma(x: Variable) -> Any:
    return np.exp(sc.gammaln(x))


def _bessel_i(order: Variable, x: Variable) -> Any:
    if order.is_constant and isinstance(order.value, int) and order.value >= 0:
        return bessel(x, order.value)
    return None


def _polygamma(order: Variable, x: Variable) -> Any:
    if order.is_constant and isinstance(order.value, int) and order.value >= 0:
        return polygamma(order.value, x)
    return None


def _sinc(x: Variable) -> Any:
    """Return ``sin(x) / x``, 1 at 0: what NumPy calls sinc has a factor pi inside."""
    return where(COMPARISONS["equal"](x, 0), 1, np.sin(x) / x)


def _equal(a: Variable, b: Variable) -> Any:
    return where(COMPARISONS["equal"](a, b), 1, 0)


_UNARY: dict[str, Head] = {
    "exp": np.exp, "abs": np.abs, "sign": np.sign, "floor": np.floor,
    "ceiling": np.ceil, "frac": lambda x: x - np.floor(x), "truncate": np.trunc,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "cot": lambda x: 1 / np.tan(x),
    "sec": lambda x: 1 / np.cos(x), "csc": lambda x: 1 / np.sin(x), "sinc": _sinc,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "acot": lambda x: np.arctan(1 / x), "asec": lambda x: np.arccos(1 / x),
    "acsc": lambda x: np.arcsin(1 / x),
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "coth": lambda x: 1 / np.tanh(x), "sech": lambda x: 1 / np.cosh(x),
    "csch": lambda x: 1 / np.sinh(x),
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "acoth": lambda x: np.arctanh(1 / x), "asech": lambda x: np.arccosh(1 / x),
    "acsch": lambda x: np.arcsinh(1 / x),
    "erf": sc.erf, "erfc": sc.erfc, "erfinv": sc.erfinv,
    "erfcinv": lambda x: sc.erfinv(1 - x), "loggamma": sc.gammaln, "gamma": _gamma,
    "factorial": lambda x: _gamma(x + 1), "digamma": sc.digamma,
    "re": operator.pos, "im": lambda x: x * 0, "conjugate": operator.pos,
}  # fmt: skip

_SEVERAL: dict[str, Head] = {
    "log": _logarithm, "heaviside": _heaviside, "atan2": np.arctan2,
    "mod": np.remainder, "beta": lambda a, b: np.exp(
        sc.gammaln(a) + sc.gammaln(b) - sc.gammaln(a + b)
    ), "erf2": lambda a, b: sc.erf(b) - sc.erf(a), "besseli": _bessel_i,
    "polygamma": _polygamma, "kroneckerdelta": _equal,
}  # fmt: skip


def _folded(join: Callable[[Any, Any], Any]) -> Head:
    return lambda *xs: reduce(join, xs)


def _factors(*xs: Variable) -> Any:
    """Return a product; what SymPy writes as a power of -1 divides it."""
    above = [x for x in xs if x.op is not reciprocal]
    below = [x.args[0] for x in xs if x.op is reciprocal]
    if not below:
        return reduce(operator.mul, above)
    top = reduce(operator.mul, above) if above else as_variable(1)
    return top / reduce(operator.mul, below)


_ANY: dict[str, Head] = {
    "add": _folded(operator.add), "mul": _factors,
    "max": _folded(np.maximum), "min": _folded(np.minimum),
    "matadd": _folded(operator.add), "hadamardproduct": _folded(operator.mul),
    "and": _folded(lambda a, b: np.logical_and(a, b)),
    "or": _folded(lambda a, b: np.logical_or(a, b)),
    "xor": _folded(lambda a, b: np.logical_xor(a, b)),
}  # fmt: skip

_CONDITIONS: dict[str, Head] = {
    "strictlessthan": COMPARISONS["less"], "lessthan": COMPARISONS["less_equal"],
    "strictgreaterthan": COMPARISONS["greater"],
    "greaterthan": COMPARISONS["greater_equal"],
    "equality": COMPARISONS["equal"], "unequality": COMPARISONS["not_equal"],
    "not": np.logical_not, "ite": lambda c, a, b: where(c, a, b),
}  # fmt: skip


def _product(*factors: Variable) -> Any:
    """Return a product of matrices and numbers."""
    scalars = [f for f in factors if not f.shape]
    matrices = [f for f in factors if f.shape]
    return reduce(operator.mul, scalars, reduce(operator.matmul, matrices))


def _matrix_power(x: Any, n: Variable) -> Any:
    if n.is_constant and n.value == -1:  # how SymPy writes an inverse
        return np.linalg.inv(x)
    if n.is_constant and isinstance(n.value, int):
        return np.linalg.matrix_power(x, n.value)
    return None


_MATRICES: dict[str, Head] = {
    "matmul": _product, "matpow": _matrix_power,
    "transpose": np.transpose, "adjoint": np.transpose,
    "inverse": lambda x, *_: np.linalg.inv(x), "trace": np.trace,
    "determinant": np.linalg.det,
    "hadamardpower": lambda x, p: x**p, "kroneckerproduct": _folded(np.kron),
    "dotproduct": lambda a, b: np.sum(np.ravel(a) * np.ravel(b)),
}  # fmt: skip

HEADS: dict[str, Head] = {**_UNARY, **_SEVERAL, **_ANY, **_CONDITIONS, **_MATRICES}
"""Functions by the name of the class; None is returned where arguments do not fit."""

ANY_NUMBER = frozenset({*_ANY, "matmul", "kroneckerproduct"})
"""Those that take any number of arguments."""

CONSTANTS: dict[str, Callable[[], Any]] = {
    "exp1": lambda: np.exp(constant(1)),
    "eulergamma": lambda: -sc.digamma(constant(1)),
    "goldenratio": lambda: (1 + np.sqrt(constant(5))) / 2,
    "booleantrue": lambda: as_variable(1),
    "booleanfalse": lambda: as_variable(0),
}
"""Exact constants by the name of the class."""
