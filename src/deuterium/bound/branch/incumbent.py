"""The lower side: the best point so far, its value certified."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium.bound.ascent import Ascent
from deuterium.bound.problem import Problem
from deuterium.bound.search import enclose_at

Array = Any

STARTS = 16
ROUNDS = 2
RESTS = 16  # offers passed over, at most
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
        self._next, self._rest = 1, 1  # when an offer is looked at
        self._alone = 4  # and when the search goes on by itself
        self._tried = -np.inf
        self._told: dict[str, Any] | None = None

    def start(self) -> bool:
        """Search from random points, corners and those given."""
        if not self.problem.size:
            return self.certify(np.empty(0))
        return self._take(self._ascent.start(self._points))

    def offer(self, rows: Array) -> bool:
        """Try points that a bounder found worth it; return whether one is better.

        After an offer in vain some that follow are passed over, since a search takes as
        long as bounding some hundred regions.  Now and then, more and more seldom, the
        search goes on by itself as well.
        """
        self._offers += 1
        if not self.problem.size or self._offers < self._next:
            return False
        found = before = self._ascent.row, self._ascent.value
        if len(rows):
            found = self._ascent.improve(rows)
        if self._offers >= self._alone:
            self._alone *= 2
            found = self._ascent.continue_(rounds=ROUNDS)
        self._rest = 1 if found[1] > before[1] else min(2 * self._rest, RESTS)
        self._next = self._offers + self._rest
        return self._take(found)

    def limit(self, seconds: float) -> None:
        """Search no longer than so many seconds from now."""
        self._ascent.target.deadline = time.perf_counter() + seconds

    def state(self) -> dict[str, Any] | None:
        """Return all that decides how the search goes on, if it changed since."""
        own = [self._next, self._rest, self._alone, self._tried]
        state = {"own": own, **self._ascent.state()}
        if state == self._told:
            return None
        self._told = state
        return state

    def restore(self, state: dict[str, Any], offers: int) -> None:
        """Go on from a state that was returned, and from so many offers."""
        self._ascent.restore(state)
        self._next, self._rest, self._alone, self._tried = state["own"]
        self._offers, self._told = offers, state

    def _take(self, found: tuple[Array, float]) -> bool:
        row, value = found
        if not np.isfinite(value) or value <= self._tried:
            return False
        self._tried = value
        if self.row is not None:
            value -= NOISE * abs(value)
        return bool(value > self.value) and self.certify(row)

    def certify(self, row: Array) -> bool:
        """Take a point if its certified value is larger; return whether it is."""
        if not np.isfinite(row).all() or not self.problem.contains(row):
            return False
        value = float(enclose_at(self.problem.sought, self.problem.arrays(row)).lower)
        if not value > self.value:
            return False
        # in this order: an interrupt in between leaves a value that is reached
        self.row = np.array(row)
        self.value = value
        return True
