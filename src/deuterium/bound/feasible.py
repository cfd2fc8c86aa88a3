"""Points of a domain: drawn, moved into it, told from points outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.bound.domain import ENUMERATED, Domain, UnitVectors, Within
from deuterium.errors import InvalidInputError, ShapeError
from deuterium.evaluate.values import fitted, require_known
from deuterium.graph.substitute import symbol_name
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import EPS

ROUNDS = 50  # of going into each ball and back into the box
FAR = 10.0  # how far beyond a finite end, or around zero, an unbounded symbol is drawn

Points = dict[str, Any]


class Feasible:
    """The points of a domain, as rows of arrays by symbol name.

    Attributes
    ----------
    symbols : list of Variable
        The symbols that need a value.
    tables : dict from str to ndarray
        The values of each symbol that has finitely many, one row each.
    low, high, widths : dict from str to ndarray
        The box around the other symbols; a width is 1 where the box is unbounded.
    """

    def __init__(self, symbols: Sequence[Variable], domain: Domain) -> None:
        self.symbols, self.domain = list(symbols), domain
        self.tables: Points = {}
        self.low: Points = {}
        self.high: Points = {}
        self.widths: Points = {}
        for s in self.symbols:
            self._enter(s)

    def _enter(self, s: Variable) -> None:
        hull = self.domain.hull(s)
        if hull.shape != s.shape:
            raise ShapeError(
                f"search: bounds of {s.name!r} have batch axes {hull.shape}; search "
                "one box at a time"
            )
        table = self._table(s)
        if table is not None:
            self.tables[s.name] = table
            return
        low, high = np.asarray(hull.lower), np.asarray(hull.upper)
        self.low[s.name], self.high[s.name] = low, high
        with np.errstate(over="ignore"):
            width = high - low
        self.widths[s.name] = np.where(np.isfinite(width), width, 1.0)

    def _table(self, s: Variable) -> Any | None:
        """Return the values of a finite symbol (if there are too many, some)."""
        table = self.domain.table(s)
        kinds = self.domain.constraints[s.name]
        if table is None and any(isinstance(c, UnitVectors) for c in kinds):
            random = np.random.default_rng(0)
            drawn = np.eye(s.shape[-1])[
                random.integers(0, s.shape[-1], (ENUMERATED, *s.shape[:-1]))
            ]
            table = drawn[[self.domain.contains(s, row) for row in drawn]]
        return table

    def contains(self, points: Points, row: int) -> bool:
        """Return whether one row is a point of the domain."""
        return all(self.domain.contains(s, points[s.name][row]) for s in self.symbols)

    def flat_ends(self, names: Sequence[str]) -> tuple[Any, Any]:
        """Return the ends of the box around the named symbols, in one row each."""
        low = [np.ravel(self.low[n]) for n in names]
        high = [np.ravel(self.high[n]) for n in names]
        return np.concatenate(low), np.concatenate(high)

    def random(self, count: int, random: np.random.Generator) -> Points:
        """Return random points, of which about half are corners of the box."""
        points: Points = {}
        at_corner = random.random(count) < 0.5
        for s in self.symbols:
            if s.name in self.tables:
                points[s.name] = random.choice(self.tables[s.name], size=count)
                continue
            low, high = self._near(s.name)
            share = random.random((count, *s.shape))
            corner = np.reshape(at_corner, (count,) + (1,) * s.ndim)
            share = np.where(corner, np.round(share), share)
            points[s.name] = low + share * (high - low)
        return self.project(points)

    def _near(self, name: str) -> tuple[Any, Any]:
        """Return finite ends, inside those of the box."""
        low, high = self.low[name], self.high[name]
        from_above = np.where(np.isfinite(high), high - FAR, -FAR)
        near = np.where(np.isfinite(low), low, from_above)
        huge = np.finfo(np.float64).max / 4  # so that a width does not overflow
        far = np.where(np.isfinite(high), high, np.maximum(near, 0.0) + FAR)
        return np.clip(near, -huge, huge), np.clip(far, -huge, huge)

    def project(self, points: Points) -> Points:
        """Return points of the domain near the given ones."""
        return points | {n: self._inside(n, points[n]) for n in self.low}

    def _inside(self, name: str, x: Any) -> Any:
        balls = [c for c in self.domain.constraints[name] if isinstance(c, Within)]
        x = np.clip(x, self.low[name], self.high[name])
        for _ in range(ROUNDS if balls else 0):
            before = x
            for ball in balls:
                x = _into_ball(x, ball)
            x = np.clip(x, self.low[name], self.high[name])
            if np.array_equal(x, before):
                break
        return x

    def nearest(self, given: Mapping[Any, Any]) -> Points:
        """Return the rows a caller gave, each moved to a point of the domain."""
        named = {symbol_name(k): v for k, v in given.items()}
        by_name = {s.name: s for s in self.symbols}
        strangers = [n for n in named if n not in self.domain.constraints]
        require_known(strangers, by_name, "search: `points`")
        rows = {
            n: fitted(x, by_name[n], "search: `points`")
            for n, x in named.items()
            if n in by_name  # the computation may well not depend on all of them
        }
        missing = [n for n in by_name if n not in rows]
        if missing:
            raise InvalidInputError(
                f"search: `points` gives no values of {missing[0]!r}; give every symbol"
            )
        count = max((len(x) for n, x in rows.items() if np.ndim(x) > by_name[n].ndim),
                    default=1)  # fmt: skip
        try:
            full = {n: np.broadcast_to(x, (count, *by_name[n].shape)).astype(float)
                    for n, x in rows.items()}  # fmt: skip
        except ValueError:
            shapes = {n: np.shape(x) for n, x in rows.items()}
            raise ShapeError(
                "search: `points` must have one leading axis, of the same length for "
                f"every symbol; got shapes {shapes}"
            ) from None
        for name, table in self.tables.items():
            full[name] = table[_closest(full[name], table)]
        return self.project(full)

    def join(self, a: Points, b: Points) -> Points:
        """Return the rows of both."""
        return {n: np.concatenate([x, b[n]]) for n, x in a.items()}


def _into_ball(x: Any, ball: Within) -> Any:
    """Move rows outside a ball into it, past what rounding could take back."""
    size = x[0].size
    lost = 4 * EPS * np.abs(ball.center).max(initial=0.0) * size
    radius = max(ball.radius * (1 - (size + 16) * 4 * EPS) - lost, 0.0)
    away = x - ball.center
    if ball.order != 2:
        return ball.center + np.clip(away, -radius, radius)
    far = np.linalg.norm(np.reshape(away, (len(x), -1)), axis=1)
    share = np.where(far > radius, radius / np.where(far > radius, far, 1.0), 1.0)
    share = np.reshape(share, (len(x),) + (1,) * (x.ndim - 1))
    return np.where(share < 1, ball.center + share * away, x)


def _closest(x: Any, table: Any) -> Any:
    """Return the index of the nearest row of a table to every row of ``x``."""
    best = np.zeros(len(x), dtype=int)
    least = np.full(len(x), np.inf)
    for i, row in enumerate(table):
        away = np.abs(np.reshape(x - row, (len(x), -1))).sum(axis=1)
        best = np.where(away < least, i, best)
        least = np.minimum(away, least)
    return best
