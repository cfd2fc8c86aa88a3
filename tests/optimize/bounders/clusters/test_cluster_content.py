"""Star clusters: what is told apart, and what is one and the same."""

import numpy as np

import deuterium as dt
from deuterium.testing.oracle import evaluate_exactly
from tests.optimize.bounders.clusters.broken_bounds import (
    bound_at,
    bounder_of,
    descent_of,
)

W = np.array([[1.0, 2.0], [3.0, -1.0]])


def without_multipliers(v, domain):
    """Return the bound with multipliers 0 and hardly any energies."""
    bounder = bounder_of(v, domain)
    ranges = bounder.pass_(*bounder._ends(bounder.root_box()))
    descent = descent_of(bounder)
    x = np.zeros(descent.start.shape)
    for group in descent.parameters.groups:
        x[:, group.weights] = -690
    return float(bound_at(bounder, descent, ranges, x)[0])


def test_equal_intervals_are_not_equal_numbers():
    x = dt.symbol("x", (2,))
    a, b = (np.exp(dt.constant(t)) for t in (1e-20, 2e-20))
    u = x @ dt.constant(W)
    domain = dt.Box({x: (0, 1)})
    for v in (
        np.tanh(u * b).sum() - np.tanh(u * a).sum(),
        (np.tanh(u) * (u * b + 1)).sum() - (np.tanh(u) * (u * a + 1)).sum(),
    ):
        exact = evaluate_exactly(v, {x: np.array([0.1, 0.1])})
        assert exact > 0
        assert not exact > without_multipliers(v, domain)


def test_the_same_elements_in_another_shape_are_the_same_hubs():
    x = dt.symbol("x", (2,))
    u = x @ dt.constant(W / 3) @ dt.constant(W / 7)
    once = np.tanh(np.reshape(u, (2, 1))).sum()
    twice = once + np.exp(u[::-1]).sum() + np.exp(np.reshape(u, (1, 2))).sum()
    bounder = bounder_of(twice, dt.Box({x: (0, 1)}))
    assert len(bounder.program.groups) <= 3  # inputs, u, and u from behind


def test_tables_that_differ_in_the_last_digits_are_different_functions():
    x = dt.symbol("x", (2,))
    u = x @ dt.constant(W)
    places, heights = np.array([-3.0, 0.0, 3.0]), np.array([1.0, 2.0, 1.3])
    v = (np.interp(u, places, heights + 1e-10) - np.interp(u, places, heights)).sum()
    domain = dt.Box({x: (0, 0.5)})
    exact = evaluate_exactly(v, {x: np.array([0.1, 0.1])})
    assert not exact > without_multipliers(v, domain)


def test_arrays_without_elements_do_no_harm():
    x = dt.symbol("x", (3,))
    nothing = x[:0]
    for v in (
        np.sum(np.tanh(x)) + np.sum(np.tanh(nothing) * np.square(nothing)),
        np.sum(np.tanh(np.concatenate([nothing, x])) * x),
        np.sum(np.square(np.tanh(nothing) * nothing.sum())) + np.sum(x * np.tanh(x)),
    ):
        found = dt.maximize(v, dt.Box({x: (-1, 1)}), method="clusters")
        assert found.lower <= 3 * np.tanh(1.0) <= found.upper


def test_a_spoke_that_is_always_zero_has_no_energy():
    x = dt.symbol("x", (2,))
    u = x @ dt.constant(W)
    v = (np.tanh(u) * (x @ dt.constant(np.zeros((2, 2))))).sum() + np.exp(u).sum()
    bounder = bounder_of(v, dt.Box({x: (-1, 1)}))
    assert np.exp(3) + np.exp(2) <= bounder.bound(bounder.root(), -1.0).upper[0]
