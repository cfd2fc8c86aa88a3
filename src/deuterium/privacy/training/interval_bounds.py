"""What bounds a gradient's norm: intervals of every slope, layer by layer.

This is what an enclosure of the gradient would say, worked out for a network: the range
of every value going up, and of every slope coming down.  Other bounds treat all slopes
of a layer as one length, or all values together, and are mostly smaller; where layers
saturate, or weights cancel, they are not.  So the least of both counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.privacy.training.bound_parts import (
    GROWN,
    LOST,
    SLACK,
    TINY,
    Factors,
    RecordSet,
    Weights,
    active,
    affine,
    bias_factor,
    bias_of,
    flattest,
    steepest,
)
from deuterium.privacy.training.network import Network

__all__ = ["LayerRanges", "centered", "plain_square", "softmax_slopes"]

Array = Any


class LayerRanges:
    """Ranges of values in a network over all records.

    Attributes
    ----------
    squares : list of float
        Of each layer, from the first: what the squared length of its input is at most.
    slopes : list of ndarray
        Of each layer but the last: the ends of its activation's slopes, (2, units).
    output : ndarray
        The ends of the last layer's output: (2, outputs).
    """

    def __init__(self, network: Network, x: RecordSet, weights: Weights) -> None:
        self.squares, self.slopes = [x.square], []
        first = network.layers[0]
        ends = x.through(weights[first.weight], bias_of(first, weights))
        for before, layer in zip(network.layers, network.layers[1:], strict=False):
            name = before.activation
            assert name is not None
            self.slopes.append(np.array([flattest(name, *ends), steepest(name, *ends)]))
            h = active(name, ends)
            most = np.maximum(-h[0], h[1])
            self.squares.append(float((most * most).sum()) * GROWN + TINY**2)
            ends = affine(*centered(h), weights[layer.weight], bias_of(layer, weights))
        self.output = ends


def centered(ends: Array) -> tuple[Array, Array]:
    """Return middles and radii of ranges, which hold them."""
    center = ends[0] / 2 + ends[1] / 2
    return center, np.maximum(ends[1] - center, center - ends[0]) * GROWN + TINY


def softmax_slopes(output: Array) -> Array:
    """Return the ends of ``softmax(output) - label``: (2, labels, outputs)."""
    low, high = output
    label = np.eye(len(low), dtype=bool)
    ends = []
    for mine, others, grown in ((low, high, -SLACK), (high, low, SLACK)):
        apart = np.minimum(others[None, :] - mine[:, None], 600.0)
        total = np.where(label, 0.0, np.exp(apart)).sum(axis=1)
        # the label's own slope is p - 1: without the difference
        own, other = -total / (1 + total), 1 / (1 + total)
        both = np.where(label, own * (1 - grown), (other * (1 + grown))[None])
        ends.append(both + np.sign(grown) * TINY)
    return np.array(ends)


def plain_square(
    network: Network,
    found: LayerRanges,
    down: Array,
    weights: Weights,
    factors: Factors,
) -> float:
    """Return what the squared norm is at most, for slopes by the output.

    Parameters
    ----------
    network : Network
        Its layers.
    found : LayerRanges
        Of its values.
    down : ndarray
        The ends of the slopes by the output, a row for each label: (2, labels,
        outputs).
    weights, factors : mapping
        As of `StepBound`.
    """
    total: Array = 0.0
    for i in range(len(network.layers) - 1, -1, -1):
        layer = network.layers[i]
        most = np.maximum(-down[0], down[1])
        each = factors.get(layer.weight, 1.0) * found.squares[i]
        total = total + (each + bias_factor(layer, factors)) * (most * most).sum(axis=1)
        if i:
            down = _through(down, weights[layer.weight], found.slopes[i - 1])
    return float(np.max(total)) * GROWN


def _through(down: Array, w: Array, slopes: Array) -> Array:
    """Return the ends of slopes one layer further down."""
    center, radius = centered(down)
    size = np.abs(w.T)
    middle = center @ w.T
    spread = (radius @ size + LOST * (np.abs(center) @ size)) * GROWN + TINY
    low, high = middle - spread, middle + spread
    flat, steep = slopes
    low = np.minimum(low * flat, low * steep)
    high = np.maximum(high * flat, high * steep)
    low, high = low - LOST * np.abs(low) - TINY, high + LOST * np.abs(high) + TINY
    return np.array([low, high])
