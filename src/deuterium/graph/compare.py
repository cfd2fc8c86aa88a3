"""Comparisons: of numbers decided as real numbers, of symbols with numbers refused.

Between two nodes, ``==`` can only mean whether they are one node: lists of nodes are
searched by it.  What it gives is therefore true or false to Python, and refuses to be
anything to NumPy, which would take it for a condition.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from numbers import Number
from typing import Any

import numpy as np
import symengine as se

from deuterium.errors import UnsupportedError
from deuterium.graph import callers
from deuterium.graph.constructors import as_variable, is_number, same_symbol
from deuterium.graph.hooks import provides
from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.doubles import enclosing

_NEVER_EQUAL = (str, bytes, type(None), type, Mapping, Set)
_VALUES = (Number, np.generic, np.ndarray, list, tuple, se.Basic, Interval)


@provides("equal")
def equal(a: Variable, b: Any) -> Any:
    """Return what ``a == b`` is, for another object ``b``.

    Nodes are told apart (symbols of one name are one), a graph without symbols is
    compared with numbers, and what cannot be a value (a text, None) differs; all else
    would need a comparison in the graph.
    """
    if isinstance(b, Variable):
        return Sameness(same_symbol(a, b) and a.shape == b.shape)
    if isinstance(b, _NEVER_EQUAL):
        return False
    if isinstance(b, _VALUES) or hasattr(b, "__array__") or hasattr(b, "__float__"):
        return compare(a, b, "== (np.equal)") == 0
    return NotImplemented


@provides("not_equal")
def not_equal(a: Variable, b: Any) -> Any:
    """Return what ``a != b`` is: the opposite of `equal`, and no condition either."""
    same = a == b
    return Sameness(not same) if isinstance(same, Sameness) else not same


@provides("contains")
def contains(a: Variable, item: Any) -> bool:
    """Refuse ``item in a``, which would compare with every element."""
    raise not_recorded("`in`")


class Sameness:
    """Whether two nodes are one: a truth value that is no condition of a graph."""

    __slots__ = ("_holds",)

    def __init__(self, holds: bool) -> None:
        self._holds = holds

    def __bool__(self) -> bool:
        return self._holds

    def __repr__(self) -> str:
        return repr(self._holds)

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise not_recorded("== (np.equal)")

    __array__ = __array_ufunc__ = __array_function__ = _refuse
    __float__ = __int__ = __index__ = __invert__ = __neg__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _refuse
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _refuse


@provides("compare")
def compare(a: Variable, b: Any, sign: str = "<") -> int:
    """Return the sign of ``a - b`` for numbers; comparisons of symbols are refused."""
    if a.shape or not is_number(a):
        raise not_recorded(sign)
    other = as_variable(b)
    if other.shape or not is_number(other):
        raise not_recorded(sign)
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


def not_recorded(sign: str) -> UnsupportedError:
    """Return the error for a comparison that the graph would have to hold."""
    wanted = callers.advice()
    if wanted:
        return UnsupportedError(f"comparing Variables by {sign}: {wanted}")
    return UnsupportedError(
        f"comparing Variables that contain symbols by {sign} has no derivative and is "
        "not recorded in the graph yet; use np.maximum, np.minimum, np.clip, abs or "
        "deuterium.relu, or np.where with an array of booleans; with a symbol s that "
        "is 0 or 1 write a * s + b * (1 - s); whether two Variables are one node, ask "
        "by `is`. (On object arrays NumPy itself compares, in np.maximum for one: make "
        "them array Variables with np.stack(list(...)), or use deuterium.relu)"
    )
