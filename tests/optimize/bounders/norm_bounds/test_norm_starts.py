"""Points offered to the search where random ones see flat curves only."""

import numpy as np
import pytest
from scipy.special import expit

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.norm_bounds import norm_bounder_of
from deuterium.optimize.bounders.norm_bounds.unsaturated_starts import unsaturated


def problem(scale, activation, inputs=60, units=20):
    rng = np.random.default_rng(2)
    w, b = scale * rng.normal(size=(inputs, units)), rng.normal(size=units)
    out = rng.normal(size=(units, 3))
    x = dt.symbol("x", shape=(1, inputs))
    v, c = dt.constant(w), dt.constant(out)
    h = activation(x @ v + b)
    norm = dt.norm(dt.grad(-dt.log_softmax(h @ c)[0, 0], [v, c]))
    return Problem(norm, dt.Box({x: (-1, 1)})), w, b


@pytest.mark.parametrize("activation", [np.tanh, expit])
def test_saturated_layers_have_starts_where_they_are_not(activation):
    p, w, b = problem(4.0, activation)
    bounder = norm_bounder_of(p)
    rows = unsaturated(p, bounder.layout)
    assert rows.shape == (2, 60)
    assert np.all(np.abs(rows) <= 1)
    assert np.abs(rows @ w + b).max() < 1e-6
    assert np.mean(np.abs(rows) == 1, axis=1).min() > 0.5
    fn = dt.compile(p.symbols, [p.objective])
    corners = np.sign(np.random.default_rng(0).normal(size=(500, 60)))
    assert fn(rows[:, None])[0].min() > 2.5 * np.median(fn(corners[:, None])[0])


def test_they_are_offered_once():
    p, _, _ = problem(4.0, np.tanh)
    bounder = norm_bounder_of(p)
    first = bounder.bound(bounder.root(), 0.0)
    second = bounder.bound(bounder.root(), 0.0)
    assert len(first.points) == len(second.points) + 2


@pytest.mark.parametrize(
    ("scale", "activation", "inputs"),
    [(0.1, np.tanh, 60), (4.0, dt.relu, 60), (4.0, np.tanh, 12)],
)
def test_others_have_none(scale, activation, inputs):
    p, _, _ = problem(scale, activation, inputs)
    assert unsaturated(p, norm_bounder_of(p).layout).shape == (0, inputs)


def test_layers_that_cannot_vanish_have_none():
    p, _, _ = problem(4.0, lambda z: np.tanh(z + 1e4))
    assert unsaturated(p, norm_bounder_of(p).layout).shape == (0, 60)


def test_a_bound_no_better_than_its_parents_carries_no_proof():
    p, _, _ = problem(1.0, np.tanh)
    bounder = norm_bounder_of(p)
    root = bounder.root()
    root.bound[:] = 0.0
    assert bounder.bound(root, 0.0).proofs[0][0] == "interval"
    root.bound[:] = np.inf
    assert bounder.bound(root, 0.0).proofs[0][0] == "norms"
