"""NumPy's reductions: sums, means, products, extremes, variances, norms."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import scipy.special

from deuterium.errors import InvalidInputError, ShapeError, UnsupportedError
from deuterium.functions.axes import negative_axes, one_axis
from deuterium.functions.function_table import implements, refuse, refuse_dtype
from deuterium.graph.constructors import as_variable, broadcast_to, constant
from deuterium.graph.variable import Variable, node
from deuterium.ops import arrays
from deuterium.ops.arithmetic import cbrt, multiply, power, raise_to, sqrt, square
from deuterium.ops.piecewise import absolute, larger, minimum
from deuterium.ops.softmax import logsumexp_last, softmax_last


def _restored(y: Variable, x: Variable, axes: tuple[int, ...], keep: bool) -> Variable:
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
    y = _restored(arrays.sum_over(x, axes), x, axes, keepdims)
    return y if initial is None else y + _scalar(initial, "np.sum")


def _scalar(initial: Any, caller: str) -> Variable:
    """Return an initial value, which NumPy wants to be one number."""
    v = as_variable(initial)
    if v.shape:
        raise ShapeError(f"{caller}: `initial` must be one number, got {v.shape}")
    return v


def _count(x: Variable, axes: tuple[int, ...], caller: str) -> int:
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
    n = _count(x, negative_axes(axis, x, "np.mean"), "np.mean")
    total = sum(x, axis, keepdims=keepdims)
    return total if n == 1 else total / n


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


@implements(np.var)
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
    refuse("np.var", out=out, where=where)
    refuse_dtype("np.var", dtype)
    if ddof != 0 and correction is not None:
        raise InvalidInputError("np.var: give `ddof` or `correction`, not both")
    lost = Fraction(ddof if correction is None else correction)
    x = as_variable(a)
    n = _count(x, negative_axes(axis, x, "np.var"), "np.var")
    if n <= lost:
        raise ShapeError(f"np.var: {n} elements leave no degrees of freedom")
    centre = _mean(x, axis, keepdims=True) if mean is None else mean
    return sum(square(x - centre), axis, keepdims=keepdims) / (n - lost)


@implements(np.std)
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


def _to_last_axis(x: Variable, axes: tuple[int, ...], caller: str) -> Variable:
    """Return ``x`` with the axes to reduce joined into one, the last."""
    n = _count(x, axes, caller) if axes else 1
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
        y = operator(_to_last_axis(x, axes, caller)) if axes else x
        y = _restored(y, x, axes, keepdims)
        return y if initial is None else join(y, _scalar(initial, caller))

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


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Variable:
    """Return the running sum along an axis (of the flattened array by default)."""
    refuse("np.cumsum", out=out)
    refuse_dtype("np.cumsum", dtype)
    x = as_variable(a)
    if axis is None:
        return arrays.running_sum(arrays.reshape_to(x, (x.size,)))
    at = one_axis(axis, x.ndim, "np.cumsum") % x.ndim
    order = (*(i for i in range(x.ndim) if i != at), at)
    back = tuple(int(i) for i in np.argsort(order))
    return arrays.permute(arrays.running_sum(arrays.permute(x, order)), back)


def logsumexp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return ``log(sum(exp(a)))`` over axes, without overflow.

    Stands in for `scipy.special.logsumexp`, which does not dispatch to Variables.
    Works on numbers too.
    """
    if not _has_variables(a):
        return scipy.special.logsumexp(a, axis=axis, keepdims=keepdims)
    x = as_variable(a)
    axes = negative_axes(axis, x, "logsumexp")
    y = node(logsumexp_last, (_to_last_axis(x, axes, "logsumexp"),), {}, _rest(x, axes))
    return _restored(y, x, axes, keepdims)


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


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Variable:
    """Return a norm: of vectors, or of matrices the Frobenius, 1 or inf norm."""
    v = as_variable(x)
    axes = negative_axes(axis, v, "np.linalg.norm")
    matrix = len(axes) == 2
    if len(axes) not in (1, 2) and not (ord is None and axis is None):
        raise ShapeError("np.linalg.norm: `ord` and `axis` need one or two axes")
    if ord is None or (ord == 2 and not matrix) or (ord == "fro" and matrix):
        return sqrt(sum(square(v), axes, keepdims=keepdims))
    if isinstance(ord, (int, float, np.number)) and matrix and abs(ord) in (1, np.inf):
        given = [one_axis(i, v.ndim, "np.linalg.norm") for i in axis or (-2, -1)]
        return _largest_sum(v, given, float(ord), keepdims)
    if isinstance(ord, (int, float, np.number)) and len(axes) == 1 and ord != 0:
        return _vector_norm(absolute(v), float(ord), axes, keepdims)
    raise UnsupportedError(
        f"np.linalg.norm: ord={ord!r} over {len(axes)} axes is not supported on "
        "Variables; use any order but 0 of vectors, and 'fro', 1 or inf of matrices"
    )


def _vector_norm(size: Variable, p: float, axes: tuple[int, ...], keep: bool) -> Any:
    """Return the p-norm over one axis of absolute values."""
    if p == np.inf:
        return amax(size, axes, keepdims=keep)
    if p == -np.inf:
        return amin(size, axes, keepdims=keep)
    if p == 1:
        return sum(size, axes, keepdims=keep)
    total = sum(raise_to(size, p), axes, keepdims=keep)
    if p == 3:
        return cbrt(total)
    # as a quotient in the graph: the double nearest 1/p is not 1/p
    return power(total, constant(1) / constant(p))


def _largest_sum(v: Variable, axes: list[int], p: float, keep: bool) -> Variable:
    """Return the largest (smallest for p < 0) sum of a column (p = 1) or row (inf)."""
    over, across = axes if abs(p) == 1 else axes[::-1]
    sums = sum(absolute(v), over, keepdims=True)
    y = (amax if p > 0 else amin)(sums, across, keepdims=True)
    if keep:
        return y
    rest = [n for i, n in enumerate(y.shape) if i - y.ndim not in axes]
    return arrays.reshape_to(y, tuple(rest))


@implements(np.linalg.vector_norm)
def vector_norm(
    x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2
) -> Variable:
    """Return a vector norm over axes (all of them by default)."""
    v = as_variable(x)
    axes = negative_axes(axis, v, "np.linalg.vector_norm")
    flat = _to_last_axis(v, axes, "np.linalg.vector_norm") if axes else v[..., None]
    return _restored(norm(flat, ord, -1), v, axes, keepdims)


def norm_of_all(variables: Any) -> Variable:
    """Return one L2 norm over all elements of all Variables given (``dt.norm``).

    Parameters
    ----------
    variables : Variable, array or sequence of them
        Such as the list of gradients that `grad` returns.
    """
    parts = variables if isinstance(variables, (list, tuple)) else [variables]
    nodes = [as_variable(p) for p in parts]
    if not nodes:
        raise ShapeError("norm: needs at least one Variable")
    total = sum(square(nodes[0]))
    for v in nodes[1:]:
        total = total + sum(square(v))
    return sqrt(total)
