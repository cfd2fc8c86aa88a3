"""Zero tolerance: no certified bound below any value, on random graphs and boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import free_symbols
from deuterium.optimize.bounders.derivative import (
    DerivativeBounder,
    interval_definite,
    taylor_bounds,
)
from deuterium.optimize.bounders.derivative.derivative_graphs import DerivativeGraphs
from deuterium.testing import evaluate_exactly
from deuterium.testing.removable import limit
from deuterium.testing.strategies import boxes, graphs
from tests.amounts import examples, is_many, seeds
from tests.optimize.bounders.derivative.box_tools import bounder_of, climb, regions_of

flint = pytest.importorskip("flint")


def value_at(v, point):
    """The value at a point: where there is none, the limit, as `simplify` has it."""
    value = evaluate_exactly(v, point)
    return limit(v, None, point, (), 400) if value.is_nan() else value


def check_supremum(problem, *, regions=60, samples=12, seed=0):
    """A search whose incumbent is a value must not end below any value."""
    bounder = DerivativeBounder(problem)
    points = dt.testing.sample_points(problem.domain, problem.symbols, samples, seed)
    values = [value_at(problem.given, p) for p in points]
    sign = 1 if problem.maximizes else -1
    known = [sign * float(v.lower()) for v in values if v.is_finite()]
    incumbent = max(known, default=-np.inf)
    incumbent -= 1e-9 * abs(incumbent)
    found = climb(bounder, incumbent, most=regions)
    for point, value in zip(points, values, strict=True):
        if value.is_nan():
            assert found.upper == np.inf, point
        else:
            assert not sign * value > flint.arb(found.upper), (point, found)
    return found


def check_leaves(problem, found, rng):
    """The bound of a leaf holds in the region left of it, unless it is left out."""
    for low, high, upper in found.leaves:
        if upper == -np.inf or not np.isfinite(high - low).all():
            continue
        for row in low + (high - low) * rng.random((2, len(low))):
            row = np.clip(row, low, high)
            value = evaluate_exactly(problem.objective, problem.arrays(row))
            assert value.is_nan() or not value > flint.arb(upper)


@given(st.data())
@examples(8, 150)
def test_no_value_lies_above_the_bound(data):
    v = data.draw(graphs(max_steps=5, arrays=data.draw(st.booleans())))
    v = v if v.shape == () else np.sum(v)
    assume(free_symbols([v]))
    problem = Problem(v, data.draw(boxes(v)), maximize=data.draw(st.booleans()))
    assume(problem.size <= 8)
    found = check_supremum(problem, regions=60 if is_many() else 30)
    check_leaves(problem, found, np.random.default_rng(0))


@given(st.data())
@examples(6, 60)
def test_no_value_lies_above_the_bound_where_poles_may_be_touched(data):
    v = data.draw(graphs(max_steps=5, arrays=False, defined=False))
    assume(free_symbols([v]))
    check_supremum(Problem(v, data.draw(boxes(v))), regions=40)


@given(st.data())
@examples(6, 200)
def test_norms_of_gradients(data):
    v = data.draw(graphs(max_steps=4, arrays=False))
    symbols = free_symbols([v])
    assume(symbols)
    norm = dt.norm(dt.grad(v, symbols))
    assume(free_symbols([norm]))
    check_supremum(Problem(norm, data.draw(boxes(norm))), regions=40)


def smooth(x):
    return np.sin(3 * x[0]) * np.exp(-x[1]) + x[0] * x[1] - 0.3 * x[1] ** 4


def kinked(x):
    return np.abs(x[0] - 0.2) - np.maximum(x[1], x[0] * x[1]) + np.sqrt(np.abs(x[1]))


def jumping(x):
    return np.sign(x[0] - 0.3) * x[1] - x[0] ** 2


@pytest.mark.parametrize("f", [smooth, kinked, jumping])
@pytest.mark.parametrize("maximize", [True, False])
def test_searches_close_in_on_the_best_of_a_grid(f, maximize):
    bounder = bounder_of(f, (-1.5, 1), (-1, 2), maximize=maximize)
    axes = np.meshgrid(np.linspace(-1.5, 1, 401), np.linspace(-1, 2, 401))
    values = f(np.array(axes)) * (1 if maximize else -1)
    best = float(values.max())
    found = climb(bounder, best, most=4000, tol=1e-3)
    assert best <= found.upper <= best + 0.02


@pytest.mark.parametrize("seed", seeds(1, 6))
def test_regions_left_out_hold_no_local_maximum_inside(seed):
    """Wherever a region was left out, a small step in the domain goes up."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(4, 3)).round(2)
    f = lambda x: np.sum(np.sin(a @ x) * np.array([1, 2, -1, 0.5])) + x[0] * x[1]
    bounder = bounder_of(f, (-2, 2), (-2, 2), (-2, 2))
    low = rng.uniform(-2, 1.6, size=(200, 3))
    high = np.minimum(low + rng.uniform(0.01, 0.4, size=(200, 3)), 2.0)
    found = bounder.bound(regions_of(list(zip(low, high, strict=True))), -np.inf)
    left_out = np.flatnonzero(found.upper == -np.inf)
    assert len(left_out) > 20
    steps = rng.normal(size=(600, 3))
    steps = 1e-4 * steps / np.linalg.norm(steps, axis=1)[:, None]
    for k in left_out.tolist():
        x = found.low[k] + (found.high[k] - found.low[k]) * rng.random(3)
        near = np.clip(x + steps, -2, 2)
        assert max(f(y) for y in near) > f(x)


def two_peaks():
    y = dt.symbol("y")
    return Problem(np.sin(2 * y) - 0.1 * y, dt.Box({y: (-5, 5)}))


def test_a_bound_that_is_too_low_is_seen(monkeypatch):
    right = taylor_bounds.linear
    monkeypatch.setattr(taylor_bounds, "linear", lambda *args: right(*args) - 0.2)
    with pytest.raises(AssertionError):
        check_supremum(two_peaks(), samples=100)


def test_a_region_left_out_by_mistake_is_seen(monkeypatch):
    def every(centre, radius):
        return np.full(len(centre), True), np.ones(centre.shape[:2])

    monkeypatch.setattr(interval_definite, "rising_direction", every)
    with pytest.raises(AssertionError):
        check_supremum(two_peaks(), samples=100)


def test_a_slope_range_that_is_too_narrow_is_seen(monkeypatch):
    right = DerivativeGraphs.slopes

    def narrowed(self, low, high):
        value, g = right(self, low, high)
        middle = g.mean(axis=0)
        return value, middle + 0.2 * (g - middle)

    monkeypatch.setattr(DerivativeGraphs, "slopes", narrowed)
    with pytest.raises(AssertionError):
        check_supremum(two_peaks(), samples=100)
