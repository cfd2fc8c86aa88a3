"""Neighbours by replacing: two records side by side, or two that differ in one feature.

The second record is the same graph over the same domain, under other names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.constraints import OneOf, Range, UnitVectors, Within
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose import enclose
from deuterium.errors import (
    InvalidInputError,
    ShapeError,
    UnsupportedError,
    did_you_mean,
)
from deuterium.graph.constructors import symbol
from deuterium.graph.substitute import symbol_name
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.ops.indexing import take_places
from deuterium.ops.shapes import reshape_to
from deuterium.transform.expansion import difference, moving_part

__all__ = ["FeatureGroup", "FeatureNeighbours", "Neighbours", "each_label", "own_parts"]
Point = Mapping[str, Array]
FeatureGroup = tuple[int, ...]  # places of features that change together


class Neighbours:
    """A domain and its double.

    Parameters
    ----------
    domain : Domain
        Of one record.
    symbols : iterable of Variable
        Those that occur; what conditions are on occurs, too.
    shared : sequence of Variable or str
        Symbols that both records have in common.

    Attributes
    ----------
    domain, doubled : Domain
        Of one record, and of two.
    second : dict from Variable to Variable
        The second record's symbols, named with a prime.
    shared : list of str
        Names of those in common.
    """

    def __init__(
        self, domain: Domain, symbols: Iterable[Variable], shared: Sequence[Any] = ()
    ) -> None:
        both = {s.name: s for s in (*free_symbols(domain.conditions), *symbols)}
        listed = [both[name] for name in sorted(both)]
        common = _common(shared, {s.name for s in listed} | set(domain.constraints))
        # with shapes, since what cancels is in no graph any more
        shapes = {**domain.shapes, **{s.name: s.shape for s in listed}}
        self.domain = Domain(domain.constraints, shapes, domain.conditions)
        self.shared = sorted(common)
        taken = {s.name for s in listed} | set(domain.constraints)
        self.second: dict[Variable, Variable] = {}
        constraints = dict(domain.constraints)
        for s in listed:
            if s.name in common or s.name not in domain.constraints:
                continue
            name = primed(s.name, taken)
            self.second[s] = symbol(name, shape=s.shape)
            constraints[name] = domain.constraints[s.name]
            shapes[name] = s.shape
        conditions = domain.conditions
        conditions += tuple(c.subs(self.second) for c in conditions)
        self.doubled = Domain(constraints, shapes, conditions)
        self.symbols = [s for s in listed if s.name in domain.constraints]

    @property
    def scope(self) -> str | None:
        """What may not differ, in words; None where everything may."""
        same = ", ".join(self.shared)
        return f"{same} stay as they are" if same else None

    def differences(self, parts: Sequence[Variable]) -> list[Variable]:
        """Return ``f(x) - f(x')``, without what both have in common."""
        if not self.shared:
            return [p - p.subs(self.second) for p in parts]
        return [apart(p, p.subs(self.second), self.doubled) for p in parts]

    def records(self, point: Point) -> Iterator[dict[str, Array]]:
        """Give pairs of records in the domain, all symbols of both, for a point."""
        every = [*self.symbols, *self.second.values()]
        yield {s.name: point.get(s.name, self._any(s)) for s in every}

    def _any(self, s: Variable) -> Array:
        """Return a value of a symbol."""
        whole = self.domain if s.name in self.domain.constraints else self.doubled
        table = whole.table(s)
        if table is not None:
            return table[0]
        hull = whole.hull(s)
        return np.clip(np.zeros(s.shape), hull.lower, hull.upper)


class FeatureNeighbours(Neighbours):
    """Two records that differ in some elements of one symbol.

    ``doubled`` holds every such pair, both records in the domain.  Where a domain is no
    product of ranges it may hold more, which an upper bound need not mind; `records`
    gives pairs in which both certainly are in the domain.

    Attributes
    ----------
    first, second_x : Variable
        The first and the second record, made from the symbols of ``doubled``.
    apart : list of Variable
        The difference of the results.
    """

    def __init__(
        self, parts: list[Variable], x: Variable, where: FeatureGroup, domain: Domain
    ) -> None:
        used = sorted(free_symbols(parts), key=lambda s: s.name)
        shapes = {**domain.shapes, **{s.name: s.shape for s in used}}
        super().__init__(Domain(domain.constraints, shapes, domain.conditions), [], ())
        self.x, self.where = x, list(where)
        self.name = primed(x.name, {s.name for s in used} | set(domain.constraints))
        self.others = [s for s in used if s.name != x.name]
        self.limits: tuple[Array, Array] | None = None
        self.still = False  # nothing can move
        kinds = domain.constraints[x.name]
        balls = [c for c in kinds if isinstance(c, Within) and c.order == 2]
        if any(isinstance(c, OneOf | UnitVectors) for c in kinds):
            self._listed()
        elif len(balls) == 1 and len(where) == 1:
            self._inward(balls[0])
        else:
            self._free()
        self.plain = all(isinstance(c, Range) for c in kinds)
        both = ({x: self.first}, {x: self.second_x})
        pairs = [(p.subs(both[0]), p.subs(both[1])) for p in parts]
        # elsewhere points are drawn into the domain by what the difference still has
        self.apart = [
            apart(p, q, self.doubled) if self.plain else p - q for p, q in pairs
        ]

    def _free(self) -> None:
        """Let the second values lie anywhere in their ranges."""
        hull = self.domain.hull(self.x)
        low, high = (np.ravel(e)[self.where] for e in (hull.lower, hull.upper))
        self.moved = symbol(self.name, shape=(len(self.where),))
        self.first, self.second_x = self.x, self._replaced(self.moved)
        self.limits = low, high
        self._double(Range(low, high), *self._balls())

    def _inward(self, ball: Within) -> None:
        """Let the second value be nearer the centre: then it is in the ball, too.

        Of two records, the one farther from the centre may be called the first.
        """
        (j,) = self.where
        centre = float(np.broadcast_to(ball.center, self.x.shape).reshape(-1)[j])
        self.moved = symbol(self.name, shape=(1,))
        own: Any = reshape_to(self.x, (self.x.size,))[j : j + 1]
        near = self.moved * (own - centre) + centre
        self.first, self.second_x = self.x, self._replaced(near)
        self.limits = np.full(1, 1.0), np.full(1, -1.0)
        self._double(Range(np.full(1, -1.0), np.full(1, 1.0)))

    def _listed(self) -> None:
        """List all pairs of values that differ in nothing but these elements."""
        table = self.domain.table(self.x)
        if table is None:
            raise UnsupportedError(
                f"feature_sensitivity: {self.x.name!r} has too many values to list; "
                "bound the diameter instead"
            )
        flat = table.reshape(len(table), -1)
        rest = np.delete(flat, self.where, axis=1)
        same = (rest[:, None] == rest[None]).all(axis=2)
        rows, others = np.nonzero(np.triu(same, 1))
        self.still = not len(rows)
        if self.still:
            rows, others = np.zeros(1, int), np.zeros(1, int)
        pairs = np.stack([flat[rows], flat[others]], axis=1)
        self.moved = symbol(self.name, shape=(2, self.x.size))
        self.first, self.second_x = (
            reshape_to(self.moved[i], self.x.shape) for i in (0, 1)
        )
        self._double(OneOf(tuple(pairs)), gone=frozenset({self.x.name}))

    def _balls(self) -> Iterator[Within]:
        """Give the balls around the second values alone."""
        for c in self.domain.constraints[self.x.name]:
            if isinstance(c, Within):
                center = np.broadcast_to(c.center, self.x.shape).ravel()[self.where]
                yield Within(center, c.radius, c.order)

    def _double(self, *second: Any, gone: frozenset[str] = frozenset()) -> None:
        kept = {n: c for n, c in self.domain.constraints.items() if n not in gone}
        shapes = {n: s for n, s in self.domain.shapes.items() if n not in gone}
        self.doubled = Domain(
            {**kept, self.name: second}, {**shapes, self.name: self.moved.shape}
        )

    def _replaced(self, moved: Any) -> Variable:
        x, places = self.x, np.arange(self.x.size)
        places[self.where] = x.size + np.arange(len(self.where))
        both: Any = np.concatenate([reshape_to(x, (x.size,)), moved])
        return take_places(both, places.reshape(x.shape))

    # -- points ------------------------------------------------------------------------

    def records(self, point: Point) -> Iterator[dict[str, Array]]:
        """Give pairs of records in the domain, all symbols of both, for a point.

        The second record is named with a prime, and complete.
        """
        known = {s: point.get(s.name, self._any(s)) for s in (self.x, self.moved)}
        first, second = (
            np.asarray(v.evaluate({s: known[s] for s in free_symbols([v])}))
            for v in (self.first, self.second_x)
        )
        rest = {s.name: point.get(s.name, self._any(s)) for s in self.others}
        pairs = [(first, second)] if self.plain else self._inside(first, second)
        for a, b in pairs:
            if self.domain.contains(self.x, a) and self.domain.contains(self.x, b):
                yield {**rest, self.x.name: a, self.name: b}

    def _inside(self, a: Array, b: Array) -> Iterator[tuple[Array, Array]]:
        """Give a pair, and the same drawn towards the centre until it is in a ball."""
        yield a, b
        balls = [c for c in self.domain.constraints[self.x.name] if type(c) is Within]
        for ball in balls[:1]:
            c = np.broadcast_to(ball.center, self.x.shape)
            for factors in self._factors(ball, a - c, b - c):
                yield c + factors * (a - c), c + factors * (b - c)

    def _factors(self, ball: Within, a: Array, b: Array) -> Iterator[Array]:
        """Give ways to shorten two vectors until neither is longer than a radius."""
        near = 1 - 1e-12
        if ball.order != 2:
            yield np.full(self.x.shape, near)
            return
        a, b = (v / max(ball.radius, 1e-300) for v in (a, b))  # squares are doubles
        most = max(np.linalg.norm(v.ravel()[self.where]) for v in (a, b))
        rest = np.linalg.norm(np.delete(a.ravel(), self.where))
        for share in np.append(np.linspace(0.3, 0.9, 7), 1.0):
            size = min(share * near, most)
            left = np.sqrt(max(near - size**2, 0.0))
            factors = np.full(self.x.size, min(1.0, left / max(rest, 1e-300)))
            factors[self.where] = size / max(most, 1e-300)
            yield factors.reshape(self.x.shape)

    def ends(self, domain: Domain, seed: int) -> dict[str, Array] | None:
        """Return corners in which the feature goes from one end to the other.

        By name: (corners, *shape of the symbol); None where there are none.
        """
        if self.limits is None:
            return None
        low, high = self.limits
        rng, count = np.random.default_rng(seed), 256
        rows = {}
        for name in self.doubled.names:
            if name == self.moved.name:
                continue
            s = symbol(name, shape=domain.shapes.get(name, ()))
            if name not in domain.shapes:
                return None
            table, hull = domain.table(s), domain.hull(s)
            if hull.shape != s.shape:
                raise ShapeError(
                    f"bounds of {name!r} have batch axes {hull.shape}; take one box at "
                    "a time"
                )
            if table is not None:
                rows[name] = table[rng.integers(0, len(table), count)]
            else:
                side = rng.random((count, *s.shape)) < 0.5
                rows[name] = np.where(side, hull.lower, hull.upper)
        if not np.isfinite([low, high]).all():
            return None
        hull = domain.hull(self.x)
        flat = rows[self.x.name].reshape(count, -1)
        flat[:, self.where] = np.ravel(hull.lower)[self.where]
        rows[self.moved.name] = np.tile(high, (count, 1))
        return rows if all(np.isfinite(r).all() for r in rows.values()) else None


def own_parts(parts: Sequence[Variable], neighbours: Neighbours) -> list[Variable]:
    """Return results without the terms in which only shared symbols are.

    They differ from the results by what both records have in common.
    """
    domain, common = neighbours.domain, set(neighbours.shared)
    if not common or not all(_is_defined(p, domain) for p in parts):
        return list(parts)
    own = {s.name for s in free_symbols(parts)} - common
    return [moving_part(p, own) for p in parts]


def _is_defined(v: Variable, domain: Domain) -> bool:
    cause = enclose(v, domain.plain).cause
    return cause is None or cause.kind != "undefined"


def apart(p: Variable, q: Variable, domain: Domain) -> Variable:
    """Return the difference of two results, without what both have in common.

    What cancels must have a value: where a result may be undefined nothing is left out.
    """
    if not (_is_defined(p, domain) and _is_defined(q, domain)):
        return p - q
    return difference(p, q)


def primed(name: str, taken: set[str]) -> str:
    """Return the name of a second record's symbol, which nothing else has."""
    name = f"{name}'"
    while name in taken:
        name += "'"
    return name


def _common(shared: Any, known: set[str]) -> set[str]:
    if isinstance(shared, Variable | str) or not isinstance(shared, Iterable):
        raise InvalidInputError(
            f"diameter: `shared` must be a list of symbols or names, got {shared!r:.80}"
        )
    names = {symbol_name(s) for s in shared}
    for name in sorted(names - known):
        raise InvalidInputError(
            f"diameter: `shared` names {name!r}, which is no symbol of the result or "
            f"the domain.{did_you_mean(name, sorted(known))}"
        )
    return names


def each_label(labels: Sequence[Variable], domain: Domain) -> list[Domain]:
    """Return a domain for each label there is, or one for all of them.

    Parameters
    ----------
    labels : sequence of Variable
        Symbols, of any shape.
    domain : Domain
        Where they lie.  More than 16 combinations are taken as one box.
    """
    found = [Domain({}, {})]
    for s in labels:
        table = domain.table(s)
        if table is None or len(table) * len(found) > 16:
            hull = domain.hull(s)
            parts = [Box({s.name: (hull.lower, hull.upper)})]
        else:
            parts = [Box({s.name: (row, row)}) for row in table]
        found = [a & b for a in found for b in parts]
    return found
