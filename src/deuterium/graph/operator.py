"""The Operator record: everything the library knows about one operation.

The records themselves live in `deuterium.ops`, one per operator; here is only their
type and the table they are entered in.  Every interpretation of a graph (numbers,
intervals, closed forms, derivatives) is a loop that looks up one field of the record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.special
import symengine as se

from deuterium.errors import GraphError, UnsupportedError
from deuterium.graph.hooks import METHODS, Node
from deuterium.graph.traits import Traits
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
class Operator(Traits):
    """One operation, with all its mathematics side by side.

    What is true of it (is it even, how steep is it) is in its `Traits`; here is how it
    is computed.

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
        ``code(node, args, bind)``; by default a call of the ufunc, or if there is none
        the definition, spelled out.
    definition : callable, optional
        The operator written with others, so that it runs on Variables, Intervals and
        numbers alike.  It says what the operator *is* to whoever has no rule of its own
        for it: the checker of certificates and the oracle of `deuterium.testing`.
    compiled_form : callable, optional
        Another such formula, for compiled evaluation alone: it shares work with other
        operators at the price of relative accuracy.
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
    code: str | Callable[..., str] = ""
    definition: Callable[..., Any] | None = None
    compiled_form: Callable[..., Any] | None = None

    @property
    def spelled_out(self) -> Callable[..., Any] | None:
        """What compiled code has in its place, or None where it has code of its own."""
        if self.code or _is_library(self.ufunc):
            return self.compiled_form
        return self.compiled_form or self.definition

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


def _is_library(ufunc: str) -> bool:
    return bool(ufunc) and (hasattr(np, ufunc) or hasattr(scipy.special, ufunc))


OPERATORS: dict[str, Operator] = {}
"""Every operator by name; filled when `deuterium.ops` is imported."""

BY_UFUNC: dict[str, Operator] = {}
"""The same, by the name of the ufunc each stands for."""


def register(operator: Operator) -> Operator:
    """Enter a record in the table and return it.

    Raises
    ------
    GraphError
        There is an operator of that name, or this one cannot be compiled: it has no
        ``code``, no ufunc that NumPy or SciPy knows, and no definition.
    """
    if operator.name in OPERATORS:
        raise GraphError(f"an operator named {operator.name!r} exists already")
    compiles = operator.code or operator.spelled_out or _is_library(operator.ufunc)
    if operator.arity != 0 and not compiles:
        raise GraphError(
            f"the operator {operator.name!r} cannot be compiled: give its record `code`"
            " (source in the array API), the `ufunc` of NumPy or SciPy that it is, or a"
            " `definition` by other operators"
        )
    OPERATORS[operator.name] = operator
    if operator.ufunc:
        BY_UFUNC[operator.ufunc] = operator
    return operator


def unregister(operator: Operator) -> None:
    """Take a record out of the table again; graphs that hold it go on working."""
    OPERATORS.pop(operator.name, None)
    BY_UFUNC.pop(operator.ufunc, None)


def lookup(name: str) -> Operator:
    """Return the operator of that name."""
    if name not in OPERATORS:
        raise UnsupportedError(f"there is no operator named {name!r}")
    return OPERATORS[name]
