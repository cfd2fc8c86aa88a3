"""ATen's reductions: sums, means, extremes, norms, and softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import UnsupportedError
from deuterium.frontends.torch.aten_table import aten
from deuterium.frontends.torch.chosen_places import CHOSEN
from deuterium.frontends.torch.masked_scores import MaskedScores
from deuterium.functions.log_sum_exp import log_softmax, logsumexp, softmax
from deuterium.functions.masked_softmax import masked_softmax

Axes = int | list[int] | None


def axes_of(dim: Axes) -> Any:
    """Return axes as NumPy takes them; none given means all."""
    if dim is None or isinstance(dim, int):
        return dim
    return tuple(dim) or None


def _enter(names: tuple[str, ...], reduce: Any) -> None:
    @aten(*names)
    def run(x: Any, dim: Axes = None, keepdim: bool = False) -> Any:
        return reduce(x, axis=axes_of(dim), keepdims=keepdim)


for _names, _reduce in (
    (("sum",), np.sum),
    (("mean",), np.mean),
    (("prod",), np.prod),
    (("amax",), np.max),
    (("amin",), np.min),
    (("all",), np.all),
    (("any",), np.any),
    (("count_nonzero",), np.count_nonzero),
):
    _enter(_names, _reduce)


def _extreme(reduce: Any, pairwise: Any) -> Any:
    """Return the meaning of ``max`` or ``min``: of all, along an axis, or of two."""

    def run(x: Any, dim: Any = None, keepdim: bool = False, other: Any = None) -> Any:
        if other is not None:
            return pairwise(x, other)
        if dim is None:
            return reduce(x)
        return reduce(x, axis=dim, keepdims=keepdim), CHOSEN

    return run


aten("max")(_extreme(np.max, np.maximum))
aten("min")(_extreme(np.min, np.minimum))


@aten("aminmax")
def aminmax(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the least and the largest element."""
    return tuple(f(x, axis=dim, keepdims=keepdim) for f in (np.min, np.max))


@aten("sort")
def sort(x: Any, dim: int = -1, descending: bool = False, stable: Any = None) -> Any:
    """Return the elements in order along an axis."""
    y = np.sort(x, axis=dim)
    return (np.flip(y, axis=dim) if descending else y), CHOSEN


@aten("topk")
def topk(
    x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> Any:
    """Return the first elements in order along an axis."""
    y, places = sort(x, dim, largest)
    return np.take(y, np.arange(k), axis=dim), places


# places chosen by data must not be used
aten("argmax", "argmin", "argsort")(lambda x, dim=None, keepdim=False: CHOSEN)
aten("cumsum")(lambda x, dim: np.cumsum(x, axis=dim))


@aten("var")
def var(
    x: Any,
    dim: Axes = None,
    unbiased: bool = True,
    correction: float | None = None,
    keepdim: bool = False,
) -> Any:
    """Return the mean squared deviation, by default over one element less."""
    less = int(unbiased) if correction is None else correction
    return np.var(x, axis=axes_of(dim), ddof=less, keepdims=keepdim)


def _spreads(x: Any, dim: Axes, unbiased: bool, less: Any, keepdim: bool) -> Any:
    """Return the variance, the standard deviation and the mean."""
    variance = var(x, dim, unbiased, less, keepdim)
    return variance, np.sqrt(variance), np.mean(x, axis=axes_of(dim), keepdims=keepdim)


for _name, _kept in (
    ("std", 1),
    ("var_mean", slice(0, 3, 2)),
    ("std_mean", slice(1, 3)),
):
    aten(_name)(
        # bound now, as the loop goes on
        lambda x, dim=None, unbiased=True, correction=None, keepdim=False, at=_kept: (
            _spreads(x, dim, unbiased, correction, keepdim)[at]
        )
    )


@aten("linalg_vector_norm", "norm", "frobenius_norm")
def vector_norm(
    x: Any, ord: Any = 2, dim: Axes = None, keepdim: bool = False, p: Any = None
) -> Any:
    """Return the length of vectors, in a norm."""
    order = ord if p is None else p
    axes = axes_of(dim)
    if order == 0:
        raise UnsupportedError("a norm of order 0 counts; use (x != 0).sum()")
    size = np.abs(x)
    if order == 2:
        return np.sqrt(np.sum(x * x, axis=axes, keepdims=keepdim))
    if order == 1:
        return np.sum(size, axis=axes, keepdims=keepdim)
    if order in (np.inf, -np.inf):
        return (np.max if order > 0 else np.min)(size, axis=axes, keepdims=keepdim)
    return np.sum(size**order, axis=axes, keepdims=keepdim) ** (1 / order)


@aten("softmax", "_softmax", "_safe_softmax", "special_softmax", takes_masked=True)
def softmax_along(x: Any, dim: int, half_to_float: bool = False) -> Any:
    """Return the softmax along an axis; what is masked counts for nothing."""
    if isinstance(x, MaskedScores):
        return masked_softmax(x.scores, x.kept, dim)
    return softmax(x, axis=dim)


@aten("log_softmax", "_log_softmax", "special_log_softmax")
def log_softmax_along(x: Any, dim: int, half_to_float: bool = False) -> Any:
    """Return the logarithm of the softmax along an axis."""
    return log_softmax(x, axis=dim)


@aten("logsumexp", "special_logsumexp", takes_masked=True)
def logsumexp_along(x: Any, dim: Axes, keepdim: bool = False) -> Any:
    """Return the logarithm of a sum of exponentials."""
    if isinstance(x, MaskedScores):
        return logsumexp(x.scores, axes_of(dim), keepdims=keepdim, where=x.kept)
    return logsumexp(x, axes_of(dim), keepdims=keepdim)
