"""Bounders at sizes where squares and products leave the range of doubles."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.graph.operator import OPERATORS
from deuterium.optimize.bounders.clusters.cluster_bounder import cluster_bounder_of
from deuterium.optimize.bounders.derivative import (
    DerivativeBounder,
    interval_definite,
    second_order,
    taylor_bounds,
)
from deuterium.optimize.bounders.norm_bounds import norm_bounder_of
from deuterium.optimize.bounders.norm_bounds.ball_and_box import of_ends
from deuterium.optimize.bounders.norm_bounds.directional_bound import (
    support_of_ball_and_box,
)
from deuterium.optimize.bounders.norm_bounds.sdp_box_norm import box_norm_bound
from tests.amounts import draws
from tests.enclose import array_problems

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

SIZES = [1e-320, 1e-250, 1e-170, 1e-162, 1e-155, 1e-100, 1.0, 1e100]


@pytest.mark.parametrize("size", SIZES)
def test_rows_of_a_cube_count_however_small_their_squares(rng, size):
    for matrix in (np.full((3, 2), size), rng.normal(size=(4, 3)) * size):
        bound, weights, _ = box_norm_bound(matrix)
        assert np.all(weights > 0)
        reached = np.hypot.reduce(np.abs(matrix[:, 0]).sum() * np.ones(1))
        assert bound >= reached * (1 - 1e-12)
    mixed = np.concatenate([np.full((1, 2), 1.0), np.full((5, 2), size)])
    assert box_norm_bound(mixed)[0] >= 1.0 + 5 * min(size, 1.0)
    assert box_norm_bound(np.zeros((3, 2)))[0] < 1e-150


@pytest.mark.parametrize("size", SIZES)
def test_the_reach_of_a_ball_in_a_direction_however_small(size):
    ends = np.stack([np.full((1, 1, 2), -1e150), np.full((1, 1, 2), 1e150)])
    weights = np.full((1, 1, 2), size)
    found = support_of_ball_and_box(of_ends(ends), weights)
    assert found[0, 0] >= 2e150 * size


def test_curvatures_of_boxes_too_small_for_products_of_sides_prove_nothing():
    class Stub:
        low, high = np.zeros((1, 2)), np.full((1, 2), 3e-162)

        def smooth(self, rows):
            return np.ones(len(rows), dtype=bool)

    h = np.array([[[-1.0, 1.0 - 1e-5], [1.0 - 1e-5, -1.0]]])
    for sign in (1.0, -1.0):
        _, centre, radius, _ = second_order._scaled(
            Stub(), np.arange(1), np.stack([sign * h, sign * h])
        )
        assert not interval_definite.negative_basis(centre, radius)[0].any()
        assert not interval_definite.rising_direction(centre, radius)[0].any()


def test_an_undefined_slope_stays_so_whatever_the_curvatures():
    one, zero = np.ones((1, 1)), np.zeros((1, 1))
    slopes, g = np.full((2, 1, 1), np.nan), np.ones((2, 1, 1))
    found = taylor_bounds.refined(slopes, g, np.ones((2, 1, 1, 1)), zero, one, zero)
    assert np.isnan(found).all()


# -- random networks with sizes of all kinds -------------------------------------------


def network(seed):
    rng = np.random.default_rng(seed)
    k, m, o = (int(rng.integers(*ends)) for ends in ((1, 4), (2, 12), (1, 4)))
    kinds = [0, 0, 0, -170, -160, -150, -100, 100, 150]
    scale = 10.0 ** rng.choice(kinds, 4)
    x = dt.symbol("x", shape=(1, k))
    w = dt.constant(rng.normal(size=(k, m)) * scale[0])
    v = dt.constant(rng.normal(size=(m, o)) * scale[1])
    c = dt.constant(rng.normal(size=m) * scale[2] * (rng.random() < 0.7))
    names = ["tanh", "expit", "relu", "sin", "absolute", "erf", "tanh'"]
    z = OPERATORS[str(rng.choice(names))](x @ w + c) @ v
    if rng.random() < 0.4:
        z = OPERATORS[str(rng.choice(names[:3]))](z) @ dt.constant(
            rng.normal(size=(o, 2))
        )
    makers = [
        lambda: dt.norm(z),
        lambda: dt.norm(dt.grad(np.sum(z), [w, c])),
        lambda: dt.norm(dt.grad(np.sum(np.square(z)), [w, c, v])),
        lambda: dt.norm(dt.grad(-np.sum(dt.log_softmax(z)[..., 0]), [w, c, v])),
    ]
    size = 10.0 ** rng.choice([0, 0, -170, -160, -155, -300, 100, 150])
    high = size * rng.random((1, k))
    low = np.where(rng.random((1, k)) < 0.5, 0.0, -size * rng.random((1, k)))
    if rng.random() < 0.2:
        low = high * (1 - 1e-15)
    return makers[rng.integers(4)](), x, np.minimum(low, high), high


def bounds(v, x, low, high):
    """Return the bound of the whole box by every method that fits."""
    problem = Problem(v, dt.Box({x: (low, high)}))
    found = {}
    for name, make in (
        ("norms", norm_bounder_of),
        ("clusters", cluster_bounder_of),
        ("box", DerivativeBounder),
    ):
        bounder = make(problem) if problem.size else None
        if bounder is not None:
            found[name] = float(bounder.bound(bounder.root(), -np.inf).upper[0])
    return found


def check(seed):
    v, x, low, high = network(seed)
    with np.errstate(all="ignore"):
        found, compared = bounds(v, x, low, high), 0
        for point in array_problems.points(np.random.default_rng(seed), low, high, 5):
            value = array_problems.exactly(v, point)[()]
            if not value.is_finite():
                continue
            for name, upper in found.items():
                compared += 1
                # minus infinity says that no largest value is in the box
                assert upper == -np.inf or not value > arb(upper), (seed, name, upper)
    return compared


@pytest.mark.drawn
def test_bounders_at_extreme_sizes():
    # the first one: small coefficients over a wide range, in the relaxation
    numbers = [25320, *range(draws(1, 60))]
    assert sum(map(check, numbers)) > 2.5 * len(numbers)
