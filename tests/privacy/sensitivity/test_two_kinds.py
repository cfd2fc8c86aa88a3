"""Quotients of sums over people: all who stay become two kinds of people."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

import deuterium as dt
from deuterium import privacy
from deuterium.graph.traverse import free_symbols
from deuterium.privacy.sensitivity.kinds_problem import kinds_cases
from deuterium.privacy.sensitivity.neighbours import Neighbours
from deuterium.privacy.sensitivity.two_kinds import KindsOfPeople
from deuterium.transform.expansion import quotient_difference
from tests.amounts import draws, seeds

N = 7
a, b = dt.symbol("a"), dt.symbol("b")
A, B = dt.symbol("A", N), dt.symbol("B", N)
x, y = np.concatenate([a[None], A]), np.concatenate([b[None], B])
ones = np.ones(N + 1)
design = np.stack([ones + 0 * x, x], axis=1)
ridge = np.diag([0.0, 1.0])
BOX = dt.Box(dict.fromkeys((a, b, A, B), (0, 1)))


def centred(x, y):
    return np.sum((x - np.mean(x)) * (y - np.mean(y)))


SLOPE = centred(x, y) / (centred(x, x) + 1)
SPELLED = {
    "np.cov": np.cov(x, y)[0, 1] / (np.var(x) + 0.1),
    "a matrix of covariances": np.cov(x, y)[0, 1] / (np.cov(x, y)[0, 0] + 0.1),
    "centred": SLOPE,
    "moments": (np.mean(x * y) - np.mean(x) * np.mean(y))
    / (np.mean(x**2) - np.mean(x) ** 2 + 0.1),
    "intercept": np.mean(y) - SLOPE * np.mean(x),
    "a fit": np.linalg.solve(design.T @ design + ridge, design.T @ y)[1],
    "a fit's intercept": np.linalg.solve(design.T @ design + ridge, design.T @ y)[0],
    "through the origin": (x @ y) / (x @ x + 1),
    "weighted mean": np.sum(x * y) / (np.sum(x) + 1),
    "share of one": a / (1 + np.sum(x)),
}
OTHERS = {
    "squares of both": centred(x, y) / (centred(x, x) + centred(y, y) + 1),
    "cubes": np.sum(x**3) / (1 + np.sum(x)),
    "one of them": A[0] / (1 + np.sum(x)),
    "in a row": np.sum(x * np.arange(N + 1)) / (1 + np.sum(x)),
    "largest": np.max(x) / (1 + np.sum(x)),
    "curved": np.sum(np.exp(x)) / (1 + np.sum(x)),
    "not affine": np.sum(y) ** 2 / (1 + np.sum(x)),
    "a quotient by y": np.sum(x**2) / (1 + np.sum(y) + np.sum(x**2)),
}


def value(v, at):
    return float(v.evaluate({s: at[s.name] for s in free_symbols([v])}))


@pytest.mark.parametrize("name", SPELLED)
@pytest.mark.parametrize("seed", seeds(1, 5))
def test_a_query_of_two_kinds_is_the_query(name, seed):
    rng = np.random.default_rng(seed)
    kinds = KindsOfPeople(A, B)
    found = kinds.of(SPELLED[name])
    assert found is not None
    first = np.arange(N) < rng.integers(0, N + 1)
    p, q, y_one, y_two, own_x, own_y = rng.random(6)
    data = {"A": np.where(first, p, q), "B": np.where(first, y_one, y_two)}
    told = zip((*kinds.first, *kinds.second), (p, y_one, q, y_two), strict=True)
    at = {s.name: x for s, x in told} | {kinds.share.name: first.mean()}
    own = {"a": own_x, "b": own_y}
    exact = value(SPELLED[name], data | own)
    assert value(found, at | own) == pytest.approx(exact, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", OTHERS)
def test_what_needs_more_than_these_sums_is_left_alone(name):
    assert KindsOfPeople(A, B).of(OTHERS[name]) is None


def cases_of(v, box=BOX):
    neighbours = Neighbours(box, free_symbols([v]), [A, B])
    return neighbours, kinds_cases([v], neighbours)


def test_a_slope_is_told_from_the_second_kind():
    neighbours, (alike, apart) = cases_of(SLOPE)
    assert alike.moves(neighbours) is a
    assert apart.moves(neighbours) is a
    domain = apart.problem(neighbours)[1]
    assert domain.hull(apart.kinds.first[0]).lower == 0  # all may change their sign
    assert apart.kinds.second[0].name not in domain.names


@pytest.mark.parametrize("name", SPELLED)
def test_the_difference_of_two_records_is_one(name):
    v = SPELLED[name]
    again = [dt.symbol(s.name, s.shape) for s in free_symbols([v])]  # others, one name
    neighbours = Neighbours(BOX, again, ["A", "B"])
    rng = np.random.default_rng(0)
    for case in kinds_cases([v], neighbours):
        for u in case.values:
            q = u.subs(neighbours.second)
            apart = quotient_difference(u, neighbours.second)
            at = {s.name: rng.random() for s in free_symbols([u, q])}
            far = value(u, at) - value(q, at)
            assert value(apart, at) == pytest.approx(far, rel=1e-9, abs=1e-12)


def test_a_fit_through_the_origin_is_not():
    neighbours, cases = cases_of(SPELLED["through the origin"])
    assert [c.moves(neighbours) for c in cases] == [None, None]


@pytest.mark.parametrize(
    "box",
    [
        dt.Box({a: (0, 1), b: (0, 1), A: (0, np.linspace(1, 2, N)), B: (0, 1)}),
        BOX & dt.Where(a <= b),
        dt.Box({a: (0, 1), b: (0, 1), B: (0, 1)}) & dt.Ball(A, 0, 1),
    ],
    ids=["other ranges", "a condition", "a ball"],
)
def test_people_who_may_be_different_stay(box):
    assert not cases_of(SLOPE, box)[1]


@pytest.mark.parametrize("seed", seeds(5, 100))
def test_two_kinds_reach_what_any_people_do(seed):
    """The theorem, by a linear program over people on a grid."""
    rng = np.random.default_rng(seed)
    people = rng.random(rng.integers(2, 9)) ** rng.choice([0.3, 1, 4])
    mean, square = people.mean(), np.mean(people**2)
    slope, place = rng.normal(), rng.random()

    def g(x):
        return np.maximum(slope * (x - place), 0)

    grid = np.append(np.linspace(0, 1, 401), people)
    sums = np.stack([np.ones_like(grid), grid, grid**2])
    any_people = linprog(-g(grid), A_eq=sums, b_eq=[1, mean, square])
    spread = square - mean**2
    down = np.linspace(spread / (1 - mean), mean, 20_001)  # of the lower kind
    up = spread / down
    two = (up * g(mean - down) + down * g(mean + up)) / (up + down)
    assert two.max() >= -any_people.fun - 1e-6


def farthest(v, seed):
    """Return how far people found at random, and others near, move it."""
    rng, best, start = np.random.default_rng(seed), 0.0, {}
    shapes = {s.name: s.shape for s in free_symbols([v])}
    for k in range(draws(100, 1000)):
        point = {n: rng.random(s) for n, s in shapes.items()}
        if k % 3 and start:
            step = {n: rng.normal(0, 0.3, s) for n, s in shapes.items()}
            point = {n: np.clip(x + step[n], 0, 1) for n, x in start.items()}
        ends = {n: rng.integers(0, 2) * 1.0 for n in ("a", "b")}
        far = abs(value(v, point) - value(v, point | ends))
        if far > best:
            best, start = far, point
    return best


@pytest.mark.parametrize("name", ["np.cov", "intercept", "through the origin"])
def test_no_people_move_it_farther_than_the_bound(name):
    v = SPELLED[name]
    s = privacy.diameter(v, BOX, shared=[A, B], time_limit=3)
    assert s.upper >= farthest(v, 0)
    assert s.upper >= s.lower > 0


def test_a_weighted_mean_is_bounded_and_proved():
    """One weight of 1 more, all others being 0, moves ``sum(w x) / (sum(w) + 1)``."""
    s = privacy.diameter(SPELLED["weighted mean"], BOX, shared=[A, B], time_limit=None)
    assert 0.5 <= s.upper <= 0.5 * 1.01
    assert len(s.verify()) == 2
    assert "two kinds" in " ".join(s.assumptions)
    assert privacy.Sensitivity.from_json(s.to_json()).verify()
