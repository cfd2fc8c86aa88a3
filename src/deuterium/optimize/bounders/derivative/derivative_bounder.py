"""The bounder of problems with few inputs: values, slopes and curvatures over boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.derivative.derivative_branching import BranchingRule
from deuterium.optimize.bounders.derivative.derivative_graphs import DerivativeGraphs
from deuterium.optimize.bounders.derivative.derivative_options import (
    CURVATURE_SHARE,
    CURVATURE_TRIALS,
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
        self._tries: dict[int, list[int]] = {}

    def root(self) -> Regions:
        """Return the box around the domain."""
        return whole(self.problem.lower, self.problem.upper)

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Return certified bounds, by the cheapest method that serves, and cuts."""
        with np.errstate(all="ignore"):
            work = RegionBatch(self.graphs, regions, incumbent, self.people, self.kept)
            rows = np.arange(len(regions))
            defined = work.interval(rows)
            rows = by_slopes(work, rows[defined & work.open(rows)])
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

    def _by_curvatures(self, work: RegionBatch, rows: Array) -> None:
        """Look at curvatures where, at regions of that size, it has been worth it."""
        if not len(rows) or self.finite.all() or not self.graphs.has_curvatures:
            return
        level = self.branching.level(work.low[rows], work.high[rows])
        worth = self._worth(level)
        rows, level = rows[worth], level[worth]
        if len(rows):
            by_curvatures(work, rows)
            self._remember(level, ~work.open(rows))

    def _worth(self, level: Array) -> Array:
        levels, place = np.unique(level, return_inverse=True)
        worth = []
        for key in levels.tolist():
            tries, wins = self._tries.get(key, (0, 0))
            worth.append(tries < CURVATURE_TRIALS or wins > CURVATURE_SHARE * tries)
        return np.array(worth, dtype=bool)[place]

    def _remember(self, level: Array, settled: Array) -> None:
        for key in np.unique(level).tolist():
            here = level == key
            record = self._tries.setdefault(key, [0, 0])
            record[0] += int(here.sum())
            record[1] += int(settled[here].sum())
