"""Branching where the relaxation of a coordinate is furthest from true.

The relaxed solution gives every hub a distribution over its samples, and its spokes the
best values there.  What a cluster's function exceeds its value at the mean by is what
the relaxation pretends, and what cutting there removes.
"""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.cluster_lagrangian import ClusterLagrangian
from deuterium.optimize.bounders.clusters.cluster_samples import ClusterSamples


def gains(lagrangian: ClusterLagrangian) -> tuple[Array, Array]:
    """Return what cutting each hub and spoke promises, and where, by features.

    Shapes: (B, features); features that are neither have no gain.
    """
    c = lagrangian.coefficients
    gain, place = np.zeros(c.shape), np.zeros(c.shape)
    for samples in lagrangian.samples:
        mean = (samples.weights * samples.z).sum(axis=-1)
        near = np.abs(samples.z - mean[..., None]).argmin(axis=-1)[..., None]
        own = np.take_along_axis(samples.psi, near, -1)[..., 0]
        at = samples.hubs[:, 0]
        gain[:, at] = (samples.weights * samples.psi).sum(axis=-1) - own
        place[:, at] = mean
        if len(samples.hub_of):
            _spokes(samples, near[:, samples.hub_of], c, gain, place)
    gain = np.maximum(np.nan_to_num(gain), 0.0)
    return gain[:, :-1], place[:, :-1]


def _spokes(
    samples: ClusterSamples, near: Array, c: Array, gain: Array, place: Array
) -> None:
    mean = (samples.weights[:, samples.hub_of] * samples.best).sum(axis=-1)
    own = np.take_along_axis(samples.best, near, -1)[..., 0]
    slope, bend = (
        np.take_along_axis(samples.combined(c, features, f), near, -1)[..., 0]
        for features, f in (
            (samples.linear, samples.fl),
            (samples.square, samples.fq),
        )
    )
    gain[:, samples.own] = (bend * own + slope) * own - (bend * mean + slope) * mean
    place[:, samples.own] = mean


def cutting_points(
    gain: Array, place: Array, low: Array, high: Array, kinked: Array, margin: float
) -> tuple[Array, Array]:
    """Return what cutting each coordinate promises, -1 where it cannot be cut; where.

    Shapes: all (B, coordinates); ``kinked`` (coordinates,), whose kink at 0 is inside.
    ``margin``: the share of a side that a cut keeps from its ends.
    """
    width = high - low
    at = np.clip(place, low + margin * width, high - margin * width)
    at = np.where(kinked & (low < 0) & (high > 0), 0.0, at)
    possible = (low < at) & (at < high)
    return np.where(possible, gain, -1.0), at
