"""The Operator record: everything the library knows about one operation.

The records themselves live in `deuterium.ops`, one per operator; here is only their
type and the table they are entered in.  Every interpretation of a graph (numbers,
intervals, closed forms, derivatives) is a loop that looks up one field of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import symengine as se

from deuterium.errors import GraphError, UnsupportedError
from deuterium.graph.hooks import METHODS, Node
from deuterium.interval import Interval, as_interval

if TYPE_CHECKING:
    from deuterium.graph.variable import Variable

Shape = tuple[int, ...]


def same_shape(*shapes: Shape, **_attrs: Any) -> Shape:
    """Shape rule of element-wise operators: the (equal) shape of the arguments."""
    if shapes.count(shapes[0]) != len(shapes):
        raise GraphError(
            f"element-wise arguments must have equal shapes, got {shapes}; "
            "broadcast them first"
        )
    return shapes[0]


@dataclass(frozen=True, eq=False)
class Operator:
    """One operation, with all its mathematics side by side.

    Attributes
    ----------
    name : str
        Name in graphs, files and messages; NumPy's name where NumPy has the function.
    arity : int or None
        Number of arguments; None for any number.
    value : callable
        Arrays (or numbers) to an array: ``value(*arrays, **attrs)``.  Arrays may carry
        leading batch axes in front of their static shape.
    enclosure : callable
        Intervals to an Interval that holds every value, rounded outward.
    symbolic : callable or None
        symengine expressions to one, for an element-wise operator; None if ``value``
        itself works on object arrays of expressions.
    pullback : callable
        ``pullback(g, out, *args, **attrs)``: the adjoint of each argument (a Variable,
        or None for zero), given the adjoint ``g`` of the node ``out``.
    shape : callable
        Static shapes of the arguments to that of the result.
    elementwise : bool
        Whether the operator acts on each element alone.
    ufunc : str
        The name of the NumPy or SciPy ufunc that this operator stands for.
    code : str or callable
        Array-API source of the value: a template of the arguments and attributes, or
        ``code(node, args, bind)``; by default a call of the ufunc.
    at_least : float
        The least value the operator can have: it holds even where an argument is
        undefined.
    """

    name: str
    arity: int | None
    value: Callable[..., Any]
    enclosure: Callable[..., Interval]
    pullback: Callable[..., tuple[Variable | None, ...]]
    shape: Callable[..., Shape] = same_shape
    symbolic: Callable[..., Any] | None = None
    elementwise: bool = True
    ufunc: str = ""
    at_least: float = -float("inf")
    code: str | Callable[..., str] = ""
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __call__(self, *args: Any, **attrs: Any) -> Any:
        """Apply to Variables, Intervals, symengine expressions or numbers alike."""
        if any(isinstance(a, Node) for a in args):
            return METHODS["apply"](self, args, attrs)
        if any(isinstance(a, Interval) for a in args):
            return self.enclosure(*map(as_interval, args), **attrs)
        if self.symbolic and any(isinstance(a, se.Basic) for a in args):
            return self.symbolic(*args, **attrs)
        return self.value(*args, **attrs)

    def __repr__(self) -> str:
        return f"<operator {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return lookup, (self.name,)


OPERATORS: dict[str, Operator] = {}
"""Every operator by name; filled once, when `deuterium.ops` is imported."""

BY_UFUNC: dict[str, Operator] = {}
"""The same, by the name of the ufunc each stands for."""


def register(operator: Operator) -> Operator:
    """Enter a record in the table and return it."""
    if operator.name in OPERATORS:
        raise GraphError(f"an operator named {operator.name!r} exists already")
    OPERATORS[operator.name] = operator
    if operator.ufunc:
        BY_UFUNC[operator.ufunc] = operator
    return operator


def lookup(name: str) -> Operator:
    """Return the operator of that name."""
    if name not in OPERATORS:
        raise UnsupportedError(f"there is no operator named {name!r}")
    return OPERATORS[name]
