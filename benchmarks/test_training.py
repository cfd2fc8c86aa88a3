"""Training without clipping, per-feature guarantees, partial sensitivities: how long.

Steps are timed in the processor's seconds, one after the other, so that what else the
machine does takes no side.
"""

from __future__ import annotations

import statistics
import time
import warnings

import numpy as np
import pytest

import deuterium as dt
from deuterium.privacy import GaussianNoise, feature_sensitivity, partial
from deuterium.privacy.mechanisms.secure_gaussian import BLOCK, gaussian_block
from deuterium.privacy.training.parameter_noise import released
from private_training import classes, opacus_step, start, task, trainer

TASKS = pytest.mark.parametrize("name", ["breast cancer", "digits"])


def in_turn(*functions, rounds):
    """Return the median seconds of processor time of each function, called in turn."""
    times = [[] for _ in functions]
    for function in functions:
        function()
    for _ in range(rounds):
        for function, mine in zip(functions, times, strict=True):
            start = time.process_time_ns()
            function()
            mine.append(time.process_time_ns() - start)
    return [1e-9 * statistics.median(t) for t in times]


def stepping(name, clip=None):
    t = task(name, share=1.0)
    made = trainer(t, 10.0, 1e-4, 0, clip=clip)
    return t, made, made.prepared({"x": t.train[0], "y": t.train[1]})


@TASKS
@pytest.mark.parametrize("noise", ["numpy", "secure"])
def test_overhead_of_the_bound(benchmark, note, name, noise):
    _, made, rows = stepping(name)
    if noise == "secure":  # the default
        made._rng = None
    made.step(rows)
    benchmark(made.step, rows)
    known, bound = made.bound(), made._bound

    def free():  # the same step of the same trainer, but for the bound
        made._bound = lambda weights: known
        made.step(rows)
        made._bound = bound

    step, without = in_turn(lambda: made.step(rows), free, rounds=499)
    note(overhead=1 - without / step, target=0.2)
    assert step - without <= 0.2 * step


@pytest.mark.parametrize("count", [100, 500, 5_000, 50_000])
def test_secure_noise_over_numpy(benchmark, note, count):
    """What a trainer does, and the sampler beside one line of NumPy."""
    rng = np.random.default_rng(0)
    x, sigma = rng.normal(size=count), 2.7
    noise, sigmas = GaussianNoise.unit(sigma), {"w": sigma}
    benchmark(released, noise, [x], sigmas, None)

    def often(function):  # every round draws some blocks
        return lambda: [function() for _ in range(4 * BLOCK // count)]

    secure, insecure, block, line = in_turn(
        often(lambda: released(noise, [x], sigmas, None)),
        often(lambda: released(noise, [x], sigmas, rng)),
        often(lambda: gaussian_block(x, sigma)),
        often(lambda: x + sigma * rng.standard_normal(count)),
        rounds=49,
    )
    note(ratio=secure / insecure, target=2)
    note(sampler_over_a_line_of_numpy=block / line)
    assert secure <= 2 * insecure


@TASKS
def test_tightness_of_the_bound(benchmark, note, name):
    t, made, _ = stepping(name)
    m, _, k = t.sizes
    x = dt.symbol("x", shape=(1, m))
    y = dt.symbol("y", shape=(1,) if k == 1 else (1, k))
    weights = {n: dt.constant(w) for n, w in made.parameters.items()}
    g = dt.grad(made.loss(x, y, **weights).sum(), list(weights.values()))
    labels = dt.Choice(y, [0, 1]) if k == 1 else dt.OneHot(y)
    found = dt.search(dt.norm(g), dt.Box({x: (-1, 1)}) & labels, starts=32).value
    benchmark(made.bound)
    note(upper_over_found=made.bound() / found)
    assert found <= made.bound()


@TASKS
@pytest.mark.parametrize("mode", ["hooks", "ew", "functorch", "ghost"])
def test_step_over_opacus(benchmark, note, name, mode):
    torch = pytest.importorskip("torch")
    pytest.importorskip("opacus")
    torch.set_num_threads(1)
    t, made, rows = stepping(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's own deprecations
        theirs, _ = opacus_step(t, 10.0, 1e-4, 0, mode=mode)
        benchmark.pedantic(theirs, rounds=3)
        ours, other = in_turn(lambda: made.step(rows), theirs, rounds=15)
    note(milliseconds=1000 * other, ours_over_theirs=ours / other, target=0.5)
    assert ours <= 0.5 * other


def test_every_feature_alone(benchmark, note):
    """All 30 features of a trained 30-16-1 network, certified in a minute."""
    from deuterium.demo.breast_cancer import _Problem, load_records, train

    _, x, y = load_records()
    problem = _Problem(train(x, y, 0, 300))

    def run():
        return feature_sensitivity(problem.gradient, problem.x, problem.domain)

    begin = time.process_time()
    found = benchmark.pedantic(run, rounds=1)
    seconds = time.process_time() - begin
    ratios = found.upper / found.lower
    note(
        processor_seconds=seconds,
        within_five_per_cent=int((ratios <= 1.05).sum()),
        largest_ratio=float(ratios.max()),
    )
    wall = benchmark.stats.stats.max
    assert wall <= 66
    if seconds > 0.9 * wall:  # not if others had the processor
        assert (ratios <= 1.05).all()


def test_partial_of_100_000_records(benchmark, note):
    """Derivative of the gradient norm by every pixel, 64-32-10."""
    rng = np.random.default_rng(0)
    x, y = dt.symbol("x", shape=(1, 64)), dt.symbol("y", shape=(1, 10))
    weights = {n: dt.constant(w) for n, w in start((64, 32, 10), 0).items()}
    g = dt.grad(classes(x, y, **weights).sum(), list(weights.values()))
    part = partial(g, x)
    rows = {
        x: rng.uniform(-1, 1, (100_000, 1, 64)),
        y: np.eye(10)[rng.integers(0, 10, 100_000)][:, None],
    }

    def run():
        fn = dt.compile([x, y], [part.derivative])
        return fn(rows[x], rows[y])[0]

    found = benchmark.pedantic(run, rounds=3)
    assert found.shape == (100_000, 1, 64)
    note(seconds=benchmark.stats.stats.median, target=10)
    assert benchmark.stats.stats.median <= 10
