"""Energies of a few weights each, for solvers that take a step of all multipliers.

Of the definitions ``u = M' t + b`` of one rule,

    sum_j d_j (u_j - u0_j)**2 <= sum_i D_i (t_i - c_i)**2,    u0 = M' c + b,

where c are the middles of ranges and D is nearly the least for their widths: a
dual solution of the semidefinite relaxation of a box (A. Raghunathan, J. Steinhardt and
P. Liang, NeurIPS 2018).  One multiplier scales each; all energies of a rule have the
same centres, so with their multipliers they are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.budget import afford
from deuterium.optimize.bounders.clusters.cluster_layout import (
    ClusterLayout,
    ClusterRule,
)
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges
from deuterium.optimize.bounders.clusters.energy_group import EnergyValues
from deuterium.optimize.bounders.clusters.energy_weights import (
    ProvedEnergy,
    proved_energy,
)
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.dual_diagonal import nearly, start


@dataclass(frozen=True)
class LayerEnergy:
    """An energy whose weights d are given, and one multiplier.

    Attributes
    ----------
    number : int
        Of the rule.
    rule : ClusterRule
    chosen : slice, or None
        Where, in what a region remembers, the weights of the atoms are; else all atoms
        of which a function varies over the region have the weight 1.
    vectors : ndarray
        Where to start from when D is fitted.
    """

    number: int
    rule: ClusterRule
    chosen: slice | None
    vectors: Array

    @property
    def terms(self) -> Array:
        """The features that are the terms t."""
        return np.concatenate([at for at, _, _ in self.rule.parts])

    @property
    def matrix(self) -> Array:
        """M, of shape (terms, atoms)."""
        return np.concatenate([m for _, m, _ in self.rule.parts])


@dataclass(frozen=True)
class FittedEnergy:
    """An energy over a batch of regions.

    Attributes
    ----------
    d, u0, moments : ndarray of shape (B, m)
        The moments are what the second moments of the atoms about u0 can be.
    above, centre : ndarray of shape (B, n)
    """

    d: Array
    above: Array
    centre: Array
    u0: Array
    moments: Array


def layer_energies(layout: ClusterLayout) -> list[LayerEnergy]:
    """Return the energies of all layers of hubs.

    For each one of equal weights, and one whose weights regions choose.
    """
    found: list[LayerEnergy] = []
    first = 0
    for k, rule in enumerate(layout.rules):
        if rule.squares is None or rule.definition.is_spoke or rule.size < 2:
            continue
        matrix = np.concatenate([m for _, m, _ in rule.parts])
        if len(matrix) > options.MOST_ENERGY_TERMS:
            continue
        vectors = start(matrix @ matrix.T)
        if not np.isfinite(vectors).all():
            continue
        chosen = slice(first, first + rule.size)
        found.append(LayerEnergy(k, rule, None, vectors))
        found.append(LayerEnergy(k, rule, chosen, vectors))
        first += rule.size
    return found


def fitted(
    energy: LayerEnergy, layout: ClusterLayout, ranges: ClusterRanges, wanted: Array
) -> FittedEnergy:
    """Return an energy with a D that is nearly the least for a batch of regions."""
    rule, matrix, at = energy.rule, energy.matrix, energy.terms
    low, high = ranges.low[:, at], ranges.high[:, at]
    centre = 0.5 * low + 0.5 * high
    u0 = centre @ matrix + rule.constant
    d = _varies(rule, layout, ranges)
    if energy.chosen is not None:
        d = d * wanted[:, energy.chosen]
    width = 0.5 * high - 0.5 * low
    width = np.maximum(width, options.THIN_INPUT * width.max(axis=1, keepdims=True))
    width = np.where((width > 0) & np.isfinite(width), width, 1.0)
    # only ratios of widths count; an exact factor keeps their squares in range
    width = np.ldexp(width, -np.frexp(width.max(axis=1, keepdims=True))[1])
    n, m = matrix.shape
    afford(len(d) * n * n * (4.0 * m + n), len(d) * n * (3.0 * n + 4.0 * m))
    plain = matrix * width[..., None]
    scaled = plain * np.sqrt(d)[:, None, :]
    above, v = nearly(scaled @ scaled.swapaxes(1, 2), energy.vectors)
    moments = (np.matmul(plain.swapaxes(1, 2), v) ** 2).sum(axis=2)
    above = above / width**2
    known = np.isfinite(above).all(axis=1, keepdims=True)
    d, above = np.where(known, d, 0.0), np.where(known, above, 1.0)
    return FittedEnergy(d, above, centre, u0, moments)


def _varies(rule: ClusterRule, layout: ClusterLayout, ranges: ClusterRanges) -> Array:
    """Return 1 for atoms of which a function varies over a region, else 0."""
    block = layout.blocks[rule.definition.target.group]
    part = block.parts[0]
    shape = (len(ranges.low), block.group.size, block.functions)
    low, high = (x[:, part].reshape(shape)[..., 1:] for x in (ranges.low, ranges.high))
    some = np.any(low < high, axis=-1)
    return some[:, rule.definition.target.coordinate].astype(float)


def rows_of(
    energy: LayerEnergy, fit: FittedEnergy, features: int
) -> tuple[Array, Array]:
    """Return an energy's coefficients of features, and its constant by features.

    Shapes: both (B, features + 1); the last stands for none.
    """
    rule = energy.rule
    assert rule.squares is not None
    squares = np.concatenate(rule.squares[1:])
    weight, constant = np.zeros((2, len(fit.d), features + 1))
    weight[:, rule.squares[0]] -= fit.d
    weight[:, rule.target] += 2 * fit.d * fit.u0
    constant[:, rule.target] -= fit.d * fit.u0**2
    every: Any = (slice(None), energy.terms)
    weight[:, squares] += fit.above
    weight[every] -= 2 * fit.above * fit.centre
    constant[every] += fit.above * fit.centre**2
    return weight, constant


def joined(
    layout: ClusterLayout,
    energies: list[LayerEnergy],
    fits: list[FittedEnergy],
    nu: Array,
) -> list[ProvedEnergy | None]:
    """Return the energies of each rule, times their multipliers, as one that is proved.

    Shapes: ``nu`` (B, energies).
    """
    found: list[ProvedEnergy | None] = [None] * len(layout.rules)
    for number in {e.number for e in energies}:
        mine = [k for k, e in enumerate(energies) if e.number == number]
        d: Any = sum(nu[:, k, None] * fits[k].d for k in mine)
        above: Any = sum(nu[:, k, None] * fits[k].above for k in mine)
        some, fit = energies[mine[0]], fits[mine[0]]
        values = EnergyValues(some.matrix, d, above, fit.centre)
        found[number] = proved_energy(some.rule, values)
    return found


def better_weights(
    energies: list[LayerEnergy],
    fits: list[FittedEnergy],
    moments: list[Array],
    wanted: Array,
) -> Array:
    """Return better weights of chosen energies, given those used.

    The bound falls with the weight of an atom whose second moment about u0, in the
    relaxed solution, is larger than it can be, and rises with that of others.
    """
    out = wanted.copy()
    for e, fit, moment in zip(energies, fits, moments, strict=True):
        if e.chosen is None:
            continue
        with np.errstate(all="ignore"):
            change = np.clip((moment - fit.moments) / fit.moments, -1.0, 1.0)
        d = out[:, e.chosen] * np.exp(options.ENERGY_RATE * np.nan_to_num(change))
        d = d / np.maximum(d.max(axis=1, keepdims=True), 1e-300)
        out[:, e.chosen] = np.maximum(np.round(d, 3), 1e-3)
    return out
