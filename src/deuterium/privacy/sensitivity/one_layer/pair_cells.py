"""Cells of t and ``t' - t`` that wait to be bounded better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deuterium import budget
from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.privacy.sensitivity.one_layer import pair_options as options
from deuterium.privacy.sensitivity.one_layer.affine_cuts import AffineCut
from deuterium.privacy.sensitivity.one_layer.common_factor import (
    CommonFactor,
    FactorCorners,
)
from deuterium.privacy.sensitivity.one_layer.pair_lagrangian import PairLagrangian
from deuterium.privacy.sensitivity.one_layer.univariate_tables import UnivariateTable

__all__ = ["PairCells"]


@dataclass(eq=False)
class PairCells:
    """Cells of t and ``t' - t`` for one cell of tau, side, label and ranges of z.

    Attributes
    ----------
    factor : CommonFactor
        d as a function of t.
    tau : tuple of float
        The cell of tau.
    side : int
        0 if the feature of the first record is at its least, 1 if that of the second
        is at its most.
    label : Domain
        Of d's other symbols.
    ranges : tuple of ndarray
        Of z: (H,) each.
    table : UnivariateTable
        The functions of z over these.
    box : ndarray
        (cells, 4): t from, to; ``t' - t`` from, to.
    tops : ndarray
        (cells,): the bounds of the squared distance.
    multipliers : ndarray
        (cells, 4, 2): behind them; all four the same where d is smooth.
    below : float
        The highest bound of a cell that is not kept.
    splits : int
        How often a range of z was halved.
    cut : AffineCut or None
        What z cannot be, all together.
    """

    factor: CommonFactor
    tau: tuple[float, float]
    side: int
    label: Domain
    ranges: tuple[Array, Array]
    table: UnivariateTable
    box: Array
    tops: Array
    multipliers: Array
    below: float = 0.0
    splits: int = 0
    cut: AffineCut | None = None

    def __len__(self) -> int:
        return len(self.tops)

    @property
    def upper(self) -> float:
        """A bound over all of them, also those that are not kept."""
        return max(self.below, float(self.tops.max(initial=0.0)))

    def worst(self, target: float) -> tuple[PairLagrangian, int, Array]:
        """Return the bound of the worst cell: which of its groups, and multipliers."""
        top = int(np.argmax(self.tops))
        (corners,) = self.factor.corners(self.label, self.box[top : top + 1])
        dual, start = self._dual(corners), self.multipliers[top]
        tops, found = dual.least(start[: len(corners.cells)], target)
        worst = int(np.argmax(tops))
        return dual, worst, found[worst]

    def again(self, target: float, end: float) -> None:
        """Bound what waits once more, after a change of the table or the affine cut."""
        for first in range(0, len(self), options.CELL_BATCH):
            if first and budget.now() > end:
                break
            part = slice(first, first + options.CELL_BATCH)
            tops, found = self._bounded(self.box[part], self.multipliers[part], target)
            better = tops < self.tops[part]
            self.multipliers[part][better] = found[better]
            self.tops[part][better] = tops[better]
        self.drop(target)

    def drop(self, target: float) -> None:
        """Do not keep what is done."""
        keep = self.tops > target
        self.below = max(self.below, float(self.tops[~keep].max(initial=0.0)))
        self._keep(keep)

    def clip(self, box: Array) -> None:
        """Leave what t and ``t' - t`` cannot be: (4,)."""
        low = np.maximum(self.box[:, ::2], box[::2])
        high = np.minimum(self.box[:, 1::2], box[1::2])
        self.box = np.stack([low, high], 2).reshape(-1, 4)
        self._keep(~np.any(low > high, axis=1))  # NaN leaves nothing out

    def refine(self, target: float, end: float) -> None:
        """Halve cells until they are done, or halving is no use."""
        count = 0
        self.drop(target)
        while count < options.INNER_CELLS and len(self) and budget.now() < end:
            order = np.argsort(-self.tops)
            first, rest = order[: options.CELL_BATCH], order[options.CELL_BATCH :]
            widths = self._widths(self.box[first])
            if widths[0].max() < options.FLAT_RANGE:
                return
            self._bisect(first, rest, widths, target)
            count += 2 * len(first)

    def _keep(self, which: Array) -> None:
        self.box, self.tops = self.box[which], self.tops[which]
        self.multipliers = self.multipliers[which]

    def _bisect(self, first: Array, rest: Array, widths: Array, target: float) -> None:
        box, at = self.box[first], np.arange(len(first))
        axis = 2 * widths.argmax(axis=1)
        middle = (box[at, axis] + box[at, axis + 1]) / 2
        lower, upper = box.copy(), box.copy()
        lower[at, axis + 1], upper[at, axis] = middle, middle
        new = np.concatenate([lower, upper])
        start = np.concatenate([self.multipliers[first]] * 2)
        tops, found = self._bounded(new, start, target)
        tops = np.minimum(tops, np.tile(self.tops[first], 2))
        self.box = np.concatenate([self.box[rest], new])
        self.multipliers = np.concatenate([self.multipliers[rest], found])
        self.tops = np.concatenate([self.tops[rest], tops])
        self.drop(target)

    def _widths(self, box: Array) -> Array:
        """Return how much d and d' vary with t and with ``t' - t``, roughly."""
        t0, t1, a0, a1 = box.T
        points = np.concatenate([t0, t1, t0 + a0, t1 + a0, t0 + a1, t1 + a1])
        d = np.reshape(self.factor.roughly(self.label, points), (6, len(box)))
        by_t = np.maximum(abs(d[1] - d[0]), abs(d[3] - d[2]))
        by_t = np.maximum(by_t, abs(d[5] - d[4]))
        by_apart = np.maximum(abs(d[4] - d[2]), abs(d[5] - d[3]))
        return np.stack(
            [
                by_t + options.LEVEL_UNIT * (t1 - t0),
                by_apart + options.LEVEL_UNIT * (a1 - a0),
            ],
            1,
        )

    def _bounded(self, box: Array, start: Array, target: float) -> tuple[Array, Array]:
        """Return bounds of the squared distance, and the multipliers behind them."""
        tops, found = np.zeros(len(box)), start.copy()
        for corners in self.factor.corners(self.label, box):
            at, slot = corners.cells, corners.slots
            least, multipliers = self._dual(corners).least(start[at, slot], target)
            np.maximum.at(tops, at, least)
            if corners.tied:
                found[at] = multipliers[:, None]
            else:
                found[at, slot] = multipliers
        return tops, found

    def _dual(self, corners: FactorCorners) -> PairLagrangian:
        return PairLagrangian(self.table, self.cut, corners)
