"""`maximize` and `minimize` as their users see them."""

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

a, b = dt.symbol("a"), dt.symbol("b")
x = dt.symbol("x", shape=(3,))
SQUARE = dt.Box({a: (-1, 2), b: (-1, 2)})


def test_a_maximum_at_a_corner_is_bracketed():
    e = dt.maximize(a**2 + a * b, SQUARE, rtol=1e-9)
    assert e.status == "optimal"
    assert e.lower <= 8 <= e.upper
    assert e.gap <= 1e-9
    assert e.witness["a"] == 2
    assert e.witness["b"] == 2


def test_a_maximum_inside_is_bracketed():
    v = np.exp(-((a - 0.3) ** 2) - (b - 0.1) ** 2)
    e = dt.maximize(v, SQUARE, rtol=1e-6)
    assert e.status == "optimal"
    assert e.lower <= 1 <= e.upper
    assert e.gap <= 1e-6


def test_a_minimum_is_bracketed_from_the_other_side():
    v = (1 - a) ** 2 + 100 * (b - a**2) ** 2 + 3
    e = dt.minimize(v, SQUARE, rtol=1e-6)
    assert e.status == "optimal"
    assert e.lower <= 3 <= e.upper
    assert e.gap <= 1e-6
    value = v.evaluate(e.witness)
    assert np.isclose(value, e.upper, rtol=1e-12)


def test_history_closes_in_on_both_sides():
    e = dt.maximize(np.sin(3 * a) * b + np.cos(a * b), SQUARE, rtol=1e-6)
    seconds, lower, upper = map(list, zip(*e.history, strict=True))
    assert seconds == sorted(seconds)
    assert lower == sorted(lower)
    assert upper == sorted(upper, reverse=True)
    assert lower[-1] == e.lower


@pytest.mark.parametrize("values", [[0, 1], [2, -1, 0.5], [3]])
def test_finite_sets_are_enumerated(values):
    v = (a - 0.5) ** 2 * b - b**2
    best = max(2.25 * y - y * y for y in values)
    e = dt.maximize(v, dt.Box({a: (-1, 2)}) & dt.Choice(b, values), rtol=1e-9)
    assert e.status == "optimal"
    assert e.lower <= best <= e.upper
    assert e.witness["b"] in values


def test_one_hot_rows_are_enumerated_beyond_the_limit_of_enclose():
    rows = np.arange(200.0)
    y = dt.symbol("y", shape=(200,))
    e = dt.maximize((y * rows).sum() - 2 * (y * rows**2).sum() / 100, dt.OneHot(y))
    best = max(rows - rows**2 / 50)
    assert e.lower <= best <= e.upper
    assert e.gap <= 1e-2


@pytest.mark.parametrize("centre", [[0, 0, 0], [1, -2, 0.5]])
def test_a_ball_is_more_than_its_box(centre):
    domain = dt.Ball(x, centre, 1.5)
    e = dt.maximize(x.sum() + 10, domain, rtol=1e-2, time_limit=20)
    best = 10 + sum(centre) + 1.5 * np.sqrt(3)
    assert e.status == "optimal"
    assert e.lower <= best <= e.upper
    assert np.linalg.norm(e.witness["x"] - centre) <= 1.5
    e.certificate.verify(x.sum() + 10, domain)


def test_a_ball_may_be_cut_by_a_box():
    domain = dt.Ball(x, [0, 0, 0], 1) & dt.Box({x: ([-1, -1, 0.6], [1, 1, 1])})
    e = dt.maximize(x[0] + x[1] + 5, domain, rtol=1e-2, time_limit=20)
    best = 5 + np.sqrt(2) * 0.8
    assert e.status == "optimal"
    assert e.lower <= best <= e.upper
    e.certificate.verify(x[0] + x[1] + 5, domain)


def test_constants_need_no_domain():
    e = dt.maximize(dt.constant(2.0) * 3, dt.Box({}))
    assert e.lower == 6
    assert e.upper == pytest.approx(6)
    assert e.status == "optimal"


def test_a_pole_inside_gives_its_cause():
    e = dt.maximize(1 / a, dt.Box({a: (-1, 2)}))
    assert e.upper == np.inf
    assert e.status == "undefined"
    assert e.cause.operator in ("divide", "reciprocal")
    assert "test_maximize.py" in e.cause.source
    low, high = e.cause.box["a"]
    assert low <= 0 <= high
    assert high - low < 1e-9
    assert e.certificate is None


def test_an_unbounded_domain_without_a_bound_says_so():
    e = dt.maximize(a**2, dt.Box({a: (0, np.inf)}), time_limit=20)
    assert e.upper == np.inf
    assert e.status == "unbounded"


def test_an_unbounded_domain_with_a_bound_is_fine():
    e = dt.maximize(np.exp(-(a**2)), dt.Box({a: (-np.inf, np.inf)}), rtol=1e-3)
    assert e.lower <= 1 <= e.upper
    assert e.status == "optimal"


def test_a_graph_written_with_a_removable_pole_is_bounded():
    p = 1 / (1 + np.exp(-a))
    e = dt.maximize(-np.log(p), dt.Box({a: (-3, 3)}), rtol=1e-6)
    assert e.lower <= np.log1p(np.exp(3.0)) <= e.upper


@pytest.mark.parametrize(
    "name", ["rtol", "atol", "time_limit", "memory_limit", "max_regions"]
)
@pytest.mark.parametrize("value", [-1, np.nan, "1", True])
def test_limits_that_make_no_sense_are_refused(name, value):
    with pytest.raises(InvalidInputError, match=name):
        dt.maximize(a, dt.Box({a: (0, 1)}), **{name: value})


def test_arguments_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="scalar"):
        dt.maximize(x, dt.Box({x: (0, 1)}))
    with pytest.raises(MissingSymbolError):
        dt.maximize(a * b, dt.Box({a: (0, 1)}))
    with pytest.raises(UnknownSymbolError):
        dt.maximize(a, dt.Box({a: (0, 1), "c": (0, 1)}))
    with pytest.raises(InvalidInputError, match="domain"):
        dt.maximize(a, {a: (0, 1)})
    with pytest.raises(ShapeError, match="batch"):
        dt.maximize(a, dt.Box({a: ([0, 1], [1, 2])}))
    with pytest.raises(InvalidInputError, match="executor"):
        dt.maximize(a, dt.Box({a: (0, 1)}), executor=4)
    with pytest.raises(InvalidInputError, match="method"):
        dt.maximize(a, dt.Box({a: (0, 1)}), method="magic")
    with pytest.raises(BoundsError):
        dt.minimize(a, dt.Box({a: (1, 0)}))


@pytest.mark.parametrize("most", [1, 2, 5])
def test_the_number_of_regions_can_be_limited(most):
    v = np.sin(5 * a) * np.cos(7 * b) + np.sin(3 * a * b)
    e = dt.maximize(v, SQUARE, rtol=0, max_regions=most)
    assert e.status == "region_limit"
    assert e.regions == most
    assert e.lower <= e.upper


def test_an_infimum_of_a_norm_with_a_pole_is_on_its_finite_side():
    """A pole that only makes it larger is no matter; `enclose` says 0 at least."""
    x = dt.symbol("x", (2,))
    v, domain = dt.norm([1 / x]), dt.Box({x: (-1, 1)})
    e = dt.minimize(v, domain)
    assert e.lower <= 2**0.5 <= e.upper
    assert e.lower > 0.99 * e.upper
    assert dt.enclose(v, domain).lower == 0
    e.certificate.verify(v, domain)
