"""What the pre-activations of one record can be together.

They are ``z = W x + b`` with x in a box, so ``slopes @ z`` is at most what the box
allows, whatever the slopes.  The bound takes every z by itself; added to it with good
slopes, such a cut makes the places that the z choose those of one record, nearly.
Good slopes are the multipliers of a linear program, in which each z is spread over its
places and some record has their means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium.array_type import Array
from deuterium.privacy.sensitivity.one_layer import pair_options as options
from deuterium.privacy.sensitivity.one_layer.univariate_tables import (
    NOT,
    SLACK,
    UnivariateTable,
)

if TYPE_CHECKING:
    from deuterium.privacy.sensitivity.one_layer.pair_layer import OneFeature

__all__ = ["AffineCut", "FirstRecords"]


@dataclass(frozen=True, eq=False)
class AffineCut:
    """``slopes @ z <= most`` for every record."""

    slopes: Array
    most: float

    def over(self, table: UnivariateTable) -> Array:
        """Return ``-slopes * z`` from above for the rows of a table: (H, rows)."""
        return np.maximum(-self.slopes * table.low, -self.slopes * table.high).T


class FirstRecords:
    """The first records of pairs that differ in one feature.

    Parameters
    ----------
    feature : OneFeature
        The vector's form, and the records' ranges.
    j : int
        The feature.
    ends : tuple of float
        Between which it lies in these records, but for rounding.
    """

    def __init__(self, feature: OneFeature, j: int, ends: tuple[float, float]) -> None:
        self.layer = feature.layer
        self.low, self.high = feature.low.copy(), feature.high.copy()
        self.low[j], self.high[j] = ends
        self.size = np.sqrt(feature.most)
        self.width = feature.top - feature.bottom

    def cut(self, slopes: Array) -> AffineCut:
        """Return the affine cut of given slopes that touches the set of all z."""
        matrix, shift = self.layer.matrix, self.layer.shift
        pull = slopes @ matrix
        far = np.maximum(pull * self.low, pull * self.high)
        size = np.abs(slopes) @ (np.abs(matrix) @ self.size + np.abs(shift))
        slack = SLACK + 1e-15 * sum(matrix.shape)
        return AffineCut(slopes, float(slopes @ shift + far.sum() + slack * size))

    def best(
        self,
        table: UnivariateTable,
        terms: Array,
        limits: Array,
        value: float,
        seconds: float,
    ) -> tuple[AffineCut, Array] | None:
        """Return the affine cut that makes a bound least, if it can be found in time.

        Parameters
        ----------
        table : UnivariateTable
            Rows for every z.
        terms : ndarray
            (H, rows): their part in the squared distance.
        limits : ndarray
            (4,): t from, to; ``t' - t`` from, to.
        value : float
            A squared distance, for scale.
        seconds : float
            At most.

        Returns
        -------
        tuple of Plane and ndarray
            With it, multipliers of t and ``t' - t``: (2,).
        """
        from scipy.optimize import linprog  # slow to import, and seldom needed

        h, n = self.layer.matrix.shape
        there = table.values[0] > NOT / 2
        room = np.outer(table.values[6:8].max(axis=2).sum(axis=1), [-1, 1])
        known = (terms[there], table.values[3:5][:, there], limits, room, value)
        if not all(np.isfinite(v).all() for v in known):
            return None
        limits = limits.reshape(2, 2) + room
        widths = np.concatenate([limits[:, 1] - limits[:, 0], self.width])
        steep = options.STEEPEST_CUT * value / (widths + 1e-3 * widths.max())
        either = np.tile([0.0, np.inf], (2 * (h + 2), 1))  # by how much a row may miss
        found = linprog(
            np.concatenate([-terms[there], np.zeros(n + 2), steep, steep]),
            A_eq=self._rows(table, there),
            b_eq=np.concatenate([np.ones(h), np.zeros(2), self.layer.shift]),
            bounds=np.concatenate(
                [
                    np.tile([0.0, np.inf], (int(there.sum()), 1)),
                    limits,
                    np.stack([self.low, self.high], 1),
                    either,
                ]
            ),
            method="highs",
            options={"time_limit": seconds},
        )
        if found.status != 0:
            return None
        slopes = -found.eqlin.marginals[h:]
        return self.cut(slopes[2:]), slopes[:2]

    def _rows(self, table: UnivariateTable, there: Array) -> Any:
        """Return what the places, t, ``t' - t`` and x have to fulfil, and may miss."""
        from scipy import sparse

        h = len(there)
        k, _ = np.nonzero(there)
        place = np.arange(len(k))
        z = ((table.low + table.high) / 2).T[there]
        rows = sparse.block_array(
            [
                [sparse.csr_array((np.ones(len(k)), (k, place))), None, None],
                [table.values[3:5][:, there], -np.eye(2), None],
                [sparse.csr_array((z, (k, place))), None, -self.layer.matrix],
            ]
        )
        miss = sparse.vstack([sparse.csr_array((h, h + 2)), sparse.eye_array(h + 2)])
        return sparse.hstack([rows, miss, -miss]).tocsc()
