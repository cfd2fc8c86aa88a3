"""The norm of a number's slopes, of a function whose branches may miss each other."""

from __future__ import annotations

import math

from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose.enclose import enclose
from deuterium.graph.constructors import symbol
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.ops.piecewise import absolute
from deuterium.privacy.directed_rounding import product_up
from deuterium.privacy.sensitivity.straight_paths import through_intervals
from deuterium.privacy.sensitivity.vector_norms import norm_graph
from deuterium.transform import grad
from deuterium.transform.meeting import met, rounding_jumps
from deuterium.transform.pipeline import almost_everywhere
from deuterium.transform.simplify.recognize import recognized

__all__ = ["steepest_norm"]


def steepest_norm(
    number: Variable, inputs: list[Variable], domain: Domain, norm: float
) -> tuple[Variable, float]:
    """Return the norm of a number's slopes, and how far its branches lie apart."""
    scalar = number.reshape(()) if number.shape else number
    jump = 0.0
    if all(v.op is None for v in inputs):
        if rounding_jumps([number]):  # slopes are those of a function that has none
            scalar, jump = _without_jumps(scalar, domain)
        scalar = recognized(Graph([scalar]), inputs, domain=domain)[0]
    slopes = almost_everywhere(
        grad(scalar, inputs), through_intervals(inputs, domain), domain
    )
    return norm_graph(list(slopes), norm), jump


def _without_jumps(v: Variable, domain: Domain) -> tuple[Variable, float]:
    """Return a number whose choices meet, and twice how far ``v`` is from it at most.

    That is bounded by the slope on the way from one to the other, which has no bound
    where a condition moves; then ``v`` stays as it is.
    """
    share = symbol("share of the jumps")
    whole, part = met(v, share)
    slope = enclose(absolute(grad(part, share)), domain & Box({share: (0, 1)}))
    far = product_up(2.0, float(slope.upper))
    return (whole, far) if far < math.inf else (v, 0.0)
