"""A portfolio of bounders at the root: one that cuts, others tried once.

No single method dominates, but a bound holds for all that is cut from a region.  Where
the main bounder's bound of the whole box of inputs leaves much to gain, the others try
theirs once, and the least counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.domain.problem import Problem
from deuterium.optimize.region import Bounder, BoundResult, Regions

CLOSE = 1.02  # ratio of bound to value reached at which nothing is left to gain


class RootPortfolio(Bounder):
    """The main bounder, helped by others on the whole box of inputs.

    Parameters
    ----------
    problem : Problem
        What is maximised.
    main : Bounder
        Bounds all regions and cuts them.
    others : sequence of Bounder
        Without atoms.
    """

    def __init__(self, problem: Problem, main: Bounder, others: list[Bounder]) -> None:
        self.problem, self.main, self.others = problem, main, others
        self.atoms, self.places, self.batch = main.atoms, main.places, main.batch

    def root(self) -> Regions:
        """Return the whole domain as one region."""
        return self.main.root()

    def facts(self) -> dict[str, Any]:
        """Return the facts of the main bounder."""
        return self.main.facts()

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Return the bounds of the main bounder, the first ones made better."""
        results = self.main.bound(regions, incumbent)
        for k in np.flatnonzero(self._is_whole(regions)):
            if not results.upper[k] <= CLOSE * incumbent:
                self._improve(regions, results, int(k), incumbent)
        return results

    def _is_whole(self, regions: Regions) -> np.ndarray:
        """Return which regions have not been cut yet, but for labels."""
        moving = self.problem.movable
        n = self.problem.size
        low, high = regions.low[:, :n], regions.high[:, :n]
        same = (low == self.problem.lower) & (high == self.problem.upper)
        free = (regions.low[:, n:] == -np.inf) & (regions.high[:, n:] == np.inf)
        whole: np.ndarray = (same | ~moving).all(axis=1) & free.all(axis=1)
        return whole

    def _improve(
        self, regions: Regions, results: BoundResult, k: int, incumbent: float
    ) -> None:
        n = self.problem.size
        first = regions.take([k])
        state = np.zeros((1, 0))
        inputs = Regions(
            first.low[:, :n], first.high[:, :n], first.open[:, :n], first.bound, state
        )
        for bounder in self.others:
            found = bounder.bound(inputs, incumbent)
            if found.upper[0] < results.upper[k]:
                results.upper[k] = found.upper[0]
                results.proofs[k] = found.proofs[0]
            results.points = np.concatenate([results.points, found.points])
