"""NumPy's two protocols: where calls of ufuncs and array functions arrive.

What each function means on Variables is entered in two tables by `deuterium.ops` and
`deuterium.functions`; here is only the dispatch, and the error for what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np

from deuterium.errors import (
    DeuteriumError,
    InvalidInputError,
    OutOfRangeError,
    UnsupportedError,
)
from deuterium.graph.hooks import METHODS
from deuterium.graph.operator import BY_UFUNC

UFUNCS: dict[str, Callable[..., Any]] = {}
"""Ufuncs that are more than one operator, by name."""

UFUNC_METHODS: dict[tuple[str, str], Callable[..., Any]] = {}
"""``ufunc.reduce`` and friends, by the names of ufunc and method."""

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""Array functions, by the NumPy function itself."""

INSTEAD: dict[str, str] = {}
"""For functions that cannot be supported: what to use instead, by name."""

_DEFAULT_INSTEAD = (
    "write it with the functions listed in docs/functions.md, or evaluate first with "
    "`.evaluate({...})`"
)


def array_ufunc(
    ufunc: Any, method: str, inputs: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Run a ufunc of which at least one input is a Variable."""
    out = kwargs.get("out")
    if out is not None and all(_holds_objects(x) for x in out):
        return _into(out, array_ufunc(ufunc, method, inputs, {**kwargs, "out": None}))
    reduced = {"where"} if method == "reduce" else set()
    mask = {k: v for k, v in kwargs.items() if k in reduced}
    rest = {k: v for k, v in kwargs.items() if k not in reduced}
    kwargs = _without_defaults(ufunc.__name__, rest) | mask
    meaning = _meaning(ufunc, method)
    if any(_holds_objects(x) for x in inputs) and not ufunc.signature:
        every = meaning

        def meaning(*xs: Any, **options: Any) -> Any:
            return elementwise(every, xs, options, ufunc.nout)

    return _called(meaning, f"np.{ufunc.__name__}", inputs, kwargs)


def _holds_objects(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype == object


def _into(out: Sequence[Any], result: Any) -> Any:
    """Fill an object array in place (``objects += variable``)."""
    (target,) = out
    target[...] = result
    return target


def _meaning(ufunc: Any, method: str) -> Callable[..., Any]:
    name = ufunc.__name__
    if method != "__call__":
        found = UFUNC_METHODS.get((name, method))
        if found is None:
            raise _unsupported(f"{name}.{method}")
        return found
    found = UFUNCS.get(name) or BY_UFUNC.get(name)
    if found is None:
        raise _unsupported(name)
    return found


def _without_defaults(name: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Drop arguments that say nothing, refuse those that Variables cannot honour."""
    kept = {
        k: v
        for k, v in kwargs.items()
        if (v is not None or k == "axis") and k != "subok"  # axis=None means all axes
    }
    for key in ("out", "where", "casting", "order", "dtype"):
        value = kept.pop(key, None)
        harmless = (
            value is None or value is True or (key == "dtype" and is_float(value))
        )
        if not harmless and key != "casting" and not (key == "order" and value == "K"):
            raise UnsupportedError(
                f"{name}: the argument `{key}` has no meaning for Variables, which are "
                "immutable and real; leave it out"
                + (" (for a += x write a = a + x)" if key == "out" else "")
            )
    return kept


def is_float(dtype: Any) -> bool:
    """Return whether something is a type of real numbers, as NumPy reads it."""
    try:
        return np.dtype(dtype).kind == "f"
    except (TypeError, ValueError):
        return False


def array_function(function: Any, args: Sequence[Any], kwargs: Any) -> Any:
    """Run an array function of which at least one argument is a Variable."""
    found = FUNCTIONS.get(function)
    if found is None:
        raise _unsupported(_full_name(function))
    return _called(found, _full_name(function), args, _without_no_value(kwargs))


def _called(
    meaning: Callable[..., Any], name: str, args: Sequence[Any], kwargs: Any
) -> Any:
    """Run what stands for a function; NumPy may know arguments that it does not.

    What is wrong with them is said by an error of ours, whoever notices it.
    """
    try:
        return meaning(*args, **kwargs)
    except DeuteriumError:
        raise
    except IndexError as error:
        raise OutOfRangeError(f"{name}: {error}") from error
    except _WRONG_VALUES as error:
        raise InvalidInputError(f"{name}: {error}") from error
    except TypeError as error:
        try:
            signature(meaning).bind(*args, **kwargs)
        except (TypeError, ValueError) as mismatch:
            raise UnsupportedError(
                f"{name} is not supported with these arguments on Variables: "
                f"{mismatch}; leave it out"
            ) from None
        raise UnsupportedError(f"{name}: {error}") from error


_WRONG_VALUES = (
    ValueError, ArithmeticError, KeyError, AttributeError, RecursionError
)  # fmt: skip


def _without_no_value(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in kwargs.items() if v is not np._NoValue}


def call(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Run what stands for a NumPy function, from a method of Variable."""
    return _called(FUNCTIONS[function], _full_name(function), args, kwargs)


def call_ufunc(name: str, *args: Any) -> Any:
    """Run what stands for a ufunc, from a method of Variable."""
    return _meaning(getattr(np, name), "__call__")(*args)


def elementwise(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    kwargs: Mapping[str, Any],
    results: int = 1,
) -> Any:
    """Apply to each element of object arrays (the notebooks' way).

    Where an array Variable is among them, the object arrays become array Variables.
    """
    if any(getattr(x, "shape", ()) and not isinstance(x, np.ndarray) for x in inputs):
        whole = [METHODS["stack"](x) if _holds_objects(x) else x for x in inputs]
        return function(*whole, **kwargs)
    boxed = [x if isinstance(x, np.ndarray) else _boxed(x) for x in inputs]
    run = np.frompyfunc(lambda *xs: function(*xs, **kwargs), len(boxed), results)
    return run(*boxed)


def _boxed(x: Any) -> Any:
    """Return a 0-d object array, so that the ufunc does not come back here."""
    box = np.empty((), dtype=object)
    box[()] = x
    return box


def _full_name(function: Any) -> str:
    module = getattr(function, "__module__", "") or ""
    return f"{module}.{function.__name__}" if module else function.__name__


def _unsupported(name: str) -> UnsupportedError:
    short = name.rpartition(".")[2]
    instead = INSTEAD.get(name) or INSTEAD.get(short) or _DEFAULT_INSTEAD
    return UnsupportedError(f"{name} is not supported on Variables: {instead}")
