"""Bounds of a sum ``direction . array``, by duality, layer by layer.

``a . (u W + b) = u . (W a) + a . b``: sums that cancel in the interval of each element
do not cancel here, and a ball around u needs no spectral norm.  Where u is a curve of
another such sum, the inequality of `saturating` takes the direction one layer further
down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium import ops
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import MIN_NORMAL, Array, gamma
from deuterium.interval.spectral_norm import inflate, root_sum
from deuterium.optimize.bounders.norm_bounds import saturating
from deuterium.optimize.bounders.norm_bounds.ball_and_box import ArrayBounds

if TYPE_CHECKING:
    from deuterium.optimize.bounders.norm_bounds.norm_propagation import NormPropagation

Lead = tuple[int, ...]


def rows_around(a: ArrayBounds, lead: Lead) -> saturating.BallAndBox:
    """Return what is known of an array, a row for each case of ``lead``."""
    n = int(np.prod(a.centre.shape[2:], dtype=np.int64))
    centre = a.centre.reshape(*a.centre.shape[:2], n)
    ends = a.ends.reshape(*a.ends.shape[:3], n)
    return saturating.BallAndBox(
        np.broadcast_to(centre, (*lead, n)).reshape(-1, n),
        np.broadcast_to(a.radius, lead).reshape(-1),
        np.broadcast_to(ends, (2, *lead, n)).reshape(2, -1, n),
    )


def dual_bound(
    sweep: NormPropagation,
    node: Variable,
    h: saturating.GridFunctions,
    z: saturating.BallAndBox,
    lead: Lead,
    levels: int,
) -> tuple[Array, Array]:
    """Return bounds of ``sum h_i(z_i)`` at a curve's argument z, and what proves them.

    Parameters
    ----------
    sweep : NormPropagation
    node : Variable
        The curve.
    h : GridFunctions
        One row a case.
    z : BallAndBox
        Its argument.
    lead : tuple of int
        The cases (B, K).
    levels : int
        How many layers down a direction may be taken.

    Returns
    -------
    bound : ndarray of shape (rows,)
    reasons : ndarray of lists, of shape ``lead``
        For each case multipliers by layer, from the top: objects of "t", and where a
        direction was used "along" and "by".
    """
    search = saturating.MultiplierSearch(h, z)
    one = search.ball()
    bound = saturating.dual_value(h, z, one)
    reasons = [[{"t": float(t)}] for t in one.t]
    argument = node.args[0]
    direction = search.outermost(one.t)
    found = None
    if levels:
        shaped = direction.reshape(*lead, *argument.shape)
        found = support_function(sweep, argument, shaped, levels - 1)
    if found is not None:
        reach, deeper = found
        two = search.both(one.t, direction, reach.reshape(-1))
        other = saturating.dual_value(h, z, two)
        for i in np.flatnonzero((other < bound) & (two.s > 0)):
            entry = {"t": float(two.t[i]), "along": direction[i].tolist()}
            entry["by"] = float(two.s[i])
            reasons[i] = [entry, *deeper.reshape(-1)[i]]
        bound = np.fmin(other, bound)
    return bound, _objects(reasons, lead)


def _objects(items: list[Any], lead: Lead) -> Array:
    out = np.empty(len(items), dtype=object)
    out[:] = items
    return out.reshape(lead)


def support_function(
    sweep: NormPropagation, node: Variable, direction: Array, levels: int = 0
) -> tuple[Array, Array] | None:
    """Return upper bounds of ``direction . node``, of shape (B, K), and reasons.

    None where the node is not a constant matrix times one row (and a constant added).

    Parameters
    ----------
    sweep : NormPropagation
        Holds what is known of other nodes.
    node : Variable
    direction : ndarray of shape (B, K, *shape)
        Any numbers.
    levels : int
        How many more layers down it may be taken.
    """
    flat = direction.reshape(*direction.shape[:2], -1)
    shift, slip = np.zeros(flat.shape[:2]), np.zeros(flat.shape[:2])
    while True:
        op = node.op
        if op is ops.matmul:
            return _through(sweep, node, flat, (shift, slip), levels)
        pair = _with_constant(sweep, node)
        if op is ops.reshape:
            (node,) = node.args
        elif pair is None:
            return None
        else:
            node, constant = pair
            terms = flat * constant.reshape(-1)
            shift = shift + np.sum(terms, axis=-1)
            slip = slip + np.sum(np.abs(terms), axis=-1) * gamma(terms.shape[-1] + 6)


def _with_constant(
    sweep: NormPropagation, node: Variable
) -> tuple[Variable, Array] | None:
    """Return the terms of a sum of something and a constant."""
    if node.op is not ops.add:
        return None
    for v, other in (node.args, node.args[::-1]):
        constant = sweep.constant(other)
        if constant is not None:
            return v, constant
    return None


def _through(
    sweep: NormPropagation,
    node: Variable,
    flat: Array,
    added: tuple[Array, Array],
    levels: int,
) -> tuple[Array, Array] | None:
    """Return the reach of ``u W`` and what was added, of which the error is given."""
    u, matrix = node.args[0], sweep.constant(node.args[1])
    if matrix is None or matrix.ndim != 2 or u.size != u.shape[-1]:
        return None
    shift, slip = added
    weights = flat @ matrix.T
    size = root_sum(np.square(flat), (-1,)) * root_sum(np.square(matrix), (0, 1))
    count = matrix.size + 16
    x = sweep.values[u]
    reach, reasons = _support(sweep, u, weights, levels)
    # of computing the weights, then of these few sums
    error = inflate(size * x.length * gamma(count) + slip, count)
    total = reach + shift + error
    total = total + (np.abs(reach) + np.abs(shift)) * gamma(8) + MIN_NORMAL
    return total, reasons


def _support(
    sweep: NormPropagation, u: Variable, weights: Array, levels: int
) -> tuple[Array, Array]:
    """Return upper bounds of ``u . weights``; u may be a curve."""
    lead = weights.shape[:2]
    reach = support_of_ball_and_box(sweep.values[u], weights)
    reasons = _objects([[] for _ in range(reach.size)], lead)
    op = u.op
    if not levels or op is None or not saturating.is_followed(op):
        return reach, reasons
    argument = sweep.values[u.args[0]]
    if not sweep.uses_dual_bound(u, argument):
        return reach, reasons
    h = saturating.weighted(op, weights.reshape(-1, u.size))
    z = rows_around(argument, lead)
    other, deeper = dual_bound(sweep, u, h, z, lead, levels)
    other = other.reshape(lead)
    for at in np.ndindex(lead):
        if other[at] < reach[at]:
            reach[at], reasons[at] = other[at], deeper[at]
    return reach, reasons


def support_of_ball_and_box(x: ArrayBounds, weights: Array) -> Array:
    """Return upper bounds of ``x . weights``: over the box, and over the ball."""
    n = weights.shape[-1]
    middle, half = (v.reshape(*v.shape[:2], -1) for v in x.half)
    box = np.sum(middle * weights + half * np.abs(weights), axis=-1)
    size = np.sum((np.abs(middle) + half) * np.abs(weights), axis=-1)
    centre = x.centre.reshape(*x.centre.shape[:2], -1)
    long = root_sum(np.square(weights), (-1,))
    ball = np.sum(centre * weights, axis=-1) + x.radius * long
    reach = np.sum(np.abs(centre * weights), axis=-1) + x.radius * long
    error = gamma(n + 12)
    return np.fmin(box + size * error, ball + reach * error) + MIN_NORMAL
