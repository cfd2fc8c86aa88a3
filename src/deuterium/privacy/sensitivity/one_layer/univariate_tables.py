"""The functions of one pre-activation, and their tables.

Between two nodes a function lies within ``width**2 / 8`` times its largest curvature of
its linear interpolation; where it has a kink, ranges take the place of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose import enclose
from deuterium.functions.joins import concatenate
from deuterium.graph.constructors import constant, symbol
from deuterium.graph.variable import Variable
from deuterium.privacy.sensitivity.one_layer import pair_options as options
from deuterium.transform import grad

if TYPE_CHECKING:
    from deuterium.privacy.sensitivity.one_layer.pair_layer import OneFeature

__all__ = ["NOT", "SLACK", "PairFunctions", "UnivariateTable", "find_kinks"]

SLACK = 1e-12  # relative: far more than sums of some thousand terms lose
NOT = -1e30  # in place of alpha, where a second record would leave its range


@dataclass(frozen=True, eq=False)
class UnivariateTable:
    """The functions over all of z, for one cell of tau.

    Attributes
    ----------
    values : ndarray
        (8, H, rows): alpha and gamma from above; beta, t's parts and those of
        ``t' - t``; and the radii of these three.
    low, high : ndarray
        (rows, H): which z a row is of.
    nodes : int
        The first rows belong to so many nodes, at one end of tau and then at the other,
        and hold for what lies between two nodes by interpolation.  The rest stand by
        themselves.
    late : ndarray
        (5, H, rows): what of the functions' radii is due to the width of tau, about.
    """

    values: Array
    low: Array
    high: Array
    nodes: int
    late: Array

    @property
    def is_empty(self) -> bool:
        """Whether some z is left no value at all: then there is no pair."""
        return not (self.values[0] > NOT / 2).any(axis=1).all()

    def total(self, place: int, radius: int) -> tuple[float, float]:
        """Return the range of a sum over k."""
        value, spread = self.values[place], self.values[radius]
        there = self.values[0] > NOT / 2
        low = np.where(there, value - spread, np.inf).min(axis=1)
        high = np.where(there, value + spread, -np.inf).max(axis=1)
        return float(low.sum()), float(high.sum())

    def within(self, low: Array, high: Array) -> UnivariateTable:
        """Return the same without what matters only outside of ranges of z: (H,) each.

        Pieces between nodes, and rows by themselves, stay if they have more than an
        end in common with a range.
        """
        n = self.nodes
        z = self.low[:n]
        stays = (self.low < high) & (self.high > low)
        if n:
            piece = (z[:-1] < high) & (z[1:] > low)
            none = np.zeros_like(piece[:1])
            ends = np.concatenate([piece, none]) | np.concatenate([none, piece])
            stays[: 2 * n] = np.concatenate([ends, ends])
        values = self.values.copy()
        values[0][~stays.T] = NOT
        return replace(self, values=values)


class PairFunctions:
    """alpha, gamma, beta and t's parts for one feature and side, as graphs."""

    def __init__(self, feature: OneFeature, j: int, side: int) -> None:
        self.feature, self.j = feature, j
        self.width = float(feature.high[j] - feature.low[j])
        layer, z = feature.layer, feature.layer.atoms
        n = layer.matrix.shape[1]
        self.z = z
        self.tau = symbol("tau", shape=z.shape)
        shifted = z + self.tau * constant(layer.matrix[:, j])
        low, high = float(feature.low[j]), float(feature.high[j])
        c = constant(np.full(z.shape, low)) if side == 0 else high - self.tau
        c2 = low + self.tau if side == 0 else constant(np.full(z.shape, high))
        others = np.delete(np.arange(n), j)
        alpha: Any = constant(np.zeros(z.shape))
        gamma, beta = alpha, alpha
        self.shares: list[tuple[Array, Array]] = []
        for image, weight in zip(feature.images, feature.weights, strict=True):
            rest = weight[:, n] + weight[:, others] @ feature.most[others]
            self.shares.append((rest * (1 + SLACK), weight[:, j]))
            rest, own = (constant(v) for v in self.shares[-1])
            phi, phi2 = image, image.subs({z: shifted})
            alpha = alpha + (rest + own * c * c) * phi * phi
            gamma = gamma + (rest + own * c2 * c2) * phi2 * phi2
            beta = beta + (rest + own * c * c2) * phi * phi2
        free, lone = feature.free, float(feature.free[j])
        plain = float(free[n] + free[others] @ feature.most[others]) * (1 + SLACK)
        self.free, self.side = (plain, lone), side
        share = 1.0 / z.size  # what belongs to no k is dealt out to all
        alpha = alpha + share * (plain + lone * c * c)
        gamma = gamma + share * (plain + lone * c2 * c2)
        beta = beta + share * (plain + lone * c * c2)
        w = constant(layer.weight)
        value, value2 = layer.value, layer.value.subs({z: shifted})
        five = [alpha, gamma, beta, w * value, w * (value2 - value)]
        self.value = _joined(five)
        different = feature.curves
        self.places = [
            next(i for i, v in enumerate(different) if v is image)
            for image in feature.images
        ]
        self.images = _joined(different)
        self.images2 = _joined([v.subs({z: shifted}) for v in different])
        self.curved = [
            _joined([second(f, s) for f in five]) for s in (self.z, self.tau)
        ]

    def table(self, tau: tuple[float, float]) -> UnivariateTable:
        """Return the five functions at nodes, with what lies between them."""
        size = len(self.feature.bottom)
        z = self._nodes_at(tau)
        width = (z[1:] - z[:-1]) * (1 + SLACK)
        ends = np.array(tau)
        point = Box({self.z: (z, z), self.tau: (ends[:, None, None],) * 2})
        kinky = self._kinky(z, tau)
        # curvatures where there is a kink are infinite, and slow to find so
        calm, k = kinky.argmin(axis=0), np.arange(size)
        low, high = (np.where(kinky, e[calm, k], e) for e in (z[:-1], z[1:]))
        box = Box({self.z: (low, high), self.tau: tau})
        value = ends_over(self.value, point, (2, len(z)))  # (2, nodes, 5 H)
        curved = [ends_over(f, box, (len(z) - 1,)) for f in self.curved]
        steps = np.tile(width, (1, 5)), np.full(5 * size, tau[1] - tau[0])
        bent = [np.maximum(np.abs(a), np.abs(b)) for a, b in curved]  # (pieces, 5 H)
        with np.errstate(invalid="ignore"):
            sags = [d**2 / 8 * b for d, b in zip(steps, bent, strict=True)]
            sag = np.stack([sags[0] + sags[1], sags[1]], 1)  # (pieces, 2, 5 H)
        sharp = kinky | ~np.isfinite(sag[:, 0]).reshape(-1, 5, size).all(axis=1)
        if sharp.any() and self.kinks.shape[0] == 0:
            return self._pieces(z, tau)
        sag = np.where(np.tile(sharp, (1, 5))[:, None], 0.0, sag)
        padded = np.concatenate([sag[:1], sag, sag[-1:]])
        near = np.maximum(padded[1:], padded[:-1]) * (1 + 1e-9)  # (nodes, 2, 5 H)
        near = np.concatenate([near, near]).reshape(-1, 2, 5, size)
        low, high = (v.reshape(-1, 5, size) for v in value)
        spread = np.stack([near[:, 0] + (high - low), near[:, 1]])
        middle, places = (low + high) / 2, np.concatenate([z, z])
        if not sharp.any():
            return self._assembled(middle, spread, (places, places), tau, z, len(z))
        more, where = self._corners(z, sharp, tau)
        spread = np.concatenate([spread, np.zeros((2, *more.shape))], axis=1)
        rows = tuple(np.concatenate([places, w]) for w in where)
        whole = np.concatenate([middle, more])
        return self._assembled(whole, spread, rows, tau, z, len(z))

    # -- kinks -------------------------------------------------------------------------

    @property
    def kinks(self) -> Array:
        """Between which numbers the images have kinks: (kinks, 2, H)."""
        return self.feature.kinks

    def _nodes_at(self, tau: tuple[float, float]) -> Array:
        """Return the nodes, and more around the kinks of both records."""
        nodes, kinks = self.nodes, self.kinks
        if not len(kinks):
            return nodes
        m = self.feature.layer.matrix[:, self.j]
        moved = np.stack([end - t * m for end in kinks.swapaxes(0, 1) for t in tau])
        low, high = moved.min(axis=0), moved.max(axis=0)  # (kinks, H)
        room = 1e-12 * (1 + np.abs(low) + np.abs(high))
        zone = low - room, (low + high) / 2, high + room
        more = np.concatenate([*kinks.swapaxes(0, 1), *zone])
        more = np.clip(more, nodes[0], nodes[-1])
        return np.sort(np.concatenate([nodes, more]), axis=0)

    def _kinky(self, z: Array, tau: tuple[float, float]) -> Array:
        """Return which pieces hold a kink of either record: (pieces, H)."""
        low, high = z[:-1], z[1:]
        moves = np.multiply.outer(tau, self.feature.layer.matrix[:, self.j])
        low2, high2 = low + moves.min(axis=0), high + moves.max(axis=0)
        found = np.zeros(low.shape, dtype=bool)
        for first, last in self.kinks:
            room = 1e-13 * (1 + np.abs(first) + np.abs(low2) + np.abs(high2))
            found |= (low <= last) & (first <= high)
            found |= (low2 - room <= last) & (first <= high2 + room)
        return found

    def _corners(
        self, z: Array, sharp: Array, tau: tuple[float, float]
    ) -> tuple[Array, tuple[Array, Array]]:
        """Return what the five can be on pieces with kinks: (rows, 5, H), and where.

        The distance is convex in the images and, for given images, in tau: what counts
        is the corners of the images' ranges, at both ends of tau.
        """
        size = z.shape[1]
        count = int(sharp.sum(axis=0).max())
        order = np.argsort(~sharp, axis=0, kind="stable")[:count]  # sharp pieces first
        here = np.take_along_axis(sharp, order, axis=0)  # (count, H)
        low, high = (np.take_along_axis(e, order, axis=0) for e in (z[:-1], z[1:]))
        box = Box({self.z: (low, high), self.tau: tau})
        both = [ends_over(f, box, (count,)) for f in (self.images, self.images2)]
        ends = [np.stack(e).reshape(2, count, -1, size) for e in both]
        # (end, count, image, H), of either record
        rows = []
        images = ends[0].shape[2]
        for corner in np.ndindex((2,) * (2 * images)):
            one, two = (
                np.stack([e[c, :, i] for i, c in enumerate(picked)])
                for e, picked in zip(
                    ends, (corner[:images], corner[images:]), strict=True
                )
            )  # (image, count, H)
            rows += [self._five(one, two, t) for t in tau]
        whole = np.concatenate(rows)  # (corners * count, 5, H)
        absent = np.tile(~here, (len(rows), 1))
        whole[:, 0][absent] = NOT
        whole[:, 1:] = np.where(absent[:, None], 0.0, whole[:, 1:])
        return whole, (np.tile(low, (len(rows), 1)), np.tile(high, (len(rows), 1)))

    def _five(self, one: Array, two: Array, tau: float) -> Array:
        """Return the five functions for given images: (count, 5, H)."""
        feature, j = self.feature, self.j
        low, high = float(feature.low[j]), float(feature.high[j])
        c, c2 = (low, low + tau) if self.side == 0 else (high - tau, high)
        share, (plain, lone) = 1.0 / one.shape[-1], self.free
        alpha = share * (plain + lone * c * c) + np.zeros(one.shape[1:])
        gamma = share * (plain + lone * c2 * c2)
        beta = share * (plain + lone * c * c2)
        for i, (rest, own) in zip(self.places, self.shares, strict=True):
            alpha = alpha + (rest + own * c * c) * one[i] ** 2
            gamma = gamma + (rest + own * c2 * c2) * two[i] ** 2
            beta = beta + (rest + own * c * c2) * one[i] * two[i]
        w = feature.layer.weight
        return np.stack([alpha, gamma, beta, w * one[0], w * (two[0] - one[0])], 1)

    @cached_property
    def nodes(self) -> Array:
        """Nodes that lie close where the functions are curved, for each k."""
        low, high = self.feature.bottom, self.feature.top
        z = low + (high - low) * np.linspace(0, 1, options.EQUAL_PIECES + 1)[:, None]
        whole = (0.0, self.width)
        box = Box({self.z: (z[:-1], z[1:]), self.tau: whole})
        low2, high2 = ends_over(self.curved[0], box, (options.EQUAL_PIECES,))
        size = np.maximum(np.abs(low2), np.abs(high2))
        size = np.where(np.isfinite(size), size, 0.0).reshape(
            options.EQUAL_PIECES, 5, -1
        )
        size /= size.max(axis=0, keepdims=True, initial=1e-300)
        density = np.sqrt(size.sum(axis=1)) + options.LEAST_DENSITY  # (pieces, H)
        mass = np.concatenate([0 * density[:1], np.cumsum(density, axis=0)])
        even = np.linspace(0, 1, options.TABLE_PIECES + 1)
        nodes = np.stack(
            [np.interp(even * m[-1], m, zk) for m, zk in zip(mass.T, z.T, strict=True)],
            axis=1,
        )
        nodes[0], nodes[-1] = low, high
        return nodes

    def _pieces(self, z: Array, tau: tuple[float, float]) -> UnivariateTable:
        """Return ranges over pieces, where there are kinks."""
        box = Box({self.z: (z[:-1], z[1:]), self.tau: tau})
        size = z.shape[1]
        found = ends_over(self.value, box, (len(z) - 1,))
        low, high = (v.reshape(-1, 5, size) for v in found)
        ends = z[:-1], z[1:]
        half = np.stack([(high - low) * 0.5000001] * 2)
        return self._assembled((low + high) / 2, half, ends, tau, z, 0)

    def _assembled(
        self,
        value: Array,
        spread: Array,
        ends: tuple[Array, ...],
        tau: tuple[float, float],
        z: Array,
        nodes: int,
    ) -> UnivariateTable:
        """Return alpha and gamma from above, the others with their radii.

        These, and what of them is due to the width of tau, are given: (2, rows, 5, H).
        """
        feature, (spread, late) = self.feature, spread
        size = np.where(value[:, :1] > NOT / 2, np.abs(value), 0.0)
        spread = spread + SLACK * size
        spread[:, 2] += SLACK * (size[:, 0] + size[:, 1])
        m = feature.layer.matrix[:, self.j]
        step = np.diff(z, axis=0).max(axis=0)
        low, high = ends
        second = [(low + high) / 2 + t * m for t in tau]
        outside = np.minimum(*second) > feature.top + step
        outside |= np.maximum(*second) < feature.bottom - step
        above = value[:, :2] + spread[:, :2]
        # What is no number may be anything: it must not look like a row that is not
        # there, nor like one with a range.
        above[np.isnan(above)] = np.inf
        unknown = np.isnan(value[:, 2:] + spread[:, 2:])
        middle = np.where(unknown, 0.0, value[:, 2:])
        radius = np.where(unknown, np.inf, spread[:, 2:])
        above[:, 0][outside] = NOT
        columns = [above, middle, radius]
        whole = np.concatenate(columns, axis=1)  # (rows, 8, H)
        values = np.ascontiguousarray(np.moveaxis(whole, 0, -1))  # (8, H, rows)
        return UnivariateTable(values, low, high, nodes, np.moveaxis(late, 0, -1))


def _joined(parts: Sequence[Variable]) -> Variable:
    whole: Any = concatenate(list(parts))
    return whole


def second(f: Variable, by: Variable) -> Variable:
    """Return second derivatives of functions of single elements: of their shape."""
    first = grad(f.sum(), by)
    found: Variable = grad(first.sum(), by)
    return found


def ends_over(f: Variable, boxes: Domain, lead: tuple[int, ...]) -> tuple[Array, Array]:
    """Return lower and upper ends over boxes: (*lead, *shape of f) each.

    Also of what does not depend on the boxes, whose ends have the leading axes.
    """
    found = enclose(f, boxes)
    shape = (*lead, *f.shape)
    return np.broadcast_to(found.lower, shape), np.broadcast_to(found.upper, shape)


def find_kinks(f: Variable, z: Variable, low: Array, high: Array) -> Array:
    """Return narrow ranges outside of which functions are smooth: (kinks, 2, H).

    Parameters
    ----------
    f : Variable
        Functions of single elements of ``z``, one after another.
    z : Variable
        The symbol, a vector.
    low, high : ndarray
        Its range.

    Returns
    -------
    ndarray
        Empty if there are no kinks, or too many.
    """
    none = np.zeros((0, 2, z.size))
    curved = second(f, z)

    def sharp(ends: Array) -> Array:
        """Tell which of (pieces, 2, H) may hold a kink."""
        box = Box({z: (ends[:, 0], ends[:, 1])})
        low, high = ends_over(curved, box, (len(ends),))
        finite = np.isfinite(low) & np.isfinite(high)
        found: Array = ~np.all(finite.reshape(len(ends), -1, z.size), axis=1)
        return found

    # uneven, so that no kink lies where two pieces meet
    parts = np.linspace(0, 1, options.EQUAL_PIECES + 1)[:, None] ** 1.0137
    edges = low + (high - low) * parts
    edges[-1] = high
    ends = np.stack([edges[:-1], edges[1:]], axis=1)  # (pieces, 2, H)
    for _ in range(options.KINK_HALVINGS):
        held = sharp(ends)
        count = int(held.sum(axis=0).max())
        if not 0 < count <= options.MOST_KINKS:
            return none
        order = np.argsort(~held, axis=0, kind="stable")[:count]
        ends = np.take_along_axis(ends, order[:, None], axis=0)
        middle = ends[:, 0] + 0.4871 * (ends[:, 1] - ends[:, 0])
        last = ends
        ends = np.concatenate(
            [np.stack([ends[:, 0], middle], 1), np.stack([middle, ends[:, 1]], 1)]
        )
    return last
