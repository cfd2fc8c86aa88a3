"""Relaxations: no bound below a value found, whatever the region or multipliers."""

import numpy as np
import pytest

import deuterium as dt
from deuterium.budget import Spent
from deuterium.optimize.bounders.clusters import (
    certified_maxima,
    cluster_bounder,
    layer_energies,
)
from deuterium.optimize.bounders.clusters.certified_bound import CertifiedBound
from deuterium.optimize.bounders.clusters.newton_method import (
    NewtonMethod,
    SampledBatch,
)
from tests.amounts import draws, seeds
from tests.optimize.bounders.clusters.relax_nets import (
    Coordinates,
    bounder_of,
    gradient_norm,
    random_regions,
    violations,
)

CASES = [
    ((2, 3, 1), "sigmoid", 1.0, "logistic"),
    ((3, 4, 1), "tanh", 1.5, "logistic"),
    ((4, 5, 1), "relu", 1.0, "logistic"),
    ((3, 3, 2, 1), "tanh", 0.8, "logistic"),
    ((3, 3, 3, 1), "relu", 1.0, "logistic"),
    ((2, 3, 3), "sigmoid", 1.0, "softmax"),
    ((3, 4, 2), "relu", 1.0, "softmax"),
    ((2, 4, 1), "tanh", 1.0, "squares"),
    ((3, 1), "sigmoid", 2.0, "logistic"),
]


def setting(units, activation, scale, head, seed, *, maximize=True):
    rng = np.random.RandomState(seed)
    x, v = gradient_norm(rng, units, activation, scale, head)
    problem, bounder = bounder_of(v if maximize else -v, dt.Box({x: (-1, 1)}))
    return rng, problem, bounder, Coordinates(problem, bounder)


def points(rng, problem, regions, rows, count):
    """Return rows spread over all regions' boxes of inputs, theirs included."""
    n = problem.size
    low, high = regions.low[:, None, :n], regions.high[:, None, :n]
    t = rng.random((len(regions), count, n))
    t[:, : count // 3] = np.rint(t[:, : count // 3])
    return np.concatenate([rows, (low + t * (high - low)).reshape(-1, n)])


@pytest.mark.drawn
@pytest.mark.usefixtures("rough_multipliers")
@pytest.mark.parametrize("seed", seeds(1, 4))
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}-{c[1]}-{c[3]}")
def test_no_value_exceeds_a_bound(case, seed):
    rng, problem, bounder, coordinates = setting(*case, seed)
    count = draws(3 if len(case[0]) < 4 else 1, 12)
    for many, cuts in ((1, 0), (count, 3), (count, 9)):
        regions, rows = random_regions(rng, bounder, coordinates, many, cuts)
        some = points(rng, problem, regions, rows, 60)
        best = coordinates(some)[0].max()
        results = bounder.bound(regions, best)
        assert not violations(bounder, coordinates, regions, results.upper, some)
        assert not np.isnan(results.upper).any()


def bounds_at(rng, bounder, regions, size, push=1.0):
    """Return bounds by random multipliers, with energies fitted to the regions."""
    ranges, method = bounder.pass_(*bounder._ends(regions)), bounder.method
    p = size * rng.normal(size=(len(regions), bounder.layout.multipliers))
    energies = [None] * len(bounder.layout.rules)
    if isinstance(method, NewtonMethod):
        weights = method.start.shape[1] - method.size
        wanted = rng.random((len(regions), weights))
        batch = SampledBatch(method, ranges, wanted)
        nu = push * size * np.abs(rng.normal(size=(len(regions), len(method.energies))))
        energies = layer_energies.joined(
            bounder.layout, method.energies, batch.fits, nu
        )
    upper = bounder._raised(bounder.bounding(ranges, p, energies))
    return np.where(ranges.empty, -np.inf, upper)


@pytest.mark.parametrize("case", CASES[:8:2], ids=lambda c: f"{c[0]}-{c[1]}-{c[3]}")
def test_any_multipliers_give_a_bound(case):
    rng, problem, bounder, coordinates = setting(*case, 5)
    regions, rows = random_regions(rng, bounder, coordinates, 16, 4)
    some = points(rng, problem, regions, rows, 40)
    for size in (1e-3, 1.0, 1e3):
        upper = bounds_at(rng, bounder, regions, size)
        assert not violations(bounder, coordinates, regions, upper, some)


@pytest.mark.usefixtures("rough_multipliers")
def test_the_infimum_is_bounded_without_a_logarithm():
    rng, problem, bounder, coordinates = setting(*CASES[1], 3, maximize=False)
    assert not bounder.logarithm
    regions, rows = random_regions(rng, bounder, coordinates, 12, 4)
    some = points(rng, problem, regions, rows, 60)
    results = bounder.bound(regions, coordinates(some)[0].max())
    assert not violations(bounder, coordinates, regions, results.upper, some)


@pytest.mark.usefixtures("rough_multipliers")
def test_cuts_shrink_bounds_and_share_their_point():
    _, problem, bounder, coordinates = setting((3, 3, 1), "sigmoid", 1.5, "logistic", 2)
    rows = np.random.RandomState(0).uniform(-1, 1, (4000, problem.size))
    value, _ = coordinates(rows)
    region, best = bounder.root(), value.max()
    for _ in range(5):
        verdict = bounder.bound(region, best)
        j, at = int(verdict.cut[0]), float(verdict.at[0])
        assert region.low[0, j] < at < region.high[0, j] or j >= problem.size
        low, high = verdict.low.repeat(2, 0), verdict.high.repeat(2, 0)
        opened, state = verdict.open.repeat(2, 0), verdict.state.repeat(2, 0)
        high[0, j], low[1, j], opened[1, j] = at, at, True
        halves = type(region)(low, high, opened, np.repeat(verdict.upper, 2), state)
        both = bounder.bound(halves, best)
        assert not violations(bounder, coordinates, halves, both.upper, rows)
        region = halves.take([int(np.argmax(both.upper))])
    assert both.upper.max() < bounder.bound(bounder.root(), best).upper[0]


def test_a_contradiction_is_empty():
    _, _, bounder, _ = setting((2, 2, 1), "tanh", 1.0, "logistic", 0)
    region = bounder.root()
    region.low[0, 2] = 50.0  # no input reaches it
    verdict = bounder.bound(region, 1.0)
    assert verdict.upper[0] == -np.inf
    assert verdict.proofs[0] == ("clusters", {"empty": True})


def test_the_whole_domain_is_tried_by_both_methods_while_there_is_time():
    class Over:
        start = np.zeros((1, 1))

        def __call__(self, *args):
            raise Spent("time_limit")

    _, _, bounder, _ = setting((3, 4, 1), "tanh", 1.0, "logistic", 0)
    assert isinstance(bounder.method, NewtonMethod)
    both = bounder.bound(bounder.root(), 1e-9)
    bounder.others = [Over()]
    one = bounder.bound(bounder.root(), 1e-9)
    assert both.upper[0] <= one.upper[0] < np.inf
    assert one.proofs[0][0] == "clusters"


# -- planted errors are found ---------------------------------------------------------


def caught(case, seed):
    """Whether random regions and multipliers show a violation."""
    rng, problem, bounder, coordinates = setting(*case, seed)
    for cuts in (0, 2, 6):
        regions, rows = random_regions(rng, bounder, coordinates, 16, cuts)
        some = points(rng, problem, regions, rows, 60)
        few = regions.take(np.arange(4 if cuts else 1))  # the whole domain is one
        upper = bounder.bound(few, 1e-9).upper
        if violations(bounder, coordinates, few, upper, some):
            return True
        for _ in range(3):
            upper = bounds_at(rng, bounder, regions, 0.3, push=100.0)
            if violations(bounder, coordinates, regions, upper, some):
                return True
    return False


def smaller_energy(monkeypatch):
    monkeypatch.setattr(
        "deuterium.optimize.bounders.clusters.energy_weights._holds",
        lambda matrix, radius, nu, above: np.ones((len(nu), 1), dtype=bool),
    )
    right = layer_energies.nearly
    monkeypatch.setattr(
        layer_energies, "nearly", lambda *args: (0.3 * right(*args)[0], right(*args)[1])
    )


def samples_for_maxima(monkeypatch):
    def wrong(t0, t1, t2, a, b):
        return np.minimum(t0 + a * (t1 + a * t2), t0 + b * (t1 + b * t2))

    monkeypatch.setattr(certified_maxima, "parabola_top", wrong)


def forgotten_constant(monkeypatch):
    right = CertifiedBound.__call__

    def wrong(self, ranges, p, energies):
        lost = sum(np.abs(p[:, r.multipliers] @ r.constant) for r in self.layout.rules)
        return right(self, ranges, p, energies) - lost

    monkeypatch.setattr(CertifiedBound, "__call__", wrong)


def slope_left_of_the_kink(monkeypatch):
    right = certified_maxima._within

    def wrong(cells, load):
        first, last = right(cells, load)
        return first, np.maximum(first + 1, last - 1)

    monkeypatch.setattr(certified_maxima, "_within", wrong)


def rounding_the_exponential_down(monkeypatch):
    right = cluster_bounder.ClusterBounder._raised
    monkeypatch.setattr(
        cluster_bounder.ClusterBounder,
        "_raised",
        lambda self, u: right(self, u - 1e-2 * np.abs(u) - 1e-2),
    )


@pytest.mark.parametrize(
    ("plant", "case"),
    [
        (smaller_energy, ((3, 4, 1), "relu", 1.0, "logistic")),
        (samples_for_maxima, ((1, 2, 1), "sigmoid", 2.0, "logistic")),
        (forgotten_constant, ((2, 3, 1), "tanh", 1.0, "logistic")),
        (slope_left_of_the_kink, ((2, 3, 1), "relu", 1.0, "logistic")),
        (rounding_the_exponential_down, ((2, 1), "sigmoid", 1.0, "logistic")),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
@pytest.mark.usefixtures("rough_multipliers")
def test_planted_errors_are_caught(plant, case, monkeypatch):
    assert not caught(case, 0)
    plant(monkeypatch)
    assert any(caught(case, seed) for seed in range(4))
