"""Stopped at any time, a run tells what is proved so far."""

import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.errors import SoundnessError
from deuterium.optimize.bounders.natural_interval import NaturalIntervalBounder
from deuterium.optimize.branch_and_bound.executors import ExecutorWorkers, LocalWorker
from deuterium.optimize.branch_and_bound.incumbent import Incumbent
from deuterium.optimize.branch_and_bound.interrupt_guard import InterruptGuard
from deuterium.optimize.branch_and_bound.loop import BranchAndBound
from deuterium.optimize.branch_and_bound.progress import NoProgress
from deuterium.optimize.branch_and_bound.stopping import Clock, Limits
from deuterium.optimize.branch_and_bound.worker import task_of
from tests.amounts import some
from tests.optimize.branch_and_bound.branch_problems import (
    PROBLEMS,
    answer,
    at_work,
    maximum,
    start,
    told,
)
from tests.optimize.branch_and_bound.test_tree import leaves


def interrupt(after):
    """Send this process a Ctrl-C after some seconds."""
    timer = threading.Timer(after, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    return timer


def holds(found):
    """Whether a bracket, as a mapping, closes in from both sides, monotonously."""
    seconds, lower, upper = zip(*found["history"], strict=True)
    assert list(seconds) == sorted(seconds)
    assert list(lower) == sorted(lower)
    assert list(upper) == sorted(upper, reverse=True)
    assert found["lower"] >= lower[-1]
    assert found["upper"] <= upper[-1]
    assert found["lower"] <= found["upper"]
    return True


# -- Ctrl-C --------------------------------------------------------------------------


@pytest.mark.parametrize("workers", some([0, 2], 1))
def test_an_interrupt_at_any_moment_leaves_a_whole_tree(workers):
    v, domain = PROBLEMS["hill"]
    problem = Problem(v, domain)
    bounder = NaturalIntervalBounder(problem)
    bounder.batch = 4  # so that much goes on between two batches
    limits = Limits(rtol=0.0, time_limit=None)
    generator = random.Random(workers)
    incumbent = Incumbent(problem, seed=0)
    incumbent.start()
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        for _ in range(40):
            task = task_of(problem, "interval")
            crew = (
                ExecutorWorkers(bounder, task, pool)
                if workers
                else LocalWorker(bounder)
            )
            run = BranchAndBound(bounder, crew, incumbent, limits, None, Clock(None))
            try:
                timer = interrupt(generator.uniform(0.0, 0.05))
                status = run.run(NoProgress())
                timer.join()
            except KeyboardInterrupt:  # it came before the run began
                status = "interrupted"
            assert status == "interrupted"
            assert not run.tree.pending
            if run.tree.upper < np.inf:
                parts = leaves(run.tree.proof(run.tree.upper), run.root)
                volume = sum(np.prod(high - low) for low, high, _ in parts)
                assert volume == pytest.approx(27.0)
            assert run.tree.upper >= 0.918617


def test_the_interrupt_handler_is_put_back():
    before = signal.getsignal(signal.SIGINT)
    timer = interrupt(0.2)
    e = maximum("endless", time_limit=None)
    timer.join()
    assert e.status == "interrupted"
    assert signal.getsignal(signal.SIGINT) is before
    assert maximum("wave").status == "optimal"


def test_in_another_thread_no_handler_is_touched():
    found = []
    worker = threading.Thread(target=lambda: found.append(maximum("wave")))
    worker.start()
    worker.join()
    assert found[0].status == "optimal"


def test_an_interrupt_waits_for_the_end_of_a_whole_block():
    done = []
    with InterruptGuard() as guard:
        with pytest.raises(KeyboardInterrupt), guard.whole():
            signal.raise_signal(signal.SIGINT)
            done.append("the rest")
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert guard.is_whole
        with pytest.raises(ZeroDivisionError), guard.whole():
            raise ZeroDivisionError
        assert not guard.is_whole
    assert done == ["the rest"]


@pytest.mark.parametrize("executor", some(["", "spawn"], 1))
def test_ctrl_c_in_a_terminal_returns_the_bracket_so_far(executor):
    process = at_work(start("endless", executor, time_limit=None), 3)
    process.send_signal(signal.SIGINT)
    e, _ = told(process)
    assert e["status"] == "interrupted"
    assert holds(e)
    assert e["upper"] < np.inf


# -- time ----------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0.05, 0.6])
def test_the_time_limit_is_kept(limit):
    e = maximum("endless", time_limit=limit)
    assert e.status == "time_limit"
    assert limit <= e.seconds < limit + 0.5
    assert e.gap > 0


def slowed(monkeypatch, clock, seconds):
    """Make plain intervals take so many seconds a region."""
    fast = NaturalIntervalBounder.bound

    def slow(self, regions, incumbent):
        clock.time += seconds * len(regions)
        return fast(self, regions, incumbent)

    monkeypatch.setattr(NaturalIntervalBounder, "bound", slow)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_shrink_to_the_time_left(workers, monkeypatch, work_clock):
    work_clock.tick = 1e-4
    slowed(monkeypatch, work_clock, 0.01)  # a whole batch would take two seconds
    with ThreadPoolExecutor(2) as pool:
        e = maximum(
            "hill", rtol=1e-6, time_limit=1.0, executor=pool if workers else None
        )
        assert e.status == "time_limit"
        assert 1.0 <= e.seconds < 1.3
    assert e.regions >= 60


def test_batches_that_fit_are_not_changed_by_a_limit():
    assert answer(maximum("hill", time_limit=30)) == answer(
        maximum("hill", time_limit=None)
    )


# -- memory --------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
@pytest.mark.parametrize("mebi", some([64, 128], 0))
def test_the_memory_limit_is_near_what_is_taken(mebi):
    e, _ = told(start("endless", memory_limit=mebi * 2**20, time_limit=None))
    assert e["status"] == "memory_limit"
    assert holds(e)
    assert 0.5 * mebi < e["grown"] / 2**20 < 1.25 * mebi + 8


# -- what else -----------------------------------------------------------------------


def test_the_same_seed_gives_the_same_answer():
    for name in ("wave", "hill"):
        assert answer(maximum(name, seed=3)) == answer(maximum(name, seed=3))


@pytest.mark.parametrize("minimize", [False, True])
def test_both_sides_of_the_history_close_in(minimize):
    v, domain = PROBLEMS["hill"]
    run = dt.minimize if minimize else dt.maximize
    e = run(v, domain, rtol=1e-2, method="interval")
    assert holds({"history": e.history, "lower": e.lower, "upper": e.upper})
    assert len(e.history) > 5
    assert e.history[-1][1:] == (e.lower, e.upper)


def test_a_side_that_can_be_cut_no_more_says_so():
    a = dt.symbol("a")
    e = dt.maximize(
        np.sin(a) - np.sin(a) * 1.0, dt.Box({a: (1, 1)}), rtol=0.0, method="interval"
    )
    assert e.status in ("optimal", "precision_limit")
    e = dt.maximize(np.sin(a), dt.Box({a: (1, 1)}), rtol=0.0, method="interval")
    assert e.status == "precision_limit"
    assert 0 < e.gap < 1e-13


def test_a_bound_below_a_value_reached_is_never_returned(monkeypatch):
    fast = NaturalIntervalBounder.bound

    def wrong(self, regions, incumbent):
        results = fast(self, regions, incumbent)
        results.upper = results.upper - 5.0
        return results

    monkeypatch.setattr(NaturalIntervalBounder, "bound", wrong)
    with pytest.raises(SoundnessError, match=r"report it .*SHA-256 \w{64}.*'x': \["):
        maximum("hill")


VALLEYS = {
    "cosine": lambda u: 1 - np.cos(u),
    "log cosh": lambda u: np.log(np.cosh(u)),
    "exponential": lambda u: np.exp(u) - 1 - u,
    "small": lambda u: 1e-30 * (np.exp(u) - 1 - u),
}


@pytest.mark.parametrize("name", VALLEYS)
def test_an_optimum_of_zero_ends(name):
    x, y = dt.symbol("x"), dt.symbol("y")
    box, f = dt.Box({x: (0, 1), y: (0, 1)}), VALLEYS[name](x - y)
    e = dt.minimize(f, box, time_limit=None)
    iv = dt.enclose(f, box)
    near = 1e-8 * min(1.0, max(abs(iv.lower), abs(iv.upper)))
    assert e.status == "optimal"
    assert -near <= e.lower <= 0 <= e.upper <= near
    strict = dt.minimize(f, box, atol=0.0, rtol=0.0, max_regions=5, time_limit=None)
    assert strict.status != "optimal"


def test_a_small_optimum_that_is_not_zero_is_closed_relatively():
    x = dt.symbol("x")
    box = dt.Box({x: (-1, 2)})
    e = dt.minimize(np.sqrt((x - 0.3) ** 2 + 1e-10), box, rtol=1e-3, time_limit=None)
    assert 0 < e.upper - e.lower <= 1e-3 * e.upper
