"""What all features of a gradient of one hidden layer have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from deuterium import budget
from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.functions.joins import concatenate
from deuterium.graph.variable import Variable
from deuterium.privacy.sensitivity.one_layer import pair_options as options
from deuterium.privacy.sensitivity.one_layer.common_factor import CommonFactor
from deuterium.privacy.sensitivity.one_layer.gradient_form import OneLayer
from deuterium.privacy.sensitivity.one_layer.pair_branching import PairBranching
from deuterium.privacy.sensitivity.one_layer.univariate_tables import find_kinks

__all__ = ["OneFeature"]


class OneFeature:
    """Bounds for every feature of a vector of one hidden layer.

    Parameters
    ----------
    layer : OneLayer
        The vector's form.
    x : Variable
        The record.
    domain : Domain
        Of records.
    labels : sequence of Domain
        One for each label there is, or one for all.
    """

    def __init__(
        self, layer: OneLayer, x: Variable, domain: Domain, labels: Sequence[Domain]
    ) -> None:
        self.layer, self.labels = layer, labels
        hull = domain.hull(x)
        self.low, self.high = np.ravel(hull.lower), np.ravel(hull.upper)
        self.most = np.maximum(np.abs(self.low), np.abs(self.high)) ** 2
        size = np.abs(layer.matrix)
        middle = layer.matrix @ ((self.low + self.high) / 2) + layer.shift
        reach = size @ ((self.high - self.low) / 2)
        reach += 1e-12 * (size @ np.sqrt(self.most) + np.abs(layer.shift)) + 1e-9
        self.bottom, self.top = middle - reach, middle + reach
        self.factor = CommonFactor(layer)
        self._branches: dict[int, PairBranching] = {}
        self._collect()

    def _collect(self) -> None:
        """Sum squared coefficients by image, pre-activation and input."""
        h, n = self.layer.matrix.shape
        self.images: list[Variable] = []
        self.weights: list[Array] = []  # (H, n + 1), the last column without input
        self.free = np.zeros(n + 1)
        for e in self.layer.elements:
            place = np.where(e.place < 0, n, e.place).ravel()
            square = np.broadcast_to(e.coefficient**2, e.place.shape).ravel()
            if e.image is None:
                np.add.at(self.free, place, square)
                continue
            known = [i for i, v in enumerate(self.images) if v is e.image]
            if not known:
                self.images.append(e.image)
                self.weights.append(np.zeros((h, n + 1)))
                known = [len(self.images) - 1]
            np.add.at(self.weights[known[0]], (e.pick.ravel(), place), square)

    @cached_property
    def curves(self) -> list[Variable]:
        """What t is made of, and the images: each once."""
        found = [self.layer.value]
        for image in self.images:
            if all(image is not v for v in found):
                found.append(image)
        return found

    @cached_property
    def kinks(self) -> Array:
        """Between which numbers the curves have kinks: (kinks, 2, H)."""
        if len(self.curves) > options.CORNER_CURVES:
            return np.zeros((0, 2, len(self.bottom)))
        return find_kinks(
            concatenate(self.curves), self.layer.atoms, self.bottom, self.top
        )

    def bound(self, j: int, reached: float, rtol: float, limit: float | None) -> float:
        """Return a number that the distance never exceeds.

        Parameters
        ----------
        j : int
            The feature.
        reached : float
            A distance that is reached; below ``reached * (1 + rtol)`` nothing is cut.
        rtol : float
            The gap to reach.
        limit : float or None
            Seconds.  Asked again for the same feature, the work goes on.
        """
        target = reached * (1 + rtol)
        target *= target  # may overflow
        end = math.inf if limit is None else budget.now() + limit
        if j not in self._branches:
            self._branches[j] = PairBranching(self, j)
        with np.errstate(all="ignore"):  # what is no number proves nothing
            self._branches[j].branch(target, end)
        return self.known(j)

    def is_finished(self, j: int) -> bool:
        """Return whether more time would bring nothing."""
        return j in self._branches and self._branches[j].is_finished

    def known(self, j: int) -> float:
        """Return the bound that the work so far has come to."""
        if j not in self._branches:
            return math.inf
        return math.sqrt(self._branches[j].known) * (1 + 1e-9)
