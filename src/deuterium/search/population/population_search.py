"""The population search, which can be continued at any time."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium import budget
from deuterium.array_type import Array
from deuterium.domain.problem import Problem
from deuterium.search import search_options as options
from deuterium.search.population.compiled_objective import CompiledObjective
from deuterium.search.population.coordinate_moves import flips, swaps
from deuterium.search.population.polish import quasi_newton, rounder
from deuterium.search.population.population import Population


class PopulationSearch:
    """A search for the supremum of a problem.

    Parameters
    ----------
    problem : Problem
        What to maximise.
    starts : int
        How many points to follow at once.
    seed : int
        The same seed and the same calls give the same answers.
    target : CompiledObjective, optional
        What to climb, if not the problem's own objective.

    Attributes
    ----------
    row, value :
        The best point found, as a row of inputs, and its value in plain floating point;
        the value is minus infinity while there is none.
    feasible : Feasible
        The points of the domain.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        starts: int = 32,
        seed: int = 0,
        target: CompiledObjective | None = None,
    ) -> None:
        self.problem, self.target = problem, target or CompiledObjective(problem)
        self.feasible = self.target.feasible
        random = np.random.default_rng(seed)
        self._population = Population(self.target, starts, random)
        self.row, self.value = np.zeros(problem.size), -np.inf
        self._waited, self._raw = 0, False  # since a gain; and whether it is unfinished

    @property
    def evaluations(self) -> int:
        """Rows evaluated so far."""
        return self.target.evaluations

    def start(self, points: Array | None = None) -> tuple[Array, float]:
        """Look at random points, corners and the given rows, and follow the best."""
        with np.errstate(all="ignore"):
            rows = self.feasible.notable()
            if points is not None:
                rows = np.concatenate([self.feasible.nearest(points), rows])
            rows = np.concatenate([rows, self.feasible.far()])
            self._take(rows, self.target.values(rows))
            if self._grows:
                return self.row, self.value
            self._population.draw(rows)
            self._take(self._population.rows, self._population.values)
            self._finish()
        return self.row, self.value

    def improve(self, rows: Array, steps: int = 8) -> tuple[Array, float]:
        """Look at some rows, moved into the domain, and climb from the best."""
        with np.errstate(all="ignore"):
            before = self.value
            rows = self.feasible.nearest(np.atleast_2d(rows))
            values = self.target.values(rows)
            self._take(rows, values)
            order = np.argsort(-values, kind="stable")[: options.GIVEN_ROWS_CLIMBED]
            rows, values = self._population.climbed(rows[order], steps)
            self._take(rows, values)
            if self.value > before + options.LEAST_GAIN * abs(before):
                self._finish()
                self._population.admit(self.row, self.value)
        return self.row, self.value

    def continue_(
        self, seconds: float | None = None, rounds: int | None = None
    ) -> tuple[Array, float]:
        """Go on looking for so many seconds or generations, whichever end first."""
        end = np.inf if seconds is None else budget.now() + seconds
        limit = self.target.deadline
        self.target.deadline = min(end, limit)
        left = np.inf if rounds is None else rounds
        with np.errstate(all="ignore"):
            while left > 0 and not self.target.expired and not self._grows:
                self._generation()
                left -= 1
            if self._raw:
                self._finish()
        self.target.deadline = limit
        return self.row, self.value

    def run(self, points: Array | None = None, deadline: float = np.inf) -> None:
        """Start, and go on until the deadline, or until nothing more is gained.

        The deadline is a time by ``budget.now``.
        """
        self.target.deadline = deadline
        self.start(points)
        with np.errstate(all="ignore"):
            while self.feasible.movable and not self.target.expired:
                if self._grows:
                    break
                self._generation()
                if np.isinf(deadline) and self._waited >= options.PATIENT_GENERATIONS:
                    break

    @property
    def _grows(self) -> bool:
        """Whether it has no end that could be found, far out where inputs have none."""
        return self.value >= options.ENDLESS_VALUE and bool(self.feasible.endless.any())

    def _generation(self) -> None:
        """Bring up one generation; when it is quiet for a while, finish the best."""
        before = self.value
        self._population.generation()
        self._take(self._population.rows, self._population.values)
        gained = self.value > before + options.LEAST_GAIN * abs(before)
        self._waited = 0 if gained else self._waited + 1
        self._raw = self._raw or gained
        if self._raw and self._waited >= options.QUIET_GENERATIONS:
            self._finish()

    def state(self) -> dict[str, Any]:
        """Return all that decides how the search goes on, ready for JSON."""
        return {
            "row": self.row.tolist(),
            "value": _plain(self.value),
            "evaluations": self.target.evaluations,
            "waited": [self._waited, self._raw],
            "population": self._population.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned, of the same problem."""
        self.row = np.array(state["row"], dtype=float)
        self.value = -np.inf if state["value"] is None else float(state["value"])
        self.target.evaluations = int(state["evaluations"])
        self._waited, self._raw = int(state["waited"][0]), bool(state["waited"][1])
        self._population.restore(state["population"])

    def _finish(self) -> None:
        """Take the best point further by every other means."""
        before, self._raw = self.value, False
        for means in (swaps, flips, quasi_newton, self._settle, rounder):
            if np.isfinite(self.value) and not self.target.expired:
                row, value = means(self.target, self.row, self.value)
                self._take(row[None], np.array([value]))
        if self.value > before:
            self._population.admit(self.row, self.value)

    def _settle(
        self, target: CompiledObjective, row: Array, value: float
    ) -> tuple[Array, float]:
        return self._population.settle(row, value)

    def _take(self, rows: Array, values: Array) -> None:
        """Remember the best of some rows if it is better and lies in the domain.

        Shapes: ``rows`` (B, n), ``values`` (B,).
        """
        for i in np.argsort(-values, kind="stable"):
            if not values[i] > self.value:
                return
            if self.problem.contains(rows[i]):
                self.row, self.value = rows[i].copy(), float(values[i])
                return


def _plain(value: float) -> float | None:
    """Return a number that JSON knows."""
    return value if np.isfinite(value) else None
