"""A bound that holds for all weights near those for which it was worked out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deuterium.array_type import Array
from deuterium.privacy.training.step_solver import StepSolver
from deuterium.privacy.training.training_options import (
    AGAIN_BY,
    FASTEST_CHANGE,
    FIRST_RADIUS,
    GROWN,
    LATEST_CALL,
    LEAST_GAIN,
    LONGEST_REACH,
    MOST_STALE,
    SHORTEST_REACH,
    SLOWEST_CHANGE,
    STALE,
    TOO_MUCH_WORSE,
    UNCHANGED,
    WORSE_BY_REACH,
)

__all__ = ["KnownStep", "NearBound"]


class NearBound:
    """A bound for weights of which each is no further from its place than a radius.

    The logarithm is convex in the share of the radii that the weights have moved by.

    Parameters
    ----------
    weights : mapping from str to ndarray
    radii : mapping from str to float
    least, most : float
        The bounds at these weights, and at all within the radii.
    """

    def __init__(
        self,
        weights: Mapping[str, Array],
        radii: Mapping[str, float],
        least: float,
        most: float,
    ) -> None:
        self._places = [
            (n, np.array(w), GROWN / radii[n]) for n, w in weights.items() if w.size
        ]
        self.least, self.calls = least, 1
        finite = least < math.inf and most < math.inf  # NaN fails, too
        self.loss = max(math.log(most / least), UNCHANGED) if finite else math.inf
        self.farthest = min(1.0, WORSE_BY_REACH / self.loss)

    def bound(self, weights: Mapping[str, Array]) -> float | None:
        """Return the bound at other weights, or None where they are too far."""
        share, self.calls = 0.0, self.calls + 1
        for n, w, by in self._places:
            share = max(share, float(np.abs(weights[n] - w).max()) * by)
        if not share <= self.farthest:
            return None
        return self.least * math.exp(share * self.loss) * GROWN if share else self.least

    def steps(self, weights: Mapping[str, Array]) -> dict[str, float]:
        """Return about how far each array of weights moves in a call, at random."""
        root = math.sqrt(self.calls)
        return {
            n: float(np.abs(weights[n] - w).max()) / root for n, w, _ in self._places
        }


@dataclass
class KnownStep:
    """What one kind of bound has found out.

    Attributes
    ----------
    solver : StepSolver
        With the multipliers.
    near : NearBound or None
    age, due : int
        Calls since the multipliers were improved, and after which they will be.
    stale : float
        A share: where the bound has changed by it, they are improved, too.
    last : float
        The bound that was kept then.
    reach : float
        Radii in units of what the weights move by in a call.
    """

    solver: StepSolver
    near: NearBound | None = None
    age: int = 0
    due: int = 1
    stale: float = STALE
    last: float = math.inf
    reach: float = 4.0

    def is_due(self, found: float) -> bool:
        """Whether multipliers are to be improved, given the bound with these."""
        return self.age >= self.due or not abs(found / self.last - 1) <= self.stale

    def improved(self, before: float, found: float) -> None:
        """Say what a bound was before multipliers were improved, and after it."""
        by = SLOWEST_CHANGE if found < (1 - LEAST_GAIN) * before else FASTEST_CHANGE
        self.due = min(max(int(by * self.due), 1), LATEST_CALL)
        self.stale = min(max(by * self.stale, STALE), MOST_STALE)
        self.last, self.age = found, 0

    def is_too_far(self, near: NearBound) -> bool:
        """Whether radii were too large, and have been made smaller for it."""
        if self.reach < 1 or near.loss <= TOO_MUCH_WORSE:
            return False
        self.reach = SHORTEST_REACH
        return True

    def radii(self, weights: Mapping[str, Array]) -> dict[str, float]:
        """Return how far weights may move, so that the bound is kept for some calls."""
        size = max(float(np.abs(w).max(initial=0.0)) for w in weights.values())
        least = FIRST_RADIUS * (size or 1.0)
        if self.near is None or self.reach < 1:
            return dict.fromkeys(weights, least)
        steps = self.near.steps(weights)
        return {n: max(self.reach * steps.get(n, 0.0), least) for n in weights}

    def keep(self, near: NearBound) -> None:
        """Keep a bound, and set the reach for the next."""
        by = (
            min(max(WORSE_BY_REACH / near.loss, SLOWEST_CHANGE), FASTEST_CHANGE)
            if self.reach >= 1
            else AGAIN_BY
        )
        self.near, self.reach = (
            near,
            min(max(self.reach * by, SHORTEST_REACH), LONGEST_REACH),
        )
