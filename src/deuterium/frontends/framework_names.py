"""One line an operator: what it is called in each framework, and what it is here.

Only what maps array to array without attributes stands here; a front end keeps beside
it what has attributes in its framework (axes, strides, paddings).  A new operator of
this kind is one line, and the contract test of the front ends then draws it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special as sc

from deuterium.functions.elementwise import relu

__all__ = ["OPERATORS", "ElementwiseOperator", "by_framework"]


@dataclass(frozen=True)
class ElementwiseOperator:
    """An elementwise operator and its names; an empty name: the framework has none.

    Attributes
    ----------
    call : callable
        Arrays or Variables to an array or a Variable, broadcast as in NumPy.
    onnx : str
        The operator's type in the standard's main domain.
    torch : str
        The overload packet in ``torch.ops.aten``.
    jax : str
        The primitive's name in a jaxpr.
    sympy : str
        The class in SymPy.
    """

    call: Callable[..., Any]
    onnx: str = ""
    torch: str = ""
    jax: str = ""
    sympy: str = ""


OPERATORS = (
    ElementwiseOperator(np.add, "Add", "add", "add"),
    ElementwiseOperator(np.subtract, "Sub", "sub", "sub"),
    ElementwiseOperator(np.multiply, "Mul", "mul", "mul"),
    ElementwiseOperator(np.divide, "Div", "div", "div"),
    ElementwiseOperator(np.power, "Pow", "pow", "pow", "Pow"),
    ElementwiseOperator(np.maximum, "", "maximum", "max"),
    ElementwiseOperator(np.minimum, "", "minimum", "min"),
    ElementwiseOperator(np.arctan2, "", "atan2", "atan2", "atan2"),
    ElementwiseOperator(np.negative, "Neg", "neg", "neg"),
    ElementwiseOperator(np.abs, "Abs", "abs", "abs", "Abs"),
    ElementwiseOperator(np.sign, "Sign", "sign", "sign", "sign"),
    ElementwiseOperator(np.floor, "Floor", "floor", "floor", "floor"),
    ElementwiseOperator(np.ceil, "Ceil", "ceil", "ceil", "ceiling"),
    ElementwiseOperator(np.square, "", "square", "square"),
    ElementwiseOperator(np.sqrt, "Sqrt", "sqrt", "sqrt"),
    ElementwiseOperator(np.cbrt, "", "", "cbrt"),
    ElementwiseOperator(np.reciprocal, "Reciprocal", "reciprocal", ""),
    ElementwiseOperator(np.exp, "Exp", "exp", "exp", "exp"),
    ElementwiseOperator(np.exp2, "", "exp2", "exp2"),
    ElementwiseOperator(np.expm1, "", "expm1", "expm1"),
    ElementwiseOperator(np.log, "Log", "log", "log", "log"),
    ElementwiseOperator(np.log2, "", "log2", ""),
    ElementwiseOperator(np.log10, "", "log10", ""),
    ElementwiseOperator(np.log1p, "", "log1p", "log1p"),
    ElementwiseOperator(np.sin, "Sin", "sin", "sin", "sin"),
    ElementwiseOperator(np.cos, "Cos", "cos", "cos", "cos"),
    ElementwiseOperator(np.tan, "Tan", "tan", "tan", "tan"),
    ElementwiseOperator(np.arcsin, "Asin", "asin", "asin", "asin"),
    ElementwiseOperator(np.arccos, "Acos", "acos", "acos", "acos"),
    ElementwiseOperator(np.arctan, "Atan", "atan", "atan", "atan"),
    ElementwiseOperator(np.sinh, "Sinh", "sinh", "sinh", "sinh"),
    ElementwiseOperator(np.cosh, "Cosh", "cosh", "cosh", "cosh"),
    ElementwiseOperator(np.tanh, "Tanh", "tanh", "tanh", "tanh"),
    ElementwiseOperator(np.arcsinh, "Asinh", "asinh", "asinh", "asinh"),
    ElementwiseOperator(np.arccosh, "Acosh", "acosh", "acosh", "acosh"),
    ElementwiseOperator(np.arctanh, "Atanh", "atanh", "atanh", "atanh"),
    ElementwiseOperator(relu, "Relu", "relu", ""),
    ElementwiseOperator(sc.expit, "Sigmoid", "sigmoid", "logistic"),
    ElementwiseOperator(sc.erf, "Erf", "erf", "erf", "erf"),
    ElementwiseOperator(sc.erfc, "", "erfc", "erfc", "erfc"),
    ElementwiseOperator(sc.erfinv, "", "erfinv", "erf_inv", "erfinv"),
    ElementwiseOperator(sc.gammaln, "", "lgamma", "lgamma", "loggamma"),
    ElementwiseOperator(sc.digamma, "", "digamma", "digamma", "digamma"),
)
"""Every elementwise operator, in the order of their kinds."""


def by_framework(framework: str) -> dict[str, Callable[..., Any]]:
    """Return ``{name in that framework: call}``; `framework` is an attribute's name."""
    named = ((getattr(op, framework), op.call) for op in OPERATORS)
    return {name: call for name, call in named if name}
