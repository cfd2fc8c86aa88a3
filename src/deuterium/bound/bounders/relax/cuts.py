"""Where to cut: at the coordinate whose part of the relaxation is furthest from true.

The relaxed solution gives every coordinate j a distribution over its samples.  Where
that is not one point, the mean of the coordinate's function exceeds the function of
the mean: that excess is what the relaxation pretends, and what cutting there removes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.bound.bounders.relax.parts import PAIR
from deuterium.bound.bounders.relax.ranges import Ranges
from deuterium.bound.bounders.relax.relaxation import Found, Relaxation

Array = Any

MARGIN = 0.15  # of a side, that a cut keeps from its ends


def relaxed(relaxation: Relaxation, found: Found) -> Array:
    """Return the coordinates of the relaxed solution, of shape (B, k)."""
    out = np.zeros((len(found.p), relaxation.structure.coordinates))
    for g, w, u in zip(relaxation.groups, found.weights, found.samples, strict=True):
        count = 2 if g.kind == PAIR else 1
        mean = np.matmul(u[:, :, :count], w[..., None])[..., 0]
        out[:, g.part] = np.concatenate([mean[..., r] for r in range(count)], axis=1)
    return out


def excesses(
    relaxation: Relaxation, ranges: Ranges, found: Found, at: Array
) -> Array:
    """Return what each coordinate adds beyond its function at the mean, >= 0."""
    out = np.zeros(at.shape)
    centres, _ = relaxation.centres(ranges)
    for k, g in enumerate(relaxation.groups):
        if not g.cuttable:
            continue
        c = relaxation.solver.blocks[k].base + relaxation.solver.blocks[
            k
        ].coefficients(found.p)
        w, u = found.weights[k], found.samples[k]
        mean = (np.matmul(c[:, :, None, :], u)[:, :, 0] * w).sum(axis=-1)
        z = at[:, g.part]
        if g.kind == PAIR:
            a, b = z[:, : g.size], z[:, g.size :]
            own = c[..., 0] * a + c[..., 1] * b + c[..., 2] * a * b
            _share(out, g, ranges, mean - own)
            continue
        curves = relaxation.forward.curves[k]
        assert curves is not None
        own = (curves.values(z, z > 0) * c[..., : g.count]).sum(axis=-1)
        for e, (at_p, weights, _) in enumerate(relaxation.rows[k]):
            own = own + c[..., g.count + e] * weights * (z - centres[k]) ** 2
            del at_p
        out[:, g.part] = mean - own
    return np.maximum(np.nan_to_num(out), 0.0)


def _share(out: Array, g: Any, ranges: Ranges, excess: Array) -> None:
    """Give a product's excess to the factor with the wider relative range."""
    low, high = ranges.low[:, g.part], ranges.high[:, g.part]
    width = (high - low) / np.maximum(np.abs(low) + np.abs(high), 1e-300)
    first = width[:, : g.size] > width[:, g.size :]
    out[:, g.offset : g.offset + g.size] = np.where(first, excess, 0.0)
    out[:, g.offset + g.size : g.offset + 2 * g.size] = np.where(first, 0.0, excess)


def cuts(
    relaxation: Relaxation, ranges: Ranges, found: Found
) -> tuple[Array, Array, Array]:
    """Return where to cut each region, at what, and the relaxed coordinates."""
    at = relaxed(relaxation, found)
    excess = excesses(relaxation, ranges, found, at)
    low, high = ranges.low, ranges.high
    place, possible = _places(relaxation, low, high, at)
    excess = np.where(possible, excess, -1.0)
    cut = np.argmax(excess, axis=1)
    rows = np.arange(len(cut))
    none = excess[rows, cut] <= 0
    if none.any():
        n = relaxation.groups[0].size
        width = np.where(possible[:, :n], (high - low)[:, :n], -1.0)
        longest = np.argmax(width, axis=1)
        cut = np.where(none, longest, cut)
    cut = np.where(possible[rows, cut], cut, -1)
    return cut, place[rows, cut], at


def _places(
    relaxation: Relaxation, low: Array, high: Array, at: Array
) -> tuple[Array, Array]:
    """Return where each coordinate would be cut, and whether it can be."""
    width = high - low
    place = np.clip(at, low + MARGIN * width, high - MARGIN * width)
    for k, g in enumerate(relaxation.groups):
        curves = relaxation.forward.curves[k]
        if curves is not None and curves.kinked:
            inside = (low[:, g.part] < 0) & (high[:, g.part] > 0)
            place[:, g.part] = np.where(inside, 0.0, place[:, g.part])
    cuttable = np.zeros(low.shape[1], dtype=bool)
    for g in relaxation.groups:
        cuttable[g.part] = g.cuttable
    return place, cuttable & (low < place) & (place < high)
