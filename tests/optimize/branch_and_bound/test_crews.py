"""Batches bounded by others: the answer stands whatever becomes of the workers."""

import multiprocessing
import os
import pickle
import signal
import threading
import time
from concurrent.futures import (
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from itertools import product

import numpy as np
import pytest

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.errors import GraphError
from deuterium.optimize.bounders.select import select_bounder
from deuterium.optimize.branch_and_bound import executors, loop_options, worker
from deuterium.optimize.branch_and_bound.executors import ExecutorWorkers, workers_of
from deuterium.optimize.branch_and_bound.worker import bound_here, task_of
from tests.amounts import some
from tests.optimize.branch_and_bound.branch_problems import PROBLEMS, answer, maximum

RTOL = 5e-3  # fine enough for some forty batches
NAMES = ("wave", "hill")


@cache
def alone(name):
    """Return the bracket of this process alone."""
    return maximum(name, rtol=RTOL)


class Inline(Executor):
    """Does the work at once, but for the calls that `fate` has plans for."""

    def __init__(self, fate=lambda call: None, workers=2):
        self._max_workers = workers
        self.fate, self.calls, self.tasks = fate, 0, 0

    def submit(self, fn, /, *args, **kwargs):
        self.calls += 1
        self.tasks += args[1] is not None
        future = Future()
        fate = self.fate(self.calls)
        if isinstance(fate, BaseException):
            future.set_exception(fate)
        elif fate == "cancelled":
            future.cancel()
            future.set_running_or_notify_cancel()
        elif fate == "shut":
            raise RuntimeError("cannot schedule new futures after shutdown")
        else:
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:
                future.set_exception(error)
        return future


class Mailed(Inline):
    """As from another process: what goes there and comes back is pickled."""

    def submit(self, fn, /, *args, **kwargs):
        fn, args = pickle.loads(pickle.dumps((fn, args)))
        return super().submit(lambda *a: pickle.loads(pickle.dumps(fn(*a))), *args)


def agrees(e, name):
    """Whether a bracket of the same problem tells the same truth."""
    assert e.status == "optimal"
    assert e.lower <= alone(name).upper
    assert alone(name).lower <= e.upper
    assert e.gap <= RTOL
    return True


# -- executors that work -------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("workers", [1, 3])
def test_threads(name, workers):
    with ThreadPoolExecutor(workers) as pool:
        e = maximum(name, rtol=RTOL, executor=pool)
    assert agrees(e, name)
    if workers == 1:
        assert answer(e) == answer(alone(name))


@pytest.mark.parametrize("method", some(multiprocessing.get_all_start_methods(), 1))
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # pools have threads
def test_processes_however_started(method):
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, context) as pool:
        e = maximum("hill", rtol=RTOL, executor=pool)
        assert agrees(e, "hill")
        again = maximum("wave", rtol=RTOL, executor=pool)  # another problem, same pool
        assert agrees(again, "wave")


def test_one_worker_gives_the_answer_of_none_to_the_last_bit():
    for name in NAMES:
        e = maximum(name, rtol=RTOL, executor=Mailed(workers=1))
        assert answer(e) == answer(alone(name))


def test_an_infimum_too():
    v, domain = PROBLEMS["wave"]
    with ThreadPoolExecutor(2) as pool:
        e = dt.minimize(v, domain, rtol=RTOL, executor=pool)
    one = dt.minimize(v, domain, rtol=RTOL)
    assert e.lower <= one.upper
    assert one.lower <= e.upper


@pytest.mark.parametrize(
    ("workers", "expected"), [({}, 2), ({"_max_workers": 5}, 5), ({"_client": 3}, 3)]
)
def test_how_many_work(workers, expected):
    class Any:
        def nthreads(self):
            return {"a": 1, "b": 2}

    executor = Any()
    for name, value in workers.items():
        setattr(executor, name, executor if name == "_client" else value)
    assert workers_of(executor) == expected


# -- the problem on its way ----------------------------------------------------------


def test_a_problem_is_sent_to_each_worker_a_few_times_at_most(monkeypatch):
    monkeypatch.setattr(worker, "_TOLD", worker.OrderedDict())
    monkeypatch.setattr(executors, "this_process", lambda: ("main", 0))
    pool = Mailed(workers=2)
    assert agrees(maximum("hill", rtol=RTOL, executor=pool), "hill")
    assert pool.calls > 30
    assert 1 <= pool.tasks <= loop_options.BATCHES_WITH_PROBLEM * 2


def test_a_worker_that_does_not_know_the_problem_asks_for_it(monkeypatch):
    monkeypatch.setattr(worker, "_TOLD", worker.OrderedDict())
    monkeypatch.setattr(worker, "_OWN", threading.local())
    monkeypatch.setattr(executors, "this_process", lambda: ("main", 0))
    forgets = Mailed(workers=2)

    def forget(call):
        if call % 5 == 0:
            worker._TOLD.clear()
            worker._OWN.__dict__.clear()

    forgets.fate = forget
    assert agrees(maximum("hill", rtol=RTOL, executor=forgets), "hill")
    assert forgets.tasks > loop_options.BATCHES_WITH_PROBLEM * 2


def test_a_worker_remembers_few_problems(monkeypatch):
    monkeypatch.setattr(worker, "_OWN", threading.local())
    a = dt.symbol("a")
    for k in range(10):
        problem = Problem(a * k, dt.Box({a: (0, 1)}))
        task = task_of(problem, "interval")
        root = select_bounder(problem, "interval").root()
        assert bound_here(task.key, task, root, 0.0).results.upper[0] >= k
    assert len(worker._OWN.bounders) == loop_options.PROBLEMS_KEPT
    assert bound_here("unheard of", None, root, 0.0).results is None


def test_equal_problems_have_equal_names_and_others_do_not():
    def name(v, domain, maximize=True, method="interval"):
        return task_of(Problem(v, domain, maximize=maximize), method).key

    a, b = dt.symbol("a"), dt.symbol("b")
    box = dt.Box({a: (0, 1), b: (0, 1)})
    assert name(a * b, box) == name(dt.symbol("a") * dt.symbol("b"), box)
    others = {
        name(a * b, box),
        name(a * b + 0.0, box),
        name(a * b, dt.Box({a: (0, 1), b: (0, np.nextafter(1, 2))})),
        name(a * b, box, maximize=False),
        name(a * b, box, method="box"),
    }
    assert len(others) == 5


# -- executors that fail -------------------------------------------------------------

FATES = {
    "raises": ValueError("a fault of the worker's"),
    "broken": BrokenProcessPool("a process died"),
    "interrupted": KeyboardInterrupt(),
    "given up": CancelledError(),
    "cancelled": "cancelled",
    "shut": "shut",
}


WHEN = ["first", "third", "always", "half"]
EVERY = sorted(  # of the first half, each fate and each time are two and three
    product(range(6), range(4)), key=lambda c: (sum(c) % 2, c)
)
EVERY = [(list(FATES)[i], WHEN[j]) for i, j in EVERY]


@pytest.mark.parametrize(("fate", "when"), some(EVERY, 5))
def test_no_region_is_lost_with_a_worker(fate, when):
    plan = {
        "first": lambda call: call == 1,
        "third": lambda call: call == 3,
        "always": lambda call: True,
        "half": lambda call: call % 2 == 0,
    }[when]
    pool = Inline(lambda call: FATES[fate] if plan(call) else None)
    with pytest.warns(RuntimeWarning, match="lost a batch") as warned:
        e = maximum("hill", rtol=RTOL, executor=pool)
    assert len(warned) == 1
    assert agrees(e, "hill")
    if when == "always":
        assert (
            pool.calls <= loop_options.LOSSES_IN_A_ROW + 4
        )  # it is not asked for ever


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_our_own_surfaces(workers):
    fate = GraphError("node 3 cannot be read")
    pool = Inline(lambda call: fate if call == 3 else None, workers)
    with pytest.raises(GraphError, match="node 3"):
        maximum("hill", rtol=RTOL, executor=pool)


def test_a_fault_of_the_bounder_surfaces_as_it_is(monkeypatch):
    # in the worker it is a lost batch, in this process it is raised
    problem = Problem(*PROBLEMS["wave"])
    bounder = select_bounder(problem, "interval")
    crew = ExecutorWorkers(bounder, task_of(problem, "interval"), Inline())
    crew.submit([0], bounder.root(), 0.0)
    assert crew.collect(1.0)[0].nodes == [0]  # the first batch is done here
    monkeypatch.setattr(bounder, "bound", lambda *_: 1 // 0)
    with (
        pytest.warns(RuntimeWarning, match="lost a batch"),
        pytest.raises(ZeroDivisionError),
    ):
        crew.submit([1], bounder.root(), 0.0)
        crew.collect(1.0)
        crew.collect(1.0)


def test_an_executor_shut_down_half_way():
    pool = ThreadPoolExecutor(2)

    class Shutting(Inline):
        def submit(self, fn, /, *args, **kwargs):
            self.calls += 1
            if self.calls == 20:
                pool.shutdown(cancel_futures=True)
            return pool.submit(fn, *args, **kwargs)

    with pytest.warns(RuntimeWarning, match="shutdown"):
        e = maximum("hill", rtol=RTOL, executor=Shutting())
    assert agrees(e, "hill")


def _slow_pid(_: int) -> int:
    time.sleep(0.05)
    return os.getpid()


@pytest.mark.long
def test_a_process_killed_half_way():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, context) as pool:
        # both workers are up: Python may wait for ever for one that starts just as the
        # other dies
        pids: set[int] = set()
        while len(pids) < 2:
            pids.update(pool.map(_slow_pid, range(4)))
        pid = min(pids)

        class Killing(Inline):
            def submit(self, fn, /, *args, **kwargs):
                self.calls += 1
                if self.calls == 20:
                    os.kill(pid, signal.SIGKILL)
                return pool.submit(fn, *args, **kwargs)

        with pytest.warns(RuntimeWarning, match="lost a batch"):
            e = maximum("hill", rtol=RTOL, executor=Killing())
    assert agrees(e, "hill")


def test_an_executor_that_never_answers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(loop_options, "PATIENCE_SECONDS", 0.05)

    class Silent(Inline):
        def submit(self, fn, /, *args, **kwargs):
            self.calls += 1
            return Future()

    pool = Silent()
    with pytest.warns(RuntimeWarning, match="no answer"):
        e = maximum("wave", rtol=RTOL, executor=pool)
    assert agrees(e, "wave")


def test_what_is_not_done_is_cancelled_when_time_is_up(monkeypatch):
    monkeypatch.setattr(loop_options, "WAIT_SECONDS", 1e-3)
    started: list[Future] = []

    class Silent(Inline):
        def submit(self, fn, /, *args, **kwargs):
            started.append(Future())
            return started[-1]

    e = maximum("wave", executor=Silent(), time_limit=2)
    assert e.status == "time_limit"
    assert e.regions == 1  # the first, which is done here
    assert started
    assert all(f.cancelled() for f in started)
