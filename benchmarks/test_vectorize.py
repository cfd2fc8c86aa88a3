"""Graphs of scalars, as they are and vectorised.

Each benchmark times the vectorised graph; the ratios say how many times longer the
scalar graph takes, best of a few runs in the same process.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

import deuterium as dt
from deuterium import random_symbols, to_vec
from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import free_symbols, topological

RECORDS = 1000


def symbols(prefix, *shape):
    names = random_symbols(int(np.prod(shape)), prefix)
    return to_vec(np.array(names, dtype=object)).reshape(shape)


def gradient_norm(loss, parameters):
    loss.backward()
    gradients = [np.array([p.grad for p in w.ravel()]) for w in parameters]
    return np.linalg.norm(to_vec(np.concatenate(gradients)), ord=2)


def sigmoid(x, s=1, T=1, o=0):
    return (s / (1 + np.exp(-T * x))) - o


def cross_entropy(p, y):
    return -np.mean(np.multiply(y, np.log(p)) + np.multiply((1 - y), np.log(1 - p)))


def notebook(act=sigmoid, inputs=100, hidden=100):
    """The network of the first seed notebook, with the activation of the second."""
    rng = np.random.RandomState(0)
    x = symbols("x", 1, inputs)
    w1 = to_vec(rng.normal(size=(inputs, hidden)) / 10)
    b = to_vec(rng.normal(size=(1, hidden)) / 10)
    w2 = to_vec(rng.normal(size=(hidden, 1)) / 10)
    loss = cross_entropy(act(act(x @ w1 + b) @ w2), to_vec(np.array(1)))
    return gradient_norm(loss, [w1, b, w2])


def convolution(x, filters):
    _, height, width = x.shape
    windows = [
        x[:, i : i + 3, j : j + 3] for i in range(height - 2) for j in range(width - 2)
    ]
    out = [np.sum(w * f) for f in filters for w in windows]
    return np.array(out, dtype=object).reshape(-1, height - 2, width - 2)


def pooling(x):
    x = x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def convolutional(act):
    """The 16 by 16 network with 8 and 4 filters, all parameters symbols."""
    x = symbols("x", 1, 16, 16)
    first, second = symbols("a", 8, 1, 3, 3), symbols("b", 4, 8, 3, 3)
    hidden = pooling(act(convolution(x, first)))
    hidden = pooling(act(convolution(hidden, second))).reshape(1, -1)
    last = symbols("c", hidden.size, 1)
    loss = cross_entropy(sigmoid(hidden @ last), to_vec(np.array(1)))
    return gradient_norm(loss, [first, second, last])


GRAPHS = {
    "notebook": notebook,
    "convolutional, tanh": lambda: convolutional(lambda x: sigmoid(x, 2, 2, 1)),
    "convolutional, tempered": lambda: convolutional(lambda x: sigmoid(x, 5, 5, -5)),
}


@pytest.fixture(scope="module", params=GRAPHS)
def scalar(request):
    return GRAPHS[request.param]()


@pytest.fixture(scope="module")
def vectorised(scalar):
    return dt.vectorize(scalar)


@pytest.fixture(scope="module")
def values(scalar):
    rng = np.random.default_rng(0)
    return {
        s.name: rng.uniform(0, 1) if s.name[0] == "x" else rng.normal() / 3
        for s in free_symbols([scalar])
    }


@pytest.fixture(scope="module")
def domain(values):
    return dt.Box({k: (v, v + 0.01) for k, v in values.items()})


def seconds(function, runs=3):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def compare(benchmark, note, run, before, runs=3):
    """Time ``run``, and note how many times longer ``before`` takes."""
    benchmark(run)
    if benchmark.stats is not None:
        note(times_faster=seconds(before, runs) / benchmark.stats.stats.min)


def test_vectorize(benchmark, note, scalar):
    result = benchmark(lambda: dt.vectorize(scalar))
    note(
        nodes_before=len(topological([scalar])), nodes_after=len(topological([result]))
    )


def test_vectorize_and_compile(benchmark, scalar):
    inputs = free_symbols([scalar])
    benchmark(lambda: dt.compile(inputs, [dt.vectorize(scalar)]))


def walk(v, domain):
    """Enclose node by node, numbers on Python floats."""

    def floats(x):
        if np.ndim(x.lower):
            return x
        return dt.Interval.unchecked(float(x.lower), float(x.upper))

    def leaf(n):
        if n.is_symbol:
            return floats(domain.hull(n))
        return floats(dt.Interval.unchecked(n.value, n.value))

    def rule(op):
        return lambda *args, **attrs: floats(op.enclosure(*args, **attrs))

    with np.errstate(all="ignore"):
        return interpret(topological([v]), leaf, rule)[v]


def test_vectorize_and_walk_once(benchmark, note, scalar, domain):
    compare(
        benchmark,
        note,
        lambda: walk(dt.vectorize(scalar), domain),
        lambda: walk(scalar, domain),
    )


def test_walk(benchmark, note, scalar, vectorised, domain):
    compare(
        benchmark,
        note,
        lambda: walk(vectorised, domain),
        lambda: walk(scalar, domain),
    )
    wider = walk(vectorised, domain).width / walk(scalar, domain).width - 1
    note(wider=float(wider))
    assert wider < 1e-10


def test_enclose(benchmark, note, scalar, vectorised, domain):
    """All that `dt.enclose` does, beside the plain walk over the scalars."""
    compare(
        benchmark,
        note,
        lambda: dt.enclose(vectorised, domain),
        lambda: walk(scalar, domain),
    )


def test_evaluate_one_record(benchmark, note, scalar, vectorised, values):
    compare(
        benchmark,
        note,
        lambda: vectorised.evaluate(values),
        lambda: scalar.evaluate(values),
    )


def test_evaluate_a_thousand_records(benchmark, note, scalar, vectorised, values):
    rng = np.random.default_rng(1)
    batch = {
        k: rng.uniform(0, 1, RECORDS) if k[0] == "x" else v for k, v in values.items()
    }
    compare(
        benchmark,
        note,
        lambda: vectorised.evaluate(batch),
        lambda: scalar.evaluate(batch),
        runs=1,
    )


def test_the_notebook_from_start_to_enclosure(benchmark):
    """The first seed notebook at 100 by 100: trace, gradient, norm, sound bounds."""

    def everything():
        norm = notebook(act=lambda z: z)
        box = dt.Box(dict.fromkeys(free_symbols([norm]), (-1, 1)))
        return dt.enclose(norm, box)  # which vectorises by itself

    benchmark.pedantic(everything, rounds=5)
    if benchmark.stats is not None:
        assert benchmark.stats.stats.min < 1.5
