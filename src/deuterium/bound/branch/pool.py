"""Regions that wait, in a few large arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.bound.region import Regions

FIELDS = ("low", "high", "open", "bound", "state")
START = 64  # rows


class Pool:
    """Rows of regions that come and go; a row that is let go is used again.

    Parameters
    ----------
    like : Regions
        Regions of the kind to hold.
    """

    def __init__(self, like: Regions) -> None:
        self._arrays = {f: _empty(START, getattr(like, f)) for f in FIELDS}
        self._free = list(range(START))[::-1]

    def add(self, regions: Regions) -> list[int]:
        """Store regions and return their rows."""
        while len(self._free) < len(regions):
            self._grow()
        rows = [self._free.pop() for _ in range(len(regions))]
        for f in FIELDS:
            self._arrays[f][rows] = getattr(regions, f)
        return rows

    def take(self, rows: list[int]) -> Regions:
        """Return the regions of some rows, which stay stored."""
        return Regions(**{f: self._arrays[f][rows] for f in FIELDS})

    def free(self, rows: list[int]) -> None:
        """Let rows go."""
        self._free.extend(rows)

    @property
    def bytes(self) -> int:
        """Memory of the arrays."""
        return int(sum(a.nbytes for a in self._arrays.values()))

    @property
    def is_full(self) -> bool:
        """Whether the next region makes the arrays twice as large."""
        return not self._free

    def _grow(self) -> None:
        count = len(self._arrays["bound"])
        for f, a in self._arrays.items():
            self._arrays[f] = np.concatenate([a, _empty(count, a)])
        self._free = list(range(count, 2 * count))[::-1] + self._free


def _empty(rows: int, like: Any) -> Any:
    return np.zeros((rows, *like.shape[1:]), dtype=like.dtype)
