"""Comparisons: of numbers decided as real numbers, of nodes by what is asked.

Between two nodes, ``==`` has two readings: lists of nodes are searched by it (are they
one node?), and NumPy's functions take it for a condition (are their elements equal?).
What it gives is true or false to Python and a condition to NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from numbers import Number
from typing import Any

import numpy as np
import symengine as se

from deuterium.errors import UnsupportedError
from deuterium.graph.constructors import same_symbol
from deuterium.graph.hooks import DECIDING, METHODS, provides
from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.doubles import enclosing

_NEVER_EQUAL = (str, bytes, type(None), type, Mapping, Set)
_VALUES = (Number, np.generic, np.ndarray, list, tuple, se.Basic, Interval)


@provides("same")
def equal(a: Variable, b: Any) -> Any:
    """Return what ``a == b`` is, for another object ``b``.

    Nodes are told apart (symbols of one name are one), a graph without symbols is
    compared with numbers, and what cannot be a value (a text, None) differs; all else
    would need a comparison in the graph.
    """
    if isinstance(b, Variable):
        return Sameness(a, b)
    if isinstance(b, _NEVER_EQUAL):
        return False
    if isinstance(b, _VALUES) or hasattr(b, "__array__") or hasattr(b, "__float__"):
        return METHODS["equal_numbers"](a, b)
    return NotImplemented


@provides("differs")
def not_equal(a: Variable, b: Any) -> Any:
    """Return what ``a != b`` is."""
    same = a == b
    if isinstance(same, Sameness):
        return Sameness(a, b, differ=True)
    return ~same if isinstance(same, Variable) else not same


@provides("contains")
def contains(a: Variable, item: Any) -> bool:
    """Refuse ``item in a``, which would compare with every element."""
    raise UnsupportedError(
        "`in` asks every element of a Variable, which has no values yet; use "
        "np.any(x == item), which is a condition, or ask a list of Variables"
    )


class Sameness:
    """Whether two nodes are equal: to Python, one node; to NumPy, a condition."""

    __slots__ = ("_differ", "_nodes")

    def __init__(self, a: Variable, b: Variable, differ: bool = False) -> None:
        self._nodes, self._differ = (a, b), differ

    def __bool__(self) -> bool:
        a, b = self._nodes
        if DECIDING.get() is not None and a.size == b.size == 1:
            return bool(self.as_condition())
        return (same_symbol(a, b) and a.shape == b.shape) != self._differ

    def __repr__(self) -> str:
        return repr(bool(self))

    def as_condition(self) -> Variable:
        """Return where the elements of both are equal (or differ): zeros and ones."""
        return METHODS["not_equal" if self._differ else "equal"](*self._nodes)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise UnsupportedError(
            "whether two Variables are equal is no NumPy array; write a condition as "
            "np.equal(a, b), and join several with np.stack"
        )

    def __float__(self) -> float:
        raise UnsupportedError(
            "whether two Variables are equal has no number; it is a condition: "
            "np.where(a == b, p, q)"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *xs: Any, **kw: Any) -> Any:
        return getattr(ufunc, method)(*map(_condition, xs), **kw)

    def __array_function__(self, function: Any, types: Any, args: Any, kw: Any) -> Any:
        return function(*map(_condition, args), **kw)

    def __invert__(self) -> Sameness:
        return Sameness(*self._nodes, differ=not self._differ)


def _condition(x: Any) -> Any:
    """Return what an argument of a NumPy function means: also of one in a list."""
    if isinstance(x, (list, tuple)):
        return type(x)(map(_condition, x))
    return x.as_condition() if isinstance(x, Sameness) else x


def _forwarded(name: str) -> Any:
    return lambda self, *args: getattr(self.as_condition(), name)(*args)


for _name in ("and", "or", "xor", "add", "sub", "mul", "truediv"):
    for _side in ("", "r"):
        setattr(Sameness, f"__{_side}{_name}__", _forwarded(f"__{_side}{_name}__"))


@provides("compare")
def compare(a: Variable, b: Variable, sign: str = "<") -> int:
    """Return the sign of ``a - b`` for two scalars without symbols."""
    other = b
    if a.is_constant and other.is_constant:  # Python compares int and float exactly
        return int(a.value > other.value) - int(a.value < other.value)
    x, y = _range(a), _range(other)
    if x.upper < y.lower or y.upper < x.lower:
        return -1 if x.upper < y.lower else 1
    if x.lower == x.upper == y.lower == y.upper:
        return 0
    raise UnsupportedError(
        f"comparing the number {float(a)!r} with {float(other)!r} by {sign}: they are "
        "too close for rounding to tell them apart; compare `.evaluate({})` of them"
    )


def _range(v: Variable) -> Interval:
    """Return an enclosure of a graph without symbols."""

    def leaf(x: Variable) -> Interval:
        return Interval.unchecked(*enclosing(x.value, "constant"))

    with np.errstate(all="ignore"):
        return interpret(topological([v]), leaf, lambda op: op.enclosure)[v]
