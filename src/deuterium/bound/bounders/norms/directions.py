"""How far an array may reach in one direction.

``a . (u W + b) = u . (W a) + a . b``: sums that cancel in the interval of each element
do not cancel here, and a ball around u needs no spectral norm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deuterium.bound.bounders.norms.spectral import raised
from deuterium.bound.bounders.norms.value import Value
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import MIN_NORMAL, Array, gamma

if TYPE_CHECKING:
    from deuterium.bound.bounders.norms.sweep import Sweep


def furthest(sweep: Sweep, node: Variable, direction: Array) -> Array | None:
    """Return upper bounds of ``direction . node``, of shape (B, K).

    None where the node is not a constant matrix times one row (and a constant added).

    Parameters
    ----------
    sweep : Sweep
        Holds what is known of other nodes.
    node : Variable
    direction : ndarray of shape (B, K, *shape)
        Any numbers.
    """
    flat = direction.reshape(*direction.shape[:2], -1)
    shift, slip = np.zeros(flat.shape[:2]), np.zeros(flat.shape[:2])
    while True:
        name = "" if node.op is None else node.op.name
        if name == "matmul":
            return _through(sweep, node, flat, shift, slip)
        pair = _with_constant(sweep, node)
        if name == "reshape":
            (node,) = node.args
        elif pair is None:
            return None
        else:
            node, constant = pair
            terms = flat * constant.reshape(-1)
            shift = shift + np.sum(terms, axis=-1)
            slip = slip + np.sum(np.abs(terms), axis=-1) * gamma(terms.shape[-1] + 6)


def _with_constant(sweep: Sweep, node: Variable) -> tuple[Variable, Array] | None:
    """Return the terms of a sum of something and a constant."""
    if node.op is None or node.op.name != "add":
        return None
    for v, other in (node.args, node.args[::-1]):
        constant = sweep.constant(other)
        if constant is not None:
            return v, constant
    return None


def _through(
    sweep: Sweep, node: Variable, flat: Array, shift: Array, slip: Array
) -> Array | None:
    u, matrix = node.args[0], sweep.constant(node.args[1])
    if matrix is None or matrix.ndim != 2 or u.size != u.shape[-1]:
        return None
    weights = flat @ matrix.T
    size = np.sqrt(np.sum(np.square(flat), axis=-1)) * np.sqrt(np.sum(matrix**2))
    count = matrix.size + 16
    x = sweep.values[u]
    most = support(x, weights)
    # of computing the weights, then of these few sums
    error = raised(size * x.length * gamma(count) + slip, count)
    total = most + shift + error
    return total + (np.abs(most) + np.abs(shift)) * gamma(8) + MIN_NORMAL


def support(x: Value, weights: Array) -> Array:
    """Return upper bounds of ``x . weights``: over the box, and over the ball."""
    n = weights.shape[-1]
    middle, half = (v.reshape(*v.shape[:2], -1) for v in x.half)
    box = np.sum(middle * weights + half * np.abs(weights), axis=-1)
    size = np.sum((np.abs(middle) + half) * np.abs(weights), axis=-1)
    centre = x.centre.reshape(*x.centre.shape[:2], -1)
    long = np.sqrt(np.sum(np.square(weights), axis=-1))
    ball = np.sum(centre * weights, axis=-1) + x.radius * long
    reach = np.sum(np.abs(centre * weights), axis=-1) + x.radius * long
    error = gamma(n + 12)
    return np.fmin(box + size * error, ball + reach * error) + MIN_NORMAL
