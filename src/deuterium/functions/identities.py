"""Functions that change nothing, since Variables are real, immutable and never NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import UnsupportedError
from deuterium.functions.function_table import implements, refuse_dtype
from deuterium.graph.constructors import as_variable
from deuterium.graph.hooks import provides
from deuterium.graph.operator import lookup
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.special import pi_for


@implements(np.copy, np.asanyarray)
def copy(a: Any, *args: Any, **kwargs: Any) -> Variable:
    """Return the array itself: Variables are immutable and lie in no memory."""
    x = as_variable(a)
    return astype(x, _dtype(args, kwargs))


@implements(np.ascontiguousarray, np.asfortranarray)
def laid_out(a: Any, *args: Any, **kwargs: Any) -> Variable:
    """Return the array itself, with one axis at least."""
    x = copy(a, *args, **kwargs)
    return arrays.reshape_to(x, x.shape or (1,))


def _dtype(args: Any, kwargs: Any) -> Any:
    """Return the ``dtype`` among arguments; words of an order are none."""
    given = kwargs.get("dtype", args[0] if args else None)
    return None if isinstance(given, str) and given in "KACF" else given


@implements(np.array, np.asarray, np.require)
def array(a: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Variable:
    """Return the array itself, made of Variables (``np.array(..., like=x)``)."""
    x = astype(as_variable(a), dtype)
    least = kwargs.get("ndmin", 0)
    return arrays.reshape_to(x, (1,) * (least - x.ndim) + x.shape)


@provides("astype")
@implements(np.astype)
def astype(x: Any, dtype: Any, /, *, copy: bool = True, **kwargs: Any) -> Variable:
    """Return the array itself: Variables are real numbers, as any float kind is.

    A conversion to integers, booleans or complex numbers is refused.
    """
    try:
        refuse_dtype("astype", dtype)
    except UnsupportedError:
        raise UnsupportedError(
            f"astype({dtype!r}): a Variable is a real number and stays one; leave it "
            "out, or convert the numbers after `.evaluate({...})`"
        ) from None
    return as_variable(x)


@implements(np.nan_to_num)
def nan_to_num(x: Any, *args: Any, **kwargs: Any) -> Variable:
    """Return the array itself: a Variable is never NaN nor infinite."""
    return as_variable(x)


@implements(np.real)
def real(val: Any) -> Variable:
    """Return the array itself."""
    return as_variable(val)


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Variable:
    """Return the array itself."""
    return as_variable(a)


@implements(np.imag)
def imag(val: Any) -> Variable:
    """Return zeros."""
    return arrays.zeros(as_variable(val).shape)


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Variable:
    """Return the angle of a real number: 0, or half a turn where it is negative."""
    x = as_variable(z)
    half = 180 if deg else pi_for(x)
    return lookup("relu'")(-x) * half
