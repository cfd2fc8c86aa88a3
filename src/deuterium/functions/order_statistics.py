"""NumPy's order statistics: sorting, medians, quantiles."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.functions.axes import negative_axes, one_axis
from deuterium.functions.function_table import implements, refuse
from deuterium.functions.joins import stack
from deuterium.functions.reductions import restored, to_last_axis
from deuterium.graph.constructors import as_variable, constant
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.order import sorted_last


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, **kw: Any) -> Any:
    """Return the elements in ascending order along an axis."""
    kw.pop("stable", None)
    refuse("np.sort", order=order, **kw)
    x = as_variable(a)
    if axis is None:
        return sorted_last(arrays.reshape_to(x, (x.size,)))
    last = one_axis(axis, x.ndim, "np.sort")
    swap = list(range(x.ndim))
    swap[last], swap[-1] = swap[-1], swap[last]
    return arrays.permute(sorted_last(arrays.permute(x, tuple(swap))), tuple(swap))


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = None, order: Any = None
) -> Any:
    """Return the elements sorted, which is a partition at every place."""
    x = as_variable(a)
    size = x.size if axis is None else x.shape[one_axis(axis, x.ndim, "np.partition")]
    if not all(-size <= k < size for k in np.ravel(kth).tolist()):
        raise InvalidInputError(
            f"np.partition: `kth` must be a place among {size} elements, got {kth!r}"
        )
    return sort(x, axis, order=order)


@implements(np.median)
def median(
    a: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Variable:
    """Return the median along axes."""
    return quantile(a, 0.5, axis, out, overwrite_input, keepdims=keepdims)


@implements(np.percentile)
def percentile(a: Any, q: Any, *args: Any, **kwargs: Any) -> Variable:
    """Return percentiles along axes."""
    return _quantiles(
        "np.percentile", a, _levels(q, 100, "np.percentile"), *args, **kwargs
    )


@implements(np.quantile)
def quantile(a: Any, q: Any, *args: Any, **kwargs: Any) -> Variable:
    """Return quantiles along axes."""
    return _quantiles("np.quantile", a, _levels(q, 1, "np.quantile"), *args, **kwargs)


def _levels(q: Any, whole: int, caller: str) -> Any:
    """Return the levels as exact fractions, in an array of objects."""
    if isinstance(q, Variable):
        raise UnsupportedError(f"{caller}: `q` must be numbers, not a Variable")
    levels = np.asarray(q, dtype=np.float64)
    if not np.all((levels >= 0) & (levels <= whole)):
        raise InvalidInputError(
            f"{caller}: `q` must be between 0 and {whole}, got {q!r}"
        )
    exact = [Fraction(x) / whole for x in levels.ravel().tolist()]
    return np.array([*exact, None], dtype=object)[:-1].reshape(levels.shape)


def _quantiles(
    caller: str,
    a: Any,
    levels: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    **kwargs: Any,
) -> Variable:
    refuse(caller, out=out, **kwargs)
    if method not in _METHODS:
        raise UnsupportedError(
            f"{caller}: method={method!r} is not supported on Variables; use one of "
            f"{', '.join(map(repr, _METHODS))}"
        )
    x = as_variable(a)
    axes = negative_axes(axis, x, caller)
    ranked = sorted_last(to_last_axis(x, axes, caller))

    def one(level: Fraction) -> Variable:
        at = _METHODS[method](level * (ranked.shape[-1] - 1))
        return restored(_between(ranked, at), x, axes, keepdims)

    if levels.shape == ():
        return one(levels.item())
    parts = np.empty(levels.shape, dtype=object)
    for place in np.ndindex(levels.shape):
        parts[place] = one(levels[place])
    whole = stack(list(parts.ravel()))
    return arrays.reshape_to(whole, (*levels.shape, *whole.shape[1:]))


_METHODS: Any = {
    "linear": lambda at: at,
    "lower": lambda at: Fraction(at // 1),
    "higher": lambda at: Fraction(-(-at // 1)),
    "midpoint": lambda at: at if at.denominator == 1 else at // 1 + Fraction(1, 2),
    "nearest": lambda at: Fraction(round(at)),
}


def _between(ranked: Variable, at: Fraction) -> Variable:
    """Return what lies at a rank, between two neighbours if it is no integer."""
    below, share = int(at // 1), at - at // 1
    low = ranked[..., below]
    if not share:
        return low
    parts, whole = share.numerator, share.denominator
    high = ranked[..., below + 1]
    return _times(low, whole - parts, whole) + _times(high, parts, whole)


def _times(x: Variable, numerator: int, denominator: int) -> Variable:
    if float(Fraction(numerator, denominator)) == Fraction(numerator, denominator):
        return x * (numerator / denominator)
    return x * (constant(numerator) / constant(denominator))
