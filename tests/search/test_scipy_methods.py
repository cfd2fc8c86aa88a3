"""`dt.search` by every method: scalars and arrays, each domain, seeds, time limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import InvalidInputError
from deuterium.frontends.formula import lift
from deuterium.search.search import METHODS
from tests.amounts import some
from tests.search.search_problems import inside, network_norm

BRANIN = (
    "(b - 5.1/(4*9.869604401089358)*a**2 + 5/3.141592653589793*a - 6)**2"
    " + 10*(1 - 1/(8*3.141592653589793))*cos(a) + 10"
)
LEAST = 0.39788735772973816
everyway = pytest.mark.parametrize("method", METHODS)


@everyway
def test_a_known_minimum(method):
    e = dt.search(
        lift(BRANIN),
        dt.Box({"a": (-5, 10), "b": (0, 15)}),
        method=method,
        maximize=False,
        time_limit=1.5,
    )
    assert e.status == "found"
    assert LEAST - 1e-12 <= e.value <= LEAST + 1e-4
    assert lift(BRANIN).evaluate(e.witness) == pytest.approx(e.value, rel=1e-12)


@everyway
def test_every_kind_of_domain(method):
    x, y, z = dt.symbol("x", shape=(3,)), dt.symbol("y", shape=(3,)), dt.symbol("z")
    v = (x * np.arange(3.0)).sum() + (y * np.array([1.0, 5, 2])).sum() - z**2
    domain = dt.Ball(x, 0.5, 1.0) & dt.OneHot(y) & dt.Choice(z, [-3, -0.5, 1, 2])
    sup = 1.5 + math.sqrt(5) + 5 - 0.25
    e = dt.search(v, domain, method=method, time_limit=1.0)
    assert inside(domain, e.witness)
    assert e.value <= sup * (1 + 1e-12)
    wanted = 0.8 if method == "shgo" else 0.99  # it sees no slope in what is finite
    assert e.value >= wanted * sup


@everyway
def test_boxes_without_ends(method):
    e = dt.search(
        lift("exp(0 - 0.05*(a - 2)**2) - (b - 1)**2"),
        dt.Box({"a": (-np.inf, np.inf), "b": (-1, np.inf)}),
        method=method,
        time_limit=1.0,
    )
    assert e.value == pytest.approx(1, abs=1e-3)


def test_shgo_refuses_what_would_take_for_ever():
    x, norm = network_norm([20, 3, 1], "tanh", 0)
    with pytest.raises(InvalidInputError, match="at most 7"):
        dt.search(norm, dt.Box({x: (-1, 1)}), method="shgo", time_limit=1.0)


@everyway
def test_the_same_seed_gives_the_same_answer(method):
    v, box = lift("sin(5*a)*cos(7*b) + a*b"), dt.Box({"a": (-2, 2), "b": (-2, 2)})
    first, second = (
        dt.search(v, box, method=method, seed=7, time_limit=0.3) for _ in range(2)
    )
    assert first.value == second.value
    assert first.witness == second.witness
    assert first.evaluations == second.evaluations


@everyway
def test_time_limits_are_kept(method, work_clock):
    x, norm = network_norm([7 if method == "shgo" else 20, 10, 1], "tanh", 0)
    start = work_clock.time
    e = dt.search(norm, dt.Box({x: (-1, 1)}), method=method, time_limit=0.3)
    assert work_clock.time - start < 0.8
    assert 0 < e.value <= dt.enclose(norm, dt.Box({x: (-1, 1)})).upper


@everyway
def test_given_points_are_tried(method):
    x = dt.symbol("x", shape=(2,))
    spike = dt.relu(1 - 1e8 * ((x - 0.123456) ** 2).sum())
    rows = {x: np.array([[0.5, 0.5], [0.123456, 0.123456]])}
    box = dt.Box({x: (-1, 1)})
    e = dt.search(spike, box, method=method, points=rows, time_limit=1.0)
    assert e.value == pytest.approx(1)


@everyway
def test_what_cannot_move(method):
    a = dt.symbol("a")
    e = dt.search(a + 1, dt.Box({a: (2.5, 2.5)}), method=method)
    assert (e.value, e.status) == (3.5, "found")
    e = dt.search(lift("log(a)"), dt.Box({"a": (-2, -1)}), method=method)
    assert (e.status, e.witness) == ("nothing found", {})


# -- arrays ----------------------------------------------------------------------------


def array():
    a, b = dt.symbol("a"), dt.symbol("b")
    v = np.stack([a * b, np.sin(3 * a), b - a**2, dt.constant(2.0) * a]).reshape(2, 2)
    return v, dt.Box({a: (-1, 1), b: (-0.5, 2)})


@everyway
@pytest.mark.parametrize("maximize", some([True, False], 1))
def test_arrays_element_by_element(method, maximize):
    v, box = array()
    e = dt.search(v, box, method=method, maximize=maximize, time_limit=1.5)
    most = [[2, 1], [2, 2]] if maximize else [[-2, -1], [-1.5, -2]]
    assert e.value.shape == (2, 2)
    assert e.value == pytest.approx(np.array(most), abs=2e-3)
    assert e.witness["a"].shape == (2, 2)
    for i in np.ndindex(2, 2):
        point = {n: x[i] for n, x in e.witness.items()}
        assert v.evaluate(point)[i] == pytest.approx(e.value[i], rel=1e-12)
        assert inside(box, point)


def test_arrays_of_scalars_as_the_notebooks_make_them():
    a = dt.symbol("a")
    grads = np.array([a**2, 1 - a], dtype=object)
    e = dt.search(grads, dt.Box({a: (-1, 0.5)}))
    assert e.value == pytest.approx(np.array([1, 2]), rel=1e-12)


def test_many_elements_share_what_is_found(work_clock):
    w = np.random.default_rng(0).normal(size=(10, 12))
    x = dt.symbol("x", shape=(1, 10))
    v = (x @ w).reshape(12) * np.ones((9, 1))  # 108 elements, linear
    e = dt.search(v, dt.Box({x: (-1, 1)}))
    sup = np.broadcast_to(np.abs(w).sum(axis=0), (9, 12))
    assert (e.value <= sup * (1 + 1e-12)).all()
    assert (e.value >= 0.999 * sup).all()
    assert e.witness["x"].shape == (9, 12, 1, 10)
    start = work_clock.time
    dt.search(v, dt.Box({x: (-1, 1)}), time_limit=0.2)
    assert work_clock.time - start < 0.5


def test_an_element_that_is_nowhere_finite():
    a = dt.symbol("a")
    v = np.stack([a, np.log(a)])
    e = dt.search(v, dt.Box({a: (-2, -1)}))
    assert e.status == "nothing found"
    assert e.value[0] == -1
    assert np.isnan(e.value[1])


def test_the_least_of_the_squared_elements():
    """As the seed notebooks do: a square whose least value is reached, zero."""
    a, b = dt.symbol("a"), dt.symbol("b")
    v = np.stack([(a - b) ** 2, (a * b - 0.25) ** 2])
    e = dt.search(v, dt.Box({a: (-1, 1), b: (-1, 1)}), maximize=False)
    assert e.value == pytest.approx(np.zeros(2), abs=1e-20)
