"""Cuts first what the objective is convex in, of which only the ends count."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.optimize.bounders.label_enumeration import CONVEX
from deuterium.optimize.region import Bounder, BoundResult, Regions

Array = Any


class ConvexCuts(Bounder):
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
        self.inner, self.convex = inner, np.array(convex)
        self.batch, self.atoms, self.places = inner.batch, inner.atoms, inner.places

    def root(self) -> Regions:
        """Return the whole domain as one region."""
        return self.inner.root()

    def facts(self) -> dict[str, Any]:
        """Return the facts of the bounder that is helped."""
        return self.inner.facts()

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Bound the regions, and have the widest of the convex inputs cut first."""
        results = self.inner.bound(regions, incumbent)
        width = results.high[:, self.convex] - results.low[:, self.convex]
        rows = np.flatnonzero(width.max(axis=1) > 0)
        results.cut = np.array(results.cut)
        results.cut[rows] = self.convex[width[rows].argmax(axis=1)]
        for k in rows:
            results.ends[k] = CONVEX
        return results
