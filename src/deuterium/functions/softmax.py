"""log-sum-exp and softmax over any axes, of Variables and of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from deuterium.errors import ShapeError
from deuterium.functions.axes import negative_axes, one_axis
from deuterium.functions.reductions import restored, to_last_axis
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable, node
from deuterium.ops import arrays
from deuterium.ops.softmax import logsumexp_last, softmax_last


def logsumexp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return ``log(sum(exp(a)))`` over axes, without overflow.

    Stands in for `scipy.special.logsumexp`, which does not dispatch to Variables.
    Works on numbers too.
    """
    if not _has_variables(a):
        return scipy.special.logsumexp(a, axis=axis, keepdims=keepdims)
    x = as_variable(a)
    axes = negative_axes(axis, x, "logsumexp")
    y = node(logsumexp_last, (to_last_axis(x, axes, "logsumexp"),), {}, _rest(x, axes))
    return restored(y, x, axes, keepdims)


def _has_variables(a: Any) -> bool:
    if isinstance(a, (list, tuple)):
        return any(map(_has_variables, a))
    return isinstance(a, Variable) or (isinstance(a, np.ndarray) and a.dtype == object)


def _rest(x: Variable, axes: tuple[int, ...]) -> tuple[int, ...]:
    drop = {i % x.ndim for i in axes}
    return tuple(n for i, n in enumerate(x.shape) if i not in drop)


def softmax(x: Any, axis: int = -1) -> Any:
    """Return ``exp(x) / sum(exp(x))`` along an axis (of Variables or numbers)."""
    if not _has_variables(x):
        return scipy.special.softmax(x, axis=axis)
    v = as_variable(x)
    at = one_axis(axis, v.ndim, "softmax") % v.ndim
    if v.shape[at] == 0:
        raise ShapeError(f"softmax: no elements along `axis` of shape {v.shape}")
    order = (*(i for i in range(v.ndim) if i != at), at)
    moved = arrays.permute(v, order)
    result = node(softmax_last, (moved,), {}, moved.shape)
    return arrays.permute(result, tuple(int(i) for i in np.argsort(order)))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """Return ``x - logsumexp(x)`` along an axis (of Variables or numbers)."""
    if not _has_variables(x):
        return scipy.special.log_softmax(x, axis=axis)
    v = as_variable(x)
    return v - logsumexp(v, axis=axis, keepdims=True)
