"""Points of a domain: drawn, moved into it, told from points outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.constraints import UnitVectors, Within
from deuterium.domain.problem import Problem
from deuterium.errors import InvalidInputError, ShapeError
from deuterium.evaluate.inputs import fitted, require_known
from deuterium.graph.substitute import symbol_name
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import EPS

ROUNDS = 50  # of going into each ball and back into the box
FAR = 10.0  # how far beyond a finite end, or around zero, an unbounded input is drawn
HUGE = np.finfo(np.float64).max / 4  # so that a width does not overflow
CUBE = 10  # inputs of which all corners may be listed
MOST_EDGES = 64  # inputs of a ball of which all ends of axes may be listed
# how far out a search looks where a domain has no end, to see whether values have one
DISTANCES = (1e2, 1e4, 1e8, 1e16, 1e50, 1e100, 1e150, 1e200, 1e250, 1e300)
GOLDEN = 0.5 * (5**0.5 - 1)  # multiples of it, less whole numbers, are spread evenly


@dataclass(frozen=True)
class FiniteInputs:
    """Inputs that take together one of finitely many values.

    Attributes
    ----------
    columns : ndarray of int
        Which inputs.
    table : ndarray of shape (values, len(columns))
        What they may be.
    """

    columns: Array
    table: Array


class Feasible:
    """The points of a problem's domain, as rows of inputs.

    Attributes
    ----------
    low, high : ndarray of shape (n,)
        The box around the domain.
    near_low, near_high, width : ndarray of shape (n,)
        Finite ends inside it, and how far apart they are (1 where they are one).
    blocks : list of FiniteInputs
        The inputs of which there are finitely many values.
    free : ndarray of bool, of shape (n,)
        The inputs that may move at all, and continuously.
    finite : ndarray of bool, of shape (n,)
        The free inputs that have two finite ends.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.low, self.high = _ends(problem)
        self.near_low, self.near_high = self._near()
        width = self.near_high - self.near_low
        self.width = np.where(width > 0, width, 1.0)
        self.blocks: list[FiniteInputs] = []
        self.balls: list[tuple[slice, tuple[int, ...], Within]] = []
        for s in problem.symbols:
            self._enter(s)
        self.free = self.low < self.high
        for block in self.blocks:
            self.free[block.columns] = False
        ends = np.isfinite(self.low) & np.isfinite(self.high)
        self.finite, self.endless = self.free & ends, self.free & ~ends

    @property
    def movable(self) -> bool:
        """Whether there is more than one point."""
        return bool(self.free.any()) or any(len(b.table) > 1 for b in self.blocks)

    def _near(self) -> tuple[Array, Array]:
        """Return finite ends, inside those of the box."""
        low, high = self.low, self.high
        from_above = np.where(np.isfinite(high), high - FAR, -FAR)
        near = np.where(np.isfinite(low), low, from_above)
        far = np.where(np.isfinite(high), high, np.maximum(near, 0.0) + FAR)
        return np.clip(near, -HUGE, HUGE), np.clip(far, -HUGE, HUGE)

    def _enter(self, s: Variable) -> None:
        place = self.problem.slices[s.name]
        columns = np.arange(place.start, place.stop)
        kinds = self.problem.domain.constraints[s.name]
        table = self.problem.tables.get(s.name)
        if table is not None:
            self.blocks.append(FiniteInputs(columns, table))
        elif any(isinstance(c, UnitVectors) for c in kinds):
            self._enter_rows(columns.reshape(-1, s.shape[-1]))
        else:
            self.balls += [(place, s.shape, c) for c in kinds if isinstance(c, Within)]

    def _enter_rows(self, columns: Array) -> None:
        """Enter unit vectors of which there are too many together, one by one."""
        unit = np.eye(columns.shape[1])
        for row in columns:
            inside = (self.low[row] <= unit) & (unit <= self.high[row])
            self.blocks.append(FiniteInputs(row, unit[inside.all(axis=1)]))

    # -- drawing -----------------------------------------------------------------------

    def random(self, count: int, random: np.random.Generator) -> Array:
        """Return random points, of which about a third are corners of the box."""
        n = len(self.low)
        share = random.random((count, n))
        corner = random.random((count, 1)) < 1 / 3
        share = np.where(corner, np.round(share), share)
        rows = self.near_low + share * (self.near_high - self.near_low)
        rows = self._stretched(rows, random)
        for block in self.blocks:
            rows[:, block.columns] = random.choice(block.table, size=count)
        return self.project(rows)

    def _stretched(self, rows: Array, random: np.random.Generator) -> Array:
        """Move some rows out, or towards zero, where the box has no end."""
        open_ended = self.free & ~self.finite
        if not open_ended.any():
            return rows
        scale = 10.0 ** random.uniform(-3, 4, (len(rows), 1))
        scale = np.where(random.random((len(rows), 1)) < 0.5, scale, 1.0)
        start = np.where(np.isfinite(self.low), self.low, 0.0)
        start = np.where(np.isfinite(self.high) & (start == 0.0), self.high, start)
        return np.where(open_ended, start + scale * (rows - start), rows)

    def middle(self) -> Array:
        """Return a point near the middle of the box."""
        return self.nearest((0.5 * self.near_low + 0.5 * self.near_high)[None])[0]

    def notable(self) -> Array:
        """Return points worth trying anywhere: the middle, zeros, ones, the corners."""
        middle = 0.5 * self.near_low + 0.5 * self.near_high
        rows = [middle, 0.0 * middle, middle * 0.0 + 1.0, self.near_low, self.near_high]
        finite = np.flatnonzero(self.finite)
        if 0 < len(finite) <= CUBE:
            sides = np.indices((2,) * len(finite)).reshape(len(finite), -1).T == 1
            cube = np.tile(middle, (len(sides), 1))
            cube[:, finite] = np.where(sides, self.high[finite], self.low[finite])
            rows += list(cube)
        return self.nearest(np.array(rows))

    def edges(self) -> Array:
        """Return points on the edges of balls, as far as doubles lie on them.

        Those straight from the centre along an axis, and as far along all of them.
        """
        found, start = [], self.middle()
        for place, shape, ball in self.balls:
            count = place.stop - place.start
            if ball.order != 2 or count > MOST_EDGES or not np.isfinite(ball.radius):
                continue
            along = np.concatenate([np.eye(count), np.ones((1, count)) / count**0.5])
            center = np.ravel(np.broadcast_to(ball.center, shape))
            for away in ball.radius * np.concatenate([along, -along]):
                row = start.copy()
                row[place] = center + away
                inside = (self.low <= row) & (row <= self.high)
                if inside.all() and ball.holds_exactly(row[place].reshape(shape)):
                    found.append(row)
        return np.reshape(found, (-1, len(start)))

    def apart(self) -> Array:
        """Return points at which no two inputs are equal: no tie hides a slope."""
        places = np.arange(1, len(self.finite) + 1) * GOLDEN % 1.0
        width = self.near_high - self.near_low
        rows = [self.near_low + width * places, self.near_high - width * places]
        return self.nearest(np.array(rows))

    def far(self) -> Array:
        """Return points further and further out where inputs have no end."""
        out = np.flatnonzero(self.endless)
        if not len(out):
            return np.empty((0, len(self.finite)))
        rows = np.tile(self.notable()[0], (len(DISTANCES), 1))
        upward = np.where(np.isposinf(self.high[out]), 1.0, -1.0)
        rows[:, out] = np.array(DISTANCES)[:, None] * upward
        return self.nearest(rows)

    # -- moving into the domain --------------------------------------------------------

    def project(self, rows: Array) -> Array:
        """Return points of the domain near the given ones, finite values kept."""
        rows = np.clip(rows, self.low, self.high)
        for place, shape, ball in self.balls:
            part = rows[:, place].reshape(len(rows), *shape)
            part = self._into(ball, part, place, shape)
            rows[:, place] = part.reshape(len(rows), -1)
        return rows

    def _into(
        self, ball: Within, x: Array, place: slice, shape: tuple[int, ...]
    ) -> Array:
        low, high = self.low[place].reshape(shape), self.high[place].reshape(shape)
        for _ in range(ROUNDS):
            before, x = x, np.clip(_into_ball(x, ball), low, high)
            if np.array_equal(x, before):
                break
        return x

    def nearest(self, rows: Array) -> Array:
        """Return the nearest points whose finite inputs have values of their tables."""
        rows = np.array(rows, dtype=np.float64)
        for block in self.blocks:
            part = rows[:, block.columns]
            rows[:, block.columns] = block.table[_closest(part, block.table)]
        return self.project(rows)

    def given(self, points: Mapping[Any, Any]) -> Array:
        """Return the rows a caller gave, each moved to a point of the domain."""
        if not isinstance(points, Mapping):
            raise InvalidInputError(
                "`points` must be a mapping from symbols to rows of values, got "
                f"{type(points).__name__}"
            )
        named = {symbol_name(k): v for k, v in points.items()}
        by_name = {s.name: s for s in self.problem.symbols}
        known = self.problem.domain.constraints
        require_known([n for n in named if n not in known], by_name, "search: `points`")
        arrays = {
            n: fitted(x, by_name[n], "search: `points`")
            for n, x in named.items()
            if n in by_name  # the computation may well not depend on all of them
        }
        missing = [n for n in by_name if n not in arrays]
        if missing:
            raise InvalidInputError(
                f"search: `points` gives no values of {missing[0]!r}; give every symbol"
            )
        count = max(
            (len(x) for n, x in arrays.items() if np.ndim(x) > by_name[n].ndim),
            default=1,
        )
        try:
            full = {
                n: np.broadcast_to(x, (count, *by_name[n].shape))
                for n, x in arrays.items()
            }
        except ValueError:
            shapes = {n: np.shape(x) for n, x in arrays.items()}
            raise ShapeError(
                "search: `points` must have one leading axis, of the same length for "
                f"every symbol; got shapes {shapes}"
            ) from None
        return self.nearest(self.problem.rows(full, (count,)))


def _ends(problem: Problem) -> tuple[Array, Array]:
    """Return the box that points are looked for in; what has values keeps them all."""
    low, high = problem.first_lower.copy(), problem.first_upper.copy()
    for part, _ in problem.finite:
        low[part], high[part] = problem.lower[part], problem.upper[part]
    return low, high


def _into_ball(x: Array, ball: Within) -> Array:
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


def _closest(x: Array, table: Array) -> Array:
    """Return the index of the nearest row of a table to every row of ``x``."""
    best = np.zeros(len(x), dtype=int)
    least = np.full(len(x), np.inf)
    for i, row in enumerate(table):
        away = np.abs(x - row).sum(axis=1)
        best = np.where(away < least, i, best)
        least = np.minimum(away, least)
    return best
