"""Element-wise choices and the remaining ufuncs that are not one operator."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.functions.axes import common_shape
from deuterium.functions.function_table import implements, refuse
from deuterium.graph import protocols
from deuterium.graph.constructors import as_variable, broadcast_to, constant
from deuterium.graph.hooks import provides
from deuterium.graph.operator import lookup
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.arithmetic import add, raise_to
from deuterium.ops.arrays import put_places, take_places
from deuterium.ops.exponential import log
from deuterium.ops.gamma import bessel
from deuterium.ops.piecewise import absolute, larger, minimum
from deuterium.ops.piecewise import relu as relu_operator
from deuterium.ops.special import logaddexp, pi_for


@implements(np.clip)
def clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **kwargs: Any
) -> Variable:
    """Return elements limited to ``[a_min, a_max]``."""
    low, high = kwargs.pop("min", a_min), kwargs.pop("max", a_max)
    refuse("np.clip", out=out, **kwargs)
    x = as_variable(a)
    if low is not None:
        x = larger(x, low)
    return x if high is None else minimum(x, high)


@provides("power")
def power(base: Any, exponent: Any) -> Any:
    """Return ``base ** exponent`` for any mixture of numbers, arrays and Variables.

    Elements with an integer exponent take integer powers, which are defined for
    negative bases; so an array of several integers is done one integer at a time.
    """
    if not isinstance(exponent, (np.ndarray, list, tuple)) or _holds_objects(exponent):
        return raise_to(base, exponent)
    numbers = as_variable(exponent)
    powers = numbers.value
    if numbers.op is not None or not numbers.shape:
        return raise_to(base, exponent if powers is None else numbers)
    if not np.all(powers == np.rint(powers)):
        return raise_to(base, numbers)
    x = as_variable(base)
    shape = common_shape("np.power", x.shape, powers.shape)
    if 0 in shape:
        return arrays.zeros(shape)
    x, powers = broadcast_to(x, shape), np.broadcast_to(powers, shape)
    if not powers.size:
        return x  # of no elements: any power of none is none
    parts = []
    for n in np.unique(powers).tolist():
        at = np.flatnonzero(powers == n)
        parts.append(put_places(raise_to(take_places(x, at), n), at, shape))
    return parts[0] if len(parts) == 1 else reduce(add, parts)


def _holds_objects(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype == object


protocols.UFUNCS["power"] = power
protocols.UFUNCS["float_power"] = power


def _relu(x: Any) -> Variable:
    return relu_operator(as_variable(x))


def relu(x: Any) -> Any:
    """Return ``max(x, 0)`` of a Variable, an array of Variables, or numbers.

    Its derivative at 0 is 0.

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x")
    >>> dt.relu(x).evaluate({x: -2.0})
    0.0
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


def _copysign(x: Any, y: Any) -> Any:
    """Return the size of x with the sign of y; that of 0 is positive."""
    size = absolute(as_variable(x))
    if not isinstance(y, Variable):
        return size * np.copysign(1.0, y)
    return size * (1 - 2 * lookup("relu'")(-y))


def _ldexp(x: Any, n: Any) -> Any:
    """Return ``x * 2**n`` for whole numbers n."""
    if isinstance(n, Variable) or np.asarray(n).dtype.kind not in "iu":
        raise InvalidInputError(
            "np.ldexp: the exponent must be whole numbers; use x * np.exp2(n)"
        )
    return as_variable(x) * np.ldexp(1.0, n)


def _radians(x: Any) -> Any:
    return x * (pi_for(x) / 180)


def _degrees(x: Any) -> Any:
    return x * (180 / pi_for(x))


def _logaddexp2(a: Any, b: Any) -> Any:
    two = log(constant(2))
    return logaddexp(as_variable(a) * two, as_variable(b) * two) / two


for _name, _function in {
    "copysign": _copysign,
    "ldexp": _ldexp,
    "deg2rad": _radians,
    "radians": _radians,
    "rad2deg": _degrees,
    "degrees": _degrees,
    "logaddexp2": _logaddexp2,
}.items():
    protocols.UFUNCS[_name] = _function  # type: ignore[assignment]


@implements(np.i0)
def _modified_bessel(x: Any) -> Any:
    return bessel(as_variable(x), 0)
