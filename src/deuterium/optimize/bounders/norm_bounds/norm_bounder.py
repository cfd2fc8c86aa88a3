"""The norm bounder: bounds regions by norms of whole arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium import ops
from deuterium.domain.constraints import UnitVectors, Within
from deuterium.domain.problem import Problem
from deuterium.interval.rounding import EPS, MIN_NORMAL, Array
from deuterium.interval.spectral_norm import inflate
from deuterium.optimize.bounders.ball_tightening import balls_of
from deuterium.optimize.bounders.natural_interval import longest_side, middles
from deuterium.optimize.bounders.norm_bounds.ball_and_box import ArrayBounds, combine
from deuterium.optimize.bounders.norm_bounds.norm_options import (
    CAREFUL,
    FEWEST_ELEMENTS,
    LARGE_GRAPH,
    LEVELS,
    MOST_NODES,
    SHARP,
)
from deuterium.optimize.bounders.norm_bounds.norm_propagation import (
    NormLayout,
    NormPropagation,
)
from deuterium.optimize.bounders.norm_bounds.unsaturated_starts import unsaturated
from deuterium.optimize.region import Bounder, BoundResult, Proof, Regions, whole

NOTHING: Proof = ("interval", {})
KEEP_LENGTHS = (
    ops.direction, ops.soft_direction, ops.rejection, ops.argmax_onehot, ops.reorder
)  # fmt: skip
"""Operators whose lengths intervals forget."""


def norm_bounder_of(problem: Problem) -> NormBounder | None:
    """Return the bounder by norms, or None where no array's norm is in the graph."""
    graph = problem.graph
    if len(graph.order) > MOST_NODES or not problem.size:
        return None
    fewest = 1 if balls_of(problem) else FEWEST_ELEMENTS
    for v in graph.order:
        long = v.op is ops.square and v.size >= fewest
        if (long or v.op in KEEP_LENGTHS) and v in graph.varying:
            return NormBounder(problem)
    return None


class NormBounder(Bounder):
    """Bounds by norms of whole arrays.

    Parameters
    ----------
    problem : Problem
        What is maximised.
    """

    batch = 64

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        if sum(v.size for v in problem.graph.varying) > LARGE_GRAPH:
            self.batch = 1  # the whole domain is what counts
        self.layout = NormLayout(problem.graph)
        self._started = False
        width = problem.upper - problem.lower
        self.scale = np.where(np.isfinite(width) & (width > 0), width, 1.0)

    def root(self) -> Regions:
        """Return the box around the domain."""
        return whole(self.problem.lower, self.problem.upper)

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Return bounds by norms, and the middle of the longest side."""
        low, high = regions.low, regions.high
        with np.errstate(all="ignore"):
            upper, proofs = self.certify(low, high, sharp=len(low) <= SHARP)
        for b in np.flatnonzero(upper >= regions.bound):
            proofs[b] = NOTHING  # that of a region around it serves
        cut, at = longest_side(low, high, self.scale)
        points = middles(low, high)
        if not self._started:  # once, at the first region of all
            self._started = True
            points = np.concatenate([unsaturated(self.problem, self.layout), points])
        return BoundResult(
            upper=upper,
            proofs=proofs,
            low=low,
            high=high,
            open=regions.open,
            cut=cut,
            at=at,
            points=points,
            state=regions.state,
        )

    def first(self) -> tuple[float, Proof]:
        """Return the bound of one cheap pass over the whole domain, and its proof."""
        with np.errstate(all="ignore"):
            upper, proofs = self.certify(
                self.problem.lower[None], self.problem.upper[None], sharp=False
            )
        return float(upper[0]), proofs[0]

    def certify(
        self, low: Array, high: Array, *, sharp: bool
    ) -> tuple[Array, list[Proof]]:
        """Return upper bounds over boxes of inputs, and what proves them.

        Shapes: ``low`` and ``high`` (B, n).
        """
        levels = LEVELS if sharp else 1
        attempt = Attempt(self.layout, self._boxes(low, high), len(low), levels)
        attempt.first()
        if sharp:
            attempt.refine()
        return attempt.upper, [attempt.proof(b) for b in range(len(low))]

    def _boxes(self, low: Array, high: Array) -> dict[str, ArrayBounds]:
        """Return what is known of each symbol: its box, and its ball if it has one.

        Shapes: ``low`` and ``high`` (B, n).
        """
        values = {}
        for name, ends in self.problem.boxes(low, high).items():
            ball = length = total = None
            for c in self.problem.domain.constraints.get(name, ()):
                if isinstance(c, UnitVectors):
                    total = np.full((1, 1), float(ends[0, 0].size // ends.shape[-1]))
                    length = inflate(np.sqrt(total))
                if isinstance(c, Within) and c.order == 2:
                    centre = np.asarray(c.center, dtype=float)[None, None]
                    ball = centre, np.full((1, 1), float(c.radius))
            values[name] = combine(ends[:, :, None], ball, length, total)[0]
        return values


class Attempt:
    """The bounds of one batch of regions, made better step by step.

    Attributes
    ----------
    upper : ndarray of shape (B,)
        The best so far.
    """

    def __init__(
        self, layout: NormLayout, boxes: dict[str, ArrayBounds], count: int, levels: int
    ) -> None:
        self.layout, self.count = layout, count
        self.sweep = NormPropagation(
            layout, boxes, careful=count <= CAREFUL, levels=levels
        )
        self.upper = np.full(count, np.inf)
        self.proofs: list[dict[str, Any]] = [{} for _ in range(count)]
        self.corners: Any = None  # bounds at the vertices, (B, K)
        self.each: list[list[dict[str, Any]]] = []

    def first(self) -> None:
        """Bound plainly, then at the vertices of the simplex."""
        found = np.broadcast_to(self.sweep.run(), (self.count, 1))[:, 0]
        self.base = self._choices(None)
        for b in range(self.count):
            self._take(b, float(found[b]), {"nodes": _part(self.base, b, 0)})
        simplex = self.layout.simplex
        if simplex is None:
            return
        self.share = self.sweep.simplex_ends()
        k = simplex.size
        found = self.sweep.run(range(k))
        self.corners = np.array(np.broadcast_to(found, (self.count, k)))
        noted = self._choices(self.layout.below)
        self.each = [[_part(noted, b, i) for i in range(k)] for b in range(self.count)]
        for b in range(self.count):
            self._combine(b)

    def refine(self) -> None:
        """Bound products over cubes: everywhere, or at the vertices that matter."""
        if self.corners is None:
            found = np.broadcast_to(self.sweep.run(sharp=True), (self.count, 1))[:, 0]
            noted = self._choices(None)
            for b in range(self.count):
                self._take(b, float(found[b]), {"nodes": _part(noted, b, 0)})
            return
        for b in range(self.count):
            self._refine_corners(b)

    def _refine_corners(self, b: int) -> None:
        done: list[float] = []
        for k in np.argsort(-self.corners[b], kind="stable"):
            if done and self.corners[b, k] <= max(done):
                break
            found = self.sweep.run([int(k)], sharp=True)
            found = np.broadcast_to(found, (self.count, 1))[:, 0]
            if found[b] < self.corners[b, k]:
                self.corners[b, k] = found[b]
                self.each[b][k] = _part(self._choices(self.layout.below), b, 0)
            done.append(float(self.corners[b, k]))
        self._combine(b)

    def _combine(self, b: int) -> None:
        """Put the bounds at the vertices together."""
        share = self.share[:, min(b, self.share.shape[1] - 1)]
        value, mean = combined(self.corners[b], share)
        common = {
            k: v for k, v in _part(self.base, b, 0).items() if k not in self._below()
        }
        at = self.layout.place[self.layout.simplex]  # type: ignore[index]
        data = {"nodes": common, "simplex": at, "each": self.each[b], "mean": mean}
        self._take(b, value, data)

    def _below(self) -> set[str]:
        return {str(self.layout.place[v]) for v in self.layout.below}

    def _take(self, b: int, value: float, data: dict[str, Any]) -> None:
        if value < self.upper[b]:
            self.upper[b], self.proofs[b] = value, data

    def _choices(self, nodes: Any) -> dict[int, dict[str, Any]]:
        place = self.layout.place
        kept = None if nodes is None else {place[v] for v in nodes}
        return {
            i: dict(c)
            for i, c in self.sweep.choices.items()
            if kept is None or i in kept
        }

    def proof(self, b: int) -> Proof:
        """Return what proves the bound of one region."""
        if not self.proofs[b]:
            return NOTHING
        told = {"sigma": self.layout.claims(), "chains": self.layout.chained()}
        return ("norms", {**self.proofs[b], **told})


def combined(corners: Array, share: Array) -> tuple[float, float]:
    """Return ``max sum p_k F_k`` for shares p within bounds that sum to 1, and a mean.

    For every number m it is at most ``m + sum max(p_k (F_k - m))``; the best m is one
    of the F_k.

    Shapes: ``corners`` (K,), ``share`` (2, K).
    """
    if not (np.all(np.isfinite(corners)) and np.all(np.isfinite(share))):
        return np.inf, 0.0
    best, chosen = np.inf, 0.0
    for m in np.unique(corners):
        over = corners - m
        terms = np.where(over > 0, share[1] * over, share[0] * over)
        total = m + np.sum(terms)
        slack = (abs(m) + np.sum(np.abs(terms)) + np.sum(np.abs(corners))) * EPS
        value = float(total + slack * (len(corners) + 8) + MIN_NORMAL)
        if value < best:
            best, chosen = value, float(m)
    return inflate(best) if best >= 0 else best, chosen


def _part(choices: dict[int, dict[str, Any]], b: int, k: int) -> dict[str, Any]:
    """Return the choices made for one region and vertex, as JSON."""
    return {
        str(i): {key: _plain(what, b, k) for key, what in entry.items()}
        for i, entry in choices.items()
    }


def _plain(what: Any, b: int, k: int) -> Any:
    item = what[min(b, what.shape[0] - 1), min(k, what.shape[1] - 1)]
    return item.tolist() if isinstance(item, (np.ndarray, np.generic)) else item
