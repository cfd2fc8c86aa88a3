"""A batch of regions while it is bounded: what is known of each, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.derivative.derivative_graphs import DerivativeGraphs
from deuterium.optimize.bounders.derivative.derivative_options import MOST_POINTS
from deuterium.optimize.region import DomainReduction, Proof, Regions

Why = Callable[[int], Proof]  # the proof for one of the rows in question
Around = (
    Array | None
)  # points around which slopes were sharpened, one a row in question

INTERVAL: Proof = ("interval", {})


class RegionBatch:
    """A batch of regions, made smaller and bounded step by step.

    Parameters
    ----------
    forms : DerivativeGraphs
        The graphs of the problem.
    regions : Regions
        The batch.
    incumbent : float
        A value that is reached.
    people : sequence of ndarray of shape (persons, inputs of each), optional
        Inputs that are in order, person by person.
    finite : ndarray of bool, of shape (n,), optional
        Inputs that are cut between values of their own, or are in order.

    Attributes
    ----------
    low, high : ndarray of shape (rows, n)
        The regions after their steps.
    upper, proofs : ndarray and list
        Least bounds so far, and what proves them.
    slopes : ndarray of shape (2, rows, n)
        Enclosures of the slopes over the regions, NaN where nothing is known.
    ends, cut : list and ndarray
        Why only the ends of an input matter, and which.
    points : list of ndarray
        Rows of inputs worth evaluating.
    """

    def __init__(
        self,
        forms: DerivativeGraphs,
        regions: Regions,
        incumbent: float,
        people: Sequence[Array] = (),
        finite: Array | bool = False,
    ) -> None:
        self.people, self.finite = people, finite
        self.forms, self.problem, self.incumbent = forms, forms.problem, incumbent
        self.movable = self.problem.movable
        self.low, self.high = regions.low.copy(), regions.high.copy()
        count, self.n = self.low.shape
        self.upper = np.full(count, np.inf)
        self.proofs: list[Proof] = [INTERVAL] * count
        self.steps: list[list[DomainReduction]] = [[] for _ in range(count)]
        self.ends: list[Proof | None] = [None] * count
        self.cut = np.full(count, -1)
        self.slopes = np.full((2, count, self.n), np.nan)
        self.points: list[Array] = [np.empty((0, self.n))]

    def open(self, rows: Array) -> Array:
        """Return which of the rows are not settled yet."""
        return (self.upper[rows] > self.incumbent) & (self.cut[rows] < 0)

    def lower(self, rows: Array, bound: Array, why: Why) -> Array:
        """Enter bounds where they are better; return where.

        Shapes: ``rows``, numbers of regions, and ``bound`` (b,).
        """
        better = bound < self.upper[rows]
        self.upper[rows[better]] = bound[better]
        for k in np.flatnonzero(better).tolist():
            self.proofs[rows[k]] = why(k)
        return better

    def exclude(self, rows: Array, where: Array, why: Why) -> None:
        """Enter that some of the rows hold no maximiser.

        Shapes: ``rows``, numbers of regions, and the mask ``where`` (b,).
        """
        self.lower(rows, np.where(where, -np.inf, np.inf), why)

    def interval(self, rows: Array) -> Array:
        """Enclose the objective itself; return where it is defined."""
        f, _ = self.forms.values(self.low[rows], self.high[rows])
        known = ~np.isnan(f[1])
        self.lower(rows, np.where(known, f[1], np.inf), lambda k: INTERVAL)
        return known

    def candidates(self, points: Array, values: Array) -> None:
        """Take note of the points with the largest values.

        Shapes: ``points`` (b, n), ``values`` (b,).
        """
        values = np.where(np.isfinite(values), values, -np.inf)
        best = np.argsort(-values, kind="stable")[:MOST_POINTS]
        self.points.append(points[best])

    def bounded(self, rows: Array) -> Array:
        """Return which regions are bounded."""
        ends = np.concatenate([self.low[rows], self.high[rows]], axis=1)
        return np.isfinite(ends).all(axis=1)

    def smooth(self, rows: Array) -> Array:
        """Return which regions are bounded and have slopes."""
        return self.bounded(rows) & np.isfinite(self.slopes[:, rows]).all(axis=(0, 2))

    def inside(self, rows: Array) -> Array:
        """Return which inputs may leave each region both ways within the domain."""
        low, high = self.low[rows], self.high[rows]
        inside = (low > self.problem.lower) & (high < self.problem.upper)
        return inside & (low < high) & self.movable
