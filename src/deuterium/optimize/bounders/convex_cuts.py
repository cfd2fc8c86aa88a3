"""Cuts first what the objective is convex in, of which only the ends count."""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.domain_reducer import DomainReducer
from deuterium.optimize.bounders.label_enumeration import CONVEX
from deuterium.optimize.region import Bounder, BoundResult, DomainReduction, Regions


class ConvexCuts(DomainReducer):
    """A bounder whose regions are cut to the ends of what the objective is convex in.

    Labels of so many elements that their corners are not listed beforehand.

    Parameters
    ----------
    inner : Bounder
        Bounds the regions.
    convex : list of int
        Inputs of one symbol that the objective is convex in.
    """

    def __init__(self, inner: Bounder, convex: list[int]) -> None:
        super().__init__(inner)
        self.convex = np.array(convex)

    def shrink(self, regions: Regions) -> tuple[list[list[DomainReduction]], Array]:
        """Leave the regions as they are."""
        return [[] for _ in range(len(regions))], np.zeros(len(regions), dtype=bool)

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Bound the regions, and have the widest of the convex inputs cut first."""
        results = super().bound(regions, incumbent)
        width = results.high[:, self.convex] - results.low[:, self.convex]
        rows = np.flatnonzero(width.max(axis=1) > 0)
        results.cut = np.array(results.cut)
        results.cut[rows] = self.convex[width[rows].argmax(axis=1)]
        for k in rows:
            results.ends[k] = CONVEX
        return results
