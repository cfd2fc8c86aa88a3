"""Base of the bounders that first reduce a region to the domain."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.region import (
    EMPTY,
    Bounder,
    BoundResult,
    DomainReduction,
    Regions,
)


class DomainReducer(Bounder):
    """A bounder of regions that are shrunk to the domain first.

    Parameters
    ----------
    inner : Bounder
        Bounds the regions, which are plain boxes to it.
    """

    def __init__(self, inner: Bounder) -> None:
        self.inner, self.batch = inner, inner.batch
        self.atoms, self.places = inner.atoms, inner.places

    def root(self) -> Regions:
        """Return the whole domain as one region."""
        return self.inner.root()

    def adopt(self, state: Array) -> None:
        """Have the bounder that is helped begin with a state."""
        self.inner.adopt(state)

    def facts(self) -> dict[str, Any]:
        """Return the facts of the bounder that is helped."""
        return self.inner.facts()

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Shrink the regions, then bound them."""
        steps, empty = self.shrink(regions)
        results = self.inner.bound(regions, incumbent)
        results.upper = np.where(empty, -np.inf, results.upper)
        for k in range(len(regions)):
            results.steps[k] = steps[k] + results.steps[k]
            if empty[k]:
                results.proofs[k] = EMPTY
        return results

    @abstractmethod
    def shrink(self, regions: Regions) -> tuple[list[list[DomainReduction]], Array]:
        """Shrink regions in place.

        Returns
        -------
        steps : list of list of DomainReduction
            What was tightened, a list for each region.
        empty : ndarray of bool
            Which regions hold no point of the domain at all.
        """


def tightening(at: Array, low: Array, high: Array) -> DomainReduction:
    """Return the step that leaves these ends to some coordinates.

    Shapes: all (coordinates,).
    """
    data = {"at": at.tolist(), "lower": low.tolist(), "upper": high.tolist()}
    return "tighten", data
