"""The rigorous value of the dual bound for given multipliers.

Every coordinate's function is a combination of tabulated functions, hence at most a
parabola plus its error on each cell; a parabola's maximum over the part of the cell
inside the region is a closed form.  Cells whose coarse bound is not close to the
largest value seen are not looked at more closely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.interval.rounding import TINY, gamma
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    CellTable,
    ParabolaCells,
)

Array = Any


@dataclass(frozen=True)
class UnivariateProblem:
    """What is to be maximised: ``sum_r c_r u_r(z)``, by rows of coordinates.

    Attributes
    ----------
    c : ndarray of shape (N, R)
        Coefficients; number 0 is that of z itself.
    low, high : ndarray of shape (N,)
    open : ndarray of bool, of shape (N,)
    column : ndarray of int, of shape (N,)
        Which coordinate of the group.
    square, centre : ndarray of shape (N,)
        ``square * (z - centre)**2`` is added.
    """

    c: Array
    low: Array
    high: Array
    open: Array
    column: Array
    square: Array
    centre: Array


def univariate_maxima(load: UnivariateProblem, table: CellTable) -> Array:
    """Return certified upper bounds of the maxima, of shape (N,)."""
    first, last = _within(table.coarse, load)
    row, cell = spread_out(first, last)
    bound, seen = _bounds(load, table.coarse, row, cell)
    best = np.full(len(load.low), -np.inf)
    np.maximum.at(best, row, seen)
    again = bound > best[row]
    out = np.full(len(load.low), -np.inf)
    np.maximum.at(out, row[~again], bound[~again])
    row, cell = row[again], cell[again]
    fine, low, high = table.fine, load.low, load.high
    begin, end = table.start[cell], table.start[cell + 1]
    owner, place = spread_out(begin, end)
    rows = row[owner]
    touches = (fine.low[place] <= high[rows]) & (fine.high[place] >= low[rows])
    rows, place = rows[touches], place[touches]
    bound, _ = _bounds(load, fine, rows, place)
    np.maximum.at(out, rows, bound)
    return out


def _within(cells: ParabolaCells, load: UnivariateProblem) -> tuple[Array, Array]:
    """Return the first and (behind the) last cell that hold points of each range.

    Cells hold their upper ends; the first holds its lower end too.
    """
    first: Array = np.searchsorted(cells.high, load.low, side="left")
    at_end = cells.high[np.minimum(first, len(cells) - 1)] == load.low
    first = np.where(load.open & at_end, first + 1, first)
    last = np.searchsorted(cells.high, load.high, side="left") + 1
    first = np.minimum(first, len(cells) - 1)
    return first, np.clip(last, first + 1, len(cells))


def spread_out(first: Array, last: Array) -> tuple[Array, Array]:
    """Return rows and members of ranges ``first <= i < last``, one below the other.

    Shapes: both (N,).
    """
    count = last - first
    row = np.repeat(np.arange(len(first)), count)
    before = np.cumsum(count) - count
    return row, np.arange(len(row)) - np.repeat(before - first, count)


def _bounds(
    load: UnivariateProblem, cells: ParabolaCells, row: Array, cell: Array
) -> tuple[Array, Array]:
    """Return an upper bound, and about the largest value, of each row in each cell.

    Shapes: ``row`` and ``cell`` (pairs,).
    """
    column = load.column[row] if cells.poly.shape[1] > 1 else 0
    c = load.c[row]
    rest = c[:, 1:]
    poly = cells.poly[cell, column]
    middle = cells.middle[cell]
    a = np.maximum(load.low[row], cells.low[cell]) - middle
    b = np.minimum(load.high[row], cells.high[cell]) - middle
    radius = np.maximum(np.abs(a), np.abs(b))
    t = np.matmul(rest[:, None, :], poly)[:, 0, :]
    size = np.matmul(np.abs(rest)[:, None, :], np.abs(poly))[:, 0, :]
    off = middle - load.centre[row]
    q = load.square[row]
    t0 = t[:, 0] + c[:, 0] * middle + q * off * off
    t1 = t[:, 1] + c[:, 0] + 2 * q * off
    t2 = t[:, 2] + q
    reach = np.abs(middle) + np.abs(load.centre[row]) + radius
    slack = (
        size[:, 0]
        + radius * (size[:, 1] + radius * size[:, 2])
        + np.abs(c[:, 0]) * (np.abs(middle) + radius)
        + 4 * np.abs(q) * reach * reach
    ) * gamma(c.shape[1] + 32)
    # coefficients that underflow are multiplied by distances and their squares
    slack = slack + (c.shape[1] + 8) * TINY * (1.0 + reach * (1.0 + reach))
    error = _error(rest, cells.above[cell, column], cells.below[cell, column])
    top = parabola_top(t0, t1, t2, a, b)
    return top + (error + slack) * (1 + gamma(64)), top


def _error(c: Array, above: Array, below: Array) -> Array:
    with np.errstate(invalid="ignore"):
        terms = np.where(c > 0, c * above, np.where(c < 0, -c * below, 0.0))
    return terms.sum(axis=-1)


def parabola_top(t0: Array, t1: Array, t2: Array, a: Array, b: Array) -> Array:
    """Return the maximum of a parabola over [a, b] (about: rounding is added later).

    Shapes: all (pairs,).
    """
    with np.errstate(all="ignore"):
        at = np.where(t2 < 0, -t1 / (2 * t2), a)
    at = np.clip(np.where(np.isfinite(at), at, a), np.minimum(a, b), np.maximum(a, b))
    values = [t0 + d * (t1 + d * t2) for d in (a, b, at)]
    return np.maximum.reduce(values)


__all__ = ["UnivariateProblem", "parabola_top", "spread_out", "univariate_maxima"]
