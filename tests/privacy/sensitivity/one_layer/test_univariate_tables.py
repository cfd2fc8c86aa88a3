"""Tables hold the functions of one pre-activation, between nodes and on pieces."""

from __future__ import annotations

import numpy as np
import pytest

from deuterium.privacy.sensitivity.one_layer.affine_cuts import AffineCut
from deuterium.privacy.sensitivity.one_layer.univariate_tables import PairFunctions
from tests.amounts import draws, some
from tests.privacy.sensitivity.one_layer.pairs import bounds_of

KINKED = [
    ("leaky", 0),
    ("relu", 1),
    ("tanh", 0),
    ("leaky", 1),
    ("relu", 0),
    ("tanh", 1),
]


def five(layer, g, x, j, z, c, tau, k):
    """Return alpha, gamma, beta, t's part and its move of unit k, straight off.

    All other features are 1 or -1, so that every square is 1.
    """
    totals = np.zeros(5)
    z2 = z + tau * layer.matrix[:, j]
    for e in layer.elements:
        phi = phi2 = np.ones(z.shape)
        if e.image is not None:
            phi, phi2 = (e.image.evaluate({layer.atoms: v}) for v in (z, z2))
        pick, place = np.ravel(e.pick), np.ravel(e.place)
        size = np.broadcast_to(e.coefficient, e.place.shape).ravel() ** 2
        for p, i, w in zip(pick, place, size, strict=True):
            if e.image is None:
                w, p = w / z.size, k  # dealt out
            if p != k:
                continue
            a, b = (c, c + tau) if i == j else (1.0, 1.0)
            one, two = a * phi[p], b * phi2[p]
            totals[:3] += w * one * one, w * two * two, w * one * two
    h, h2 = (layer.value.evaluate({layer.atoms: v})[k] for v in (z, z2))
    totals[3:] = layer.weight[k] * h, layer.weight[k] * (h2 - h)
    return totals


@pytest.mark.parametrize("activation", some(["tanh", "softplus", "expit"], 2))
@pytest.mark.parametrize("side", [0, 1])
def test_tables_hold_the_functions_between_their_nodes(activation, side, rng):
    """At any z and tau, by the formula; and are not far from them."""
    x, _, g, bounds = bounds_of(9, activation, scale=0.8)
    layer, j = bounds.layer, 2
    tables = PairFunctions(bounds, j, side)
    for tau in ((0.0, 0.5), (0.7, 0.72), (1.5, 2.0)):
        table, nodes = tables.table(tau).values, tables.nodes
        count = len(nodes)
        for _ in range(60):
            k, u, v = int(rng.integers(0, 3)), *rng.uniform(0, 1, 2)
            p = int(rng.integers(0, count - 1))
            z = nodes[p] + u * (nodes[p + 1] - nodes[p])
            at = tau[0] + v * (tau[1] - tau[0])
            rows = table[:, k, [p, p + 1, count + p, count + p + 1]]
            if (rows[0] < -1e29).any():
                continue
            corners = np.array([1 - u, u, 1 - u, u]) * [1 - v, 1 - v, v, v]
            above = rows @ corners
            c = -1.0 if side == 0 else 1.0 - at
            exact = five(layer, g, x, j, z, c, at, k)
            room = 1e-13 * (1 + np.abs(exact))
            assert (above[:2] >= exact[:2] - room[:2]).all()
            assert (np.abs(above[2:5] - exact[2:]) <= above[5:] + room[2:]).all()
            assert (above[:2] - exact[:2] <= 0.3 * (1 + exact[:2])).all()


@pytest.mark.parametrize(("activation", "side"), some(KINKED, 3))
@pytest.mark.drawn
def test_corners_hold_the_functions_on_pieces(activation, side, rng):
    """Of every piece by itself, wherever the kinks of both records lie."""
    x, _, g, bounds = bounds_of(9, activation, scale=0.8)
    layer, j = bounds.layer, 2
    tables = PairFunctions(bounds, j, side)
    assert len(tables.kinks) == (activation != "tanh")
    for tau in ((0.0, 0.5), (1.5, 2.0)):
        nodes = tables._nodes_at(tau)
        for _ in range(draws(18, 60)):
            p, k = int(rng.integers(0, len(nodes) - 1)), int(rng.integers(0, 3))
            if activation != "tanh" and rng.random() < 0.7:  # around a kink
                p = int(np.searchsorted(nodes[:, k], 0.0)) + int(rng.integers(-4, 3))
            sharp = np.zeros((len(nodes) - 1, 3), dtype=bool)
            sharp[p] = True
            rows, _ = tables._corners(nodes, sharp, tau)
            u, v = rng.uniform(0, 1, 2)
            z, at = nodes[p] + u * (nodes[p + 1] - nodes[p]), tau[0] * (1 - v)
            at += v * tau[1]
            c = -1.0 if side == 0 else 1.0 - at
            exact = five(layer, g, x, j, z, c, at, k)
            for d, e, *slopes in rng.normal(size=(6, 4)):
                weights = np.array([d * d, e * e, -2 * d * e, *slopes])
                room = 1e-12 * (1 + np.abs(weights) @ np.abs(exact))
                assert (rows[:, :, k] @ weights).max() >= weights @ exact - room


@pytest.mark.parametrize(("activation", "side"), some(KINKED, 3))
@pytest.mark.drawn
def test_a_table_within_ranges_keeps_what_lies_in_them(activation, side, rng):
    """Whatever is asked of one z: also at the ends of a range, and beside a kink."""
    x, _, g, bounds = bounds_of(9, activation, scale=0.8)
    layer, j = bounds.layer, 2
    tables = PairFunctions(bounds, j, side)
    for tau in ((0.0, 0.5), (1.5, 2.0)):
        whole = tables.table(tau)
        for _ in range(draws(12, 40)):
            ends = np.sort(rng.choice([rng.uniform(-1, 1, 3), np.zeros(3)], 2), axis=0)
            ends = np.sort(ends + rng.uniform(-0.3, 0.3, (2, 3)), axis=0)
            kind = rng.integers(0, 3)
            if kind == 1:  # where rows begin and end
                rows = rng.integers(0, len(whole.low), (2, 3))
                ends = np.sort(np.take_along_axis(whole.low, rows, 0), axis=0)
            elif kind == 2:  # where a kink is, or the second record has one
                moved = rng.choice([0.0, rng.uniform(*tau)]) * layer.matrix[:, j]
                ends = -moved + 10.0 ** rng.uniform(-9, -1, 3) * [[-1], [1]]
            low, high = (np.clip(e, bounds.bottom, bounds.top) for e in ends)
            if not (low < high).all():
                continue
            table = whole.within(low, high)
            slopes = rng.normal(size=3) * 10
            cut = AffineCut(slopes, 0.0).over(table)
            for u in (0.0, 1.0, *rng.uniform(0, 1, 3)):
                z, v = low + u * (high - low), rng.uniform(0, 1)
                at, k = tau[0] * (1 - v) + tau[1] * v, int(rng.integers(0, 3))
                z2 = z + at * layer.matrix[:, j]
                if not ((bounds.bottom <= z2) & (z2 <= bounds.top)).all():
                    continue
                c = -1.0 if side == 0 else 1.0 - at
                exact = five(layer, g, x, j, z, c, at, k)
                d, e, *m = rng.normal(size=4)
                m = np.array(m)
                weights = np.array([d * d, e * e, -2 * d * e, *m])
                many = np.array([*weights, abs(2 * d * e), *np.abs(m)])
                most = (many @ table.values[:, k] + cut[k]).max()
                room = 1e-12 * (1 + np.abs(weights) @ np.abs(exact))
                assert most >= weights @ exact - slopes[k] * z[k] - room
