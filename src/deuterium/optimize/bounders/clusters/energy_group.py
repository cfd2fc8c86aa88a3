"""Energies whose matrices have one shape, evaluated together.

Of a definition ``u = M' t + b``, with weights nu >= 0, scales r > 0 and centres c:

    sum nu_j (u_j - u0_j)**2 <= sum D_i (t_i - c_i)**2,    u0 = M' c + b,
    D = r * (largest eigenvalue of r**-1/2 M diag(nu) M' r**-1/2).

Steps are made by a smooth bound of the largest eigenvalue of S, ``trace(S**q) **
(1/q)``: it takes a few products of matrices where eigenvectors take ten times as long,
and many large eigenvalues pull at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.cluster_layout import ClusterRule
from deuterium.optimize.bounders.clusters.cluster_options import SQUARINGS
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges

LEAST = 1e-300  # what is divided by, where all is zero


@dataclass(frozen=True)
class EnergyValues:
    """One energy over a batch: its matrix, weights, D and centres."""

    matrix: Array
    nu: Array
    above: Array
    centre: Array


@dataclass(frozen=True)
class EnergyState:
    """Energies of a group over a batch, and what their gradients need.

    Shapes: of nu and u0 (B, E, m), of above, centre and the roots of scales (B, E, n);
    of the products r**-1/2 M nu**1/2 (B, E, n, m), of the smaller Gram matrices and
    of the slopes of their eigenvalues' bound (B, E, k, k).
    """

    nu: Array
    above: Array
    centre: Array
    u0: Array
    root: Array
    inner: Array
    gram: Array
    slope: Array


class EnergyGroup:
    """The energies of some rules, with their parameters and numbers.

    Parameters
    ----------
    rules : list of ClusterRule
    ranges : ClusterRanges
        Over the whole domain, which the units are made of.
    width : ndarray of shape (features,)
    first, number : int
        Its first parameter, and its first number.
    """

    def __init__(
        self,
        rules: list[ClusterRule],
        ranges: ClusterRanges,
        width: Array,
        first: int,
        number: int,
    ) -> None:
        self.matrix = np.stack(
            [np.concatenate([m for _, m, _ in rule.parts]) for rule in rules]
        )
        self.constant = np.stack([rule.constant for rule in rules])
        squares = [r.squares for r in rules if r.squares is not None]
        self._target = np.stack([rule.target for rule in rules])
        self._own_squares = np.stack([s[0] for s in squares])
        self._terms = np.stack(
            [np.concatenate([at for at, _, _ in rule.parts]) for rule in rules]
        )
        self._squares = np.stack([np.concatenate(s[1:]) for s in squares])
        w = width[self._target]
        self.unit = 1.0 / (w * w * np.sqrt(w.shape[1]))
        low, high = ranges.low[0, self._terms], ranges.high[0, self._terms]
        self.middle, self.half = 0.5 * low + 0.5 * high, 0.5 * width[self._terms]
        self.count, self.n, self.m = self.matrix.shape
        rows, terms = self.count * self.m, self.count * self.n
        self.weights = slice(first, first + rows)
        self.scales = slice(first + rows, first + rows + terms)
        self.centres = slice(first + rows + terms, first + rows + 2 * terms)
        self.stop = self.centres.stop
        self.numbers = slice(number, number + 2 * rows + 2 * terms)

    def entries(self) -> Iterator[tuple[Array, Array, float]]:
        """Yield by what factor numbers act on which features."""
        rows, terms = self.count * self.m, self.count * self.n
        at = self.numbers.start
        for features, size, factor in (
            (self._own_squares, rows, -1.0),
            (self._target, rows, 2.0),
            (self._squares, terms, 1.0),
            (self._terms, terms, -2.0),
        ):
            yield features.ravel(), np.arange(at, at + size), factor
            at += size

    def numbers_of(self, i: int) -> Array:
        """Return the numbers of one energy."""
        owner = [np.repeat(np.arange(self.count), k) for k in (self.m, self.n)]
        every = np.concatenate([owner[0], owner[0], owner[1], owner[1]])
        return np.flatnonzero(every == i) + self.numbers.start

    def values(self, s: EnergyState, i: int) -> EnergyValues:
        """Return one of the energies."""
        parts = s.nu[:, i], s.above[:, i], s.centre[:, i]
        return EnergyValues(self.matrix[i], *parts)

    def part(self, i: int, parameters: slice) -> slice:
        """Return which of some parameters belong to one energy."""
        size = (parameters.stop - parameters.start) // self.count
        start: int = parameters.start + i * size
        return slice(start, start + size)

    def at(self, x: Array, smooth: bool) -> EnergyState:
        """Return the energies for given parameters, with D as it is, or smooth."""
        rows, terms = (len(x), self.count, self.m), (len(x), self.count, self.n)
        nu = np.exp(x[:, self.weights]).reshape(rows) * self.unit
        centre = x[:, self.centres].reshape(terms) * self.half + self.middle
        root = np.exp(-0.5 * x[:, self.scales]).reshape(terms)
        inner = self.matrix * root[..., None]
        inner *= np.sqrt(nu)[..., None, :]
        turned = inner.swapaxes(-1, -2)
        gram = inner @ turned if self.n <= self.m else turned @ inner
        top, slope = _smooth_top(gram) if smooth else (_top(gram), gram)
        above = top[..., None] / (root * root)
        u0 = (centre[..., None, :] @ self.matrix)[..., 0, :] + self.constant
        return EnergyState(nu, above, centre, u0, root, inner, gram, slope)

    def enter(self, s: EnergyState, y: Array) -> Array:
        """Enter the numbers; return what is added to the constant, of shape (B,)."""
        raised, taken = s.above * s.centre, s.nu * s.u0
        parts = [x.reshape(len(y), -1) for x in (s.nu, taken, s.above, raised)]
        np.concatenate(parts, axis=1, out=y[:, self.numbers])
        gained: Array = (raised * s.centre).sum(axis=(1, 2))
        lost: Array = (taken * s.u0).sum(axis=(1, 2))
        return gained - lost

    def back(self, s: EnergyState, e: Array, gradient: Array) -> None:
        """Enter the gradient, from the numbers that features act on."""
        rows, terms = self.count * self.m, self.count * self.n
        parts = np.split(e[:, self.numbers], np.cumsum([rows, rows, terms]), axis=1)
        # the factors of `entries` are in these
        u2, u = -parts[0].reshape(s.nu.shape), 0.5 * parts[1].reshape(s.nu.shape)
        t2, t = (
            k * x.reshape(s.above.shape) for k, x in ((1.0, parts[2]), (-0.5, parts[3]))
        )
        off = t2 + s.centre * (s.centre - 2 * t)
        own = u2 + s.u0 * (s.u0 - 2 * u)
        total = (off / (s.root * s.root)).sum(axis=-1, keepdims=True)
        if self.n <= self.m:
            by_scale = (s.gram * s.slope).sum(axis=-1)
            by_weight = (s.inner * (s.slope @ s.inner)).sum(axis=-2)
        else:
            by_weight = (s.gram * s.slope).sum(axis=-1)
            by_scale = (s.inner * (s.inner @ s.slope)).sum(axis=-1)
        slack = (2 * s.nu * (u - s.u0))[..., None, :] @ self.matrix.swapaxes(-1, -2)
        by_centre = slack[..., 0, :] - 2 * s.above * (t - s.centre)
        for place, x in (
            (self.weights, by_weight * total - s.nu * own),
            (self.scales, s.above * off - by_scale * total),
            (self.centres, by_centre * self.half),
        ):
            gradient[:, place] = x.reshape(len(gradient), -1)


def _top(gram: Array) -> Array:
    """Return the largest eigenvalues."""
    finite = np.asarray(np.isfinite(gram).all(axis=(-1, -2)))
    known = np.where(finite[..., None, None], gram, 0.0)
    return np.where(finite, np.linalg.eigvalsh(known)[..., -1], np.inf)


def _smooth_top(gram: Array) -> tuple[Array, Array]:
    """Return a smooth bound of the largest eigenvalues, and its derivatives."""
    size = np.maximum(np.trace(gram, axis1=-2, axis2=-1), LEAST)
    s = gram / size[..., None, None]
    power = s
    for _ in range(SQUARINGS):
        power = power @ power
    total = np.maximum((s * power).sum(axis=(-1, -2)), LEAST)
    share = total ** (1.0 / (2**SQUARINGS + 1))
    return size * share, power * (share / total)[..., None, None]
