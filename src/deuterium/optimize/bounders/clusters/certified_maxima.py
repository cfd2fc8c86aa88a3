"""Certified maxima of clusters: cells of the hub, chords for the spokes.

In a cell every function of the hub is a parabola with an error.  At fixed z the maximum
over a spoke, ``V(A, B) = max of A e**2 + B e`` over [l, h], is convex in (A, B), as a
maximum of linear functions is, and grows with A: with A and B affine in z up to errors
it is at most the chord between the ends of the cell, plus the errors times the largest
``e**2`` and ``|e|``.  What is left is a parabola.  Cells whose coarse bound is not
close to the largest value seen are not looked at more closely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deuterium.array_type import Array
from deuterium.budget import afford
from deuterium.interval.rounding import TINY, gamma
from deuterium.optimize.bounders.clusters.cluster_layout import ClusterBlock
from deuterium.optimize.bounders.clusters.cluster_options import (
    CLOSER,
    ENOUGH,
    NUMBERS_OF_PART,
    PIECES,
)
from deuterium.optimize.bounders.clusters.cluster_terms import ONE
from deuterium.optimize.bounders.lagrangian.parabola_maximum import (
    parabola_top,
    spread_out,
)
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    CellTable,
    ParabolaCells,
)


@dataclass(frozen=True)
class ClusterProblem:
    """What is to be maximised, of a block's clusters in a batch: N rows, H a region.

    Attributes
    ----------
    hubs : ndarray of shape (N, functions)
        Coefficients of functions of hubs; number 0 is that of the hub itself.
    linear, square : ndarray of shape (B * S, functions that multiply spokes)
        Coefficients of spokes, and of their squares.
    low, high : ndarray of shape (N,)
        Ranges of hubs.
    open : ndarray of bool, of shape (N,)
    spoke_low, spoke_high : ndarray of shape (B * S,)
    """

    hubs: Array
    linear: Array
    square: Array
    low: Array
    high: Array
    open: Array
    spoke_low: Array
    spoke_high: Array


class CertifiedMaxima:
    """Maxima of the clusters of one block.

    Parameters
    ----------
    block : ClusterBlock
    table : CellTable
        Over the range of its hubs in the whole domain.
    """

    def __init__(self, block: ClusterBlock, table: CellTable) -> None:
        self.block, self.table = block, table
        order = np.argsort(block.hub_of, kind="stable")
        self._order = order
        self._counts = np.bincount(block.hub_of, minlength=block.group.size)
        self._first = np.cumsum(self._counts) - self._counts

    def __call__(self, load: ClusterProblem) -> Array:
        """Return certified upper bounds of the maxima, of shape (N,)."""
        table, count = self.table, len(load.low)
        out, best = np.full((2, count), -np.inf)
        row, cell = spread_out(*_within(table.coarse, load))
        again = self._look(load, _parts(table.coarse, row, cell, load), out, best)
        row, cell = row[again], cell[again]
        owner, place = spread_out(table.start[cell], table.start[cell + 1])
        row = row[owner]
        touches = (table.fine.low[place] <= load.high[row]) & (
            table.fine.high[place] >= load.low[row]
        )
        parts = _parts(table.fine, row[touches], place[touches], load)
        if not len(self.block.hub_of):
            self._look(load, parts, out, best, last=True)
            return out
        again = self._look(load, parts, out, best)
        for step in range(CLOSER):
            parts = parts.take(again).divided(PIECES)
            again = self._look(load, parts, out, best, last=step == CLOSER - 1)
        return out

    def _look(
        self,
        load: ClusterProblem,
        parts: _CellParts,
        out: Array,
        best: Array,
        last: bool = False,
    ) -> Array:
        """Bound parts of cells; return which are to be looked at more closely.

        ``out`` gets the bounds of all others, ``best`` the values reached.
        """
        spokes = len(self.block.hub_of) / max(self.block.group.size, 1)
        afford(0.0, NUMBERS_OF_PART * len(parts.row) * (1.0 + spokes))
        bound, seen = self._bounds(load, parts)
        np.maximum.at(best, parts.row, seen)
        size = ENOUGH * np.abs(best[parts.row]) if len(self.block.hub_of) else 0.0
        again = bound > best[parts.row] + size
        if last:
            again = np.zeros(len(bound), dtype=bool)
        np.maximum.at(out, parts.row[~again], bound[~again])
        return again

    def _bounds(self, load: ClusterProblem, parts: _CellParts) -> tuple[Array, Array]:
        """Return an upper bound, and about a value reached, on each part of a cell."""
        cells, row, cell = parts.cells, parts.row, parts.cell
        size = self.block.group.size
        column = row % size if cells.poly.shape[1] > 1 else 0
        poly = cells.poly[cell, column]
        above, below = cells.above[cell, column], cells.below[cell, column]
        middle = cells.middle[cell]
        a, b = parts.a, parts.b
        radius = np.maximum(np.abs(a), np.abs(b)) * (1 + gamma(4))
        c = load.hubs[row]
        t, reach = _combined(c[:, 1:], poly)
        t0, t1, t2 = t[:, 0] + c[:, 0] * middle, t[:, 1] + c[:, 0], t[:, 2]
        slack = _at(reach, radius) + np.abs(c[:, 0]) * (np.abs(middle) + radius)
        slack = slack * gamma(c.shape[1] + 32)
        slack = slack + (c.shape[1] + 8) * TINY * (1.0 + radius * (1.0 + radius))
        error = _one_sided(c[:, 1:], above, below)
        ends = [t0 + a * (t1 + a * t2), t0 + b * (t1 + b * t2)]
        if len(self.block.hub_of):
            inside = _Inside(poly, above, below, middle, a, b, radius)
            first, last, extra, lost, unsure = self._chords(load, row, inside)
            width = b - a
            slope = np.where(
                width > 0, (last - first) / np.where(width > 0, width, 1), 0.0
            )
            lost = lost + (np.abs(first) + np.abs(last)) * gamma(32)
            ends = [ends[0] + first - unsure, ends[1] + last - unsure]
            t0, t1 = t0 + first - slope * a, t1 + slope
            # a slope of rounded ends may be off by their errors, over the whole width
            slack = slack + 4 * lost + np.abs(slope) * radius * gamma(32)
            error = error + extra
            # where a cell has no width, both ends are one point
            t0 = np.where(width > 0, t0, t0 + np.maximum(last - first, 0.0))
        top = parabola_top(t0, t1, t2, a, b)
        found = (
            top
            + (error + slack) * (1 + gamma(c.shape[1] + 64))
            + np.abs(top) * gamma(8)
        )
        return np.where(np.isnan(found), np.inf, found), np.fmax(*ends) - 2 * error

    def _chords(
        self, load: ClusterProblem, row: Array, cell: _Inside
    ) -> tuple[Array, Array, Array, Array, Array]:
        """Return the spokes' maxima at both ends, and errors.

        The errors of what is between the ends, those of rounding, and by how much the
        maxima at the ends may be above the values there.
        """
        block = self.block
        size, spokes = block.group.size, len(block.hub_of)
        hub, batch = row % size, row // size
        pair, which = spread_out(self._first[hub], self._first[hub] + self._counts[hub])
        spoke = batch[pair] * spokes + self._order[which]
        low, high = load.spoke_low[spoke], load.spoke_high[spoke]
        far = np.maximum(np.abs(low), np.abs(high))
        rise = _AffinePart(cell, pair, block.quadratic, load.square[spoke], upper=True)
        slope = _AffinePart(cell, pair, block.linear, load.linear[spoke], upper=False)
        values = [
            _spoke_maximum(rise.at(k) + rise.error, slope.at(k), low, high)
            for k in (0, 1)
        ]
        extra = slope.error * far
        unsure = (rise.error + rise.unsure) * far * far + 2 * extra
        lost = (rise.lost * far + slope.lost) * far + (
            np.abs(values[0]) + np.abs(values[1])
        ) * gamma(spokes + 16)
        count = len(row)
        return tuple(
            np.bincount(pair, x, minlength=count) * (1 + s * gamma(spokes + 8))
            for x, s in (
                (values[0], 0),
                (values[1], 0),
                (extra, 1),
                (lost, 1),
                (unsure, 1),
            )
        )


@dataclass(frozen=True)
class _Inside:
    """Functions on a part [a, b] of a cell, about its middle."""

    poly: Array
    above: Array
    below: Array
    middle: Array
    a: Array
    b: Array
    radius: Array


class _AffinePart:
    """A combination of functions, affine on a part [a, b] of a cell up to an error.

    Of its square's coefficient the chord is taken, ``d**2 <= (a + b) d - a b``, which
    is off by at most ``h**2``, h half the width; or, where only too small a value would
    be wrong and the coefficient is negative, the tangent at the middle.
    """

    def __init__(
        self, cell: _Inside, pair: Array, functions: Array, c: Array, upper: bool
    ) -> None:
        shape = (len(pair), len(functions))
        v0, v1, v2, above, below = np.zeros((5, *shape))
        for k, r in enumerate(functions.tolist()):
            if r == ONE:
                v0[:, k] = 1.0
            elif r == 0:
                v0[:, k], v1[:, k] = cell.middle[pair], 1.0
            else:
                v0[:, k], v1[:, k], v2[:, k] = cell.poly[pair, r - 1].T
                above[:, k] = cell.above[pair, r - 1]
                below[:, k] = cell.below[pair, r - 1]
        radius = cell.radius[pair]
        a, b = cell.a[pair], cell.b[pair]
        c0, c1, c2 = ((c * v).sum(axis=1) for v in (v0, v1, v2))
        half = (0.5 * b - 0.5 * a) ** 2
        self.unsure = np.abs(c2) * half + _one_sided(-c, above, below)
        if upper:
            low = np.where(c2 > 0, -a * b, -((0.5 * (a + b)) ** 2))
            self.error = np.zeros(len(pair))
        else:
            low = -a * b - 0.5 * half
            self.error = 0.5 * np.abs(c2) * half
        self.c0, self.c1 = c0 + c2 * low, c1 + c2 * (a + b)
        more = _one_sided(c, above, below)
        if not upper:
            more = np.maximum(more, _one_sided(-c, above, below))
        self.error = (self.error + more) * (1 + gamma(len(functions) + 16))
        size = np.abs(v0) + radius[:, None] * (
            np.abs(v1) + 4 * radius[:, None] * np.abs(v2)
        )
        # spokes are multiplied by the line with its error
        total = (np.abs(c) * size).sum(axis=1) + (self.error if upper else 0.0)
        count = len(functions)
        underflow = (count + 8) * TINY * (1 + radius * (1 + radius))
        self.lost = total * gamma(count + 64) + underflow
        self._ends = a, b

    def at(self, k: int) -> Array:
        """Return the affine part at an end of the cell."""
        found: Array = self.c0 + self.c1 * self._ends[k]
        return found


@dataclass(frozen=True)
class _CellParts:
    """Parts [a, b] of cells, about their middles, each for one row.

    Shapes: all (pairs,).
    """

    cells: ParabolaCells
    row: Array
    cell: Array
    a: Array
    b: Array

    def take(self, some: Array) -> _CellParts:
        """Return some of them."""
        fields = (self.row, self.cell, self.a, self.b)
        return _CellParts(self.cells, *(x[some] for x in fields))

    def divided(self, pieces: int) -> _CellParts:
        """Return each in pieces, which leave nothing out."""
        share = np.linspace(0.0, 1.0, pieces + 1)
        edges = self.a[:, None] + (self.b - self.a)[:, None] * share
        edges[:, 0], edges[:, -1] = self.a, self.b
        row, cell = (np.repeat(x, pieces) for x in (self.row, self.cell))
        return _CellParts(
            self.cells, row, cell, edges[:, :-1].ravel(), edges[:, 1:].ravel()
        )


def _parts(
    cells: ParabolaCells, row: Array, cell: Array, load: ClusterProblem
) -> _CellParts:
    """Return what of cells lies in the ranges of rows."""
    middle = cells.middle[cell]
    a = np.maximum(load.low[row], cells.low[cell]) - middle
    b = np.minimum(load.high[row], cells.high[cell]) - middle
    return _CellParts(cells, row, cell, a, np.maximum(a, b))


def _combined(c: Array, poly: Array) -> tuple[Array, Array]:
    """Return combinations of parabolas, and the sums of all sizes."""
    t = np.matmul(c[:, None, :], poly)[:, 0, :]
    return t, np.matmul(np.abs(c)[:, None, :], np.abs(poly))[:, 0, :]


def _at(size: Array, radius: Array) -> Array:
    return size[:, 0] + radius * (size[:, 1] + radius * size[:, 2])


def _one_sided(c: Array, above: Array, below: Array) -> Array:
    with np.errstate(invalid="ignore"):
        terms = np.where(c > 0, c * above, np.where(c < 0, -c * below, 0.0))
    return terms.sum(axis=-1)


def _spoke_maximum(a: Array, b: Array, low: Array, high: Array) -> Array:
    """Return the maximum of ``a e**2 + b e`` over [low, high] (about)."""
    with np.errstate(all="ignore"):
        tip = np.where(a < 0, -0.5 * b / a, low)
        tip = np.clip(np.where(np.isfinite(tip), tip, low), low, high)
    return np.maximum.reduce([(a * e + b) * e for e in (low, high, tip)])


def _within(cells: ParabolaCells, load: ClusterProblem) -> tuple[Array, Array]:
    """Return the first and (behind the) last cell that hold points of each range.

    Cells hold their upper ends; the first holds its lower end too.
    """
    first: Array = np.searchsorted(cells.high, load.low, side="left")
    at_end = cells.high[np.minimum(first, len(cells) - 1)] == load.low
    first = np.where(load.open & at_end, first + 1, first)
    last = np.searchsorted(cells.high, load.high, side="left") + 1
    first = np.minimum(first, len(cells) - 1)
    return first, np.clip(last, first + 1, len(cells))
