"""Nodes that are a symmetric matrix times another node, which shortens every vector.

The matrix varies, but its eigenvalues lie in [0, k]: deviations from the mean are a
projection (k = 1), so but for a factor is a `rejection` (k = 1), and of the slope of a
softmax ``p``, which is ``diag(p) - p p'``, k is 1/2: ``g' (diag(p) - p p') g`` is a
variance, at most ``r**2 / 4`` for ``r = max g - min g``, and ``r**2 <= 2 |g|**2``.
Besides, of ``d = p * (g - p.g)`` the sum of ``|d|`` is a mean distance, at most r / 2,
and each ``|d|`` at most ``p (1 - p) r``: squares add up to at most ``r**2 / 8``, and
``d B`` is at most r / 2 times the length of the longest row of B.

References: T. Popoviciu, Mathematica (Cluj) 9, 1935 (the variance of bounded numbers);
B. Gao and L. Pavel, "On the properties of the softmax function", arXiv:1704.00805.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deuterium import ops
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import Array, sqrt_up
from deuterium.interval.spectral_norm import inflate
from deuterium.optimize.bounders.norm_bounds.ball_and_box import (
    LEAD,
    ArrayBounds,
    cut,
    sum_up,
)

ROOT_OF_EIGHTH = 0.35355339059327384  # rounded up


@dataclass(frozen=True)
class Contraction:
    """What a node is a symmetric matrix times.

    Attributes
    ----------
    base : Variable
        The other node.
    is_softmax : bool
        Whether the matrix is the slope of a softmax, by rows.
    """

    base: Variable
    is_softmax: bool = False

    def length(self, base: ArrayBounds) -> Array:
        """Return upper bounds of the length, (B, K), from what the base is."""
        if not self.is_softmax:
            return base.length
        by_ranges = inflate(self.ranges(base) * ROOT_OF_EIGHTH)
        return np.fmin(base.length / 2, by_ranges)

    @staticmethod
    def ranges(base: ArrayBounds) -> Array:
        """Return the length of the vector of the ranges of rows, (B, K)."""
        rows = np.max(base.ends[1], axis=-1) - np.min(base.ends[0], axis=-1)
        squares = sum_up(np.square(rows), tuple(range(LEAD, rows.ndim)))
        return sqrt_up(inflate(squares, 16))


def contraction_of(v: Variable) -> Contraction | None:
    """Return what a node is a contraction of, if it is one."""
    if v.op is ops.rejection and _is_not_negative(v.args[2]):
        return Contraction(v.args[1])
    if v.op is ops.add or v.op is ops.subtract:
        for x, y in (v.args, v.args[::-1] if v.op is ops.add else v.args):
            if _is_mean(y, x, negative=v.op is ops.add):
                return Contraction(x)
    if v.op is ops.multiply:
        for p, d in (v.args, v.args[::-1]):
            if p.op is not ops.softmax_last or d.op not in (ops.subtract, ops.add):
                continue
            added = d.op is ops.add
            for g, mean in (d.args, d.args[::-1] if added else d.args):
                if _is_average(mean, p, g, negative=added):
                    return Contraction(g, is_softmax=True)
    return None


def _is_not_negative(v: Variable) -> bool:
    """Return whether a node certainly is a number, or numbers, of at least 0."""
    if v.is_constant:
        return bool(np.all(np.asarray(v.value) >= 0))
    keeps = v.op is not None and (v.op.keeps_sign or v.op.moves_elements)
    return keeps and all(_is_not_negative(a) for a in v.args)


def _spread_from(v: Variable) -> Variable:
    """Return what is spread along the last axis."""
    if v.op is ops.broadcast and v.args[0].shape in ((*v.shape[:-1], 1), ()):
        v = v.args[0]
    while v.op is ops.reshape:
        (v,) = v.args
    return v


def _sum_under(v: Variable) -> Variable | None:
    """Return what a node sums up over the last axis, by rows."""
    if v.op is not ops.add_reduce or v.attrs["axis"] != (-1,):
        return None
    return v.args[0]


def _is_mean(v: Variable, x: Variable, *, negative: bool) -> bool:
    """Return whether ``v`` is the mean of each row of x, or the negative of it."""
    v = _spread_from(v)
    if not x.ndim or v.shape != x.shape[:-1]:
        return False
    if negative:
        if v.op is not ops.negative:
            return False
        (v,) = v.args
    if v.op is not ops.divide:
        return False
    top, count = v.args
    while count.op is ops.broadcast:
        (count,) = count.args
    is_count = count.is_constant and not count.shape and count.value == x.shape[-1]
    return bool(is_count) and _sum_under(top) is x


def _is_average(v: Variable, p: Variable, g: Variable, *, negative: bool) -> bool:
    """Return whether ``v`` is the sum of ``p * g`` of each row, or its negative."""
    total = _spread_from(v)
    if negative:
        if total.op is not ops.negative:
            return False
        (total,) = total.args
        while total.op is ops.reshape:
            (total,) = total.args
    product = _sum_under(total)
    if product is None or product.op is not ops.multiply or v.shape != g.shape:
        return False
    return product.args in ((p, g), (g, p))


def shortened(found: ArrayBounds, length: Array) -> ArrayBounds:
    """Return what is known of an array that has at most a length, too."""
    zero = np.zeros((1,) * found.centre.ndim)
    wide = (..., *(None,) * len(found.axes))
    count = float(max(math.prod(found.centre.shape[LEAD:]), 1))
    return ArrayBounds(
        cut(found.ends, zero, length[wide]),
        found.centre,
        found.radius,
        np.fmin(found.length, length),
        np.fmin(found.total, inflate(length * np.sqrt(count))),
    )
