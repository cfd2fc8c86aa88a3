"""One maximisation, made ready: the simplified graph and its inputs laid out flat.

A bounder sees the inputs as one row of numbers, the elements of all symbols one after
the other (by name, then in C order); `Problem` goes between rows and symbols.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.constraints import OneOf, UnitVectors, Within
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.errors import InvalidInputError, ShapeError, UnsupportedError
from deuterium.evaluate.inputs import require_all, require_known
from deuterium.graph.constructors import as_variable
from deuterium.graph.substitute import substitute
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.transform.pipeline import dense_over, objective_of


class Problem:
    """The supremum of a scalar graph over a domain.

    Parameters
    ----------
    v : Variable
        A scalar; its supremum is sought, or its infimum.
    domain : Domain
        Bounds for every symbol of ``v``, without batch axes.
    maximize : bool
        False seeks the infimum of ``v``, as minus the supremum of ``-v``.
    caller : str, optional
        The function whose arguments these are, for messages.
    counting : Domain, optional
        A part of the domain that holds all points that count, as of those where
        conditions hold.
    asked : tuple of Variable and Domain, optional
        What the caller asked for, where conditions or poles have become part of ``v``.

    Attributes
    ----------
    given : Variable
        The graph whose supremum is sought: ``v``.
    asked : tuple of Variable and Domain
        The graph as the caller wrote it, and its domain, with its conditions.
    sought : Variable
        ``v`` or ``-v``, whose supremum is sought.
    order : list of Variable
        The nodes of the graph as given, in topological order.
    graph : Graph
        Of the objective.
    symbols : list of Variable
        The symbols of ``v``, by name.
    slices : dict from str to slice
        Where the elements of each symbol are in a row of inputs.
    lower, upper : ndarray of shape (n,)
        The box around the domain.
    first_lower, first_upper : ndarray of shape (n,)
        The box in which a search begins: around all points that count.
    tables : dict from str to ndarray of shape (rows, elements)
        The values of each symbol that has finitely many.
    """

    def __init__(
        self,
        v: Variable,
        domain: Domain,
        *,
        maximize: bool = True,
        caller: str = "",
        counting: Domain | None = None,
        asked: tuple[Variable, Domain] | None = None,
    ) -> None:
        caller = caller or ("maximize" if maximize else "minimize")
        v = as_variable(v)
        if v.shape:
            raise ShapeError(
                f"{caller}: only a scalar has a supremum, this has shape {v.shape}; "
                "take its norm, its sum or one element"
            )
        if not isinstance(domain, Domain):
            raise InvalidInputError(
                f"{caller}: `domain` must be a deuterium.Box, Ball, Choice or OneHot "
                f"(or several joined with &), got {type(domain).__name__}"
            )
        if domain.conditions:
            raise UnsupportedError(
                f"{caller}: a domain with conditions (Where, Simplex, a Ball of order "
                "1) is not taken here; take domain.plain, the box around it"
            )
        self.given, self.domain, self.maximizes = v, domain, maximize
        self.counting = domain if counting is None else counting
        self.asked = (v, domain) if asked is None else asked
        self.sought = v if maximize else -v
        given = Graph([v])
        self.order = given.order
        self.symbols = sorted(given.symbols, key=lambda s: s.name)
        self._check_names(caller)
        self._lay_out(caller)

    @cached_property
    def objective(self) -> Variable:
        """What is maximised: ``sought``, simplified over the domain on first use."""
        return objective_of(dense_over(self._sought, self.domain), self.domain)

    @cached_property
    def graph(self) -> Graph:
        """The graph of the objective."""
        return Graph([self.objective])

    @property
    def _sought(self) -> Graph:
        if self.maximizes:
            return Graph.sorted(self.order)
        return Graph.sorted([*self.order, self.sought])

    def __reduce__(self) -> tuple[Any, ...]:
        more: Any = {"counting": self.counting, "asked": self.asked}
        make = partial(Problem, maximize=self.maximizes, **more)
        known = {"objective": self.objective} if "objective" in self.__dict__ else {}
        return make, (self.given, self.domain), known

    def _check_names(self, caller: str) -> None:
        symbols = {s.name: s for s in self.symbols}
        known: Any = {**dict.fromkeys(self.domain.shapes), **symbols}
        require_known(self.domain.names, known, caller)
        require_all(self.domain.names, symbols, caller, "bounds")

    def _lay_out(self, caller: str) -> None:
        self.slices: dict[str, slice] = {}
        self.tables: dict[str, Array] = {}
        low, high, start = [np.empty(0)], [np.empty(0)], 0
        for s in self.symbols:
            hull = self.domain.hull(s)
            if hull.shape != s.shape:
                raise ShapeError(
                    f"{caller}: bounds of {s.name!r} have batch axes {hull.shape}; "
                    "take one box at a time"
                )
            self.slices[s.name] = slice(start, start + s.size)
            start += s.size
            low.append(np.ravel(hull.lower))
            high.append(np.ravel(hull.upper))
            table = self.domain.table(s)
            if table is not None:
                rows = np.reshape(table, (len(table), s.size))
                self.tables[s.name] = np.array(list(dict.fromkeys(map(tuple, rows))))
        self.lower, self.upper = np.concatenate(low), np.concatenate(high)
        self.first_lower, self.first_upper = self.lower, self.upper
        if self.counting is not self.domain:
            hulls = {s.name: self.counting.hull(s) for s in self.symbols}
            self.first_lower = self.rows({n: x.lower for n, x in hulls.items()})
            self.first_upper = self.rows({n: x.upper for n, x in hulls.items()})

    @property
    def hull(self) -> Domain:
        """The box around the domain: where derivatives have to be right.

        The mean value theorem goes through points between those of a finite set.
        """
        low, high = self.arrays(self.lower), self.arrays(self.upper)
        return Box({s: (low[s.name], high[s.name]) for s in self.symbols})

    @property
    def size(self) -> int:
        """The number of inputs, n."""
        return len(self.lower)

    def arrays(self, rows: Array) -> dict[str, Array]:
        """Return rows of inputs, of shape (..., n), as arrays by symbol name."""
        lead = rows.shape[:-1]
        return {
            s.name: rows[..., self.slices[s.name]].reshape(lead + s.shape)
            for s in self.symbols
        }

    def rows(self, arrays: Mapping[str, Array], lead: tuple[int, ...] = ()) -> Array:
        """Return arrays by symbol name as rows of inputs; ``lead`` axes are batches."""
        parts = [np.reshape(arrays[s.name], (*lead, s.size)) for s in self.symbols]
        return np.concatenate([np.empty((*lead, 0)), *parts], axis=-1)

    def boxes(self, low: Array, high: Array) -> dict[str, Array]:
        """Return stacked ends by symbol name, as an `EnclosureProgram` takes them."""
        return self.arrays(np.stack([low, high]))

    def contains(self, row: Array) -> bool:
        """Return whether one row of inputs certainly is a point of the domain."""
        return all(
            self.domain.contains(s, x)
            for s, x in zip(self.symbols, self.arrays(row).values(), strict=True)
        )

    @property
    def finite(self) -> list[tuple[slice, Array]]:
        """Inputs that take finitely many values together: where, and the values.

        Those of one symbol, or, where they were too many to list, each row of unit
        vectors by itself.
        """
        parts = [(self.slices[name], table) for name, table in self.tables.items()]
        for s in self.symbols:
            kinds = self.domain.constraints[s.name]
            if s.name in self.tables or not any(
                isinstance(c, UnitVectors) for c in kinds
            ):
                continue
            length, start = s.shape[-1], self.slices[s.name].start
            unit = np.eye(length)
            parts += [
                (slice(i, i + length), unit)
                for i in range(start, start + s.size, length)
            ]
        return parts

    def fixed(self, at: Array, values: Array) -> Problem:
        """Return this problem with some inputs, whole symbols, put in as numbers.

        The layout stays; only the objective no longer depends on them, and is simpler.
        """
        row = np.full(self.size, np.nan)
        row[np.asarray(at)] = values
        given = {n: x for n, x in self.arrays(row).items() if not np.isnan(x).any()}
        special = object.__new__(Problem)
        special.__dict__.update(self.__dict__)
        special.__dict__.pop("graph", None)
        graph = Graph([substitute(self.objective, given)])
        special.objective = objective_of(graph, self.domain)
        return special

    @property
    def movable(self) -> Array:
        """Which inputs may be moved alone without leaving the domain's box.

        Not those of a symbol with a finite set of values or in a 2-norm ball: there a
        point moved to a face may be no point of the domain.
        """
        mask = np.ones(self.size, dtype=bool)
        for name, part in self.slices.items():
            for c in self.domain.constraints[name]:
                ball = isinstance(c, Within) and c.order == 2
                if ball or isinstance(c, (OneOf, UnitVectors)):
                    mask[part] = False
        return mask
