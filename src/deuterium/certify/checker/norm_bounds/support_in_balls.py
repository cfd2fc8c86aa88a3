"""Bounds of a sum ``direction . array``, layer by layer.

``g . (u W + b) = u . (W g) + g . b``; and where u is a curve of another such sum, the
inequality of `bounded_functions` bounds ``u . w`` with a direction one layer further
down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deuterium import ops
from deuterium.certify.checker.ball_functions import INFINITY, ZERO, Ball
from deuterium.certify.checker.exact_data import finite, numbers
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.norm_bounds.ball_vectors import (
    Vector,
    dot,
    least,
    vector,
)
from deuterium.certify.checker.norm_bounds.bounded_functions import (
    Heights,
    Inequality,
    dual_value,
    is_bent,
    support_in_balls,
)
from deuterium.graph.variable import Variable

if TYPE_CHECKING:
    from deuterium.certify.checker.norm_bounds.norm_pass import NormPass

Layer = Mapping[str, Any]
Sum = tuple[Variable, Vector, Ball]  # u, w and b: u . w + b


def dual_bound(
    sweep: NormPass, node: Variable, h: Heights, layers: Sequence[Layer]
) -> Ball:
    """Return an upper bound of ``sum h_i(z_i)`` for a curve's argument z.

    The layers are gone down first, for the directions; then up, each bounding the reach
    that the one above asks for.
    """
    waiting: list[tuple[Heights, Variable, Layer, Vector, Sum | None]] = []
    for i, layer in enumerate(layers):
        z = node.args[0]
        along, below = vector([ZERO] * z.size), None
        if "along" in layer:
            along = vector(numbers(layer["along"], z.size))
            below = _taken(sweep, z, along)
        waiting.append((h, z, layer, along, below))
        if i + 1 == len(layers):
            break
        if below is None:
            raise NoBound("a layer without a direction for the next")
        node, weights, _ = below
        if node.op is None or not is_bent(node.op):
            raise NoBound("layers that go on below what is no bounded curve")
        h = Heights(node.op, False, weights)
    bound = INFINITY
    for h, z, layer, along, below in reversed(waiting):
        reach = ZERO
        if below is not None:
            u, weights, shift = below
            reach = least(support_in_balls(sweep.value(u), weights), bound) + shift
        by = Inequality(_factor(layer["t"]), _factor(layer.get("by", 0)), along, reach)
        bound = dual_value(h, sweep.value(z), by)
    return bound


def _factor(x: Any) -> Ball:
    t = finite(x)
    if not t >= ZERO:
        raise NoBound("a factor of an inequality is negative")
    return t


def _taken(sweep: NormPass, node: Variable, along: Vector) -> Sum:
    """Return ``along . node`` as a sum one layer further down."""
    graph, shift = sweep.graph, ZERO
    while True:
        op = node.op
        if op is ops.matmul:
            u, matrix = node.args[0], graph.matrix(node.args[1])
            if matrix is None or u.size != u.shape[-1]:
                break
            return u, matrix.before(along), shift
        if op is ops.reshape:
            (node,) = node.args
            continue
        fixed = [graph.is_fixed(a) for a in node.args]
        if op is not ops.add or sum(fixed) != 1:
            break
        constant = node.args[fixed.index(True)]
        shift = shift + dot(along, graph.fixed(constant))
        node = node.args[fixed.index(False)]
    raise NoBound("a direction at what is not a matrix product with a constant added")
