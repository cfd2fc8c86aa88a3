"""What is said to be undefined, and proved so, is."""

from importlib import import_module

import numpy as np
import pytest

import deuterium as dt
from deuterium.budget import Spent
from deuterium.errors import BoundsError
from deuterium.graph.operator import OPERATORS
from tests.amounts import draws

X, Y, Z = dt.symbol("x"), dt.symbol("y"), dt.symbol("z", (3,))
BOX = dt.Box({X: (-3, 3), Y: (-30, 30), Z: (-1, 1)})
KNOTS = {"xs": np.array([0.0, 1.0, 2.0]), "ys": np.array([0.0, 1.0, -1.0])}
JUMPS = {
    "floor": np.floor(X) + 0.5,
    "sign": 2 * np.sign(X) - 1,
    "step": 2 * OPERATORS["relu'"](X) - 1,
    "condition": 2.0 * (X > 0) - 1,
    "where": np.where(X > 0, 1.0, -1.0),
    "round": np.rint(X) - 0.5,
    "remainder": np.remainder(X, 2.0) - X - 1,
    "slope of polygon": OPERATORS["interp'"](X, **KNOTS) + 0.5,
    "direction": OPERATORS["direction_cosine"](X, 0 * X) + 0.5,
    "largest": OPERATORS["argmax_onehot"](Z)[1] - 0.5,
    "slope of order": dt.grad(np.sum(np.sort(Z) * np.arange(3.0)), Z)[1] - 0.5,
}


@pytest.mark.drawn
@pytest.mark.parametrize("name", JUMPS)
def test_a_jump_across_zero_is_no_zero(name):
    made = (1 / JUMPS[name], JUMPS[name] ** -3, 1 / np.square(JUMPS[name]))
    for v in made[: draws(1, 3)]:
        found = dt.maximize(v, BOX, max_regions=1)
        assert found.cause is None or not found.cause.points


def test_only_powers_are_zero_where_their_argument_is():
    t = 0.1 * np.tanh(X * (Y * Y - 2 * Y + 1.0 - (Y - 1.5) * (Y - 0.5)))
    for v in (OPERATORS["sinc"](t, n=2), OPERATORS["sinc"](t, n=4)):
        found = dt.maximize(1 / v, BOX, max_regions=1)
        assert found.cause is None or not found.cause.points


def test_zeros_on_the_way_between_points_are_proved():
    for v in (1 / np.sin(X), 1 / (X * Y), 1 / (np.abs(X) - 1), (X - Y) ** -2):
        found = dt.maximize(v, BOX, max_regions=1)
        assert found.status == "undefined"
        assert found.cause.points


POLES = {
    "of a tangent": np.tan(X),
    "at one point": 1 / (X**2 + Y**2),
    "of a logarithm at one point": -np.log(X**2 + Y**2),
    "in a branch": np.where(X > 1, 1 / (X - 2.1), 0),
}


@pytest.mark.parametrize("name", POLES)
def test_poles_that_are_met_late_are_proved(name):
    found = dt.maximize(POLES[name], BOX, time_limit=None)
    assert found.status == "undefined" and found.cause.points


SMALLER = {
    "ball": (1 / np.sum(Z**2), dt.Ball(Z, 0, 1), True),
    "labels": (1 / Z[0] ** 2, dt.OneHot(Z), True),
    "edge": (
        1 / (X**2 + Y**2),
        dt.Box({X: (-1, 1), Y: (-1, 1)}) & dt.Where(X + Y >= 0),
        True,
    ),
    "hole": (1 / X**2, BOX & dt.Where(X * X >= 0.01), False),
    "values": (1 / (X - 1) ** 2, dt.Choice(X, [-1, 0, 3]), False),
}


@pytest.mark.parametrize("name", SMALLER)
def test_what_proves_it_lies_in_the_domain(name):
    v, domain, there = SMALLER[name]
    found = dt.maximize(v, domain, time_limit=None)
    assert (found.status == "undefined") is there
    points = found.cause.points if there else ()
    assert bool(points) is there
    for point in points:
        domain.check({k: np.asarray(p)[None] for k, p in point.items()})


def test_a_domain_that_only_intervals_leave_is_not_said_to_be_left():
    v = np.sqrt(np.log(np.mean(np.exp(Z))) - np.mean(Z))  # by Jensen, never negative
    found = dt.maximize(v, dt.Box({Z: (0, 1)}), time_limit=None, max_regions=3000)
    assert found.status in ("precision_limit", "region_limit")
    assert found.lower > 0.34


def test_time_that_ends_while_it_is_proved_loses_nothing(monkeypatch):
    module = import_module("deuterium.optimize.undefined")
    prove = module.proved_undefined

    def late(problem, seed, *, zeros=False):
        if zeros:
            raise Spent("time_limit")
        return prove(problem, seed)

    monkeypatch.setattr(module, "proved_undefined", late)
    found = dt.maximize(POLES["in a branch"], BOX, time_limit=None)
    assert (found.status, found.upper) == ("time_limit", np.inf)
    assert found.lower > 0 and found.witness


NOWHERE = {
    "a constant": np.arctan(1 / dt.constant(0.0)),
    "an array of constants": np.max(np.tanh(1 / dt.constant(np.zeros(3)))),
    "a pole that cannot matter": -1 / np.square(np.maximum(X, 0)),
    "a logarithm": np.log(np.minimum(Y, 0) * 0),
}


@pytest.mark.parametrize("run", [dt.maximize, dt.minimize])
@pytest.mark.parametrize("name", NOWHERE)
def test_what_has_no_value_anywhere_has_no_bound(name, run):
    found = run(NOWHERE[name], dt.Box({X: (-3, -1), Y: (1, 30)}))
    assert found.status == "undefined" and found.cause.points
    assert (found.upper if run is dt.maximize else found.lower) in (np.inf, -np.inf)
    assert found.certificate is None and not found.witness


def test_an_argument_without_elements():
    none = np.reshape(1 / X, (1,))[np.zeros(0, int)]
    v = np.sum(dt.constant(np.zeros((3, 5))) / np.sum(none)) + 1 / X
    assert dt.maximize(v, dt.OneHot(Z) & BOX).upper == np.inf


W, Q = dt.symbol("w", (10,)), dt.symbol("q", (4,))
TOUCHED = {
    "at the edge": (1 / (1 - W @ W), dt.Ball(W, 0, 1)),
    "of a logarithm at the edge": (-np.log(1 - np.linalg.norm(W)), dt.Ball(W, 0, 1)),
    "at the upper end": (np.arctanh(np.linalg.norm(W)), dt.Ball(W, 0, 1)),
    "at one point of the edge": (1 / (1 - W[3]), dt.Ball(W, 0, 1)),
    "along all axes": (1 / (2 - np.sum(Q)), dt.Ball(Q, 0, 1)),
    "at an edge that rounds": (1 / (0.1 - np.linalg.norm(W)), dt.Ball(W, 0, 0.1)),
    "past it by rounding": (1 / (0.01 - W @ W), dt.Ball(W, 0, 0.1)),
    "around a centre": (1 / (1 - np.linalg.norm(W - 0.5)), dt.Ball(W, 0.5, 1)),
    "where no corner is": (1 / np.linalg.norm(W - 0.2), dt.Box({W: (-1, 1)})),
}


@pytest.mark.parametrize("name", TOUCHED)
def test_a_pole_that_is_touched_is_proved_at_once(name):
    v, domain = TOUCHED[name]
    found = dt.maximize(v, domain)
    assert found.status == "undefined" and not found.regions
    assert found.cause.points
    for point in found.cause.points:
        domain.check({k: np.asarray(p)[None] for k, p in point.items()})
    if len(found.cause.points) == 1:
        with np.errstate(all="ignore"):
            assert not abs(v.evaluate(found.cause.points[0])) < 1e13


TAMED = {
    "by a power": (np.exp(-1 / X), dt.Box({X: (0, 1)}), np.exp(-1)),
    "by an arc": (np.arctan(1 / X), dt.Box({X: (0, 2)}), np.pi / 2),
    "by a factor": ((X - 1) / np.log(X), dt.Box({X: (1, 2)}), 1 / np.log(2)),
}


@pytest.mark.parametrize("name", TAMED)
def test_beside_a_pole_that_is_tamed_the_bound_is_found(name):
    v, domain, most = TAMED[name]
    found = dt.maximize(v, domain)
    assert found.status == "optimal"
    assert most <= found.upper <= most * (1 + 1e-6)


def test_a_ball_has_its_edge_and_nothing_beyond():
    for radius in (0.1, 1.0, 3.0):
        domain = dt.Ball(W, 0, radius)
        edge = radius * np.eye(10)
        domain.check({W: edge})
        domain.check({W: -edge})
        for beyond in (edge[:1] + 1e-9, edge[:1] * (1 + 2**-52)):
            with pytest.raises(BoundsError):
                domain.check({W: beyond})
