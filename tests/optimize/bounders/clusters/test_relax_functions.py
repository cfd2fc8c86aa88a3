"""Functions of coordinates: which are one and the same for all of them."""

import numpy as np
import pytest

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.graph.constructors import symbol
from deuterium.optimize.bounders.clusters.cluster_bounder import cluster_bounder_of
from deuterium.optimize.bounders.lagrangian.uniform_function import uniform_function
from deuterium.optimize.region import Regions


def mixed(z):
    return np.where([True, False, False], np.exp(-np.square(z)), np.tanh(-z))


def joined(z):
    return np.concatenate([np.exp(-np.square(z[:1])), np.tanh(-z)[1:]])


@pytest.mark.parametrize("kind", [mixed, joined])
def test_elements_chosen_from_two_functions_are_not_one_function(kind):
    """No constant differs between their elements, but they do."""
    z = dt.symbol("z", (3,))
    problem = Problem(np.arctan(kind(z)).sum(), dt.Box({z: (-2, 2)}))
    bounder = cluster_bounder_of(problem)
    rng = np.random.default_rng(0)
    rows = rng.uniform(-2, 2, (64, 3))
    state = np.repeat(bounder.root().state, 64, axis=0)
    low, high = np.maximum(rows - 0.01, -2), np.minimum(rows + 0.01, 2)
    regions = Regions(low, high, np.zeros(low.shape, bool), np.full(64, np.inf), state)
    value = dt.compile([z], [problem.objective])(rows)[0]
    assert np.all(value <= bounder.bound(regions, -10.0).upper)


def test_which_functions_are_one():
    z = symbol("z", (3,))
    assert uniform_function(np.tanh(2.0 * z), z) is not None
    assert uniform_function(np.tanh(z[::-1])[::-1], z) is not None
    assert uniform_function(np.tanh(np.array([1.0, 2.0, 1.0]) * z), z) is None
    assert uniform_function(np.tanh(mixed(z)), z) is None
    assert uniform_function(joined(z), z) is None
