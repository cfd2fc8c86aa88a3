"""Gradient norms of recurrent networks."""

import numpy as np
import pytest

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.clusters.cluster_bounder import ClusterBounder
from deuterium.optimize.bounders.derivative import DerivativeBounder
from deuterium.optimize.bounders.portfolio import RootPortfolio
from deuterium.optimize.bounders.select import select_bounder
from tests.amounts import seeds


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def long_short_term(x, draw, n):
    d = x.shape[1]
    gates = [draw(d + n, n) for _ in range(4)]
    h = c = dt.constant(np.zeros(n))
    for t in range(x.shape[0]):
        u = np.concatenate([x[t], h])
        i, f, o = (sigmoid(u @ w) for w in gates[:3])
        c = f * c + i * np.tanh(u @ gates[3])
        h = o * np.tanh(c)
    return h


def gated_unit(x, draw, n):
    d = x.shape[1]
    update, reset, new = (draw(d + n, n) for _ in range(3))
    h = dt.constant(np.zeros(n))
    for t in range(x.shape[0]):
        u = np.concatenate([x[t], h])
        z, r = sigmoid(u @ update), sigmoid(u @ reset)
        h = (1 - z) * h + z * np.tanh(np.concatenate([x[t], r * h]) @ new)
    return h


def simple(x, draw, n):
    w, u, b = draw(x.shape[1], n), draw(n, n), draw(n)
    h = dt.constant(np.zeros(n))
    for t in range(x.shape[0]):
        h = np.tanh(x[t] @ w + h @ u + b)
    return h


CELLS = [long_short_term, gated_unit, simple]


def norm_of(cell, seed=0, steps=3, d=2, n=2):
    """Return a gradient norm of a loss of the last state, and its domain."""
    rng, weights = np.random.default_rng(seed), []

    def draw(*shape):
        weights.append(dt.constant(rng.normal(size=shape) / np.sqrt(shape[0])))
        return weights[-1]

    x = dt.symbol("x", (steps, d))
    score = (cell(x, draw, n) @ draw(n, 1))[0]
    norm = dt.norm(dt.grad(np.logaddexp(0, score), weights))
    return norm, dt.Box({x: (-1, 1)})


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("seed", seeds(1, 8))
def test_a_bound_is_above_all_samples_and_is_proved(cell, seed):
    norm, domain = norm_of(cell, seed)
    e = dt.maximize(norm, domain, max_regions=10)
    inside = np.random.default_rng(seed).uniform(-1, 1, (3000, 3, 2))
    for x in (inside, np.sign(inside)):
        assert norm.evaluate({"x": x}).max() <= e.upper
    assert e.certificate.verify(norm, domain)


def main_of(norm, domain):
    bounder = select_bounder(Problem(norm, domain))
    assert isinstance(bounder, RootPortfolio)
    return type(bounder.main)


def test_inputs_are_cut_where_there_are_many_gates_for_each():
    assert main_of(*norm_of(long_short_term, steps=4)) is DerivativeBounder
    assert main_of(*norm_of(gated_unit, steps=4)) is DerivativeBounder
    assert main_of(*norm_of(simple, steps=4)) is ClusterBounder
    wide = norm_of(gated_unit, steps=2, d=20)
    assert main_of(*wide) is ClusterBounder


def test_a_bound_of_a_gated_network_comes_close():
    norm, domain = norm_of(long_short_term)
    e = dt.maximize(norm, domain, rtol=0.01, max_regions=4000, time_limit=np.inf)
    assert e.upper < 1.02 * e.lower
