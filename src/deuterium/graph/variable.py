"""The Variable: one node of the one graph."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from operator import index
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium.errors import (
    UnsupportedError,
)
from deuterium.graph import protocols
from deuterium.graph.hooks import METHODS
from deuterium.graph.methods import Methods
from deuterium.graph.operator import Operator, Shape
from deuterium.graph.provenance import Source, capture
from deuterium.graph.symbolic_methods import SymbolicMethods
from deuterium.notebook import Shown, shown

NO_ATTRS: Mapping[str, Any] = MappingProxyType({})


class Variable(Methods, SymbolicMethods, Shown):
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

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> a, b = dt.Variable("a"), dt.Variable("b")
    >>> a**2 + np.exp(2 * b - a)
    a**2 + exp(-a + 2*b)
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
            return METHODS["symbol"](data)
        if name:
            return METHODS["constant"](data, name=name)
        return METHODS["as_variable"](data)

    def __setattr__(self, key: str, value: Any) -> None:
        if key != "grad":
            raise AttributeError(f"Variables are immutable: cannot set {key!r}")
        _set_grad(self, value)

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
        return METHODS["element_symbols"](self)

    # -- what it shows ---------------------------------------------------------------

    def __repr__(self) -> str:
        return METHODS["describe"](self)

    def _repr_latex_(self) -> str | None:
        return METHODS["latex"](self)

    def _repr_html_(self) -> str | None:
        if not self.shape and self._repr_latex_() is not None:
            return None  # the formula itself is shown
        return shown(repr(self), METHODS["facts"](self))

    # -- derivatives and numbers -----------------------------------------------------

    @property
    def grad(self) -> Variable:
        """The adjoint left by the last `backward` above this node (zero if none)."""
        if self._grad is None:
            return METHODS["constant"](np.zeros(self.shape) if self.shape else 0)
        return self._grad

    @grad.setter
    def grad(self, value: Variable | None) -> None:
        _set_grad(self, value)

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
        return METHODS["number_of"](self, "float")

    def __int__(self) -> int:
        return int(METHODS["number_of"](self, "int"))

    def __index__(self) -> int:
        number = METHODS["number_of"](self, "an index")
        return int(number) if number.is_integer() else index(number)

    def as_integer_ratio(self) -> tuple[int, int]:
        """Return the fraction that a scalar without symbols is."""
        return METHODS["number_of"](self, "a fraction").as_integer_ratio()

    def __format__(self, form: str) -> str:
        if not form:
            return str(self)
        return format(METHODS["number_of"](self, "a text of digits"), form)

    def __bool__(self) -> bool:
        return bool(METHODS["number_of"](self, "the truth value"))

    # -- serialisation ---------------------------------------------------------------

    def __reduce__(self) -> tuple[Any, ...]:

        return METHODS["reduce"](self)

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
        return METHODS["same"](self, other)

    def __ne__(self, other: object) -> Any:
        return METHODS["differs"](self, other)

    def __lt__(self, other: Any) -> Any:
        return METHODS["less"](self, other)

    def __le__(self, other: Any) -> Any:
        return METHODS["less_equal"](self, other)

    def __gt__(self, other: Any) -> Any:
        return METHODS["greater"](self, other)

    def __ge__(self, other: Any) -> Any:
        return METHODS["greater_equal"](self, other)

    def __contains__(self, item: Any) -> bool:
        return METHODS["contains"](self, item)

    # -- NumPy protocols -------------------------------------------------------------

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        return protocols.array_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: Any, kwargs: Any
    ) -> Any:
        return protocols.array_function(function, args, kwargs)

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        raise UnsupportedError(
            f"torch.{getattr(function, '__name__', function)} on Variables: use "
            "NumPy's function, or lift a module with deuterium.frontends.torch.lift"
        )

    if TYPE_CHECKING:  # so that np.sum(x) and np.maximum(x, 0) pass as what they are

        def __array__(self) -> np.ndarray[Any, Any]: ...

    else:

        @property
        def __array__(self) -> Any:
            # Scalars are plain objects to NumPy (they fill object arrays); array
            # Variables must never turn into an object array silently.
            if self.shape == ():
                raise AttributeError("__array__")
            return partial(METHODS["as_array"], self)

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
        return METHODS["binary"]("add", self, other)

    def __radd__(self, other: Any) -> Variable:
        return METHODS["binary"]("add", other, self)

    def __sub__(self, other: Any) -> Variable:
        return METHODS["binary"]("subtract", self, other)

    def __rsub__(self, other: Any) -> Variable:
        return METHODS["binary"]("subtract", other, self)

    def __mul__(self, other: Any) -> Variable:
        return METHODS["binary"]("multiply", self, other)

    def __rmul__(self, other: Any) -> Variable:
        return METHODS["binary"]("multiply", other, self)

    def __truediv__(self, other: Any) -> Variable:
        return METHODS["binary"]("divide", self, other)

    def __rtruediv__(self, other: Any) -> Variable:
        return METHODS["binary"]("divide", other, self)

    def __pow__(self, other: Any, modulus: None = None) -> Variable:
        if modulus is not None:
            raise UnsupportedError("a power with a modulus: write (x**n) % m")
        return METHODS["power"](self, other)

    def __rpow__(self, other: Any) -> Variable:
        return METHODS["power"](other, self)

    def __matmul__(self, other: Any) -> Variable:
        return protocols.call(np.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Variable:
        return protocols.call(np.matmul, other, self)

    def __floordiv__(self, other: Any) -> Variable:
        return protocols.call_ufunc("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Variable:
        return protocols.call_ufunc("floor_divide", other, self)

    def __mod__(self, other: Any) -> Variable:
        return protocols.call_ufunc("remainder", self, other)

    def __rmod__(self, other: Any) -> Variable:
        return protocols.call_ufunc("remainder", other, self)

    def __divmod__(self, other: Any) -> tuple[Variable, Variable]:
        return METHODS["divmod"](self, other)

    def __rdivmod__(self, other: Any) -> tuple[Variable, Variable]:
        return METHODS["divmod"](other, self)

    # -- conditions ------------------------------------------------------------------

    def __and__(self, other: Any) -> Variable:
        return METHODS["bitwise_and"](self, other)

    def __or__(self, other: Any) -> Variable:
        return METHODS["bitwise_or"](self, other)

    def __xor__(self, other: Any) -> Variable:
        return METHODS["bitwise_xor"](self, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> Variable:
        return METHODS["invert"](self)

    def __neg__(self) -> Variable:
        return METHODS["unary"]("negative", self)

    def __pos__(self) -> Variable:
        return self

    def __abs__(self) -> Variable:
        return METHODS["unary"]("absolute", self)


_SETTERS = {slot: getattr(Variable, slot).__set__ for slot in Variable.__slots__[1:]}
_set_grad = _SETTERS["_grad"]
_set_op, _set_args = _SETTERS["op"], _SETTERS["args"]
_set_attrs, _set_shape = _SETTERS["attrs"], _SETTERS["shape"]
_set_source, _set_name = _SETTERS["source"], _SETTERS["name"]
_set_value = _SETTERS["value"]


def node(
    op: Operator | None,
    args: tuple[Variable, ...],
    attrs: Mapping[str, Any],
    shape: Shape,
    *,
    name: str = "",
    value: Any = None,
) -> Variable:
    """Make a node of parts that are known to fit together (library code only)."""
    self: Variable = object.__new__(Variable)
    _set_op(self, op)
    _set_args(self, args)
    _set_attrs(self, attrs)
    _set_shape(self, shape)
    _set_source(self, capture())
    _set_name(self, name)
    _set_value(self, value)
    _set_grad(self, None)
    return self
