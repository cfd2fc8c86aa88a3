"""Which inputs of a problem matter by finitely many values, and who is like whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.budget import check
from deuterium.domain.problem import Problem
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.finite_values.breakpoints import (
    breakpoints,
    representatives,
)
from deuterium.optimize.bounders.finite_values.finite_options import (
    FEWEST_FREE,
    MOST_ELEMENTS,
    MOST_FREE_ELEMENTS,
    MOST_PAIRS,
)
from deuterium.optimize.bounders.finite_values.interchangeable import Fingerprint
from deuterium.optimize.bounders.finite_values.quasi_convex import is_largest_at_ends


@dataclass
class SufficientValues:
    """What suffices.

    Attributes
    ----------
    values : dict from int to tuple of float
        By input, in rising order.
    reasons : dict from int to str
        Why they do.
    people : list of ndarray of shape (persons, inputs of each)
        Who may change places.
    """

    values: dict[int, tuple[float, ...]] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    people: list[Array] = field(default_factory=list)

    @property
    def in_order(self) -> list[Array]:
        """The inputs of people that are put in order: the first alone of free ones."""
        return [
            p if all(j in self.values for j in p.ravel().tolist()) else p[:, :1]
            for p in self.people
        ]

    def facts(self) -> dict[str, Any]:
        """Return it as a certificate tells it."""
        at = sorted(self.values)
        return {
            "at": at,
            "values": [list(self.values[j]) for j in at],
            "by": [self.reasons[j] for j in at],
            "people": [people.tolist() for people in self.people],
        }


def sufficient_values_of(problem: Problem) -> SufficientValues:
    """Return which inputs matter by finitely many values only; perhaps none.

    The objective must be defined throughout the domain.
    """
    found = SufficientValues()
    free = [s for s in problem.graph.symbols if _can_move(problem, s)]
    left = [s for s in free if not _at_ends(problem, s, found)]
    _together(problem, free, left, found)
    for s in left:
        if problem.slices[s.name].start not in found.values:
            _at_places(problem, s, found)
    found.people = _people(problem, found)
    return found


def _can_move(problem: Problem, s: Variable) -> bool:
    part = problem.slices[s.name]
    ends = problem.lower[part], problem.upper[part]
    return bool(problem.movable[part].all() and np.isfinite(ends).all() and s.size)


def _at_ends(problem: Problem, s: Variable, found: SufficientValues) -> bool:
    check()
    if not is_largest_at_ends(problem.graph, [s]):
        return False
    _enter(problem, s, found, "ends")
    return True


def _enter(problem: Problem, s: Variable, found: SufficientValues, reason: str) -> None:
    part = problem.slices[s.name]
    for j in range(part.start, part.stop):
        ends = {float(problem.lower[j]), float(problem.upper[j])}
        found.values[j], found.reasons[j] = tuple(sorted(ends)), reason


def _together(
    problem: Problem,
    free: list[Variable],
    left: list[Variable],
    found: SufficientValues,
) -> None:
    """Enter those left with the same two ends, and order alone between them."""
    groups: dict[tuple[float, float], list[Variable]] = {}
    for s in free:
        part = problem.slices[s.name]
        low, high = np.unique(problem.lower[part]), np.unique(problem.upper[part])
        if len(low) == len(high) == 1:
            groups.setdefault((float(low[0]), float(high[0])), []).append(s)
    for group in groups.values():
        check()
        if found.reasons and "together" in found.reasons.values():
            return  # one group; another would have to be told apart
        if not set(group) & set(left) or sum(s.size for s in group) < 2:
            continue
        if is_largest_at_ends(problem.graph, group, together=True):
            for s in group:
                _enter(problem, s, found, "together")


def _at_places(problem: Problem, s: Variable, found: SufficientValues) -> None:
    check()
    part = problem.slices[s.name]
    low, high = problem.lower[part], problem.upper[part]
    if not len(low):
        return
    places = breakpoints(problem.graph, s, float(low.min()), float(high.max()))
    if places is None:
        return
    inputs = range(part.start, part.stop)
    listed = [
        representatives(places, float(problem.lower[j]), float(problem.upper[j]))
        for j in inputs
    ]
    for j, values in zip(inputs, listed, strict=True):
        if values is not None:
            found.values[j], found.reasons[j] = tuple(values), "places"


# -- people --------------------------------------------------------------------------


def _people(problem: Problem, found: SufficientValues) -> list[Array]:
    """Return classes of inputs, or of rows of inputs, that may change places."""
    candidates = list(_candidates(problem, found))
    prints = Fingerprint(problem.graph) if candidates else None
    most = MOST_ELEMENTS if found.values else MOST_FREE_ELEMENTS
    if prints is None or prints.size > most:
        return []
    whole = {n: np.arange(p.start, p.stop) for n, p in problem.slices.items()}
    shapes = {s.name: s.shape for s in problem.symbols}
    plain = prints.of({n: x.reshape(shapes[n]) for n, x in whole.items()})

    def same(people: Array) -> bool:
        return all(
            prints.of(
                {
                    n: _put(x, people, people[turn]).reshape(shapes[n])
                    for n, x in whole.items()
                }
            )
            == plain
            for turn in _turns(len(people))
        )

    classes: list[Array] = []
    taken: set[int] = set()
    for people in candidates:
        known = set(people.ravel().tolist())
        if len(people) > 1 and not known & taken and same(people):
            classes.append(people)
            taken |= known
    return classes


def _turns(count: int) -> Iterator[list[int]]:
    """Give two changes of places that make every order."""
    yield [1, 0, *range(2, count)]
    if count > 2:
        yield [*range(1, count), 0]


def _put(x: Array, old: Array, new: Array) -> Array:
    """Return inputs with some replaced by others."""
    to = dict(zip(old.ravel().tolist(), new.ravel().tolist(), strict=True))
    return np.array([to.get(i, i) for i in x.tolist()], dtype=np.int64)


def _candidates(problem: Problem, found: SufficientValues) -> Iterator[Array]:
    """Give who may be alike: elements, rows of several symbols, single numbers."""
    symbols = [s for s in problem.graph.symbols if _can_move(problem, s)]
    arrays = [s for s in symbols if s.size > 1]
    for s in arrays:
        yield from _alike(np.array(_places(problem, s))[:, None], problem, found)
    for length in sorted({s.shape[0] for s in arrays}):
        rows = [
            np.array(_places(problem, s)).reshape(length, -1)
            for s in arrays
            if s.shape[0] == length
        ]
        people = np.concatenate(rows, axis=1)
        if people.shape[1] > 1:
            yield from _alike(people, problem, found)
    yield from _singles(problem, found, [s for s in symbols if s.size == 1])


def _singles(
    problem: Problem, found: SufficientValues, symbols: Sequence[Variable]
) -> Iterator[Array]:
    """Give all numbers with the same values, and else pairs of them."""
    groups: dict[Any, list[int]] = {}
    for s in sorted(symbols, key=lambda s: problem.slices[s.name].start):
        (j,) = _places(problem, s)
        groups.setdefault(_may_be(j, problem, found), []).append(j)
    for group in groups.values():
        yield from _alike(np.array(group)[:, None], problem, found)
    pairs = (pair for group in groups.values() for pair in combinations(group, 2))
    for pair in islice(pairs, MOST_PAIRS):
        yield from _alike(np.array(pair)[:, None], problem, found)


def _places(problem: Problem, s: Variable) -> range:
    part = problem.slices[s.name]
    return range(part.start, part.stop)


def _may_be(j: int, problem: Problem, found: SufficientValues) -> Any:
    """Return what an input may be: its values, or that all between its ends count."""
    return found.values.get(j, (None, problem.lower[j], problem.upper[j]))


def _alike(people: Array, problem: Problem, found: SufficientValues) -> Iterator[Array]:
    """Give people if they may be the same, and putting them in order is worth it."""
    free = any(j not in found.values for j in people.ravel().tolist())
    same = all(
        len({_may_be(int(j), problem, found) for j in column}) == 1
        for column in people.T
    )
    if same and (not free or len(people) >= FEWEST_FREE):
        yield people
