"""JAX's primitives that go element by element: arithmetic, conditions, choices."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import scipy.special as sc

from deuterium.frontends.framework_names import by_framework
from deuterium.frontends.jax.jax_rules import RULES, Call, primitive
from deuterium.frontends.jax.jax_softmax import (
    is_sum_of_exp,
    log_of_sum,
    log_of_two,
    shifted_back,
    softmax_of,
    without_shifts,
)
from deuterium.functions.comparisons import as_condition
from deuterium.functions.special_formulas import polygamma
from deuterium.graph.variable import Variable

Result = Any  # a Variable: NumPy's functions have other types in their stubs


def _plain(function: Callable[..., Any]) -> Callable[[Call], Result]:
    return lambda call: function(*call.nodes())


RULES.update({name: _plain(call) for name, call in by_framework("jax").items()})

_MORE: dict[str, Callable[..., Any]] = {
    "add_any": operator.add, "rsqrt": lambda x: 1 / np.sqrt(x),
    "bessel_i0e": lambda x: np.i0(x) * np.exp(-np.abs(x)),
    "bessel_i1e": lambda x: sc.i1(x) * np.exp(-np.abs(x)),
}  # fmt: skip
RULES.update({name: _plain(call) for name, call in _MORE.items()})

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal, "lt_to": np.less, "le_to": np.less_equal,
    "eq_to": np.equal,
}  # fmt: skip


@primitive(*_COMPARISONS)
def compared(call: Call) -> Result:
    """Return a condition; a value is not NaN, and so it equals itself."""
    a, b = call.nodes()
    if a is b:
        return np.full(call.out_shape, bool(_COMPARISONS[call.name](0, 0)))
    return _COMPARISONS[call.name](a, b)


@primitive("copy", "copy_p", "optimization_barrier", "device_put", moves=True)
def unchanged(call: Call) -> list[Variable]:
    """Pass on what is the same in real numbers."""
    return call.nodes()


def _is_whole(aval: Any) -> bool:
    return np.dtype(aval.dtype).kind in "iub"


@primitive("convert_element_type")
def converted(call: Call) -> Result:
    """Return a real number of another kind; rounding to shorter floats is left out."""
    (given,), (wanted,) = call.inputs, call.outputs
    if np.dtype(wanted.dtype).kind == "b":
        return as_condition(call.node())
    if _is_whole(wanted) and not _is_whole(given):
        return np.trunc(call.node())
    return call.node()


@primitive("div")
def divided(call: Call) -> Result:
    """Return a quotient, truncated between integers; softmax as what it is."""
    top, bottom = call.nodes()
    if _is_whole(call.inputs[0]):
        return np.trunc(top / bottom)
    known = softmax_of(top, bottom)
    return top / bottom if known is None else known


@primitive("log")
def logarithm(call: Call) -> Result:
    """Return the logarithm; of a sum of exponentials as what it is."""
    known = log_of_sum(call.node())
    return np.log(call.node()) if known is None else known


@primitive("sub")
def subtracted(call: Call) -> Result:
    """Return a difference; what softmax subtracted before cancels."""
    known = without_shifts(*call.nodes())
    return operator.sub(*call.nodes()) if known is None else known


@primitive("add")
def added(call: Call) -> Result:
    """Return a sum; a logarithm of sums as what it is."""
    a, b = call.nodes()
    for known in (shifted_back, log_of_two):
        whole = known(a, b)
        if whole is not None:
            return whole
    return a + b


@primitive("abs")
def size(call: Call) -> Result:
    """Return the size; exponentials and their sums are positive."""
    x = call.node()
    return x if is_sum_of_exp(x) else np.abs(x)


@primitive("polygamma")
def derivative_of_digamma(call: Call) -> Result:
    """Return a derivative of the digamma function, of an order that is a number."""
    order = np.unique(call.number(0, "the order"))
    if order.size != 1:
        call.refuse("one order for all elements is needed")
    return np.broadcast_to(polygamma(int(order[0]), call.node(1)), call.out_shape)


@primitive("rem")
def remainder(call: Call) -> Result:
    """Return the remainder with the sign of the first argument."""
    return np.fmod(*call.nodes())


@primitive("max", "min")
def extremum(call: Call) -> Result:
    """Return the larger or smaller of two; infinite numbers leave the other."""
    least = -np.inf if call.name == "max" else np.inf
    for i in (0, 1):
        array = call.known(i)
        if array is not None and np.all(array == least):
            return np.broadcast_to(call.node(1 - i), call.out_shape)
    return (np.maximum if call.name == "max" else np.minimum)(*call.nodes())


@primitive("integer_pow")
def whole_power(call: Call) -> Result:
    """Return a power with a whole exponent."""
    return call.node() ** int(call.params["y"])


@primitive("pow")
def power(call: Call) -> Result:
    """Return a power; one whole number as exponent takes negative bases, too."""
    exponent = call.known(1)
    if exponent is not None and exponent.size and np.all(exponent == exponent.flat[0]):
        number = exponent.flat[0].item()
        return np.broadcast_to(call.node() ** number, call.out_shape)
    return np.power(*call.nodes())


TO_NEAREST_EVEN = 1  # jax.lax.RoundingMethod.TO_NEAREST_EVEN


@primitive("round")
def rounded(call: Call) -> Result:
    """Return the nearest integer, ties to even or away from zero."""
    if int(call.params["rounding_method"]) == TO_NEAREST_EVEN:
        return np.rint(call.node())
    x = call.node()
    return np.sign(x) * np.floor(np.abs(x) + 0.5)


@primitive("is_finite")
def is_finite(call: Call) -> Result:
    """Return true: what is bounded is a function of real numbers."""
    return np.isfinite(call.node()) | np.zeros(call.out_shape, dtype=bool)


@primitive("clamp")
def clamped(call: Call) -> Result:
    """Return elements limited to a range."""
    low, x, high = call.nodes()
    return np.minimum(np.maximum(x, low), high)


@primitive("not")
def negation(call: Call) -> Result:
    """Return whether a condition does not hold."""
    _require_conditions(call)
    return np.logical_not(call.node())


@primitive("and", "or", "xor")
def joined_conditions(call: Call) -> Result:
    """Return conditions joined."""
    _require_conditions(call)
    join = getattr(np, f"logical_{call.name}")
    return join(*map(as_condition, call.nodes()))


def _require_conditions(call: Call) -> None:
    if np.dtype(call.inputs[0].dtype).kind != "b":
        call.refuse("bits of integers have no meaning on Variables")


@primitive("select_n")
def selected(call: Call) -> Result:
    """Return elements of the case that a condition, or a number, chooses."""
    which = call.known(0)
    if which is not None:
        return _by_mask(call, np.broadcast_to(which, call.out_shape).astype(int))
    chooser, *cases = call.nodes()
    if len(cases) == 2 and np.dtype(call.inputs[0].dtype).kind == "b":
        return np.where(as_condition(chooser), cases[1], cases[0])
    pairs = list(enumerate(cases))
    last = pairs.pop()[1]
    return reduce(
        lambda rest, pair: np.where(chooser <= pair[0], pair[1], rest),
        reversed(pairs),
        last,
    )


def _by_mask(call: Call, which: Any) -> Result:
    """Choose by numbers; what is not chosen may be NaN."""
    result: Any = None
    for k in range(len(call.values) - 1):
        mask = which == k
        if not mask.any():
            continue
        array = call.known(k + 1)
        if array is not None and np.isnan(array).any():
            case: Any = np.where(mask, array, 0).astype(np.float64)
        else:
            case = call.node(k + 1)
        if result is None:
            result = case
        else:
            result = np.where(mask, _as_variable(case), _as_variable(result))
    return _as_variable(result)


def _as_variable(x: Any) -> Variable:
    return x if isinstance(x, Variable) else Variable(x)
