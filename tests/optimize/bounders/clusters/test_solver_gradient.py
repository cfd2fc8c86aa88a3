"""The first-order method's gradient is that of its smoothed bound."""

import numpy as np
import pytest

import deuterium as dt
from tests.optimize.bounders.clusters.broken_bounds import bounder_of, descent_of
from tests.optimize.bounders.clusters.relax_nets import gradient_norm


def lagrangian_of(seed, units, activation, head):
    rng = np.random.RandomState(seed)
    x, v = gradient_norm(rng, units, activation, head=head)
    bounder = bounder_of(v, dt.Box({x: (-1, 1)}))
    descent = descent_of(bounder)
    ranges = bounder.pass_(*bounder._ends(bounder.root_box()))
    return descent, descent.lagrangian(ranges.take([0, 0]))


@pytest.mark.parametrize(
    ("units", "activation", "head"),
    [((3, 4, 2, 1), "tanh", "logistic"), ((2, 3, 3), "relu", "softmax")],
)
def test_gradients_are_slopes_of_smoothed_bounds(units, activation, head):
    descent, lagrangian = lagrangian_of(3, list(units), activation, head)
    rng = np.random.default_rng(0)
    x = np.repeat(descent.start, 2, axis=0)
    x = x + 0.3 * rng.normal(size=x.shape)
    value, gradient = lagrangian(x, 0.1)
    assert np.all(value >= lagrangian.value(x) * (1 - 1e-9) - 1e-9)  # smooth is above
    step = 1e-5
    for i in range(x.shape[1]):
        d = step * (np.arange(x.shape[1]) == i)
        slope = (lagrangian(x + d, 0.1)[0] - lagrangian(x - d, 0.1)[0]) / (2 * step)
        np.testing.assert_allclose(gradient[:, i], slope, rtol=1e-4, atol=1e-7)
