"""A real Dask cluster: a scheduler and two workers, each a process of its own."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from tests.optimize.branch_and_bound.branch_problems import answer, maximum

distributed = pytest.importorskip("distributed")

ALONE = maximum("hill", rtol=5e-4)


def dask(command, *arguments):
    """Start one of Dask's commands."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    module = f"distributed.cli.dask_{command}"
    return subprocess.Popen([sys.executable, "-m", module, *arguments], **quiet)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The client of a cluster, and the processes of its workers."""
    folder = tmp_path_factory.mktemp("dask")
    common = ["--scheduler-file", str(folder / "scheduler.json"), "--no-dashboard"]
    alone = ["--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
    processes = [dask("scheduler", "--port", "0", *common)]
    processes += [dask("worker", *common, *alone) for _ in range(2)]
    try:
        with distributed.Client(scheduler_file=common[1], timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            yield client
    finally:
        for process in processes:
            process.kill()
            process.wait()


def agrees(e):
    """Whether a bracket tells the same truth as that of no executor."""
    assert e.status == "optimal"
    assert e.lower <= ALONE.upper
    assert ALONE.lower <= e.upper
    assert e.gap <= 5e-4
    return True


def test_a_cluster_does_the_work(cluster):
    assert agrees(maximum("hill", rtol=5e-4, executor=cluster.get_executor()))


def test_one_worker_of_it_gives_the_answer_of_none(cluster, monkeypatch):
    (one, _) = cluster.nthreads()
    executor = cluster.get_executor(workers=[one])
    executor._max_workers = 1
    e = maximum("wave", rtol=1e-3, executor=executor)
    assert answer(e) == answer(maximum("wave", rtol=1e-3))


def test_a_worker_killed_half_way_costs_nothing(cluster):
    pids = cluster.run(os.getpid)
    assert len(set(pids.values()) | {os.getpid()}) == 3
    victim = next(iter(pids.values()))
    timer = threading.Timer(0.3, os.kill, (victim, signal.SIGKILL))
    timer.start()
    e = maximum("hill", rtol=5e-4, executor=cluster.get_executor())
    assert not timer.is_alive()  # it was still at work
    assert agrees(e)
    assert victim not in cluster.run(os.getpid).values()
