"""Branching where the relaxation of a coordinate is furthest from true.

The relaxed solution gives every hub a distribution over its samples, and its spokes the
best values there.  What a cluster's function exceeds its value at the mean by is what
the relaxation pretends, and what cutting there removes.
"""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.cluster_lagrangian import ClusterLagrangian
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges
from deuterium.optimize.bounders.clusters.cluster_samples import ClusterSamples
from deuterium.optimize.bounders.clusters.cluster_terms import ONE


def gains(lagrangian: ClusterLagrangian, ranges: ClusterRanges) -> tuple[Array, Array]:
    """Return what cutting each hub and spoke promises, and where, by features.

    Shapes: (B, features); features that are neither have no gain.
    """
    shape = (lagrangian.batch, lagrangian.layout.features)
    gain, place = np.zeros(shape), np.zeros(shape)
    c = lagrangian.coefficients
    for block in lagrangian.blocks:
        _hubs(block, gain, place)
        if len(block.block.hub_of):
            _spokes(block, c, gain, place)
    return np.maximum(np.nan_to_num(gain), 0.0), place


def _at_mean(block: ClusterSamples) -> tuple[Array, Array]:
    """Return the mean of every hub, and the sample nearest to it."""
    mean = (block.weights * block.z).sum(axis=1)
    return mean, np.abs(block.z - mean[:, None]).argmin(axis=1)[:, None]


def _hubs(block: ClusterSamples, gain: Array, place: Array) -> None:
    b = block.block
    mean, near = _at_mean(block)
    own = np.take_along_axis(block.psi, near, 1)[:, 0]
    at = b.parts[0].start + np.arange(b.group.size) * b.functions
    gain[:, at] = (block.weights * block.psi).sum(axis=1) - own
    place[:, at] = mean


def _spokes(block: ClusterSamples, c: Array, gain: Array, place: Array) -> None:
    b = block.block
    batch = len(c)
    _, near = _at_mean(block)
    near = near[:, :, b.hub_of]
    mean = (block.weights[:, :, b.hub_of] * block.best).sum(axis=1)
    own = np.take_along_axis(block.best, near, 1)[:, 0]
    lin, quad = (
        np.take_along_axis(f, near[..., None], 1)[:, 0] for f in (block.fl, block.fq)
    )
    slope = (lin * c[:, b.parts[1]].reshape(batch, len(b.hub_of), -1)).sum(axis=-1)
    bend = (quad * c[:, b.parts[2]].reshape(batch, len(b.hub_of), -1)).sum(axis=-1)
    one = int(np.searchsorted(b.linear, ONE))
    at = b.parts[1].start + np.arange(len(b.hub_of)) * len(b.linear) + one
    gain[:, at] = (bend * own + slope) * own - (bend * mean + slope) * mean
    place[:, at] = mean


def cutting_points(
    gain: Array, place: Array, low: Array, high: Array, kinked: Array, margin: float
) -> tuple[Array, Array]:
    """Return which coordinate to cut in each region, and where; -1 for none.

    Shapes: all (B, coordinates); ``kinked`` (coordinates,), whose kink at 0 is inside.
    ``margin``: the share of a side that a cut keeps from its ends.
    """
    width = high - low
    at = np.clip(place, low + margin * width, high - margin * width)
    at = np.where(kinked & (low < 0) & (high > 0), 0.0, at)
    possible = (low < at) & (at < high)
    gain = np.where(possible, gain, -1.0)
    cut = np.argmax(gain, axis=1)
    rows = np.arange(len(cut))
    cut = np.where(gain[rows, cut] < 0, -1, cut)
    return cut, at[rows, cut]
