"""Second-order tests of regions: convex, saddle, interval Newton, concave.

Shapes: ``rows``, the numbers of regions of the batch, (b,); their curvatures ``h``,
stacked ends, (2, b, n, n).

References: E. Hansen and G. W. Walster, "Global Optimization Using Interval Analysis",
2nd ed., 2004 (the nonconvexity test; Newton steps preconditioned by an inverse at the
middle).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.interval.rounding import MIN_NORMAL
from deuterium.optimize.bounders.derivative import interval_definite, taylor_bounds
from deuterium.optimize.bounders.derivative.derivative_options import NEWTON_ASCENT
from deuterium.optimize.bounders.derivative.first_order import (
    faces,
    mean_value,
    stationary,
)
from deuterium.optimize.bounders.derivative.region_batch import RegionBatch, Why


def by_curvatures(work: RegionBatch, rows: Array) -> None:
    """Settle regions by their curvatures, as far as these are known."""
    h = work.forms.curvatures(work.low[rows], work.high[rows])
    for settle in (convex, sharper, saddles, concave):
        settle(work, rows, h)
        left = work.open(rows)
        rows, h = rows[left], h[:, left]
        if not len(rows):
            return


def convex(work: RegionBatch, rows: Array, h: Array) -> None:
    """Look for inputs in which the core is convex: only their ends matter."""
    low, high = work.low[rows], work.high[rows]
    curve = h[0][:, range(work.n), range(work.n)]
    inside = work.inside(rows)
    bends = inside & (curve > 0) & work.smooth(rows)[:, None]
    gone, unit = bends.any(axis=1), np.eye(work.n)[np.argmax(bends, axis=1)]
    work.exclude(rows, gone, lambda k: ("curved", {"along": unit[k].tolist()}))
    free = (
        work.movable
        & np.logical_not(work.finite)
        & (low < high)
        & np.isfinite(high - low)
    )
    ends = free & ~inside & (curve >= 0) & ~gone[:, None]
    for k in np.flatnonzero(ends.any(axis=1)).tolist():
        work.cut[rows[k]] = int(np.argmax(ends[k] * (high[k] - low[k])))
        work.ends[rows[k]] = ("convex", {})


def sharper(work: RegionBatch, rows: Array, h: Array) -> None:
    """Look again with the slopes that curvatures around the middle imply."""
    low, high = work.low[rows], work.high[rows]
    c = low + 0.5 * (high - low)
    _, g = work.forms.slopes(c, c)
    work.slopes[:, rows] = taylor_bounds.refined(
        work.slopes[:, rows], g, h, low, high, c
    )
    left = ~stationary(work, rows, c)
    left &= ~_no_turning(work, rows, g, h, c)
    rows, c = rows[left], c[left]
    changed = faces(work, rows, c)
    work.interval(rows[changed])
    mean_value(work, rows, c)


def _no_turning(work: RegionBatch, rows: Array, g: Array, h: Array, c: Array) -> Array:
    """Leave out regions with a direction in which the core rises everywhere.

    It is that row of the inverse of the curvatures in which Newton's method would go
    furthest out of the region.

    Shapes: ``rows`` (b,), ``g`` (2, b, n), ``h`` (2, b, n, n), ``c`` (b, n).
    """
    low, high = work.low[rows], work.high[rows]
    known = np.isfinite(h).all(axis=(0, 2, 3)) & np.isfinite(g).all(axis=(0, 2))
    known &= work.smooth(rows) & work.open(rows)
    inside = work.inside(rows) & known[:, None]
    width = np.where(inside, high - low, 1.0)
    centre = 0.5 * (h[0] + h[1]) * (width[:, :, None] * width[:, None, :])
    centre = np.where(known[:, None, None], centre, 0.0)
    centre, _ = masked(centre, np.zeros_like(centre), inside)
    slope = np.where(inside, 0.5 * (g[0] + g[1]) * width, 0.0)
    inverse = _inverse(centre)
    step = np.einsum("bij,bj->bi", inverse, slope)
    furthest, every = np.argmax(np.abs(step), axis=1), np.arange(len(rows))
    p = np.where(inside, inverse[every, furthest] * width, 0.0)
    p *= np.sign(step[every, furthest])[:, None]
    gone = known & (taylor_bounds.least_along(p, g, h, low, high, c) > 0)

    def why(k: int) -> Any:
        return "stationary", {"along": p[k].tolist(), "around": c[k].tolist()}

    work.exclude(rows, gone, why)
    return gone


def _inverse(matrices: Array) -> Array:
    """Return inverses, or zero where there is none."""
    finite: Array = np.all(np.isfinite(matrices), axis=(1, 2))
    matrices = np.where(finite[:, None, None], matrices, 0.0)
    found = np.zeros_like(matrices)
    try:
        found[finite] = np.linalg.inv(matrices[finite])
    except np.linalg.LinAlgError:
        for k in np.flatnonzero(finite):
            with suppress(np.linalg.LinAlgError):
                found[k] = np.linalg.inv(matrices[k])
    return found


def saddles(work: RegionBatch, rows: Array, h: Array) -> None:
    """Leave out regions in which the core bends upwards along some direction."""
    rows, centre, radius, width = _scaled(work, rows, h)
    inside = work.inside(rows)
    gone, v = interval_definite.rising_direction(*masked(centre, radius, inside))
    along = np.where(inside, v * width, 0.0)
    work.exclude(rows, gone, lambda k: ("curved", {"along": along[k].tolist()}))


def concave(work: RegionBatch, rows: Array, h: Array) -> None:
    """Bound concave regions by the tangent plane at their maximum."""
    rows, centre, radius, width = _scaled(work, rows, h)
    centre, radius = masked(centre, radius, width > 0)
    sure, basis = interval_definite.negative_basis(centre, radius)
    rows, centre, basis, width = rows[sure], centre[sure], basis[sure], width[sure]
    if not len(rows):
        return
    low, high = work.low[rows], work.high[rows]
    x = taylor_bounds.best_center(low, high, work.slopes[:, rows])
    for _ in range(NEWTON_ASCENT):
        s, g = work.forms.slopes(x, x)
        bound = work.forms.outer(taylor_bounds.linear(s[1], g, low, high, x))
        better = work.lower(rows, bound, _tangent(x, width, basis))
        work.points.append(x[better & (s[0] > work.incumbent)])
        x = _newton(x, g, centre, width, low, high)


def _tangent(x: Array, width: Array, basis: Array) -> Why:
    def why(k: int) -> Any:
        free = width[k] > 0
        # the other columns belong to the inputs that are fixed
        share = np.square(basis[k])
        own = share[free].sum(axis=0) > share[~free].sum(axis=0)
        scaled = width[k, free, None] * basis[k][np.ix_(free, own)]
        return "concave", {"center": x[k].tolist(), "basis": scaled.tolist()}

    return why


def _scaled(
    work: RegionBatch, rows: Array, h: Array
) -> tuple[Array, Array, Array, Array]:
    """Return rows with known curvatures, these in units of the box, and its sides."""
    known = np.isfinite(h).all(axis=(0, 2, 3)) & work.smooth(rows)
    rows, h = rows[known], h[:, known]
    width = work.high[rows] - work.low[rows]
    scale = width[:, :, None] * width[:, None, :]
    centre, radius = interval_definite.centred(h)
    # in boxes so small that products of sides underflow, nothing is claimed
    return rows, centre * scale, radius * scale + MIN_NORMAL, width


def masked(centre: Array, radius: Array, keep: Array) -> tuple[Array, Array]:
    """Return matrices with the inputs not kept made unconnected and falling.

    Shapes: ``centre`` and ``radius`` (b, n, n), ``keep`` (b, n).
    """
    both = keep[:, :, None] & keep[:, None, :]
    centre, radius = np.where(both, centre, 0.0), np.where(both, radius, 0.0)
    largest = np.abs(centre).max(axis=(1, 2), initial=0.0)[:, None]
    n = range(centre.shape[1])
    # an eigenvalue that the matrix kept cannot have, so that no eigenvectors mix
    apart = -1.0 - 2.0 * len(n) * largest
    centre[:, n, n] = np.where(keep, centre[:, n, n], apart)
    return centre, radius


def _newton(
    x: Array, g: Array, centre: Array, width: Array, low: Array, high: Array
) -> Array:
    """Return the next point of Newton's method, projected on the box.

    Shapes: ``g`` (2, b, n), ``centre`` (b, n, n), all else (b, n).
    """
    slope = np.nan_to_num(0.5 * (g[0] + g[1])) * width  # in units of the box
    stuck = (width == 0) | ((x <= low) & (slope < 0)) | ((x >= high) & (slope > 0))
    matrix, _ = masked(centre, np.zeros_like(centre), ~stuck)
    move = _inverse(matrix) @ np.where(stuck, 0.0, slope)[..., None]
    return np.clip(x - move[..., 0] * width, low, high)
