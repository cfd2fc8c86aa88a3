"""log-sum-exp and softmax over the last axis, as operators of their own.

Written out with a maximum and a quotient, their derivatives would carry terms that
cancel over the reals but not as intervals.  As operators, both are enclosed exactly up
to rounding: log-sum-exp increases in every element; a softmax element increases in its
own and decreases in all others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import symengine as se

from deuterium.graph.constructors import broadcast_to
from deuterium.graph.operator import Operator, Shape, register
from deuterium.graph.variable import Variable, node
from deuterium.interval import Interval, interval_arithmetic, linear
from deuterium.interval.rounding import Array
from deuterium.ops import arrays
from deuterium.ops.exponential import exp, log

_make = Interval.unchecked


def _logsumexp_value(x: Any) -> Any:
    top = np.max(x, axis=-1)
    shift = np.where(np.isfinite(top), top, 0.0)
    return np.log(np.sum(np.exp(x - shift[..., None]), axis=-1)) + shift


def _logsumexp_at(x: Array) -> Interval:
    top = np.max(x, axis=-1)
    shifted = interval_arithmetic.subtract(_make(x, x), _thin(top[..., None]))
    total = linear.add_reduce(exp.enclosure(shifted), (np.ndim(x) - 1,))
    result = interval_arithmetic.add(log.enclosure(total), _thin(top))
    infinite = np.isinf(top)  # the limit is infinite too
    return _make(
        np.where(infinite, top, result.lower), np.where(infinite, top, result.upper)
    )


def _thin(x: Array) -> Interval:
    return _make(x, x)


def _logsumexp_enclosure(x: Interval) -> Interval:
    low = _logsumexp_at(x.lower)
    return _make(low.lower, _logsumexp_at(x.upper).upper)


def _softmax_value(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def _softmax_at(own: Array, others: Array) -> Interval:
    """Element i of softmax where it is ``own[i]`` and the rest are ``others``.

    ``1 / sum_j exp(x_j - x_i)``, with the term of j = i equal to 1 exactly.
    """
    n = own.shape[-1]
    difference = interval_arithmetic.subtract(
        _thin(others[..., None, :]), _thin(own[..., :, None])
    )
    same = np.eye(n, dtype=bool)
    terms = exp.enclosure(difference)
    terms = _make(np.where(same, 1.0, terms.lower), np.where(same, 1.0, terms.upper))
    total = linear.add_reduce(terms, (np.ndim(own),))
    result = interval_arithmetic.reciprocal(total)
    bad = np.isnan(own) | np.isnan(others).any(axis=-1, keepdims=True)
    return interval_arithmetic.undefined_where(result, bad)


def _softmax_enclosure(x: Interval) -> Interval:
    low = _softmax_at(x.lower, x.upper)
    high = _softmax_at(x.upper, x.lower)
    return _make(np.maximum(low.lower, 0.0), np.minimum(high.upper, 1.0))


def _softmax_pullback(g: Variable, out: Variable, x: Variable) -> tuple[Variable]:
    mean = arrays.sum_over(g * out, (-1,))
    return (out * (g - _spread(mean, x)),)


def _spread(y: Variable, x: Variable) -> Variable:
    return broadcast_to(arrays.reshape_to(y, (*y.shape, 1)), x.shape)


def _symbolic_sum_exp(x: Any) -> Any:
    return np.sum(np.frompyfunc(se.exp, 1, 1)(x), axis=-1, keepdims=True)


def _rows(own: Shape) -> Shape:
    if not own or not own[-1]:
        raise ValueError(f"shape {own} has no elements along a last axis")
    return own


softmax_last = register(
    Operator(
        name="softmax",
        arity=1,
        value=_softmax_value,
        enclosure=_softmax_enclosure,
        symbolic=lambda x: np.frompyfunc(se.exp, 1, 1)(x) / _symbolic_sum_exp(x),
        pullback=_softmax_pullback,
        shape=_rows,
        elementwise=False,
        range=(0.0, 1.0),
        code="softmax({0})",
        never_zero=True,
    )
)
logsumexp_last = register(
    Operator(
        name="logsumexp",
        arity=1,
        value=_logsumexp_value,
        enclosure=_logsumexp_enclosure,
        symbolic=lambda x: np.frompyfunc(se.log, 1, 1)(_symbolic_sum_exp(x)[..., 0]),
        pullback=lambda g, out, x: (
            node(softmax_last, (x,), {}, x.shape) * _spread(g, x),
        ),
        shape=lambda own: _rows(own)[:-1],
        elementwise=False,
        code="logsumexp({0})",
    )
)
