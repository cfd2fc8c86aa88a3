"""The rigorous value of the Lagrangian bound for given multipliers."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.interval.rounding import MIN_NORMAL, TINY, add_up, gamma
from deuterium.optimize.bounders.clusters.certified_maxima import (
    CertifiedMaxima,
    ClusterProblem,
)
from deuterium.optimize.bounders.clusters.cluster_layout import (
    ClusterLayout,
    ClusterRule,
)
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges
from deuterium.optimize.bounders.clusters.cluster_terms import ONE
from deuterium.optimize.bounders.clusters.energy_weights import ProvedEnergy


class _Sums:
    """Coefficients of features, with bounds of their rounding errors."""

    def __init__(self, layout: ClusterLayout, batch: int) -> None:
        shape = (batch, layout.features)
        self.value, self.size = np.zeros(shape), np.zeros(shape)
        self.radius = np.zeros(shape)
        self.rounded = np.zeros(layout.features, dtype=bool)
        self.count = 32

    def add(
        self, at: Array, x: Array, size: Array, radius: Any = 0.0, exact: bool = False
    ) -> None:
        """Add to features, each named once; ``size`` bounds what was summed."""
        self.rounded[at] |= (not exact) | self.size[:, at].any(axis=0)
        self.value[:, at] += x
        self.size[:, at] += size
        self.radius[:, at] += radius
        self.count += 1

    @property
    def lost(self) -> Array:
        """Bounds of the errors; a number that was not touched has none."""
        lost = self.size * gamma(self.count + 64) + self.count * TINY
        return np.where(self.rounded & (self.size > 0), lost, 0.0) + self.radius


class CertifiedBound:
    """Evaluates bounds of R over batches of regions.

    Parameters
    ----------
    layout : ClusterLayout
    maxima : list of CertifiedMaxima
        One for each block.
    """

    def __init__(self, layout: ClusterLayout, maxima: list[CertifiedMaxima]) -> None:
        self.layout, self.maxima = layout, maxima

    def __call__(
        self,
        ranges: ClusterRanges,
        p: Array,
        energies: list[ProvedEnergy | None],
    ) -> Array:
        """Return certified upper bounds, of shape (B,).

        Shapes: ``p`` (B, multipliers).
        """
        batch = len(p)
        sums = _Sums(self.layout, batch)
        constant: Array = np.zeros(batch) + self.layout.constant
        size: Array = np.abs(constant)
        error: Array = np.zeros(batch) + self.layout.radius
        with np.errstate(all="ignore"):
            for at, m, radius in self.layout.objective:
                sums.add(at, m[:, 0], np.abs(m[:, 0]), radius[:, 0], True)
            for rule, energy in zip(self.layout.rules, energies, strict=True):
                own = p[:, rule.multipliers]
                constant = constant + own @ rule.constant
                size = size + np.abs(own) @ np.abs(rule.constant) * (rule.size + 8)
                error = error + np.abs(own) @ rule.radius
                self._definition(rule, own, sums)
                if energy is not None:
                    more, most, wrong = self._energy(rule, energy, ranges, sums)
                    constant, size, error = constant + more, size + most, error + wrong
            far = np.maximum(np.abs(ranges.low), np.abs(ranges.high))
            lost = sums.lost
            wrong = np.where(lost > 0, lost * far, 0.0).sum(axis=1)
            # products that underflow are multiplied by what may be huge
            known = np.where(np.isfinite(far), far, 0.0).sum(axis=1)
            wrong = wrong + known * (self.layout.multipliers + 64) * TINY
            total, count = constant, 64 + self.layout.features
            size = size * (1 + gamma(64))
            for maximum in self.maxima:
                most = self._block(maximum, sums.value, ranges)
                total = total + most.sum(axis=1)
                size = size + np.abs(most).sum(axis=1)
            slack = (error + wrong + size * gamma(count)) * 1.0001
            upper = add_up(total, slack + MIN_NORMAL)
        return np.where(np.isnan(upper), np.inf, upper)

    def _definition(self, rule: ClusterRule, p: Array, sums: _Sums) -> None:
        if len(rule.target):
            sums.add(rule.target, -p, np.abs(p), exact=True)
        sure = np.abs(p)
        for at, m, radius in rule.parts:
            size = sure @ np.abs(m).T * (rule.size + 8)
            sums.add(at, p @ m.T, size, sure @ radius.T * (1 + gamma(rule.size + 8)))

    def _energy(
        self, rule: ClusterRule, e: ProvedEnergy, ranges: ClusterRanges, sums: _Sums
    ) -> tuple[Array, Array, Array]:
        """Add an energy; return its constant, its size, and the error of centres."""
        assert rule.squares is not None
        sums.add(rule.squares[0], -e.nu, e.nu, exact=True)
        if e.kappa is not None and rule.corners is not None:
            sums.add(rule.squares[0], -e.kappa, e.kappa, exact=True)
            at, m, radius = rule.parts[0]
            # squares of sums of two: three roundings, and what m and b may be off
            size = np.square(np.abs(m) + np.abs(rule.constant))
            wide = radius + rule.radius
            wrong = size * gamma(8) + wide * (2 * np.sqrt(size) + wide) * (1 + gamma(8))
            more = e.kappa @ size.T * (rule.size + 8)
            sums.add(at, e.kappa @ rule.corners.T, more, e.kappa @ wrong.T * 1.0001)
        moved = 2 * e.nu * e.u0
        sums.add(rule.target, moved, 4 * np.abs(moved))
        first = 0
        for (at, _, _), squares in zip(rule.parts, rule.squares[1:], strict=True):
            d, c = (x[:, first : first + len(at)] for x in (e.above, e.centre))
            sums.add(squares, d, d, exact=True)
            sums.add(at, -2 * d * c, 8 * np.abs(d * c))
            first += len(at)
        gained, taken = e.above * e.centre**2, e.nu * e.u0**2
        constant = gained.sum(axis=1) - taken.sum(axis=1)
        count = 8 + gained.shape[1] + taken.shape[1]
        size = (gained.sum(axis=1) + taken.sum(axis=1)) * count
        low, high = ranges.low[:, rule.target], ranges.high[:, rule.target]
        reach = 2 * (np.maximum(np.abs(low), np.abs(high)) + np.abs(e.u0) + e.off)
        return constant, size, (e.nu * e.off * reach).sum(axis=1) * (1 + gamma(count))

    def _block(
        self, maximum: CertifiedMaxima, c: Array, ranges: ClusterRanges
    ) -> Array:
        """Return certified maxima of a block's clusters, of shape (B, hubs)."""
        b = maximum.block
        batch, hubs, spokes = len(c), b.group.size, len(b.hub_of)
        part, lin, quad = b.parts
        shape = (batch, hubs, b.functions)
        low, high, opened = (
            x[:, part].reshape(shape)[..., 0].ravel()
            for x in (ranges.low, ranges.high, ranges.open)
        )
        ends = [np.zeros(0)] * 2
        if spokes:
            place = int(np.searchsorted(b.linear, ONE))
            ends = [
                x[:, lin].reshape(batch, spokes, -1)[..., place].ravel()
                for x in (ranges.low, ranges.high)
            ]
        load = ClusterProblem(
            c[:, part].reshape(batch * hubs, -1),
            c[:, lin].reshape(batch * spokes, len(b.linear)),
            c[:, quad].reshape(batch * spokes, len(b.quadratic)),
            low,
            high,
            opened,
            *ends,
        )
        return maximum(load).reshape(batch, hubs)
