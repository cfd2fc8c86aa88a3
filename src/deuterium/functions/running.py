"""Sums, products and extremes that run along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.errors import ShapeError, UnsupportedError
from deuterium.functions.axes import one_axis
from deuterium.functions.function_table import implements, refuse, refuse_dtype
from deuterium.functions.joins import concatenate
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable
from deuterium.ops import arrays

Join = Callable[[Variable, Variable], Variable]


def along(
    run: Callable[[Variable], Variable], a: Any, axis: Any, caller: str
) -> Variable:
    """Return what ``run`` makes of the last axis, for any axis (None flattens)."""
    x = as_variable(a)
    if axis is None:
        return run(arrays.reshape_to(x, (x.size,)))
    at = one_axis(axis, x.ndim, caller) % x.ndim
    order = (*(i for i in range(x.ndim) if i != at), at)
    back = tuple(int(i) for i in np.argsort(order))
    return arrays.permute(run(arrays.permute(x, order)), back)


def scanned(join: Join) -> Callable[[Variable], Variable]:
    """Return the running result of an associative function along the last axis.

    By doubling (Hillis and Steele, "Data parallel algorithms", 1986): every element
    enters each result once, so nothing is divided by and intervals stay as tight as in
    a row of single steps, at a logarithm of the nodes.
    """

    def run(x: Variable) -> Variable:
        step = 1
        while step < x.shape[-1]:
            joined = join(x[..., :-step], x[..., step:])
            x = concatenate([x[..., :step], joined], axis=-1)
            step *= 2
        return x

    return run


@implements(np.cumsum, np.nancumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Variable:
    """Return the running sum along an axis (of the flattened array by default)."""
    refuse("np.cumsum", out=out)
    refuse_dtype("np.cumsum", dtype)
    return along(arrays.running_sum, a, axis, "np.cumsum")


_running_product = scanned(lambda x, y: x * y)


@implements(np.cumprod, np.nancumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Variable:
    """Return the running product along an axis (of the flattened array by default)."""
    refuse("np.cumprod", out=out)
    refuse_dtype("np.cumprod", dtype)
    return along(_running_product, a, axis, "np.cumprod")


def _cumulative(run: Any, first: int, caller: str) -> Callable[..., Variable]:
    """Return the array API's running sum or product."""

    def cumulative(
        x: Any,
        /,
        *,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Variable:
        refuse(caller, out=out)
        refuse_dtype(caller, dtype)
        v = as_variable(x)
        if axis is None and v.ndim > 1:
            raise ShapeError(f"{caller}: of several axes, `axis` has to say which")
        v = arrays.reshape_to(v, v.shape or (1,))
        axis = one_axis(-1 if axis is None else axis, v.ndim, caller)
        y: Variable = run(v, axis)
        if not include_initial:
            return y
        start = [1 if i - v.ndim == axis else n for i, n in enumerate(v.shape)]
        return concatenate([broadcast_to(as_variable(first), tuple(start)), y], axis)

    return cumulative


cumulative_sum = implements(np.cumulative_sum)(
    _cumulative(cumsum, 0, "np.cumulative_sum")
)
cumulative_prod = implements(np.cumulative_prod)(
    _cumulative(cumprod, 1, "np.cumulative_prod")
)


def accumulated(join: Join, name: str) -> Callable[..., Variable]:
    """Return ``ufunc.accumulate`` for an associative ufunc."""
    run = scanned(join)

    def accumulate(array: Any, axis: Any = 0, **kwargs: Any) -> Variable:
        refuse(f"np.{name}.accumulate", **kwargs)
        x = as_variable(array)
        if not x.ndim:
            raise UnsupportedError(
                f"np.{name}.accumulate: a scalar has no axis to run along"
            )
        return along(run, x, 0 if axis is None else axis, f"np.{name}.accumulate")

    return accumulate
