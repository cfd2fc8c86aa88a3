"""The bounder of problems of which finitely many values of some inputs matter."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.derivative import DerivativeBounder
from deuterium.optimize.bounders.domain_reducer import DomainReducer, tightening
from deuterium.optimize.bounders.finite_values.finite_options import OFFERED_POINTS
from deuterium.optimize.bounders.finite_values.sufficient_values import (
    SufficientValues,
    sufficient_values_of,
)
from deuterium.optimize.bounders.natural_interval import enclosed
from deuterium.optimize.region import BoundResult, DomainReduction, Regions


def finite_reduction_of(problem: Problem) -> FiniteReduction | None:
    """Return the bounder of a problem, or None where no input is of this kind."""
    defined = enclosed(problem, problem.lower[None], problem.upper[None])[0] < np.inf
    if not defined:
        return None
    found = sufficient_values_of(problem)
    return FiniteReduction(problem, found) if found.values or found.people else None


class FiniteReduction(DomainReducer):
    """Cuts inputs between their values, people in order.

    Parameters
    ----------
    problem : Problem
        What is maximised.
    finite : SufficientValues
        The values, and the people.
    """

    def __init__(self, problem: Problem, finite: SufficientValues) -> None:
        self.people = finite.in_order
        inner = DerivativeBounder(problem, self.people, list(finite.values))
        super().__init__(inner)
        self.problem, self.finite = problem, finite
        by_values: dict[tuple[float, ...], list[int]] = {}
        for j, values in finite.values.items():
            by_values.setdefault(values, []).append(j)
        self.groups = [
            (np.array(places), np.array(v)) for v, places in by_values.items()
        ]
        # a person's later inputs are compared where the earlier ones are known
        columns = [p[:, k] for p in self.people for k in range(p.shape[1])]
        self._rising = np.array([j for c in columns for j in c], dtype=int)
        self._falling = np.array([j for c in columns for j in c[::-1]], dtype=int)
        self.column = {
            int(j): people[:, k]
            for people in self.people
            for k in range(people.shape[1])
            for j in people[:, k]
        }

    def facts(self) -> dict[str, Any]:
        """Return which values suffice, and why."""
        return {**super().facts(), "finite": self.finite.facts()}

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Tighten the regions, bound them, and cut between values."""
        results = super().bound(regions, incumbent)
        results.cut, results.at = np.array(results.cut), np.array(results.at)
        for k in np.flatnonzero(results.cut >= 0).tolist():
            j = int(results.cut[k])
            if j in self.finite.values:
                self._cut(results, k, j)
        n = self.problem.size
        best = np.argsort(-results.upper, kind="stable")[:OFFERED_POINTS]
        corners = np.concatenate([results.low[best, :n], results.high[best, :n]])
        results.points = np.concatenate([results.points, corners])
        return results

    def _cut(self, results: BoundResult, k: int, j: int) -> None:
        """Cut a region at an input, or in the middle of those like it."""
        low, high = results.low[k], results.high[k]
        if j in self.column:
            column = self.column[j]
            free = column[low[column] < high[column]]
            j = int(free[len(free) // 2])
        values = np.array(self.finite.values[j])
        inside = values[(low[j] <= values) & (values <= high[j])]
        if len(inside) < 2:  # its end is no value: it is on a face of the domain's box
            return
        i = len(inside) // 2
        at = inside[i - 1] + 0.5 * (inside[i] - inside[i - 1])
        results.cut[k] = j
        results.at[k] = at if at < inside[i] else inside[i - 1]
        results.ends[k] = None

    def shrink(self, regions: Regions) -> tuple[list[list[DomainReduction]], Array]:
        """Shrink each region to the values in it, with people in order."""
        old = regions.low.copy(), regions.high.copy()
        for places, values in self.groups:
            _to_values(regions, places, values)
        steps: list[list[DomainReduction]] = [[] for _ in range(len(regions))]
        _tell(steps, regions, *old, np.arange(regions.low.shape[1]))
        for shift, order in ((_raised, self._rising), (_lowered, self._falling)):
            before = regions.low.copy(), regions.high.copy()
            for people in self.people:
                shift(regions, people)
            _tell(steps, regions, *before, order)
        empty: Array = np.any(regions.low > regions.high, axis=1)
        regions.low[empty], regions.high[empty] = old[0][empty], old[1][empty]
        return steps, empty


def _to_values(regions: Regions, places: Array, values: Array) -> None:
    """Tighten inputs with one list of values to those in each region."""
    low, high = regions.low[:, places], regions.high[:, places]
    first = np.where(
        regions.open[:, places],
        np.searchsorted(values, low, side="right"),
        np.searchsorted(values, low, side="left"),
    )
    last = np.searchsorted(values, high, side="right") - 1
    padded = np.append(values, [np.inf, -np.inf])  # none above, none below
    regions.low[:, places] = padded[np.minimum(first, len(values))]
    regions.high[:, places] = padded[last]
    regions.open[:, places] = False


def _alike(regions: Regions, people: Array, i: int, k: int) -> Array:
    """Return where persons i and i + 1 certainly agree in their first k inputs."""
    same = np.ones(len(regions), dtype=bool)
    for a, b in zip(people[i, :k], people[i + 1, :k], strict=True):
        low, high = regions.low, regions.high
        same &= (low[:, a] == high[:, a]) & (low[:, b] == high[:, b])
        same &= low[:, a] == low[:, b]
    return same


def _raised(regions: Regions, people: Array) -> None:
    """Raise each input to at least that of the person before."""
    low = regions.low
    for k in range(people.shape[1]):
        for i in range(len(people) - 1):
            a, b = people[i, k], people[i + 1, k]
            where = _alike(regions, people, i, k) & (low[:, b] < low[:, a])
            low[where, b] = low[where, a]


def _lowered(regions: Regions, people: Array) -> None:
    """Lower each input to at most that of the person after."""
    high = regions.high
    for k in range(people.shape[1]):
        for i in reversed(range(len(people) - 1)):
            a, b = people[i, k], people[i + 1, k]
            where = _alike(regions, people, i, k) & (high[:, a] > high[:, b])
            high[where, a] = high[where, b]


def _tell(
    steps: list[list[DomainReduction]],
    regions: Regions,
    low: Array,
    high: Array,
    order: Array,
) -> None:
    """Write down what became tighter, in the order in which it did."""
    moved = ((regions.low != low) | (regions.high != high))[:, order]
    for i in np.flatnonzero(moved.any(axis=1)).tolist():
        at = order[moved[i]]
        steps[i].append(tightening(at, regions.low[i, at], regions.high[i, at]))
