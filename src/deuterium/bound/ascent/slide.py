"""Uphill along kinks, where a climb ends at a wall.

Where a gradient norm jumps, or is sharply bent, its largest values lie right at the
wall; the slope there points through it.  Each row moves along the part of the slope
that is parallel to the walls it stands at, on its own side of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.bound.ascent.inner import Inner
from deuterium.bound.ascent.target import Target

Array = Any

NEAR = 1e-5  # of its slope a width: a wall so close is stood at
MARGIN = 1e-10  # of it: how far from a wall to stay
WALLS = 24  # at most, told apart for each row
LENGTHS = 2.0 ** -np.arange(24.0)  # of the width, tried together
RIDGE = 1e-13  # relative: walls may be parallel
CORRECTED = 2  # times, where walls are curved
TURNS = 3  # of finding which walls and ends hold back


def slide(
    target: Target, kinks: Inner, rows: Array, values: Array, steps: int
) -> tuple[Array, Array]:
    """Return rows moved uphill along the walls they stand at, and their values."""
    rows, values = rows.copy(), values.copy()
    going = np.flatnonzero(np.isfinite(values))
    for _ in range(steps):
        if not len(going) or target.expired:
            break
        tried = _candidates(target, kinks, rows[going])
        found = target.values(tried.reshape(-1, rows.shape[1])).reshape(len(going), -1)
        top = found.argmax(axis=1)
        best = found[np.arange(len(going)), top]
        better = best > values[going] + 1e-12 * np.abs(values[going])
        won = going[better]
        rows[won], values[won] = tried[better, top[better]], best[better]
        going = won
    return rows, values


def _candidates(target: Target, kinks: Inner, rows: Array) -> Array:
    """Return points along the walls at each row, of shape (rows, points, n)."""
    place, count = target.place, len(rows)
    z = kinks.at(rows)
    which = np.argsort(np.abs(z), axis=1, kind="stable")[:, :WALLS]
    near = np.take_along_axis(z, which, axis=1)
    slopes = kinks.slopes(rows, which)
    size = np.abs(slopes).sum(axis=2)
    stood = (np.abs(near) <= NEAR * size) & (size > 0)
    side = np.where(near < 0, -1.0, 1.0)
    margin = np.where(stood, side * MARGIN * size, 0.0)
    walls = np.where(stood[:, :, None], slopes, 0.0)
    start = _corrected(target, kinks, rows[:, None], which, walls, margin)[:, 0]
    _, g = target.both(start)
    d = _direction(place, start, g * place.width, walls, side)
    largest = np.abs(d).max(axis=1, keepdims=True)
    d /= np.where(largest > 0, largest, 1.0)
    along = start[:, None] + LENGTHS[:, None] * (d * place.width)[:, None]
    along = np.concatenate([along, _crossings(kinks, start, d * place.width)], axis=1)
    flat = place.project(along.reshape(-1, rows.shape[1]))
    along = flat.reshape(count, -1, rows.shape[1])
    beside = _corrected(target, kinks, along, which, walls, margin)
    upon = _corrected(target, kinks, along, which, walls, 0.0 * margin)
    return np.concatenate([beside, upon], axis=1)


def _corrected(
    target: Target, kinks: Inner, points: Array, which: Array, walls: Array, to: Array
) -> Array:
    """Move points so that the walls stood at are as far away as ``to`` says."""
    place, (count, many, n) = target.place, points.shape
    held = (walls != 0).any(axis=2)
    back = _solver(walls) @ walls
    for _ in range(CORRECTED):
        z = kinks.at(points.reshape(-1, n)).reshape(count, many, -1)
        off = np.take_along_axis(z, np.repeat(which[:, None], many, axis=1), axis=2)
        off = np.where(held[:, None], to[:, None] - off, 0.0)
        moved = points + (off @ back) * place.width
        points = place.project(moved.reshape(-1, n)).reshape(count, many, n)
    return points


def _solver(walls: Array) -> Array:
    """Return the inverses of the walls' products with each other."""
    gram = walls @ walls.transpose(0, 2, 1)
    size = np.trace(gram, axis1=1, axis2=2)[:, None, None]
    ridge = (RIDGE * size + (size == 0)) * np.eye(walls.shape[1])
    return np.linalg.inv(gram + ridge)


def _direction(place: Any, rows: Array, g: Array, walls: Array, side: Array) -> Array:
    """Return the part of the slopes that no wall and no end holds back."""
    free = np.broadcast_to(place.free, rows.shape).copy()
    stood = (walls != 0).any(axis=2)
    held, d = stood.copy(), g
    for _ in range(TURNS):
        out = ((rows >= place.high) & (d > 0)) | ((rows <= place.low) & (d < 0))
        free &= ~out
        inner = np.where(held[:, :, None] & free[:, None], walls, 0.0)
        forces = _forces(inner, g)
        held &= ~(forces * side > 0)  # these walls may be left, and are
        inner = np.where(held[:, :, None], inner, 0.0)
        forces = _forces(inner, g)
        d = np.where(free, g - (forces[:, None] @ inner)[:, 0], 0.0)
        held |= ((walls @ d[:, :, None])[:, :, 0] * side < 0) & stood
    return d


def _forces(walls: Array, g: Array) -> Array:
    """Return how hard the slopes press on each wall."""
    return (_solver(walls) @ (walls @ g[:, :, None]))[:, :, 0]


def _crossings(kinks: Inner, start: Array, d: Array, most: int = 12) -> Array:
    """Return points just before and behind the next walls on the way."""
    h = 1e-4
    now, then = kinks.at(start), kinks.at(start + h * d)
    speed = (then - now) / h
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(now * speed < 0, -now / speed, np.inf)
    t = np.sort(t, axis=1)[:, :most]
    t = np.where((t > 1e-9) & (t < 2.0), t, 0.0)
    t = np.concatenate([t * (1 - 1e-7), t * (1 + 1e-7)], axis=1)
    return start[:, None] + t[:, :, None] * d[:, None]
