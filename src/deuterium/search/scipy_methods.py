"""SciPy's global optimisers over a problem, with compiled values and slopes.

They see a box: the free inputs, and behind them one number for each group of inputs
that has finitely many values, which says which of them.  What they return is, like
every search's answer, no bound.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import scipy  # its submodules are imported on first use

from deuterium.array_type import Array
from deuterium.budget import Spent
from deuterium.errors import InvalidInputError
from deuterium.search import search_options as options
from deuterium.search.population.compiled_objective import CompiledObjective


class _TimeUp(Exception):
    """Raised inside an optimiser that has no other way to be stopped."""


class Boxed:
    """A target seen as a function to be minimised over a box; remembers the best.

    Attributes
    ----------
    bounds : list of (float, float)
        The box.
    row, value :
        The best row of inputs evaluated so far, and its value.
    point : ndarray
        Where in the box that is.
    """

    def __init__(self, target: CompiledObjective) -> None:
        self.target, self.feasible = target, target.feasible
        self.free = np.flatnonzero(self.feasible.free)
        low, high = (
            self.feasible.near_low[self.free],
            self.feasible.near_high[self.free],
        )
        self.bounds = [(float(a), float(b)) for a, b in zip(low, high, strict=True)]
        self.bounds += [(0.0, float(len(b.table))) for b in self.feasible.blocks]
        self.row, self.value = np.zeros(len(self.feasible.low)), -np.inf
        self.point = np.zeros(len(self.bounds))

    def rows(self, points: Array) -> Array:
        """Return points of the box as rows of inputs."""
        rows = np.tile(self.feasible.near_low, (len(points), 1))
        rows[:, self.free] = points[:, : len(self.free)]
        numbers = points[:, len(self.free) :]
        for i, block in enumerate(self.feasible.blocks):
            last = len(block.table) - 1
            which = np.clip(numbers[:, i].astype(int), 0, last)
            rows[:, block.columns] = block.table[which]
        return self.feasible.project(rows)

    def many(self, points: Array) -> Array | float:
        """Return what is to be minimised, at points (inputs, count)."""
        if self.target.expired:
            raise _TimeUp
        rows = self.rows(np.atleast_2d(points.T))
        values = self.target.values(rows)
        self._remember(rows, values, np.atleast_2d(points.T))
        down = np.where(np.isfinite(values), -values, options.NOT_FINITE)
        return down if points.ndim == 2 else float(down[0])

    def with_slopes(self, point: Array) -> tuple[float, Array]:
        """Return what is to be minimised at one point, and its slopes."""
        if self.target.expired:
            raise _TimeUp
        rows = self.rows(point[None])
        values, slopes = self.target.both(rows)
        self._remember(rows, values, point[None])
        down = np.zeros(len(point))
        down[: len(self.free)] = -slopes[0, self.free]
        return (
            -float(values[0]) if np.isfinite(values[0]) else options.NOT_FINITE
        ), down

    def slopes(self, point: Array) -> Array:
        """Return the slopes alone."""
        return self.with_slopes(point)[1]

    def _remember(self, rows: Array, values: Array, points: Array) -> None:
        for i in np.argsort(-values, kind="stable"):
            if not values[i] > self.value:
                return
            if self.target.problem.contains(rows[i]):
                self.row, self.value = rows[i].copy(), float(values[i])
                self.point = points[i].copy()
                return


def optimise(target: CompiledObjective, method: str, seed: int) -> tuple[Array, float]:
    """Return the best row that one of SciPy's optimisers meets, and its value."""
    boxed = Boxed(target)
    if not boxed.bounds:
        boxed.many(np.zeros((0, 1)))
        return boxed.row, boxed.value
    with np.errstate(all="ignore"), suppress(_TimeUp, Spent):
        METHODS[method](boxed, np.random.default_rng(seed))
        _polish(boxed)
    return boxed.row, boxed.value


def _polish(boxed: Boxed) -> None:
    """Finish the best point with L-BFGS-B."""
    if np.isfinite(boxed.value):
        scipy.optimize.minimize(
            boxed.with_slopes,
            boxed.point,
            jac=True,
            method="L-BFGS-B",
            bounds=boxed.bounds,
        )


def _shgo(boxed: Boxed, random: np.random.Generator) -> None:
    if len(boxed.bounds) > options.SHGO_INPUTS:
        raise InvalidInputError(
            f"search: `method`='shgo' triangulates the box, which is hopeless for "
            f"{len(boxed.bounds)} inputs (at most {options.SHGO_INPUTS}); use another "
            "method"
        )
    scipy.optimize.shgo(
        boxed.many,
        boxed.bounds,
        minimizer_kwargs={"method": "SLSQP", "jac": boxed.slopes},
        options={"jac": boxed.slopes},
    )


def _direct(boxed: Boxed, random: np.random.Generator) -> None:
    scipy.optimize.direct(boxed.many, boxed.bounds, maxiter=options.SCIPY_ROUNDS)


def _differential_evolution(boxed: Boxed, random: np.random.Generator) -> None:
    scipy.optimize.differential_evolution(
        boxed.many,
        boxed.bounds,
        maxiter=options.SCIPY_ROUNDS,
        seed=random,
        polish=False,
        updating="deferred",
        vectorized=True,
    )


def _dual_annealing(boxed: Boxed, random: np.random.Generator) -> None:
    scipy.optimize.dual_annealing(
        boxed.many,
        boxed.bounds,
        maxiter=options.SCIPY_ROUNDS,
        seed=random,
        minimizer_kwargs={
            "method": "L-BFGS-B",
            "jac": boxed.slopes,
            "bounds": boxed.bounds,
        },
    )


METHODS: dict[str, Callable[[Boxed, np.random.Generator], None]] = {
    "shgo": _shgo,
    "direct": _direct,
    "differential_evolution": _differential_evolution,
    "dual_annealing": _dual_annealing,
}
