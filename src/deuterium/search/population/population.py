"""A population of points, each replaced by a child that is better.

Since a child competes with its own parent only, many hills are climbed side by side.
When they have all become one, or bring nothing for a while, the best is set aside as a
champion and the population drawn anew, every third time with the champions in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.search import search_options as options
from deuterium.search.population.compiled_objective import CompiledObjective
from deuterium.search.population.gradient_ascent import climb
from deuterium.search.population.kink_functions import (
    kink_functions_of,
    saturating_arguments,
)
from deuterium.search.population.offspring import offspring
from deuterium.search.population.phase_moves import across_kinks
from deuterium.search.population.polish import newton
from deuterium.search.population.sqp_on_piece import sqp_on_piece_of


class Population:
    """Rows that are followed, and their values.

    Attributes
    ----------
    rows, values : ndarray
        The points and their values, in no order.
    settled : ndarray of bool
        Which of them are the best of their piece, where there are kinks.
    stale : int
        How many generations in a row brought nothing much.
    """

    def __init__(
        self, target: CompiledObjective, size: int, random: np.random.Generator
    ) -> None:
        self.target, self.size, self.random = target, size, random
        self.feasible = target.feasible
        self.rows = np.empty((0, len(self.feasible.low)))
        self.values, self.settled = np.empty(0), np.empty(0, dtype=bool)
        self.stale, self.drawn = 0, 0
        self._champions: list[Array] = []
        self._kinks, self._bends = (
            kink_functions_of(target),
            saturating_arguments(target),
        )
        free = np.count_nonzero(self.feasible.free)
        self._settles = self._kinks.count > 0 and 0 < free <= options.SETTLED_INPUTS
        # how often children by `offspring`, by each crossing, and settled rows do well
        self._luck = np.array([0.2, 0.2, 0.2, 1.0])

    def draw(self, more: Array | None = None) -> None:
        """Begin anew, from random points and the given ones."""
        rows = self.feasible.random(options.DRAWN_PER_ROW * self.size, self.random)
        if more is not None:
            rows = np.concatenate([more, rows])
        values = self.target.values(rows)
        order = np.argsort(-values, kind="stable")[: self.size]
        self.rows, self.values = self.climbed(rows[order], options.FIRST_CLIMB_STEPS)
        self.settled = np.zeros(len(self.rows), dtype=bool)
        self.settled = self._settle(self.rows, self.values, self.values > -np.inf)
        self.stale, self.drawn = 0, self.drawn + 1

    def climbed(self, rows: Array, steps: int) -> tuple[Array, Array]:
        """Return rows uphill of the given ones, and their values."""
        rows, values = climb(self.target, rows, steps)
        if rows.shape[1] <= options.NEWTON_INPUTS:
            rows, values = newton(self.target, rows, values, options.NEWTON_STEPS)
        return rows, values

    def generation(self) -> None:
        """Let every point have a child, or begin anew where that has become useless."""
        if not len(self.rows):
            self.draw()
        elif self.exhausted:
            self._begin_again()
        else:
            children = offspring(self.feasible, self.rows, self.values, self.random)
            ways = self._cross(children)
            children, values = self.climbed(children, options.CHILD_CLIMB_STEPS)
            settled = self._settle(children, values, self._elsewhere(children))
            better = self._replace(children, values, settled)
            for way in range(3):
                self._learn(way, better[ways == way])

    @property
    def exhausted(self) -> bool:
        """Whether all points have come to one value, or nothing was gained for long."""
        low, high = self.values.min(), self.values.max()
        alike = np.isfinite(low) and low >= high - options.ALIKE_VALUES * abs(high)
        return bool(alike) or self.stale > options.STALE_GENERATIONS

    def settle(self, row: Array, value: float) -> tuple[Array, float]:
        """Return the best point of a row's piece, where there are kinks."""
        if not self._settles:
            return row, value
        return sqp_on_piece_of(self.target, self._kinks, row, value)

    def _settle(self, rows: Array, values: Array, which: Array) -> Array:
        """Take the best of some rows to the best points of their pieces, in place.

        Returns which were taken.

        Shapes: ``rows`` (B, n), ``values`` and the mask ``which`` (B,).
        """
        taken = np.zeros(len(rows), dtype=bool)
        if not self._settles:
            return taken
        best = max(values.max(initial=-np.inf), self.values.max(initial=-np.inf))
        which = np.flatnonzero(
            which & (values >= best - options.SETTLED_CLOSENESS * abs(best))
        )
        count = int(np.ceil(options.SETTLED_ROWS * self._luck[3]))
        if count == 1 and self.random.random() > options.SETTLED_SELDOM:
            return taken
        for i in which[np.argsort(-values[which], kind="stable")][:count]:
            if not self.target.expired:
                before = values[i]
                rows[i], values[i] = self.settle(rows[i], values[i])
                self._learn(
                    3, np.array([values[i] > before + options.MUCH_GAIN * abs(before)])
                )
                taken[i] = True
        return taken

    def _learn(self, way: int, well: Array) -> None:
        """Take note of what did well."""
        if len(well):
            ease = options.OPINION_EASE ** min(len(well), 4)
            self._luck[way] = ease * self._luck[way] + (1 - ease) * well.mean()

    def _elsewhere(self, children: Array) -> Array:
        """Return which children are where their parents are not settled."""
        if not self._settles:
            return np.zeros(len(children), dtype=bool)
        before, after = self._kinks.at(self.rows) > 0, self._kinks.at(children) > 0
        return ~self.settled | (before != after).any(axis=1)

    def _cross(self, children: Array) -> Array:
        """Make some of the children by moving a scalar inside instead.

        Returns the way each is made: 0 as before, 1 or 2 by crossing kinks or bends.
        """
        ways = np.zeros(len(children), dtype=int)
        for way, inner in ((1, self._kinks), (2, self._bends)):
            mine, other = self._luck[way], self._luck[0]
            share = np.clip(mine / (mine + other + 1e-9), *options.CROSSED_SHARES)
            some = self.random.random(len(children)) < share
            if inner.count and some.any():
                parents = self.rows[some]
                children[some] = across_kinks(inner, parents, way == 2, self.random)
                ways[some] = way
        return ways

    def _replace(self, rows: Array, values: Array, settled: Array) -> Array:
        """Put children in their parents' places, and return where they are better.

        Shapes: ``rows`` (B, n), ``values`` and ``settled`` (B,).
        """
        better = values > self.values
        scale = np.maximum(np.abs(self.values), 1e-300)
        gains = np.where(better, (values - self.values) / scale, 0.0)
        gain = np.minimum(np.nan_to_num(gains, posinf=1.0), 1.0).sum()
        self.rows[better], self.values[better] = rows[better], values[better]
        self.settled[better] = settled[better]
        self.stale = 0 if gain > options.MUCH_GAIN else self.stale + 1
        return better

    def admit(self, row: Array, value: float) -> None:
        """Put a point in the place of the worst, where it is better."""
        worst = int(np.argmin(self.values)) if len(self.values) else -1
        if worst >= 0 and value > self.values[worst] and value not in self.values:
            self.rows[worst], self.values[worst] = row, value
            self.settled[worst] = False

    def _begin_again(self) -> None:
        champion = self.rows[int(np.argmax(self.values))].copy()
        self._champions = [champion, *self._champions][: options.REMEMBERED_HILLS]
        meet = self.drawn % 3 == 2 and len(self._champions) > 1
        self.draw(np.array(self._champions) if meet else None)
        if meet:
            self._champions = []

    def state(self) -> dict[str, Any]:
        """Return what decides how it goes on, ready for JSON."""
        known = np.isfinite(self.values)  # JSON has no infinity
        return {
            "rows": self.rows.tolist(),
            "values": np.where(known, self.values, 0.0).tolist(),
            "known": known.tolist(),
            "settled": self.settled.tolist(),
            "counts": [self.stale, self.drawn],
            "luck": self._luck.tolist(),
            "champions": [row.tolist() for row in self._champions],
            "random": self.random.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.rows = np.reshape(state["rows"], (-1, len(self.feasible.low))).astype(
            float
        )
        self.values = np.where(state["known"], state["values"], -np.inf)
        self.settled = np.array(state["settled"], dtype=bool)
        self.stale, self.drawn = (int(k) for k in state["counts"])
        self._luck = np.array(state["luck"])
        self._champions = [np.array(row) for row in state["champions"]]
        self.random.bit_generator.state = state["random"]
