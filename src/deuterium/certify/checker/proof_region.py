"""A region on the way down the tree: a box over the coordinates."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flint import arb

from deuterium.certify.checker.ball_functions import INFINITY, Ball
from deuterium.certify.checker.exceptions import NoBound, NoPoint

Mark = tuple[int, tuple[float, ...]]

number = lru_cache(maxsize=2**16)(arb)  # cut points come again and again


@dataclass(slots=True)
class Region:
    """The points of the domain whose coordinates lie in a box.

    There is one for a whole proof: it goes down the tree, and back up by what it noted
    on the way, so that a deep tree takes no more memory than its nodes.

    Attributes
    ----------
    low, high : list of arb
        Its ends, exact numbers: of the inputs, then of the atoms.
    open : list of bool
        Where the lower end itself is excluded.
    values : tuple of float
        Those of the labels whose form's atoms these are; of the objective, none.
    """

    low: list[Ball]
    high: list[Ball]
    open: list[bool]
    values: tuple[float, ...] = ()
    _trail: list[tuple[Any, Any, Any, Any]] = field(default_factory=list)

    def mark(self) -> Mark:
        """Return what `back` needs to make it what it is now."""
        return len(self._trail), self.values

    def back(self, mark: Mark) -> None:
        """Be again what it was."""
        length, self.values = mark
        while len(self._trail) > length:
            place, *ends = self._trail.pop()
            self.low[place], self.high[place], self.open[place] = ends

    def put(self, j: int, low: Ball, high: Ball, is_open: bool) -> None:
        """Set the ends of a coordinate."""
        self._trail.append((j, self.low[j], self.high[j], self.open[j]))
        self.low[j], self.high[j], self.open[j] = low, high, is_open

    def below(self, j: int, at: Ball) -> None:
        """Become the part where coordinate j is at most a number."""
        if at < self.high[j]:
            self.put(j, self.low[j], at, self.open[j])

    def above(self, j: int, at: Ball) -> None:
        """Become the part where coordinate j is more than a number."""
        if at >= self.low[j]:
            self.put(j, at, self.high[j], True)

    def move(self, j: int, side: int) -> None:
        """Become the face at the lower (0) or upper (1) end of coordinate j."""
        end = self.high[j] if side else self.low[j]
        if not end.is_finite():
            raise NoBound("a face at infinity")
        self.put(j, end, end, False)

    def free(self, j: int) -> None:
        """Let a coordinate be anything."""
        if self.low[j].is_finite() or self.high[j].is_finite():
            self.put(j, -INFINITY, INFINITY, False)

    def renew(self, size: int, count: int) -> None:
        """Have so many atoms behind the inputs, which may be anything."""
        tail = slice(size, None)
        self._trail.append((tail, self.low[tail], self.high[tail], self.open[tail]))
        self.low[tail], self.high[tail] = [-INFINITY] * count, [INFINITY] * count
        self.open[tail] = [False] * count

    def narrow(self, j: int, low: Ball, high: Ball) -> None:
        """Leave out what lies beyond two numbers."""
        a, b, is_open = self.low[j], self.high[j], self.open[j]
        if low > a:
            a, is_open = low, False
        b = high if high < b else b
        self.put(j, a, b, is_open)
        if a > b:
            raise NoPoint
