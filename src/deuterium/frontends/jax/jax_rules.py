"""What a primitive of JAX means on Variables: the table, and one call of a primitive.

A rule takes a `Call` and returns a Variable (or a list, where there are several
outputs).  The rules stand in the modules beside this one; a user's own is entered by
the decorator `primitive`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from deuterium.errors import UnsupportedError
from deuterium.graph.constructors import as_variable, constant
from deuterium.graph.variable import Variable

__all__ = ["MOVERS", "REFUSALS", "RULES", "Call", "Number", "Value", "primitive"]


@dataclass(frozen=True, eq=False)
class Number:
    """What depends on no input and no parameter: an array that JAX has computed.

    Attributes
    ----------
    array : ndarray or jax.Array
        The value, as JAX computes it; a key of random numbers stays JAX's.
    exact : Variable or None
        The same before any rounding, where it took arithmetic to get there.
    """

    array: Any
    exact: Variable | None = None

    def node(self) -> Variable:
        """Return it as a Variable."""
        if self.exact is not None:
            return self.exact
        array = np.asarray(self.array)
        if array.dtype.kind in "cO":
            raise UnsupportedError(
                f"a constant of dtype {array.dtype} is no real number; take real and "
                "imaginary parts apart"
            )
        if array.dtype.kind not in "iu":
            array = array.astype(np.float64)  # from booleans and shorter floats
        return constant(array if array.shape else array.item())


Value = Number | Variable


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a primitive.

    Attributes
    ----------
    name : str
        The primitive's name.
    params : mapping
        Its static parameters, as the jaxpr has them.
    values : sequence
        Its arguments, Variables or `Number`s.
    inputs, outputs : sequence
        The abstract values of arguments and results, with ``shape`` and ``dtype``.
    where : str
        The line of the user's code that it stands in.
    bind : callable
        Run the primitive itself on arrays of numbers.

    Examples
    --------
    >>> from deuterium.frontends.jax import RULES, primitive
    >>> @primitive("my_scaling")
    ... def scaled(call):
    ...     return [2.0 * call.values[0]]
    >>> RULES.pop("my_scaling") is scaled
    True
    """

    name: str
    params: Mapping[str, Any]
    values: Sequence[Value]
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    where: str
    bind: Callable[..., Any]

    def node(self, i: int = 0) -> Any:
        """Return an argument as a Variable (Any, so that NumPy's stubs take it)."""
        value = self.values[i]
        return value if isinstance(value, Variable) else value.node()

    def nodes(self) -> list[Any]:
        """Return all arguments as Variables."""
        return [self.node(i) for i in range(len(self.values))]

    def known(self, i: int) -> Any:
        """Return an argument's array of numbers, or None where it is a Variable."""
        value = self.values[i]
        return None if isinstance(value, Variable) else np.asarray(value.array)

    def number(self, i: int, what: str) -> Any:
        """Return an argument that has to be a number, such as the place of a slice.

        Raises
        ------
        UnsupportedError
            It depends on an input or on a parameter.
        """
        array = self.known(i)
        if array is None:
            self.refuse(
                f"{what} depends on an input or a parameter, and where elements lie "
                "cannot; keep it out of the arguments that are lifted, or sum over all "
                "places: jax.nn.one_hot(i, n) @ table"
            )
        return array

    def shape(self, i: int = 0) -> tuple[int, ...]:
        """Return the shape of an argument."""
        return tuple(self.inputs[i].shape)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """The shape of the first result."""
        return tuple(self.outputs[0].shape)

    def refuse(self, why: str) -> NoReturn:
        """Raise the error that says which primitive cannot be lifted, and where."""
        raise UnsupportedError(f"JAX's primitive {self.name!r}{self.where}: {why}")


Rule = Callable[[Call], Any]

RULES: dict[str, Rule] = {}
"""The rules, by the primitive's name."""

_PLACE = (
    "which place has the largest element depends on the data; use jnp.max or jnp.sort "
    "for the value, or keep it outside of what is lifted"
)

REFUSALS: dict[str, str] = {
    **dict.fromkeys(("argmax", "argmin", "top_k", "approx_top_k"), _PLACE),
    "reduce_precision": "it rounds on purpose; a lifted model is of real numbers",
}
"""Primitives that cannot have a meaning, and why."""

MOVERS: set[str] = set()
"""Primitives that copy elements and compute nothing, so that numbers stay exact."""


def primitive(*names: str, moves: bool = False) -> Callable[[Rule], Rule]:
    """Return a decorator that enters a rule for primitives of JAX.

    Parameters
    ----------
    names : str
        The primitives' names, as a jaxpr prints them.
    moves : bool
        Whether elements are only copied, so that numbers stay exact.

    Examples
    --------
    >>> import numpy as np
    >>> from deuterium.frontends.jax import RULES, primitive
    >>> @primitive("softsign")
    ... def softsign(call):
    ...     return call.node() / (1 + np.abs(call.node()))
    >>> del RULES["softsign"]
    """

    def enter(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, rule))
        if moves:
            MOVERS.update(names)
        return rule

    return enter


def moved_by_jax(call: Call, arguments: Sequence[int]) -> Variable:
    """Return what a primitive makes of some arguments whose elements it moves.

    JAX itself runs it on numbers of places; all other arguments are numbers.
    """
    parts, places, start = [], [], 0
    for i in range(len(call.values)):
        if i not in arguments:
            places.append(call.number(i, f"argument {i}"))
            continue
        node = call.node(i)
        stop = start + node.size
        places.append(np.arange(start, stop, dtype=np.int64).reshape(node.shape))
        parts.append(node)
        start = stop
    index = np.asarray(call.bind(*places))
    if np.any(index < 0):
        call.refuse("an element outside the array is NaN; keep indices inside")
    whole = parts[0] if len(parts) == 1 else joined(parts)
    return taken(whole, index)


def joined(parts: Sequence[Any]) -> Variable:
    """Return the elements of all parts in one axis."""
    nodes: list[Any] = [as_variable(p).reshape(-1) for p in parts]
    return as_variable(np.concatenate(nodes))


def taken(x: Variable, index: Any) -> Variable:
    """Return the elements at flat places, in the shape of ``index``."""
    if x.shape == ():
        x = x.reshape(1)
    return x.reshape(-1)[np.asarray(index, dtype=np.int64)]
