"""Moves of one input at a time: to the other end, to a rounder number, anywhere.

Many gradient norms are largest at a corner of the box, and such searches find it where
slopes, which look no further than the nearest bend, do not.
"""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.search import search_options as options
from deuterium.search.population.compiled_objective import CompiledObjective
from deuterium.search.population.gradient_ascent import climb


def best_exchange(
    target: CompiledObjective, row: Array, value: float, to: Array
) -> tuple[Array, float]:
    """Return the best of one row with some inputs moved to where ``to`` has them.

    Every input is tried alone; those that gain are then moved together, the best first.

    Shapes: ``row`` and ``to`` (n,).
    """
    columns = np.flatnonzero((to != row) & target.feasible.free)
    if not len(columns):
        return row, value
    gains = _alone(target, row, to, columns) - value
    order = np.argsort(-gains, kind="stable")
    columns, gains = columns[order], gains[order]
    several = int(np.count_nonzero(gains > 0))
    if not several:
        return row, value
    tried = _together(row, to, columns[:several])
    tried = target.feasible.project(tried)
    values = target.values(tried)
    top = int(np.argmax(values))
    return (tried[top], float(values[top])) if values[top] > value else (row, value)


def _alone(target: CompiledObjective, row: Array, to: Array, columns: Array) -> Array:
    values = []
    size = max(1, options.SWEEP_NUMBERS // len(row))
    for start in range(0, len(columns), size):
        some = columns[start : start + size]
        tried = np.tile(row, (len(some), 1))
        tried[np.arange(len(some)), some] = to[some]
        values.append(target.values(target.feasible.project(tried)))
    return np.concatenate(values)


def _together(row: Array, to: Array, columns: Array) -> Array:
    """Return the row with the first 1, 2, 3, 4, 6, 8, 12 ... of the inputs moved.

    Shapes: ``row`` and ``to`` (n,), ``columns`` (moved inputs,); one row a count.
    """
    counts, k = [], 1
    while k < len(columns):
        counts.append(k)
        k += max(1, k // 2)
    counts.append(len(columns))
    tried = np.tile(row, (len(counts), 1))
    for i, k in enumerate(counts):
        tried[i, columns[:k]] = to[columns[:k]]
    return tried


def flips(target: CompiledObjective, row: Array, value: float) -> tuple[Array, float]:
    """Move inputs to their other end where that gains, pass after pass."""
    feasible = target.feasible
    for _ in range(options.SWEEP_PASSES):
        if target.expired:
            break
        middle = 0.5 * feasible.near_low + 0.5 * feasible.near_high
        other = np.where(row > middle, feasible.low, feasible.high)
        before = value
        row, value = best_exchange(
            target, row, value, np.where(feasible.finite, other, row)
        )
        if value <= before:
            break
    return row, value


def swaps(target: CompiledObjective, row: Array, value: float) -> tuple[Array, float]:
    """Try every value of each finite input, climbing from the best of them."""
    for block in target.feasible.blocks:
        tried = np.tile(row, (len(block.table), 1))
        tried[:, block.columns] = block.table
        order = np.argsort(-target.values(tried), kind="stable")[
            : options.VALUES_CLIMBED
        ]
        rows, values = climb(target, tried[order], options.SWEEP_CLIMB_STEPS)
        top = int(np.argmax(values))
        if values[top] > value:
            row, value = rows[top], float(values[top])
    return row, value
