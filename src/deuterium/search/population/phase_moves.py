"""New points by moving one scalar inside the graph and keeping the others.

A relu changes its phase while the others keep theirs; the argument of a saturating
function comes back to where it is steep while those that are there stay.
"""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.search import search_options as options
from deuterium.search.population.kink_functions import KinkFunctions

Random = np.random.Generator


def across_kinks(
    inner: KinkFunctions, rows: Array, bent: bool, random: Random
) -> Array:
    """Return rows moved so that one of the scalars is elsewhere in each."""
    feasible, width = inner.target.feasible, inner.target.feasible.width
    z = inner.at(rows)
    which = _minded(np.abs(z), random)
    z = np.take_along_axis(z, which, axis=1)
    slopes = inner.slopes(rows, which)
    reach = np.abs(slopes).sum(axis=2)
    low, high = _steep(z, random) if bent else _phases(z, options.PAST_KINK * reach)
    moved = np.zeros(rows.shape)
    down, up = (feasible.low - rows) / width, (feasible.high - rows) / width
    for _ in range(options.SHIFT_ROUNDS):
        now = z + (slopes @ moved[:, :, None])[:, :, 0]
        off = np.maximum(low - now, 0.0) - np.maximum(now - high, 0.0)
        if not off.any():
            break
        inner_slopes = np.where((off != 0)[:, :, None], slopes, 0.0)
        stuck = ((moved <= down) | (moved >= up)) & (random.random(moved.shape) < 0.5)
        inner_slopes = np.where(stuck[:, None], 0.0, inner_slopes)
        moved = np.clip(moved + shortest(inner_slopes, off), down, up)
    return feasible.project(rows + moved * width)


def _minded(size: Array, random: Random) -> Array:
    """Return which scalars to mind, (rows, k): first the one to move."""
    rows, count = size.shape
    near = np.argsort(size, axis=1, kind="stable")
    rank = np.minimum(random.geometric(0.2, rows) - 1, count - 1)
    rank = np.where(random.random(rows) < 0.5, rank, random.integers(0, count, rows))
    first = np.take_along_axis(near, rank[:, None], axis=1)
    others = np.where(near == first, count, np.arange(count)).argsort(axis=1)
    others = np.take_along_axis(near, others, axis=1)[
        :, : min(options.SCALARS_MINDED, count) - 1
    ]
    return np.concatenate([first, others], axis=1)


def _phases(z: Array, beyond: Array) -> tuple[Array, Array]:
    """Return ends that keep every sign but the first, which changes.

    Shapes: all (B, k), the scalar to be moved first.
    """
    side = np.where(z < 0, -1.0, 1.0)
    side[:, 0] *= -1
    low = np.where(side > 0, np.minimum(beyond, np.abs(z)), -np.inf)
    high = np.where(side < 0, -np.minimum(beyond, np.abs(z)), np.inf)
    low[:, 0] = np.where(side[:, 0] > 0, beyond[:, 0], -np.inf)
    high[:, 0] = np.where(side[:, 0] < 0, -beyond[:, 0], np.inf)
    return low, high


def _steep(z: Array, random: Random) -> tuple[Array, Array]:
    """Return ends that bring the first near zero, and keep others that are near it."""
    near = np.abs(z) < options.STEEP_ARGUMENT
    low = np.where(near, z - options.ARGUMENT_STAY, -np.inf)
    high = np.where(near, z + options.ARGUMENT_STAY, np.inf)
    to = options.ARGUMENT_SPREAD * random.normal(size=len(z))
    low[:, 0], high[:, 0] = to - 0.1, to + 0.1
    return low, high


def shortest(slopes: Array, off: Array) -> Array:
    """Return the shortest moves that change the scalars by ``off``.

    Shapes: ``slopes`` (B, k, n), ``off`` (B, k); moves (B, n).
    """
    gram = slopes @ slopes.transpose(0, 2, 1)
    size = np.trace(gram, axis1=1, axis2=2)[:, None, None]
    little = options.SHORTEST_RIDGE * size
    ridge = (little + (little == 0)) * np.eye(slopes.shape[1])
    force = np.linalg.solve(gram + ridge, off[:, :, None])
    return (slopes.transpose(0, 2, 1) @ force)[:, :, 0]
