"""Privacy accounting: a million people, each with a loss of their own."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest

from deuterium.privacy import Accountant, GaussianNoise, IndividualAccountant

PEOPLE, STEPS = 1_000_000, 1000


def norms(people=PEOPLE):
    return np.random.default_rng(0).beta(2, 5, people)


def accountant(kind, people=PEOPLE):
    """Return an accountant and what its steps are given, beside the norms."""
    budget = {"epsilon": 4.0, "delta": 1e-5}
    if kind == "sampled":
        made = IndividualAccountant(people, method="rdp", planned=(0.7, 0.01), **budget)
        return made, {"sigma": 0.7, "sampling_probability": 0.01}
    grid = 2.0**-10 if kind == "grid" else None
    return IndividualAccountant(people, grid=grid, **budget), {"sigma": 15.0}


@pytest.mark.parametrize("kind", ["exact", "grid", "sampled"])
def test_a_million_people_a_thousand_steps(benchmark, note, kind):
    size = norms()
    made, arguments = accountant(kind)

    def steps():
        for _ in range(STEPS):
            taking = made.step(size, **arguments)
        return taking

    taking = benchmark.pedantic(steps, rounds=1)
    note(seconds=benchmark.stats.stats.max, target=60)
    note(share_left_out=float(1 - taking.values.mean()))
    assert benchmark.stats.stats.max < 60


@pytest.mark.parametrize("kind", ["exact", "grid", "sampled"])
def test_memory_does_not_grow_with_the_steps(benchmark, note, kind):
    size = norms()
    made, arguments = accountant(kind)
    benchmark.pedantic(made.step, (size,), arguments, rounds=1)
    peaks = []
    for count in (1, 20):
        tracemalloc.start()
        for _ in range(count):
            made.step(size, **arguments)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    note(bytes_a_person=peaks[1] / PEOPLE)
    assert peaks[1] <= peaks[0] + 2 * PEOPLE  # two answers, of one byte a person


def test_epsilons_of_a_million_people(benchmark, note):
    made, arguments = accountant("exact")
    made.step(norms(), **arguments)
    benchmark.pedantic(made.epsilon_at, (1e-5,), rounds=1)
    note(seconds=benchmark.stats.stats.max)


@pytest.mark.parametrize("distinct", [1, 1000])
def test_epsilon_of_sampled_steps(benchmark, note, distinct):
    """A thousand sampled steps, of one noise multiplier or each of its own."""
    rng = np.random.default_rng(0)

    def run():
        total = Accountant("add_or_remove_one")
        for m in np.repeat(rng.uniform(1.0, 2.0, distinct), 1000 // distinct):
            m = float(m)
            noise = GaussianNoise(m, m, 1.0, 1.0, "add_or_remove_one")
            total.compose(noise, sampling_probability=0.01)
        return total.epsilon_at(1e-5)

    start = time.perf_counter()
    benchmark.pedantic(run, rounds=1)
    note(seconds=time.perf_counter() - start)
