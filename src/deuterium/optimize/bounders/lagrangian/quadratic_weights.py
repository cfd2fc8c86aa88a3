"""Weights and centres of the quadratic constraints over a batch of regions.

Energies whose sources are inputs are fitted to every region: atoms of which all
functions are constant over it need no weight, and D is the least for the widths the
inputs have there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.interval.rounding import MIN_NORMAL, gamma
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.factored_parts import INPUT, CoordinateGroup
from deuterium.optimize.bounders.lagrangian.multiplier_system import centred
from deuterium.optimize.bounders.lagrangian.quadratic_constraint import (
    QuadraticConstraint,
    verified,
)
from deuterium.optimize.bounders.lagrangian.range_propagation import RegionRanges

Array = Any


@dataclass
class QuadraticTerms:
    """What the energies add, over a batch of regions.

    Attributes
    ----------
    rows : list of list of (int, ndarray of shape (B or 1, m))
        For each group: multipliers, and the weights of ``(z - centre)**2``.
    centres : list of ndarray of shape (B, m)
    error : ndarray of shape (B, energies)
        By how much, for a multiplier of 1, the centres of atoms may be off their
        definitions.
    fitted : list of (ndarray, ndarray) or None
        For each energy d and D if they are the regions' own.
    orders : list of ndarray of int
        In which order proofs have D.
    moments : list of ndarray of shape (B, m) or None
        For those, what the second moments of the atoms about their centres can be.
    """

    rows: list[list[tuple[int, Array]]]
    centres: list[Array]
    error: Array
    fitted: list[tuple[Array, Array] | None]
    moments: list[Array | None]
    orders: list[Array]

    def proof(self, k: int) -> list[Any]:
        """Return what the proof of region k says of the energies."""
        out: list[Any] = []
        for pair, order in zip(self.fitted, self.orders, strict=True):
            if pair is None:
                out.append(None)
            else:
                d, above = pair[0][k].tolist(), pair[1][k, order].tolist()
                out.append([[int(v) if v == int(v) else v for v in d], above])
        return out


def quadratic_terms(
    groups: list[CoordinateGroup],
    energies: list[QuadraticConstraint],
    ranges: RegionRanges,
    wanted: Array,
) -> QuadraticTerms:
    """Return the energies' weights and centres over regions.

    ``wanted``, of shape (B, coordinates): which atoms of chosen energies get weights.
    """
    batch = len(ranges.low)
    centres = [np.zeros((batch, g.size)) for g in groups]
    for g, c in zip(groups, centres, strict=True):
        if g.kind == INPUT:
            c[:] = 0.5 * ranges.low[:, g.part] + 0.5 * ranges.high[:, g.part]
    out = QuadraticTerms(
        [[] for _ in groups],
        centres,
        np.zeros((batch, len(energies))),
        [],
        [],
        [e.order for e in energies],
    )
    for k, e in enumerate(energies):
        pair, moments = None, None
        if e.is_plain:
            pair, moments = _fitted(groups, e, ranges, wanted)
        out.fitted.append(pair)
        out.moments.append(moments)
        weights = e.weights[None] if pair is None else pair[0]
        out.rows[e.group].append((e.parameter, -weights))
        above = None if pair is None else pair[1]
        for s in e.sources:
            plain = s.square == 0
            if plain.any():
                d = s.weights[None] if above is None else above
                total = np.zeros((len(d), groups[s.term.group].size))
                at: Any = (slice(None), s.term.coordinate[plain])
                np.add.at(total, at, d[:, plain])
                out.rows[s.term.group].append((e.parameter, total))
        out.error[:, k] = _centre(groups, e, ranges, centres, weights)
    return out


def _fitted(
    groups: list[CoordinateGroup],
    e: QuadraticConstraint,
    ranges: RegionRanges,
    wanted: Array,
) -> tuple[tuple[Array, Array], Array]:
    """Return d and D for each region, D of few digits, and moments."""
    low, high = ranges.functions[e.group]
    d = np.any(low[..., 1:] < high[..., 1:], axis=-1).astype(float)
    if e.chosen:
        d = d * wanted[:, groups[e.group].part]
    (source,) = e.sources
    part = groups[source.term.group].part
    width = (ranges.high - ranges.low)[:, part][:, source.term.coordinate]
    width = np.maximum(width, options.THIN_INPUT * width.max(axis=1, keepdims=True))
    width = np.where(width > 0, width, 1.0)
    above, moments = verified(e.matrix, e.radius, d, 0.5 * width, e.vectors)
    known = np.isfinite(above).all(axis=1, keepdims=True)
    # of numbers near the largest: an inequality of no weight, which always holds
    return (np.where(known, d, 0.0), np.where(known, above, 1.0)), moments


def _centre(
    groups: list[CoordinateGroup],
    e: QuadraticConstraint,
    ranges: RegionRanges,
    centres: list[Array],
    weights: Array,
) -> Array:
    """Enter the centres of an energy's atoms; return a bound of their effect's error.

    That is of ``sum_j d_j |z0 - centre| (|z - z0| + |z - centre|)``.
    """
    g, batch = groups[e.group], len(ranges.low)
    middle, radius = centred(g.definitions[0].constant)
    z0 = np.zeros((batch, g.size)) + middle
    total = np.zeros((batch, g.size)) + np.abs(middle)
    spread = radius * np.ones((batch, 1))
    count = 16
    for s in e.sources:
        matrix, inexact = centred(g.definitions[0].parts[s.term])
        own = centres[s.term.group][:, s.term.coordinate]
        t = np.where(s.square == 0, own, s.centre)
        z0 = z0 + t @ matrix
        total = total + np.abs(t) @ np.abs(matrix)
        spread = spread + np.abs(t) @ inexact
        count += s.term.size
    centres[e.group] = z0
    off = (total * gamma(count) + spread + MIN_NORMAL) * (1 + gamma(count))
    far = np.maximum(np.abs(ranges.low), np.abs(ranges.high))[:, g.part]
    reach = 2 * (far + np.abs(z0) + off)
    return (off * reach * weights).sum(axis=1) * (1 + gamma(count))
