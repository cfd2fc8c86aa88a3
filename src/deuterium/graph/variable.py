"""The Variable: one node of the one graph."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from deuterium.errors import (
    SymbolicError,
    UnsupportedError,
)
from deuterium.graph import protocols
from deuterium.graph.late import METHODS
from deuterium.graph.methods import Methods
from deuterium.graph.operator import Operator, Shape
from deuterium.graph.source import Source

NO_ATTRS: Mapping[str, Any] = MappingProxyType({})


class Variable(Methods):
    """A node: a symbol, a constant, or an operator applied to other nodes.

    Parameters
    ----------
    data : str, number, ndarray, symengine or sympy expression, or Variable
        A string (or a symengine Symbol) makes a scalar symbol; a number or numeric
        array makes a constant; an expression is read into a graph of scalars.
    name : str, optional
        A name for a constant, used in files and messages.

    Attributes
    ----------
    op : Operator or None
        None for a symbol or a constant.
    args : tuple of Variable
        One entry per edge, so ``x + x`` has two.
    attrs : mapping
        Static attributes of the operator, such as an axis.
    shape : tuple of int
        Static shape; ``()`` is a scalar.
    grad : Variable
        What the last `backward` left here; zero if none reached this node.

    Notes
    -----
    Variables are immutable but for `grad`.  Symbols with the same name are the same
    symbol; other nodes are compared by identity.  NumPy is the language: arithmetic,
    ufuncs and array functions work, and what does not says so by name.
    """

    __slots__ = (
        "__weakref__",
        "_grad",
        "args",
        "attrs",
        "name",
        "op",
        "shape",
        "source",
        "value",
    )

    op: Operator | None
    args: tuple[Variable, ...]
    attrs: Mapping[str, Any]
    shape: Shape
    source: Source | None
    name: str
    value: Any
    _grad: Variable | None

    def __new__(cls, data: Any, name: str = "") -> Variable:
        """Return a Variable for ``data``."""
        if isinstance(data, str):
            return symbol(data)
        if name:
            return constant(data, name=name)
        return as_variable(data)

    def __setattr__(self, key: str, value: Any) -> None:
        if key != "grad":
            raise AttributeError(f"Variables are immutable: cannot set {key!r}")
        set_grad(self, value)

    __hash__ = object.__hash__

    # -- what it is ------------------------------------------------------------------

    @property
    def is_symbol(self) -> bool:
        """Whether this is a symbol."""
        return self.op is None and self.value is None

    @property
    def is_constant(self) -> bool:
        """Whether this is a constant leaf."""
        return self.op is None and self.value is not None

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def free_symbols(self) -> set[Any]:
        """The symengine symbols of the closed form (elements of array symbols too)."""
        from deuterium.graph.closed_form import element_symbols
        from deuterium.graph.traverse import free_symbols

        found = free_symbols([self])
        return {s for v in found for s in np.ravel(element_symbols(v)).tolist()}

    # -- closed forms ----------------------------------------------------------------

    @property
    def data(self) -> Any:
        """Closed form: a symengine expression, or a number if there are no symbols.

        An array Variable gives an object array of them.
        """
        from deuterium.graph.closed_form import data

        return data(self)

    def to_symengine(self) -> Any:
        """Return the closed form as a symengine expression (or an array of them)."""
        from deuterium.graph.closed_form import to_symengine

        return to_symengine(self)

    def to_sympy(self) -> Any:
        """Return the closed form as a SymPy expression (or an array of them)."""
        from deuterium.graph.closed_form import to_sympy

        return to_sympy(self)

    def _symengine_(self) -> Any:
        return self._scalar_closed_form(self.to_symengine)

    def _sympy_(self) -> Any:
        return self._scalar_closed_form(self.to_sympy)

    def _scalar_closed_form(self, convert: Any) -> Any:
        if self.shape != ():
            raise SymbolicError(
                f"a Variable of shape {self.shape} is not one expression; convert its "
                "elements with `.to_symengine()` or `.to_sympy()`, which give arrays"
            )
        return convert()

    def subs(self, *args: Any) -> Variable:
        """Replace symbols by numbers, expressions or Variables.

        ``subs({old: new, ...})`` or ``subs(old, new)``; keys are Variables, names or
        symengine symbols.  Names that do not occur are ignored, as in SymPy.
        """
        from deuterium.graph.substitute import substitute

        return substitute(self, dict([args]) if len(args) == 2 else args[0])

    def simplify(self, **options: Any) -> Variable:
        """Return the closed form simplified by symengine, as a Variable again."""
        from deuterium.graph.closed_form import simplify

        return simplify(self, **options)

    def __repr__(self) -> str:
        from deuterium.graph.closed_form import describe

        return describe(self)

    def _repr_latex_(self) -> str | None:
        from deuterium.graph.closed_form import latex

        return latex(self)

    # -- derivatives and numbers -----------------------------------------------------

    @property
    def grad(self) -> Variable:
        """The adjoint left by the last `backward` above this node (zero if none)."""
        if self._grad is None:
            return constant(np.zeros(self.shape) if self.shape else 0)
        return self._grad

    @grad.setter
    def grad(self, value: Variable | None) -> None:
        set_grad(self, value)

    def backward(self) -> None:
        """Set ``.grad`` afresh on every Variable below this scalar."""
        METHODS["backward"](self)

    def evaluate(self, values: Mapping[Any, Any] | None = None) -> Any:
        """Return the value of this Variable at the given values of its symbols.

        Parameters
        ----------
        values : mapping
            Keyed by Variable or by name; numbers or arrays whose trailing axes are the
            symbol's shape.  Extra leading axes are batch axes.
        """
        return METHODS["evaluate"](self, {} if values is None else values)

    def __float__(self) -> float:
        return number_of(self, "float")

    def __int__(self) -> int:
        return int(number_of(self, "int"))

    def __bool__(self) -> bool:
        return bool(number_of(self, "the truth value"))

    # -- serialisation ---------------------------------------------------------------

    def __reduce__(self) -> tuple[Any, ...]:
        from deuterium.graph.serialize import from_json_one, to_json

        return from_json_one, (to_json([self]),)

    def __copy__(self) -> Variable:
        return self

    def __deepcopy__(self, memo: Any) -> Variable:
        return self

    # -- comparison ------------------------------------------------------------------

    def __eq__(self, other: object) -> Any:
        # A key of a dictionary or set meets this method only as itself: hashes are
        # those of addresses, and no two Variables alive share one.
        if self is other:
            return True
        return equal(self, other)

    def __ne__(self, other: object) -> Any:
        same = self == other
        return Sameness(not same) if isinstance(same, Sameness) else not same

    def __lt__(self, other: Any) -> bool:
        return compare(self, other, "<") < 0

    def __le__(self, other: Any) -> bool:
        return compare(self, other, "<=") <= 0

    def __gt__(self, other: Any) -> bool:
        return compare(self, other, ">") > 0

    def __ge__(self, other: Any) -> bool:
        return compare(self, other, ">=") >= 0

    def __contains__(self, item: Any) -> bool:
        raise not_recorded("`in`")

    # -- NumPy protocols -------------------------------------------------------------

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        return protocols.array_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: Any, kwargs: Any
    ) -> Any:
        return protocols.array_function(function, args, kwargs)

    @property
    def __array__(self) -> Any:
        # Scalars are plain objects to NumPy (they fill object arrays); array Variables
        # must never turn into an object array silently.
        if self.shape == ():
            raise AttributeError("__array__")
        return refuse_array

    def __len__(self) -> int:
        if not self.shape:
            raise UnsupportedError("a scalar Variable has no len(): it has no axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Variable]:
        if not self.shape:
            raise UnsupportedError(
                "a scalar Variable cannot be iterated over: it has no axes"
            )
        return (self[i] for i in range(self.shape[0]))

    def __getitem__(self, key: Any) -> Variable:
        return METHODS["getitem"](self, key)

    # -- arithmetic ------------------------------------------------------------------

    def __add__(self, other: Any) -> Variable:
        return binary("add", self, other)

    def __radd__(self, other: Any) -> Variable:
        return binary("add", other, self)

    def __sub__(self, other: Any) -> Variable:
        return binary("subtract", self, other)

    def __rsub__(self, other: Any) -> Variable:
        return binary("subtract", other, self)

    def __mul__(self, other: Any) -> Variable:
        return binary("multiply", self, other)

    def __rmul__(self, other: Any) -> Variable:
        return binary("multiply", other, self)

    def __truediv__(self, other: Any) -> Variable:
        return binary("divide", self, other)

    def __rtruediv__(self, other: Any) -> Variable:
        return binary("divide", other, self)

    def __pow__(self, other: Any) -> Variable:
        return METHODS["power"](self, other)

    def __rpow__(self, other: Any) -> Variable:
        return METHODS["power"](other, self)

    def __matmul__(self, other: Any) -> Variable:
        return protocols.call(np.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Variable:
        return protocols.call(np.matmul, other, self)

    def _refuse_jump(self, *_: Any) -> Any:
        raise UnsupportedError(
            "//, %, divmod, round, floor and ceil jump: they have no derivative; use "
            "division, np.clip or np.where with an array of booleans"
        )

    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _refuse_jump
    __divmod__ = __rdivmod__ = __round__ = _refuse_jump
    __floor__ = __ceil__ = __trunc__ = _refuse_jump

    def __neg__(self) -> Variable:
        return unary("negative", self)

    def __pos__(self) -> Variable:
        return self

    def __abs__(self) -> Variable:
        return unary("absolute", self)


# The functions below make Variables and so need the class above; it needs them in turn.
from deuterium.graph.compare import (  # noqa: E402
    Sameness,
    compare,
    equal,
    not_recorded,
)
from deuterium.graph.make import (  # noqa: E402
    apply,
    as_variable,
    binary,
    broadcast_to,
    constant,
    node,
    number_of,
    refuse_array,
    set_grad,
    symbol,
    unary,
)

__all__ = [
    "NO_ATTRS",
    "Variable",
    "apply",
    "as_variable",
    "broadcast_to",
    "constant",
    "node",
    "symbol",
    "unary",
]
