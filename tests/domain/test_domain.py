"""Domains: what they mean, and what each wrong one says."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import (
    BoundsError,
    InvalidInputError,
    MissingSymbolError,
    ShapeError,
    UnknownSymbolError,
)
from deuterium.testing import assert_encloses, sample_points

x = dt.symbol("x", (3,))
s = dt.symbol("s")
m = dt.symbol("m", (2, 2))

WRONG = [
    (lambda: dt.Box({s: (1, 0)}), BoundsError, ["'s'", "reversed", "(lower, upper)"]),
    (lambda: dt.Box({x: ([0, 1, 2], [1, 0, 3])}), BoundsError, ["'x'", "reversed"]),
    (lambda: dt.Box({s: (np.nan, 1)}), BoundsError, ["'s'", "NaN"]),
    (lambda: dt.Box({s: (0, np.nan)}), BoundsError, ["upper bound", "NaN"]),
    (lambda: dt.Box({s: (np.inf, np.inf)}), BoundsError, ["no finite"]),
    (lambda: dt.Box({s: (-np.inf, -np.inf)}), BoundsError, ["no finite"]),
    (lambda: dt.Box({s: 1.0}), BoundsError, ["'s'", "pair"]),
    (lambda: dt.Box({s: (0, 1, 2)}), BoundsError, ["'s'", "pair"]),
    (lambda: dt.Box({s: ("a", 1)}), InvalidInputError, ["'s'", "numbers"]),
    (lambda: dt.Box({s: (None, 1)}), InvalidInputError, ["'s'", "None"]),
    (lambda: dt.Box([(0, 1)]), InvalidInputError, ["mapping", "position"]),
    (lambda: dt.Box({s + 1: (0, 1)}), InvalidInputError, ["keyed by name"]),
    (lambda: dt.Box({0: (0, 1)}), InvalidInputError, ["keyed by name", "int"]),
    (lambda: dt.Box({x: ([0, 1], [1, 2])}), ShapeError, ["'x'", "(2,)", "(3,)"]),
    (lambda: dt.Box({x: ([0, 1], [1, 2, 3])}), ShapeError, ["'x'", "(2,)", "(3,)"]),
    (lambda: dt.Ball(s, 0, -1), BoundsError, ["radius", "-1"]),
    (lambda: dt.Ball(s, 0, np.inf), BoundsError, ["radius", "finite"]),
    (lambda: dt.Ball(s, 0, np.nan), BoundsError, ["radius", "NaN"]),
    (lambda: dt.Ball(s, np.inf, 1), BoundsError, ["center"]),
    (lambda: dt.Ball(x, 0, [1, 2]), ShapeError, ["radius", "one number"]),
    (lambda: dt.Ball(x, [0, 0], 1), ShapeError, ["'x'", "(2,)"]),
    (lambda: dt.Ball(x, 0, 1, order=3), InvalidInputError, ["order", "1, 2 or inf"]),
    (lambda: dt.Choice(s, []), BoundsError, ["'s'", "empty"]),
    (lambda: dt.Choice(s, 3), InvalidInputError, ["'s'", "sequence"]),
    (lambda: dt.Choice(s, [0, np.nan]), BoundsError, ["'s'", "NaN"]),
    (lambda: dt.Choice(x, [[0, 1]]), ShapeError, ["(2,)", "(3,)"]),
    (lambda: dt.OneHot(s), ShapeError, ["OneHot", "axis"]),
    (lambda: dt.OneHot(dt.symbol("e", (2, 0))), ShapeError, ["OneHot", "(2, 0)"]),
    (lambda: dt.Box({s: (0, 1)}) & 3, TypeError, ["&"]),
    (
        lambda: dt.Box({x: (0, 1)}) & dt.Box({dt.symbol("x", (2,)): (0, 1)}),
        ShapeError,
        ["'x'", "(3,)", "(2,)"],
    ),
]


@pytest.mark.parametrize("make, error, words", WRONG)
def test_wrong_domains(make, error, words):
    with pytest.raises(error) as caught:
        make()
    for word in words:
        assert word in str(caught.value)


WRONG_FOR = [
    (s, lambda: dt.Box({}), MissingSymbolError, ["'s'", "given no bounds", "keyed by"]),
    (s + x, lambda: dt.Box({"s": (0, 1)}), MissingSymbolError, ["'x'", "(3,)"]),
    (
        dt.symbol("weight") * s,
        lambda: dt.Box({"s": (0, 1), "wieght": (0, 1)}),
        UnknownSymbolError,
        ["'wieght'", "Did you mean 'weight'?", "s, weight"],
    ),
    (x, lambda: dt.Box({"x": ([0, 0], [1, 1])}), ShapeError, ["'x'", "(2,)", "(3,)"]),
    (x, lambda: dt.Choice("x", [[1, 2]]), ShapeError, ["Choice", "(2,)", "(3,)"]),
    (s, lambda: dt.OneHot("s"), ShapeError, ["OneHot"]),
    (s, lambda: dt.Box({dt.symbol("s", (2,)): (0, 1)}), ShapeError, ["'s'", "(2,)"]),
    (s, lambda: {"s": (0, 1)}, InvalidInputError, ["domain", "Box", "dict"]),
    (s, lambda: [(0, 1)], InvalidInputError, ["domain", "list"]),
    (
        s,
        lambda: dt.Box({s: (0, 1)}) & dt.Box({s: (2, 3)}),
        BoundsError,
        ["'s'", "exclude each other"],
    ),
    (
        s,
        lambda: dt.Box({s: (0, 1)}) & dt.Choice(s, [2, 3]),
        BoundsError,
        ["'s'", "exclude each other"],
    ),
    (
        s * dt.symbol("t"),
        lambda: dt.Box(
            {"s": (np.zeros(2), np.ones(2)), "t": (np.zeros(3), np.ones(3))}
        ),
        ShapeError,
        ["batch axes", "(2,)", "(3,)"],
    ),
]


@pytest.mark.parametrize("v, make, error, words", WRONG_FOR)
def test_domains_that_do_not_fit(v, make, error, words):
    with pytest.raises(error) as caught:
        dt.enclose(v, make())
    for word in words:
        assert word in str(caught.value)


def ends(v, domain):
    found = dt.enclose(v, domain)
    return float(found.lower), float(found.upper)


def test_keys_are_names_never_positions():
    t = dt.symbol("t")
    v = s - t
    for domain in (
        dt.Box({s: (1, 2), t: (3, 4)}),
        dt.Box({"t": (3, 4), "s": (1, 2)}),
        dt.Box({dt.symbol("t"): (3, 4)}) & dt.Box({s.data: (1, 2)}),
    ):
        assert ends(v, domain) == (-3, -1)


def test_a_symbol_given_as_variable_need_not_occur():
    assert ends(s * 1, dt.Box({s: (0, 1), x: (0, 1)})) == (0, 1)


def test_bounds_broadcast_to_the_shape():
    found = dt.enclose(m * 1, dt.Box({m: ([0, 1], [[2], [3]])}))
    np.testing.assert_array_equal(found.lower, [[0, 1], [0, 1]])
    np.testing.assert_array_equal(found.upper, [[2, 2], [3, 3]])


def test_both_sides_of_and_hold():
    assert ends(s * 1, dt.Box({s: (0, 2)}) & dt.Box({s: (1, 3)})) == (1, 2)
    assert ends(s * 1, dt.Box({s: (0, 2)}) & dt.Ball(s, 3, 2)) == (1, 2)
    assert ends(s * 1, dt.Box({s: (0, 2)}) & dt.Choice(s, [-1, 0.5, 1, 3])) == (0.5, 1)
    both = dt.Choice(s, [1, 2, 3]) & dt.Choice(s, [2, 3, 4])
    assert ends(s * 1, both) == (2, 3)


def test_a_ball_is_enclosed_by_its_box():
    found = dt.enclose(x, dt.Ball(x, [0, 1, 0.1], 0.2))
    assert np.all(found.lower <= np.array([0, 1, 0.1]) - 0.2)
    assert found.lower[0] == -0.2
    assert 1.2 <= found.upper[1] < 1.2 + 1e-15
    assert_encloses(np.linalg.norm(x), dt.Ball(x, [0, 1, 0.1], 0.2), samples=40)
    assert_encloses(x * s, dt.Ball("x", 1.0, 0.5, order=np.inf) & dt.Ball(s, 0, 0))


def test_the_box_around_a_ball_is_rounded_outward(rng):
    for _ in range(200):
        center, radius = rng.normal(), rng.random()
        low, high = ends(s, dt.Ball(s, center, radius))
        assert Fraction(low) <= Fraction(center) - Fraction(radius)
        assert Fraction(high) >= Fraction(center) + Fraction(radius)


class TestFiniteSets:
    def test_enumeration_beats_the_hull(self):
        v = s * (1 - s)
        assert ends(v, dt.Choice(s, [0, 1])) == (0, 0)
        assert ends(v, dt.Box({s: (0, 1)})) == (0, 1)

    def test_several_finite_symbols(self):
        t = dt.symbol("t")
        domain = dt.Choice(s, [0, 1]) & dt.Choice(t, [0, 1, 2])
        assert ends((s - t) ** 2 - s * s - t * t + 2 * s * t, domain) == (0, 0)
        assert ends(s * 10 + t, domain) == (0, 12)

    def test_one_hot(self):
        y = dt.symbol("y", (4,))
        assert ends(y.sum(), dt.OneHot(y)) == pytest.approx((1, 1), rel=1e-14)
        assert ends(np.linalg.norm(y), dt.OneHot(y)) == pytest.approx((1, 1), rel=1e-14)
        rows = dt.symbol("y", (2, 3))
        assert ends(np.sum(rows), dt.OneHot(rows)) == pytest.approx((2, 2), rel=1e-14)
        both = ends(np.sum(rows[0] * rows[1]), dt.OneHot(rows))
        assert both == pytest.approx((0, 1), rel=1e-14)

    def test_too_many_fall_back_to_the_hull(self):
        y = dt.symbol("y", (6, 4))
        low, high = ends(y.sum(), dt.OneHot(y))
        assert low <= 6 <= high
        assert_encloses(np.linalg.norm(y), dt.OneHot(y), samples=5)
        found = dt.enclose(s * (1 - s), dt.Choice(s, np.arange(2000) / 1999))
        assert found.upper >= 0.25

    def test_finite_symbols_beside_a_batch_of_boxes(self):
        t = dt.symbol("t", (2,))
        lower = np.arange(6.0).reshape(3, 2)
        domain = dt.Box({t: (lower, lower + 1)}) & dt.Choice(s, [1, -1])
        found = dt.enclose(t * s, domain)
        assert found.shape == (3, 2)
        np.testing.assert_array_equal(found.upper, lower + 1)
        np.testing.assert_array_equal(found.lower, -(lower + 1))

    def test_values_may_be_arrays(self):
        domain = dt.Choice(x, [[0, 1, 2], [2, 1, 0], 1.0])
        found = dt.enclose(x[0] + x[2], domain)
        assert (found.lower, found.upper) == (2, 2)


def test_infinite_boxes():
    assert ends(np.tanh(s), dt.Box({s: (-np.inf, np.inf)})) == (-1, 1)
    low, high = ends(np.exp(-s), dt.Box({s: (0, np.inf)}))
    assert 0 <= low < 1e-300
    assert high == 1
    found = dt.enclose(s * 2, dt.Box({s: (0, np.inf)}))
    assert found.upper == np.inf
    assert found.cause.kind == "unbounded"
    assert found.cause.operator == "s"


DOMAINS = [
    dt.Box({x: ([0, -1, -np.inf], [1, np.inf, 2])}) & dt.Box({s: (0.5, 0.5)}),
    dt.Ball(x, [0, 1, 2], 0.5) & dt.Ball(s, 1, 0.25, order=np.inf),
    dt.Choice(x, [[0, 1, 2], 3.0]) & dt.Choice(s, [0, 1]),
    dt.OneHot(x) & dt.Box({s: (0, 1)}) & dt.Box({s: (0.5, 2)}),
]


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
def test_text_is_code(domain):
    again = eval(repr(domain), {"dt": dt, "np": np})
    assert repr(again) == repr(domain)
    v = np.tanh(x) + s
    np.testing.assert_array_equal(
        dt.enclose(v, again).lower, dt.enclose(v, domain).lower
    )


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
def test_samples_lie_inside(domain):
    points = sample_points(domain, [x, s], 60, seed=3)
    again = sample_points(domain, [x, s], 60, seed=3)
    for point, same in zip(points, again, strict=True):
        np.testing.assert_array_equal(point["x"], same["x"])
        assert domain.contains(x, point["x"])
        assert domain.contains(s, point["s"])
    hull = domain.hull(x)
    assert all(np.all(hull.contains(p["x"])) for p in points)


def test_a_domain_without_room_is_not_sampled():
    domain = dt.Box({s: (0, 1)}) & dt.Ball(s, 2, 1)
    with pytest.raises(InvalidInputError, match="too little room"):
        sample_points(domain, [s], 1)


def test_values_on_the_edge_of_a_ball_are_not_left_out():
    """Rounding leaves in doubt whether they are inside; a bound must cover them."""
    x = dt.symbol("x")
    domain = dt.Choice(x, [0, 1]) & dt.Ball(x, 0.0, 1.0)
    assert dt.enclose(2 * x, domain).upper >= 2
    assert dt.maximize(2 * x, domain).upper >= 2
    y = dt.symbol("y", shape=(2,))
    edge = dt.Choice(y, [[0.6, 0.8], [3, 4], [1e200, 0]])
    assert dt.maximize(y.sum(), edge & dt.Ball(y, 0.0, 1.0)).upper >= 1.4
    assert dt.maximize(y.sum(), edge & dt.Ball(y, 0.0, 4.9)).upper < 1.5
    far = dt.maximize(y.sum(), edge & dt.Ball(y, 0.0, 1e201))
    assert far.upper >= 1e200
