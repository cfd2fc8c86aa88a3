"""Store of waiting regions, in a few large arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deuterium.optimize.branch_and_bound import loop_options as options
from deuterium.optimize.branch_and_bound.growable import GrowableColumns
from deuterium.optimize.region import Regions

FIELDS = ("low", "high", "open", "bound", "state")


class RegionStore:
    """Rows of regions that come and go; a row that is let go is used again.

    Parameters
    ----------
    like : Regions
        Regions of the kind to hold.
    """

    def __init__(self, like: Regions) -> None:
        self._columns = GrowableColumns(**{f: getattr(like, f) for f in FIELDS})
        self._free = list(range(self._columns.room))[::-1]

    def add(self, regions: Regions) -> list[int]:
        """Store regions and return their rows."""
        count = len(regions)
        while len(self._free) < count:
            self._grow()
        rows = self._free[len(self._free) - count :][::-1]
        del self._free[len(self._free) - count :]
        for f in FIELDS:
            self._columns[f][rows] = getattr(regions, f)
        return rows

    def take(self, rows: Sequence[int]) -> Regions:
        """Return the regions of some rows, which stay stored."""
        at = np.asarray(rows, dtype=np.intp)
        return Regions(**{f: self._columns[f][at] for f in FIELDS})

    def free(self, rows: Sequence[int]) -> None:
        """Let rows go."""
        self._free.extend(rows)

    @property
    def bytes(self) -> int:
        """Memory taken."""
        return self._columns.bytes + options.ROW_BYTES * len(self._free)

    def growth(self, count: int) -> int:
        """Return how much more memory it takes to add so many regions."""
        if len(self._free) >= count:
            return 0
        return int(
            self._columns.bytes * (options.ROWS_GROWTH - 1) + options.ROW_BYTES * count
        )

    def _grow(self) -> None:
        count = self._columns.room
        self._columns.grow()
        self._free = list(range(count, self._columns.room))[::-1] + self._free
