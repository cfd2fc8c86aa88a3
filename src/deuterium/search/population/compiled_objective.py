"""The objective that is climbed: compiled values and slopes at rows of inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from deuterium import budget
from deuterium.array_type import Array
from deuterium.domain.points import Feasible
from deuterium.domain.problem import Problem
from deuterium.evaluate import CompiledFunction, compile
from deuterium.transform import grad


class CompiledObjective:
    """A problem's objective in plain floating point, over rows of inputs.

    Attributes
    ----------
    feasible : Feasible
        Where the rows may be.
    evaluations : int
        Rows evaluated so far.
    free_symbols : list of Variable
        The symbols of which an input is free.
    deadline : float
        The time, by ``budget.now``, after which no search should go on.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, self.feasible = problem, Feasible(problem)
        self.evaluations, self.deadline = 0, math.inf
        moving = self.feasible.free
        self.free_symbols = [
            s for s in problem.symbols if moving[problem.slices[s.name]].any()
        ]

    @cached_property
    def _value(self) -> CompiledFunction:
        return compile(self.problem.symbols, [self.problem.objective])

    @cached_property
    def _both(self) -> CompiledFunction:
        objective = self.problem.objective
        slopes = grad(objective, self.free_symbols)
        return compile(self.problem.symbols, [objective, *slopes])

    @property
    def expired(self) -> bool:
        """Whether the time is up."""
        return budget.now() >= self.deadline

    def values(self, rows: Array) -> Array:
        """Return the value at every row, minus infinity where it is not finite."""
        (values,) = self._value(*self.problem.arrays(rows).values())
        self.evaluations += len(rows)
        values = np.broadcast_to(values, len(rows))  # it may depend on no symbol
        return self._counted(rows, values)

    def _counted(self, rows: Array, values: Array) -> Array:
        """Return values, minus infinity where they, or the rows, are not finite.

        Shapes: ``rows`` (B, n), ``values`` (B,).
        """
        finite = np.isfinite(values) & np.isfinite(rows).all(axis=1)
        return np.where(finite, values, -np.inf)

    def both(self, rows: Array) -> tuple[Array, Array]:
        """Return values and slopes; a slope is zero where it is not finite."""
        if not self.free_symbols:
            return self.values(rows), np.zeros(rows.shape)
        values, *parts = self._both(*self.problem.arrays(rows).values())
        self.evaluations += len(rows)
        values = self._counted(rows, np.broadcast_to(values, len(rows)))
        return values, self.flat(parts, len(rows))

    def flat(self, parts: Sequence[Array], count: int) -> Array:
        """Return the slopes by the moving symbols as rows; zero where not finite."""
        slopes = np.zeros((count, self.problem.size))
        for s, g in zip(self.free_symbols, parts, strict=True):
            slopes[:, self.problem.slices[s.name]] = g.reshape(count, s.size)
        slopes[:, ~self.feasible.free] = 0.0
        slopes[~np.isfinite(slopes)] = 0.0
        return slopes
