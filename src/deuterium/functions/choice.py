"""Element-wise choices and the remaining ufuncs that are not one operator."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import ShapeError, UnsupportedError
from deuterium.functions.table import implements
from deuterium.graph import protocols
from deuterium.graph.variable import Variable, as_variable, broadcast_to
from deuterium.ops.piecewise import larger, minimum, select
from deuterium.ops.piecewise import relu as relu_operator


@implements(np.where)
def where(condition: Any, *choices: Any) -> Variable:
    """Return elements of two arrays by a mask of booleans."""
    if isinstance(condition, Variable) or len(choices) != 2:
        raise UnsupportedError(
            "np.where on Variables needs an array of booleans and two choices; a "
            "condition on symbols is not recorded: use np.maximum, np.minimum, np.clip "
            "or deuterium.relu"
        )
    a, b = (as_variable(c) for c in choices)
    mask = np.asarray(condition).astype(bool)
    try:
        shape = np.broadcast_shapes(mask.shape, a.shape, b.shape)
    except ValueError:
        raise ShapeError(
            f"np.where: shapes {mask.shape}, {a.shape} and {b.shape} do not broadcast"
        ) from None
    mask = np.array(np.broadcast_to(mask, shape))
    return select(broadcast_to(a, shape), broadcast_to(b, shape), mask=mask)


@implements(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, **kwargs: Any) -> Variable:
    """Return elements limited to ``[a_min, a_max]``."""
    low, high = kwargs.get("min", a_min), kwargs.get("max", a_max)
    x = as_variable(a)
    if low is not None:
        x = larger(x, low)
    return x if high is None else minimum(x, high)


def _relu(x: Any) -> Variable:
    return relu_operator(as_variable(x))


def relu(x: Any) -> Any:
    """Return ``max(x, 0)`` of a Variable, an array of Variables, or numbers.

    Its derivative at 0 is 0.
    """
    if isinstance(x, Variable):
        return relu_operator(x)
    array = np.asarray(x)
    if array.dtype == object:
        return protocols.elementwise(_relu, (array,), {})
    return np.maximum(array, 0.0)


def _identity(x: Any) -> Any:
    return x


protocols.UFUNCS["positive"] = _identity
protocols.UFUNCS["conjugate"] = _identity
protocols.UFUNCS["deg2rad"] = lambda x: x * (np.pi / 180)
protocols.UFUNCS["radians"] = lambda x: x * (np.pi / 180)
protocols.UFUNCS["rad2deg"] = lambda x: x * (180 / np.pi)
protocols.UFUNCS["degrees"] = lambda x: x * (180 / np.pi)
protocols.UFUNCS["logaddexp2"] = lambda a, b: np.log2(np.exp2(a) + np.exp2(b))

_NO_COMPARISON = (
    "a comparison has no derivative and is not recorded; use np.maximum, np.minimum, "
    "np.clip or deuterium.relu, or np.where with an array of booleans"
)
_NO_JUMP = (
    "it jumps, so it has no derivative; round or sort the numbers outside the graph"
)
_AS_NUMBERS = "evaluate first with `.evaluate({...})` and use NumPy on the numbers"

protocols.INSTEAD.update(
    dict.fromkeys(
        ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
        _NO_COMPARISON,
    )
    | dict.fromkeys(("floor", "ceil", "rint", "trunc", "round", "around"), _NO_JUMP)
    | dict.fromkeys(("argmax", "argmin", "argsort", "searchsorted"), _AS_NUMBERS)
    | dict.fromkeys(("isnan", "isfinite", "isinf", "allclose", "isclose"), _AS_NUMBERS)
    | {
        "sort": "sorting has ties; use np.max, np.min, or sort the numbers",
        "median": "use np.mean, or evaluate first with `.evaluate({...})`",
        "arctan2": "use np.arctan(y / x) on a domain where x keeps its sign",
        "heaviside": "use the derivative of deuterium.relu",
        "softmax": "use deuterium.softmax",
        "logsumexp": "use deuterium.logsumexp",
        "inv": "solve outside the graph; matrix inverses are not operators here",
        "solve": "solve outside the graph; linear solves are not operators here",
        "det": "write small determinants out by hand",
        "cumprod": "use np.exp(np.cumsum(np.log(x))) on positive x",
    }
)
