"""Gradient norms of networks: evaluated per record, and enclosed over boxes.

Each benchmark times deuterium; the ratio says how many times longer that takes than the
closed form written by hand in NumPy, median against median in the same process, the two
in turn.  Other libraries are timed in `test_peers.py`.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import deuterium as dt
from networks import UNITS, closed_form, norm_graph, weights

BATCH = 256
ACTIVATIONS = ("sigmoid", "tanh", "relu")
networks = pytest.mark.parametrize("units", UNITS)
activations = pytest.mark.parametrize("activation", ACTIVATIONS)


def in_turn(*functions, rounds=25):
    """Return the median seconds of each function, called one after the other."""
    times = [[] for _ in functions]
    for function in functions:
        function()
    for _ in range(rounds):
        for function, mine in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            mine.append(time.perf_counter() - start)
    return [statistics.median(t) for t in times]


def records(units, count=BATCH):
    return np.random.default_rng(1).uniform(-1, 1, (count, UNITS[units][0]))


@networks
@activations
def test_norms_of_a_batch(benchmark, note, units, activation):
    layers = weights(units)
    x, norm = norm_graph(layers, activation)
    by_hand, data = closed_form(layers, activation), records(units)
    fn = dt.compile([x], [norm])
    rows = data[:, None, :]
    np.testing.assert_allclose(fn(rows)[0], by_hand(data), rtol=1e-10)
    benchmark(fn, rows)
    ours, hand = in_turn(lambda: fn(rows), lambda: by_hand(data))
    note(times_the_closed_form=ours / hand, target=1.2)


def peak(function):
    tracemalloc.start()
    function()
    top = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return top


@networks
def test_memory_of_a_batch(benchmark, note, units):
    layers = weights(units)
    x, norm = norm_graph(layers, "tanh")
    fn, rows = dt.compile([x], [norm]), records(units)[:, None, :]

    def forward():
        kept, h = [], rows[:, 0]
        for w, b in layers:
            kept.append(h @ w + b)
            kept.append(np.tanh(kept[-1]))
            h = kept[-1]
        return kept

    fn(rows)
    benchmark(fn, rows)
    passes = peak(lambda: fn(rows)) / peak(forward)
    note(memory_in_forward_passes=passes, target=3)
    assert passes <= 3


@networks
@activations
def test_enclosure_of_one_box(benchmark, note, units, activation):
    layers = weights(units)
    x, norm = norm_graph(layers, activation)
    by_hand, data = closed_form(layers, activation), records(units, 1)
    fn, box = dt.compile([x], [norm]), dt.Box({x: (-1, 1)})
    row = data[:, None, :]
    found = dt.search(norm, box, starts=8).value
    benchmark(dt.enclose, norm, box)
    ours, hand, compiled = in_turn(
        lambda: dt.enclose(norm, box), lambda: by_hand(data), lambda: fn(row), rounds=99
    )
    note(
        times_the_closed_form=ours / hand,
        times_the_compiled_function=ours / compiled,
        target=3,
        upper_over_found=float(dt.enclose(norm, box).upper) / found,
    )


@activations
def test_enclosure_of_a_batch(benchmark, note, activation):
    layers = weights("100-100-1")
    x, norm = norm_graph(layers, activation)
    by_hand, data = closed_form(layers, activation), records("100-100-1")
    rows = data[:, None, :]
    boxes = dt.Box({x: (rows - 0.1, rows + 0.1)})
    benchmark(dt.enclose, norm, boxes)
    ours, hand = in_turn(lambda: dt.enclose(norm, boxes), lambda: by_hand(data))
    note(times_the_closed_form=ours / hand, target=4)


def test_all_from_nothing(benchmark, note):
    """Graph, gradient, simplification, compilation and enclosure, every time afresh."""
    layers = weights("100-100-1")

    def everything():
        x, norm = norm_graph(layers, "sigmoid")
        dt.compile([x], [norm])
        return dt.enclose(norm, dt.Box({x: (-1, 1)}))

    benchmark(everything)
    note(target_seconds=0.05)
    assert benchmark.stats.stats.median < 0.05


def convolution(x, w):
    return np.einsum("hwcij,ijck->hwk", sliding_window_view(x, (3, 3), (0, 1)), w)


def pooled(x):
    h, w, c = x.shape
    even = x[: h // 2 * 2, : w // 2 * 2]
    return np.mean(even.reshape(h // 2, 2, w // 2, 2, c), axis=(1, 3))


def convolutional_norm():
    """16x16 images, 8 and 4 filters of 3x3, average pooling, tanh, cross-entropy."""
    x, y = dt.symbol("x", (16, 16)), dt.symbol("y")
    w1, w2 = dt.symbol("w1", (3, 3, 1, 8)), dt.symbol("w2", (3, 3, 8, 4))
    h = pooled(np.tanh(convolution(x[:, :, None], w1)))
    h = pooled(np.tanh(convolution(h, w2)))
    w3 = dt.symbol("w3", (h.size, 1))
    p = 1 / (1 + np.exp(-(h.reshape(1, -1) @ w3)[0, 0]))
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    inputs = [x, y, w1, w2, w3]
    return inputs, dt.norm(dt.grad(loss, inputs[2:]))


def test_convolution_compiled(benchmark, note):
    """From NumPy code to a function; symengine's Lambdify needs 220 s for this."""

    def build():
        inputs, norm = convolutional_norm()
        return dt.compile(inputs, [norm])

    benchmark(build)
    note(target_seconds=0.3)
    assert benchmark.stats.stats.median < 0.3


def test_convolution_by_symengine(benchmark, note):
    """Lambdify of the closed form, element by element: 6x6 images and two filters."""
    import symengine as se

    rng = np.random.default_rng(0)
    x = dt.to_vec(np.array(dt.random_symbols(36, "x"))).reshape(6, 6)
    w1 = dt.to_vec(rng.normal(size=(3, 3, 2)))
    w2 = dt.to_vec(rng.normal(size=(8, 1)))
    h = np.array(
        [[np.sum(x[i : i + 3, j : j + 3] * w1[:, :, k]) for j in range(4)]
         for i in range(4) for k in range(2)]
    )  # fmt: skip
    h = np.tanh(h).reshape(4, 2, 4).transpose(0, 2, 1)
    h = h.reshape(2, 2, 2, 2, 2).mean(axis=(1, 3)).reshape(1, 8)
    loss = -np.log(1 / (1 + np.exp(-(h @ w2)[0, 0])))
    loss.backward()
    norm = np.linalg.norm(np.array([v.grad for w in (w1, w2) for v in w.ravel()]))
    symbols = [v.data for v in x.ravel()]
    inputs = [dt.symbol(str(s)) for s in symbols]

    def lambdify():
        return se.Lambdify(symbols, [norm.to_symengine()], cse=True)

    point = rng.uniform(0, 1, 36)
    np.testing.assert_allclose(
        dt.compile(inputs, [norm])(*point)[0], lambdify()(point), rtol=1e-9
    )
    benchmark.pedantic(lambdify, rounds=3)
    ours, theirs = in_turn(lambda: dt.compile(inputs, [norm]), lambdify, rounds=3)
    note(times_ours=theirs / ours)


def test_convolution_evaluated(benchmark, note):
    inputs, norm = convolutional_norm()
    fn, rng = dt.compile(inputs, [norm]), np.random.default_rng(0)
    images, labels = rng.uniform(0, 1, (1000, 16, 16)), rng.integers(0, 2, 1000)
    filters = [rng.normal(size=v.shape) for v in inputs[2:]]
    benchmark.pedantic(fn, (images, labels, *filters), rounds=5, warmup_rounds=1)
    each = benchmark.stats.stats.median  # seconds a thousand: milliseconds a record
    note(milliseconds_a_record=each, target=0.1)
    assert each < 0.1


def test_a_million_records(benchmark, note):
    """Constant memory: what is allocated beside the data and the answer."""
    x, norm = norm_graph(weights("100-100-1"), "tanh")
    fn = dt.compile([x], [norm])
    data = np.broadcast_to(records("100-100-1", 1000), (1000, 1000, 100))
    data = np.reshape(data, (1_000_000, 1, 100))
    small = peak(lambda: fn(data[:10_000]))
    large = peak(lambda: fn(data)) - 8 * len(data)
    benchmark.pedantic(fn, (data,), {"progress": True}, rounds=1)
    note(mebibytes=large / 2**20, mebibytes_for_ten_thousand=small / 2**20)
    assert large < 2 * small + 2**20
