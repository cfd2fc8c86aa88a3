"""Questions about the shape and the kind, which have numbers for answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.functions.function_table import implements
from deuterium.functions.places import like, numpy_does
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """Return the shape."""
    return as_variable(a).shape


@implements(np.ndim)
def ndim(a: Any) -> int:
    """Return the number of axes."""
    return as_variable(a).ndim


@implements(np.size)
def size(a: Any, axis: int | None = None) -> int:
    """Return the number of elements (along an axis)."""
    x = as_variable(a)
    return int(numpy_does(lambda: np.size(like(x), axis), "np.size", x.shape))


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """Return False: Variables are real."""
    return False


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """Return True: Variables are real."""
    return True


@implements(np.isreal)
def isreal(x: Any) -> Any:
    """Return True for every element."""
    return np.isreal(like(as_variable(x)))


@implements(np.iscomplex)
def iscomplex(x: Any) -> Any:
    """Return False for every element."""
    return np.iscomplex(like(as_variable(x)))


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    """Return float64, which is what values are in, or a wider type given."""
    return np.result_type(*map(_as_numbers, arrays_and_dtypes))


@implements(np.common_type)
def common_type(*arrays: Any) -> Any:
    """Return float64, or a wider type of an array given."""
    return np.common_type(*map(_as_numbers, arrays))


def _as_numbers(x: Any) -> Any:
    return like(x) if isinstance(x, Variable) else x


def _indices(find: Any, caller: str) -> Any:
    def indices(arr: Any, *args: Any, **kwargs: Any) -> Any:
        x = as_variable(arr)
        return numpy_does(lambda: find(like(x), *args, **kwargs), caller, x.shape)

    return indices


for _find in (np.diag_indices_from, np.tril_indices_from, np.triu_indices_from):
    implements(_find)(_indices(_find, f"np.{_find.__name__}"))


@implements(np.einsum_path)
def einsum_path(*operands: Any, **kwargs: Any) -> Any:
    """Return the order in which `numpy.einsum` would best contract arrays."""
    shapes = [x.shape for x in operands if isinstance(x, Variable)]
    return numpy_does(
        lambda: np.einsum_path(*map(_as_numbers, operands), **kwargs),
        "np.einsum_path",
        shapes,
    )
