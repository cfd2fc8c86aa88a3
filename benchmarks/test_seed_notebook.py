"""The seed notebooks' network at 100x100: certified bounds, and what they cost.

The scalar way makes a node per scalar, as the first notebook does, and is timed beside
that notebook's own interval walk in the same run.  The array way is the same network
with array Variables.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
import symengine as se
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium import random_symbols, to_vec

N = 100
NAMES = [f"x_{i}" for i in range(N)]
WHOLE = dt.Box(dict.fromkeys(NAMES, (-1, 1)))


@pytest.fixture(scope="module")
def weights():
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) for shape in ((N, N), (1, N), (N, 1))]


def cross_entropy(p, y):
    return -np.mean(np.multiply(y, np.log(p)) + np.multiply(1 - y, np.log(1 - p)))


# -- the scalar way, linear layers -----------------------------------------------------


def linear_output(x, w1, b, w2):
    return (x @ w1 + b) @ w2


def scalar_norm(weights, output=linear_output):
    x = to_vec(np.array(random_symbols(N, "x")).reshape(1, N))
    w1, b, w2 = (to_vec(w) for w in weights)
    loss = cross_entropy(output(x, w1, b, w2), to_vec(np.array(1)))
    loss.backward()
    grads = np.array([v.grad for v in [*w1.flat, *b.flat, *w2.flat]])
    assert len(grads) == 10_200
    return np.linalg.norm(grads, ord=2)


def rewritten_walk(e):
    """Do what the notebook's walk does: same rules, same NumPy calls."""
    if isinstance(e, se.Symbol):
        return -1, 1
    if e.is_Number:
        return float(e), float(e)
    ranges = [rewritten_walk(a) for a in e.args]
    if isinstance(e, se.Add):
        return np.sum([r[0] for r in ranges]), np.sum([r[1] for r in ranges])
    total = ranges[0]
    for r in ranges[1:]:
        if isinstance(e, se.Mul):
            ends = [p * q for p in total for q in r]
        else:
            ends = [p**q for p in total for q in r]
        total = np.min(ends), np.max(ends)
    return total


@pytest.fixture(scope="module")
def walk(weights):
    """The interval walk of the closed form, timed once: (seconds, ends)."""
    form = scalar_norm(weights).data
    start = time.perf_counter()
    ends = rewritten_walk(form)
    return time.perf_counter() - start, ends


def test_scalar_way(benchmark, note, weights, walk):
    def everything():
        norm = scalar_norm(weights)
        return norm, dt.enclose(norm, WHOLE)

    norm, certified = benchmark.pedantic(everything, rounds=5, warmup_rounds=1)
    took = benchmark.stats.stats.median
    seconds, (low, high) = walk
    points = np.random.default_rng(1).uniform(-1, 1, size=(N, 1000))
    found = norm.evaluate(dict(zip(NAMES, points, strict=True)))
    note(
        seconds=took,
        walk_seconds=seconds,
        walk_seconds_over_ours=seconds / took,
        walk_says=f"[{low:.5f}, {high:.5f}]",
        walk_violated_by=f"{np.sum((found < low) | (found > high))} of 1000 points",
        largest_norm_found=float(found.max()),
        certified_upper=float(certified.upper),
        certified_cause=str(certified.cause),
        certified_violated_by=f"{np.sum(~certified.contains(found))} of 1000 points",
    )
    assert certified.contains(found).all()
    assert took < 3


def test_scalar_way_where_finite(benchmark, note, weights):
    """A small box in which y_pred stays near one half, so that there is a bound."""
    w1, b, w2 = weights
    slope = (w1 @ w2)[:, 0]
    center = slope * (0.5 - float((b @ w2)[0, 0])) / (slope @ slope)
    radius = 0.05 / (np.abs(w1) @ np.abs(w2)).sum()
    norm = scalar_norm(weights)
    ends = np.stack([center - radius, center + radius], axis=1)
    box = dt.Box(dict(zip(NAMES, ends, strict=True)))

    certified = benchmark.pedantic(dt.enclose, (norm, box), rounds=5, warmup_rounds=1)
    least_output = np.where(slope > 0, ends[:, 0], ends[:, 1])
    found = float(norm.evaluate(dict(zip(NAMES, least_output, strict=True))))
    note(
        seconds_of_enclose=benchmark.stats.stats.median,
        certified_upper_over_found=float(certified.upper) / found,
    )
    assert certified.cause is None
    assert found <= certified.upper < 1.2 * found


# -- sigmoid layers --------------------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_output(x, w1, b, w2):
    return sigmoid((sigmoid(x @ w1) + b) @ w2)


def seed_loss(x, w1, b, w2):
    return cross_entropy(sigmoid_output(x, w1, b, w2), 1)


def stable_loss(x, w1, b, w2):
    return -np.mean(log_expit((expit(x @ w1) + b) @ w2))


LOSSES = {"exp_log": seed_loss, "expit_log_expit": stable_loss}


@pytest.fixture(params=LOSSES)
def loss(request):
    return LOSSES[request.param]


def array_norm(loss, weights):
    x = dt.symbol("x", shape=(1, N))
    theta = [dt.constant(w) for w in weights]
    return x, dt.norm(dt.grad(loss(x, *theta), theta))


@pytest.fixture(scope="module")
def best_found(weights):
    """A large norm: the best of 5000 corners, improved one sign at a time."""
    x, norm = array_norm(stable_loss, weights)
    evaluate = dt.compile([x], [norm])
    tried = np.random.default_rng(2).choice([-1.0, 1.0], size=(5000, 1, N))
    at = tried[evaluate(tried)[0].argmax()]
    best = float(evaluate(at)[0])
    while True:
        neighbours = at * (1 - 2 * np.eye(N))[:, None, :]
        norms = evaluate(neighbours)[0]
        if norms.max() <= best:
            return best
        best, at = float(norms.max()), neighbours[norms.argmax()]


def test_scalar_way_sigmoid(benchmark, note, weights, best_found):
    """All in all, one node per scalar, in the notebook's spelling."""

    def everything():
        norm = scalar_norm(weights, sigmoid_output)
        return norm, dt.enclose(norm, WHOLE)

    norm, certified = benchmark.pedantic(everything, rounds=5, warmup_rounds=1)
    points = np.random.default_rng(1).uniform(-1, 1, size=(N, 1000))
    found = norm.evaluate(dict(zip(NAMES, points, strict=True)))
    note(
        seconds=benchmark.stats.stats.median,
        certified_upper_over_found=float(certified.upper) / best_found,
    )
    assert certified.cause is None
    assert certified.contains(found).all()
    assert best_found <= certified.upper < 3 * best_found
    assert benchmark.stats.stats.median < 3


def test_array_way_build(benchmark, note, weights, loss):
    """Graph, gradient and norm."""
    benchmark(array_norm, loss, weights)
    note(milliseconds=1000 * benchmark.stats.stats.median)
    assert benchmark.stats.stats.median < 20e-3


def test_array_way_enclose(benchmark, note, weights, loss, best_found):
    x, norm = array_norm(loss, weights)
    certified = benchmark(dt.enclose, norm, dt.Box({x: (-1, 1)}))
    note(
        milliseconds=1000 * benchmark.stats.stats.median,
        certified_upper=float(certified.upper),
        largest_norm_found=best_found,
        certified_upper_over_found=float(certified.upper) / best_found,
    )
    assert certified.cause is None
    assert best_found <= certified.upper < 3 * best_found
    assert benchmark.stats.stats.median < 5e-3


def test_ways_agree(weights):
    """Both losses are one function: what is timed above is the same mathematics."""
    points = np.random.default_rng(3).uniform(-1, 1, size=(50, 1, N))
    values, uppers = [], []
    for loss in LOSSES.values():
        x, norm = array_norm(loss, weights)
        values.append(norm.evaluate({x: points}))
        uppers.append(dt.enclose(norm, dt.Box({x: (-1, 1)})).upper)
    np.testing.assert_allclose(*values, rtol=1e-5)
    np.testing.assert_allclose(*uppers, rtol=1e-9)
