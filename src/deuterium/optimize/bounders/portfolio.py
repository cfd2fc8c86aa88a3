"""A portfolio of bounders at the root: one that cuts, others tried once.

No single method dominates, but a bound holds for all that is cut from a region.  Where
the main bounder's bound of the whole box of inputs leaves much to gain, the others try
theirs once, and the least counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.budget import Spent
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.choice_options import CLOSE
from deuterium.optimize.region import Bounder, BoundResult, Regions


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
        self.single = main.single

    def root(self) -> Regions:
        """Return the whole domain as one region."""
        return self.main.root()

    def adopt(self, state: np.ndarray) -> None:
        """Have the main bounder begin with a state."""
        self.main.adopt(state)

    def facts(self) -> dict[str, Any]:
        """Return the facts of the main bounder."""
        return self.main.facts()

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Return the bounds of the main bounder, the first ones made better.

        On whole boxes the others, which are quick, come first: where the time is over
        before the main bounder is done, theirs count.
        """
        firsts = {
            int(k): self._others(regions.take([k]), incumbent)
            for k in np.flatnonzero(self._is_whole(regions))
        }
        try:
            results = self.main.bound(regions, incumbent)
        except Spent:
            if len(firsts) < len(regions) or not self.others:
                raise
            return self._without_main(regions, list(firsts.values()))
        for k, found in firsts.items():
            for other in found:
                if other.upper[0] < results.upper[k]:
                    results.upper[k] = other.upper[0]
                    results.proofs[k] = other.proofs[0]
                results.points = np.concatenate([results.points, other.points])
        return results

    def _others(self, region: Regions, incumbent: float) -> list[BoundResult]:
        """Return what the others say of a whole region, until one is close."""
        n = self.problem.size
        low, high, opened = (x[:, :n] for x in (region.low, region.high, region.open))
        inputs = Regions(low, high, opened, region.bound, np.zeros((1, 0)))
        found = []
        for bounder in self.others:
            found.append(bounder.bound(inputs, incumbent))
            if found[-1].upper[0] <= CLOSE * incumbent:
                break
        return found

    def _without_main(
        self, regions: Regions, firsts: list[list[BoundResult]]
    ) -> BoundResult:
        """Return the others' bounds of whole regions, to be cut at the widest input."""
        best = [min(found, key=lambda r: float(r.upper[0])) for found in firsts]
        width = np.where(self.problem.movable, self.problem.upper, -np.inf)
        width = width - np.where(self.problem.movable, self.problem.lower, 0.0)
        cut, count = int(np.argmax(width)), len(regions)
        at = 0.5 * regions.low[:, cut] + 0.5 * regions.high[:, cut]
        return BoundResult(
            upper=np.array([r.upper[0] for r in best]),
            proofs=[r.proofs[0] for r in best],
            low=regions.low,
            high=regions.high,
            open=regions.open,
            cut=np.full(count, cut if width[cut] > 0 else -1),
            at=at,
            points=np.concatenate([r.points for found in firsts for r in found]),
            state=regions.state,
        )

    def _is_whole(self, regions: Regions) -> np.ndarray:
        """Return which regions have not been cut yet, but for labels."""
        moving = self.problem.movable
        n = self.problem.size
        low, high = regions.low[:, :n], regions.high[:, :n]
        first = self.problem.first_lower, self.problem.first_upper
        same = (low == first[0]) & (high == first[1])
        free = (regions.low[:, n:] == -np.inf) & (regions.high[:, n:] == np.inf)
        whole: np.ndarray = (same | ~moving).all(axis=1) & free.all(axis=1)
        return whole
