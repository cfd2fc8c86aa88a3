"""Conditions, choices, polygons and rounding: enclosures and slopes over odd boxes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from flint import arb, ctx

import deuterium as dt
from deuterium.graph import OPERATORS
from deuterium.interval import Interval
from deuterium.testing import evaluate_exactly
from tests.amounts import draws
from tests.ops.references import INF, MAX, TINY

x, y, z = dt.symbol("x"), dt.symbol("y"), dt.symbol("z")
KNOTS = [-1.0, 0.0, 0.1, 0.3, 2.5]
HEIGHTS = [2.0, -1.0, 1.0 / 3, 0.7, 0.7]
SIZES = (0.0, TINY, 1e-310, 0.1, 0.5, 1.0, 2.5, 1e17, MAX)
ENDS = {*SIZES, *(-s for s in SIZES), *KNOTS}
ENDS |= {float(np.nextafter(k, s)) for k in KNOTS for s in (-9, 9)}
ENDS = sorted(ENDS)
FORMULAS = {
    "where": np.where(x > 0.1, x, 1 - x),
    "where of equality": np.where(x == 0.1, 3.0, x),
    "where and": np.where((x >= 0) & (x < 0.3) | (x == 2.5), x, -1.0),
    "where of log": np.where(x > 0, np.log(x), -800.0),
    "double where": np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0),
    "where of a pole": np.where(x != 0, 1 / x, 0.0),
    "interp": np.interp(x, KNOTS, HEIGHTS),
    "interp, ends given": np.interp(x, KNOTS, HEIGHTS, left=-5, right=7.5),
    "interp of one point": np.interp(x, [0.1], [3.0]),
    "interp, steep": np.interp(x, [-TINY, 0.0, TINY, 1], [-MAX, 0.0, MAX, TINY]),
    "floor": np.floor(x), "ceil": np.ceil(x), "trunc": np.trunc(x), "rint": np.rint(x),
    "round": np.round(x, 1), "fix": np.fix(x + 0.5),
    "remainder": x % 0.3, "remainder by a negative": x % -2.5, "floor by": x // 0.1,
    "fmod": np.fmod(x, 0.3), "remainder of": 1.0 % (x * x + 0.1),
    "heaviside": np.heaviside(x, 0.25),
    "digitize": np.digitize(x, KNOTS), "digitize right": np.digitize(x, KNOTS, True),
    "digitize down": np.digitize(x, KNOTS[::-1]),
    "searchsorted": np.searchsorted(KNOTS, x),
    "counted": np.sum(np.stack([x, -x, x + 1]) > 0.1),
    "in bins": np.bincount(np.digitize(x[None], KNOTS), minlength=6) @ np.arange(6.0),
    "histogram": np.histogram(x, KNOTS)[0] @ np.arange(4.0),
    "median": np.median(np.stack([x, 0.1 * x, 1 - x, 0 * x])),
    "quantile": np.quantile(np.stack([x, -x, x * x]), 0.3),
    "sorted": np.sort(np.stack([x, -x, 0.1 + 0 * x])) @ np.array([1.0, 2.0, -3.0]),
    "any": 1.0 * np.any(np.stack([x > 0.1, x < -1])),
    "all": 1.0 * np.all(np.stack([x > 0.1, x < 1])),
}  # fmt: skip


def points_of(low, high, rng):
    low, high = max(low, -MAX), min(high, MAX)
    points = {low, high, *(e for e in ENDS if low <= e <= high)}
    shares = rng.uniform(0, 1, 3)
    points |= {float(np.clip(low * (1 - t) + high * t, low, high)) for t in shares}
    return sorted(points)


def boxes(rng, count):
    every = list(itertools.combinations_with_replacement(ENDS, 2))
    some = [every[i] for i in rng.permutation(len(every))[:count]]
    knots = [(k, k) for k in KNOTS]
    knots += [(k, float(np.nextafter(k, 9))) for k in KNOTS]
    knots += [(float(np.nextafter(k, -9)), k) for k in KNOTS]
    return some + knots + [(-INF, INF), (-INF, 0.1), (0.1, INF), (0.0, INF)]


@pytest.mark.drawn
@pytest.mark.parametrize("name", FORMULAS)
def test_enclosures_hold_every_value(name):
    f, rng = FORMULAS[name], np.random.default_rng(3)
    decided = 0
    for low, high in boxes(rng, draws(6, 60)):
        box = dt.Box({x: (low, high)})
        found = [dt.enclose(g, box) for g in (f, dt.simplify(f, box))]
        for p in points_of(low, high, rng):
            value = evaluate_exactly(f, {x: p}, bits=2400)
            if not value.is_finite():
                continue
            decided += 1
            with ctx.workprec(2400):
                for e in found:
                    ends = float(e.lower), float(e.upper)
                    assert not value < arb(ends[0]), (low, high, p, value, e)
                    assert not value > arb(ends[1]), (low, high, p, value, e)
    assert decided > draws(36, 300)


STEPS = ["floor", "ceil", "trunc", "rint", "digitize", "heaviside", "any", "all"]


@pytest.mark.parametrize("name", [*STEPS, "searchsorted", "counted"])
def test_whole_numbers_are_enclosed_exactly(name):
    for low, high in ((-0.75, 0.05), (0.15, 0.2), (0.05, 2.75), (0.1, 0.3)):
        found = dt.enclose(FORMULAS[name], dt.Box({x: (low, high)}))
        assert found.lower * 4 == np.rint(found.lower * 4), found
        assert found.upper * 4 == np.rint(found.upper * 4), found


def test_what_is_decided_is_decided():
    for f, low, high, want in (
        (x > 0.1, 0.1, 0.1, 0), (x > 0.1, np.nextafter(0.1, 1), 1, 1),
        (x >= 0.1, 0.1, 1, 1), (x < 0.1, 0.1, 1, 0), (x <= 0.1, -1, 0.1, 1),
        (x == 0.1, 0.1, 0.1, 1), (x == 0.1, np.nextafter(0.1, 1), 1, 0),
        (x > -TINY, 0, 1, 1), (x < TINY, -1, 0, 1), (x > MAX / 2, MAX, MAX, 1),
        (~(x > 0.1), 0.1, 0.1, 1), ((x > 0) & (x < 1), 0.5, 0.75, 1),
        ((x > 0) | (x < 1), -0.5, 0, 1), ((x > 0) ^ (x < 1), 2, 3, 1),
    ):  # fmt: skip
        found = dt.enclose(f, dt.Box({x: (low, high)}))
        assert (found.lower, found.upper) == (want, want), (f, low, high)
    found = dt.enclose(x > y, dt.Box({x: (1, 2), y: (0, 1 - 2**-53)}))
    assert (found.lower, found.upper) == (1, 1)


def test_only_the_branch_that_is_chosen_counts():
    log = np.where(x > 0, np.log(x), 5.0)
    found = dt.enclose(log, dt.Box({x: (-2, -1)}))
    assert (found.lower, found.upper) == (5, 5)
    assert np.where(x > 0, np.log(x), 5.0).evaluate({x: -1}) == 5
    found = dt.enclose(np.where(x > 0.5, np.log(x), 5.0), dt.Box({x: (-2, 1)}))
    assert found.cause is None
    assert np.log(0.5) - 1e-14 <= found.lower
    assert found.upper == 5
    slope = dt.enclose(dt.grad(log, x), dt.Box({x: (-2, -1)}))
    assert (slope.lower, slope.upper) == (0, 0)


@pytest.mark.parametrize("upward", [True, False])
def test_narrowed_is_the_larger_or_the_smaller(upward):
    op = OPERATORS["narrowed"]
    rng = np.random.default_rng(5)
    a, b = np.sort(rng.normal(size=(2, 2, 200)), axis=0).transpose(1, 0, 2)
    c = Interval.unchecked(np.zeros(200), np.ones(200))
    attrs = {"upward": upward, "holds": True}
    found = op.enclosure(c, Interval.unchecked(*a), Interval.unchecked(*b), **attrs)
    extreme = np.maximum if upward else np.minimum
    np.testing.assert_array_equal(found.lower, extreme(a[0], b[0]))
    np.testing.assert_array_equal(found.upper, extreme(a[1], b[1]))
    np.testing.assert_array_equal(op.value(1.0, a, b, **attrs), extreme(a, b))
    with pytest.raises(ValueError, match="equal"):
        op.shape((), (2,), (2,), **attrs)


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), (0, 0)])
def test_order_without_elements(shape):
    e, g = dt.symbol("e", shape), dt.constant(np.ones(shape))
    for v in (np.sort(e), OPERATORS["reorder"](g, e, reverse=True)):
        assert dt.enclose(np.sin(v) * 2, dt.Box({e: (0, 1)})).shape == shape
        assert dt.enclose(v, dt.Box({e: (0, 1)})).shape == shape


def test_higher_derivatives():
    f = np.where(x > 1, x**3, np.where(x > 0, x**2, np.sin(x)))
    for p, want in ((2.0, 12.0), (0.5, 2.0), (-1.0, np.sin(1.0))):
        second = dt.grad(dt.grad(f, x), x)
        assert second.evaluate({x: p}) == pytest.approx(want)
        found = dt.enclose(second, dt.Box({x: (p, p + 0.125)}))
        assert found.lower <= want <= found.upper < np.inf
    mixed = dt.grad(dt.grad(np.where(x > y, x * x * y, y**3), x), y)
    assert mixed.evaluate({x: 2.0, y: 1.0}) == 4
    assert mixed.evaluate({x: 1.0, y: 2.0}) == 0


def test_closed_forms():
    se = pytest.importorskip("symengine")
    for name, f in FORMULAS.items():
        if name in ("interp, steep", "interp of one point"):
            continue
        form = se.sympify(f.to_symengine())
        for p in (-1.6, -0.7, 0.05, 0.2, 0.77, 2.63):
            if name == "where of log" and p < 0:
                continue
            got = float(form.subs({se.Symbol("x"): p}).n(200, real=True))
            assert got == pytest.approx(f.evaluate({x: p}), rel=1e-9, abs=1e-9), name
