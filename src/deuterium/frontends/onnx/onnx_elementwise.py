"""ONNX operators element by element: arithmetic, comparisons, choices, casts.

On floats they are what `framework_names` says.  On integers, which are numbers always,
they are NumPy's, with the standard's division towards zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from deuterium.frontends.framework_names import by_framework
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import OPERATORS, means
from deuterium.frontends.onnx.onnx_tensors import FLOATS, INTEGERS, type_name
from deuterium.frontends.onnx.onnx_values import variable
from deuterium.functions.log_sum_exp import softmax
from deuterium.graph.constructors import broadcast_to
from deuterium.graph.variable import Variable
from deuterium.ops import logic
from deuterium.ops.softmax import softmax_last

__all__: list[str] = []


def _towards_zero(a: Any, b: Any) -> Any:
    """Return the quotient of integers as C has it."""
    down = np.floor_divide(a, b)
    return down + ((a % b != 0) & ((a < 0) != (b < 0)))


_OF_INTEGERS: dict[str, Callable[..., Any]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": _towards_zero,
    "Pow": np.power, "Neg": np.negative, "Abs": np.abs, "Sign": np.sign,
    "Max": np.maximum, "Min": np.minimum, "Relu": lambda x: np.maximum(x, 0),
    "Floor": np.asarray, "Ceil": np.asarray, "Round": np.asarray,
    "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor,
    "Not": np.logical_not,
}  # fmt: skip


def _all_integers(args: tuple[Any, ...]) -> bool:
    return all(isinstance(a, np.ndarray) for a in args)


def _aligned(node: OnnxNode, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments that broadcast; up to opset 6 an axis says how."""
    if node.opset >= 7 or len(args) != 2 or not node.whole("broadcast"):
        return args
    a, b = args
    axis = node.whole("axis", a.ndim - b.ndim)
    rest = a.ndim - node.axis(axis, a.ndim + 1) - b.ndim
    return a, np.reshape(b, (*b.shape, *(1,) * max(rest, 0)))


def _entered(name: str, call: Callable[..., Any]) -> None:
    """Enter an elementwise operator: by its numbers where it is all integers."""

    def run(node: OnnxNode, *inputs: Any) -> Any:
        args = _aligned(node, inputs)
        node.room(np.broadcast_shapes(*(a.shape for a in args)))
        if _all_integers(args) and name in _OF_INTEGERS:
            return np.asarray(_OF_INTEGERS[name](*args))
        return call(*(variable(a) for a in args))

    OPERATORS[name] = run


for _name, _call in by_framework("onnx").items():
    _entered(_name, _call)
for _name, _call in {
    "Round": np.rint, "And": np.logical_and, "Or": np.logical_or,
    "Xor": np.logical_xor, "Not": np.logical_not,
}.items():  # fmt: skip
    _entered(_name, _call)


def _of_many(name: str, join: Callable[[Any, Any], Any]) -> None:
    def run(node: OnnxNode, *inputs: Any) -> Any:
        node.room(np.broadcast_shapes(*(a.shape for a in inputs)))
        if _all_integers(inputs):
            return np.asarray(reduce(_OF_INTEGERS[name], inputs))
        return reduce(join, map(variable, inputs))

    OPERATORS[name] = run


_of_many("Max", np.maximum)
_of_many("Min", np.minimum)


@means("Sum")
def total(node: OnnxNode, *inputs: Any) -> Any:
    """Return the sum of all inputs."""
    made: Any = variable(inputs[0])
    for x in inputs[1:]:
        made = made + variable(x)
    return made


@means("Mean")
def average(node: OnnxNode, *inputs: Any) -> Any:
    """Return the mean of all inputs, element by element."""
    return total(node, *inputs) / len(inputs)


@means("Pow")
def to_the_power(node: OnnxNode, *inputs: Any) -> Any:
    """Return powers; an exponent of integers takes integer powers."""
    base, exponent = _aligned(node, inputs)
    if _all_integers((base, exponent)):
        return np.power(base, exponent)
    whole = exponent if isinstance(exponent, np.ndarray) else exponent.value
    if whole is not None and np.all(whole == np.rint(whole)):
        return np.power(variable(base), np.asarray(whole, dtype=np.float64))
    return np.power(variable(base), variable(exponent))


@means("Mod")
def remainder(node: OnnxNode, a: Any, b: Any) -> Any:
    """Return the remainder, of the divisor's sign or with ``fmod`` the dividend's."""
    of = np.fmod if node.whole("fmod") else np.remainder
    if _all_integers((a, b)):
        return np.asarray(of(a, b))
    return of(variable(a), variable(b))


@means("Clip")
def clipped(node: OnnxNode, x: Any, low: Any = None, high: Any = None) -> Any:
    """Return elements limited to a range, whose ends may be left out."""
    if node.opset < 11:
        ends = (node.attribute("min") and node.real("min"),
                node.attribute("max") and node.real("max"))  # fmt: skip
        low, high = (None if e is None else np.asarray(e) for e in ends)
    if _all_integers((x,)):
        return np.asarray(np.clip(x, low, high)) if (low, high) != (None, None) else x
    out = variable(x)
    out = out if low is None else np.maximum(out, _one_number(low))
    return out if high is None else np.minimum(out, _one_number(high))


def _one_number(x: Any) -> Any:
    """Return a value of one element as a scalar: relu is a maximum with a number."""
    v = variable(x)
    return np.reshape(v, ()) if v.shape else v.value if v.is_constant else v


# -- conditions ----------------------------------------------------------------------


def _have_infinite(node: OnnxNode, args: tuple[Any, ...]) -> bool:
    """Return whether arguments are numbers and some infinite: a mask looked for."""
    if not all(map(node.is_known, args)):
        return False
    return any(np.isinf(node.numbers(x, "its inputs")).any() for x in args)


def _compared(name: str, sign: Any) -> None:
    def run(node: OnnxNode, *inputs: Any) -> Any:
        a, b = _aligned(node, inputs)
        node.room(np.broadcast_shapes(a.shape, b.shape))
        if _all_integers((a, b)) or _have_infinite(node, (a, b)):
            return np.asarray(sign(*(node.numbers(x, "its inputs") for x in (a, b))))
        made = sign(variable(a), variable(b))
        return np.asarray(made) if isinstance(made, bool) else made

    OPERATORS[name] = run


for _name, _sign in {
    "Equal": np.equal, "Less": np.less, "LessOrEqual": np.less_equal,
    "Greater": np.greater, "GreaterOrEqual": np.greater_equal,
}.items():  # fmt: skip
    _compared(_name, _sign)


def _bitwise(name: str, join: Any) -> None:
    def run(node: OnnxNode, *inputs: Any) -> Any:
        return np.asarray(join(*(node.numbers(x, "its inputs") for x in inputs)))

    OPERATORS[name] = run


for _name, _join in {
    "BitwiseAnd": np.bitwise_and, "BitwiseOr": np.bitwise_or,
    "BitwiseXor": np.bitwise_xor, "BitwiseNot": np.bitwise_not,
}.items():  # fmt: skip
    _bitwise(_name, _join)


@means("Where")
def chosen(node: OnnxNode, condition: Any, a: Any, b: Any) -> Any:
    """Return elements of two arrays by a condition."""
    shape = np.broadcast_shapes(condition.shape, a.shape, b.shape)
    node.room(shape)
    if _all_integers((condition, a, b)):
        return np.where(condition, a, b)
    if isinstance(condition, Variable) and node.is_known(condition):
        condition = node.numbers(condition, "the condition").astype(bool)
    if isinstance(condition, np.ndarray) and condition.size == 1:
        return broadcast_to(variable(a if condition.item() else b), shape)
    yes, no = variable(a), variable(b)
    if isinstance(condition, np.ndarray):
        condition = condition.astype(bool)
        yes, no = _of_kept_rows(yes, condition), _of_kept_rows(no, ~condition)
    return np.where(condition, yes, no)


def _of_kept_rows(x: Variable, kept: Any) -> Variable:
    """Return a softmax of which whole rows are chosen, the others of zeros.

    A row that a mask leaves nothing of has no softmax and, chosen or not, no slopes.
    """
    fits = np.broadcast_shapes(kept.shape, x.shape) == x.shape
    if x.op is not softmax_last or not fits:
        return x
    mask = np.broadcast_to(kept, x.shape)
    if mask.all() or (mask != mask[..., :1]).any():
        return x
    return softmax(np.where(mask, x.args[0], 0))


@means("IsNaN")
def is_nan(node: OnnxNode, x: Any) -> Any:
    """Return no: what is bounded is a function of real numbers."""
    return np.zeros(x.shape, dtype=bool)


@means("IsInf")
def is_infinite(node: OnnxNode, x: Any) -> Any:
    """Return which elements are infinite; of what hangs on inputs none is."""
    if not node.is_known(x):
        return np.zeros(x.shape, dtype=bool)
    numbers = node.numbers(x, "its input")
    above = (numbers == math.inf) & bool(node.whole("detect_positive", 1))
    below = (numbers == -math.inf) & bool(node.whole("detect_negative", 1))
    return np.asarray(above | below)


# -- casts ---------------------------------------------------------------------------


@means("Cast")
def cast(node: OnnxNode, x: Any) -> Any:
    """Return elements of another type; between floats nothing changes."""
    kind = node.whole("to")
    if kind in FLOATS:
        return _as_float(x)
    if kind not in INTEGERS:
        node.refuse(f"a cast to {type_name(kind)} is not supported")
    if kind == 9:
        return x.astype(bool) if isinstance(x, np.ndarray) else _as_condition(node, x)
    if isinstance(x, Variable) and not node.is_known(x):
        node.refuse(
            f"a cast of what depends on the model's inputs to {type_name(kind)} is "
            "not supported: places and counts must be numbers; leave the output out, "
            "or the part that rounds"
        )
    to = np.dtype(_NUMPY[kind])
    numbers = node.numbers(x, "its input")
    return (
        np.trunc(numbers).astype(to)
        if numbers.dtype.kind == "f"
        else numbers.astype(to)
    )


_NUMPY = {2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 12: "u4", 13: "u8"}


def _as_float(x: Any) -> Variable:
    if isinstance(x, np.ndarray) and x.dtype.kind in "iu":
        return variable(x.astype(np.float64))  # integers past 2**53 are rounded
    return variable(x)


def _as_condition(node: OnnxNode, x: Variable) -> Any:
    if node.is_known(x):
        return np.asarray(node.numbers(x, "its input") != 0)
    return x if logic.is_condition(x) else np.not_equal(x, 0)


@means("CastLike")
def cast_like(node: OnnxNode, x: Any, like: Any) -> Any:
    """Return elements of the type of another value."""
    if isinstance(like, Variable):
        return _as_float(x)
    return node.numbers(x, "its input").astype(like.dtype)


@means("Identity")
def same(node: OnnxNode, x: Any) -> Any:
    """Return the input."""
    return x
