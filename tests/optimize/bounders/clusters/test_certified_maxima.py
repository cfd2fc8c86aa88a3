"""Maxima of clusters: none of their values is larger; planted errors are found."""

import numpy as np
import pytest

from deuterium.optimize.bounders.clusters import (
    certified_maxima,
    descent_method,
    layer_energies,
)
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRangePass
from deuterium.optimize.bounders.clusters.cluster_terms import ONE
from tests.amounts import seeds
from tests.optimize.bounders.clusters import cluster_graphs
from tests.optimize.bounders.clusters.broken_bounds import (
    bounder_of,
    broken,
    regions_of,
)
from tests.optimize.bounders.clusters.relax_nets import Coordinates

ROUNDED = 1e-11  # of all sizes: what the values here may be off


def drawn(seed):
    rng = np.random.default_rng([seed, 5])
    return rng, bounder_of(*cluster_graphs.draw(rng))


@np.errstate(all="ignore")
def exceeded(rng, bounder):
    """Return by how much clusters with random coefficients exceed their maxima."""
    coordinates = Coordinates(bounder.problem, bounder)
    regions, _ = regions_of(rng, bounder, coordinates, 6)
    ranges = bounder.pass_(*bounder._ends(regions))
    c = rng.normal(size=ranges.low.shape) * (rng.random(ranges.low.shape) < 0.7)
    worst = -np.inf
    for maximum, curves in zip(
        bounder.bounding.maxima, bounder.pass_.curves, strict=True
    ):
        top = bounder.bounding._block(maximum, c, ranges)
        value, size = _values(rng, maximum.block, curves, c, ranges)
        known = np.isfinite(value) & np.isfinite(size) & ~ranges.empty[:, None]
        gap = (value - top - ROUNDED * (size + 1))[known]
        worst = max(worst, gap.max(initial=-np.inf))
    return worst


def _values(rng, b, curves, c, ranges):
    """Return the largest values at random hubs, the best spokes there, and sizes."""
    batch, hubs, many = len(c), b.group.size, 60
    part, lin, quad = b.parts
    ends = [
        x[:, part].reshape(batch, hubs, -1)[..., 0] for x in (ranges.low, ranges.high)
    ]
    t = np.linspace(0.0, 1.0, many)[:, None]
    z = ends[0][:, None] * (1 - t) + ends[1][:, None] * t
    z = np.clip(z, ends[0][:, None], ends[1][:, None])
    opened = ranges.open[:, part].reshape(batch, hubs, -1)[..., 0]
    f = curves.values(z, (z > 0) | (opened & (ends[0] >= 0))[:, None])
    own = f * c[:, part].reshape(batch, 1, hubs, -1)
    value, size = own.sum(axis=-1), np.abs(own).sum(axis=-1)
    if not len(b.hub_of):
        return value.max(axis=1), size.max(axis=1)
    f = np.concatenate([f, np.ones((*z.shape, 1))], axis=-1)[:, :, b.hub_of]
    at = int(np.searchsorted(b.linear, ONE))
    low, high = (
        x[:, lin].reshape(batch, len(b.hub_of), -1)[..., at][:, None]
        for x in (ranges.low, ranges.high)
    )
    slope, bend = (
        (f[..., k] * c[:, p].reshape(batch, 1, len(b.hub_of), -1)).sum(axis=-1)
        for k, p in ((b.linear, lin), (b.quadratic, quad))
    )
    tip = np.where(bend < 0, -0.5 * slope / np.where(bend < 0, bend, 1.0), low)
    best = np.max(
        [(bend * e + slope) * e for e in (low, high, np.clip(tip, low, high))], axis=0
    )
    far = np.maximum(np.abs(low), np.abs(high))
    for k, hub in enumerate(b.hub_of):
        value[..., hub] += best[..., k]
        size[..., hub] += ((np.abs(bend) * far + np.abs(slope)) * far)[..., k]
    return value.max(axis=1), size.max(axis=1)


@pytest.mark.parametrize("seed", seeds(2, 120))
def test_no_value_exceeds_a_maximum(seed):
    rng, bounder = drawn(seed)
    if bounder is not None:
        assert exceeded(rng, bounder) <= 0


# -- planted errors are found ---------------------------------------------------------


def spokes_at_their_ends(monkeypatch):
    def wrong(a, b, low, high):
        return np.maximum((a * low + b) * low, (a * high + b) * high)

    monkeypatch.setattr(certified_maxima, "_spoke_maximum", wrong)


def straight_functions(monkeypatch):
    right = certified_maxima._AffinePart.__init__

    def wrong(self, *args, **options):
        right(self, *args, **options)
        self.error = 0.0 * self.error

    monkeypatch.setattr(certified_maxima._AffinePart, "__init__", wrong)


def larger_energies(monkeypatch):
    right = descent_method.proved_energy

    def wrong(*args):
        found = right(*args)
        object.__setattr__(found, "above", 0.5 * found.above)
        return found

    for module in (descent_method, layer_energies):
        monkeypatch.setattr(module, "proved_energy", wrong)


def narrower_ranges(monkeypatch):
    right = ClusterRangePass._implied

    def wrong(*args):
        low, high = right(*args)
        return low + 0.1 * (high - low), high - 0.1 * (high - low)

    monkeypatch.setattr(ClusterRangePass, "_implied", wrong)


@pytest.mark.parametrize(
    ("plant", "first"),  # the seeds before it draw nothing that shows the error
    [(spokes_at_their_ends, 12), (straight_functions, 0), (larger_energies, 0),
     (narrower_ranges, 0)],
    ids=lambda p: getattr(p, "__name__", ""),
)  # fmt: skip
@pytest.mark.usefixtures("rough_multipliers")
def test_planted_errors_are_caught(plant, first, monkeypatch):
    plant(monkeypatch)
    for seed in range(first, 30):
        rng, bounder = drawn(seed)
        if bounder is not None and (exceeded(rng, bounder) > 0 or broken(rng, bounder)):
            return
    raise AssertionError("nothing found")
