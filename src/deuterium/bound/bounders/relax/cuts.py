"""Where to cut: at the coordinate whose part of the relaxation is furthest from true.

The relaxed solution gives every coordinate j a distribution over its samples.  Where
that is not one point, the mean of the coordinate's function exceeds the function of
the mean: that excess is what the relaxation pretends, and what cutting there removes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.bound.bounders.relax.energy import Energy
from deuterium.bound.bounders.relax.parts import FREE, PAIR, Group
from deuterium.bound.bounders.relax.ranges import Ranges
from deuterium.bound.bounders.relax.relaxation import Found, Relaxation
from deuterium.bound.bounders.relax.squares import Squares

Array = Any

FEW = 1e-3  # of the largest gap: smaller ones need no energy
MARGIN = 0.4  # of a side, that a cut keeps from its ends


def relaxed(relaxation: Relaxation, found: Found) -> Array:
    """Return the coordinates of the relaxed solution, of shape (B, k)."""
    out = np.zeros((len(found.p), relaxation.structure.coordinates))
    for g, w, u in zip(relaxation.groups, found.weights, found.samples, strict=True):
        count = 2 if g.kind == PAIR else 1
        w = w / w.sum(axis=-1, keepdims=True)
        mean = np.matmul(u[:, :, :count], w[..., None])[..., 0]
        out[:, g.part] = np.concatenate([mean[..., r] for r in range(count)], axis=1)
    return out


def excesses(
    relaxation: Relaxation, ranges: Ranges, added: Squares, found: Found, at: Array
) -> Array:
    """Return what each coordinate adds beyond its function at the mean, >= 0."""
    out = np.zeros(at.shape)
    for k, g in enumerate(relaxation.groups):
        if g.kind == FREE:
            continue
        c = relaxation.solver.blocks[k].base + relaxation.solver.blocks[k].coefficients(
            found.p
        )
        w, u = found.weights[k], found.samples[k]
        w = w / w.sum(axis=-1, keepdims=True)
        mean = (np.matmul(c[:, :, None, :], u)[:, :, 0] * w).sum(axis=-1)
        z = at[:, g.part]
        if g.kind == PAIR:
            a, b = z[:, : g.size], z[:, g.size :]
            own = c[..., 0] * a + c[..., 1] * b + c[..., 2] * a * b
            _share(out, relaxation, g, ranges, mean - own)
            continue
        curves = relaxation.forward.curves[k]
        assert curves is not None
        own = (curves.values(z, z > 0) * c[..., : g.count]).sum(axis=-1)
        for e, (_, weights) in enumerate(added.rows[k]):
            own = own + c[..., g.count + e] * weights * (z - added.centres[k]) ** 2
        out[:, g.part] += np.maximum(mean - own, 0.0)
    out = np.maximum(np.nan_to_num(out), 0.0)
    for e, pair in zip(relaxation.energies, added.fitted, strict=True):
        if pair is not None:
            _slack(out, relaxation, e, pair, added, found, at)
    return out


def wanted(relaxation: Relaxation, found: Found, at: Array) -> Array:
    """Return which coordinates' functions lie below their envelopes at the mean."""
    out = np.ones(at.shape)
    for e in relaxation.energies:
        if not e.chosen:
            continue
        g, k = relaxation.groups[e.group], e.group
        block = relaxation.solver.blocks[k]
        c = (block.base + block.coefficients(found.p))[..., : g.count]
        u = found.samples[k][:, :, : g.count]
        f, z = np.matmul(c[:, :, None, :], u)[:, :, 0], u[:, :, 0]
        gap = _envelope(z, f, at[:, g.part])
        out[:, g.part] = gap > FEW * gap.max(axis=1, keepdims=True)
    return out


def _envelope(z: Array, f: Array, at: Array) -> Array:
    """Return how far the best chord through samples passes above the function."""
    order = np.argsort(z, axis=-1, kind="stable")
    z, f = np.take_along_axis(z, order, -1), np.take_along_axis(f, order, -1)
    x = at[..., None, None]
    a, b = z[..., :, None], z[..., None, :]
    with np.errstate(all="ignore"):
        t = (x - a) / (b - a)
        chord = f[..., :, None] * (1 - t) + f[..., None, :] * t
    most = np.where((a < x) & (x < b), chord, -np.inf).max(axis=(-1, -2))
    right = np.clip((z < at[..., None]).sum(axis=-1), 1, z.shape[-1] - 1)[..., None]
    near = [np.take_along_axis(y, right - i, -1)[..., 0] for y in (z, f) for i in (1, 0)]
    z0, z1, f0, f1 = near
    with np.errstate(all="ignore"):
        here = np.where(z1 > z0, f0 + (f1 - f0) * (at - z0) / (z1 - z0), f0)
    gap = most - here
    return np.where(np.isfinite(gap), np.maximum(gap, 0.0), 0.0)


def _slack(
    out: Array,
    relaxation: Relaxation,
    e: Energy,
    pair: tuple[Array, Array],
    added: Squares,
    found: Found,
    at: Array,
) -> None:
    """Add what the inequality of an energy leaves at the relaxed solution.

    It is a quadratic form of the inputs' distances from the centre; each input gets
    its row's part.
    """
    (source,) = e.sources
    group = relaxation.groups[source.term.group]
    places = group.offset + source.term.coordinate
    centre = added.centres[source.term.group][:, source.term.coordinate]
    y = at[:, places] - centre
    d, above = pair
    image = ((y @ e.matrix) * d) @ e.matrix.T
    rest = found.p[:, e.parameter, None] * y * (above * y - image)
    np.add.at(out, (slice(None), places), np.maximum(rest, 0.0))  # type: ignore[arg-type]


def _share(
    out: Array, relaxation: Relaxation, g: Group, ranges: Ranges, excess: Array
) -> None:
    """Give a product's excess to that factor which can be cut and is relatively wider.

    Where neither can be, it goes to what the factors are functions of.
    """
    low, high = ranges.low[:, g.part], ranges.high[:, g.part]
    width = (high - low) / np.maximum(np.abs(low) + np.abs(high), 1e-300)
    width = np.where(relaxation.cuttable[g.part], width + 1.0, width)
    first = width[:, : g.size] > width[:, g.size :]
    for k, mine in enumerate((first, ~first)):
        share = np.where(mine, excess, 0.0)
        if g.sums[k]:
            at = g.offset + k * g.size
            out[:, at : at + g.size] += share
            continue
        for term, matrix in relaxation.rows_of(g.definitions[k]):
            part = np.abs(share) @ (np.abs(matrix) > 0).T
            below = relaxation.groups[term.group]
            np.add.at(out, (slice(None), below.offset + term.coordinate), part)


def cuts(
    relaxation: Relaxation, ranges: Ranges, added: Squares, found: Found
) -> tuple[Array, Array, Array]:
    """Return where to cut each region, at what, and the relaxed coordinates."""
    at = relaxed(relaxation, found)
    excess = excesses(relaxation, ranges, added, found, at)
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
    return place, relaxation.cuttable & (low < place) & (place < high)
