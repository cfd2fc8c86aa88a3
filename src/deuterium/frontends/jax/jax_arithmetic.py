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
from deuterium.functions.comparisons import as_condition
from deuterium.functions.log_sum_exp import softmax
from deuterium.graph.variable import Variable
from deuterium.ops import shapes
from deuterium.ops.arithmetic import subtract
from deuterium.ops.exponential import exp

Result = Any  # a Variable: NumPy's functions have other types in their stubs


def _plain(function: Callable[..., Any]) -> Callable[[Call], Result]:
    return lambda call: function(*call.nodes())


RULES.update({name: _plain(call) for name, call in by_framework("jax").items()})

for _name, _function in {
    "add_any": operator.add, "rsqrt": lambda x: 1 / np.sqrt(x),
    "bessel_i0e": lambda x: np.i0(x) * np.exp(-np.abs(x)),
    "bessel_i1e": lambda x: sc.i1(x) * np.exp(-np.abs(x)),
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le,
    "gt": operator.gt, "ge": operator.ge,
}.items():  # fmt: skip
    RULES[_name] = _plain(_function)
for _name, _from in {
    "lt_to": "lt", "le_to": "le", "eq_to": "eq", "square": "square",
}.items():  # fmt: skip
    RULES.setdefault(_name, RULES[_from])


@primitive("copy", "copy_p", "optimization_barrier", "real", "conj", moves=True)
def unchanged(call: Call) -> list[Variable]:
    """Pass on what is the same in real numbers."""
    return call.nodes()


def _is_whole(aval: Any) -> bool:
    return np.dtype(aval.dtype).kind in "iub"


@primitive("convert_element_type", "reduce_precision")
def converted(call: Call) -> Result:
    """Return a real number of another kind; rounding to shorter floats is left out."""
    if call.name == "reduce_precision":
        call.refuse("it rounds on purpose; a lifted model is of real numbers")
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
    known = _softmax(top, bottom)
    return top / bottom if known is None else known


def _softmax(top: Variable, bottom: Variable) -> Variable | None:
    """Return the softmax that ``exp(x - shift) / sum(exp(x - shift))`` is."""
    total = bottom
    while total.op in (shapes.broadcast, shapes.reshape):
        (total,) = total.args
    if total.op is not shapes.add_reduce or total.args[0] is not top:
        return None
    if top.op is not exp:
        return None
    axes = [i % top.ndim for i in total.attrs["axis"]]
    kept = tuple(1 if i in axes else n for i, n in enumerate(top.shape))
    if len(axes) != 1 or not _spreads(bottom, total, kept):
        return None
    return softmax(_unshifted(top.args[0], kept), axis=axes[0])


def _spreads(bottom: Variable, total: Variable, kept: tuple[int, ...]) -> bool:
    """Return whether sums were spread again over the axes they were taken over."""
    marks = np.arange(total.size, dtype=float)
    path = []
    node = bottom
    while node is not total:
        path.append(node)
        (node,) = node.args
    for step in reversed(path):
        marks = step.op.value(marks.reshape(step.args[0].shape), **step.attrs)  # type: ignore[union-attr]
    wanted = np.arange(total.size, dtype=float).reshape(kept)
    return bool(np.array_equal(marks, np.broadcast_to(wanted, bottom.shape)))


def _unshifted(x: Variable, kept: tuple[int, ...]) -> Variable:
    """Return x where ``x`` is ``x - shift``, with one shift for each sum."""
    if x.op is not subtract:
        return x
    whole, shift = x.args
    low = shift
    while low.op in (shapes.broadcast, shapes.reshape):
        (low,) = low.args
    if low.size == int(np.prod(kept)) and _spreads(shift, low, kept):
        return whole
    return x


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


@primitive("round")
def rounded(call: Call) -> Result:
    """Return the nearest integer, ties to even or away from zero."""
    if "EVEN" in str(call.params["rounding_method"]):
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
        if array is not None and not mask.all():
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
