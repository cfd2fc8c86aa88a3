"""Full grids among pairs: which rows meet the same columns.

A dense layer is a dot product for every pair of a record and a neuron, a convolution
one for every pair of a window and a filter: as matrix products they are cheap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from deuterium.transform.vectorize.integer_table import Ints


@dataclass(frozen=True)
class Grids:
    """Grids of one shape.

    Attributes
    ----------
    rows, columns : arrays of int, of shapes (grids, height) and (grids, width)
        What makes each grid.
    pairs : array of int
        The pairs that are in these grids.
    places : array of int
        The place of each of them in an array of shape (grids, height, width).
    """

    rows: Ints
    columns: Ints
    pairs: Ints
    places: Ints


def grids(row: Ints, column: Ints) -> Iterator[Grids]:
    """Arrange pairs ``(row[i], column[i])`` in full grids.

    Rows that are paired with the same set of columns form a grid with them.  Rows and
    columns are numbered from zero without gaps.

    Shapes: both (pairs,).
    """
    pairs, which = np.unique(row * (column.max() + 1) + column, return_inverse=True)
    of_row, columns = np.divmod(pairs, column.max() + 1)
    starts = np.searchsorted(of_row, np.arange(row.max() + 2))
    together: dict[bytes, list[int]] = {}
    for i, (start, end) in enumerate(pairwise(starts)):
        together.setdefault(columns[start:end].tobytes(), []).append(i)

    by_shape: dict[tuple[int, int], list[list[int]]] = {}
    for columns_of, rows_of in together.items():
        by_shape.setdefault((len(rows_of), len(columns_of)), []).append(rows_of)

    first = np.empty(row.max() + 1, dtype=np.int64)  # the place of a row's first pair
    for found in by_shape.values():
        rows = np.array(found, dtype=np.int64)
        width = int(starts[rows[0, 0] + 1] - starts[rows[0, 0]])
        first[:] = -1
        first[rows] = np.arange(rows.size).reshape(rows.shape) * width
        here = np.flatnonzero(first[row] >= 0)
        yield Grids(
            rows,
            columns[starts[rows[:, :1]] + np.arange(width)],
            here,
            first[row[here]] + which[here] - starts[row[here]],
        )


def distinct(rows: Any) -> tuple[Ints, Ints]:
    """Return the first of each set of equal rows, and which of them each row equals."""
    seen: dict[bytes, int] = {}
    which = [seen.setdefault(row.tobytes(), len(seen)) for row in rows]
    kinds = np.array(which, dtype=np.int64)
    return np.unique(kinds, return_index=True)[1], kinds
