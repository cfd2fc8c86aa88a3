"""Branching where the relaxation of a coordinate is furthest from true.

The relaxed solution gives every coordinate j a distribution over its samples.  Where
that is not one point, the mean of the coordinate's function exceeds the function of
the mean: that excess is what the relaxation pretends, and what cutting there removes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    BILINEAR,
    RANGE_ONLY,
    CoordinateGroup,
)
from deuterium.optimize.bounders.lagrangian.quadratic_constraint import (
    QuadraticConstraint,
)
from deuterium.optimize.bounders.lagrangian.quadratic_weights import QuadraticTerms
from deuterium.optimize.bounders.lagrangian.range_propagation import RegionRanges
from deuterium.optimize.bounders.lagrangian.relaxation import Relaxation, SolverResult

Array = Any


def relaxed(relaxation: Relaxation, found: SolverResult) -> Array:
    """Return the coordinates of the relaxed solution, of shape (B, k)."""
    out = np.zeros((len(found.p), relaxation.structure.coordinates))
    for g, w, u in zip(relaxation.groups, found.weights, found.samples, strict=True):
        count = 2 if g.kind == BILINEAR else 1
        w = w / w.sum(axis=-1, keepdims=True)
        mean = np.matmul(u[:, :, :count], w[..., None])[..., 0]
        out[:, g.part] = np.concatenate([mean[..., r] for r in range(count)], axis=1)
    return out


def excesses(
    relaxation: Relaxation,
    ranges: RegionRanges,
    added: QuadraticTerms,
    found: SolverResult,
    at: Array,
) -> Array:
    """Return what each coordinate adds beyond its function at the mean, >= 0."""
    out = np.zeros(at.shape)
    for k, g in enumerate(relaxation.groups):
        if g.kind == RANGE_ONLY:
            continue
        c = relaxation.solver.blocks[k].base + relaxation.solver.blocks[k].coefficients(
            found.p
        )
        w, u = found.weights[k], found.samples[k]
        w = w / w.sum(axis=-1, keepdims=True)
        mean = (np.matmul(c[:, :, None, :], u)[:, :, 0] * w).sum(axis=-1)
        z = at[:, g.part]
        if g.kind == BILINEAR:
            a, b = z[:, : g.size], z[:, g.size :]
            own = c[..., 0] * a + c[..., 1] * b + c[..., 2] * a * b
            _share(out, relaxation, g, ranges, mean - own)
            continue
        curves = relaxation.forward.curves[k]
        assert curves is not None
        own = (curves.values(z, z > 0) * c[..., : g.count]).sum(axis=-1)
        for i, (_, weights) in enumerate(added.rows[k]):
            own = own + c[..., g.count + i] * weights * (z - added.centres[k]) ** 2
        out[:, g.part] += np.maximum(mean - own, 0.0)
    out = np.maximum(np.nan_to_num(out), 0.0)
    for e, pair in zip(relaxation.energies, added.fitted, strict=True):
        if pair is not None:
            _slack(out, relaxation, e, pair, added, found, at)
    return out


def wanted(
    relaxation: Relaxation, added: QuadraticTerms, found: SolverResult, some: Array
) -> Array:
    """Return better weights of chosen energies, given those used.

    The bound falls with the weight of an atom whose second moment in the relaxed
    solution is larger than it can be, and rises with that of others.
    """
    out = some.copy()
    pairs = zip(relaxation.energies, added.moments, strict=True)
    for e, moments in pairs:
        if not e.chosen or moments is None:
            continue
        g, k = relaxation.groups[e.group], e.group
        w = found.weights[k] / found.weights[k].sum(axis=-1, keepdims=True)
        z = found.samples[k][:, :, 0] - added.centres[k][..., None]
        moment = (w * z * z).sum(axis=-1)
        with np.errstate(all="ignore"):
            change = np.clip((moment - moments) / moments, -1.0, 1.0)
        d = out[:, g.part] * np.exp(options.ENERGY_RATE * np.nan_to_num(change))
        d = d / np.maximum(d.max(axis=1, keepdims=True), 1e-300)
        out[:, g.part] = np.maximum(np.round(d, 3), 1e-3)
    return out


def _slack(
    out: Array,
    relaxation: Relaxation,
    e: QuadraticConstraint,
    pair: tuple[Array, Array],
    added: QuadraticTerms,
    found: SolverResult,
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
    where: Any = (slice(None), places)
    np.add.at(out, where, np.maximum(rest, 0.0))


def _share(
    out: Array,
    relaxation: Relaxation,
    g: CoordinateGroup,
    ranges: RegionRanges,
    excess: Array,
) -> None:
    """Give a product's excess to that factor which can be cut and is relatively wider.

    Where neither can be, it goes to what the factors are functions of.

    Shapes: ``out`` (B, k), ``excess`` (B, pairs).
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
            where: Any = (slice(None), below.offset + term.coordinate)
            np.add.at(out, where, part)


def branching_points(
    relaxation: Relaxation,
    ranges: RegionRanges,
    added: QuadraticTerms,
    found: SolverResult,
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
    """Return where each coordinate would be cut, and whether it can be.

    Shapes: all (B, k).
    """
    width = high - low
    place = np.clip(
        at, low + options.CUT_MARGIN * width, high - options.CUT_MARGIN * width
    )
    for k, g in enumerate(relaxation.groups):
        curves = relaxation.forward.curves[k]
        if curves is not None and curves.kinked:
            inside = (low[:, g.part] < 0) & (high[:, g.part] > 0)
            place[:, g.part] = np.where(inside, 0.0, place[:, g.part])
    return place, relaxation.cuttable & (low < place) & (place < high)
