"""How far a quotient of sums over people moves: problems of few inputs.

The people who stay become two kinds (`two_kinds`).  Where each has a y, too, there are
two cases.  Each kind has another end of its range.  Or all have one y: then only mean
and spread of their x count, so that halves of them may be at ``c - s`` and ``c + s``,
with no asking whether these lie in the range.

Where the result stays what it is as all x move together, all are told from the second
kind's x, or from c, which is 0.  Where numerators and denominators keep their sizes as
all x change sign, too, the first kind's x is not below it: else change all signs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.constraints import Range
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box, Where
from deuterium.graph.constructors import symbol
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import next_up
from deuterium.ops.indexing import take_places
from deuterium.privacy.sensitivity.neighbours import Neighbours
from deuterium.privacy.sensitivity.two_kinds import KindsOfPeople
from deuterium.transform.expansion import (
    as_quotient,
    difference,
    is_polynomial,
    quotient_difference,
)

__all__ = ["KindsCase", "kinds_cases"]

MOST_PARTS = 4  # numbers of a result, each of which is a quotient in the graph
MEAN, SPREAD, LEVEL = symbol("mean of x"), symbol("spread of x"), symbol("y of all")
Ends = tuple[float, float]
Parts = Sequence[Variable]


@dataclass(frozen=True)
class KindsCase:
    """People of two kinds who are apart in y, or all alike.

    Attributes
    ----------
    values : list of Variable
        The result.
    bounds : dict from Variable to (float, float)
        Of the kinds.
    kinds : KindsOfPeople
    origin : Variable
        From which all x may be told.
    ends : list of (float, float)
        The ranges of x and y.
    """

    values: list[Variable]
    bounds: dict[Variable, Ends]
    kinds: KindsOfPeople
    origin: Variable
    ends: list[Ends]

    @property
    def alike(self) -> bool:
        """Whether all have one y."""
        return self.origin is MEAN

    def problem(self, neighbours: Neighbours) -> tuple[list[Variable], Domain]:
        """Return the difference of each part of the result, and where it is taken."""
        (low, high), other = self.ends[0], neighbours.second
        values, bounds, conditions = self.values, dict(self.bounds), []
        moves = self.moves(neighbours)
        if moves is not None:
            values = [v.subs({self.origin: 0}) for v in values]
            wide = _less(high, low)
            p, both = self.kinds.first[0], (moves, other[moves])
            pairs = [both, both[::-1]]
            bounds |= dict.fromkeys(both, (-wide, wide))
            if not self.alike:
                even = _is_even(values, (p, moves))
                bounds[p] = (0.0 if even else -wide, wide)
                pairs += [(p, s) for s in both]
                pairs += [] if even else [(s, p) for s in both]
            conditions = [s - t <= wide for s, t in pairs]
        apart = [quotient_difference(v, other) for v in values]
        used = {s.name for s in free_symbols([*apart, *conditions])}
        box = Box({s: e for s, e in bounds.items() if s.name in used})
        rest = used - set(box.names)
        whole = box & neighbours.doubled.restricted(rest) if rest else box
        return apart, whole & Where(*conditions) if conditions else whole

    def moves(self, neighbours: Neighbours) -> Variable | None:
        """Return the record's symbol with which x moves together, nothing changing."""
        xs = [MEAN] if self.alike else [self.kinds.first[0], self.kinds.second[0]]
        sides, by = _sides(self.values), symbol("moved by")
        for s in neighbours.second:
            told = neighbours.domain.constraints[s.name]
            if s.shape or len(told) != 1 or not isinstance(told[0], Range):
                continue
            if (float(told[0].lower), float(told[0].upper)) != self.ends[0]:
                continue
            change = {k: k + by for k in (*xs, s)}
            if all(_are_same(v.subs(change), v) for v in sides):
                return s
        return None

    def people(
        self, point: Mapping[str, Any], neighbours: Neighbours
    ) -> dict[str, Array]:
        """Return people who are nearly of these kinds, and both records."""
        kinds, (low, high) = self.kinds, self.ends[0]

        def at(s: Variable, otherwise: float = 0.0) -> float:
            return float(point.get(s.name, otherwise))

        share = 0.5 if self.alike else at(kinds.share)
        far = at(SPREAD)
        xs = [at(MEAN) + far, at(MEAN) - far]
        if not self.alike:
            xs = [at(kinds.first[0]), at(kinds.second[0])]
        known = neighbours.doubled.names
        found = {n: np.asarray(x) for n, x in point.items() if n in known}
        moves = self.moves(neighbours)
        if moves is not None:
            own = [moves, neighbours.second[moves]]
            start = low - min(*xs, *(at(s) for s in own))
            xs = [x + start for x in xs]
            found |= {s.name: np.clip(at(s) + start, low, high) for s in own}
        first = np.arange(kinds.count) < round(share * kinds.count)
        found[kinds.people[0].name] = np.clip(np.where(first, *xs), low, high)
        for y, ends in zip(kinds.people[1:], self.ends[1:], strict=True):
            level = at(LEVEL, ends[0])
            ys = (level, level) if self.alike else ends[::-1]
            found[y.name] = np.where(first, *ys)
        return found


def kinds_cases(parts: Parts, neighbours: Neighbours) -> list[KindsCase]:
    """Return the cases of a result; none where people do not become two kinds."""
    domain = neighbours.domain
    used = {s.name: s for s in free_symbols(parts)}
    people = [used[name] for name in neighbours.shared if name in used]
    ends = [e for s in people if (e := _ends(domain, s)) is not None]
    sizes = {s.size for s in people}
    fit = len(ends) == len(people) in (1, 2) and len(sizes) == 1 and min(sizes) > 1
    if domain.conditions or not fit or sum(p.size for p in parts) > MOST_PARTS:
        return []
    listed = [
        take_places(p.reshape((p.size,)), np.array(i)) if p.shape else p
        for p in parts
        for i in range(p.size)
    ]
    taken = [*neighbours.doubled.names, *(s.name for s in (MEAN, SPREAD, LEVEL))]
    for order in permutations(range(len(people))):
        x, *y = (people[i] for i in order)
        kinds = KindsOfPeople(x, y[0] if y else None, taken)
        values = [v for v in map(kinds.of, listed) if v is not None]
        if len(values) < len(listed):
            continue
        if all(as_quotient(v)[1] is None for v in values):
            return []  # sums alone cancel without it
        if not all(map(is_polynomial, _sides(values))):
            return []  # what cancels must have a value
        return _cases(values, kinds, [ends[i] for i in order])
    return []


def _ends(domain: Domain, s: Variable) -> Ends | None:
    """Return the ends of all elements, if they may be anything between."""
    told = domain.constraints.get(s.name, ())
    if s.ndim != 1 or len(told) != 1 or not isinstance(told[0], Range):
        return None
    ends = np.unique(told[0].lower), np.unique(told[0].upper)
    if any(len(e) != 1 or not np.isfinite(e).all() for e in ends):
        return None
    return float(ends[0][0]), float(ends[1][0])


def _cases(
    values: list[Variable], kinds: KindsOfPeople, ends: list[Ends]
) -> list[KindsCase]:
    (p, *y_one), (q, *y_two) = kinds.first, kinds.second
    bounds = {kinds.share: (0.0, 1.0), p: ends[0], q: ends[0]}
    if not y_one:
        return [KindsCase(values, bounds, kinds, q, ends)]
    low, high = ends[1]
    apart = [v.subs({y_one[0]: high, y_two[0]: low}) for v in values]
    halves = {kinds.share: 0.5, p: MEAN + SPREAD, q: MEAN - SPREAD}
    alike = [v.subs({**halves, y_one[0]: LEVEL, y_two[0]: LEVEL}) for v in values]
    half = (0.0, _less(ends[0][1], ends[0][0]) / 2)
    of_all = {MEAN: ends[0], SPREAD: half, LEVEL: ends[1]}
    return [
        KindsCase(alike, of_all, kinds, MEAN, ends),
        KindsCase(apart, bounds, kinds, q, ends),
    ]


def _is_even(values: Parts, moved: Sequence[Variable]) -> bool:
    """Return whether all sides keep their size as some symbols change their sign."""
    change = {s: -s for s in moved}
    turned = [(v.subs(change), v) for v in _sides(values)]
    return all(_are_same(w, v) or _are_same(w, -v) for w, v in turned)


def _sides(values: Parts) -> list[Variable]:
    return [side for v in values for side in as_quotient(v) if side is not None]


def _are_same(v: Variable, w: Variable) -> bool:
    apart = difference(v, w)
    return apart.is_constant and not np.any(apart.value)


def _less(a: float, b: float) -> float:
    """Return a difference, rounded up where it is not exact."""
    return a - b if b == 0 else float(next_up(a - b))
