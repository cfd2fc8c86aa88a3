"""Two records side by side: the same graph and domain under other names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from deuterium.bound import Box, Domain
from deuterium.errors import InvalidInputError
from deuterium.graph.substitute import symbol_name
from deuterium.graph.variable import Variable, symbol

__all__ = ["Copies", "each_label"]


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
