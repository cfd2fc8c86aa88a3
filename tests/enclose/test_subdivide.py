"""Ranges tightened by cutting stay sound, and do get tighter."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deuterium as dt
from deuterium.enclose.subdivide import enclose_subdivided
from deuterium.errors import InvalidInputError, MissingSymbolError, ShapeError
from deuterium.frontends.formula import lift
from deuterium.testing import assert_encloses, boxes, graphs
from tests.amounts import examples

INF = math.inf
CASES = [
    # formula, bounds, exact range, how much wider the result may be
    ("a - a**2", {"a": (0, 2)}, (-2, 0.25), 1e-5),
    ("a*(1 - a)*b", {"a": (0, 1), "b": (-1, 1)}, (-0.25, 0.25), 1e-3),
    ("1/(1 - a + a**2)", {"a": (-2, 2)}, (1 / 7, 4 / 3), 1e-4),
    (
        "exp(a)/(1 + exp(a))**2",
        {"a": (-9, 9)},
        (math.exp(9) / (1 + math.exp(9)) ** 2, 0.25),
        1e-3,
    ),
    ("max(a, b) - b", {"a": (-1, 1), "b": (-1, 1)}, (0, 2), 0.04),
    ("a**2/(1 + a**2)", {"a": (-3, 3)}, (0, 0.9), 1e-3),
    ("sin(a)", {"a": (0, 100)}, (-1, 1), 1e-12),
    ("a + b", {"a": (1, 2), "b": (3, 3)}, (4, 5), 1e-12),
]


@pytest.mark.parametrize(("text", "bounds", "truth", "slack"), CASES)
def test_sound_and_close(text, bounds, truth, slack):
    v, domain = lift(text), dt.Box(bounds)
    plain, iv = dt.enclose(v, domain), enclose_subdivided(v, domain)
    assert_encloses(v, domain, samples=60, enclosure=iv)
    assert iv.lower <= truth[0] + 1e-9 * abs(truth[0])
    assert iv.upper >= truth[1] - 1e-9 * abs(truth[1])
    assert iv.lower >= truth[0] - slack
    assert iv.upper <= truth[1] + slack
    assert plain.contains(iv).all()
    assert iv.cause is None


@pytest.mark.parametrize(("text", "bounds", "truth", "slack"), CASES)
def test_dense_samples_lie_inside(text, bounds, truth, slack):
    v = lift(text)
    iv = enclose_subdivided(v, dt.Box(bounds), boxes=200)
    axes = [np.linspace(*ends, 401) for ends in bounds.values()]
    grid = np.meshgrid(*axes)
    values = v.evaluate(dict(zip(bounds, grid, strict=True)))
    margin = 1e-12 * (1 + np.abs(values))  # rounding errors of the values themselves
    assert (values + margin >= iv.lower).all()
    assert (values - margin <= iv.upper).all()


@examples(15, 300)
@given(st.data())
def test_random_graphs_against_ball_arithmetic(data):
    v = data.draw(graphs())
    if v.shape:
        v = v.sum()
    domain = data.draw(boxes(v))
    iv = enclose_subdivided(v, domain, boxes=24)
    assert_encloses(v, domain, samples=9, enclosure=iv)
    assert dt.enclose(v, domain).contains(iv).all()


@pytest.mark.parametrize("budget", [1, 2, 3, 7, 64, 1000])
def test_more_boxes_never_hurt(budget):
    v = lift("sin(3*a)*exp(-a*b) + a*b")
    domain = dt.Box({"a": (-2, 2), "b": (0, 1)})
    less = enclose_subdivided(v, domain, boxes=budget)
    more = enclose_subdivided(v, domain, boxes=4 * budget)
    assert dt.enclose(v, domain).contains(less).all()
    assert less.contains(more).all()
    assert more.upper - more.lower < less.upper - less.lower


def test_gradient_norm_of_the_first_query():
    v = lift("a**2 + exp(2*b - a)")
    norm = dt.norm(dt.grad(v, [dt.symbol("a"), dt.symbol("b")]))
    domain = dt.Box({"a": (1, 2), "b": (0.5, 3)})
    iv = enclose_subdivided(norm, domain)
    supremum = 330.97231959428770
    assert supremum <= iv.upper <= supremum * (1 + 1e-9)
    assert iv.lower == pytest.approx(2.2215905565104195, rel=1e-4)
    assert iv.lower <= 2.2215905565104195
    assert_encloses(norm, domain, samples=60, enclosure=iv)


def test_finite_sets_are_not_cut_and_arrays_are():
    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    v = (x - x**2).sum() * y
    iv = enclose_subdivided(v, dt.Box({x: (0, 1)}) & dt.Choice(y, [-1, 2]))
    assert -0.5 - 1e-2 <= iv.lower <= -0.5
    assert 1 <= iv.upper <= 1 + 1e-2
    only = enclose_subdivided(y**2 - y, dt.Choice(y, [-1, 2, 3]))
    assert (only.lower, only.upper) == (2, 6)


def test_ball_by_its_box():
    x = dt.symbol("x", shape=(2,))
    iv = enclose_subdivided((x**2 - x).sum(), dt.Ball(x, 0.0, 1.0))
    assert -0.5 - 1e-2 <= iv.lower <= -0.5
    assert iv.upper <= 4.01


def test_unbounded_symbol():
    for ends in ((-INF, INF), (-INF, 3), (-2, INF)):
        v, box = lift("exp(-a**2)*(1 - exp(-a**2))"), dt.Box({"a": ends})
        assert dt.enclose(v, box).upper == 1
        iv = enclose_subdivided(v, box)
        assert 0.25 <= iv.upper < 0.2501
        assert -1e-300 <= iv.lower <= 0
    iv = enclose_subdivided(lift("exp(-a)*a"), dt.Box({"a": (0, INF)}))
    assert iv.upper == INF  # a times exp(-a) is known only factor by factor
    assert iv.cause.kind == "unbounded"


def test_a_pole_that_is_not_there_goes_and_one_that_is_stays():
    away, box = lift("1/(1 - a + a**2)"), dt.Box({"a": (-2, 2)})
    assert dt.enclose(away, box).cause.kind == "undefined"
    iv = enclose_subdivided(away, box)
    assert iv.cause is None
    assert iv.upper < 1.34
    for text, ends in (("1/a", (0, 2)), ("1/a", (-1, 3)), ("log(a)", (-1, 2))):
        iv = enclose_subdivided(lift(text), dt.Box({"a": ends}), boxes=300)
        assert iv.upper == INF
        assert iv.cause.kind == "undefined"
        low, high = iv.cause.ranges[-1]
        assert ends[0] <= low <= high <= ends[1]
        assert high - low < 0.1  # a small offending part, not the whole box


def test_overflow_and_infinite_ends():
    iv = enclose_subdivided(lift("exp(900*a)"), dt.Box({"a": (-1, 2)}), boxes=100)
    assert iv.upper == INF
    assert iv.cause is not None
    iv = enclose_subdivided(lift("a**2"), dt.Box({"a": (-INF, INF)}), boxes=100)
    assert (iv.lower, iv.upper) == (0, INF)


def test_a_constant():
    iv = enclose_subdivided(lift("1/3"), dt.Box({dt.symbol("a"): (0, 1)}))
    assert iv.lower <= 1 / 3 <= iv.upper
    assert iv.upper - iv.lower < 1e-15


def test_refusals():
    a, x = dt.symbol("a"), dt.symbol("x", shape=(2,))
    with pytest.raises(ShapeError, match="only a scalar"):
        enclose_subdivided(x, dt.Box({x: (0, 1)}))
    with pytest.raises(ShapeError, match="batch axes"):
        enclose_subdivided(a, dt.Box({a: (np.zeros(2), np.ones(2))}))
    for boxes_ in (0, -1, 2.5, True):
        with pytest.raises(InvalidInputError, match="`boxes`"):
            enclose_subdivided(a, dt.Box({a: (0, 1)}), boxes=boxes_)
    with pytest.raises(MissingSymbolError):
        enclose_subdivided(a, dt.Box({}))
