"""log-sum-exp and softmax over any axes, of Variables and of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from deuterium.errors import ShapeError, UnsupportedError
from deuterium.functions.axes import common_shape, negative_axes, one_axis
from deuterium.functions.joins import concatenate
from deuterium.functions.masks import chosen, mask_for
from deuterium.functions.reductions import restored, sum, to_last_axis
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable, node
from deuterium.ops import arrays
from deuterium.ops.exponential import exp, log
from deuterium.ops.softmax import logsumexp_last, softmax_last


def _no_sign() -> UnsupportedError:
    return UnsupportedError(
        "logsumexp: `return_sign` is not supported for Variables; leave it out, or "
        "write np.sum(b * np.exp(a))"
    )


def logsumexp(
    a: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
    where: Any = True,
) -> Any:
    """Return ``log(sum(b * exp(a)))`` over axes, without overflow.

    Stands in for `scipy.special.logsumexp`, which does not dispatch to Variables.
    Works on numbers too.

    Parameters
    ----------
    a : Variable or array_like
        Exponents.
    axis : int or tuple of int, optional
        Axes to sum over; all by default.
    b : Variable or array_like, optional
        Factors, of a shape that broadcasts with that of ``a``.  The sum must stay
        positive; elements with a factor of zero are left out.
    keepdims : bool
        Whether the axes stay, with length one.
    return_sign : bool
        Refused for Variables: the sign of a sum is no smooth function.
    where : array_like of bool
        Which elements to sum.

    Raises
    ------
    UnsupportedError
        If ``return_sign`` is asked for of Variables, or ``where`` depends on one.
    ShapeError
        If shapes do not broadcast, or a sum has no elements.

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x", (2,))
    >>> round(float(dt.logsumexp(x).evaluate({x: [0.0, 0.0]})), 4)
    0.6931
    """
    if not (_has_variables(a) or _has_variables(b)):
        return _of_numbers(a, axis, b, keepdims, return_sign, where)
    if return_sign:
        raise _no_sign()
    x = as_variable(a)
    if b is not None:
        factors = as_variable(b)
        shape = common_shape("logsumexp", x.shape, factors.shape)
        x, factors = broadcast_to(x, shape), broadcast_to(factors, shape)
        if not factors.is_constant or np.any(factors.value < 0):
            return _with_any_factors(x, factors, axis, keepdims, where)
        kept = np.asarray(factors.value) != 0
        mask = mask_for(x, where, "logsumexp")
        where = kept if mask is None else _numbers(mask) & kept
        x = x + log(as_variable(np.where(kept, factors.value, 1.0)))
    axes = negative_axes(axis, x, "logsumexp")
    rows = to_last_axis(x, axes, "logsumexp")
    mask = mask_for(x, where, "logsumexp")
    if mask is None or np.all(_numbers(mask)):
        y = node(logsumexp_last, (rows,), {}, rows.shape[:-1])
    else:
        y = _of_chosen(rows, _rows_of(_numbers(mask), axes, rows.shape))
    return restored(y, x, axes, keepdims)


def _of_numbers(a: Any, axis: Any, b: Any, keep: bool, sign: bool, where: Any) -> Any:
    if where is not True and where is not None:
        b = np.where(where, 1.0 if b is None else b, 0.0)
    kind = {"axis": axis, "b": b, "keepdims": keep, "return_sign": sign}
    return scipy.special.logsumexp(a, **kind)


def _numbers(mask: Any) -> Any:
    if isinstance(mask, Variable):
        raise UnsupportedError(
            "logsumexp: `where` cannot depend on a Variable; give it as factors, with "
            "b=np.where(condition, 1, 0)"
        )
    return mask


def _with_any_factors(
    x: Variable, factors: Variable, axis: Any, keepdims: bool, where: Any
) -> Variable:
    """Return the logarithm of a weighted mean of factors, plus logsumexp itself."""
    axes = negative_axes(axis, x, "logsumexp")
    whole = logsumexp(x, axis, keepdims=True, where=where)
    shares = chosen(exp(x - whole), where, 0, "logsumexp")
    y = whole + log(sum(factors * shares, axes, keepdims=True))
    return y if keepdims else arrays.reshape_to(y, _rest(x, axes))


def _rows_of(mask: Any, axes: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """Return a mask moved as `to_last_axis` moves what it belongs to."""
    drop = sorted(i % mask.ndim for i in axes)
    rest = [i for i in range(mask.ndim) if i not in drop]
    return np.transpose(mask, (*rest, *drop)).reshape(shape)


def _of_chosen(rows: Variable, mask: Any) -> Variable:
    """Return log-sum-exp over the chosen elements of each row.

    Rows with the same elements left are taken together.
    """
    shape, n = mask.shape[:-1], mask.shape[-1]
    patterns, which = np.unique(mask.reshape(-1, n), axis=0, return_inverse=True)
    if not np.all(patterns.any(axis=-1)):
        raise ShapeError("logsumexp: `where` leaves no elements of a sum")
    flat = np.arange(rows.size).reshape(-1, n)
    parts, order = [], []
    for k, pattern in enumerate(patterns):
        (own,) = np.nonzero(which.ravel() == k)
        part = arrays.take_places(rows, flat[own][:, pattern])
        parts.append(node(logsumexp_last, (part,), {}, part.shape[:-1]))
        order.append(own)
    joined = concatenate(parts)
    return arrays.take_places(joined, np.argsort(np.concatenate(order)).reshape(shape))


def _has_variables(a: Any) -> bool:
    if isinstance(a, (list, tuple)):
        return any(map(_has_variables, a))
    return isinstance(a, Variable) or (isinstance(a, np.ndarray) and a.dtype == object)


def _rest(x: Variable, axes: tuple[int, ...]) -> tuple[int, ...]:
    drop = {i % x.ndim for i in axes}
    return tuple(n for i, n in enumerate(x.shape) if i not in drop)


def softmax(x: Any, axis: int = -1) -> Any:
    """Return ``exp(x) / sum(exp(x))`` along an axis (of Variables or numbers).

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x", (2,))
    >>> dt.softmax(x).evaluate({x: [0.0, 0.0]}).tolist()
    [0.5, 0.5]
    """
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
    """Return ``x - logsumexp(x)`` along an axis (of Variables or numbers).

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x", (3,))
    >>> dt.log_softmax(x).evaluate({x: [0.0, 0.0, 0.0]}).round(4).tolist()
    [-1.0986, -1.0986, -1.0986]
    """
    if not _has_variables(x):
        return scipy.special.log_softmax(x, axis=axis)
    v = as_variable(x)
    return v - logsumexp(v, axis=axis, keepdims=True)
