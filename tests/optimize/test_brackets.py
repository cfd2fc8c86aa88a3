"""Zero tolerance: no value anywhere lies outside a certified bracket.

Random graphs with kinks and jumps and random networks, over boxes, balls, finite sets
and rays, from both sides and by every method: a hundred in the normal run, ten
thousand in the long one (``pytest -m long``).  Every value that plain
evaluation puts near or beyond a bound is settled in ball arithmetic, and the
certificate of every finite bracket must convince the independent checker.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium.errors import InvalidInputError
from deuterium.testing import boxes, evaluate_exactly, graphs, sample_points
from tests.amounts import examples, is_many, seeds, some
from tests.optimize.random_problems import problem

NEAR = 1e-9  # relative: so close to a bound, balls decide
SECONDS = 0.15
METHODS = ["auto", "auto", "box", "interval"]


def bracket(v, domain, maximize, **options):
    find = dt.maximize if maximize else dt.minimize
    options = {"time_limit": SECONDS, "rtol": 1e-3} | options
    return find(v, domain, **options)


def assert_holds(v, domain, e, maximize, points):
    """Fail if a value lies beyond the proved end, or the proof does not convince."""
    assert e.lower <= e.upper
    bound = e.upper if maximize else e.lower
    if not np.isfinite(bound):
        return
    for point in points:
        with np.errstate(all="ignore"):
            value = float(v.evaluate(point))
        within = bound - value if maximize else value - bound
        if within > NEAR * (1 + abs(bound)) or np.isnan(value):
            continue
        exact = evaluate_exactly(v, point)
        beyond = exact > bound if maximize else exact < bound
        assert not beyond, (bound, value, point)
    if e.certificate is not None:
        e.certificate.verify(v, domain)


def scalar(v):
    return v if not v.shape else dt.norm([v])


def check_graph(case, maximize, method, seed=0):
    v, domain = case
    v = scalar(v)
    symbols = dt.graph.free_symbols([v])
    if not symbols:
        return
    e = bracket(v, domain, maximize, method=method, seed=seed)
    points = sample_points(domain, symbols, 12, seed)
    found = dt.search(
        v if maximize else -v, domain, seed=seed + 1, starts=4, time_limit=0.02
    )
    points += [p for p in (e.witness, found.witness) if p]
    assert_holds(v, domain, e, maximize, points)


def random_graphs(**options):
    return graphs(**options).flatmap(lambda v: st.tuples(st.just(v), boxes(v)))


OPTIONS = (st.booleans(), st.sampled_from(METHODS))


@examples(8, 400)
@given(random_graphs(arrays=False, max_steps=9 if is_many() else 7), *OPTIONS)
def test_scalar_graphs(case, maximize, method):
    check_graph(case, maximize, method)


@examples(8, 400)
@given(random_graphs(max_steps=8 if is_many() else 6), *OPTIONS)
def test_array_graphs(case, maximize, method):
    check_graph(case, maximize, method)


def check_problem(seed):
    v, domain, maximize, method = problem(seed)
    check_graph((v, domain), maximize, method, seed)


@pytest.mark.parametrize("block", seeds(2, 40))
def test_kinks_and_jumps_over_any_domain(block):
    for seed in range(10 * block, 10 * block + 10):
        check_problem(seed)


# -- networks ------------------------------------------------------------------------

ACTIVATIONS = {"sigmoid": expit, "tanh": np.tanh, "relu": dt.relu}


def network(seed):
    """Return the gradient norm of a random network, its inputs and a domain."""
    rng = np.random.default_rng(seed)
    units = [int(rng.integers(1, 7)) for _ in range(rng.integers(1, 4))]
    classes = int(rng.choice([1, 1, 3]))
    units = [int(rng.integers(2, 9)), *units, classes]
    scale = float(rng.choice([0.3, 1.0, 3.0]))
    activation = ACTIVATIONS[str(rng.choice(list(ACTIVATIONS)))]
    x = dt.symbol("x", shape=(1, units[0]))
    h, parameters = x, []
    for i, (m, n) in enumerate(pairwise(units)):
        w = dt.constant(scale * rng.normal(size=(m, n)))
        b = dt.constant(scale * rng.normal(size=n))
        parameters += [w, b]
        h = h @ w + b
        h = activation(h) if i < len(units) - 2 else h
    loss, labels = _loss(h, rng)
    centre = rng.normal(size=(1, units[0]))
    width = rng.choice([0.05, 0.5, 2.0])
    domain = dt.Box({x: (centre - width, centre + width)})
    shape = rng.integers(8)
    if shape < 2:
        domain = dt.Ball(x, centre, float(width), order=[2, np.inf][shape])
    elif shape == 2:
        domain = dt.Box({x: (centre, np.inf)})
    for label in labels:
        domain = domain & label
    return dt.norm(dt.grad(loss, parameters)), domain


def _loss(t, rng):
    if t.shape[1] > 1:
        label = dt.symbol("label", shape=t.shape)
        loss = -np.sum(label * dt.log_softmax(t))
        if rng.random() < 0.5:
            return loss, [dt.OneHot(label)]
        return -dt.log_softmax(t)[0, 0], []
    y = dt.symbol("y", shape=(1, 1))
    kind = rng.integers(4)
    if kind == 0:
        return -np.mean(log_expit(t)), []
    if kind == 1:
        loss = -np.mean(y * log_expit(t) + (1 - y) * log_expit(-t))
        return loss, [dt.Choice(y, [0, 1])]
    domain = dt.Box({y: (-1, 1)}) if kind == 2 else dt.Choice(y, [0, 1])
    return np.mean((t - y) ** 2), [domain]


BOUNDERS = ["auto", "auto", "clusters", "norms", "box", "interval"]


def check_network(seed):
    v, domain = network(seed)
    maximize, method = seed % 4 > 0, BOUNDERS[seed % len(BOUNDERS)]
    try:
        e = bracket(v, domain, maximize, seed=seed, method=method)
    except InvalidInputError as error:
        assert "does not fit" in str(error)
        e = bracket(v, domain, maximize, seed=seed)
    symbols = dt.graph.free_symbols([v])
    points = sample_points(domain, symbols, 60, seed)
    sought = v if maximize else -v
    found = dt.search(sought, domain, seed=seed + 1, starts=8, time_limit=0.05)
    points += [p for p in (e.witness, found.witness) if p]
    assert_holds(v, domain, e, maximize, points)


@pytest.mark.parametrize("block", seeds(2, 40))
def test_networks(block):
    for seed in range(6 * block, 6 * block + 6):
        check_network(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", some([4, 10, 15, 22], 1))
def test_a_node_that_is_met_twice_is_one_coordinate(seed):
    """Once as a layer and once as a factor, say: a proof names its elements once."""
    v, domain = network(seed)
    e = dt.maximize(v, domain, method="clusters", max_regions=6, time_limit=None)
    e.certificate.verify(v, domain)
