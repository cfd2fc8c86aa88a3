"""Formulas of other functions: transforms to normality, losses, `sinc`, `exprel`.

G. E. P. Box and D. R. Cox, "An analysis of transformations", J. R. Stat. Soc. B 26
(1964); P. J. Huber, "Robust estimation of a location parameter", Ann. Math. Stat. 35
(1964).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.functions.function_table import implements
from deuterium.graph import protocols
from deuterium.graph.constructors import apply, as_variable
from deuterium.graph.variable import Variable
from deuterium.ops.arithmetic import raise_to, sqrt
from deuterium.ops.divided_differences import exp_difference, sinc
from deuterium.ops.exponential import exp, expm1, log, log1p
from deuterium.ops.gamma import checked_order, psi
from deuterium.ops.gamma import polygamma as polygamma_operator
from deuterium.ops.special import pi_for

_SMALL = 0.05  # exponents below it would cancel in (x**p - 1) / p


@implements(np.sinc)
def normalized_sinc(x: Any) -> Variable:
    """Return ``sin(pi x) / (pi x)``, 1 at 0."""
    v = as_variable(x)
    return apply(sinc, (v * pi_for(v),), {"n": 0})


def _exprel(x: Any) -> Variable:
    return apply(exp_difference, (x, 0), {"m": 1, "n": 1})


protocols.UFUNCS["exprel"] = _exprel


def polygamma(n: int, x: Any) -> Any:
    """Return the n-th derivative of the digamma function, on positive numbers.

    Stands in for `scipy.special.polygamma`, which does not dispatch to Variables.
    Works on numbers too.

    Parameters
    ----------
    n : int
        The order, from 0 (digamma itself) to 20.
    x : Variable or array_like
        The argument.

    Returns
    -------
    Variable or array

    Raises
    ------
    InvalidInputError
        The order is not one of these.

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x")
    >>> round(float(dt.polygamma(1, x).evaluate({x: 1.0})), 6)
    1.644934
    """
    array = x if isinstance(x, Variable) else np.asarray(x)
    order = checked_order("polygamma", n, 0)
    return polygamma_operator(array, n=order) if order else psi(array)


def _numbers(name: str, what: str, given: Any) -> Any:
    """Return a parameter that has to be numbers."""
    if isinstance(given, Variable) and given.is_constant:
        given = given.value
    if isinstance(given, Variable) or np.asarray(given).dtype == object:
        raise InvalidInputError(
            f"scipy.special.{name}: {what} must be numbers, not a Variable; of a "
            "Variable p that is not zero write np.expm1(p * np.log(x)) / p"
        )
    return np.asarray(given, dtype=float)


def _power_transform(x: Any, p: Any) -> Any:
    """Return ``(x**p - 1) / p`` for numbers p that are not zero, on positive x."""
    if p.shape or abs(p) < _SMALL:
        return expm1(p * log(x)) / p
    exponent = float(p)
    power = raise_to(x, exponent)
    if exponent.is_integer():  # a whole power is defined below zero, a transform not
        power = np.where(x >= 0, power, sqrt(x))
    return (power - 1) / exponent


def _by_exponent(
    p: Any, at_zero: Callable[[], Any], else_: Callable[[Any], Any]
) -> Any:
    """Return one formula where the exponent is zero, and another elsewhere."""
    zero = p == 0
    if not np.any(zero):
        return else_(p)
    if np.all(zero):
        return at_zero() + np.zeros(p.shape)
    return np.where(zero, at_zero(), else_(np.where(zero, 1.0, p)))


def _boxcox(x: Any, lmbda: Any) -> Any:
    p, x = _numbers("boxcox", "lmbda", lmbda), as_variable(x)
    return _by_exponent(p, lambda: log(x), lambda p: _power_transform(x, p))


def _boxcox1p(x: Any, lmbda: Any) -> Any:
    p, x = _numbers("boxcox1p", "lmbda", lmbda), as_variable(x)
    return _by_exponent(p, lambda: log1p(x), lambda p: expm1(p * log1p(x)) / p)


def _inv_boxcox(y: Any, lmbda: Any) -> Any:
    p, y = _numbers("inv_boxcox", "lmbda", lmbda), as_variable(y)
    return _by_exponent(p, lambda: exp(y), lambda p: exp(log1p(p * y) / p))


def _inv_boxcox1p(y: Any, lmbda: Any) -> Any:
    p, y = _numbers("inv_boxcox1p", "lmbda", lmbda), as_variable(y)
    return _by_exponent(p, lambda: expm1(y), lambda p: expm1(log1p(p * y) / p))


def _threshold(name: str, delta: Any) -> Any:
    if not isinstance(delta, Variable) and not np.all(np.asarray(delta) > 0):
        raise InvalidInputError(
            f"scipy.special.{name}: delta must be positive; got {delta!r}"
        )
    return delta


def _huber(delta: Any, r: Any) -> Any:
    size, delta = np.abs(as_variable(r)), _threshold("huber", delta)
    linear = delta * (size - 0.5 * delta)
    return np.where(size <= delta, 0.5 * np.square(as_variable(r)), linear)


def _pseudo_huber(delta: Any, r: Any) -> Any:
    delta = _threshold("pseudo_huber", delta)
    return delta * delta * (np.hypot(1.0, as_variable(r) / delta) - 1)


protocols.UFUNCS.update(
    boxcox=_boxcox,
    boxcox1p=_boxcox1p,
    inv_boxcox=_inv_boxcox,
    inv_boxcox1p=_inv_boxcox1p,
    huber=_huber,
    pseudo_huber=_pseudo_huber,
)
