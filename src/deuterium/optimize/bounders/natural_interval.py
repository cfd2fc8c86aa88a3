"""The natural interval bounder: the enclosure of the objective over each box.

The bounder of last resort, for graphs too large to differentiate, and the first that
every other is compared with.  Its proof is ``("interval", {})``: evaluating the graph
with intervals over the region gives at most the bound.
"""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.problem import Problem
from deuterium.domain.spaces import Box
from deuterium.enclose.enclose import enclose
from deuterium.optimize.bounders.choice_options import FIRST_CUT
from deuterium.optimize.region import Bounder, BoundResult, Proof, Regions, whole

INTERVAL: Proof = ("interval", {})


class NaturalIntervalBounder(Bounder):
    """Encloses the objective region by region; cuts the longest side.

    Parameters
    ----------
    problem : Problem
        What is maximised.
    """

    batch = 256

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        width = problem.upper - problem.lower
        self.scale = np.where(np.isfinite(width) & (width > 0), width, 1.0)

    def root(self) -> Regions:
        """Return the box around the domain."""
        return whole(self.problem.lower, self.problem.upper)

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Return the upper ends of enclosures, and the middle of the longest side."""
        low, high = regions.low, regions.high
        upper = enclosed(self.problem, low, high)
        cut, at = longest_side(low, high, self.scale)
        return BoundResult(
            upper=upper,
            proofs=[INTERVAL] * len(regions),
            low=low,
            high=high,
            open=regions.open,
            cut=cut,
            at=at,
            points=middles(low, high),
            state=regions.state,
        )


def enclosed(problem: Problem, low: Array, high: Array) -> Array:
    """Return upper bounds of the objective over a batch of boxes.

    Shapes: ``low`` and ``high`` (B, n).
    """
    bounds = problem.boxes(low, high)
    box = Box({s: (bounds[s.name][0], bounds[s.name][1]) for s in problem.symbols})
    return np.broadcast_to(enclose(problem.objective, box).upper, (len(low),))


def middles(low: Array, high: Array) -> Array:
    """Return a point inside each box: its middle where that is finite.

    Shapes: both (B, n).
    """
    finite = np.clip(low, -FIRST_CUT, None), np.clip(high, None, FIRST_CUT)
    middle = finite[0] + 0.5 * (finite[1] - finite[0])
    return np.clip(middle, low, high)


def longest_side(low: Array, high: Array, scale: Array) -> tuple[Array, Array]:
    """Return where to cut each box: its longest side (-1 if none), in the middle.

    Shapes: ``low`` and ``high`` (B, n), ``scale`` (n,).
    """
    if not low.shape[1]:
        return np.full(len(low), -1), np.zeros(len(low))
    with np.errstate(over="ignore", invalid="ignore"):
        width = (high - low) / scale
    cut = np.argmax(width, axis=1)
    rows = np.arange(len(low))
    at = middle_of(low[rows, cut], high[rows, cut])
    inside = (low[rows, cut] < at) & (at < high[rows, cut])
    return np.where(inside, cut, -1), at


def middle_of(low: Array, high: Array) -> Array:
    """Return a number between two ends, finite though an end be not.

    Shapes: any that broadcast.
    """
    with np.errstate(all="ignore"):
        width = high - low
        middle = np.where(np.isfinite(width), low + 0.5 * width, 0.5 * low + 0.5 * high)
        above = np.where(low < FIRST_CUT / 2, FIRST_CUT, np.square(low))
        below = np.where(high > -FIRST_CUT / 2, -FIRST_CUT, -np.square(high))
    up, down = np.isinf(high), np.isinf(low)
    middle = np.where(up, np.where(low < 0, 0.0, above), middle)
    middle = np.where(down, np.where(high > 0, 0.0, below), middle)
    return np.where(up & down, 0.0, middle)
