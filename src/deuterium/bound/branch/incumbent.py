"""The lower side: the best point so far, its value certified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium.bound.ascent import Ascent
from deuterium.bound.problem import Problem
from deuterium.bound.search import enclose_at

Array = Any

STARTS = 16
ROUNDS = 2
NOISE = 2.0**-50  # relative; a gain below it is rounding


class Incumbent:
    """The best point found and a certified lower bound of the objective there.

    Parameters
    ----------
    problem : Problem
        What is maximised.
    seed : int
        Of the random starts.
    points : mapping, optional
        Rows to start from as well, by symbol.

    Attributes
    ----------
    value : float
        The supremum is at least this, under rounding too; ``-inf`` at first.
    row : ndarray or None
        The point, as a row of inputs.
    """

    def __init__(
        self, problem: Problem, seed: int, points: Mapping[Any, Any] | None = None
    ) -> None:
        self.problem, self.seed = problem, seed
        self.value = -np.inf
        self.row: Array | None = None
        self._ascent = Ascent(problem, starts=STARTS, seed=seed)
        place = self._ascent.place
        self._points = None if points is None else place.given(points)
        self._offers = 0

    def start(self) -> bool:
        """Search from random points, corners and those given."""
        if not self.problem.size:
            return self.certify(np.empty(0))
        return self._take(self._ascent.start(self._points))

    def offer(self, rows: Array) -> bool:
        """Try points that a bounder found worth it; return whether one is better.

        Now and then, more and more seldom, the search goes on by itself as well.
        """
        if not self.problem.size:
            return False
        found = self._ascent.row, self._ascent.value
        if len(rows):
            found = self._ascent.improve(rows)
        self._offers += 1
        if self._offers.bit_count() == 1 and self._offers > 2:
            found = self._ascent.continue_(rounds=ROUNDS)
        return self._take(found)

    def _take(self, found: tuple[Array, float]) -> bool:
        row, value = found
        better = value > self.value + NOISE * abs(self.value)
        return bool(np.isfinite(value) and better and self.certify(row))

    def certify(self, row: Array) -> bool:
        """Take a point if its certified value is larger; return whether it is."""
        if not self.problem.contains(row):
            return False
        value = float(enclose_at(self.problem.sought, self.problem.arrays(row)).lower)
        if not value > self.value:
            return False
        self.value, self.row = value, np.array(row)
        return True
