"""Nodes that are a symmetric matrix times another node, which shortens every vector.

The matrix varies, but its eigenvalues lie in [-k, k]: deviations from the mean are a
projection (k = 1), a `rejection` has eigenvalues in [0, 1], and the slope of a softmax
``p``, which is ``diag(p) - p p'``, in [0, 1/2]: ``g' (diag(p) - p p') g`` is a variance,
at most ``(max g - min g)**2 / 4``, and that is at most ``|g|**2 / 2``.

References: T. Popoviciu, Mathematica (Cluj) 9, 1935 (the variance of bounded numbers);
B. Gao and L. Pavel, "On the properties of the softmax function", arXiv:1704.00805.
"""

from __future__ import annotations

import numpy as np

from deuterium import ops
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import Array
from deuterium.interval.spectral_norm import inflate
from deuterium.optimize.bounders.norm_bounds.ball_and_box import ArrayBounds, cut

Contraction = tuple[Variable, float]  # another node, and k


def contraction_of(v: Variable) -> Contraction | None:
    """Return what a node is a symmetric matrix times, and its eigenvalues' bound."""
    if v.op is ops.rejection:
        return v.args[1], 1.0
    if v.op is ops.add or v.op is ops.subtract:
        for x, y in (v.args, v.args[::-1] if v.op is ops.add else v.args):
            if _is_mean(y, x, negative=v.op is ops.add):
                return x, 1.0
    if v.op is ops.multiply:
        for p, d in (v.args, v.args[::-1]):
            if p.op is ops.softmax_last and d.op is ops.subtract:
                g, mean = d.args
                if _is_average(mean, p, g):
                    return g, 0.5
    return None


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
    v = _spread_from(v) if x.ndim else x
    if v.shape != x.shape[:-1]:
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


def _is_average(v: Variable, p: Variable, g: Variable) -> bool:
    """Return whether ``v`` is the sum of ``p * g`` of each row."""
    product = _sum_under(_spread_from(v))
    if product is None or product.op is not ops.multiply or v.shape != g.shape:
        return False
    return product.args in ((p, g), (g, p))


def shortened(found: ArrayBounds, length: Array) -> ArrayBounds:
    """Return what is known of an array that has at most a length, too."""
    zero = np.zeros((1,) * found.centre.ndim)
    wide = (..., *(None,) * len(found.axes))
    count = float(max(np.prod(found.centre.shape[2:], dtype=np.int64), 1))
    return ArrayBounds(
        cut(found.ends, zero, length[wide]),
        found.centre,
        found.radius,
        np.fmin(found.length, length),
        np.fmin(found.total, inflate(length * np.sqrt(count))),
    )
