"""Local polish of a point: Newton steps, L-BFGS-B, rounder numbers."""

from __future__ import annotations

import math

import numpy as np
import scipy  # its submodules are imported on first use

from deuterium.array_type import Array
from deuterium.search import search_options as options
from deuterium.search.population.compiled_objective import CompiledObjective
from deuterium.search.population.coordinate_moves import best_exchange


def newton(
    target: CompiledObjective, rows: Array, values: Array, steps: int
) -> tuple[Array, Array]:
    """Take Newton steps from several rows at once, where they gain.

    Shapes: ``rows`` (B, n), ``values`` (B,).
    """
    rows, values = rows.copy(), values.copy()
    going = np.flatnonzero(np.isfinite(values) & target.feasible.free.any())
    for _ in range(steps):
        if not len(going) or target.expired:
            break
        tried = _steps(target, rows[going])
        found = target.values(
            tried.reshape(math.prod(tried.shape[:-1]), tried.shape[-1])
        )
        found = found.reshape(tried.shape[:2])
        top = found.argmax(axis=1)
        best = found[np.arange(len(going)), top]
        better = best > values[going]
        won = going[better]
        rows[won], values[won] = tried[better, top[better]], best[better]
        going = won
    return rows, values


def _steps(target: CompiledObjective, rows: Array) -> Array:
    """Return points along each row's Newton step, of shape (rows, lengths, n)."""
    feasible = target.feasible
    slopes, bend = _curvature(target, rows)
    g = slopes * feasible.width
    stuck = ((rows >= feasible.high) & (g > 0)) | ((rows <= feasible.low) & (g < 0))
    stuck |= ~feasible.free
    g = np.where(stuck, 0.0, g)
    bend = np.where(stuck[:, :, None] | stuck[:, None, :], 0.0, bend)
    size = np.abs(bend).max(axis=(1, 2), keepdims=True)
    size = np.where(size > 0, size, 1.0)  # of which large numbers have no eigenvalues
    own, ways = np.linalg.eigh(bend / size)
    own = own * size[:, 0]
    own = np.maximum(np.abs(own), 1e-12 * np.abs(own).max(axis=1, keepdims=True))
    along = np.einsum("bji,bj->bi", ways, g) / np.maximum(own, 1e-300)
    move = np.clip(np.einsum("bij,bj->bi", ways, along), -0.5, 0.5) * feasible.width
    tried = rows[:, None, :] + options.NEWTON_LENGTHS[:, None] * move[:, None, :]
    flat = feasible.project(tried.reshape(-1, rows.shape[1]))
    return flat.reshape(tried.shape)


def _curvature(target: CompiledObjective, rows: Array) -> tuple[Array, Array]:
    """Return slopes, and their change a width, from differences inside the domain."""
    feasible, (count, n) = target.feasible, rows.shape
    h = options.CURVATURE_STEP * feasible.width
    high = np.minimum(rows + h, feasible.high)
    low = np.maximum(rows - h, feasible.low)
    at = np.repeat(rows[:, None, :], 2 * n + 1, axis=1)
    i = np.arange(n)
    at[:, i, i], at[:, n + i, i] = high, low
    _, slopes = target.both(at.reshape(-1, n))
    slopes = slopes.reshape(count, 2 * n + 1, n)
    between = np.where(high > low, (high - low) / feasible.width, 1.0)
    bend = (slopes[:, :n] - slopes[:, n : 2 * n]) * feasible.width / between[:, :, None]
    bend = 0.5 * (bend + bend.transpose(0, 2, 1))
    return slopes[:, 2 * n], np.where(np.isfinite(bend), bend, 0.0)


def quasi_newton(
    target: CompiledObjective, row: Array, value: float
) -> tuple[Array, float]:
    """Return where L-BFGS-B ends over the box around the domain, and the value."""
    feasible = target.feasible
    move = feasible.free
    if not move.any():
        return row, value

    def down(x: Array) -> tuple[float, Array]:
        at = row.copy()
        at[move] = x
        values, slopes = target.both(at[None])
        value = float(values[0])
        return (-value if np.isfinite(value) else 1e300), -slopes[0, move]

    end = scipy.optimize.minimize(
        down,
        row[move],
        jac=True,
        method="L-BFGS-B",
        bounds=scipy.optimize.Bounds(feasible.low[move], feasible.high[move]),
        options={"maxiter": 100, "ftol": 1e-15, "gtol": 1e-12},
    )
    at = row.copy()
    at[move] = end.x
    at = feasible.project(at[None])
    return at[0], float(target.values(at)[0])


def rounder(target: CompiledObjective, row: Array, value: float) -> tuple[Array, float]:
    """Try numbers of few digits, where kinks and optima of closed forms often lie."""
    if len(row) > options.ROUNDED_INPUTS:
        return row, value
    for digits in options.ROUNDED_DIGITS:
        to = np.clip(np.round(row, digits), target.feasible.low, target.feasible.high)
        moved = target.feasible.project(np.where(target.feasible.free, to, row)[None])
        found = float(target.values(moved)[0])
        if found > value:
            row, value = moved[0], found
        row, value = best_exchange(target, row, value, to)
    return row, value
