"""NumPy's reductions: sums, means, products and extremes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.errors import ShapeError
from deuterium.functions.axes import negative_axes
from deuterium.functions.function_table import implements, refuse, refuse_dtype
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.arithmetic import multiply
from deuterium.ops.piecewise import larger, minimum


def restored(y: Variable, x: Variable, axes: tuple[int, ...], keep: bool) -> Variable:
    """Return ``y`` with the reduced axes kept as axes of length one, if asked."""
    if not keep:
        return y
    drop = {i % x.ndim for i in axes}
    shape = tuple(1 if i in drop else n for i, n in enumerate(x.shape))
    return arrays.reshape_to(y, shape)


@implements(np.sum)
def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Variable:
    """Return the sum over axes."""
    refuse("np.sum", out=out, where=where)
    refuse_dtype("np.sum", dtype)
    x = as_variable(a)
    axes = negative_axes(axis, x, "np.sum")
    y = restored(arrays.sum_over(x, axes), x, axes, keepdims)
    return y if initial is None else y + scalar_initial(initial, "np.sum")


def scalar_initial(initial: Any, caller: str) -> Variable:
    """Return an initial value, which NumPy wants to be one number."""
    v = as_variable(initial)
    if v.shape:
        raise ShapeError(f"{caller}: `initial` must be one number, got {v.shape}")
    return v


def count_along(x: Variable, axes: tuple[int, ...], caller: str) -> int:
    """Return how many elements each result is made of; there must be some."""
    n = math.prod(x.shape[i] for i in axes)
    if n == 0:
        raise ShapeError(f"{caller}: no elements along `axis` of shape {x.shape}")
    return n


@implements(np.mean)
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Variable:
    """Return the arithmetic mean over axes."""
    refuse("np.mean", out=out, where=where)
    refuse_dtype("np.mean", dtype)
    x = as_variable(a)
    n = count_along(x, negative_axes(axis, x, "np.mean"), "np.mean")
    total = sum(x, axis, keepdims=keepdims)
    return total if n == 1 else total / n


def to_last_axis(x: Variable, axes: tuple[int, ...], caller: str) -> Variable:
    """Return ``x`` with the axes to reduce joined into one, the last."""
    n = count_along(x, axes, caller) if axes else 1
    drop = {i % x.ndim for i in axes}
    rest = [i for i in range(x.ndim) if i not in drop]
    moved = arrays.permute(x, (*rest, *sorted(drop)))
    return arrays.reshape_to(moved, (*(x.shape[i] for i in rest), n))


def _last_axis_reduction(operator: Any, join: Any, caller: str) -> Any:
    """Return the reduction over any axes by an operator over the last.

    ``join`` puts the initial value and the result together.
    """

    def reduce(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Variable:
        refuse(caller, out=out, where=where)
        x = as_variable(a)
        axes = negative_axes(axis, x, caller)
        y = operator(to_last_axis(x, axes, caller)) if axes else x
        y = restored(y, x, axes, keepdims)
        return y if initial is None else join(y, scalar_initial(initial, caller))

    return reduce


amax = implements(np.max, np.amax)(
    _last_axis_reduction(arrays.max_last, larger, "np.max")
)


amin = implements(np.min, np.amin)(
    _last_axis_reduction(lambda x: -arrays.max_last(-x), minimum, "np.min")
)


_product = _last_axis_reduction(arrays.prod_last, multiply, "np.prod")


@implements(np.prod)
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Variable:
    """Return the product over axes."""
    refuse_dtype("np.prod", dtype)
    return _product(a, axis, out, keepdims, initial, where)


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Variable:
    """Return maximum minus minimum over axes."""
    return amax(a, axis, out, keepdims) - amin(a, axis, out, keepdims)
