"""The functions of one pre-activation behind `one_feature`, and their tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium.bound import Box, enclose
from deuterium.functions.movement import concatenate
from deuterium.graph.variable import Variable, constant, symbol
from deuterium.transform import grad

if TYPE_CHECKING:
    from deuterium.privacy.one_feature import OneFeature

__all__ = ["NOT", "SLACK", "Tables", "total"]

Array = Any

NODES = 96  # pieces of a pre-activation's range
COARSE, LEAST = 64, 0.15  # where to put them: equal pieces, and a least density
SLACK = 1e-12
NOT = -1e30  # in place of alpha, where a second record would leave its range


class Tables:
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
        for image, weight in zip(feature.images, feature.weights, strict=True):
            rest = weight[:, n] + weight[:, others] @ feature.most[others]
            rest, own = constant(rest * (1 + SLACK)), constant(weight[:, j])
            phi, phi2 = image, image.subs({z: shifted})
            alpha = alpha + (rest + own * c * c) * phi * phi
            gamma = gamma + (rest + own * c2 * c2) * phi2 * phi2
            beta = beta + (rest + own * c * c2) * phi * phi2
        free, lone = feature.free, float(feature.free[j])
        plain = float(free[n] + free[others] @ feature.most[others]) * (1 + SLACK)
        share = 1.0 / z.size  # what belongs to no k is dealt out to all
        alpha = alpha + share * (plain + lone * c * c)
        gamma = gamma + share * (plain + lone * c2 * c2)
        beta = beta + share * (plain + lone * c * c2)
        w = constant(layer.weight)
        value, value2 = layer.value, layer.value.subs({z: shifted})
        five = [alpha, gamma, beta, w * value, w * (value2 - value)]
        self.value = _joined(five)
        self.curved = [
            _joined([_second(f, s) for f in five]) for s in (self.z, self.tau)
        ]

    def table(self, tau: tuple[float, float]) -> Array:
        """Return the five functions at nodes, with what lies between them."""
        feature = self.feature
        size = len(feature.bottom)
        z = self.nodes
        width = (z[1:] - z[:-1]) * (1 + SLACK)
        ends = np.array(tau)
        point = Box({self.z: (z, z), self.tau: (ends[:, None, None],) * 2})
        whole = {self.z: (z[:-1], z[1:])}
        box = Box({**whole, self.tau: tau})
        value = enclose(self.value, point)  # (2, nodes, 5 H)
        curved = [enclose(f, box) for f in self.curved]  # (pieces, 5 H)
        steps = np.tile(width, (1, 5)), np.full(5 * size, tau[1] - tau[0])
        bent = [np.maximum(np.abs(c.lower), np.abs(c.upper)) for c in curved]
        sag = steps[0] ** 2 / 8 * bent[0] + steps[1] ** 2 / 8 * bent[1]
        if not np.isfinite(sag).all():
            return self._pieces(z, tau)
        padded = np.concatenate([sag[:1], sag, sag[-1:]])
        near = np.maximum(padded[1:], padded[:-1]) * (1 + 1e-9)  # (nodes, 5 H)
        low, high = (v.reshape(-1, 5, size) for v in (value.lower, value.upper))
        spread = np.concatenate([near, near]).reshape(-1, 5, size) + (high - low)
        return self._assembled((low + high) / 2, spread, np.concatenate([z, z]), tau)

    @cached_property
    def nodes(self) -> Array:
        """Nodes that lie close where the functions are curved, for each k."""
        low, high = self.feature.bottom, self.feature.top
        z = low + (high - low) * np.linspace(0, 1, COARSE + 1)[:, None]
        whole = (0.0, self.width)
        box = Box({self.z: (z[:-1], z[1:]), self.tau: whole})
        found = enclose(self.curved[0], box)
        size = np.maximum(np.abs(found.lower), np.abs(found.upper))
        size = np.where(np.isfinite(size), size, 0.0).reshape(COARSE, 5, -1)
        size /= size.max(axis=0, keepdims=True, initial=1e-300)
        density = np.sqrt(size.sum(axis=1)) + LEAST  # (pieces, H)
        mass = np.concatenate([0 * density[:1], np.cumsum(density, axis=0)])
        even = np.linspace(0, 1, NODES + 1)
        nodes = np.stack(
            [np.interp(even * m[-1], m, zk) for m, zk in zip(mass.T, z.T, strict=True)],
            axis=1,
        )
        nodes[0], nodes[-1] = low, high
        return nodes

    def _pieces(self, z: Array, tau: tuple[float, float]) -> Array:
        """Return ranges over pieces, where there are kinks."""
        box = Box({self.z: (z[:-1], z[1:]), self.tau: tau})
        found = enclose(self.value, box)
        size = z.shape[1]
        low, high = (v.reshape(-1, 5, size) for v in (found.lower, found.upper))
        middle = (z[:-1] + z[1:]) / 2
        return self._assembled((low + high) / 2, (high - low) * 0.5000001, middle, tau)

    def _assembled(
        self, value: Array, spread: Array, z: Array, tau: tuple[float, float]
    ) -> Array:
        """Return alpha and gamma from above, the others with their radii."""
        feature = self.feature
        spread = spread + SLACK * np.abs(value)
        spread[:, 2] += SLACK * (np.abs(value[:, 0]) + np.abs(value[:, 1]))
        m = feature.layer.matrix[:, self.j]
        step = np.diff(self.nodes, axis=0).max(axis=0)
        second = [z + t * m for t in tau]
        outside = np.minimum(*second) > feature.top + step
        outside |= np.maximum(*second) < feature.bottom - step
        above = value[:, :2] + spread[:, :2]
        above[:, 0][outside] = NOT
        columns = [above, value[:, 2:], spread[:, 2:]]
        whole = np.concatenate(columns, axis=1)  # (rows, 8, H)
        return np.ascontiguousarray(np.moveaxis(whole, 0, -1))  # (8, H, rows)


def _joined(parts: Sequence[Variable]) -> Variable:
    whole: Any = concatenate(list(parts))
    return whole  # type: ignore[no-any-return]


def _second(f: Variable, by: Variable) -> Variable:
    first = grad(f.sum(), by)
    found: Variable = grad(first.sum(), by)
    return found


def total(table: Array, place: int, radius: int) -> tuple[float, float]:
    """Return the range of a sum over k."""
    value, spread = table[place], table[radius]
    return float((value - spread).min(axis=1).sum()), float(
        (value + spread).max(axis=1).sum()
    )
