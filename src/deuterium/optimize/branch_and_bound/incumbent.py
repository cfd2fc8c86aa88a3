"""The incumbent: the best point so far, its value certified."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.budget import Spent, spending
from deuterium.domain.points import Feasible
from deuterium.domain.problem import Problem
from deuterium.optimize.branch_and_bound import loop_options as options
from deuterium.search.population import PopulationSearch
from deuterium.search.search import enclose_at
from deuterium.transform.pipeline import MANY


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
        self._place = Feasible(problem)
        self._points = None if points is None else self._place.given(points)
        self._end = math.inf
        self._offers = 0
        self._next, self._rest = 1, 1  # when an offer is looked at
        self._alone = 4  # and when the search goes on by itself
        self._tried = -np.inf
        self._told: dict[str, Any] | None = None

    @cached_property
    def _ascent(self) -> PopulationSearch:
        """The search, made on first use: that alone may take long."""
        ascent = PopulationSearch(
            self.problem, starts=options.SEARCH_STARTS, seed=self.seed
        )
        ascent.target.deadline = self._end
        return ascent

    def begin(self, enough: float) -> None:
        """Look at the middle, and at a few more points if not enough is reached there.

        Without any search, whose preparations may take longer than there is time.
        """
        with suppress(Spent):
            self.certify(self._place.middle())
            if self.value < enough and len(self.problem.order) <= MANY:
                rows = [self._place.notable(), self._place.apart()]
                self._look_at(np.concatenate(rows))

    def _look_at(self, rows: Array) -> None:
        """Take the best of some rows, each enclosed as a point."""
        arrays = self.problem.arrays(rows)
        reached = enclose_at(self.problem.sought, arrays).lower
        reached = np.broadcast_to(reached, len(rows))
        for i in np.argsort(-reached, kind="stable").tolist():
            if not reached[i] > self.value or self.certify(rows[i]):
                return

    def start(self) -> bool:
        """Search from random points, corners and those given."""
        if not self.problem.size:
            return self._certified(np.empty(0))
        return self._search(lambda: self._ascent.start(self._points))

    def _search(self, how: Callable[[], object]) -> bool:
        """Take what a search has found when it ends, or has to."""
        with suppress(Spent), spending(self._end + options.SEARCH_LATE_SECONDS):
            how()
        ascent = self.__dict__.get("_ascent")  # it may not have come so far
        return ascent is not None and self._take((ascent.row, ascent.value))

    def offer(self, rows: Array) -> bool:
        """Try points that a bounder found worth it; return whether one is better.

        After an offer in vain some that follow are passed over, since a search takes as
        long as bounding some hundred regions.  Now and then, more and more seldom, the
        search goes on by itself as well.
        """
        self._offers += 1
        if not self.problem.size or self._offers < self._next:
            return False
        before = self._found
        better = self._search(lambda: self._go_on(rows))
        self._rest = (
            1 if self._found > before else min(2 * self._rest, options.MOST_RESTS)
        )
        self._next = self._offers + self._rest
        return better

    def _go_on(self, rows: Array) -> None:
        if len(rows):
            self._ascent.improve(rows)
        if self._offers >= self._alone:
            self._alone *= 2
            self._ascent.continue_(rounds=options.SEARCH_ROUNDS)

    @property
    def _found(self) -> float:
        ascent = self.__dict__.get("_ascent")
        return -np.inf if ascent is None else ascent.value

    def limit(self, end: float) -> None:
        """Search no longer than until a time by `budget.now`."""
        self._end = end
        if "_ascent" in self.__dict__:
            self._ascent.target.deadline = end

    def state(self) -> dict[str, Any] | None:
        """Return all that decides how the search goes on, if it changed since."""
        if "_ascent" not in self.__dict__:
            return None
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
            value -= options.GAIN_NOISE * abs(value)
        return bool(value > self.value) and self._certified(row)

    def _certified(self, row: Array) -> bool:
        """Take a point if there is time for it and it is better.

        Where rounding leaves in doubt whether it satisfies a condition, one a little
        nearer to the point before may do so for certain.
        """
        with suppress(Spent):
            if self.certify(row) or self.row is None:
                return self.row is not None and np.array_equal(self.row, row)
            before = self.row
            return any(
                self.certify(row + t * (before - row)) for t in options.STEPS_BACK
            )
        return False

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
