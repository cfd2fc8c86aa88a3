"""What the first-order method moves, in natural units, and what it does to features.

Multipliers of all rules come first; then, for energies whose matrices have one shape,
weights, scales and centres, stacked; then weights of corners.  The *numbers* that
follow from them act on the features' coefficients by one sparse matrix, and by its
transpose the maximisers' features on the gradient.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.cluster_layout import (
    ClusterLayout,
    ClusterRule,
)
from deuterium.optimize.bounders.clusters.cluster_options import NARROW, WIDE
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges
from deuterium.optimize.bounders.clusters.energy_group import EnergyGroup


class SolverParameters:
    """Where the parameters are, and their units over the whole domain.

    A multiplier is divided by the range of what it belongs to, and by the root of how
    many there are.

    Parameters
    ----------
    layout : ClusterLayout
    ranges : ClusterRanges
        Over the whole domain, one row.

    Attributes
    ----------
    size : int
        How many there are.
    unit : ndarray of shape (multipliers,)
    is_log : ndarray of bool, of shape (multipliers,)
        Whether a multiplier is ``unit * exp(parameter)``: those of sums, whose users
        only rise.
    groups : list of EnergyGroup
    place : dict of int to (int, int)
        The group of a rule's energy, and which it is there.
    corners : dict of int to slice
        The parameters of a rule's corners.
    kappas : slice
        All of these.
    to_features, from_features : sparse arrays
        Of shapes (features + 1, numbers) and (numbers, features + 1).  The last feature
        is none.
    """

    def __init__(self, layout: ClusterLayout, ranges: ClusterRanges) -> None:
        self.layout, self.multipliers = layout, layout.multipliers
        self.is_log = np.zeros(layout.multipliers, dtype=bool)
        self.unit = np.zeros(layout.multipliers)
        self.constant = np.zeros(layout.multipliers)
        width = np.clip(ranges.high - ranges.low, NARROW, WIDE)[0]
        for rule in layout.rules:
            self.unit[rule.multipliers] = _unit(layout, rule, ranges, width)
            self.constant[rule.multipliers] = rule.constant
        self._enter_groups(ranges, width)
        self._enter_matrix()

    def _enter_groups(self, ranges: ClusterRanges, width: Array) -> None:
        shapes: dict[tuple[int, int], list[int]] = {}
        for k, rule in enumerate(self.layout.rules):
            if rule.squares is not None:
                shape = sum(len(at) for at, _, _ in rule.parts), rule.size
                shapes.setdefault(shape, []).append(k)
        self.groups: list[EnergyGroup] = []
        self.place: dict[int, tuple[int, int]] = {}
        at = number = self.multipliers
        for numbers in shapes.values():
            rules = [self.layout.rules[k] for k in numbers]
            group = EnergyGroup(rules, ranges, width, at, number)
            self.place |= {k: (len(self.groups), i) for i, k in enumerate(numbers)}
            self.groups.append(group)
            at, number = group.stop, group.numbers.stop
        self.corners: dict[int, slice] = {}
        first = at
        for k, rule in enumerate(self.layout.rules):
            if rule.squares is not None and rule.corners is not None:
                self.corners[k] = slice(at, at + rule.size)
                at += rule.size
        self.kappas, self.size = slice(first, at), at
        self.numbers = number + at - first
        units = [self._weight(k) for k in self.corners]
        self.kappa_unit = np.concatenate([np.zeros(0), *units])

    def _weight(self, k: int) -> Array:
        g, i = self.place[k]
        found: Array = self.groups[g].unit[i]
        return found

    def _enter_matrix(self) -> None:
        nothing = np.zeros(0, dtype=int)
        features, numbers, values = [nothing], [nothing], [np.zeros(0)]

        def enter(at: Array, own: Array, value: Array) -> None:
            shape = np.broadcast_shapes(at.shape, own.shape, np.shape(value))
            for out, x in ((features, at), (numbers, own), (values, value)):
                out.append(np.broadcast_to(x, shape).ravel())

        minus = np.array(-1.0)
        for rule in self.layout.rules:
            own = np.arange(rule.first, rule.first + rule.size)
            if len(rule.target):
                enter(rule.target, own, minus)
            for at, m, _ in rule.parts:
                enter(at[:, None], own, m)
        for group in self.groups:
            for at, own, factor in group.entries():
                enter(at, own, np.array(factor))
        start = self.numbers - self.size
        for k, part in self.corners.items():
            rule = self.layout.rules[k]
            assert rule.squares is not None and rule.corners is not None
            own = np.arange(part.start, part.stop) + start
            enter(rule.squares[0], own, minus)
            enter(rule.parts[0][0][:, None], own, rule.corners)
        shape = self.layout.features + 1, self.numbers
        where = np.concatenate(features), np.concatenate(numbers)
        found = coo_array((np.concatenate(values), where), shape)
        self.to_features, self.from_features = found.tocsr(), found.T.tocsr()

    def numbers_of(self, k: int) -> Array:
        """Return the numbers that a rule with an energy has, but its multipliers."""
        g, i = self.place[k]
        own = self.groups[g].numbers_of(i)
        if k not in self.corners:
            return own
        part, shift = self.corners[k], self.numbers - self.size
        return np.append(own, np.arange(part.start, part.stop) + shift)

    # -- what parameters mean ----------------------------------------------------------

    def multipliers_of(self, x: Array) -> Array:
        """Return the multipliers of all rules, of shape (B, multipliers)."""
        p = x[:, : self.multipliers].copy()
        np.exp(p, out=p, where=self.is_log)
        p *= self.unit
        return p

    def kappas_of(self, x: Array) -> Array:
        """Return the weights of all corners."""
        found: Array = np.exp(x[:, self.kappas]) * self.kappa_unit
        return found


def _unit(
    layout: ClusterLayout, rule: ClusterRule, ranges: ClusterRanges, width: Array
) -> Array:
    if not rule.definition.is_spoke and rule.definition.target.group in layout.idle:
        return np.zeros(rule.size)
    w = width[rule.target] if len(rule.target) else np.ones(rule.size)
    if rule.squares is None and len(rule.target):
        w = np.maximum((ranges.high - ranges.low)[0, rule.target], NARROW)
    return 1.0 / (w * np.sqrt(rule.size))
