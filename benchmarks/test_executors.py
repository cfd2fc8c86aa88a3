"""Regions bounded a second, by how many workers, on a network of 25-8-1 units.

Two measures beside the throughput, for machines on which others work, too: how much of
the time the workers were busy, and the processor time that a region takes in all.
"""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

import deuterium as dt
from networks import norm_graph

UNITS = [25, 8, 1]
SECONDS = 12.0
POOLS = {"processes": ProcessPoolExecutor, "threads": ThreadPoolExecutor}


def problem():
    random = np.random.RandomState(0)
    layers = [
        (random.normal(size=m * n).reshape(m, n), random.normal(size=n))
        for m, n in pairwise(UNITS)
    ]
    x, norm = norm_graph(layers, "tanh")
    return norm, dt.Box({x: (-1, 1)})


class Watched(Executor):
    """Passes work on, and adds up the seconds that workers spent on it."""

    def __init__(self, pool, workers):
        self.pool, self._max_workers, self.busy = pool, workers, 0.0

    def submit(self, fn, /, *args, **kwargs) -> Future:
        future = self.pool.submit(fn, *args, **kwargs)
        future.add_done_callback(self._add)
        return future

    def _add(self, future):
        if not future.cancelled() and future.exception() is None:
            self.busy += future.result().seconds


def measured(kind, workers, method):
    """Regions a second, the share of time workers are busy, seconds a region."""
    before = sum(os.times()[:4])
    with POOLS[kind](workers) as pool:
        watched = Watched(pool, workers)
        e = dt.maximize(
            *problem(), rtol=1e-6, time_limit=SECONDS, method=method, executor=watched
        )
    processor = sum(os.times()[:4]) - before
    return (
        e.regions / e.seconds,
        watched.busy / workers / e.seconds,
        processor / e.regions,
    )


@pytest.mark.parametrize("method", ["auto", "box"])
@pytest.mark.parametrize("kind", POOLS)
def test_two_workers_beside_one(benchmark, note, kind, method):
    load = os.getloadavg()[0]
    one, two = benchmark.pedantic(
        lambda: [measured(kind, n, method) for n in (1, 2)], rounds=1
    )
    note(
        one_worker=one[0],
        two_workers=two[0],
        throughput_ratio=two[0] / one[0],
        workers_busy=two[1],
        processor_time_ratio=two[2] / one[2],
        ratio_on_free_cores=2 * two[1] * one[2] / two[2],
        load_of_others=load,
    )
    if kind == "processes" and method == "auto" and load < 0.3:
        assert two[0] >= 1.6 * one[0]
