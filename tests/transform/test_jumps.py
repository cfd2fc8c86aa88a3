"""Across a jump no derivative is finite; where branches meet, it holds every slope."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.special as sc

import deuterium as dt
from deuterium import privacy
from deuterium.graph.serialize import dumps, loads
from deuterium.ops import logic
from deuterium.transform import grad as exact_grad
from tests.amounts import draws
from tests.transform.slope_checks import assert_holds_quotients, slope_range

x, y = dt.symbol("x"), dt.symbol("y")
v = dt.symbol("v", (2,))
pair = np.stack([x, x + 1])
where = np.where

JUMPS = {
    "a size": (where(abs(x) <= 1, x * x, 2 - 1e-16), 1),
    "a size on the other side": (where(abs(x) <= 1, x, 1), -1),
    "and": (where((x > 0) & (x < 1), 1.0, 0.0), 0),
    "or": (where((x > 0) | (x < -1), x, 1e-9), 0),
    "not": (where(~(x > 0), x, x + 1), 0),
    "equal": (where(x == 0, 1, 0), 0),
    "not equal": (where(x != 0, x, 1), 0),
    "one in one": (where(x > 0, where(x > 0, 5, 0), 0), 0),
    "another in one": (where(x > 0, where(x > 1, 3, x), 0), 1),
    "select": (np.select([x < 0, x < 1], [0, x], 1.5), 1),
    "piecewise": (np.piecewise(x, [x < 0, x >= 0], [lambda t: t, lambda t: t + 1]), 0),
    "0 * inf at the threshold": (where(x > 0, x * (1 / x), 0), 0),
    "a sign that is 0 there": (where(x > 0, np.sign(x), 0), 0),
    "0 / 0 at the threshold": (where(x > 0, np.abs(x) / x, 0), 0),
    "a logarithm that cancels": (where(x > 0, np.exp(np.log(x) - np.log(x)), 0), 0),
    "a pole that is multiplied by 0": (where(x > 0, x + 0 * np.log(x), 1), 0),
    "a condition that jumps": (where(np.floor(x) > 0.5, np.floor(x) - 0.5, 0), 1),
    "and its branch too": (where(np.floor(x) > 0.5, 5 * (np.floor(x) > 0.5), 0), 1),
    "a choice as condition": (where(where(x > 0, 1, -1) > 0, x, 1), 0),
    "a sum of choices": (where(x > 0, 1, 0) + where(x > 0, 0, 1e-9), 0),
    "a product of choices": (where(x > 0, 1, 0) * x + where(x > 0, 0, 1), 0),
    "no solved condition": (where(x * x > 1, x, 1), -1),
    "nor this": (where(np.exp(x) > 1, x, 1e-12), 0),
    "a kink as condition": (where(np.maximum(x, 0) > 0, 1, 0), 0),
    "two symbols": (where(x > y, x, y + 1e-20), 1),
    "two symbols, equal elsewhere": (where(x > y, x * y, y), 1 + 1e-9),
    "the largest of one": (np.max(np.stack([where(x > 0, 1, 0), 0 * x + 0.5])), 0),
    "the sorted of one": (np.sort(np.stack([x, where(x > 0, 2, 0)]))[1], 0),
    "the first of two elements": (
        np.sum(where(pair > 1, pair, np.stack([0 * x + 2, pair[1]]))), 1
    ),
    "another element": (np.sum(where(np.stack([x, y]) > 0, np.stack([y, x]), 0)), 0),
    "a sum over elements": (np.sum(where(np.stack([x, y]) > 1, np.stack([x, y]).sum(), 2
                                         )), 1),
    "a reversed array": (np.sum(pair[::-1] * (pair > 0)), 0),
    "heaviside": (np.heaviside(x, 0.5), 0),
    "digitize": (np.digitize(x, [0, 1]), 1),
    "floor": (np.floor(x), 1),
    "ceil": (np.ceil(x), 1),
    "rint": (np.rint(x), 0.5),
    "trunc": (np.trunc(x), 1),
    "round": (np.round(x, 1), 0.05),
    "remainder": (x % 1, 1),
    "floor division": (x // 1, 1),
    "remainder of one": (1 % x, 0.5),
    "fmod": (np.fmod(x, 1), 1),
    "outside of a polygon": (np.interp(x, [0, 1], [0, 1], left=-1), 0),
}  # fmt: skip


ROUNDED = {
    "by less than an ulp": (where(x > 0.1, x, x + 1e-17), 0.1),
    "by far less": (where(x > 0.1, x, x + 1e-30), 0.1),
    "by a subnormal number": (where(2 * x > 1, x, x + 5e-324), 0.5),
    "a shifted threshold": (where(x - 1 > 0, x, x - 2**-60), 1),
    "equal to rounding only": (where(3 * x > 1, x, 1 / 3), 1 / 3),
    "a threshold that is no double": (
        where(3 * x > 1, x, dt.constant(1) / 3 + 1e-300), 1 / 3
    ),
    "0.1 + 0.2 and 0.3": (where(x > 0.1 + 0.2, x, 0.3), 0.3),
    "0.3 and 0.1 + 0.2": (where(x > 0.3, x, 0.1 + 0.2), 0.3),
    "right of a polygon": (np.interp(x, [0, 1], [0, 1], right=1 + 2e-16), 1),
    "tax": (where(x < 0.1, 0.17 * x, 0.17 * 0.1 + 0.33 * (x - 0.1)), 0.1),
    "large numbers that cancel": (where(x < 0.3, 0.7 * x, 5.2 - 4.99 + 0.2 * (x - 0.3)
                                        ), 0.3),
    "two thresholds": (where(abs(x) <= 0.3, x * x / 2, 0.3 * abs(x) - 0.045), 0.3),
    "a tangent of exp": (where(x < 0.1, np.exp(x), np.exp(0.1) + 1.1 * (x - 0.1)), 0.1),
    "of each element": (np.sum(where(pair < 0.7, pair / 7, 0.1 + 0.2 * (pair - 0.7))),
                        0.7),
}  # fmt: skip
"""Branches that miss each other by rounding."""


def others_of(f):
    return {s: 1.0 for s in dt.graph.free_symbols([f]) if s is not x}


def boxes(k):
    up, down = float(np.nextafter(k, 9)), float(np.nextafter(k, -9))
    return [(k - 1, k + 1), (k, k + 1), (k - 1, k), (down, up), (k, up), (down, k),
            (k - 0.25, k + 0.2)]  # fmt: skip


@pytest.mark.drawn
@pytest.mark.parametrize("name", JUMPS)
def test_no_finite_slope_across_a_jump(name):
    f, k = JUMPS[name]
    others = others_of(f)
    for low, high in boxes(float(k))[: draws(2, 7)]:
        assert_holds_quotients(f, x, low, high, [k], others)
    wide = dt.Box({x: (k - 0.3, k + 0.3), **{s: (n, n) for s, n in others.items()}})
    for simplified in (False, True):
        found = slope_range(f, x, wide, simplified)
        assert not np.isfinite(found).any(), found


@pytest.mark.parametrize("name", JUMPS)
def test_nor_a_finite_lipschitz_constant(name):
    f, k = JUMPS[name]
    fixed = {s: (n, n) for s, n in others_of(f).items()}
    slope = np.abs(dt.grad(f, x))
    found = dt.maximize(slope, dt.Box({x: (k - 0.3, k + 0.3), **fixed}), time_limit=0.2)
    assert found.upper == np.inf


@pytest.mark.parametrize("name", ROUNDED)
def test_a_jump_by_rounding_is_no_slope_but_is_told(name):
    f, k = ROUNDED[name]
    box = dt.Box({x: (k - 0.3, k + 0.3)})
    slopes = slope_range(f, x, box, False)
    assert np.isfinite(slopes).all()
    for p in (k - 0.2, k + 0.2):
        slope = dt.grad(f, x).evaluate({x: p})
        assert slopes[0] <= slope <= slopes[1]
    (jump,) = dt.rounding_jumps([f])
    assert 0 < jump.size <= 1e-14
    found = dt.maximize(np.abs(dt.grad(f, x)), box, time_limit=1)
    assert found.upper < np.inf
    found.certificate.verify(np.abs(dt.grad(f, x)), box)


@pytest.mark.parametrize("name", ["two thresholds", "a tangent of exp", "tax"])
def test_what_jumps_by_rounding_has_a_slope_and_the_jump_is_added(name):
    f, k = ROUNDED[name]
    s = privacy.lipschitz(f, x, dt.Box({x: (k - 0.3, k + 0.3)}))
    assert s.status == "optimal" and s.lower <= s.upper < 2
    (jump,) = dt.rounding_jumps([f])
    assert jump.size / 2 <= s.jump <= 4 * jump.size


@pytest.mark.parametrize("delta", [0.1, 0.25, 0.3, 0.7, 1.345])
def test_branches_of_hubers_loss_meet_exactly(delta):
    """Products that are no doubles are compared as the rational numbers they are."""
    assert not dt.rounding_jumps([sc.huber(delta, x - 0.5)])
    s = privacy.lipschitz(sc.huber(delta, x - 0.5), x, dt.Box({x: (-3, 3)}))
    assert s.jump == 0 and s.upper == pytest.approx(delta, rel=1e-9)


@pytest.mark.parametrize("name", ROUNDED)
def test_bounds_of_values_do_not_cross_it(name):
    """To them it is a jump as any other, however small."""
    f, k = ROUNDED[name]
    exact = exact_grad(f, x)
    assert dt.enclose(exact, dt.Box({x: (k - 0.3, k + 0.3)})).upper == np.inf


def test_the_size_of_a_jump_by_rounding_is_certified():
    f, k = ROUNDED["tax"]
    left = Fraction(0.17) * Fraction(k)
    right = Fraction(0.17 * 0.1) + Fraction(0.33) * 0
    (jump,) = dt.rounding_jumps([f])
    assert abs(left - right) <= Fraction(jump.size) <= 4 * abs(left - right)


CONTINUOUS = {
    "relu": (where(x > 0, x, 0), [0], (0, 1)),
    "a leaky one": (where(x >= 0, x, 0.1 * x), [0], (0.1, 1)),
    "elu": (where(x > 0, x, np.expm1(x)), [0], (np.exp(-1), 1)),
    "huber": (where(abs(x) <= 0.5, x * x / 2, 0.5 * abs(x) - 0.125), [-0.5, 0.5],
              (-0.5, 0.5)),
    "brackets": (where(x < 0.5, 0.1 * x, 0.05 + 0.4 * (x - 0.5)), [0.5], (0.1, 0.4)),
    "brackets by select": (
        np.select([x < -0.5, x < 0.5], [0 * x, 0.25 * (x + 0.5)], 0.25 + 0.5 * (x - 0.5)
                  ), [-0.5, 0.5], (0, 0.5)),
    "scaled": (where(2 * x + 1 > 0, 2 * x + 1, 0), [-0.5], (0, 2)),
    "a difference": (where(x > y, x - y, 0), [1], (0, 1)),
    "a product that meets": (where(x > 1, x * y, y), [1], (0, 1)),
    "a polygon": (np.interp(x, [-0.5, 0, 0.25], [0, 1, 0.5]), [-0.5, 0, 0.25], (-2, 2)),
    "both sides the same": (where(x > 0.3, x + 1, 1 + x), [0.3], (1, 1)),
    "one branch undefined outside": (where(x > 0.5, np.log(x), np.log(0.5) * 2 * x),
                                     [0.5], (-np.inf, np.inf)),
    "the median": (np.median(np.stack([x, 0 * x, 1 - x])), [0, 0.5, 1], (-1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTINUOUS)
def test_slopes_where_branches_meet(name):
    f, knots, (low, high) = CONTINUOUS[name]
    others = others_of(f)
    found = assert_holds_quotients(f, x, -1.0, 1.0, knots, others)
    assert low - 1e-9 <= found[0] <= found[1] <= high + 1e-9, found
    for k in knots:
        for box in boxes(float(k)):
            assert_holds_quotients(f, x, *box, [k], others)


def test_elements_are_looked_at_one_by_one():
    """The first meets, the second does not."""
    f = np.sum(where(v > np.array([1.0, 2.0]), v - 1, 0))
    slopes = dt.enclose(dt.grad(f, v), dt.Box({v: (0, 3)}))
    assert slopes.upper[1] == np.inf
    meets = np.sum(where(v > np.array([1.0, 2.0]), v - np.array([1.0, 2.0]), 0))
    slopes = dt.enclose(dt.grad(meets, v), dt.Box({v: (0, 3)}))
    assert slopes.lower.tolist() == [0, 0]
    assert slopes.upper.tolist() == [1, 1]


NEIGHBOURS = {
    "sum": lambda a: where(a > 0, np.sum(a), 0.5),
    "reversed": lambda a: where(a > 0, a[::-1], a),
    "shifted": lambda a: where(a > 0, np.roll(a, 1) * a, a),
    "its own condition elsewhere": lambda a: where(a > 0, (a > 0)[::-1] * a, a),
    "all": lambda a: where(a > 0, np.all(a > 0) + a, a),
    "cumulated": lambda a: where(a > 0.5, np.cumsum(a), a),
    "multiplied": lambda a: where(a > 0, np.ones((2, 2)) @ a, a),
    "sorted": lambda a: where(a > 0, np.sort(a), a),
    "a row of a table": lambda a: where(a[:, None] > 0, a[None, :], a[:, None]),
    "a column of a table": lambda a: where(a[None, :] > 0, a[:, None] * a, a + 1),
    "a scalar": lambda a: where(a[0] > 0, np.exp(a[0]) * a, a),
    "one of a scalar and elements": lambda a: where((a[0] > 0) & (a < 1), a - a[0], a),
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_a_condition_says_nothing_of_other_elements(name):
    """What holds of one element was written into its neighbours as well."""
    f = NEIGHBOURS[name](v)
    rng = np.random.default_rng(1)
    gradient = dt.grad(np.sum(f * np.arange(1.0, f.size + 1).reshape(f.shape)), v)
    for signs in [(1, 1), (1, -1), (-1, 1), (-1, -1)]:
        for _ in range(3):
            a = np.array(signs) * rng.uniform(0.1, 2, 2)
            want = NEIGHBOURS[name](a)
            np.testing.assert_allclose(f.evaluate({v: a}), want, rtol=1e-15)
            found = dt.enclose(f, dt.Box({v: (a, a)}))
            np.testing.assert_allclose(found.lower, want, rtol=1e-14)
            np.testing.assert_allclose(found.upper, want, rtol=1e-14)
            weights = np.arange(1.0, want.size + 1).reshape(want.shape)
            steps = [1e-6 * e for e in np.eye(2)]
            slopes = [
                np.sum(weights * (NEIGHBOURS[name](a + h) - NEIGHBOURS[name](a - h)))
                / 2e-6
                for h in steps
            ]
            got = gradient.evaluate({v: a})
            np.testing.assert_allclose(got, slopes, rtol=1e-6, atol=1e-6)


def test_a_choice_by_a_number_is_by_its_sign():
    """Such a graph is not made by NumPy's functions, but it may be read from a file."""
    (f,) = loads(dumps(logic.where(x, x + 1, x)))
    assert [f.evaluate({x: p}) for p in (-1, 0, 0.5)] == [-1, 0, 1.5]
    assert_holds_quotients(f, x, -1.0, 1.0, [0.0])
    half = logic.where(logic.logical_not(x / 2 + 0.5), 1.0, 2.0)
    for p in (-3.0, 0.0, 0.5, 3.0):
        want = half.evaluate({x: p})
        found = dt.enclose(dt.simplify(half), dt.Box({x: (p, p)}))
        assert found.lower == found.upper == want
