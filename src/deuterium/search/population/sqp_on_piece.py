"""The best point of one piece of an objective that has kinks or jumps.

Between the zeros of the scalars at whose zeros it is not smooth, the objective is a
smooth function over a small region; sequential quadratic programming finds its best
point there, be it in a corner of that region.
"""

from __future__ import annotations

import numpy as np
import scipy  # its submodules are imported on first use

from deuterium.array_type import Array
from deuterium.search import search_options as options
from deuterium.search.population.compiled_objective import CompiledObjective
from deuterium.search.population.kink_functions import KinkFunctions
from deuterium.search.population.phase_moves import shortest


def sqp_on_piece_of(
    target: CompiledObjective, inner: KinkFunctions, row: Array, value: float
) -> tuple[Array, float]:
    """Return the best point near a row that lies in the same piece, and its value."""
    feasible = target.feasible
    free = feasible.free
    z = inner.at(row[None])
    which = np.argsort(np.abs(z), axis=1, kind="stable")[:, : options.PIECE_WALLS]
    side = np.where(np.take_along_axis(z, which, axis=1)[0] > 0, 1.0, -1.0)
    reach = np.abs(inner.slopes(row[None], which)[0]).sum(axis=1)
    scale = max(abs(value), 1e-300)

    def at(u: Array) -> Array:
        x = row.copy()
        x[free] = u * feasible.width[free]
        return np.clip(x, feasible.low, feasible.high)[None]

    def down(u: Array) -> tuple[float, Array]:
        values, slopes = target.both(at(u))
        slope = slopes[0, free] * feasible.width[free] / scale
        return (-float(values[0]) / scale if np.isfinite(values[0]) else 1e10), -slope

    def room(u: Array) -> Array:
        now = np.take_along_axis(inner.at(at(u)), which, axis=1)[0]
        return side * now / np.maximum(reach, 1e-300) - options.WALL_MARGIN

    def turns(u: Array) -> Array:
        slopes = inner.slopes(at(u), which)[0][:, free]
        return side[:, None] * slopes / np.maximum(reach, 1e-300)[:, None]

    bounds = scipy.optimize.Bounds(
        (feasible.low / feasible.width)[free], (feasible.high / feasible.width)[free]
    )
    end = scipy.optimize.minimize(
        down,
        (row / feasible.width)[free],
        jac=True,
        method="SLSQP",
        bounds=bounds,
        constraints={"type": "ineq", "fun": room, "jac": turns},
        options={"maxiter": options.PIECE_STEPS, "ftol": 1e-12},
    )
    if not np.isfinite(end.x).all():
        return row, value
    new = np.concatenate([at(end.x), row[None]])
    new = feasible.project(np.concatenate([new, _upon(target, inner, new)]))
    values = target.values(new)
    top = int(np.argmax(values))
    return (new[top], float(values[top])) if values[top] > value else (row, value)


def _upon(target: CompiledObjective, inner: KinkFunctions, rows: Array) -> Array:
    """Return rows moved onto the walls that they are near, where those bend only."""
    width = target.feasible.width
    for _ in range(options.ONTO_WALL_STEPS):
        z = inner.at(rows)
        which = np.argsort(np.abs(z), axis=1, kind="stable")[:, : options.PIECE_WALLS]
        slopes = inner.slopes(rows, which)
        off = -np.take_along_axis(z, which, axis=1)
        near = np.abs(off) <= options.WALL_NEAR * np.abs(slopes).sum(axis=2)
        slopes = np.where(near[:, :, None], slopes, 0.0)
        rows = rows + shortest(slopes, np.where(near, off, 0.0)) * width
        rows = target.feasible.project(rows)
    return rows
