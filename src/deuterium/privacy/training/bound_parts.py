"""What the bounds of networks are made of: ranges, slopes, and their rounding.

Rounding is dealt with in two ways.  Sums whose terms have one sign, products and roots
are off by a factor of ``GROWN`` at most.  A sum of n products with terms of both signs
is off by ``(n + 2) * 2**-53`` times the sum of its terms' absolute values (Higham 2002,
section 3.1, in any order of addition); with n below ``MANY`` that is less than a fifth
of ``LOST`` times it, by which such sums are widened.  Numbers too small to be
represented are made up for by adding ``TINY``, or its square.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose import enclose
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.privacy.sensitivity.neighbours import each_label
from deuterium.privacy.training.network import Layer, Network
from deuterium.transform import grad
from deuterium.transform.simplify.simplify import simplify

__all__ = [
    "LEAST",
    "ONES",
    "Factors",
    "LossSlopes",
    "RecordSet",
    "Weights",
    "active",
    "affine",
    "bias_factor",
    "bias_of",
    "enclosed",
    "flattest",
    "is_finite",
    "spectral",
    "steepest",
]

Array = Any
Weights = Mapping[str, Array]
Factors = Mapping[str, float]
ONES: Factors = {}  # parameters that are not named have the factor 1

HUGE = 1e100  # squared lengths of weights for which no bound is tried
MANY = 10**5  # terms that a sum may have
LOST = 1e-10  # of a sum's absolute terms, by rounding
GROWN = 1 + 1e-10  # pays for the roundings of a sum of positive terms
SLACK = 1e-12  # what a library's tanh or exp may be wrong by, relatively
# of what is taken off the lower end, and added to the upper
SIGNS = np.array([[-1.0], [1.0]])
TINY = 1e-140  # its square can be represented
LEAST = 1e-100  # no bound is smaller: what underflows has no part in it
REACH = 60.0  # logits with which the table of slopes has fine cells
FINE, CELL = 16.0, 1 / 32  # logits either side of zero in fine cells; the width of one
MANY_RANGES = 64  # of which the most is kept


def is_finite(weights: Weights) -> bool:
    """Whether weights are numbers that can be worked with; else there is no bound."""
    return all(float(np.vdot(w, w)) < HUGE for w in weights.values())  # NaN fails, too


def bias_factor(layer: Layer, factors: Factors) -> float:
    """Return the factor of a layer's bias, 0 if it has none."""
    return 0.0 if layer.bias is None else factors.get(layer.bias, 1.0)


def bias_of(layer: Layer, weights: Weights) -> Array | None:
    """Return a layer's bias as a vector: (outputs,)."""
    return None if layer.bias is None else weights[layer.bias].reshape(-1)


class RecordSet:
    """The set of records: a box, or what a box and a ball have in common."""

    def __init__(
        self, low: Array, high: Array, ball: tuple[Array, float] | None = None
    ) -> None:
        self.center = low / 2 + high / 2
        self.radius = np.maximum(high - self.center, self.center - low) * GROWN
        self.most = np.maximum(np.abs(low), np.abs(high))
        self.middle = self.center if self.center.any() else None
        self.ball = ball
        square = float((self.most**2).sum()) * GROWN
        if ball is not None:
            longest = float(np.sqrt((ball[0] ** 2).sum())) + ball[1]
            square = min(square, longest * longest * GROWN)
        self.square = square + TINY**2

    def longest(self, activation: str, w: Array, b: Array | None) -> float:
        """Return the largest length of all hidden values together.

        Weights are (inputs, hidden), the bias is (hidden,) or None.

        Both tanh and relu shorten: ``||h|| <= ||x @ w + b||``.
        """
        if self.ball is None or activation == "expit":
            return float("inf")
        center, radius = self.ball
        middle, slack = center @ w, np.abs(center) @ np.abs(w)
        if b is not None:
            middle, slack = middle + b, slack + np.abs(b)
        middle = np.abs(middle) + LOST * slack
        spread = radius * spectral(w)
        return (float(np.sqrt((middle * middle).sum())) + spread) * GROWN + TINY

    def through(self, w: Array, b: Array | None) -> Array:
        """Return the ends of ``x @ w + b``, rounded outward: (2, outputs)."""
        ends = affine(self.middle, self.radius, w, b)
        if self.ball is None:
            return ends
        center, radius = self.ball
        size = np.abs(w)
        spread = radius * (np.sqrt((w * w).sum(axis=0)) * GROWN + TINY)
        middle, slack = center @ w, np.abs(center) @ size + spread
        if b is not None:
            middle, slack = middle + b, slack + np.abs(b)
        spread = spread + LOST * slack
        near = (
            np.maximum(ends[0], middle - spread),
            np.minimum(ends[1], middle + spread),
        )
        return np.array(near)


def enclosed(v: Variable, domain: Domain) -> Interval:
    """Return the enclosure of a graph in which not all symbols need occur."""
    names = {s.name for s in free_symbols([v])}
    return enclose(
        v,
        Domain(
            {n: c for n, c in domain.constraints.items() if n in names},
            {n: s for n, s in domain.shapes.items() if n in names},
        ),
    )


def affine(center: Array | None, radius: Array, w: Array, b: Array | None) -> Array:
    """Return the ends of ``x @ w + b``, rounded outward: (2, outputs).

    Parameters
    ----------
    center : ndarray or None
        (inputs,), of the ranges of x; None if it is zero.
    radius : ndarray
        (inputs,).
    w : ndarray
        (inputs, outputs).
    b : ndarray or None
        (outputs,).
    """
    size = np.abs(w)
    spread = np.dot(radius, size)
    # with the length of b, no less than any of its elements
    slack = 0.0 if b is None else math.sqrt(np.dot(b, b).item()) * GROWN
    slack = LOST * slack + TINY
    if center is not None:
        spread += LOST * (np.abs(center) @ size)
    spread *= GROWN
    spread += slack
    ends: Array = SIGNS * spread
    if center is not None:
        ends += center @ w if b is None else center @ w + b
    elif b is not None:
        ends += b
    return ends


def active(name: str, ends: Array) -> Array:
    """Return the ends of an activation (increasing, slopes at most 1).

    Those of tanh and expit may lie beyond their least and largest values, by 1e-12.
    """
    if name == "relu":
        found: Array = np.maximum(ends, 0.0)
        return found
    if name == "tanh":
        ends = np.tanh(ends)
    else:
        with np.errstate(over="ignore"):
            ends = 1 / (1 + np.exp(-ends))
    ends += SIGNS * (SLACK * np.abs(ends) + TINY)
    return ends


def steepest(name: str, low: Array, high: Array) -> Array:
    """Return the largest slopes of an activation from the ends of its argument.

    Ends and slopes have one shape; rounded up.
    """
    if name == "relu":
        return np.where(high <= 0, 0.0, 1.0)  # of NaN, too
    # both slopes fall off on either side of zero
    return _slope(name, np.maximum(np.maximum(low, -high), 0.0)) * GROWN + TINY


def flattest(name: str, low: Array, high: Array) -> Array:
    """Return the least slopes of an activation from the ends of its argument.

    Ends and slopes have one shape; rounded down.
    """
    if name == "relu":
        return np.where(low > 0, 1.0, 0.0)
    return _slope(name, np.maximum(-low, high)) * (2 - GROWN)


def _slope(name: str, away: Array) -> Array:
    """Return the slope of tanh or expit so far from zero, to a few ulps."""
    if name == "tanh":
        small = np.exp(-2 * away)
        return 4 * small / (1 + small) ** 2
    small = np.exp(-away)
    return small / (1 + small) ** 2


def spectral(a: Array) -> float:
    """Return a number that the spectral norm of a matrix does not exceed."""
    size = np.abs(a)
    both = a @ a.T if len(a) <= a.shape[1] else a.T @ a
    # the last one's terms are fourth powers: what is below 1e-77 underflows
    return 1e-70 + GROWN * min(
        math.sqrt(float((a * a).sum())),
        math.sqrt(float(size.sum(axis=0).max()) * float(size.sum(axis=1).max())),
        math.sqrt(math.sqrt(float((both * both).sum()))),
    )


class TiltedSlopes(NamedTuple):
    """The logarithm of a loss's squared slope, less a line: one row per label."""

    values: Array  # from above, in every cell
    rates: list[float]
    known: dict[tuple[int, int], list[float]]

    def between(self, i: int, j: int) -> list[float]:
        """Return the most in the cells between two; ranges change little by little."""
        found = self.known.get((i, j))
        if found is None:
            if len(self.known) > MANY_RANGES:
                self.known.clear()
            inner = self.values[:, i + 1 : j]
            found = inner.max(axis=1, initial=-math.inf).tolist()
            self.known[i, j] = found
        return found


class LossHead(NamedTuple):
    """The slope of a loss by its output t, and labels."""

    slope: Variable
    t: Variable
    labels: Domain

    def sizes(self, low: Array, high: Array) -> Array:
        """Return the largest absolute values over ranges of t: (ranges, 1, 1) each."""
        found = enclosed(self.slope, Box({self.t: (low, high)}) & self.labels)
        size = np.maximum(np.abs(found.lower), np.abs(found.upper))
        return np.broadcast_to(size, (len(low), 1, 1)).reshape(-1)


class LossSlopes:
    """The slope of a loss by its one output, in cells: ``log(slope**2)`` from above.

    One row per label; where labels are not finitely many, one row for all.
    """

    def __init__(self, edges: Array, logs: Array, head: LossHead) -> None:
        self.edges, self.logs, self.head = edges, logs, head
        self._edges, self._logs = edges.tolist(), logs.tolist()
        points = edges[:, None, None]
        at = head.sizes(points, points)
        at = np.where(at < np.inf, at, 0.0)
        self._at = (2 * np.log(np.maximum(at, 1e-150))).tolist()
        self.start = self._edges.index(-FINE)  # of fine cells
        self.level = self.tilted(np.zeros(len(logs)))

    @classmethod
    def of(
        cls, network: Network, labels: Sequence[Variable], domain: Domain
    ) -> LossSlopes | None:
        """Return the table of a network's loss, or None where it is not bounded."""
        fine = np.arange(-FINE, FINE, CELL)
        coarse = np.arange(FINE, REACH + 1, 1.0)
        far = np.geomspace(100, 1e6, 5)
        edges = np.concatenate([-far[::-1], -coarse[:0:-1], fine, coarse, far])
        low, high = edges[:-1, None, None], edges[1:, None, None]
        slope = simplify(grad(network.head, network.output))
        t = network.output
        heads = [LossHead(slope, t, fixed) for fixed in each_label(labels, domain)]
        sizes = np.array([h.sizes(low, high) for h in heads])
        if not (sizes < 1e150).all():  # NaN fails too
            return None
        names = {s.name for s in labels}
        whole = Domain(
            {n: c for n, c in domain.constraints.items() if n in names},
            {n: s for n, s in domain.shapes.items() if n in names},
        )
        logs = 2 * np.log(np.maximum(sizes, 1e-150)) + 1e-13 * 700
        return cls(edges, logs, LossHead(slope, t, whole))

    def tilted(self, rates: Array) -> TiltedSlopes:
        """Return ``log(slope**2) - rate * t`` from above in every cell."""
        ends = np.multiply.outer(-rates, self.edges)
        values = self.logs + np.maximum(ends[:, :-1], ends[:, 1:])
        return TiltedSlopes(values, rates.tolist(), {})

    def above(self, tilted: TiltedSlopes, low: float, high: float) -> list[float]:
        """Return ``a`` so that ``log(slope**2) <= a + rate * t`` for t in a range.

        Of the first and the last cell, only what lies in the range counts.
        """
        edges = self._edges
        if not (low >= edges[0] and high <= edges[-1]):  # NaN, too
            return [math.inf] * len(self._logs)
        i, j = self._cells(low, high)
        near, far = (edges[i + 1], edges[j]) if j > i else (high, low)
        lines = zip(self._logs, tilted.rates, tilted.between(i, j), strict=True)
        return [
            max(
                logs[i] + max(-rate * low, -rate * near),
                logs[j] + max(-rate * far, -rate * high),
                most,
            )
            for logs, rate, most in lines
        ]

    def _cells(self, low: float, high: float) -> tuple[int, int]:
        """Return the first and the last cell of a range."""
        edges = self._edges
        if low > -FINE and high < FINE:  # a cell too many where a sum is rounded
            i = math.ceil((low + FINE) / CELL) - 1 + self.start
            j = int((high + FINE) / CELL) + self.start
        else:
            i = max(bisect_left(edges, low) - 1, 0)
            j = max(bisect_left(edges, high) - 1, i)
        return i, j

    def most(self, low: float, high: float) -> float:
        """Return the largest ``log(slope**2)`` of any label for t in a range."""
        return max(self.above(self.level, low, high))

    def reached(self, low: float, high: float) -> float:
        """Return about what ``log(slope**2)`` reaches in a range, or less."""
        edges = self._edges
        if not (low >= edges[0] and high <= edges[-1]):
            return -math.inf
        i, j = self._cells(low, high)
        places = [k for k in (i + 1, j) if low <= edges[k] <= high]
        return max((self._at[k] for k in places), default=-math.inf)

    def exact(self, low: float, high: float) -> float:
        """Return the largest slope of any label for t in a range, without cells."""
        if not low <= high:
            return math.inf
        ends = np.array([low, high])[:, None, None, None]
        return float(self.head.sizes(*ends)[0])

    def rates(self, rows: Array, t: Array) -> Array:
        """Return the slope of every row's ``log(slope**2)`` near t, roughly."""
        i = np.searchsorted(self.edges, t)
        i, j = np.maximum(i - 9, 0), np.minimum(i + 7, self.logs.shape[1] - 1)
        rise = self.logs[rows, j] - self.logs[rows, i]
        return rise / (self.edges[j] - self.edges[i])
