"""Pairs of records, and what bounds their distance, for tests of the relaxation."""

from __future__ import annotations

import numpy as np

import deuterium as dt
from deuterium.privacy.sensitivity.one_layer import OneFeature
from deuterium.privacy.sensitivity.one_layer.gradient_form import one_layer
from tests.privacy.sensitivity.layers import network


def outputs(layer, first, second):
    """Return t of two records."""
    return [
        layer.offset
        + layer.weight
        @ layer.value.evaluate({layer.atoms: layer.matrix @ r[0] + layer.shift})
        for r in (first, second)
    ]


def cell_around(layer, first, second, tau, width, share):
    """Return a cell of t, t' - t and tau that holds a pair of records, and where."""
    t, t2 = outputs(layer, first, second)
    low, high = width * np.asarray(share), width * (1 - np.asarray(share))
    sides = [t - low[0], t + high[0], t2 - t - low[1], t2 - t + high[1]]
    return np.array(sides)[None], (max(0.0, tau - low[2]), tau + high[2])


def bounds_of(seed, activation, **more):
    """Return a network's gradient and what bounds it."""
    x, y, g, domain = network(seed, activation, **more)
    labels = [dt.Box({y: (v, v)}) for v in (0.0, 1.0)]
    return x, y, g, OneFeature(one_layer(g, x), x, domain, labels)


def pair(rng, side, j):
    """Return two records, the others' features at ends, and how far apart."""
    first = np.sign(rng.uniform(-1, 1, (1, 4)))
    second, tau = first.copy(), rng.uniform(0, 2)
    # the first value is at the low end, or the second at the high end
    first[0, j] = -1.0 if side == 0 else 1.0 - tau
    second[0, j] = first[0, j] + tau
    return first, second, tau


def distance(slopes, first, second, label):
    """Return the squared distance of a pair's gradients."""
    both = slopes(first, label), slopes(second, label)
    return sum(float(((u - v) ** 2).sum()) for u, v in zip(*both, strict=True))
