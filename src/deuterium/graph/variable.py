"""The Variable: one node of the one graph."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import symengine as se

from deuterium.errors import (
    InvalidInputError,
    ShapeError,
    SymbolicError,
    UnsupportedError,
)
from deuterium.graph import protocols
from deuterium.graph.late import METHODS, provides
from deuterium.graph.methods import Methods
from deuterium.graph.operator import OPERATORS, Operator, Shape, lookup
from deuterium.graph.source import Source, capture

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
        return METHODS["evaluate"](self, values or {})

    def __float__(self) -> float:
        return _number(self, "float")

    def __int__(self) -> int:
        return int(_number(self, "int"))

    def __bool__(self) -> bool:
        return bool(_number(self, "the truth value"))

    # -- serialisation ---------------------------------------------------------------

    def __reduce__(self) -> tuple[Any, ...]:
        from deuterium.graph.serialize import dumps, loads_one

        return loads_one, (dumps([self]),)

    def __copy__(self) -> Variable:
        return self

    def __deepcopy__(self, memo: Any) -> Variable:
        return self

    # -- comparison ------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, Variable):
            return _same_symbol(self, other)
        if isinstance(other, (int, float, np.number)) and self.shape == ():
            return _is_number(self) and float(self) == other
        if isinstance(other, np.ndarray):
            return NotImplemented
        return False

    def __lt__(self, other: Any) -> bool:
        return _compare(self, other) < 0

    def __le__(self, other: Any) -> bool:
        return _compare(self, other) <= 0

    def __gt__(self, other: Any) -> bool:
        return _compare(self, other) > 0

    def __ge__(self, other: Any) -> bool:
        return _compare(self, other) >= 0

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
        return _refuse_array

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a scalar Variable has no len()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Variable]:
        if not self.shape:
            raise TypeError("a scalar Variable cannot be iterated over")
        return (self[i] for i in range(self.shape[0]))

    def __getitem__(self, key: Any) -> Variable:
        return METHODS["getitem"](self, key)

    # -- arithmetic ------------------------------------------------------------------

    def __add__(self, other: Any) -> Variable:
        return _binary("add", self, other)

    def __radd__(self, other: Any) -> Variable:
        return _binary("add", other, self)

    def __sub__(self, other: Any) -> Variable:
        return _binary("subtract", self, other)

    def __rsub__(self, other: Any) -> Variable:
        return _binary("subtract", other, self)

    def __mul__(self, other: Any) -> Variable:
        return _binary("multiply", self, other)

    def __rmul__(self, other: Any) -> Variable:
        return _binary("multiply", other, self)

    def __truediv__(self, other: Any) -> Variable:
        return _binary("divide", self, other)

    def __rtruediv__(self, other: Any) -> Variable:
        return _binary("divide", other, self)

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


# -- construction --------------------------------------------------------------------

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


def symbol(name: str, shape: int | Sequence[int] = ()) -> Variable:
    """Return a symbol.

    Parameters
    ----------
    name : str
        Symbols are known by their names: two of the same name are the same symbol.
    shape : tuple of int
        ``()`` for a scalar.  Elements of an array symbol are called ``name_0_1``.
    """
    if not isinstance(name, str) or not name:
        raise InvalidInputError(
            f"symbol: `name` must be a non-empty string, got {name!r}"
        )
    dims = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if any(not isinstance(d, (int, np.integer)) or d < 0 for d in dims):
        raise ShapeError(
            f"symbol {name!r}: `shape` must be non-negative integers, got {shape!r}"
        )
    return node(None, (), NO_ATTRS, tuple(int(d) for d in dims), name=name)


def constant(value: Any, name: str = "") -> Variable:
    """Return a constant: a number, or an array that is copied to float64.

    One can differentiate with respect to a constant, so parameters of a model are
    constants.
    """
    if isinstance(value, (bool, np.bool_)):
        value = int(value)
    if isinstance(value, (int, float)):
        if value != value:
            raise InvalidInputError("constant: `value` must not be NaN")
        if isinstance(value, int) and abs(value) > sys.float_info.max:
            raise InvalidInputError(
                "constant: `value` is an integer beyond the largest double, "
                f"{value.bit_length()} bits long"
            )
        return node(None, (), NO_ATTRS, (), name=name, value=value)
    array = _real_array(value)
    if array.shape == ():
        number = array.item()
        return constant(number, name)
    array = array.astype(np.float64)
    if np.isnan(array).any():
        raise InvalidInputError(
            "constant: `value` must not contain NaN; got one at index "
            f"{tuple(int(i[0]) for i in np.nonzero(np.isnan(array)))}"
        )
    array.flags.writeable = False
    return node(None, (), NO_ATTRS, array.shape, name=name, value=array)


def _real_array(value: Any) -> Any:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"constant: cannot make an array of {type(value).__name__}: {error}"
        ) from None
    if array.dtype.kind not in "biuf":
        raise InvalidInputError(
            "constant: `value` must be real numbers, got "
            f"{type(value).__name__} of dtype {array.dtype}"
        )
    return array


def as_variable(x: Any) -> Variable:
    """Return ``x`` as a Variable: itself, a constant, or an expression read in."""
    if isinstance(x, Variable):
        return x
    if isinstance(x, (int, float, np.number)):
        return constant(x)
    if isinstance(x, se.Basic) or hasattr(x, "_sympy_") or hasattr(x, "free_symbols"):
        from deuterium.graph.closed_form import from_symbolic

        return from_symbolic(x)
    if _holds_variables(x):
        return METHODS["stack"](x)
    return constant(x)


def _holds_variables(x: Any) -> bool:
    if isinstance(x, np.ndarray):
        return x.dtype == object
    return isinstance(x, (list, tuple)) and any(
        isinstance(e, Variable) or _holds_variables(e) for e in x
    )


@provides("unary")
def unary(name: str, x: Variable) -> Variable:
    """Apply a one-argument element-wise operator by name."""
    return node(OPERATORS[name], (x,), NO_ATTRS, x.shape)


@provides("binary")
def _binary(name: str, a: Any, b: Any) -> Any:
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
    attrs = {"shape": shape, "ndim": x.ndim}
    return node(lookup("broadcast"), (x,), attrs, shape)


def _is_number(x: Variable) -> bool:
    from deuterium.graph.traverse import free_symbols

    return not free_symbols([x])


def _are_one(a: Variable, b: Variable) -> bool:
    """Return whether ``a * b`` is a square.

    A square is never negative, which a product of two things does not know.
    """
    return a is b or (_same_symbol(a, b) and a.shape == b.shape)


def _same_symbol(a: Variable, b: Variable) -> bool:
    """Return whether both are the symbol of one name."""
    return a.op is None is b.op and a.value is None is b.value and a.name == b.name


def _number(x: Variable, what: str) -> float:
    """Return the value of a scalar without symbols."""
    from deuterium.graph.traverse import free_symbols

    if x.shape != ():
        raise ShapeError(
            f"{what} of a Variable of shape {x.shape}: only scalars have one"
        )
    names = ", ".join(s.name for s in free_symbols([x])[:4])
    if names:
        raise SymbolicError(
            f"{what} of a Variable that contains symbols ({names}, ...): it has no "
            "number. Give them values with `.evaluate({...})` or `.subs({...})`"
        )
    return float(x.evaluate({}))


def _compare(a: Variable, b: Any) -> float:
    """Return ``a - b`` for numbers; comparisons of symbols are not recorded."""
    other = as_variable(b)
    if not (a.shape == () == other.shape and _is_number(a) and _is_number(other)):
        raise UnsupportedError(
            "comparing Variables that contain symbols has no derivative and is not "
            "recorded in the graph; use np.maximum, np.minimum, np.clip, abs or "
            "deuterium.relu, or np.where with an array of booleans. (On object arrays "
            "NumPy itself compares, in np.maximum for one: make them array Variables "
            "with np.stack(list(...)), or use deuterium.relu)"
        )
    return float(a) - float(other)


def _refuse_array(*_args: Any, **_kwargs: Any) -> Any:
    raise UnsupportedError(
        "an array Variable cannot become a NumPy array: it has no numbers. Evaluate it "
        "with `.evaluate({...})`, join Variables with np.stack or np.concatenate, or "
        "apply functions to it directly (it is an array already)"
    )
