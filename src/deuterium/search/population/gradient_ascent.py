"""Projected gradient ascent of many rows at once, each with a step of its own.

References: J. Barzilai and J. M. Borwein, "Two-point step size gradient methods",
IMA Journal of Numerical Analysis 8, 1988.
"""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.search import search_options as options
from deuterium.search.population.compiled_objective import CompiledObjective


def climb(target: CompiledObjective, rows: Array, steps: int) -> tuple[Array, Array]:
    """Return rows uphill of the given ones, and their values.

    The step is that of Barzilai and Borwein in inputs scaled by their widths, accepted
    where it gains.
    """
    feasible, width = target.feasible, target.feasible.width
    values, slopes = target.both(rows)
    if not feasible.free.any():
        return rows, values
    rows, values, g = rows.copy(), values.copy(), slopes * width
    steepest = np.abs(g).max(axis=1)
    step = options.FIRST_MOVE / np.where(steepest > 0, steepest, 1.0)
    going = np.flatnonzero((steepest > 0) & np.isfinite(values))
    for _ in range(steps):
        if not len(going) or target.expired:
            break
        old, old_g = rows[going], g[going]
        move = np.clip(step[going, None] * old_g, -1.0, 1.0)
        new = feasible.project(old + move * width)
        new_values, new_slopes = target.both(new)
        new_g = new_slopes * width
        moved = (new - old) / width
        better = new_values > values[going]
        step[going] = np.where(
            better,
            _next(step[going], moved, new_g - old_g),
            options.STEP_SHRINK * step[going],
        )
        won = going[better]
        rows[won], values[won], g[won] = new[better], new_values[better], new_g[better]
        going = going[np.abs(moved).max(axis=1) > options.LEAST_MOVE]
    return rows, values


def _next(step: Array, moved: Array, turned: Array) -> Array:
    """Return the next step's length, from how the slope changed on the last one.

    Shapes: ``step`` (B,), ``moved`` and ``turned`` (B, n).
    """
    bent = -np.einsum("ij,ij->i", moved, turned)
    length = np.einsum("ij,ij->i", moved, moved)
    concave = bent > 1e-300
    return np.where(
        concave,
        np.clip(length / np.where(concave, bent, 1.0), 0.1 * step, 10.0 * step),
        4.0 * step,
    )
