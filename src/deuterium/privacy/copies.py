"""Two records side by side: the same graph and domain under other names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from deuterium.bound import Box, Domain
from deuterium.bound.domain import Range
from deuterium.errors import InvalidInputError
from deuterium.graph.substitute import symbol_name
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable, symbol
from deuterium.ops.layout import reshape_to
from deuterium.ops.places import take_places

__all__ = ["Copies", "Group", "Pair", "each_label"]

Array = Any
Group = tuple[int, ...]  # places of features that change together


class Copies:
    """A domain and its double.

    Parameters
    ----------
    domain : Domain
        Of one record.
    symbols : iterable of Variable
        Those that occur.
    shared : sequence of Variable or str
        Symbols that both records have in common.

    Attributes
    ----------
    domain, doubled : Domain
        Of one record, and of two.
    second : dict from Variable to Variable
        The second record's symbols, named with a prime.
    """

    def __init__(
        self, domain: Domain, symbols: Iterable[Variable], shared: Sequence[Any] = ()
    ) -> None:
        if not isinstance(domain, Domain):
            raise InvalidInputError(
                "diameter: `domain` must be a deuterium.Box, Ball, Choice or OneHot "
                f"(or several joined with &), got {type(domain).__name__}"
            )
        common = {symbol_name(s) for s in shared}
        self.domain = domain
        taken = {s.name for s in symbols} | set(domain.constraints)
        self.second: dict[Variable, Variable] = {}
        constraints, shapes = dict(domain.constraints), dict(domain.shapes)
        for s in sorted(symbols, key=lambda s: s.name):
            if s.name in common or s.name not in domain.constraints:
                continue
            name = f"{s.name}'"
            while name in taken:
                name += "'"
            self.second[s] = symbol(name, shape=s.shape)
            constraints[name] = domain.constraints[s.name]
            if s.name in domain.shapes:
                shapes[name] = domain.shapes[s.name]
        self.doubled = Domain(constraints, shapes)

    def differences(self, parts: Sequence[Variable]) -> list[Variable]:
        """Return ``f(x) - f(x')``."""
        return [p - p.subs(self.second) for p in parts]


class Pair(Copies):
    """Two records that differ in some elements of one symbol."""

    def __init__(
        self, parts: list[Variable], x: Variable, where: Group, domain: Domain
    ) -> None:
        super().__init__(domain, [], ())
        self.what = f"{x.name}{list(where)}"
        taken = {s.name for s in free_symbols(parts)} | set(domain.constraints)
        name = f"{x.name}'"
        while name in taken:
            name += "'"
        hull = domain.hull(x)
        low, high = (np.ravel(e)[list(where)] for e in (hull.lower, hull.upper))
        moved = symbol(name, shape=(len(where),))
        places = np.arange(x.size)
        places[list(where)] = x.size + np.arange(len(where))
        both: Any = np.concatenate([reshape_to(x, (x.size,)), moved])
        second = take_places(both, places.reshape(x.shape))
        self.x, self.moved, self.low, self.high = x, moved, low, high
        self.where = list(where)
        self.doubled = Domain(
            {**domain.constraints, name: (Range(low, high),)},
            {**domain.shapes, name: moved.shape},
        )
        self.apart = [p - p.subs({x: second}) for p in parts]

    def ends(self, domain: Domain, seed: int) -> dict[str, Array] | None:
        """Return corners in which the feature goes from one end to the other."""
        rng, count = np.random.default_rng(seed), 256
        rows = {}
        for name in self.doubled.names:
            if name == self.moved.name:
                continue
            s = symbol(name, shape=domain.shapes.get(name, ()))
            if name not in domain.shapes:
                return None
            table, hull = domain.table(s), domain.hull(s)
            if table is not None:
                rows[name] = table[rng.integers(0, len(table), count)]
            else:
                side = rng.random((count, *s.shape)) < 0.5
                rows[name] = np.where(side, hull.lower, hull.upper)
        if not np.isfinite([self.low, self.high]).all():
            return None
        flat = rows[self.x.name].reshape(count, -1)
        flat[:, self.where] = self.low
        rows[self.moved.name] = np.tile(self.high, (count, 1))
        return rows if all(np.isfinite(r).all() for r in rows.values()) else None


def each_label(labels: Sequence[Variable], domain: Domain) -> list[Domain]:
    """Return a domain for each label there is, or one for all of them."""
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
