"""Lift a function that JAX can trace: its arguments become symbols and parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.jax.jax_rules import Number, Value
from deuterium.frontends.jax.jaxpr_walk import walk
from deuterium.frontends.lifted_model import LiftedModel
from deuterium.graph.constructors import constant, symbol
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only
from deuterium.optional import require

__all__ = ["lift"]


@standard_only
def lift(
    function: Callable[..., Any],
    *example: Any,
    parameters: int | Sequence[int] = (),
) -> LiftedModel:
    """Return a function that JAX can trace as a function on Variables.

    Parameters
    ----------
    function : callable
        A function of arrays, and of pytrees of arrays, to the like.  Where it is a
        pytree itself (a module of Equinox or of Flax NNX), its arrays of real numbers
        are parameters.
    *example : pytree
        An argument each: arrays, or `jax.ShapeDtypeStruct`, of the shapes to lift for.
        Of arguments that are no parameters, only shapes and dtypes count.
    parameters : int or sequence of int
        Which arguments hold learned arrays, as ``argnums`` of `jax.grad`.  Their
        values are kept, as named constants; whole numbers among them stay numbers.

    Returns
    -------
    LiftedModel
        Inputs under their names in the function's signature (``"x"``; in a pytree
        ``"batch/image"``), parameters under their paths (``"layer1/W"``), outputs under
        theirs (``"output"`` if there is one only).

    Raises
    ------
    UnsupportedError
        A primitive has no meaning on Variables: named, with your line and the layer.
    InvalidInputError
        ``parameters`` names no argument, or an argument is no pytree of real arrays.
    MissingDependencyError
        JAX is not installed.

    Notes
    -----
    What is lifted is the function of real numbers that the jaxpr spells, traced with
    64-bit numbers; rounding to shorter floats is not part of it.  Derivatives are those
    of this function: neither `jax.lax.stop_gradient` nor a custom rule that says
    otherwise is followed.  To bound what `jax.grad` computes there, lift
    ``jax.grad(function)``.  Arrays that the function closes over are plain numbers.

    Examples
    --------
    >>> import jax.numpy as jnp, numpy as np, deuterium as dt
    >>> from deuterium.frontends.jax import lift
    >>> def loss(params, x):
    ...     return jnp.sum(jnp.tanh(x @ params["W"]))
    >>> params = {"W": np.ones((2, 1)) / 4}
    >>> model = lift(loss, params, np.zeros(2), parameters=0)
    >>> norm = dt.norm(dt.grad(model.output, [model.parameters["W"]]))
    >>> bool(dt.enclose(norm, dt.Box({model.input: (-1, 1)})).upper < 1.4143)
    True
    """
    jax = require("jax", "jax", "deuterium.frontends.jax.lift")
    with _wide(jax):
        given = _Arguments(jax, function, example, parameters)
        closed, out = jax.make_jaxpr(given.call, return_shape=True)(*given.shapes)
        consts: list[Value] = [Number(c) for c in closed.consts]
        results = walk(closed.jaxpr, consts, given.values)
    leaves = jax.tree_util.tree_flatten_with_path(out)[0]
    outputs = {
        _path(path) or "output": _node(value)
        for (path, _), value in zip(leaves, results, strict=True)
    }
    return LiftedModel(
        given.inputs, outputs, given.parameters, f"JAX {jax.__version__}"
    )


def _wide(jax: Any) -> Any:
    """Return the context in which JAX has 64-bit numbers."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return require("jax.experimental", "jax", "frontends.jax.lift").enable_x64()


def _node(value: Value) -> Variable:
    return value if isinstance(value, Variable) else value.node()


class _Arguments:
    """The arguments laid flat: what is traced, what it stands for, and its name."""

    def __init__(
        self, jax: Any, function: Any, example: Sequence[Any], parameters: Any
    ) -> None:
        self.jax = jax
        self.function = function
        self.inputs: dict[str, Variable] = {}
        self.parameters: dict[str, Variable] = {}
        self.values: list[Value] = []
        self.shapes: list[Any] = []
        learned = _positions(parameters, len(example))
        flatten = jax.tree_util.tree_flatten_with_path
        leaves, self.tree = flatten((function, example))
        names = _argument_names(function, len(example))
        self.fixed: list[tuple[bool, Any]] = []
        for path, leaf in leaves:
            module = path[0].idx == 0  # an array of a function that is a pytree
            own = module or path[1].idx in learned
            if not _is_array(leaf) or self._is_fixed(leaf, own):
                self.fixed.append((True, leaf))
                continue
            self.fixed.append((False, None))
            inside = _path(path[1 if module else 2 :])
            bare = module or (own and len(learned) == 1 and inside)
            parts = (inside,) if bare else (names[path[1].idx], inside)
            self._enter("/".join(filter(None, parts)), leaf, own)

    def _is_fixed(self, leaf: Any, learned: bool) -> bool:
        """Return whether an array stays what it is: a key, or learned integers."""
        dtype = _dtype(leaf)
        if self.jax.dtypes.issubdtype(dtype, self.jax.dtypes.extended):
            return True
        return learned and not self.jax.numpy.issubdtype(dtype, np.inexact)

    def _enter(self, name: str, leaf: Any, learned: bool) -> None:
        dtype, shape = _dtype(leaf), tuple(np.shape(leaf))
        if self.jax.numpy.issubdtype(dtype, np.complexfloating):
            raise InvalidInputError(
                f"lift: the argument {name!r} is complex; give its real and imaginary "
                "parts as two arrays"
            )
        if learned:
            array = np.asarray(leaf).astype(np.float64)
            value = constant(array if shape else array.item(), name=name)
            self.parameters[name] = value
        else:
            value = self.inputs[name] = symbol(name, shape)
        self.values.append(value)
        self.shapes.append(self.jax.ShapeDtypeStruct(shape, dtype))

    def call(self, *arrays: Any) -> Any:
        """Call the function with its arguments put together again."""
        rest = iter(arrays)
        leaves = [leaf if fixed else next(rest) for fixed, leaf in self.fixed]
        function, example = self.jax.tree_util.tree_unflatten(self.tree, leaves)
        return function(*example)


def _is_array(leaf: Any) -> bool:
    if isinstance(leaf, (bool, int, float, complex, np.generic)):
        return True
    return hasattr(leaf, "shape") and hasattr(leaf, "dtype")


def _dtype(leaf: Any) -> Any:
    return leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype


def _positions(parameters: Any, count: int) -> set[int]:
    given = [parameters] if isinstance(parameters, (int, np.integer)) else parameters
    for i in given:
        if not isinstance(i, (int, np.integer)) or not -count <= i < count:
            raise InvalidInputError(
                f"lift: `parameters` must be positions among {count} arguments, "
                f"got {parameters!r}"
            )
    return {int(i) % count for i in given}


def _argument_names(function: Any, count: int) -> list[str]:
    """Return the names of positional arguments, or their places."""
    try:
        kinds = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        kinds = ()  # type: ignore[assignment]
    named = [
        p.name for p in kinds if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return [named[i] if i < len(named) else f"argument{i}" for i in range(count)]


_IN_NAMES = ("name", "key", "idx")


def _path(path: Sequence[Any]) -> str:
    """Return a pytree's path as text: ``layers/0/weight``."""
    words = [
        next((str(getattr(k, a)) for a in _IN_NAMES if hasattr(k, a)), str(k))
        for k in path
    ]
    if words[-1:] == ["value"] and hasattr(path[-1], "name"):
        del words[-1]  # Flax keeps each array as the value of a variable
    return "/".join(words)
