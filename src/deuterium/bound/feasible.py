"""Points of a domain: drawn, moved into it, told from points outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.bound.domain import Domain, OneOf, UnitVectors, Within
from deuterium.errors import BoundsError, InvalidInputError, ShapeError
from deuterium.evaluate.values import fitted, require_known
from deuterium.graph.substitute import symbol_name
from deuterium.graph.variable import Variable

FAR = 10.0  # how far beyond a finite end, or around zero, an unbounded symbol is drawn
LARGEST_TABLE = 65_536  # numbers in the list of values of one finite symbol
INSIDE = 1 - 2.0**-40  # a projection stops this share short of a ball's surface

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
        if any(self._finite(s)):
            self.tables[s.name] = self._table(s, hull)
            return
        low, high = np.asarray(hull.lower), np.asarray(hull.upper)
        self.low[s.name], self.high[s.name] = low, high
        with np.errstate(over="ignore"):
            width = high - low
        self.widths[s.name] = np.where(np.isfinite(width), width, 1.0)

    def _finite(self, s: Variable) -> list[bool]:
        kinds = self.domain.constraints[s.name]
        return [isinstance(c, OneOf | UnitVectors) for c in kinds]

    def _table(self, s: Variable, hull: Any) -> Any:
        """Return the rows of the first finite constraint that satisfy the others."""
        first, *rest = sorted(
            self.domain.constraints[s.name],
            key=lambda c: not isinstance(c, OneOf | UnitVectors),
        )
        assert isinstance(first, OneOf | UnitVectors)
        if isinstance(first, OneOf):
            rows = first.table(s.shape)
        else:
            rows = _unit_vectors(s)
        keep = [hull.contains(row).all() and all(_holds(c, row) for c in rest)
                for row in rows]  # fmt: skip
        if not any(keep):
            raise BoundsError(
                f"search: no value of {s.name!r} satisfies all of its constraints"
            )
        return rows[np.array(keep)]

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
        balls = [c for c in self.domain.constraints[name]
                 if isinstance(c, Within) and c.order == 2]  # fmt: skip
        x = np.clip(x, self.low[name], self.high[name])
        for _ in range(50 if len(balls) else 0):
            for ball in balls:
                x = _into_ball(x, ball)
            x = np.clip(x, self.low[name], self.high[name])
            if all(_distances(x, b).max() <= b.radius for b in balls):
                break
        return x

    def nearest(self, given: Mapping[Any, Any]) -> Points:
        """Return the rows a caller gave, each moved to a point of the domain."""
        named = {symbol_name(k): v for k, v in given.items()}
        by_name = {s.name: s for s in self.symbols}
        require_known(named, by_name, "search: `points`")
        rows = {n: fitted(x, by_name[n], "search: `points`") for n, x in named.items()}
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
            raise ShapeError(
                "search: `points` must have one leading axis, of the same length for "
                f"every symbol; got shapes { {n: np.shape(x) for n, x in rows.items()} }"
            ) from None
        for name, table in self.tables.items():
            full[name] = table[_closest(full[name], table)]
        return self.project(full)

    def join(self, a: Points, b: Points) -> Points:
        """Return the rows of both."""
        return {n: np.concatenate([x, b[n]]) for n, x in a.items()}


def _unit_vectors(s: Variable) -> Any:
    """Return every array of unit vectors along the last axis, as far as listed."""
    n, places = s.shape[-1], s.size // s.shape[-1]
    if n**places * s.size > LARGEST_TABLE:
        raise InvalidInputError(
            f"search: {s.name!r} of shape {s.shape} has too many one-hot values to "
            "list; use one symbol with one axis per unit vector"
        )
    index = np.indices((n,) * places).reshape(places, -1).T
    return np.eye(n)[index].reshape(-1, *s.shape)


def _holds(constraint: Any, row: Any) -> bool:
    """Return whether a value satisfies one constraint (the box is tested apart)."""
    if isinstance(constraint, OneOf):
        table = constraint.table(np.shape(row))
        return any(bool(np.array_equal(row, v)) for v in table)
    if isinstance(constraint, UnitVectors):
        units = np.isin(row, (0.0, 1.0)).all() and (row.sum(axis=-1) == 1).all()
        return bool(units)
    if isinstance(constraint, Within) and constraint.order == 2:
        return bool(_distances(row[None], constraint)[0] <= constraint.radius)
    return True


def _distances(x: Any, ball: Within) -> Any:
    """Return the distance of every row from a ball's centre."""
    away = np.reshape(x - ball.center, (len(x), -1))
    return np.linalg.norm(away, axis=1)


def _into_ball(x: Any, ball: Within) -> Any:
    far = _distances(x, ball)
    outside = far > ball.radius
    share = np.where(outside, ball.radius * INSIDE / np.where(outside, far, 1.0), 1.0)
    share = np.reshape(share, (len(x),) + (1,) * (np.ndim(x) - 1))
    return np.where(share < 1, ball.center + share * (x - ball.center), x)


def _closest(x: Any, table: Any) -> Any:
    """Return the index of the nearest row of a table to every row of ``x``."""
    best = np.zeros(len(x), dtype=int)
    least = np.full(len(x), np.inf)
    for i, row in enumerate(table):
        away = np.abs(np.reshape(x - row, (len(x), -1))).sum(axis=1)
        best = np.where(away < least, i, best)
        least = np.minimum(away, least)
    return best
