"""Ranges of all coordinates and functions over regions, forward through the groups.

References: H. Schichl and A. Neumaier, "Interval analysis on directed acyclic graphs
for global optimization", Journal of Global Optimization 33, 2005 (the forward part).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import topological
from deuterium.interval import Interval, interval_arithmetic
from deuterium.interval.rounding import MIN_NORMAL, gamma
from deuterium.optimize.bounders.lagrangian.auxiliary_variables import FactoredGraph
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    BILINEAR,
    INPUT,
    RANGE_ONLY,
    AffineForm,
    CoordinateGroup,
)
from deuterium.optimize.bounders.lagrangian.multiplier_system import centred
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    UnivariateFunctions,
)

Array = Any


@dataclass
class RegionRanges:
    """What is known of a batch of regions.

    Attributes
    ----------
    low, high : ndarray of shape (B, k)
        Of the coordinates: implied by the inputs, and within the regions.
    open : ndarray of bool, of shape (B, k)
        Where the lower end is excluded.
    functions : list of pair of ndarray of shape (B, m, R)
        Of the functions of each group.
    empty : ndarray of bool, of shape (B,)
        Where what is implied and the region exclude each other.
    """

    low: Array
    high: Array
    open: Array
    functions: list[tuple[Array, Array]]
    empty: Array


class RangePropagation:
    """Computes ranges.

    Parameters
    ----------
    structure : FactoredGraph
    log_zero_is_minus_inf : bool
        As for `UnivariateFunctions`.
    """

    def __init__(self, structure: FactoredGraph, log_zero_is_minus_inf: bool) -> None:
        self.groups, self.coordinates = structure.groups, structure.coordinates
        self.curves = [
            None
            if g.kind == BILINEAR
            else UnivariateFunctions(g, log_zero_is_minus_inf)
            for g in structure.groups
        ]
        self.limits: tuple[Array, Array] | None = None  # proved for the whole domain
        self._rows = {
            id(d): [(t, _row(c)) for t, c in d.parts.items()]
            for g in self.groups
            for d in g.definitions
        }

    def __call__(self, low: Array, high: Array, opened: Array) -> RegionRanges:
        """Return ranges over regions, whose inputs must be as given.

        Shapes: all (B, k).
        """
        low, high, opened = low.copy(), high.copy(), opened.copy()
        out = RegionRanges(low, high, opened, [], np.zeros(len(low), dtype=bool))
        with np.errstate(all="ignore"):
            for g, curves in zip(self.groups, self.curves, strict=True):
                if g.kind != INPUT:
                    implied = self._implied(g, out)
                    if self.limits is not None:
                        least, most = (x[g.part] for x in self.limits)
                        implied = (
                            np.maximum(implied[0], least),
                            np.minimum(implied[1], most),
                        )
                    self._narrow(g, *implied, out)
                a, b = low[:, g.part], high[:, g.part]
                if curves is None:
                    out.functions.append(_products(a, b, g.size))
                else:
                    out.functions.append(curves.ranges(a, b, opened[:, g.part]))
        return out

    def _narrow(
        self, g: CoordinateGroup, low: Array, high: Array, out: RegionRanges
    ) -> None:
        a, b = out.low[:, g.part], out.high[:, g.part]
        above = low > a
        out.open[:, g.part] &= ~above
        a = np.where(above, low, a)
        b = np.where(high < b, high, b)
        contradiction = (a > b) | ((a == b) & out.open[:, g.part])
        out.empty |= contradiction.any(axis=1)
        b = np.where(contradiction, np.maximum(a, b), b)
        a = np.where(contradiction, b, a)
        out.open[:, g.part] &= ~contradiction
        out.low[:, g.part], out.high[:, g.part] = a, b

    def _implied(self, g: CoordinateGroup, out: RegionRanges) -> tuple[Array, Array]:
        if g.kind == RANGE_ONLY:
            return self._free(g, out)
        ends = [self._affine(d, out) for d in g.definitions]
        low = np.concatenate([e[0] for e in ends], axis=1)
        return low, np.concatenate([e[1] for e in ends], axis=1)

    def _affine(self, d: AffineForm, out: RegionRanges) -> tuple[Array, Array]:
        """Return the range of an affine function, by centres and radii."""
        centre, spread = centred(d.constant)
        middle = np.zeros((len(out.low), len(centre))) + centre
        radius: Array = spread + np.abs(centre) * gamma(8) + MIN_NORMAL
        radius = np.zeros(middle.shape) + radius
        rising: Any = centre - spread >= 0
        for term, (matrix, size, inexact) in self._rows[id(d)]:
            low, high = out.functions[term.group]
            a = low[:, term.coordinate, term.function]
            b = high[:, term.coordinate, term.function]
            error = gamma(term.size + 16)
            c, r = 0.5 * a + 0.5 * b, (0.5 * b - 0.5 * a) * (1 + gamma(4))
            r = r + np.abs(c) * error + MIN_NORMAL
            middle = middle + c @ matrix
            if inexact is None:
                rising = rising & (a >= 0).all(axis=1)[:, None]
                rising = rising & (matrix >= 0).all(axis=0)
            else:
                rising = False
            radius = radius + (r @ size) * (1 + error)
            if inexact is not None:
                radius = radius + (np.abs(c) + r) @ inexact * (1 + error)
        radius = radius * (1 + gamma(32)) + np.abs(middle) * gamma(32)
        low = middle - radius
        return np.where(rising, np.maximum(low, 0.0), low), middle + radius

    def _free(self, g: CoordinateGroup, out: RegionRanges) -> tuple[Array, Array]:
        (node,) = g.nodes
        assert node.op is not None
        args = []
        for a in g.arguments:
            if isinstance(a, Interval):
                args.append(a)
                continue
            group, _, image = a
            part = self.groups[group].part
            x = Interval.unchecked(out.low[:, part], out.high[:, part])
            order = topological([image.full])
            meaning = interpret(order, _leaf(x), lambda op: op.enclosure)
            args.append(meaning[image.full])
        found = node.op.enclosure(*args, **node.attrs)
        undefined = interval_arithmetic.is_undefined(found)
        least = np.where(undefined, node.op.lower_bound, found.lower)
        most = np.where(undefined, np.inf, found.upper)
        shape = (len(out.low), g.size)
        low = np.broadcast_to(least, (len(out.low), *node.shape))
        high = np.broadcast_to(most, (len(out.low), *node.shape))
        return low.reshape(shape), high.reshape(shape)


def _leaf(x: Interval) -> Any:
    def leaf(v: Any) -> Interval:
        if v.is_symbol:
            return x
        value = np.asarray(v.value, dtype=float)
        return Interval.unchecked(value, value)

    return leaf


def _row(c: Interval) -> tuple[Array, Array, Array | None]:
    middle, radius = centred(c)
    size = np.abs(middle)
    return middle, size, radius if radius.any() else None


def _products(a: Array, b: Array, size: int) -> tuple[Array, Array]:
    """Return the ranges of both factors and of their products.

    Shapes: ``a`` and ``b``, lower and upper ends, (B, 2 * size).
    """
    u = Interval.unchecked(a[:, :size], b[:, :size])
    v = Interval.unchecked(a[:, size:], b[:, size:])
    uv = interval_arithmetic.multiply(u, v)
    low = np.stack([u.lower, v.lower, uv.lower], axis=-1)
    return low, np.stack([u.upper, v.upper, uv.upper], axis=-1)
