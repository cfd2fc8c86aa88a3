"""A region on the way down the tree: a box over the coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flint import arb

from deuterium.bound.check.functions import INFINITY, Ball
from deuterium.bound.check.reasons import NoBound, NoPoint

number = lru_cache(maxsize=2**16)(arb)  # cut points come again and again


@dataclass(slots=True)
class Region:
    """The points of the domain whose coordinates lie in a box.

    Attributes
    ----------
    low, high : list of arb
        Its ends, exact numbers: of the inputs, then of the atoms.
    open : list of bool
        Where the lower end itself is excluded.
    forms : Forms or None
        Whose coordinates they are; None at first.
    """

    low: list[Ball]
    high: list[Ball]
    open: list[bool]
    forms: Any = None

    def below(self, j: int, at: Ball) -> Region:
        """Return the part where coordinate j is at most a number."""
        high = self.high.copy()
        if at < high[j]:
            high[j] = at
        return Region(self.low.copy(), high, self.open.copy(), self.forms)

    def above(self, j: int, at: Ball) -> Region:
        """Return the part where coordinate j is more than a number."""
        low, is_open = self.low.copy(), self.open.copy()
        if at >= low[j]:
            low[j], is_open[j] = at, True
        return Region(low, self.high.copy(), is_open, self.forms)

    def at(self, j: int, side: int) -> Region:
        """Return the face at the lower (0) or upper (1) end of coordinate j."""
        face = Region(self.low.copy(), self.high.copy(), self.open.copy(), self.forms)
        face.move(j, side)
        return face

    def move(self, j: int, side: int) -> None:
        """Make this region its face."""
        end = self.high[j] if side else self.low[j]
        if not end.is_finite():
            raise NoBound("a face at infinity")
        self.low[j] = self.high[j] = end
        self.open[j] = False

    def forget(self, size: int) -> None:
        """Let every coordinate from a number on be anything."""
        more = len(self.low) - size
        if more:
            self.low[size:], self.high[size:] = [-INFINITY] * more, [INFINITY] * more
            self.open[size:] = [False] * more

    def narrow(self, j: int, low: Ball, high: Ball) -> None:
        """Leave out what lies beyond two numbers."""
        if low > self.low[j]:
            self.low[j], self.open[j] = low, False
        if high < self.high[j]:
            self.high[j] = high
        if self.low[j] > self.high[j]:
            raise NoPoint
