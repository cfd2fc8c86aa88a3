"""Search finds known extrema, stays in the domain, and never passes a certified end."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.special import log_expit

import deuterium as dt
from deuterium.enclose.subdivide import enclose_subdivided
from deuterium.errors import (
    InvalidInputError,
    MissingSymbolError,
    ShapeError,
    UnknownSymbolError,
)
from deuterium.frontends.formula import lift
from deuterium.search.search import enclose_at
from tests.amounts import some

INF = math.inf
KNOWN = [
    # formula, bounds, largest, smallest
    ("a**2", {"a": (-1, 2)}, 4, 0),
    ("a - a**2", {"a": (0, 2)}, 0.25, -2),
    ("sin(a)*sin(b)", {"a": (0, 3), "b": (0, 3)}, 1, 0),
    ("100*(b - a**2)**2 + (1 - a)**2", {"a": (-2, 2), "b": (-1, 3)}, 2509, 0),
    ("a**2/(1 + a**4)", {"a": (-INF, INF)}, 0.5, 0),
    ("exp(-(a - 3)**2) + exp(-(a + 3)**2)*2", {"a": (-8, 8)}, 2, 0),
    ("abs(a) - 2*abs(b)", {"a": (-1, 1), "b": (-1, 1)}, 1, -2),
    ("a*log(a)", {"a": (0, 1)}, 0, -math.exp(-1)),
    ("max(a, b) - min(a, b)", {"a": (0, 1), "b": (0, 1)}, 1, 0),
    ("sqrt(1 - a**2)", {"a": (-1, 1)}, 1, 0),
    ("a", {"a": (2.5, 2.5)}, 2.5, 2.5),
    ("a", {"a": (-1e300, 1e308)}, 1e308, -1e300),
]


@pytest.mark.parametrize(("text", "bounds", "most", "least"), some(KNOWN, 5))
@pytest.mark.parametrize("seed", some([0, 1], 1))
def test_known_extrema(text, bounds, most, least, seed):
    v, domain = lift(text), dt.Box(bounds)
    for wanted, maximize in ((most, True), (least, False)):
        e = dt.search(v, domain, seed=seed, maximize=maximize)
        assert e.status == "found"
        assert e.value == pytest.approx(wanted, rel=1e-6, abs=1e-6)
        point = {n: float(x) for n, x in e.witness.items()}
        assert v.evaluate(point) == e.value
        assert all(bounds[n][0] <= x <= bounds[n][1] for n, x in point.items())


@pytest.mark.parametrize(("text", "bounds", "most", "least"), some(KNOWN, 6))
def test_never_passes_the_certified_range(text, bounds, most, least):
    v, domain = lift(text), dt.Box(bounds)
    iv = enclose_subdivided(v, domain, boxes=128)
    for maximize in (True, False):
        found = dt.search(v, domain, maximize=maximize)
        at = enclose_at(v, found.witness)
        assert at.lower <= iv.upper
        assert at.upper >= iv.lower
        assert iv.contains(found.value)


def test_at_the_witness_a_certified_lower_bound_of_the_supremum():
    v = lift("sin(a)")
    at = enclose_at(v, dt.search(v, dt.Box({"a": (0, 3)})).witness)
    assert 1 - 1e-9 < at.lower <= 1  # the supremum is 1
    assert at.upper - at.lower < 1e-14


def test_ball_box_choice_and_one_hot_together():
    x = dt.symbol("x", shape=(5,))
    y, z = dt.symbol("y", shape=(3,)), dt.symbol("z")
    gain = np.array([1.0, 5.0, 2.0])
    v = (x * np.arange(5.0)).sum() + (y * gain).sum() - z**2
    ball = dt.Ball(x, 0.0, 1.0) & dt.OneHot(y) & dt.Choice(z, [-3, -0.5, 1, 2])
    e = dt.search(v, ball)
    assert e.value == pytest.approx(math.sqrt(30) + 5 - 0.25, rel=1e-9)
    assert np.linalg.norm(e.witness["x"]) <= 1
    assert e.witness["y"].tolist() == [0, 1, 0]
    assert e.witness["z"] == -0.5
    cut = ball & dt.Box({x: (-1, 0.25)})
    e = dt.search(v, cut)
    for symbol in (x, y, z):
        assert cut.contains(symbol, e.witness[symbol.name])
    assert e.value == pytest.approx(0.25 * 10 + 5 - 0.25, rel=1e-9)


@pytest.mark.parametrize("order", [2, INF])
@pytest.mark.parametrize("center", [0.1, 1e6])
def test_witness_lies_in_the_ball_in_exact_arithmetic(order, center):
    x = dt.symbol("x", shape=(7,))
    ball = dt.Ball(x, center, 0.3, order)
    e = dt.search((x * np.linspace(-1, 1, 7)).sum(), ball)
    away = [abs(Fraction(w) - Fraction(center)) for w in e.witness["x"].tolist()]
    size = sum(d * d for d in away) if order == 2 else max(away) ** 2
    assert size <= Fraction(0.3) ** 2
    assert size >= Fraction(0.3) ** 2 * Fraction(0.999)


def test_one_hot_rows_and_constraints_on_one_symbol():
    z = dt.symbol("z", shape=(2, 3))
    v = (z * np.array([[1.0, 2, 9], [4, 1, 1]])).sum()
    assert dt.search(v, dt.OneHot(z)).value == 13
    only = dt.OneHot(z) & dt.Box({z: (0, np.array([[1, 1, 0], [1, 1, 1]]))})
    assert dt.search(v, only).value == 6
    many = dt.symbol("many", shape=(4, 20))
    e = dt.search((many * np.arange(20.0)).sum(), dt.OneHot(many))
    assert (e.witness["many"].sum(axis=1) == 1).all()
    assert e.value > 60


def test_rows_of_data_are_tried_and_moved_inside():
    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    spike = dt.relu(1 - 1e8 * ((x - 0.123456) ** 2).sum()) * y
    domain = dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1])
    alone = dt.search(spike, domain)
    assert alone.value < 1e-3
    rows = {x: np.array([[0.5, 0.5], [0.123456, 0.123456]]), "y": np.array([0.0, 0.9])}
    assert dt.search(spike, domain, points=rows).value == pytest.approx(1)
    outside = {x: np.array([[7.0, -7.0]]), y: np.array([5.0])}
    e = dt.search((x * np.array([1.0, -1])).sum() + y, domain, points=outside)
    assert e.value == 3


def test_rows_of_a_symbol_that_does_not_occur_are_passed_over():
    a, b = dt.symbol("a"), dt.symbol("b")
    box = dt.Box({a: (0, 1), b: (0, 1)})
    rows = {a: np.array([0.5, 1.0]), b: np.array([0.0, 1.0])}
    assert dt.search(a * 2, box, points=rows).value == 2


def test_at_least_the_data():
    rng = np.random.default_rng(5)
    x, y = dt.symbol("x", shape=(1, 4)), dt.symbol("y")
    w, b = dt.constant(rng.normal(size=(4, 1))), dt.constant(rng.normal(size=1))
    t = x @ w + b
    g = dt.norm(dt.grad(-(y * log_expit(t) + (1 - y) * log_expit(-t)).sum(), [w, b]))
    domain = dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1])
    rows = {x: rng.uniform(-1, 1, (50, 1, 4)), y: rng.integers(0, 2, 50).astype(float)}
    e = dt.search(g, domain, points=rows, starts=1)
    assert e.value >= g.evaluate(rows).max()
    assert e.value <= dt.enclose(g, domain).upper


def test_seed_repeats_and_the_module_draws_on_no_global_state():
    v, domain = lift("sin(5*a)*cos(7*b) + a*b"), dt.Box({"a": (-2, 2), "b": (-2, 2)})
    before = np.random.get_state()[1].copy()
    first, second = dt.search(v, domain, seed=3), dt.search(v, domain, seed=3)
    assert first.value == second.value
    assert first.witness == second.witness
    assert first.evaluations == second.evaluations
    assert (np.random.get_state()[1] == before).all()


def test_points_of_a_pole_are_passed_over():
    e = dt.search(lift("1/a"), dt.Box({"a": (-1, 1)}))
    assert np.isfinite(e.value)
    e = dt.search(lift("log(a)"), dt.Box({"a": (-2, 0)}))
    assert (e.status, e.witness) == ("nothing found", {})
    assert math.isnan(e.value)
    assert e.evaluations > 0


def test_what_depends_on_nothing():
    e = dt.search(lift("2 + 1"), dt.Box({dt.symbol("a"): (0, 1)}))
    assert (e.value, e.witness, e.status) == (3, {}, "found")


def test_an_estimate_is_another_type_and_frozen():
    e = dt.search(lift("a"), dt.Box({"a": (0, 1)}))
    assert isinstance(e, dt.Estimate)
    assert not isinstance(e, dt.Interval)
    assert not hasattr(e, "upper")
    with pytest.raises(AttributeError):
        e.value = 2.0


def test_refusals():
    a, box = dt.symbol("a"), dt.Box({"a": (0, 1)})
    with pytest.raises(InvalidInputError, match="`method` must be one of ascent"):
        dt.search(a, box, method="simplex")
    with pytest.raises(InvalidInputError, match="`time_limit`"):
        dt.search(a, box, time_limit=0)
    with pytest.raises(InvalidInputError, match="`domain`"):
        dt.search(a, {"a": (0, 1)})
    with pytest.raises(MissingSymbolError, match="'a'"):
        dt.search(a, dt.Box({}))
    with pytest.raises(UnknownSymbolError, match="'b'"):
        dt.search(a, box & dt.Box({"b": (0, 1)}))
    with pytest.raises(InvalidInputError, match="`starts`"):
        dt.search(a, box, starts=0)
    with pytest.raises(ShapeError, match="batch axes"):
        dt.search(a, dt.Box({"a": (np.zeros(3), np.ones(3))}))
    with pytest.raises(UnknownSymbolError, match="'b'"):
        dt.search(a, box, points={"b": [1.0]})
    with pytest.raises(InvalidInputError, match="give every symbol"):
        dt.search(a * dt.symbol("c"), box & dt.Box({"c": (0, 1)}), points={"a": [1.0]})
    with pytest.raises(ShapeError, match="one leading axis"):
        dt.search(
            a * dt.symbol("c"),
            box & dt.Box({"c": (0, 1)}),
            points={"a": [1.0, 2.0], "c": [1.0, 2.0, 3.0]},
        )
