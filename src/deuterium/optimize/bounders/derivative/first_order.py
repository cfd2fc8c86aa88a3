"""First-order tests of regions: monotonicity, faces, the mean value form.

References: E. Hansen and G. W. Walster, "Global Optimization Using Interval Analysis",
2nd ed., 2004 (the monotonicity test); R. E. Moore, "Interval Analysis", 1966 (the mean
value form).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.derivative import taylor_bounds
from deuterium.optimize.bounders.derivative.derivative_options import FACE_ROUNDS
from deuterium.optimize.bounders.derivative.region_batch import Around, RegionBatch


def by_slopes(work: RegionBatch, rows: Array) -> Array:
    """Leave out what holds no maximiser, shrink the rest to faces, and bound it.

    Returns the rows that are not settled.
    """
    todo = rows
    for _ in range(FACE_ROUNDS):
        if not len(todo):
            break
        _, g = work.forms.slopes(work.low[todo], work.high[todo])
        work.slopes[:, todo] = g
        todo = todo[~stationary(work, todo)]
        todo = todo[faces(work, todo)]
        defined = work.interval(todo)
        todo = todo[defined & work.open(todo)]
    wide = (work.low[rows] < work.high[rows]).any(axis=1)  # a point is known already
    rows = rows[wide & work.open(rows)]
    mean_value(work, rows)
    return rows[work.open(rows)]


def at(around: Around, k: int) -> dict[str, Any]:
    """Return the part of a proof that says around which point slopes are."""
    return {} if around is None else {"around": around[k].tolist()}


def stationary(work: RegionBatch, rows: Array, around: Around = None) -> Array:
    """Leave out regions from which one can always rise and stay in the domain."""
    g, problem = work.slopes[:, rows], work.problem
    rises = (g[0] > 0) & (work.high[rows] < problem.upper)
    falls = (g[1] < 0) & (work.low[rows] > problem.lower)
    out = (rises | falls) & work.movable & work.bounded(rows)[:, None]
    gone, j = out.any(axis=1), np.argmax(out, axis=1).tolist()
    work.exclude(rows, gone, lambda k: ("stationary", {"at": j[k], **at(around, k)}))
    return gone


def faces(work: RegionBatch, rows: Array, around: Around = None) -> Array:
    """Fix monotone inputs to their face; return where that changed a region."""
    g = work.slopes[:, rows]
    low, high = work.low[rows], work.high[rows]
    free = work.movable & (low < high)
    falls = free & (g[1] <= 0) & np.isfinite(low)
    rises = free & (g[0] >= 0) & np.isfinite(high) & ~falls
    for people in work.people:
        _in_order(people, rises, falls, low, high)
    moved = rises | falls
    changed = moved.any(axis=1)
    for k in np.flatnonzero(changed).tolist():
        j = np.flatnonzero(moved[k])
        side = rises[k, j].astype(int).tolist()
        data = {"at": j.tolist(), "side": side, "by": "monotone", **at(around, k)}
        work.steps[rows[k]].append(("face", data))
    work.low[rows] = np.where(rises, high, low)
    work.high[rows] = np.where(falls, low, high)
    return changed


def _in_order(
    people: Array, rises: Array, falls: Array, low: Array, high: Array
) -> None:
    """Let those move who stay in order, with everybody behind, or before, them.

    Shapes: ``people`` (persons, inputs of each), all else (b, n).
    """
    if people.shape[1] > 1:
        rises[:, people] = falls[:, people] = False
        return
    column = people[:, 0].tolist()
    for a, b in reversed(list(pairwise(column))):
        rises[:, a] &= (high[:, a] <= low[:, b]) | (
            rises[:, b] & (high[:, a] <= high[:, b])
        )
    for a, b in pairwise(column):
        falls[:, b] &= (high[:, a] <= low[:, b]) | (
            falls[:, a] & (low[:, a] <= low[:, b])
        )


def mean_value(work: RegionBatch, rows: Array, around: Around = None) -> None:
    """Bound by the mean value form around the best centre."""
    if not len(rows):
        return
    g, low, high = work.slopes[:, rows], work.low[rows], work.high[rows]
    center = taylor_bounds.best_center(low, high, g)
    _, s = work.forms.values(center, center)
    bound = work.forms.outer(taylor_bounds.linear(s[1], g, low, high, center))
    work.lower(
        rows,
        bound,
        lambda k: ("mean", {"center": center[k].tolist(), **at(around, k)}),
    )
    work.candidates(center, s[0])
