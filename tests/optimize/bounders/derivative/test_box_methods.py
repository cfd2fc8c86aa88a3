"""Each method of proof alone, against answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deuterium.optimize.bounders.derivative import interval_definite, taylor_bounds
from deuterium.optimize.bounders.derivative.derivative_options import SLOPE_TRIALS
from tests.optimize.bounders.derivative.box_tools import bounder_of, regions_of


def judge(f, sides, *boxes, incumbent=-np.inf, maximize=True):
    bounder = bounder_of(f, *sides, maximize=maximize)
    low, high = zip(*[zip(*b, strict=True) for b in boxes], strict=True)
    return bounder.bound(regions_of(list(zip(low, high, strict=True))), incumbent)


def test_a_monotone_function_is_known_from_its_corner():
    found = judge(
        lambda x: np.exp(x[0]) - x[1] ** 3, [(0, 1), (1, 2)], [(0, 1), (1, 2)]
    )
    assert found.steps[0] == [
        ("face", {"at": [0, 1], "side": [1, 0], "by": "monotone"})
    ]
    assert found.upper[0] == pytest.approx(np.e - 1, rel=1e-14)
    assert found.low[0].tolist() == found.high[0].tolist() == [1, 1]


def test_an_input_that_does_not_occur_is_never_cut():
    found = judge(lambda x: np.sin(3 * x[0]), [(0, 9), (0, 1e6)], [(0, 9), (0, 1e6)])
    assert found.cut[0] == 0
    assert found.low[0][1] == found.high[0][1]


def test_a_region_one_can_rise_out_of_holds_no_maximiser():
    f = lambda x: x[0] * (4 - x[0])
    found = judge(f, [(0, 4)], [(0, 1)], [(3, 4)], [(1, 3)])
    assert found.proofs[0] == ("stationary", {"at": 0})
    assert found.proofs[1] == ("stationary", {"at": 0})
    assert found.upper.tolist()[:2] == [-np.inf, -np.inf]
    assert found.upper[2] == pytest.approx(4)


def test_a_region_at_the_end_of_the_domain_moves_to_its_face():
    found = judge(lambda x: x[0] ** 2, [(-1, 3)], [(1, 3)], [(1, 2)])
    assert found.upper == pytest.approx([9, -np.inf], rel=1e-15)


def test_the_mean_value_form_beats_the_interval():
    """x - x**2 near 0.45: intervals see 0.4 too much."""
    f = lambda x: x[0] - x[0] ** 2 + 0 * x[1]
    found = judge(f, [(0, 1), (0, 1)], [(0.4, 0.6), (0, 1)])
    assert found.upper[0] < 0.26


def test_a_convex_input_matters_at_its_ends_only():
    f = lambda x: (x[0] - 0.3) ** 2 * (2 + np.sin(5 * x[1]))
    found = judge(f, [(0, 1), (0, 3)], [(0, 1), (0, 3)])
    assert (found.cut[0], found.ends[0]) == (0, ("convex", {}))


def test_a_label_that_enters_the_loss_linearly_matters_at_its_ends_only():
    """The norm of the gradient of a logistic regression."""
    import deuterium as dt
    from deuterium.domain.problem import Problem
    from deuterium.optimize.bounders.derivative import DerivativeBounder

    w = dt.constant(np.array([0.5, -1.0]))
    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    p = 1 / (1 + np.exp(-(x @ w)))
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    v = dt.norm(dt.grad(loss, [w]))
    bounder = DerivativeBounder(Problem(v, dt.Box({x: (-1, 1), y: (0, 1)})))
    found = bounder.bound(bounder.root(), -np.inf)
    assert (found.cut[0], found.ends[0]) == (2, ("convex", {}))


def test_convex_inside_the_domain_means_no_maximiser():
    f = lambda x: (x[0] ** 2 - 1) ** 2 * 0 + x[0] ** 4 - x[0] ** 2
    found = judge(f, [(-2, 2)], [(0.6, 0.9)], [(-0.9, -0.6)])
    assert found.upper.tolist() == [-np.inf, -np.inf]
    assert {name for name, _ in found.proofs} <= {"curved", "stationary"}


def test_a_saddle_is_no_maximiser():
    f = lambda x: x[0] * x[1]
    found = judge(f, [(-1, 1), (-1, 1)], [(-0.5, 0.5), (-0.25, 0.5)])
    name, data = found.proofs[0]
    assert (name, found.upper[0]) == ("curved", -np.inf)
    v = np.array(data["along"])
    assert v[0] * v[1] > 0  # that is where x y bends upwards


def test_a_concave_region_is_bounded_at_its_maximum():
    f = lambda x: x[0] * x[1] - x[0] ** 2 - x[1] ** 2 + 0.1 * x[0]
    found = judge(f, [(-3, 3), (-3, 3)], [(-1, 1), (-1, 1)])
    name, data = found.proofs[0]
    assert name == "concave"
    assert found.upper[0] == pytest.approx(1 / 300, abs=1e-14)
    assert data["center"] == pytest.approx([1 / 15, 1 / 30], abs=1e-9)
    basis = np.array(data["basis"])
    turned = basis.T @ np.array([[-2, 1], [1, -2]]) @ basis
    assert np.all(np.linalg.eigvalsh(turned) < 0)


def test_curvatures_sharpen_slopes():
    """The slope x y - y x + 1 is 1, which intervals cannot see; its curvatures can."""
    f = lambda x: np.sin(x[0]) * np.exp(x[1]) - np.exp(x[1]) * np.sin(x[0]) * 0.9
    found = judge(f, [(0, 2), (0, 1)], [(0.2, 0.6), (0.2, 0.4)])
    assert found.upper[0] == -np.inf


def test_unbounded_inputs_give_finite_bounds_where_there_are_any():
    far = (-np.inf, np.inf)
    found = judge(lambda x: np.tanh(x[0]) * 2, [far], [far], [(3, np.inf)])
    assert found.upper == pytest.approx([2, 2])
    assert np.isfinite(found.at).all()
    found = judge(lambda x: 1 / (1 + x[0] ** 2), [far], [far], [(3, np.inf)])
    assert found.upper == pytest.approx([1, -np.inf])
    found = judge(lambda x: x[0], [far], [far])
    assert found.upper[0] == np.inf


def test_what_is_undefined_has_no_bound():
    found = judge(
        lambda x: np.log(x[0]) + 0 * x[0], [(-1, 4)], [(-1, 1)], [(1, 2)], [(3, 4)]
    )
    assert np.isinf(found.upper).tolist() == [True, True, False]
    assert found.upper[0] == np.inf  # undefined
    assert found.upper[1] == -np.inf  # defined, and rising


def test_kinks_are_bounded_and_jumps_are_not_crossed():
    f = lambda x: -np.abs(x[0] - 0.3) + 0.5 * x[0]
    found = judge(f, [(-1, 1)], [(0.2, 0.5)])
    assert 0.15 <= found.upper[0] <= 0.15 + 0.3
    g = lambda x: np.sign(x[0]) + 0.1 * x[0]
    found = judge(g, [(-1, 2)], [(-1, 0)], [(-0.5, 1)], [(0.5, 1)])
    assert found.upper[0] >= 0.0  # its value at the jump
    assert found.upper[1] >= 1.1
    assert found.upper[2] == -np.inf


def test_a_region_below_the_incumbent_costs_no_more_than_an_interval():
    f = lambda x: -(x[0] ** 2) + np.sin(x[1])
    found = judge(f, [(0, 9), (0, 9)], [(5, 6), (0, 9)], incumbent=0.5)
    assert found.proofs[0] == ("interval", {})


# -- parts --------------------------------------------------------------------------


def test_sums_are_rounded_upward(rng):
    flint = pytest.importorskip("flint")
    for _ in range(50):
        value, terms = (
            rng.normal(size=1),
            rng.normal(size=(1, 7)) * 10.0 ** rng.integers(-8, 8, size=(1, 7)),
        )
        exact = sum(map(flint.arb, terms[0].tolist()), flint.arb(value[0]))
        assert not exact > flint.arb(float(taylor_bounds.sum_up(value, terms)[0]))


def test_definite_matrices_are_recognised(rng):
    n = 4
    for k in range(30):
        q = np.linalg.qr(rng.normal(size=(n, n)))[0]
        values = -(10.0 ** rng.uniform(-3, 3, size=n))
        if k % 2:
            values[rng.integers(n)] *= -1
        h = (q * values) @ q.T
        tiny = np.full((1, n, n), 1e-12 * np.abs(values).max())
        sure, basis = interval_definite.negative_basis(h[None], tiny)
        assert bool(sure[0]) == (k % 2 == 0)
        if k % 2 == 0:
            assert np.all(np.linalg.eigvalsh(basis[0].T @ h @ basis[0]) < 0)
        rises, v = interval_definite.rising_direction(h[None], tiny)
        assert bool(rises[0]) == (k % 2 == 1)
        assert (v[0] @ h @ v[0] > 0) == (k % 2 == 1)


def test_wide_intervals_of_matrices_are_not_called_definite():
    centre, radius = -np.eye(2)[None], np.full((1, 2, 2), 0.6)
    assert not interval_definite.negative_basis(centre, radius)[0][
        0
    ]  # -0.4, 0.6; 0.6, -0.4
    assert interval_definite.negative_basis(centre, 0.5 * radius)[0][0]


@pytest.mark.parametrize("fixed", [0, 1, 2])
def test_the_basis_is_that_of_the_inputs_that_are_not_fixed(fixed):
    h = np.array([[-2.0, 0.5, 0.3], [0.5, -9.0, 1.0], [0.3, 1.0, -4.0]])
    f = lambda x: 0.5 * (x @ h @ x) + np.sum(x) * 0.1
    sides = [(-1.0, 1.0)] * 3
    region = [(-0.5, 0.5)] * 3
    sides[fixed] = region[fixed] = (0.25, 0.25)
    name, data = judge(f, sides, region).proofs[0]
    free = [i for i in range(3) if i != fixed]
    basis = np.array(data["basis"])
    turned = basis.T @ h[np.ix_(free, free)] @ basis
    assert name == "concave"
    assert basis.shape == (2, 2)
    assert np.all(np.diag(turned) + np.abs(turned).sum(axis=1) < -2 * np.diag(turned))
    assert np.all(np.linalg.eigvalsh(turned) < 0)


@pytest.mark.parametrize(("inputs", "left_out"), [(9, True), (8, False)])
def test_slopes_are_left_out_where_they_take_nothing_off(inputs, left_out):
    def f(x):  # the slope is steepest in the last input
        return sum(np.sin(90 * x[k]) for k in range(inputs - 1)) + np.sin(99 * x[-1])

    bounder = bounder_of(f, *[(0, 1)] * inputs)
    box = [(np.zeros(inputs), np.ones(inputs))]
    first = bounder.bound(regions_of(box * SLOPE_TRIALS), incumbent=0.0)
    assert (first.cut == inputs - 1).all()
    again = bounder.bound(regions_of(box), incumbent=0.0)
    assert again.cut[0] == (0 if left_out else inputs - 1)
    assert again.upper[0] == first.upper[0]


def test_slopes_go_on_where_they_have_taken_something_off():
    def f(x):
        return sum(x[k] - x[k] ** 2 for k in range(9)) + np.sin(x[-1])

    bounder = bounder_of(f, *[(0, 1)] * 9)
    box = [(np.full(9, 0.3), np.full(9, 0.35))]
    for _ in range(2):
        found = bounder.bound(regions_of(box * SLOPE_TRIALS), incumbent=0.0)
        assert found.upper[0] == -np.inf
