"""The distance that one feature can move a gradient of one hidden layer.

Let c < c' be two values of the feature, ``tau = c' - c``, z the pre-activations of the
first record and ``z' = z + tau m`` those of the second, d and d' the common factors.
The squared distance is

    N = d**2 alpha + d'**2 gamma - 2 d d' beta,

where alpha, gamma and beta are sums over k of functions of ``z_k`` and tau, once every
other input's square is put at its largest.  For fixed z and tau, N is convex in c, so
c or c' is at an end of the feature's range (two *sides*); for fixed z, tau and c it is
convex in (d, d'), so in a cell of ``t`` and ``t' - t`` only the corners of the ranges
of d and d' count.  In a cell, for any multipliers,

    N <= lambda t + mu (t' - t) + sum_k max_z [ d**2 alpha_k + d'**2 gamma_k
             - 2 d d' beta_k - lambda w_k h_k - mu w_k (h'_k - h_k) ] .

The maxima over z are taken over a grid of nodes, at both ends of a cell of tau; between
them, a function lies above its interpolation by at most ``width**2 / 8`` times what it
can be curved, in z and in tau.  Cells are cut, in t, ``t' - t`` and tau, best first; in
the end also in a z that, at the best multipliers, is at two places at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from deuterium.bound import Box, Domain, enclose
from deuterium.evaluate import compile
from deuterium.functions.movement import concatenate
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import next_down, next_up
from deuterium.privacy.one_feature_dual import Dual
from deuterium.privacy.one_feature_tables import NOT, SLACK, Tables, find_kinks, total
from deuterium.privacy.one_layer import OneLayer

__all__ = ["OneFeature"]

Array = Any

FIRST = 4  # cells of tau to begin with
BATCH = 48  # cells of t and t' bounded together
INNER = 240, 1600  # cells of t and t' for one cell of tau, until it is cut, and then
FINEST = 1 / 64  # of a cell of tau, relative
CURVES = 3  # of which all corners are looked at
SPLITS = 40  # of ranges of z, one within the other
FLAT = 0.004, 3e-4  # ranges of d so narrow that cutting t helps less than cutting tau


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
        self._compiled: dict[int, Any] = {}
        self._runs: dict[int, _Run] = {}
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
        if len(self.curves) > CURVES:
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
        target = (reached * (1 + rtol)) ** 2
        end = math.inf if limit is None else time.monotonic() + limit
        if j not in self._runs:
            self._runs[j] = _Run(self, j, target, end)
        run = self._runs[j]
        run.target, run.end = target, end
        run.least()
        return self.known(j)

    def is_finished(self, j: int) -> bool:
        """Return whether more time would bring nothing."""
        run = self._runs.get(j)
        return run is not None and run.begun and run.known <= max(run.stuck, run.target)

    def known(self, j: int) -> float:
        """Return the bound that the work so far has come to."""
        if j not in self._runs:
            return math.inf
        return math.sqrt(self._runs[j].known) * (1 + 1e-9)

    def factors(self, label: Domain, low: Array, high: Array) -> tuple[Array, Array]:
        """Return the ranges of d over cells of t."""
        box = Box({self.layer.output: (low, high)}) & label
        found = enclose(self.layer.scalar, box)
        shape = np.shape(low)
        return np.broadcast_to(found.lower, shape), np.broadcast_to(found.upper, shape)

    def roughly(self, label: Domain, t: Array) -> Array:
        """Return d at points, not rounded outward."""
        key = id(label)
        if key not in self._compiled:
            symbols = free_symbols([self.layer.scalar])
            others = [s for s in symbols if s.name != self.layer.output.name]
            fixed = {s: label.hull(s).lower for s in others}
            d = self.layer.scalar.subs(fixed)
            self._compiled[key] = compile([self.layer.output], [d])
        return self._compiled[key](t)[0]


@dataclass(eq=False)
class _Cells:
    """Cells of t and ``t' - t`` that wait, for one cell of tau, side and label."""

    table: Array  # (8, H, rows): alpha, gamma, beta, t, t' - t; radii of the last three
    box: Array  # (cells, 4)
    tops: Array  # (cells,)
    multipliers: Array  # (cells, 4, 2)
    upper: float
    tau: tuple[float, float]
    side: int
    label: Domain
    nodes: int  # of either end of tau, the first rows of the table
    ready: bool = False
    splits: int = 0  # of ranges of z


class _Run:
    """Branch and bound for one feature."""

    def __init__(self, feature: OneFeature, j: int, target: float, end: float) -> None:
        self.feature, self.j, self.target, self.end = feature, j, target, end
        self.tables = [Tables(feature, j, side) for side in (0, 1)]
        self.last: tuple[Any, Any] = (None, None)  # labels share a table
        self.width = float(feature.high[j] - feature.low[j])
        self.done = 0.0
        self.stuck = 0.0  # what gets no finer
        self.open: list[_Cells] = []
        self.begun = False

    def _begin(self) -> None:
        edges = np.linspace(0.0, self.width * (1 + 1e-15), FIRST + 1)
        waiting = [
            self._entered((float(a), float(b)), side)
            for a, b in pairwise(edges)
            for side in (0, 1)
        ]
        self.open = [c for cells in waiting for c in cells]
        self.begun = True

    @property
    def known(self) -> float:
        """A bound of the squared distance by what is done so far, at any time."""
        if not self.begun:
            return math.inf
        return max([self.stuck, self.done, *(c.upper for c in self.open)])

    def least(self) -> float:
        """Return a bound of the squared distance."""
        if not self.begun:
            self._begin()
        while True:
            worst = max(self.open, key=lambda c: c.upper, default=None)
            floor = max(self.stuck, self.target)
            late = time.monotonic() > self.end
            if worst is None or worst.upper <= floor or late:
                return self.known
            self._work(worst)
            new: list[_Cells] = []
            if worst.upper <= floor:
                self.done = max(self.done, worst.upper)
            elif worst.tau[1] - worst.tau[0] > FINEST * self.width:
                new = self._halves(worst)
            elif worst.ready:
                new = self._split(worst)
                if not new:
                    self.stuck = max(self.stuck, worst.upper)
            else:
                worst.ready = True
                continue
            # at once, so that an interrupt leaves nothing out
            self.open = [c for c in self.open if c is not worst] + new

    def _halves(self, cells: _Cells) -> list[_Cells]:
        a, b = cells.tau
        middle = (a + b) / 2
        made = []
        for part in ((a, middle), (middle, b)):
            for new in self._entered(part, cells.side, [cells.label]):
                new.upper = min(new.upper, cells.upper)
                made.append(new)
        return made

    def _split(self, cells: _Cells) -> list[_Cells]:
        """Halve the range of that z which is at two places at once in the worst cell.

        Return nothing if there is no such z, or this was done too often.
        """
        keep = cells.tops > self.target
        if cells.splits == SPLITS or not keep.any():
            return []
        self.done = max(self.done, float(cells.tops[~keep].max(initial=0.0)))
        cells = replace(
            cells,
            box=cells.box[keep],
            tops=cells.tops[keep],
            multipliers=cells.multipliers[keep],
        )
        top = int(np.argmax(cells.tops))
        dual = self._dual(cells, cells.box[top : top + 1])
        tops, found = dual.least(cells.multipliers[top], self.target)
        worst = int(np.argmax(tops))
        k, at = dual.apart(worst, found[worst], cells.nodes)
        if at is None:
            return []
        made = []
        for part in (slice(None, at + 1), slice(at, None)):
            table, outside = cells.table.copy(), np.ones(cells.nodes, dtype=bool)
            outside[part] = False  # a node between two parts belongs to both
            table[0, k, : 2 * cells.nodes][np.tile(outside, 2)] = NOT
            new = replace(cells, table=table, splits=cells.splits + 1)
            tops, new.multipliers = self._bounded_all(new)
            new.tops = np.minimum(cells.tops, tops)
            new.upper = min(cells.upper, float(new.tops.max()))
            made.append(new)
        return made

    def _bounded_all(self, cells: _Cells) -> tuple[Array, Array]:
        """Return bounds of all cells that wait, and the multipliers behind them."""
        found = [
            self._bounded(cells, box, start)
            for box, start in zip(
                np.array_split(cells.box, -(-len(cells.box) // BATCH)),
                np.array_split(cells.multipliers, -(-len(cells.box) // BATCH)),
                strict=True,
            )
        ]
        tops, multipliers = zip(*found, strict=True)
        return np.concatenate(tops), np.concatenate(multipliers)

    def _entered(
        self, tau: tuple[float, float], side: int, labels: Any = None
    ) -> list[_Cells]:
        if self.last[0] != (tau, side):
            self.last = (tau, side), self.tables[side].table(tau)
        table, nodes = self.last[1]
        t = total(table, 3, 5 + 1)
        apart = total(table, 4, 5 + 2)
        b = self.feature.layer.offset
        slack = SLACK * (1 + abs(b) + np.abs(t).max() + np.abs(apart).max())
        box = np.array(
            [[b + t[0] - slack, b + t[1] + slack, apart[0] - slack, apart[1] + slack]]
        )
        made = []
        for label in self.feature.labels if labels is None else labels:
            cells = _Cells(
                table,
                box,
                np.zeros(1),
                np.zeros((1, 4, 2)),
                math.inf,
                tau,
                side,
                label,
                nodes,
            )
            cells.tops, cells.multipliers = self._bounded(cells, box, cells.multipliers)
            cells.upper = float(cells.tops.max())
            made.append(cells)
        return made

    def _work(self, cells: _Cells) -> None:
        """Cut cells of t and ``t' - t`` until they are done, or cutting is no use."""
        count = 0
        while count < INNER[cells.ready] and time.monotonic() < self.end:
            keep = cells.tops > self.target
            self.done = max(self.done, float(cells.tops[~keep].max(initial=0.0)))
            cells.box, cells.tops = cells.box[keep], cells.tops[keep]
            cells.multipliers = cells.multipliers[keep]
            if not keep.any():
                cells.upper = min(cells.upper, self.target)
                return
            order = np.argsort(-cells.tops)
            first, rest = order[:BATCH], order[BATCH:]
            widths = self._widths(cells, cells.box[first])
            if widths[0].max() < FLAT[cells.ready]:
                break
            self._cut(cells, first, rest, widths)
            count += 2 * len(first)
        cells.upper = min(cells.upper, float(cells.tops.max(initial=0.0)))

    def _cut(self, cells: _Cells, first: Array, rest: Array, widths: Array) -> None:
        box, at = cells.box[first], np.arange(len(first))
        axis = 2 * widths.argmax(axis=1)
        middle = (box[at, axis] + box[at, axis + 1]) / 2
        lower, upper = box.copy(), box.copy()
        lower[at, axis + 1], upper[at, axis] = middle, middle
        new = np.concatenate([lower, upper])
        start = np.concatenate([cells.multipliers[first]] * 2)
        tops, multipliers = self._bounded(cells, new, start)
        tops = np.minimum(tops, np.tile(cells.tops[first], 2))
        cells.box = np.concatenate([cells.box[rest], new])
        cells.tops = np.concatenate([cells.tops[rest], tops])
        cells.multipliers = np.concatenate([cells.multipliers[rest], multipliers])

    def _widths(self, cells: _Cells, box: Array) -> Array:
        """Return how much d and d' vary with t and with ``t' - t``, roughly."""
        t0, t1, a0, a1 = box.T
        points = np.concatenate([t0, t1, t0 + a0, t1 + a0, t0 + a1, t1 + a1])
        d = np.reshape(self.feature.roughly(cells.label, points), (6, len(box)))
        by_t = np.maximum(abs(d[1] - d[0]), abs(d[3] - d[2]))
        by_t = np.maximum(by_t, abs(d[5] - d[4]))
        by_apart = np.maximum(abs(d[4] - d[2]), abs(d[5] - d[3]))
        small = 5e-3
        return np.stack([by_t + small * (t1 - t0), by_apart + small * (a1 - a0)], 1)

    # -- bounds ------------------------------------------------------------------------

    def _bounded(self, cells: _Cells, box: Array, start: Array) -> tuple[Array, Array]:
        """Return bounds of N over cells, and the multipliers behind them."""
        dual = self._dual(cells, box)
        tops, found = dual.least(start.reshape(-1, 2), self.target)
        tops = tops.reshape(-1, 4).max(axis=1)
        return np.where(np.isnan(tops), np.inf, tops), found.reshape(-1, 4, 2)

    def _dual(self, cells: _Cells, box: Array) -> Dual:
        """Return the bounds at the four corners of each cell."""
        t0, t1, a0, a1 = (box[:, i] for i in range(4))
        low = np.concatenate([t0, next_down(t0 + a0)])
        high = np.concatenate([t1, next_up(t1 + a1)])
        ends = self.feature.factors(cells.label, low, high)
        d, e = np.reshape(ends, (2, 2, len(box))).swapaxes(0, 1)
        first = np.stack([d[0], d[0], d[1], d[1]], 1).ravel()
        second = np.stack([e[0], e[1], e[0], e[1]], 1).ravel()
        b = self.feature.layer.offset
        beyond = next_down(t0 - b), next_up(t1 - b)  # without rounding
        edges = [np.repeat(v, 4) for v in (*beyond, a0, a1)]
        return Dual(cells.table, first, second, edges)
