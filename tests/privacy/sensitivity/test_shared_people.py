"""Queries of whole data sets: one person is replaced, all others stay as they are."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.special import expit

import deuterium as dt
from deuterium import privacy
from deuterium.privacy.sensitivity.neighbours import Neighbours
from deuterium.privacy.sensitivity.vector_norms import ball_and_box_bound
from deuterium.testing import evaluate_exactly
from tests.amounts import draws, seeds, some

flint = pytest.importorskip("flint")

a, b = dt.symbol("a"), dt.symbol("b")


def people(n, low=0, high=1):
    others = dt.symbol("A", n - 1)
    return (
        np.concatenate([a[None], others]),
        [others],
        dt.Box({a: (low, high), others: (low, high)}),
    )


def pairs(n):
    A, B = dt.symbol("A", n - 1), dt.symbol("B", n - 1)
    x, y = np.concatenate([a[None], A]), np.concatenate([b[None], B])
    return x, y, [A, B], dt.Box({a: (0, 1), b: (0, 1), A: (0, 1), B: (0, 1)})


def check(f, box, shared, truth, norm=2, rtol=1e-2, **options):
    """The bound is no less than the truth, no more than a little above, and proved."""
    options = {"time_limit": None, **options}  # until it is optimal
    s = privacy.diameter(f, box, norm, shared=shared, rtol=rtol, **options)
    assert s.upper >= truth * (1 - 1e-12)
    assert s.upper <= truth * (1 + 1.01 * rtol)
    assert s.lower <= truth * (1 + 1e-12)
    assert s.status == "optimal"
    if s.certificate is not None:
        s.verify()
    return s


# -- statistics of people --------------------------------------------------------------

SIZES = some([3, 5, 10], 1)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(
    "variance",
    [
        np.var,
        lambda x: np.mean(x**2) - np.mean(x) ** 2,
        lambda x: np.sum((x - np.sum(x) / len(x)) ** 2) / len(x),
    ],
)
def test_variance(n, variance):
    x, shared, box = people(n)
    check(variance(x), box, shared, (n - 1) / n**2)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(
    "covariance",
    [
        lambda x, y: np.cov(x, y, bias=True)[0, 1],
        lambda x, y: np.mean(x * y) - np.mean(x) * np.mean(y),
        lambda x, y: np.mean((x - np.mean(x)) * (y - np.mean(y))),
    ],
)
def test_covariance(n, covariance):
    x, y, shared, box = pairs(n)
    check(covariance(x, y), box, shared, (n - 1) / n**2)


@pytest.mark.parametrize("n", SIZES)
def test_order_statistics(n):
    x, shared, box = people(n, -1, 3)
    check(np.max(x), box, shared, 4.0)
    check(np.median(x), box, shared, 4.0 if n % 2 else 2.0)
    place = 0.3 * (n - 1)
    share = place - int(place)
    check(np.quantile(x, 0.3), box, shared, 4 * max(share, 1 - share))
    check(np.ptp(x), box, shared, 4.0)
    trimmed = np.mean(np.sort(x)[1:-1])
    check(trimmed, box, shared, 4 / (n - 2))


@pytest.mark.long
@pytest.mark.parametrize("n", SIZES)
def test_means_and_counts(n):
    x, shared, box = people(n)
    check(np.mean(x), box, shared, 1 / n)
    check(np.mean(expit(4 * x)), box, shared, (expit(4.0) - 0.5) / n)
    check([np.mean(x), np.mean(x**2)], box, shared, math.sqrt(2) / n)
    check(np.sum(x > 0.3), box, shared, 1.0)
    bins = np.bincount(np.digitize(x, [0.25, 0.5, 0.75]), minlength=4)
    check(bins, box, shared, math.sqrt(2))
    check(bins, box, shared, 2.0, norm=1)


@pytest.mark.long
def test_one_row_of_a_histogram():
    bins = np.bincount(np.digitize(a[None], [0.25, 0.5, 0.75]), minlength=4)
    box = dt.Box({a: (0, 1)})
    assert privacy.contribution(bins, box).upper == pytest.approx(1.0, rel=1e-9)
    check(bins, box, [], math.sqrt(2))


@pytest.mark.long
def test_a_mean_over_rows_moves_by_a_row():
    row, others = dt.symbol("row", 3), dt.symbol("others", (4, 3))
    x = np.concatenate([row[None], others])
    box = dt.Box({row: (-1, 1), others: (-1, 1)})
    clipped = x / np.maximum(1, np.linalg.norm(x, axis=1))[:, None]
    check(np.mean(clipped, axis=0), box, [others], 2 / 5)
    check(np.mean(dt.softmax(20 * x), axis=0), box, [others], math.sqrt(2) / 5)
    check(np.mean(np.tanh(x @ np.ones(3))), box, [others], 2 * math.tanh(3) / 5)


def test_names_alone_are_enough_and_what_cancels_has_a_value():
    x, _, _ = people(5)
    s = privacy.diameter(np.mean(x), dt.Box({"a": (0, 1), "A": (2, 3)}), shared=["A"])
    assert s.upper == pytest.approx(0.2)
    assert s.witness["A"].shape == (4,)
    first = np.mean(x).evaluate({n: v for n, v in s.witness.items() if n != "a'"})
    second = np.mean(x).evaluate({"a": s.witness["a'"], "A": s.witness["A"]})
    assert abs(first - second) >= s.lower * (1 - 1e-12)


@pytest.mark.long
@pytest.mark.parametrize("n", some([5, 10], 1))
def test_people_in_one_array(n):
    """The element of one person changes, the others stay: nothing else is left."""
    x = dt.symbol("x", n)
    for f, truth in ((np.mean(x), 1 / n), (np.var(x), (n - 1) / n**2)):
        found = privacy.feature_sensitivity(
            f, x, dt.Box({"x": (0, 1)}), groups=[[0]], rtol=0.01
        )
        (s,) = found
        assert truth * (1 - 1e-12) <= s.upper <= truth * 1.0101
        s.verify()


def test_what_may_be_undefined_does_not_cancel():
    x, shared, _ = people(3)
    box = dt.Box({a: (1, 2), shared[0]: (-1, 1)})
    s = privacy.diameter(np.sum(np.log(x)), box, shared=shared, time_limit=2)
    assert s.upper == math.inf


@pytest.mark.parametrize("seed", seeds(2, 12))
def test_no_pair_of_data_sets_is_farther_apart(seed):
    """Zero tolerance, on random statistics of people with shared values."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    x, y, shared, box = pairs(n)
    weights = rng.choice([-1.0, 0.5, 2.0], 3)
    f = weights[0] * np.mean(x * y) + weights[1] * np.var(x) * np.mean(y)
    f = f + weights[2] * (np.median(x), np.mean(np.exp(y)), np.max(x * y))[seed % 3]
    s = privacy.diameter(f, box, shared=shared, time_limit=3)
    for corner in rng.random(draws(18, 100)) < 0.6:
        point = {v.name: rng.random(v.shape) for v in (a, b, *shared)}
        if corner:
            point = {k: np.round(v) for k, v in point.items()}
        other = {**point, "a": rng.random(), "b": np.round(rng.random())}
        apart = evaluate_exactly(f, point) - evaluate_exactly(f, other)
        assert not abs(apart) > flint.arb(s.upper)


@pytest.mark.long
@pytest.mark.parametrize("n", some([5, 10], 1))
def test_several_statistics_together(n):
    x, y, shared, box = pairs(n)
    spread = (n - 1) / n**2
    check(np.cov(x, y, bias=True), box, shared, 2 * spread)
    x, shared, box = people(n)
    check(np.std(x), box, shared, math.sqrt(n - 1) / n)
    check([np.mean(x), np.var(x)], box, shared, 1 / n + spread, norm=1)


# -- vectors ---------------------------------------------------------------------------


CLIPPED = [
    lambda v: v / np.maximum(1, np.linalg.norm(v)),
    lambda v: v / np.maximum(np.sqrt(np.sum(v**2)), 1),
    lambda v: 2 * v / np.maximum(2, dt.norm(v)) / 2,
]


@pytest.mark.long
@pytest.mark.parametrize(("n", "form"), some(product([5, 10], range(3)), 1))
def test_clipped_vectors(n, form):
    v = dt.symbol("v", n)
    clipped = CLIPPED[form](v)
    box = dt.Box({v: (-1, 1)})
    if n > 4:
        assert privacy.contribution(clipped, box).upper <= 1 + 1e-9
    check(clipped, box, [], 2.0)
    check(clipped, dt.Box({v: (0, 3)}), [], math.sqrt(2))


@pytest.mark.parametrize("n", some([3, 6], 1))
def test_softmax_is_farthest_between_corners(n):
    v = dt.symbol("v", n)
    values = np.exp(np.array(list(product([-1, 1], repeat=n)), dtype=float))
    shares = values / values.sum(axis=1, keepdims=True)
    truth = max(np.linalg.norm(shares - p, axis=1).max() for p in shares)
    s = check(dt.softmax(v), dt.Box({v: (-1, 1)}), [], truth)
    assert s.certificate.leaves < 100


@pytest.mark.parametrize("seed", seeds(6, 60))
def test_two_points_of_a_ball_and_a_box(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    low = rng.normal(size=n)
    high = low + rng.random(n) * 2
    v = dt.symbol("v", n)
    radius = float(rng.random() * 3) + np.linalg.norm(np.clip(0, low, high)) + 1e-9
    bound = ball_and_box_bound([v], radius, dt.Box({v: (low, high)}))
    points = low + (high - low) * rng.random((400, n))
    corners = np.array(list(product(*zip(low, high, strict=True))))
    points = np.concatenate([points, corners])
    points = points[np.linalg.norm(points, axis=1) <= radius]
    for p in points:
        assert np.linalg.norm(points - p, axis=1).max() <= bound
    assert bound <= np.linalg.norm(high - low) * (1 + 1e-9) + 1e-9


def test_what_only_conditions_are_on_is_each_record_s_own():
    """Of x near a z that is in nothing else, two records have two."""
    x, z = dt.symbol("x"), dt.symbol("z")
    domain = dt.Box({x: (0, 1), z: (0, 1)}) & dt.Where(abs(x - z) <= 0.1)
    both = Neighbours(domain, [x])
    far, held = {"x": 1.0, "z": 1.0, "x'": 0.0, "z'": 0.0}, both.doubled.conditions
    assert {s.name for s in dt.graph.free_symbols(held)} == set(far)
    for c in held:
        assert c.evaluate({s: far[s.name] for s in dt.graph.free_symbols([c])})
