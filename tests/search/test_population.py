"""The search that can be continued: it climbs, stays inside, repeats, stops in time."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.special import log_expit

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.frontends.formula import lift
from deuterium.search.population.phase_moves import shortest
from tests.amounts import draws, seeds, some
from tests.search.search_problems import ACTIVATIONS, ascent_of, network_norm

WAVES = "sin(5*a)*cos(7*b) + a*b*cos(40*a)"
SQUARE = {"a": (-2, 2), "b": (-2, 2)}


def test_a_smooth_maximum_to_the_last_digits():
    # sup of exp(-(a - pi/10)^2 - 3 (b + 1/7)^2) * (2 + a b) by a fine grid of its own
    v = lift("(2 + a*b)*exp(0 - (a - 0.3)**2 - 3*(b + 0.2)**2)")
    a, b = np.meshgrid(np.linspace(-2, 2, 401), np.linspace(-2, 2, 401))
    for _ in range(12):  # a grid around the best of the grid before
        values = (2 + a * b) * np.exp(-((a - 0.3) ** 2) - 3 * (b + 0.2) ** 2)
        i = np.unravel_index(values.argmax(), values.shape)
        h = (a.max() - a.min()) / 20
        a, b = np.meshgrid(a[i] + np.linspace(-h, h, 41), b[i] + np.linspace(-h, h, 41))
    row, value = ascent_of(v, dt.Box(SQUARE)).start()
    assert value == pytest.approx(values.max(), rel=1e-15)
    assert row == pytest.approx([a[20, 20], b[20, 20]], abs=1e-6)


def test_a_maximum_on_a_face_lies_on_the_face():
    row, value = ascent_of(lift("a - (b - 0.25)**2"), dt.Box(SQUARE)).start()
    assert row[0] == 2
    assert value == pytest.approx(2, rel=1e-15)


@pytest.mark.parametrize("seed", seeds(1, 3))
def test_kinks_are_found_exactly(seed):
    cone = "0 - 20 + 20*exp(0 - 0.2*sqrt(0.5*((a - 1)**2 + b**2)))"
    row, _ = ascent_of(lift(cone), dt.Box({"a": (-4, 5), "b": (-3, 4)})).start()
    assert row.tolist() == [1, 0]


@pytest.mark.long  # sixty rounds
@pytest.mark.parametrize("seed", range(3))
def test_a_ridge_is_climbed(seed):
    ridge = "0 - 100*sqrt(abs(b - 0.01*a**2)) - 0.01*abs(a + 10)"
    search = ascent_of(lift(ridge), dt.Box({"a": (-15, -4), "b": (-3, 3.5)}), seed=seed)
    search.start()
    _, value = search.continue_(rounds=60)
    assert value > -1e-4  # of a ridge that falls by 0.1 within 1e-6


def test_walls_are_slid_along():
    # the largest sum of a and b where the jump of 10 is not lost: a + 2 b = 1
    a, b = dt.symbol("a"), dt.symbol("b")
    jump = dt.grad(dt.relu(1 - a - 2 * b), a)  # -1 before the wall, 0 behind
    v = a + b - 10 * jump
    search = ascent_of(v, dt.Box({a: (0, 1), b: (0, 1)}))
    search.start()
    _, value = search.continue_(rounds=10)
    assert value == pytest.approx(11, abs=1e-6)  # at a = 1, b = 0
    v = 2 * b + a - 10 * jump
    assert ascent_of(v, dt.Box({a: (0, 0.5), b: (0, 1)})).start()[1] == pytest.approx(
        11, abs=1e-6
    )


@pytest.mark.drawn
@pytest.mark.parametrize("activation", some(ACTIVATIONS, 1))
def test_at_least_every_corner_and_a_sample(activation):
    """The value is no less than at all corners and at many other points."""
    for seed in range(draws(1, 3)):
        x, norm = network_norm([6, 5, 1], activation, seed, scale=1.5)
        corners = np.indices((2,) * 6).reshape(6, 1, -1).T * 2.0 - 1
        sample = np.random.default_rng(seed).uniform(-1, 1, (4_000, 1, 6))
        most = max(norm.evaluate({x: corners}).max(), norm.evaluate({x: sample}).max())
        search = ascent_of(norm, dt.Box({x: (-1, 1)}), seed=seed)
        search.start()
        _, value = search.continue_(rounds=30)
        assert value >= most * (1 - 1e-12)
        assert value <= dt.enclose(norm, dt.Box({x: (-1, 1)})).upper


@pytest.mark.drawn
def test_other_seeds_come_to_the_same_value():
    x, norm = network_norm([12, 8, 1], "tanh", 4)
    found = []
    for seed in range(draws(2, 4)):
        search = ascent_of(norm, dt.Box({x: (-1, 1)}), seed=seed)
        search.run()
        found.append(search.value)
    assert min(found) >= max(found) * (1 - 1e-3)


def test_value_and_row_belong_together():
    v, box = lift(WAVES), dt.Box(SQUARE)
    search = ascent_of(v, box)
    for row, value in (search.start(), search.continue_(rounds=5)):
        assert value == pytest.approx(v.evaluate(search.problem.arrays(row)), rel=1e-12)
        assert search.problem.contains(row)


def test_it_never_gets_worse():
    search = ascent_of(lift(WAVES), dt.Box(SQUARE), starts=4)
    values = [search.start()[1]]
    values += [search.continue_(rounds=1)[1] for _ in range(10)]
    values += [search.improve(np.zeros((3, 2)))[1]]
    assert values == sorted(values)


def test_rows_handed_in_are_climbed_from():
    v = lift("exp(0 - 400*((a - 1.37)**2 + (b + 1.83)**2)) + 0.1*exp(0 - a**2 - b**2)")
    search = ascent_of(v, dt.Box(SQUARE), starts=1)
    search.start()
    _, value = search.improve(np.array([[1.4, -1.8], [0.0, 0.0]]), steps=20)
    assert value > 1
    _, value = search.improve(np.array([99.0, -99.0]))  # moved into the box
    assert search.problem.contains(search.row)


def test_it_is_set_down_and_taken_up_again():
    v, box = lift(WAVES), dt.Box(SQUARE)
    first = ascent_of(v, box, seed=3)
    first.start()
    first.continue_(rounds=4)
    state = json.loads(json.dumps(first.state(), allow_nan=False))
    first.continue_(rounds=6)
    second = ascent_of(v, box, seed=99)
    second.restore(state)
    second.continue_(rounds=6)
    assert second.value == first.value
    assert (second.row == first.row).all()
    assert second.evaluations == first.evaluations
    json.dumps(ascent_of(v, box).state(), allow_nan=False)  # before it began, too


def test_a_deadline_is_kept(work_clock):
    x, norm = network_norm([60, 40, 1], "relu", 0)
    search = ascent_of(norm, dt.Box({x: (-1, 1)}))
    search.start()
    start = work_clock.time
    search.continue_(seconds=0.2)
    assert 0.2 <= work_clock.time - start < 0.4  # one step may be under way
    start = work_clock.time
    search.run(deadline=start + 0.1)
    assert work_clock.time - start < 0.3


def test_a_problem_without_inputs_to_move():
    a = dt.symbol("a")
    search = ascent_of(a * 2, dt.Box({a: (1.5, 1.5)}))
    search.run()
    assert search.value == 3
    nothing = ascent_of(lift("log(a)"), dt.Box({"a": (-2, -1)}))
    nothing.run()
    assert nothing.value == -math.inf


@pytest.mark.parametrize("ends", [(-np.inf, np.inf), (0, np.inf), (-np.inf, 3)])
def test_boxes_without_ends(ends):
    search = ascent_of(lift("0 - (a - 2.5)**4"), dt.Box({"a": ends}))
    _, value = search.start()
    assert value == pytest.approx(0, abs=1e-12)
    far = ascent_of(lift("exp(0 - ((a - 3000)/500)**2)"), dt.Box({"a": ends}))
    far.start()
    _, value = far.continue_(rounds=20)
    assert value == pytest.approx(1 if ends[1] > 9 else np.exp(-((2997 / 500) ** 2)))


def test_infinite_values_are_no_values():
    search = ascent_of(lift("1/(a - 0.3)"), dt.Box({"a": (0, 1)}))
    search.run()
    assert np.isfinite(search.value)
    assert Problem(lift("a"), dt.Box({"a": (0, 1)})).contains(np.array([0.3]))


@pytest.mark.parametrize("size", [1e-170, 1e-158, 1.0, 1e120])
def test_moves_exist_however_flat_or_steep_a_function_is(size):
    slopes = size * np.array([[[1.0, 2.0, 0.0], [1.0, 2.0, 0.0]]])
    assert np.isfinite(shortest(slopes, np.ones((1, 2)))).all()


@pytest.mark.parametrize("scale", [30.0, 300.0, 1e5])
def test_saturated_networks_are_searched(scale):
    rng = np.random.default_rng(int(scale))
    x = dt.symbol("x", (1, 4))
    w = [dt.constant(scale * rng.normal(size=s)) for s in ((4, 6), (6, 1))]
    loss = -np.sum(log_expit(np.tanh(x @ w[0]) @ w[1]))
    v = dt.norm(dt.grad(loss, w))
    found = dt.search(v, dt.Box({x: (-1, 1)}), starts=16, seed=1)
    assert np.isfinite(found.value)
