"""One feature alone, where a domain is no product of ranges: both records lie in it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.privacy.sensitivity.free_elements import features_of, is_alone
from deuterium.privacy.sensitivity.neighbours import FeatureNeighbours
from deuterium.search.search import enclose_at
from tests.amounts import draws, some

X = dt.symbol("x", shape=(3,))


def moved(f, first, second):
    """Return the distance of a pair, by another way."""
    values = [np.ravel(f.evaluate({X: r})) for r in (first, second)]
    return float(np.linalg.norm(values[0] - values[1]))


def vectors(seed, count=2):
    """Some function of three numbers, with bends."""
    rng = np.random.default_rng(seed)
    a, b = (dt.constant(rng.normal(size=(3, 3))) for _ in range(2))
    return np.concatenate([np.tanh(X @ a), (X @ b) ** 2])


def in_a_ball(rng, count, center, radius, where):
    """Pairs of records in a ball that differ in some places only."""
    first = rng.normal(size=(count, 3))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    first *= rng.uniform(0.5, 1, (count, 1)) * radius
    second = first.copy()
    second[:, where] = -first[:, where]
    second[::2, where] = rng.uniform(-radius, radius, (len(first[::2]), len(where)))
    inside = np.linalg.norm(second, axis=1) <= radius
    return first[inside] + center, second[inside] + center


@pytest.mark.drawn
@pytest.mark.parametrize(
    ("seed", "where"), some([(0, [0, 1]), (1, [0]), (0, [0]), (1, [0, 1])], 2)
)
def test_in_a_ball_both_records_are_in_the_ball(seed, where, rng):
    center, radius, f = np.array([0.2, -0.1, 0.4]), 0.8, vectors(seed)
    ball = dt.Ball(X, center, radius)
    (s,) = privacy.feature_sensitivity(f, X, ball, groups=[where], time_limit=4)
    a, b = in_a_ball(rng, draws(240, 2000), center, radius, where)
    far = max(moved(f, u, v) for u, v in zip(a, b, strict=True))
    assert far <= s.upper
    assert far <= s.lower * (1.2 if len(where) == 1 else 1.7)
    for record in (s.witness["x"], s.witness["x'"]):
        assert ball.contains(X, record)
    still = np.delete(np.arange(3), where)
    assert np.array_equal(s.witness["x"][still], s.witness["x'"][still])
    assert s.lower <= moved(f, s.witness["x"], s.witness["x'"]) * (1 + 1e-12)


@pytest.mark.long
def test_the_farthest_pair_of_a_ball_is_exact():
    """|x0 - x0'| |x1| over the unit ball is 2 |x0 x1|, at most 1."""
    f, groups = X[0] * X[1], [[0], [2]]
    ball = dt.Ball(X, 0.0, 1.0)
    found = privacy.feature_sensitivity(f, X, ball, groups=groups, time_limit=60)
    assert found.upper[0] == pytest.approx(1, rel=0.06)
    assert found.lower[0] == pytest.approx(1, rel=0.06)
    assert found.lower[0] <= 1 <= found.upper[0]
    assert found.upper[1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("order", [2, math.inf])
def test_a_ball_cut_by_a_box(order, rng):
    f = vectors(1)
    domain = dt.Ball(X, 0.0, 1.0, order=order) & dt.Box({X: (-0.3, 2)})
    found = privacy.feature_sensitivity(f, X, domain, time_limit=1)
    points = rng.uniform(-0.3, 1, (20_000, 3))
    points = points[np.linalg.norm(points, ord=order, axis=1) <= 1]
    for j, s in enumerate(found):
        second = points.copy()
        second[:, j] = rng.permutation(points[:, j])
        inside = np.linalg.norm(second, ord=order, axis=1) <= 1
        pairs = zip(points[inside][:500], second[inside][:500], strict=True)
        far = max(moved(f, u, v) for u, v in pairs)
        assert far <= s.upper
        assert s.lower > 0.3 * far
        for record in (s.witness["x"], s.witness["x'"]):
            assert domain.contains(X, record)


@pytest.mark.parametrize("seed", range(2))
def test_of_listed_records_only_those_that_differ_there(seed, rng):
    f = vectors(seed)
    rows = rng.integers(0, 2, (12, 3)).astype(float)
    domain = dt.Choice(X, rows)
    for where in ([0], [1], [0, 2], [0, 1, 2]):
        (s,) = privacy.feature_sensitivity(f, X, domain, groups=[where], time_limit=5)
        still = np.delete(np.arange(3), where)
        far = max(
            moved(f, a, b)
            for a, b in itertools.product(rows, rows)
            if np.array_equal(a[still], b[still])
        )
        assert far * (1 - 1e-9) <= s.upper <= far * 1.06 + 1e-9
        assert s.lower == pytest.approx(far, rel=0.06, abs=1e-9)


def test_a_class_changes_as_a_whole():
    """No element of a unit vector changes alone; all together, or some among them."""
    f = dt.constant(np.array([1.0, 5.0, 2.0])) * X
    groups = {"first": [0], "two": [0, 2], "all": [0, 1, 2]}
    found = privacy.feature_sensitivity(f, X, dt.OneHot(X), groups=groups, time_limit=5)
    expected = [0, math.hypot(1, 2), math.hypot(5, 2)]
    np.testing.assert_allclose(found.upper, expected, rtol=0.06, atol=1e-9)
    np.testing.assert_allclose(found.lower, expected, rtol=0.06)
    assert (found.lower <= found.upper).all()


@pytest.mark.parametrize(
    "domain",
    [
        dt.Box({X: (-1, 1)}),
        dt.Ball(X, 0.5, 1.0),
        dt.Ball(X, 0.5, 1.0) & dt.Box({X: (0, 1)}),
        dt.Ball(X, 0.5, 1.0, order=math.inf),
        dt.Choice(X, list(itertools.product([0.0, 1.0], repeat=3))),
    ],
    ids=repr,
)
@pytest.mark.parametrize("where", [(1,), (0, 2)])
def test_every_pair_given_lies_in_the_domain(domain, where, rng):
    f = vectors(5)
    pair = FeatureNeighbours([f], X, where, domain)
    still = np.delete(np.arange(3), where)
    given = 0
    for _ in range(40):
        point = {}
        for s in (X, pair.moved):
            if s.name in pair.doubled.constraints:
                table, hull = pair.doubled.table(s), pair.doubled.hull(s)
                point[s.name] = (
                    rng.uniform(hull.lower, hull.upper)
                    if table is None
                    else table[rng.integers(len(table))]
                )
        for records in pair.records(point):
            given += 1
            first, second = records["x"], records["x'"]
            assert domain.contains(X, first)
            assert domain.contains(X, second)
            np.testing.assert_array_equal(first[still], second[still])
    assert given > 10


def test_several_symbols_are_features_as_well():
    a, b = dt.symbol("a"), dt.symbol("b")
    box = dt.Box({a: (0, 1), b: (-2, 3)})
    found = privacy.feature_sensitivity(a + 2 * b, [a, b], box, time_limit=5)
    assert found.names == ("a", "b")
    assert found.upper == pytest.approx([1, 10], rel=0.06)
    assert set(found["b"].witness) == {"a", "b", "b'"}
    at = dict(found["b"].witness)
    two = (a + 2 * b) - (a + 2 * b).subs({b: dt.symbol("b'")})
    assert abs(enclose_at(two, at).lower) >= found["b"].lower * (1 - 1e-12)


def test_conditions_narrow_the_ranges_and_a_hole_is_no_way_around_a_slope():
    steep = np.tanh(100 * X)  # -1 and 1 at the ends, and flat where records may be
    hole = dt.Box({X: (-3, 3)}) & dt.Where(np.abs(X[0]) >= 1)
    found = privacy.feature_sensitivity(steep, X, hole, time_limit=0.3)
    assert min(found.upper) >= 2
    top = dt.Box({X: (0, 1)}) & dt.Where(np.sum(X) >= 2.5)
    found = privacy.feature_sensitivity(X[0] - 0.75, X, top, time_limit=0.3)
    assert found.lower[0] <= 0.5 <= found.upper[0]


def test_large_one_hot_vectors_are_features_whatever_else_is_said_of_them():
    many = dt.symbol("h", (6, 9))
    for more in (dt.Box({many: (0, 1)}), dt.Where(np.sum(many) <= 6)):
        domain = dt.OneHot(many) & more
        assert [len(g) for g in features_of(many, domain.plain).values()] == 6 * [9]
        assert not is_alone((0,), many, domain)


def test_a_number_in_a_ball_of_no_axes():
    """What is linear in it is a number of its own, of whatever shape it is."""
    a = dt.symbol("a")
    found = privacy.feature_sensitivity(np.sin(a), a, dt.Ball(a, 2.0, 0.75))
    truth = np.sin(1.25) - np.sin(2.75)  # it is largest at pi / 2, inside
    truth = 1 - np.sin(2.75) if truth < 1 - np.sin(2.75) else truth
    assert found[0].lower <= truth * (1 + 1e-12) and found[0].upper >= truth


def test_poles_are_looked_for_on_the_edges_of_balls_of_any_shape():
    y = dt.symbol("y", (1, 2, 2))
    found = dt.maximize(np.sum(1 / (1 - y)), dt.Ball(y, np.zeros((1, 2, 2)), 1.0))
    assert found.status == "undefined" and found.upper == np.inf
