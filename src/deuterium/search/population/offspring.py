"""New points from a population: mixed with the best, moved along differences, shaken.

Every way makes one child of every parent; which way is taken is drawn for each.

The ways that add the difference of two other points are differential evolution's
(R. Storn and K. Price, Journal of Global Optimization 11, 1997).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.points import Feasible, FiniteInputs
from deuterium.search import search_options as options

Random = np.random.Generator


def offspring(feasible: Feasible, rows: Array, values: Array, random: Random) -> Array:
    """Return one new point of the domain for every row of a population.

    Shapes: ``rows`` (B, n), ``values`` (B,); every way takes ``x`` and ``better``,
    (children, n), and ``rows``.
    """
    size = len(rows)
    order = np.argsort(-values, kind="stable")
    better = rows[
        order[random.integers(0, max(2, size // options.BEST_ONE_IN), size) % size]
    ]
    kinds = random.integers(0, len(WAYS), size)
    children = rows.copy()
    for kind, way in enumerate(WAYS):
        mine = np.flatnonzero(kinds == kind)
        changed = way(feasible, rows[mine], better[mine], rows, random)
        children[mine] = np.where(feasible.free, changed, rows[mine])
    for block in feasible.blocks:
        _mutate(block, children, better, random)
    return feasible.project(children)


def _along(
    feasible: Feasible, x: Array, better: Array, rows: Array, random: Random
) -> Array:
    """Move towards a better point and along the difference of two others."""
    a, b = rows[random.integers(0, len(rows), (2, len(x)))]
    stretch = random.choice(options.DIFFERENCE_SHARES, (len(x), 1))
    moved = x + stretch * (better - x) + stretch * (a - b)
    return np.where(_taken(x, random), moved, x)


def _mixed(
    feasible: Feasible, x: Array, better: Array, rows: Array, random: Random
) -> Array:
    return np.where(_taken(x, random), better, x)


def _to_ends(
    feasible: Feasible, x: Array, better: Array, rows: Array, random: Random
) -> Array:
    """Move a few inputs to an end."""
    few = random.choice(options.INPUTS_TO_ENDS, (len(x), 1))
    ends = np.where(random.random(x.shape) < 0.5, feasible.near_low, feasible.near_high)
    return np.where(_some(few, x, random), ends, x)


def _best_to_ends(
    feasible: Feasible, x: Array, better: Array, rows: Array, random: Random
) -> Array:
    return _to_ends(feasible, better, better, rows, random)


def _shaken(
    feasible: Feasible, x: Array, better: Array, rows: Array, random: Random
) -> Array:
    scale = random.choice(options.SHAKE_SCALES, (len(x), 1))
    return x + scale * feasible.width * random.normal(size=x.shape)


def _anew(
    feasible: Feasible, x: Array, better: Array, rows: Array, random: Random
) -> Array:
    """Draw a share of the inputs anew."""
    few = np.maximum(1, random.choice(options.REDRAWN_SHARES, (len(x), 1)) * x.shape[1])
    drawn = feasible.near_low + random.random(x.shape) * (
        feasible.near_high - feasible.near_low
    )
    return np.where(_some(few, x, random), drawn, x)


Way = Callable[[Feasible, Array, Array, Array, Random], Array]
WAYS: tuple[Way, ...] = (_along, _mixed, _to_ends, _best_to_ends, _shaken, _anew)


def _taken(x: Array, random: Random) -> Array:
    """Return a mask of inputs that change: a share of its own in each row."""
    return random.random(x.shape) < random.choice(options.CHANGED_SHARES, (len(x), 1))


def _some(few: Array, x: Array, random: Random) -> Array:
    """Return a mask that chooses a number of inputs in each row.

    Shapes: ``few`` (B, 1), ``x`` (B, n).
    """
    return random.random(x.shape).argsort(axis=1) < few


def _mutate(
    block: FiniteInputs, children: Array, better: Array, random: Random
) -> None:
    """Take a better point's value, or any, for inputs of finitely many values.

    Shapes: ``children`` (changed in place) and ``better`` (B, n).
    """
    draw = random.random((len(children), 1))
    drawn = block.table[random.integers(0, len(block.table), len(children))]
    own = children[:, block.columns]
    theirs = better[:, block.columns]
    mixed = np.where(draw < 0.3, theirs, np.where(draw < 0.5, drawn, own))
    children[:, block.columns] = mixed
