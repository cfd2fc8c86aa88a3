"""Points that are followed together, each replaced by a child that is better.

Since a child competes with its own parent only, many hills are climbed side by side.
When they have all become one, or bring nothing for a while, the best is set aside as a
champion and the population drawn anew, every third time with the champions in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.bound.ascent.climb import climb
from deuterium.bound.ascent.inner import kinks
from deuterium.bound.ascent.offspring import offspring
from deuterium.bound.ascent.polish import SMALL, newton
from deuterium.bound.ascent.slide import slide
from deuterium.bound.ascent.target import Target

Array = Any

POOL = 16  # points drawn for every one that is followed
STEPS = 60  # of a first climb
CHILD = 30  # steps of a child's climb
NEWTON = 8  # steps, where there are few inputs
SLIDE = 6  # steps along kinks
SLID = 2**9  # inputs, in all rows that slide
OFTEN = 0.2  # of the generations slide, where every slide gains
HOPE = 0.05  # and where none does, as if so many did
STALE = 15  # generations that bring nothing much
MUCH = 1e-3  # relative, summed over the population
ALIKE = 1e-7  # relative: values that close are one hill
GAIN = 1e-6  # relative: less is none
CHAMPIONS = 8


class Population:
    """Rows that are followed, and their values.

    Attributes
    ----------
    rows, values : ndarray
        The points and their values, in no order.
    stale : int
        How many generations in a row brought nothing much.
    """

    def __init__(self, target: Target, size: int, random: np.random.Generator) -> None:
        self.target, self.size, self.random = target, size, random
        self.place = target.place
        self.rows = np.empty((0, len(self.place.low)))
        self.values = np.empty(0)
        self.stale, self.drawn = 0, 0
        self._champions: list[Array] = []
        self._kinks = kinks(target)
        self._luck = 1.0  # share of slides that gained

    def draw(self, more: Array | None = None) -> None:
        """Begin anew, from random points and the given ones."""
        rows = self.place.random(POOL * self.size, self.random)
        if more is not None:
            rows = np.concatenate([more, rows])
        values = self.target.values(rows)
        order = np.argsort(-values, kind="stable")[: self.size]
        self.rows, self.values = self.climbed(rows[order], STEPS)
        self.stale, self.drawn = 0, self.drawn + 1

    def climbed(self, rows: Array, steps: int) -> tuple[Array, Array]:
        """Return rows uphill of the given ones, and their values."""
        rows, values = climb(self.target, rows, steps)
        if rows.shape[1] <= SMALL:
            rows, values = newton(self.target, rows, values, NEWTON)
        return self._slid(rows, values)

    def _slid(self, rows: Array, values: Array) -> tuple[Array, Array]:
        """Let the best rows slide along kinks, for as long as that tends to gain."""
        if (
            not self._kinks.count
            or self.random.random() > max(self._luck, HOPE) * OFTEN
        ):
            return rows, values
        few = max(2, SLID // max(1, rows.shape[1]))
        best = np.argsort(-values, kind="stable")[:few]
        moved, found = slide(self.target, self._kinks, rows[best], values[best], SLIDE)
        gained = found > values[best] + GAIN * np.abs(values[best])
        self._luck = 0.8 * self._luck + 0.2 * float(np.mean(gained))
        rows, values = rows.copy(), values.copy()
        rows[best], values[best] = moved, found
        return rows, values

    def generation(self) -> None:
        """Let every point have a child, or begin anew where that has become useless."""
        if not len(self.rows):
            self.draw()
        elif self.exhausted:
            self._begin_again()
        else:
            children = offspring(self.place, self.rows, self.values, self.random)
            self.replace(*self.climbed(children, CHILD))

    @property
    def exhausted(self) -> bool:
        """Whether all points have come to one value, or nothing was gained for long."""
        low, high = self.values.min(), self.values.max()
        alike = np.isfinite(low) and low >= high - ALIKE * abs(high)
        return bool(alike) or self.stale > STALE

    def replace(self, rows: Array, values: Array) -> None:
        """Put children in their parents' places where they are better."""
        better = values > self.values
        scale = np.maximum(np.abs(self.values), 1e-300)
        gains = np.where(better, (values - self.values) / scale, 0.0)
        gain = np.minimum(np.nan_to_num(gains, posinf=1.0), 1.0).sum()
        self.rows[better], self.values[better] = rows[better], values[better]
        self.stale = 0 if gain > MUCH else self.stale + 1

    def admit(self, rows: Array, values: Array) -> None:
        """Put some points in the place of the worst, where they are better."""
        for row, value in zip(rows, values, strict=True):
            worst = int(np.argmin(self.values)) if len(self.values) else -1
            if worst >= 0 and value > self.values[worst] and value not in self.values:
                self.rows[worst], self.values[worst] = row, value

    def state(self) -> dict[str, Any]:
        """Return what decides how it goes on, ready for JSON."""
        known = np.isfinite(self.values)  # JSON has no infinity
        return {
            "rows": self.rows.tolist(),
            "values": np.where(known, self.values, 0.0).tolist(),
            "known": known.tolist(),
            "counts": [self.stale, self.drawn],
            "luck": self._luck,
            "champions": [row.tolist() for row in self._champions],
            "random": self.random.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.rows = np.reshape(state["rows"], (-1, len(self.place.low))).astype(float)
        self.values = np.where(state["known"], state["values"], -np.inf)
        self.stale, self.drawn = (int(k) for k in state["counts"])
        self._luck = float(state["luck"])
        self._champions = [np.array(row) for row in state["champions"]]
        self.random.bit_generator.state = state["random"]

    def _begin_again(self) -> None:
        champion = self.rows[int(np.argmax(self.values))].copy()
        self._champions = [champion, *self._champions][:CHAMPIONS]
        meet = self.drawn % 3 == 2 and len(self._champions) > 1
        self.draw(np.array(self._champions) if meet else None)
        if meet:
            self._champions = []
