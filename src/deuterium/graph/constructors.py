"""Making nodes: symbols, constants, operators applied, and numbers asked of them."""

from __future__ import annotations

import operator
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import symengine as se

from deuterium.errors import (
    InvalidInputError,
    ShapeError,
    SymbolicError,
)
from deuterium.graph import callers, protocols
from deuterium.graph.hooks import DECIDING, METHODS, provides
from deuterium.graph.operator import OPERATORS, Operator, Shape, lookup
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import NO_ATTRS, Variable, node
from deuterium.interval import doubles

VariableLike = Variable | np.ndarray[Any, Any]
"""A Variable, for type checkers: NumPy's stubs say that its functions return arrays."""


@provides("symbol")
def symbol(name: str, shape: int | Sequence[int] = ()) -> Variable:
    """Return a symbol.

    Parameters
    ----------
    name : str
        Symbols are known by their names: two of the same name are the same symbol.
    shape : tuple of int
        ``()`` for a scalar.  Elements of an array symbol are called ``name_0_1``.

    Examples
    --------
    >>> import deuterium as dt
    >>> dt.symbol("age")
    age
    >>> dt.symbol("x", (1, 30)).shape
    (1, 30)
    """
    if not isinstance(name, str) or not name:
        raise InvalidInputError(
            f"symbol: `name` must be a non-empty string, got {name!r}"
        )
    dims: tuple[Any, ...]
    try:
        given = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        dims = tuple(map(operator.index, given))
    except TypeError:
        dims = (-1,)
    if any(d < 0 for d in dims):
        raise ShapeError(
            f"symbol {name!r}: `shape` must be non-negative integers, got {shape!r}"
        )
    return node(None, (), NO_ATTRS, dims, name=name)


@provides("constant")
def constant(value: Any, name: str = "") -> Variable:
    """Return a constant: a number, or an array that is copied to float64.

    Integers stay what they are; every other number must be one that a double holds.
    One can differentiate with respect to a constant, so parameters of a model are
    constants.

    Examples
    --------
    >>> import deuterium as dt
    >>> w = dt.constant([1.0, 2.0], name="w")
    >>> x = dt.symbol("x", (2,))
    >>> dt.grad((x * w).sum(), w)
    [x_0 x_1]
    """
    if not isinstance(value, (int, float)):
        value = _exact_value(value)
        if isinstance(value, np.ndarray):
            return _array_constant(value, name)
    if value != value:
        raise InvalidInputError("constant: `value` must not be NaN")
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        raise InvalidInputError(
            "constant: `value` is an integer beyond the largest double, "
            f"{value.bit_length()} bits long"
        )
    # a subclass, such as NumPy's, is another constant than the number that it is
    value = int(value) if isinstance(value, int) else float(value)
    return node(None, (), NO_ATTRS, (), name=name, value=value)


def _exact_value(value: Any) -> Any:
    """Return a scalar as an integer or a float, an array in float64."""
    array = doubles.as_plain_array(value, "constant: `value`")
    if array.shape == () and isinstance(array.item(), (int, np.integer)):
        return int(array.item())
    exact = doubles.exactly(
        array,
        "constant: `value`",
        "write it with numbers that doubles hold, as in dt.constant(1) / 3 or "
        "dt.constant(2**53) + 1, or take float(...) if the nearest double will do",
    )
    return exact if array.shape else float(exact)


def _array_constant(array: Any, name: str) -> Variable:
    if np.isnan(array).any():
        raise InvalidInputError(
            "constant: `value` must not contain NaN; got one at index "
            f"{tuple(int(i[0]) for i in np.nonzero(np.isnan(array)))}"
        )
    array.flags.writeable = False
    return node(None, (), NO_ATTRS, array.shape, name=name, value=array)


@provides("as_variable")
def as_variable(x: Any) -> Variable:
    """Return ``x`` as a Variable: itself, a constant, or an expression read in."""
    if isinstance(x, Variable):
        return x
    if isinstance(x, (int, float, np.number)):
        return constant(x)
    if isinstance(x, (Fraction, Decimal)):
        top, bottom = doubles.ratio(x)
        whole = constant(top)
        return whole if bottom == 1 else whole / constant(bottom)
    if isinstance(x, se.Basic) or hasattr(x, "_sympy_") or hasattr(x, "free_symbols"):
        return METHODS["from_symbolic"](x)
    if _holds_variables(x):
        return METHODS["stack"](x)
    if hasattr(x, "as_condition"):
        return x.as_condition()
    return constant(x)


def _holds_variables(x: Any) -> bool:
    if isinstance(x, np.ndarray):
        doubles.refuse_subclass(x, "an array that meets a Variable")
        return x.dtype == object
    return isinstance(x, (list, tuple)) and any(
        isinstance(e, Variable) or _holds_variables(e) for e in x
    )


@provides("unary")
def unary(name: str, x: Variable) -> Variable:
    """Apply a one-argument element-wise operator by name."""
    return node(OPERATORS[name], (x,), NO_ATTRS, x.shape)


@provides("binary")
def binary(name: str, a: Any, b: Any) -> Any:
    """Apply a two-argument element-wise operator by name, to whatever meets it."""
    if type(a) is Variable:
        if type(b) is Variable and a.shape == b.shape:
            if name == "multiply" and _are_one(a, b):
                return unary("square", a)
            return node(OPERATORS[name], (a, b), NO_ATTRS, a.shape)
        if a.shape == () and type(b) in (int, float):
            return node(OPERATORS[name], (a, constant(b)), NO_ATTRS, ())
    for other in (a, b):
        if isinstance(other, np.ndarray) and other.dtype == object:
            return protocols.elementwise(OPERATORS[name], (a, b), {})
    return apply(OPERATORS[name], (a, b), NO_ATTRS)


@provides("apply")
def apply(op: Operator, args: Sequence[Any], attrs: Mapping[str, Any]) -> Variable:
    """Make a node of an operator and its arguments, broadcasting where it should."""
    nodes = tuple(as_variable(a) for a in args)
    if op.name == "multiply" and _are_one(*nodes):
        return unary("square", nodes[0])
    if op.elementwise and len(nodes) > 1:
        nodes = _broadcast_together(op, nodes)
    shape = op.shape(*[a.shape for a in nodes], **attrs)
    return node(op, nodes, attrs or NO_ATTRS, shape)


def _broadcast_together(op: Operator, nodes: tuple[Variable, ...]) -> Any:
    shapes = [a.shape for a in nodes]
    if all(s == shapes[0] for s in shapes):
        return nodes
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(
            f"{op.name}: shapes {' and '.join(map(str, shapes))} do not broadcast "
            "together; reshape one of the arguments"
        ) from None
    return tuple(broadcast_to(a, shape) for a in nodes)


def broadcast_to(x: Variable, shape: Shape) -> Variable:
    """Return ``x`` repeated to ``shape`` (an explicit node), or itself."""
    if x.shape == shape:
        return x
    own = shape[len(shape) - x.ndim :]
    if x.ndim > len(shape) or any(n not in (1, m) for n, m in zip(x.shape, own)):  # noqa: B905
        raise ShapeError(f"an array of shape {x.shape} cannot take the shape {shape}")
    attrs = {"shape": shape, "ndim": x.ndim}
    return node(lookup("broadcast"), (x,), attrs, shape)


def is_number(x: Variable) -> bool:
    """Return whether there are no symbols below ``x``."""
    return not free_symbols([x])


def _are_one(a: Variable, b: Variable) -> bool:
    """Return whether ``a * b`` is a square.

    A square is never negative, which a product of two things does not know.
    """
    return a is b or (same_symbol(a, b) and a.shape == b.shape)


def same_symbol(a: Variable, b: Variable) -> bool:
    """Return whether both are the symbol of one name."""
    return a.op is None is b.op and a.value is None is b.value and a.name == b.name


_EVALUATE = "Give them values with `.evaluate({...})` or `.subs({...})`"
_ADVICE = {
    "float": "Functions of Python's math take numbers: use NumPy's, np.exp(s) for "
    "math.exp(s), np.log(s) for math.log(s), np.sqrt(s) for math.sqrt(s). An array of "
    "numbers cannot hold it: put parts into a list and join them with np.stack or "
    f"np.concatenate. {_EVALUATE}",
    "an index": "Lengths and places are whole numbers that are known beforehand: loop "
    "over range(len(x)), and choose by np.where(i == k, a, b)",
    "a text of digits": f"str(s) shows its formula. {_EVALUATE}",
    "the truth value": "A condition chooses in the graph: write np.where(x > 0, a, b) "
    "for `if`, & and | for `and` and `or` (and for a < x < b), np.maximum for max(), "
    "np.sort for sorted(), or let deuterium.traced(function) follow its every way; on "
    "object arrays np.maximum compares in Python, so make them array Variables with "
    "np.stack(list(...)); whether two Variables are one node, ask by `is`",
}


@provides("number_of")
def number_of(x: Variable, what: str) -> float:
    """Return the value of a scalar without symbols."""
    decide = DECIDING.get()
    if decide is not None and x.size == 1 and free_symbols([x]):
        decided = decide(x, what)
        if decided is not None:
            return decided
    if x.shape != ():
        raise ShapeError(
            f"{what} of a Variable of shape {x.shape}: only scalars have one. "
            + (callers.advice() or _EVALUATE)
        )
    names = ", ".join(s.name for s in free_symbols([x])[:4])
    if names:
        raise SymbolicError(
            f"{what} of a Variable that contains symbols ({names}, ...): it has no "
            "number. " + (callers.advice() or _ADVICE.get(what, _EVALUATE))
        )
    return float(x.evaluate({}))
