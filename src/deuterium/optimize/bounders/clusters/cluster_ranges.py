"""Ranges of hubs, spokes and features over regions, forward through the rules.

References: H. Schichl and A. Neumaier, "Interval analysis on directed acyclic graphs
for global optimization", Journal of Global Optimization 33, 2005 (the forward part).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.interval.rounding import MIN_NORMAL, gamma
from deuterium.optimize.bounders.clusters.cluster_layout import (
    ClusterLayout,
    ClusterRule,
)
from deuterium.optimize.bounders.clusters.cluster_terms import ONE, Argument, StarTerm
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    RANGE_ONLY,
    Term,
    Univariate,
    thin,
)
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    UnivariateFunctions,
)


@dataclass
class ClusterRanges:
    """What is known of a batch of regions.

    Attributes
    ----------
    low, high : ndarray of shape (B, features)
    open : ndarray of bool, of shape (B, features)
        Where the lower end of a hub or spoke is excluded.
    empty : ndarray of bool, of shape (B,)
        Where what is implied and the region exclude each other.
    """

    low: Array
    high: Array
    open: Array
    empty: Array

    def take(self, rows: Any) -> ClusterRanges:
        """Return some of the regions."""
        parts = self.low, self.high, self.open, self.empty
        return ClusterRanges(*(x[rows] for x in parts))


class ClusterRangePass:
    """Computes ranges.

    Parameters
    ----------
    layout : ClusterLayout
    log_zero_is_minus_inf : bool
        As for `UnivariateFunctions`.
    """

    def __init__(self, layout: ClusterLayout, log_zero_is_minus_inf: bool) -> None:
        self.layout = layout
        self.curves = [
            UnivariateFunctions(b.group, log_zero_is_minus_inf) for b in layout.blocks
        ]
        self._sums: dict[int, ClusterRule] = {}
        self.limits: tuple[Array, Array] | None = None  # proved for the whole domain

    def __call__(self, low: Array, high: Array, opened: Array) -> ClusterRanges:
        """Return ranges over regions: ends of features, infinite where not cut.

        Shapes: all (B, features).
        """
        out = ClusterRanges(
            low.copy(), high.copy(), opened.copy(), np.zeros(len(low), dtype=bool)
        )
        free = [
            k for k, b in enumerate(self.layout.blocks) if b.group.kind == RANGE_ONLY
        ]
        with np.errstate(all="ignore"):
            self._functions(0, out)
            for rule in self.layout.rules:
                while free and free[0] < rule.definition.groups:
                    self._free(free.pop(0), out)
                if rule.definition.is_constraint:
                    continue
                self._narrow(rule, out)
                if rule.definition.is_spoke:
                    self._stars(rule, out)
                else:
                    self._functions(rule.definition.target.group, out)
            for k in free:
                self._free(k, out)
        return out

    def _free(self, k: int, out: ClusterRanges) -> None:
        """Enter the ranges of a group of which only these are known."""
        b = self.layout.blocks[k]
        (node,) = b.group.nodes
        args = [
            self._argument(a, v.shape, out)
            for a, v in zip(b.group.arguments, node.args, strict=True)
        ]
        assert node.op is not None
        found = node.op.enclosure(*args, **node.attrs)
        undefined = interval_arithmetic.is_undefined(found)
        low = np.where(undefined, node.op.lower_bound, found.lower)
        high = np.where(undefined, np.inf, found.upper)
        shape = (len(out.low), *node.shape)
        low, high = (
            np.broadcast_to(x, shape).reshape(len(out.low), -1) for x in (low, high)
        )
        at = b.features(identity(k, b.group.size))
        self._meet(at, low, high, out)
        self._functions(k, out)

    def _argument(
        self, x: Argument, shape: tuple[int, ...], out: ClusterRanges
    ) -> Interval:
        """Return the range of an array of numbers, functions of hubs, or sums."""
        if isinstance(x, Interval):
            return x
        if isinstance(x, Univariate):
            return self._image(x.group, x.image.full, out)
        if id(x) not in self._sums:
            self._sums[id(x)] = self.layout.sum_of(x)
        low, high = self._implied(self._sums[id(x)], out)
        shape = (len(low), *shape)
        return Interval.unchecked(low.reshape(shape), high.reshape(shape))

    def _image(self, k: int, image: Variable, out: ClusterRanges) -> Interval:
        b = self.layout.blocks[k]
        at = b.features(identity(k, b.group.size))
        x = Interval.unchecked(out.low[:, at], out.high[:, at])
        meaning = interpret(topological([image]), _leaf(x), lambda op: op.enclosure)
        found: Interval = meaning[image]
        return found

    # -- functions and products ------------------------------------------------------

    def _functions(self, k: int, out: ClusterRanges) -> None:
        """Enter the ranges of functions of a group's hubs."""
        b = self.layout.blocks[k]
        part = b.parts[0]
        shape = (len(out.low), b.group.size, b.functions)
        low, high = (x[:, part].reshape(shape)[..., 0] for x in (out.low, out.high))
        opened = out.open[:, part].reshape(shape)[..., 0]
        ends = self.curves[k].ranges(low, high, opened)
        for x, found in zip((out.low, out.high), ends, strict=True):
            x[:, part] = found.reshape(len(x), -1)

    def _stars(self, rule: ClusterRule, out: ClusterRanges) -> None:
        """Enter the ranges of functions times spokes, and of their squares."""
        target = rule.definition.target
        assert isinstance(target, StarTerm)
        b = self.layout.blocks[target.group]
        e = Interval.unchecked(out.low[:, rule.target], out.high[:, rule.target])
        for known, power in ((b.linear, 1), (b.quadratic, 2)):
            x = interval_arithmetic.square(e) if power == 2 else e
            for r in known.tolist():
                star = StarTerm(
                    target.group,
                    target.coordinate,
                    np.full(target.size, r),
                    target.spoke,
                    power,
                )
                at = b.features(star)
                if r == ONE:
                    out.low[:, at], out.high[:, at] = x.lower, x.upper
                    continue
                f = b.features(Term(target.group, target.coordinate, star.function))
                own = Interval.unchecked(out.low[:, f], out.high[:, f])
                found = interval_arithmetic.multiply(own, x)
                out.low[:, at], out.high[:, at] = found.lower, found.upper

    # -- affine ----------------------------------------------------------------------

    def _narrow(self, rule: ClusterRule, out: ClusterRanges) -> None:
        self._meet(rule.target, *self._implied(rule, out), out)
        simplex = self.layout.program.simplices.get(rule.definition.target.group)
        if simplex is not None and not rule.definition.is_spoke:
            shape = simplex.node.shape
            t = self._argument(simplex.argument, shape, out)
            p = ops.softmax_last.enclosure(t)
            low = ops.log.enclosure(thin(np.maximum(p.lower, MIN_NORMAL))).lower
            high = ops.log.enclosure(thin(np.maximum(p.upper, MIN_NORMAL))).upper
            low = np.where(p.lower > MIN_NORMAL, low, -np.inf)
            low, high = (x.reshape(len(x), -1) for x in (low, np.minimum(high, 0.0)))
            self._meet(rule.target, low, high, out)

    def _meet(self, at: Array, low: Array, high: Array, out: ClusterRanges) -> None:
        """Cut the ranges of coordinates down to what is implied."""
        if self.limits is not None:
            low = np.maximum(low, self.limits[0][at])
            high = np.minimum(high, self.limits[1][at])
        a, b, opened = out.low[:, at], out.high[:, at], out.open[:, at]
        opened &= ~(low > a)
        a, b = np.maximum(a, low), np.minimum(b, high)
        contradiction = (a > b) | ((a == b) & opened)
        out.empty |= contradiction.any(axis=1)
        b = np.where(contradiction, np.maximum(a, b), b)
        a = np.where(contradiction, b, a)
        out.low[:, at], out.high[:, at] = a, b
        out.open[:, at] = opened & ~contradiction

    def _implied(self, rule: ClusterRule, out: ClusterRanges) -> tuple[Array, Array]:
        """Return the range of an affine function, by centres and radii."""
        shape = (len(out.low), rule.size)
        middle = np.zeros(shape) + rule.constant
        sums = len(rule.parts)
        start = np.abs(rule.constant) * gamma(8 + sums)
        radius = np.zeros(shape) + rule.radius + start
        rising: Array = np.zeros(shape, bool) | (rule.constant - rule.radius >= 0)
        for at, m, inexact in rule.parts:
            a, b = out.low[:, at], out.high[:, at]
            c, r = 0.5 * a + 0.5 * b, (0.5 * b - 0.5 * a) * (1 + gamma(4))
            error = gamma(len(at) + sums + 16)
            r = r + np.abs(c) * error + MIN_NORMAL
            middle = middle + c @ m
            radius = radius + (r @ np.abs(m)) * (1 + error)
            if inexact.any():
                radius = radius + ((np.abs(c) + r) @ inexact) * (1 + error)
            rises = np.all(m - inexact >= 0, axis=0)
            rising &= rises & np.all(a >= 0, axis=1)[:, None]
        radius = (
            radius * (1 + gamma(32 + sums)) + np.abs(middle) * gamma(32) + MIN_NORMAL
        )
        low = middle - radius
        return np.where(rising, np.maximum(low, 0.0), low), middle + radius


def identity(k: int, size: int) -> Term:
    """Return the hubs of a group themselves."""
    return Term(k, np.arange(size), np.zeros(size, dtype=int))


def _leaf(x: Interval) -> Any:
    def leaf(v: Variable) -> Interval:
        if v.is_symbol:
            return x
        value = np.asarray(v.value, dtype=float)
        return Interval.unchecked(value, value)

    return leaf
