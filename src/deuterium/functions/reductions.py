"""NumPy's reductions: sums, means, products and extremes."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, ShapeError
from deuterium.functions.axes import negative_axes
from deuterium.functions.function_table import implements, refuse, refuse_dtype
from deuterium.functions.masks import chosen, count_along, flattened
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


@implements(np.sum, np.nansum)
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
    refuse("np.sum", out=out)
    refuse_dtype("np.sum", dtype)
    x = chosen(as_variable(a), where, 0, "np.sum")
    axes = negative_axes(axis, x, "np.sum")
    y = restored(arrays.sum_over(x, axes), x, axes, keepdims)
    return y if initial is None else y + scalar_initial(initial, "np.sum")


def scalar_initial(initial: Any, caller: str) -> Variable:
    """Return an initial value, which NumPy wants to be one number."""
    v = as_variable(initial)
    if v.shape:
        raise ShapeError(f"{caller}: `initial` must be one number, got {v.shape}")
    return v


@implements(np.mean, np.nanmean)
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
    refuse("np.mean", out=out)
    refuse_dtype("np.mean", dtype)
    x = as_variable(a)
    n = count_along(x, negative_axes(axis, x, "np.mean"), "np.mean", where)
    total = sum(x, axis, keepdims=keepdims, where=where)
    return total if isinstance(n, int) and n == 1 else total / flattened(n, total)


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
        refuse(caller, out=out)
        x = as_variable(a)
        if where is not True and where is not None:
            if initial is None:
                raise InvalidInputError(
                    f"{caller}: with `where` it needs `initial`, the result of no "
                    "elements; give one"
                )
            x = chosen(x, where, initial, caller)
        axes = negative_axes(axis, x, caller)
        y = operator(to_last_axis(x, axes, caller)) if axes else x
        y = restored(y, x, axes, keepdims)
        return y if initial is None else join(y, scalar_initial(initial, caller))

    return reduce


amax = implements(np.max, np.amax, np.nanmax)(
    _last_axis_reduction(arrays.max_last, larger, "np.max")
)


amin = implements(np.min, np.amin, np.nanmin)(
    _last_axis_reduction(lambda x: -arrays.max_last(-x), minimum, "np.min")
)


_product = _last_axis_reduction(arrays.prod_last, multiply, "np.prod")


@implements(np.prod, np.nanprod)
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
    x = chosen(as_variable(a), where, 1, "np.prod")
    return _product(x, axis, out, keepdims, initial)


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Variable:
    """Return maximum minus minimum over axes."""
    return amax(a, axis, out, keepdims) - amin(a, axis, out, keepdims)


@implements(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Variable:
    """Return what a reduction makes of several axes, one after the other."""
    x = as_variable(a)
    for axis in negative_axes(axes, x, "np.apply_over_axes"):
        y = as_variable(func(x, axis))
        if y.ndim == x.ndim - 1:
            at = y.ndim + axis + 1
            y = arrays.reshape_to(y, (*y.shape[:at], 1, *y.shape[at:]))
        if y.ndim != x.ndim:
            raise ShapeError(
                f"np.apply_over_axes: the function made shape {y.shape} of {x.shape}; "
                "it must take away one axis or none"
            )
        x = y
    return x
