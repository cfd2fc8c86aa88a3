"""Averages, variances and covariances."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, ShapeError
from deuterium.functions.axes import negative_axes, one_axis
from deuterium.functions.function_table import implements, refuse, refuse_dtype
from deuterium.functions.masks import count_along, flattened
from deuterium.functions.reductions import mean, sum
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.arithmetic import sqrt, square

_mean = mean  # `var` has an argument of that name


@implements(np.average)
def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """Return the (weighted) mean over axes, and the sum of weights if asked for."""
    x = as_variable(a)
    if weights is None:
        w = as_variable(np.ones(x.shape))
        result = mean(x, axis, keepdims=keepdims)
    else:
        w = _weights_along(x, as_variable(weights), axis)
        weighed = sum(x * w, axis, keepdims=keepdims)
        result = weighed / sum(w, axis, keepdims=keepdims)
    return (result, sum(w, axis, keepdims=keepdims)) if returned else result


def _weights_along(x: Variable, w: Variable, axis: Any) -> Variable:
    """Return weights of the shape of ``x``, given such or one per place of ``axis``."""
    if w.shape == x.shape:
        return w
    axes = negative_axes(axis, x, "np.average")
    given = axis if isinstance(axis, tuple) else (axis,)
    order = () if axis is None else [one_axis(i, x.ndim, "np.average") for i in given]
    if axis is None or w.shape != tuple(x.shape[i] for i in order):
        raise ShapeError(
            f"np.average: weights of shape {w.shape} fit neither the shape {x.shape} "
            f"nor its axis {axis!r}"
        )
    w = arrays.permute(w, tuple(int(i) for i in np.argsort(order)))
    shape = tuple(n if i - x.ndim in axes else 1 for i, n in enumerate(x.shape))
    return broadcast_to(arrays.reshape_to(w, shape), x.shape)


@implements(np.var, np.nanvar)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Variable:
    """Return the variance over axes."""
    refuse("np.var", out=out)
    refuse_dtype("np.var", dtype)
    if ddof != 0 and correction is not None:
        raise InvalidInputError("np.var: give `ddof` or `correction`, not both")
    lost = Fraction(ddof if correction is None else correction)
    x = as_variable(a)
    n = count_along(x, negative_axes(axis, x, "np.var"), "np.var", where)
    if not isinstance(n, Variable) and np.any(n <= lost):
        raise ShapeError(f"np.var: {np.min(n)} elements leave no degrees of freedom")
    centre = _mean(x, axis, keepdims=True, where=where) if mean is None else mean
    total = sum(square(x - centre), axis, keepdims=keepdims, where=where)
    return total / (flattened(n, total) - lost)


@implements(np.std, np.nanstd)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    **kwargs: Any,
) -> Variable:
    """Return the standard deviation over axes."""
    return sqrt(var(a, axis, dtype, out, ddof, keepdims, **kwargs))
