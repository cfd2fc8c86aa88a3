"""The bounder of problems with few inputs: values, slopes and curvatures over boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.derivative.derivative_branching import BranchingRule
from deuterium.optimize.bounders.derivative.derivative_graphs import DerivativeGraphs
from deuterium.optimize.bounders.derivative.derivative_options import (
    ALWAYS_SLOPES,
    CURVATURE_SHARE,
    CURVATURE_TRIALS,
    SLOPE_SHARE,
    SLOPE_TRIALS,
)
from deuterium.optimize.bounders.derivative.first_order import by_slopes
from deuterium.optimize.bounders.derivative.region_batch import RegionBatch
from deuterium.optimize.bounders.derivative.second_order import by_curvatures
from deuterium.optimize.region import Bounder, BoundResult, Regions, whole


class DerivativeBounder(Bounder):
    """Bounds an objective over boxes of its inputs.

    Parameters
    ----------
    problem : Problem
        What is maximised.
    people : sequence of ndarray of shape (persons, inputs of each), optional
        Inputs that are in order, person by person (`bounders.finite_values`).
    finite : sequence of int, optional
        Inputs of which only some values matter, so that they need not be convex in.
    """

    batch = 256

    def __init__(
        self, problem: Problem, people: Sequence[Array] = (), finite: Sequence[int] = ()
    ) -> None:
        self.problem, self.people = problem, people
        self.finite = np.zeros(problem.size, dtype=bool)
        self.finite[list(finite)] = True
        self.kept = self.finite.copy()  # not to be moved to an end alone
        self.kept[[j for p in people for j in p.ravel().tolist()]] = True
        self.graphs = DerivativeGraphs(problem)
        self.branching = BranchingRule(problem)
        self._slopes = SuccessByLevel(SLOPE_TRIALS)
        self._curvatures = SuccessByLevel(CURVATURE_TRIALS)

    def root(self) -> Regions:
        """Return the box around the domain."""
        return whole(self.problem.lower, self.problem.upper)

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Return certified bounds, by the cheapest method that serves, and cuts."""
        with np.errstate(all="ignore"):
            work = RegionBatch(self.graphs, regions, incumbent, self.people, self.kept)
            rows = np.arange(len(regions))
            defined = work.interval(rows)
            rows = self._by_slopes(work, rows[defined & work.open(rows)])
            self._by_curvatures(work, rows)
            cut, at = self.branching.branching_points(work.low, work.high, work.slopes)
        return BoundResult(
            upper=work.upper,
            proofs=work.proofs,
            low=work.low,
            high=work.high,
            open=regions.open,
            cut=np.where(work.cut >= 0, work.cut, cut),
            at=at,
            points=np.concatenate(work.points),
            state=regions.state,
            steps=work.steps,
            ends=work.ends,
        )

    def _by_slopes(self, work: RegionBatch, rows: Array) -> Array:
        """Look at slopes where, at regions of that size, it has been worth it."""
        if self.problem.size <= ALWAYS_SLOPES or not len(rows):
            return by_slopes(work, rows)
        level = self.branching.level(work.low[rows], work.high[rows])
        share = self._slopes.share(level)
        worth = ~(share <= SLOPE_SHARE)
        rows, level = rows[worth], level[worth]
        before = work.upper[rows] - work.incumbent
        left = by_slopes(work, rows)
        after = np.maximum(work.upper[rows] - work.incumbent, 0.0)
        gain = np.where(np.isfinite(before), 1.0 - after / before, 1.0)
        self._slopes.note(level, gain)
        return left

    def _by_curvatures(self, work: RegionBatch, rows: Array) -> None:
        """Look at curvatures where, at regions of that size, it has been worth it."""
        if not len(rows) or self.finite.all() or not self.graphs.has_curvatures:
            return
        level = self.branching.level(work.low[rows], work.high[rows])
        worth = ~(self._curvatures.share(level) <= CURVATURE_SHARE)
        rows, level = rows[worth], level[worth]
        if len(rows):
            by_curvatures(work, rows)
            self._curvatures.note(level, ~work.open(rows))


class SuccessByLevel:
    """What something has been worth, in regions of each size.

    Parameters
    ----------
    trials : int
        How many regions of one size it is tried in before that is known.
    """

    def __init__(self, trials: int) -> None:
        self.trials = trials
        self._found: dict[int, list[float]] = {}

    def share(self, level: Array) -> Array:
        """Return the mean of what it was worth, NaN where that is not known yet."""
        levels, place = np.unique(level, return_inverse=True)
        found = [self._found.get(key, [0, 0.0]) for key in levels.tolist()]
        means = [
            total / tries if tries >= self.trials else np.nan for tries, total in found
        ]
        return np.array(means)[place]

    def note(self, level: Array, worth: Array) -> None:
        """Take note of what it was worth, each from 0 to 1."""
        for key in np.unique(level).tolist():
            here = level == key
            record = self._found.setdefault(key, [0, 0.0])
            record[0] += int(here.sum())
            record[1] += float(worth[here].sum())
