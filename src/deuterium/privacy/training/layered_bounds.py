"""What bounds a gradient's norm: several classes, and more than one hidden layer.

Every bound takes a factor for each parameter and bounds the square root of the sum of
``factor * squared norm of the gradient by that parameter``.  Rounding: see
`deuterium.privacy.training.bound_parts`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.privacy.training.bound_parts import (
    GROWN,
    LEAST,
    ONES,
    TINY,
    Factors,
    LossSlopes,
    RecordSet,
    Weights,
    active,
    affine,
    bias_factor,
    bias_of,
    is_finite,
    spectral,
    steepest,
)
from deuterium.privacy.training.interval_bounds import (
    LayerRanges,
    plain_square,
    softmax_slopes,
)
from deuterium.privacy.training.network import Network

__all__ = ["LayeredBound", "SoftmaxBound"]

Array = Any


# -- one hidden layer, several classes ------------------------------------------------


class SoftmaxBound:
    """One hidden layer and the cross-entropy of a softmax p with a unit vector e_y.

    The squared norm is convex in p, so at most that at a vertex: ``p - e_y`` is
    ``(1 - p_y)`` times a mean of ``e_k - e_y`` over k.  For each pair,

        (1 - p_y)**2 (2 + sum_i max_h 2 h**2 + X s**2 (w_ik - w_iy)**2) .
    """

    def __init__(self, network: Network, x: RecordSet) -> None:
        self.network, self.x = network, x
        self.pairs = np.triu_indices(network.output.size, 1)

    def __call__(
        self, weights: Weights, factors: Factors = ONES, kind: str = ""
    ) -> float:
        """Return the bound."""
        if not is_finite(weights):
            return math.inf
        with np.errstate(all="ignore"):
            found = self._bound(weights, factors)
            ends = LayerRanges(self.network, self.x, weights)
            down = softmax_slopes(ends.output)
            square = plain_square(self.network, ends, down, weights, factors)
            return least(found, _root(square) * GROWN + LEAST)

    def _bound(self, weights: Weights, factors: Factors) -> float:
        first, last = self.network.layers
        assert first.activation is not None
        b1, b2 = bias_of(first, weights), bias_of(last, weights)
        w = weights[last.weight]
        low, high = ends = self.x.through(weights[first.weight], b1)
        h = active(first.activation, ends)
        weight = factors.get(first.weight, 1.0) * self.x.square
        weight = (weight + bias_factor(first, factors)) * GROWN
        flat = factors.get(last.weight, 1.0)
        columns, (k, y) = np.ascontiguousarray(w.T), self.pairs
        apart = columns[k] - columns[y]
        squares = weight * apart * apart
        most = np.maximum(-h[0], h[1]) ** 2
        if first.activation == "tanh":
            # u = h**2: 2 u + X D (1 - u)**2 is convex in u
            least = np.maximum(np.maximum(h[0], -h[1]), 0.0) ** 2
            at = [2 * flat * u + squares * (1 - u) ** 2 for u in (least, most)]
            each = np.maximum(at[0], at[1])
        else:
            steep = steepest(first.activation, low, high)
            each = 2 * flat * most + squares * steep**2
        total = each.sum(axis=1)
        if self.x.ball is not None:
            longest = self.x.longest(first.activation, weights[first.weight], b1)
            steep = steepest(first.activation, low, high)
            joint = 2 * flat * longest * longest + squares @ steep**2
            total = np.fmin(total, joint)
        total += 2.0 * bias_factor(last, factors)
        # what rounds off here is a 1e-16th of what `affine` widens by
        wrong = _wrong(*affine(h[0] / 2 + h[1] / 2, (h[1] - h[0]) / 2 * GROWN, w, b2))
        wrong = np.maximum(wrong[k], wrong[y])  # either of them is the label
        return _root(float((total * wrong**2).max())) * GROWN + LEAST


def _root(x: float) -> float:
    return math.sqrt(x) if x < math.inf else math.inf  # NaN fails, too


def least(found: float, other: float) -> float:
    """Return the smaller of two bounds; NaN is none."""
    return other if not found <= other else found


def _wrong(low: Array, high: Array) -> Array:
    """Return the largest ``1 - p_y`` for each class y."""
    apart = np.minimum(high[:, None] - low[None, :], 600.0)  # t_k - t_y at most
    others = np.exp(apart)
    np.fill_diagonal(others, 0.0)
    total = others.sum(axis=0)
    return np.minimum(total / (1 + total) * GROWN + TINY, 1.0)


# -- deeper networks ------------------------------------------------------------------


class LayeredBound:
    """Any number of layers: lengths of values going up, of slopes coming down."""

    def __init__(
        self, network: Network, x: RecordSet, table: LossSlopes | None = None
    ) -> None:
        self.network, self.x, self.table = network, x, table

    def __call__(
        self, weights: Weights, factors: Factors = ONES, kind: str = ""
    ) -> float:
        """Return the bound."""
        if not is_finite(weights):
            return math.inf
        with np.errstate(all="ignore"):
            ends = LayerRanges(self.network, self.x, weights)
            if self.table is None:
                longest = math.sqrt(2) * float(_wrong(*ends.output).max()) * GROWN
                down = softmax_slopes(ends.output)
                steep = 1.0
            else:
                longest = steep = self._steep(*ends.output[:, 0].tolist())
                down = np.ones((2, 1, 1))
            total = self._total(longest, ends, weights, factors)
            found = _root(total) * GROWN + LEAST
            square = plain_square(self.network, ends, down, weights, factors)
            return least(found, steep * _root(square) * GROWN + LEAST)

    def _steep(self, low: float, high: float) -> float:
        """Return how steep the loss can be, by cells label by label or without."""
        assert self.table is not None
        top = self.table.most(low, high)
        cells = math.exp(top / 2) * GROWN if top < 1400 else math.inf
        return least(self.table.exact(low, high), cells)

    def _total(
        self,
        down: float,
        ends: LayerRanges,
        weights: Weights,
        factors: Factors,
    ) -> float:
        total = 0.0
        layers = self.network.layers
        for i in range(len(layers) - 1, -1, -1):
            each = factors.get(layers[i].weight, 1.0) * ends.squares[i]
            part = down * math.sqrt(each + bias_factor(layers[i], factors))
            total += part * part
            if i:
                a = ends.slopes[i - 1][1][:, None] * weights[layers[i].weight]
                down = down * spectral(a) + TINY**2
        return total * GROWN
