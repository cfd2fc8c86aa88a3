"""The lower side: the best point so far, its value certified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium.bound.bounders.plain import middles
from deuterium.bound.problem import Problem
from deuterium.bound.search import enclose_at, search

Array = Any


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
        self.problem, self.seed, self.points = problem, seed, points
        self.value = -np.inf
        self.row: Array | None = None

    def start(self) -> bool:
        """Search from random points, corners and those given."""
        p = self.problem
        if not p.size:
            return self.certify(np.empty(0))
        found = search(
            p.objective, p.domain, seed=self.seed, points=self.points, starts=16
        )
        if found.status != "found":
            return False
        # an input that the simplified objective does not depend on stays at its end
        somewhere = p.arrays(middles(p.lower, p.upper))
        return self.certify(p.rows({**somewhere, **found.witness}))

    def offer(self, rows: Array) -> bool:
        """Try points that a bounder found worth it; return whether one is better."""
        return False

    def certify(self, row: Array) -> bool:
        """Take a point if its certified value is larger; return whether it is."""
        if not self.problem.contains(row):
            return False
        value = float(enclose_at(self.problem.sought, self.problem.arrays(row)).lower)
        if not value > self.value:
            return False
        self.value, self.row = value, np.array(row)
        return True
