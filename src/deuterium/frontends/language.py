"""The words of the formula language: its functions and constants."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import scipy.special as sc

from deuterium.functions.elementwise import relu
from deuterium.graph.constructors import apply, constant
from deuterium.graph.operator import OPERATORS
from deuterium.graph.variable import Variable

__all__ = ["CONSTANTS", "FUNCTIONS", "Function"]


@dataclass(frozen=True)
class Function:
    """A function of the language: what to call, and with how many arguments."""

    call: Callable[..., Any]
    least: int = 1
    most: float = 1


def _softplus(x: Variable) -> Any:
    return -sc.log_expit(-x)


_ONE_ARGUMENT: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "ln": np.log,
    "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "sqrt": np.sqrt,
    "cbrt": np.cbrt, "square": np.square, "abs": np.abs, "sign": np.sign,
    "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "arcsinh": np.arcsinh, "arccosh": np.arccosh, "arctanh": np.arctanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "relu": relu, "expit": sc.expit, "sigmoid": sc.expit, "logit": sc.logit,
    "log_expit": sc.log_expit, "softplus": _softplus,
    "erf": sc.erf, "erfc": sc.erfc, "ndtr": sc.ndtr,
}  # fmt: skip


def _folded(ufunc: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: reduce(ufunc, xs)


FUNCTIONS: dict[str, Function] = {
    **{name: Function(call) for name, call in _ONE_ARGUMENT.items()},
    "hypot": Function(np.hypot, 2, 2),
    "logaddexp": Function(np.logaddexp, 2, 2),
    "xlogy": Function(sc.xlogy, 2, 2),
    "where": Function(np.where, 3, 3),
    "min": Function(_folded(np.minimum), 2, math.inf),
    "max": Function(_folded(np.maximum), 2, math.inf),
}
"""The functions that a formula may call, by name."""

CONSTANTS: dict[str, Callable[[], Variable]] = {
    "pi": lambda: apply(OPERATORS["pi"], (), {}),
    "e": lambda: OPERATORS["exp"](constant(1)),
}
"""The names that stand for numbers."""
