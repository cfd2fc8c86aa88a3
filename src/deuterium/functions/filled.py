"""NumPy's arrays of one value, and triangles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.functions.function_table import implements, refuse_dtype
from deuterium.functions.places import like, numpy_does
from deuterium.functions.reshaping import broadcast
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable
from deuterium.interval import doubles
from deuterium.ops import arrays
from deuterium.ops.piecewise import select


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Variable:
    """Return the lower triangle, with zeros above."""
    return _triangle(m, lambda shape: np.tril(np.ones(shape), k), "np.tril")


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Variable:
    """Return the upper triangle, with zeros below."""
    return _triangle(m, lambda shape: np.triu(np.ones(shape), k), "np.triu")


def _triangle(m: Any, mask: Callable[[Any], Any], caller: str) -> Variable:
    x = as_variable(m)
    inside = numpy_does(lambda: mask(x.shape), caller, x.shape).astype(bool)
    whole = broadcast_to(x, inside.shape)  # of one axis, NumPy makes a matrix
    return select(whole, arrays.zeros(inside.shape), mask=inside)


def _made(make: Callable[..., Any]) -> Callable[..., Variable]:
    """Return what makes an array of numbers as a Variable (``like=`` one)."""
    return lambda *args, **kwargs: as_variable(make(*args, **kwargs))


for _make in (
    np.zeros, np.ones, np.empty, np.eye, np.identity, np.arange, np.tri,
    np.fromfunction,
):  # fmt: skip
    implements(_make)(_made(_make))


@implements(np.full)
def full(shape: Any, fill_value: Any, dtype: Any = None, **kwargs: Any) -> Variable:
    """Return an array filled with one value (``like=`` a Variable)."""
    refuse_dtype("np.full", dtype)
    return broadcast(fill_value, shape)


@implements(np.zeros_like, np.empty_like)
def zeros_like(a: Any, **kwargs: Any) -> Any:
    """Return an array of zeros of the same shape (numbers, not Variables)."""
    return np.zeros_like(like(as_variable(a)), **kwargs)


@implements(np.ones_like)
def ones_like(a: Any, **kwargs: Any) -> Any:
    """Return an array of ones of the same shape (numbers, not Variables)."""
    return np.ones_like(like(as_variable(a)), **kwargs)


@implements(np.full_like)
def full_like(a: Any, fill_value: Any, **kwargs: Any) -> Any:
    """Return an array filled with one value, of the same shape."""
    empty = np.empty_like(like(as_variable(a)), **kwargs)
    if isinstance(fill_value, Variable):
        refuse_dtype("np.full_like", empty.dtype)
        return broadcast(fill_value, empty.shape)
    if empty.dtype.kind == "f":
        what = "np.full_like: `fill_value`"
        fill_value = doubles.exactly(fill_value, what, "use np.broadcast_to")
    return np.full_like(empty, fill_value)
