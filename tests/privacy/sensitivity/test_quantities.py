"""Contribution, slope and diameter: certified, and never taken for each other."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.special import log_expit

import deuterium as dt
from deuterium import privacy
from deuterium.errors import (
    BoundsError,
    InvalidInputError,
    ShapeError,
    UnsupportedError,
)
from deuterium.privacy import Sensitivity
from deuterium.privacy.sensitivity import quantities

NORMS = (1, 2, math.inf)


def people():
    """The mean over five people of a**2 + exp(2 b - a): one person's part of it."""
    a, b = dt.symbol("a"), dt.symbol("b")
    f = (a**2 + np.exp(2 * b - a)) / 5
    return a, b, f, dt.Box({a: (1, 2), b: (0.5, 3)})


def gradient(seed=0, features=3):
    rng = np.random.default_rng(seed)
    x, y = dt.symbol("x", shape=(features,)), dt.symbol("y")
    w = dt.constant(rng.normal(size=features))
    t = (x * w).sum()
    loss = -(y * log_expit(t) + (1 - y) * log_expit(-t))
    return x, y, dt.grad(loss, [w]), dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1])


# -- the three numbers of one query ----------------------------------------------------


def test_three_numbers_of_one_query():
    a, b, f, box = people()
    released = privacy.contribution(f, box, rtol=1e-9)
    slope = privacy.lipschitz(f, [a, b], box, rtol=1e-9)
    largest = 1 + math.exp(5)  # at (1, 3)
    least = 2.0  # at (1, 0.5)
    assert released.quantity == "contribution"
    assert released.sensitivity("add_or_remove_one") == pytest.approx(largest / 5)
    assert released.sensitivity("replace_one") == pytest.approx((largest - least) / 5)
    assert round(released.sensitivity("add_or_remove_one"), 2) == 29.88
    assert round(released.sensitivity("replace_one"), 2) == 29.48
    assert slope.upper == pytest.approx(66.19446391885754, rel=1e-8)
    assert slope.upper >= 66.19446391885754
    wasteful = slope.sensitivity("replace_one", distance=math.hypot(1, 2.5))
    assert round(wasteful, 1) == 178.2
    assert wasteful > 6 * released.sensitivity("replace_one")


def test_the_witnesses_reach_what_is_said():
    a, b, f, box = people()
    d = privacy.diameter(f, box, rtol=1e-6)
    first = f.evaluate({a: d.witness["a"], b: d.witness["b"]})
    second = f.evaluate({a: d.witness["a'"], b: d.witness["b'"]})
    assert first - second == pytest.approx(d.lower)
    assert d.lower <= d.upper <= d.lower * (1 + 1e-5)
    top, bottom = d.certificate
    assert top.upper - bottom.lower == pytest.approx(d.upper)


def test_a_lipschitz_constant_is_no_amount_of_noise():
    a, b, f, box = people()
    slope = privacy.lipschitz(f, [a, b], box)
    with pytest.raises(UnsupportedError, match="distance"):
        slope.sensitivity("replace_one")
    with pytest.raises(UnsupportedError, match="contribution"):
        slope.sensitivity("add_or_remove_one")
    with pytest.raises(UnsupportedError, match="contribution"):
        privacy.diameter(f, box).sensitivity("add_or_remove_one")


# -- defects of the field --------------------------------------------------------------


def test_bounds_go_to_the_variable_they_are_written_for():
    """A published notebook got 59.22 here, with the two bounds swapped."""
    x, y = dt.symbol("x"), dt.symbol("y")
    f = x**3 + 2 * x * y + 1 / y**2 + 5 + np.sqrt(x + np.log(y)) + np.exp(x * y)
    f = f - 2 * np.sqrt(np.exp(x))
    box = dt.Box({x: (1, 2), y: (1, 1.5)})
    turned = dt.Box({y: (1, 1.5), x: (1, 2)})
    right = 61.18758502747134
    for domain in (box, turned):
        s = privacy.lipschitz(f, [x, y], domain, rtol=1e-8)
        assert right * (1 - 1e-9) <= s.upper <= right * (1 + 1e-7)
        assert s.witness["x"] == pytest.approx(2)
        assert s.witness["y"] == pytest.approx(1.5)
    swapped = privacy.lipschitz(f, [x, y], dt.Box({x: (1, 1.5), y: (1, 2)}), rtol=1e-8)
    assert swapped.upper == pytest.approx(59.22008712736098, rel=1e-6)


def test_linear_regression_with_bounds_0_to_100():
    """A library takes this sensitivity to be 0; one record adds up to 10000."""
    x, y = dt.symbol("x"), dt.symbol("y")
    box = dt.Box({x: (0, 100), y: (0, 100)})
    for moment in (x * x, x * y, y * y):
        s = privacy.contribution(moment, box)
        for relation in ("add_or_remove_one", "replace_one"):
            assert 10_000 <= s.sensitivity(relation) <= 10_000 * (1 + 1e-9)
    centred = dt.Box({x: (-50, 50), y: (-50, 50)})
    s = privacy.contribution(x * y, centred)
    assert s.sensitivity("add_or_remove_one") == pytest.approx(2500)
    assert s.sensitivity("replace_one") == pytest.approx(5000)


def test_unbounded_names_the_line():
    x = dt.symbol("x")
    f = np.log(x) + 1
    s = privacy.contribution(f, dt.Box({x: (0, 1)}), time_limit=2)
    assert s.upper == math.inf
    with pytest.raises(InvalidInputError, match="test_quantities"):
        s.sensitivity("add_or_remove_one")


def test_an_average_of_a_large_number_is_told_to_the_gap_of_its_range():
    x = dt.symbol("x")
    d = privacy.diameter(1e6 + x**3 - x, dt.Box({x: (-1, 1)}), rtol=1e-3)
    exact = 4 / (3 * math.sqrt(3))
    assert exact * (1 - 1e-9) <= d.upper <= exact * 1.01


# -- vectors ---------------------------------------------------------------------------


@pytest.mark.parametrize("norm", NORMS)
def test_contribution_of_a_vector_holds_for_every_record(norm, rng):
    x, y, g, domain = gradient(1)
    s = privacy.contribution(g, domain, norm=norm, rtol=0.02, time_limit=60)
    records = rng.uniform(-1, 1, (4000, 3))
    records[::2] = np.sign(records[::2])
    labels = rng.integers(0, 2, 4000) * 1.0
    values = g[0].evaluate({x: records, y: labels})
    sizes = np.linalg.norm(values, ord=norm, axis=1)
    assert sizes.max() <= s.upper * (1 + 1e-12)
    assert s.size == 3
    assert s.norm == norm
    at = g[0].evaluate(dict(s.witness))
    assert np.linalg.norm(at.reshape(-1), ord=norm) >= s.lower * (1 - 1e-12)
    assert s.gap < 0.05


@pytest.mark.parametrize("norm", NORMS[1:])
def test_diameter_of_a_vector_holds_for_every_pair(norm, rng):
    a, b, f, box = people()
    parts = [f, a * b]
    s = privacy.diameter(parts, box, norm=norm, rtol=0.02, time_limit=60)
    points = np.stack([rng.uniform(1, 2, 400), rng.uniform(0.5, 3, 400)], 1)
    points[:4] = [(1, 0.5), (1, 3), (2, 0.5), (2, 3)]
    values = np.stack([v.evaluate({a: points[:, 0], b: points[:, 1]}) for v in parts])
    apart = values[:, :, None] - values[:, None, :]
    sizes = np.linalg.norm(apart.reshape(2, -1), ord=norm, axis=0)
    assert sizes.max() <= s.upper * (1 + 1e-12)
    assert sizes.max() >= s.upper * 0.9
    assert s.lower <= s.upper


def test_diameter_is_at_most_twice_the_contribution():
    _, _, g, domain = gradient(2)
    whole = privacy.contribution(g, domain, rtol=0.02, time_limit=4)
    apart = privacy.diameter(g, domain, rtol=0.02, time_limit=4)
    assert apart.upper <= 2 * whole.upper * (1 + 1e-9)
    both = whole.with_diameter(apart)
    assert both.sensitivity("replace_one") == min(2 * whole.upper, apart.upper)
    assert both.sensitivity("add_or_remove_one") == whole.upper


def test_shared_symbols_are_the_same_in_both_records():
    x, y = dt.symbol("x"), dt.symbol("y")
    box = dt.Box({x: (0, 1), y: (-3, 3)})
    apart = privacy.diameter(x + y, box, rtol=1e-6)
    same = privacy.diameter(x + y, box, shared=[y], rtol=1e-6)
    assert apart.upper == pytest.approx(7)
    assert same.upper == pytest.approx(1, rel=1e-4)
    assert "y'" not in same.witness


def test_scaling_is_exact():
    a, _, _, box = people()
    s = privacy.contribution(a, box).scaled(Fraction(1, 5))
    assert s.sensitivity("add_or_remove_one") == pytest.approx(0.4)
    assert Fraction(s.upper) >= Fraction(2, 5)


# -- refusals --------------------------------------------------------------------------


def test_refusals():
    x = dt.symbol("x", shape=(2,))
    box = dt.Box({x: (0, 1)})
    with pytest.raises(ShapeError, match="one number"):
        privacy.lipschitz(x, x, box)
    with pytest.raises(InvalidInputError, match="norm"):
        privacy.contribution(x, box, norm=3)
    with pytest.raises(InvalidInputError, match="list"):
        privacy.contribution([1.0], box)
    found = dt.search(x.sum(), box)
    with pytest.raises(UnsupportedError, match="Estimate"):
        privacy.gaussian(found, epsilon=1, delta=1e-5, relation="replace_one")


# -- what looks alike and is not -------------------------------------------------------


def test_a_diameter_of_something_else_is_not_taken():
    """Of one feature, of other graphs, or with symbols that stay: all too small."""
    x, y, g, domain = gradient(3)
    whole = privacy.contribution(g, domain, rtol=0.1, time_limit=4)
    alone = privacy.feature_sensitivity(g, x, domain, time_limit=1)[0]
    same = privacy.diameter(g, domain, shared=[y], rtol=0.1, time_limit=2)
    for other in (alone, same):
        assert other.scope is not None
        assert other.scope in repr(other)
        with pytest.raises(InvalidInputError, match="whole records"):
            whole.with_diameter(other)
    half = privacy.diameter([v / 2 for v in g], domain, rtol=0.1, time_limit=2)
    with pytest.raises(InvalidInputError, match="different graphs"):
        whole.with_diameter(half)
    right = privacy.diameter(g, domain, rtol=0.1, time_limit=2)
    with pytest.raises(InvalidInputError, match="different graphs"):
        whole.scaled(2).with_diameter(right)
    again = gradient(3)[2]  # the same, made anew
    other = privacy.diameter(again, domain, rtol=0.1, time_limit=2)
    assert whole.with_diameter(other).diameter is other


def test_a_slope_by_some_symbols_is_no_bound_for_a_record():
    a, _, f, box = people()
    slope = privacy.lipschitz(f, [a], box)
    with pytest.raises(UnsupportedError, match="b stay"):
        slope.sensitivity("replace_one", distance=1.0)
    x, _, g, domain = gradient(1)
    slope = privacy.lipschitz(dt.norm(g), x, domain, time_limit=2)
    with pytest.raises(UnsupportedError, match="y stay"):
        slope.sensitivity("replace_one", distance=1.0)


def test_shared_names_are_checked():
    x, y = dt.symbol("x"), dt.symbol("y")
    box = dt.Box({x: (0, 1), y: (-3, 3)})
    with pytest.raises(InvalidInputError, match="no symbol of the result"):
        privacy.diameter(x + y, box, shared=["z"])
    with pytest.raises(InvalidInputError, match="list of symbols"):
        privacy.diameter(x + y, box, shared=y)


def test_a_jump_has_no_slope():
    """The slope of a sign is 0 nearly everywhere, and says nothing of the jump."""
    x = dt.symbol("x", shape=(2,))
    f = np.sign(x[0]) + 0.1 * x[1]
    box = dt.Box({x: (-1, 1)})
    assert privacy.lipschitz(f, x, box, time_limit=1).upper == math.inf
    found = privacy.feature_sensitivity(f, x, box, time_limit=2)
    assert found.upper[0] >= 2
    assert found.lower[0] == pytest.approx(2)


def test_ranges_beyond_the_largest_number_are_infinite():
    x = dt.symbol("x")
    s = privacy.contribution(x, dt.Box({x: (-1.5e308, 1.5e308)}))
    assert s.upper >= 1.5e308
    assert s.diameter.upper == math.inf
    assert s.sensitivity("add_or_remove_one") < math.inf
    with pytest.raises(InvalidInputError, match="no finite bound"):
        s.diameter.sensitivity("replace_one")


@pytest.mark.parametrize("norm", NORMS)
def test_certificates_verify(norm):
    pytest.importorskip("flint")
    a, b, f, box = people()
    whole = privacy.contribution([f, a * b], box, norm=norm, rtol=0.02)
    assert whole.certificate is not None
    assert whole.verify()
    slope = privacy.lipschitz(f, [a, b], box, norm=norm, rtol=0.02)
    assert slope.verify()
    number = privacy.contribution(f, box)
    assert len(number.verify()) == 2  # supremum and infimum
    assert len(number.diameter.verify()) == 2
    with pytest.raises(UnsupportedError, match="no certificate"):
        Sensitivity(quantity="diameter", norm=2, upper=1.0).verify()


def test_conditions_that_nothing_satisfies_are_said_so_however_late(monkeypatch):
    def late(v, domain, **options):  # the time did not do to tell
        found = dt.maximize(v, domain, **options)
        nothing = {"lower": -np.inf, "upper": -1e300, "witness": {}}
        return dataclasses.replace(found, **nothing, status="precision_limit")

    monkeypatch.setattr(quantities, "maximize", late)
    x, y = dt.symbol("x"), dt.symbol("y", shape=(2,))
    for v in (x, y):
        with pytest.raises(BoundsError, match="no record satisfies"):
            privacy.contribution(v, dt.Box({v: (0, 1)}))


def test_a_slope_by_what_does_not_occur_is_zero():
    x, y = dt.symbol("x"), dt.symbol("y")
    assert privacy.lipschitz(2 * y, x, dt.Box({x: (0, 1), y: (0, 1)})).upper == 0
