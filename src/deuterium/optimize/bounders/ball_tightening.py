"""Reduction of regions to the Euclidean balls that symbols lie in."""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.constraints import Within
from deuterium.domain.problem import Problem
from deuterium.interval.rounding import EPS, MIN_NORMAL, add_down, add_up
from deuterium.optimize.bounders.domain_reducer import DomainReducer, tightening
from deuterium.optimize.region import Bounder, DomainReduction, Regions

Ball = tuple[slice, Array, float]  # where, the centre, the radius


def balls_of(problem: Problem) -> list[Ball]:
    """Return the Euclidean balls that symbols lie in."""
    found: list[Ball] = []
    for s in problem.symbols:
        for c in problem.domain.constraints[s.name]:
            if isinstance(c, Within) and c.order == 2:
                centre = np.broadcast_to(c.center, s.shape).ravel()
                found.append((problem.slices[s.name], centre, float(c.radius)))
    return found


class BallTightening(DomainReducer):
    """A bounder that leaves out of each region what lies outside the balls.

    An input of a box within a ball is at most as far from the centre as the distances
    of the other inputs leave room for: ``(x_i - c_i)^2 <= r^2 - sum_j d_j^2``, with
    d_j the least distance of input j from c_j.

    Parameters
    ----------
    problem : Problem
        What is maximised.
    inner : Bounder
        Bounds the regions, which are plain boxes to it.
    """

    def __init__(self, problem: Problem, inner: Bounder) -> None:
        super().__init__(inner)
        self.balls = balls_of(problem)

    def shrink(self, regions: Regions) -> tuple[list[list[DomainReduction]], Array]:
        """Shrink each region to the balls."""
        steps: list[list[DomainReduction]] = [[] for _ in range(len(regions))]
        empty = np.zeros(len(regions), dtype=bool)
        for part, centre, radius in self.balls:
            low, high = regions.low[:, part], regions.high[:, part]
            room, outside = _room(low, high, centre, radius)
            empty |= outside
            least, most = add_down(centre, -room), add_up(centre, room)
            moved = ((least > low) | (most < high)) & ~outside[:, None]
            new_low, new_high = np.maximum(low, least), np.minimum(high, most)
            for k in np.flatnonzero(moved.any(axis=1)):
                at = np.flatnonzero(moved[k])
                ends = new_low[k, at], new_high[k, at]
                steps[k].append(tightening(part.start + at, *ends))
                regions.open[k, part] &= new_low[k] == low[k]
                regions.low[k, part], regions.high[k, part] = new_low[k], new_high[k]
        return steps, empty


def _room(low: Array, high: Array, centre: Array, radius: float) -> tuple[Array, Array]:
    """Return how far each input can be from the centre, and which boxes are outside.

    Sums of n squares of differences are known to a relative n + 8 roundings.

    Shapes: ``low`` and ``high`` (B, n), ``centre`` (n,).
    """
    away = np.maximum(np.maximum(low - centre, centre - high), 0.0)
    squares = np.square(away)
    total = squares.sum(axis=1, keepdims=True) * (1 - (low.shape[1] + 8) * EPS)
    whole = np.square(radius) * (1 + 4 * EPS) + MIN_NORMAL
    left = whole - total + squares * (1 + 4 * EPS)
    room = np.sqrt(np.maximum(left * (1 + 8 * EPS) + whole * (4 * EPS), 0.0))
    return room * (1 + 4 * EPS), (total > whole)[:, 0]
