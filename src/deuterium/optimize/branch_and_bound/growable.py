"""Growable arrays: named columns of equal length, half as long again when full."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.branch_and_bound import loop_options as options


class GrowableColumns:
    """Arrays of equal length, by name; new rows are zeros.

    Parameters
    ----------
    **like : ndarray or dtype
        What a row of each array looks like: that of an array, or one number.
    """

    def __init__(self, **like: Any) -> None:
        self._arrays = {f: _empty(options.FIRST_ROWS, x) for f, x in like.items()}
        self.room = options.FIRST_ROWS

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    @property
    def bytes(self) -> int:
        """Memory of the arrays."""
        return int(sum(a.nbytes for a in self._arrays.values()))

    def grow(self) -> None:
        """Make room for half as many rows again."""
        more = int(self.room * (options.ROWS_GROWTH - 1))
        for f, a in self._arrays.items():
            self._arrays[f] = _empty(self.room + more, a)
            self._arrays[f][: self.room] = a
        self.room += more


def _empty(rows: int, like: Any) -> Array:
    if isinstance(like, np.ndarray):
        return np.zeros((rows, *like.shape[1:]), dtype=like.dtype)
    return np.zeros(rows, dtype=like)
