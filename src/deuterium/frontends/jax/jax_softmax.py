"""Softmax and logarithms of sums as JAX spells them, read as the operators they are.

JAX subtracts the largest element before it takes exponentials.  Over the reals the
shift cancels, but not in intervals; so it is left out where it is seen to cancel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.functions.log_sum_exp import logsumexp, softmax
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable
from deuterium.ops import shapes
from deuterium.ops.arithmetic import negative, subtract
from deuterium.ops.exponential import exp, log1p
from deuterium.ops.piecewise import absolute, maximum, relu
from deuterium.ops.special import log_expit

__all__ = [
    "is_sum_of_exp",
    "log_of_sum",
    "log_of_two",
    "shifted_back",
    "softmax_of",
    "without_shifts",
]


def _spread(x: Variable) -> tuple[Variable, Any]:
    """Return what an array was spread from, and the flat place of each element."""
    path = []
    while x.op in (shapes.broadcast, shapes.reshape):
        path.append(x)
        (x,) = x.args
    places: Any = np.arange(x.size).reshape(x.shape)
    for step in reversed(path):
        places = step.op.value(places, **step.attrs)  # type: ignore[union-attr]
    return x, places


def _low(x: Variable) -> Variable:
    """Return what an array was spread from."""
    while x.op in (shapes.broadcast, shapes.reshape):
        (x,) = x.args
    return x


def _same(a: Variable, b: Variable) -> bool:
    """Return whether two arrays spread the same one in the same way."""
    if _low(a) is not _low(b):
        return False
    (x, at_x), (y, at_y) = _spread(a), _spread(b)
    first, second = np.broadcast_arrays(at_x, at_y)
    return x is y and np.array_equal(first, second)


class _SumOfExp:
    """``sum(exp(x - shift), axis)``: its parts; None as `whole` where it is no such."""

    def __init__(self, total: Variable) -> None:
        self.whole: Variable | None = None
        if total.op is not shapes.add_reduce or total.args[0].op is not exp:
            return
        (self.terms,) = total.args
        ndim, axes = self.terms.ndim, total.attrs["axis"]
        if len(axes) != 1:
            return
        self.axis = axes[0] % ndim
        self.kept = tuple(
            1 if i == self.axis else n for i, n in enumerate(self.terms.shape)
        )
        (self.whole,) = self.terms.args
        self.shift: Variable | None = None
        if self.whole.op is subtract:
            whole, spread = self.whole.args
            shift, places = _spread(spread)
            if np.array_equal(places, self._spread_places()) and shift.size == int(
                np.prod(self.kept)
            ):
                self.whole, self.shift = whole, shift

    def _spread_places(self) -> Any:
        places = np.arange(int(np.prod(self.kept))).reshape(self.kept)
        return np.broadcast_to(places, self.terms.shape)

    def is_spread_by(self, bottom: Variable) -> bool:
        """Return whether sums are spread over the axis they were taken over."""
        places = _spread(bottom)[1]  # axes of length one are spread by the division
        if places.ndim != self.terms.ndim:
            return False
        whole = np.broadcast_to(places, self.terms.shape)
        return np.array_equal(whole, self._spread_places())


def is_sum_of_exp(x: Variable) -> bool:
    """Return whether it is an exponential, or a sum of some, so that it is positive."""
    total = _low(x)
    return total.op is exp or _SumOfExp(total).whole is not None


def softmax_of(top: Variable, bottom: Variable) -> Variable | None:
    """Return the softmax that ``exp(x - shift) / sum(exp(x - shift))`` is."""
    parts = _SumOfExp(_low(bottom))
    if parts.whole is None or parts.terms is not top or not parts.is_spread_by(bottom):
        return None
    return softmax(parts.whole, axis=parts.axis)


def log_of_sum(x: Variable) -> Variable | None:
    """Return ``logsumexp(x) - shift`` for ``log(sum(exp(x - shift)))``."""
    parts = _SumOfExp(_low(x))
    if parts.whole is None:
        return None
    whole = logsumexp(parts.whole, axis=parts.axis)
    if parts.shift is not None:
        whole = whole - parts.shift.reshape(whole.shape)
    return _placed(whole, _spread(x)[1])


def without_shifts(a: Variable, b: Variable) -> Variable | None:
    """Return ``x - y`` for ``(x - shift) - (y - shift)``."""
    low = _low(b)
    if a.op is not subtract or low.op is not subtract:
        return None
    (x, shift), (y, other) = a.args, low.args
    if _low(shift) is not _low(other):
        return None
    places = _spread(b)[1]
    if not _same(shift, _placed(other, places)):
        return None
    return x - _placed(y, places)


def shifted_back(a: Variable, b: Variable) -> Variable | None:
    """Return ``y`` for ``(y - shift) + shift``."""
    for whole, shift in ((a, b), (b, a)):
        low = _low(whole)
        if low.op is not subtract or _low(low.args[1]) is not _low(shift):
            continue
        places = _spread(whole)[1]
        if _same(_placed(low.args[1], places), shift):
            return _placed(low.args[0], places)
    return None


def log_of_two(a: Variable, b: Variable) -> Variable | None:
    """Return ``logaddexp(x, y)`` for ``max(x, y) + log1p(exp(-|x - y|))``."""
    for top, rest in ((a, b), (b, a)):
        pair = _distance_below(rest)
        if pair is None:
            continue
        for x, y in (pair, pair[::-1]):
            if _is_zero(y) and top.op is relu and _same(top.args[0], x):
                return -log_expit(-x)
            if top.op is maximum and all(map(_same, top.args, (x, y))):
                return as_variable(np.logaddexp(x, y))
    return None


def _distance_below(x: Variable) -> tuple[Variable, Variable] | None:
    """Return x and y of ``log1p(exp(-|x - y|))``."""
    for op in (log1p, exp, negative, absolute):
        if x.op is not op:
            return None
        (x,) = x.args
    return (x.args[0], x.args[1]) if x.op is subtract else None


def _is_zero(x: Variable) -> bool:
    low = _low(x)
    return low.is_constant and not np.any(low.value)


def _placed(x: Variable, places: Any) -> Variable:
    """Return the elements at flat places, by broadcasting where that will do."""
    if places.size == x.size and np.array_equal(places.ravel(), np.arange(x.size)):
        return x.reshape(places.shape)
    return x.reshape(-1)[places]
