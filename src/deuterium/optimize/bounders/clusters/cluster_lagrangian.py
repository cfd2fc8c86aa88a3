"""The Lagrangian of a batch of regions: its value on samples, and its gradient.

For multipliers p of the definitions, and of each energy weights nu >= 0, scales r and
centres c,

    sup R <= constant + sum over hubs of max over z of
             psi(z) + sum over its spokes of max over e of A(z) e**2 + B(z) e,

psi, A and B being combinations of functions of z with the features' coefficients.  At
fixed z a spoke's maximum is at an end or at the vertex.  Here z is sampled, and maxima
over samples are smoothed; what is found is evaluated rigorously elsewhere.

Energies of a definition ``u = M' t + b``:

    sum nu_j (u_j - u0_j)**2 <= sum D_i (t_i - c_i)**2,    u0 = M' c + b,
    D = r * (largest eigenvalue of r**-1/2 M diag(nu) M' r**-1/2).

If the terms are all elements p of a softmax, also ``sum kappa_j u_j**2 <= sum_k p_k
sum_j kappa_j (M_kj + b_j)**2``: a convex function of p is below the plane through its
values at the corners of the simplex.

The gradient needs no more than the maximisers (J. M. Danskin, The Theory of Max-Min,
1967): in p it is by how much they miss the definitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.cluster_layout import (
    ClusterLayout,
    ClusterRule,
)
from deuterium.optimize.bounders.clusters.cluster_options import (
    NARROW,
    WIDE,
)
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges
from deuterium.optimize.bounders.clusters.cluster_samples import ClusterSamples
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    CellTable,
    UnivariateFunctions,
)


@dataclass(frozen=True)
class EnergyPlaces:
    """Where the parameters of an energy are: weights, scales, centres, corners."""

    weights: slice
    scales: slice
    centres: slice
    corners: slice | None


class ParameterPlaces:
    """Where the parameters of all rules are in a row of them.

    Parameters
    ----------
    layout : ClusterLayout
    """

    def __init__(self, layout: ClusterLayout) -> None:
        at = layout.multipliers
        self.energies: list[EnergyPlaces | None] = []
        for rule in layout.rules:
            if rule.squares is None:
                self.energies.append(None)
                continue
            n = sum(len(f) for f, _, _ in rule.parts)
            a, b, c = at + rule.size, at + rule.size + n, at + rule.size + 2 * n
            d = c if rule.corners is None else c + rule.size
            corners = None if d == c else slice(c, d)
            places = EnergyPlaces(slice(at, a), slice(a, b), slice(b, c), corners)
            self.energies.append(places)
            at = d
        self.size = at


@dataclass
class Units:
    """Natural units of the parameters over a batch of regions, one row or all alike.

    Attributes
    ----------
    multiplier, weight : list of ndarray of shape (1 or B, m)
    is_log : list of bool
        Whether the multipliers of a rule are ``unit * exp(parameter)``: those of sums,
        whose users only rise.
    middle, half : list of ndarray of shape (1 or B, n), or None
        Of the terms of energies.
    """

    multiplier: list[Array]
    weight: list[Array]
    middle: list[Any]
    half: list[Any]
    is_log: list[bool]


def units_of(layout: ClusterLayout, ranges: ClusterRanges) -> Units:
    """Return units in which multipliers of all rules are of one size.

    A multiplier is divided by the range of what it belongs to, and by the root of how
    many there are.
    """
    width = np.clip(ranges.high - ranges.low, NARROW, WIDE)
    found = Units([], [], [], [], [False] * len(layout.rules))
    for rule in layout.rules:
        root = np.sqrt(rule.size)
        w = width[:, rule.target] if len(rule.target) else np.ones((len(width), 1))
        if rule.squares is None and len(rule.target):
            w = np.maximum((ranges.high - ranges.low)[:, rule.target], NARROW)
        idle = not rule.definition.is_spoke and (
            rule.definition.target.group in layout.idle
        )
        found.multiplier.append(0.0 * w if idle else 1.0 / (w * root))
        found.weight.append(1.0 / (w * w * root))
        at = np.concatenate([f for f, _, _ in rule.parts] or [np.zeros(0, int)])
        found.middle.append(0.5 * ranges.low[:, at] + 0.5 * ranges.high[:, at])
        found.half.append(0.5 * width[:, at])
    return found


class ClusterLagrangian:
    """The Lagrangian over one batch of regions.

    Parameters
    ----------
    layout : ClusterLayout
    curves, tables : list of UnivariateFunctions, of CellTable
        Of each block.
    ranges : ClusterRanges
    units : Units
        Those of the whole domain.
    samples : int
        Of each hub.
    """

    def __init__(
        self,
        layout: ClusterLayout,
        curves: list[UnivariateFunctions],
        tables: list[CellTable],
        ranges: ClusterRanges,
        units: Units,
        samples: int,
    ) -> None:
        self.layout, self.units = layout, units
        self.places = ParameterPlaces(layout)
        self.base = np.zeros(layout.features)
        for at, m, _ in layout.objective:
            np.add.at(self.base, at, m[:, 0])
        self.batch = len(ranges.low)
        self.hubs = sum(b.group.size for b in layout.blocks)
        self.blocks = []
        for b, curve, table in zip(layout.blocks, curves, tables, strict=True):
            block = ClusterSamples(b, curve, table, samples)
            block.sample(ranges)
            self.blocks.append(block)

    def __call__(self, x: Array, tau: float) -> tuple[Array, Array]:
        """Return bounds (on the samples), of shape (B,), and their gradients.

        Shapes: ``x`` and the gradients (B, parameters).
        """
        c = np.zeros((len(x), self.layout.features)) + self.base
        value: Array = np.zeros(len(x)) + self.layout.constant
        kept: list[EnergyValues | None] = []
        for k, rule in enumerate(self.layout.rules):
            value = value + self._rule(k, rule, x, c, kept)
        e = np.zeros(c.shape)
        for block in self.blocks:
            value = value + block.maxima(c, tau, e)
        self.coefficients, self.features = c, e
        gradient = np.zeros(x.shape)
        for k, rule in enumerate(self.layout.rules):
            self._back(k, rule, x, e, kept[k], gradient)
        return value, gradient

    # -- one rule --------------------------------------------------------------------

    def _rule(
        self, k: int, rule: ClusterRule, x: Array, c: Array, kept: list[Any]
    ) -> Array:
        """Add a rule's coefficients; return what it adds to the constant."""
        p = self.multipliers(k, rule, x)
        if len(rule.target):
            c[:, rule.target] -= p
        for at, m, _ in rule.parts:
            c[:, at] += p @ m.T
        value: Array = p @ rule.constant
        places = self.places.energies[k]
        if places is None or rule.squares is None:
            kept.append(None)
            return value
        energy = self.energy(k, rule, x)
        kept.append(energy)
        if rule.corners is not None:
            kappa = self.kappa(k, x)
            c[:, rule.squares[0]] -= kappa
            c[:, rule.parts[0][0]] += kappa @ rule.corners.T
        nu, d, centre, u0 = energy.nu, energy.above, energy.centre, energy.u0
        c[:, rule.squares[0]] -= nu
        c[:, rule.target] += 2 * nu * u0
        first = 0
        for (at, _, _), squares in zip(rule.parts, rule.squares[1:], strict=True):
            part = slice(first, first + len(at))
            c[:, squares] += d[:, part]
            c[:, at] -= 2 * (d * centre)[:, part]
            first += len(at)
        total: Array = value + (d * centre**2).sum(1) - (nu * u0**2).sum(1)
        return total

    def multipliers(self, k: int, rule: ClusterRule, x: Array) -> Array:
        """Return the multipliers of a definition for given parameters."""
        own = x[:, rule.multipliers]
        if self.units.is_log[k]:
            own = np.exp(own)
        return own * self.units.multiplier[k]

    def kappa(self, k: int, x: Array) -> Array:
        """Return the weights of a rule's corners for given parameters."""
        places = self.places.energies[k]
        assert places is not None and places.corners is not None
        found: Array = np.exp(x[:, places.corners]) * self.units.weight[k]
        return found

    def energy(self, k: int, rule: ClusterRule, x: Array) -> EnergyValues:
        """Return the energy of a rule for given parameters."""
        places = self.places.energies[k]
        assert places is not None
        nu = np.exp(x[:, places.weights]) * self.units.weight[k]
        centre = self.units.middle[k] + x[:, places.centres] * self.units.half[k]
        matrix = np.concatenate([m for _, m, _ in rule.parts])
        scale = x[:, places.scales]
        root = np.exp(-0.5 * scale)
        inner = root[:, :, None] * matrix * np.sqrt(nu)[:, None, :]
        few = matrix.shape[0] <= matrix.shape[1]
        gram = inner @ inner.swapaxes(1, 2) if few else inner.swapaxes(1, 2) @ inner
        finite = np.isfinite(gram).all(axis=(1, 2))
        values, vectors = np.linalg.eigh(np.where(finite[:, None, None], gram, 0.0))
        top = np.where(finite, values[:, -1], np.inf)
        v = vectors[:, :, -1]
        if not few:
            v = (inner @ v[..., None])[..., 0]
            v = v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-300)
        above = np.exp(scale) * top[:, None]
        u0 = centre @ matrix + rule.constant
        return EnergyValues(matrix, nu, above, centre, u0, root * v, v, scale)

    def _back(
        self,
        k: int,
        rule: ClusterRule,
        x: Array,
        e: Array,
        energy: Any,
        gradient: Array,
    ) -> None:
        """Enter the gradient by a rule's parameters, from the maximisers' features."""
        u = e[:, rule.target]
        miss = rule.constant - u if len(rule.target) else rule.constant + 0.0 * x[:, :1]
        for at, m, _ in rule.parts:
            miss = miss + e[:, at] @ m
        unit = self.units.multiplier[k]
        gradient[:, rule.multipliers] = miss * (
            self.multipliers(k, rule, x) if self.units.is_log[k] else unit
        )
        places = self.places.energies[k]
        if energy is None or places is None or rule.squares is None:
            return
        if rule.corners is not None and places.corners is not None:
            gap = e[:, rule.parts[0][0]] @ rule.corners - e[:, rule.squares[0]]
            gradient[:, places.corners] = self.kappa(k, x) * gap
        at = np.concatenate([f for f, _, _ in rule.parts])
        squares = np.concatenate(rule.squares[1:])
        t, t2 = e[:, at], e[:, squares]
        centre, d, nu, u0 = energy.centre, energy.above, energy.nu, energy.u0
        off = t2 - 2 * centre * t + centre**2
        own = e[:, rule.squares[0]] - 2 * u0 * u + u0**2
        y = energy.scaled @ energy.matrix
        total = (np.exp(energy.scale) * off).sum(1, keepdims=True)
        gradient[:, places.weights] = nu * (y * y * total - own)
        rise = d * off
        gradient[:, places.scales] = rise - energy.vector**2 * rise.sum(
            1, keepdims=True
        )
        by = (2 * nu * (u - u0)) @ energy.matrix.T - 2 * d * (t - centre)
        gradient[:, places.centres] = by * self.units.half[k]


@dataclass(frozen=True)
class EnergyValues:
    """One energy over a batch: its matrix, weights, D, centres and top eigenvector."""

    matrix: Array
    nu: Array
    above: Array
    centre: Array
    u0: Array
    scaled: Array
    vector: Array
    scale: Array
