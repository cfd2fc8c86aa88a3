"""Bounding batches of regions: here, or by the workers of a PEP 3148 executor."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.bound.bounders.choose import choose
from deuterium.bound.domain import Domain
from deuterium.bound.problem import Problem
from deuterium.bound.region import Bounder, Regions, Verdicts
from deuterium.errors import DeuteriumError
from deuterium.graph.serialize import dumps, loads

AHEAD = 2  # batches given to each worker before the first comes back
KEPT = 4  # problems that a worker remembers


@dataclass(frozen=True)
class Task:
    """A problem as it travels: enough to build it again, and a name to know it by."""

    name: str
    graph: str
    domain: Domain
    maximizes: bool
    method: str

    def build(self) -> Bounder:
        """Return the bounder of the problem."""
        (v,) = loads(self.graph)
        return choose(Problem(v, self.domain, maximize=self.maximizes), self.method)


_BOUNDERS = (
    threading.local()
)  # bounders keep state: each thread of a worker has its own


def bound_here(task: Task, regions: Regions, incumbent: float) -> Verdicts:
    """Bound a batch in this process, with a bounder built on first use."""
    kept = _BOUNDERS.__dict__.setdefault("kept", OrderedDict())
    if task.name not in kept:
        kept[task.name] = task.build()
        while len(kept) > KEPT:
            kept.popitem(last=False)
    with np.errstate(all="ignore"):
        verdicts: Verdicts = kept[task.name].bound(regions, incumbent)
    return verdicts


class Here:
    """No executor: every batch is done as it is handed in."""

    width = 1

    def __init__(self, bounder: Bounder) -> None:
        self.bounder = bounder
        self._done: list[tuple[list[int], Verdicts]] = []

    def submit(self, nodes: list[int], regions: Regions, incumbent: float) -> None:
        """Bound a batch."""
        with np.errstate(all="ignore"):
            self._done.append((nodes, self.bounder.bound(regions, incumbent)))

    def collect(self, timeout: float) -> list[tuple[list[int], Verdicts]]:
        """Return what is done."""
        done, self._done = self._done, []
        return done

    def cancel(self) -> list[int]:
        """Give up what is not done and return its nodes."""
        self._done = []
        return []


class Away:
    """Batches go to an executor's workers; what a lost worker had is done here.

    Parameters
    ----------
    bounder : Bounder
        For batches that have to be done here after all.
    task : Task
        The problem, for the workers.
    executor : Executor
        Any PEP 3148 executor.
    """

    def __init__(self, bounder: Bounder, task: Task, executor: Executor) -> None:
        self.bounder, self.task, self.executor = bounder, task, executor
        self.width = AHEAD * workers_of(executor)
        self._running: dict[Future[Verdicts], tuple[list[int], Regions, float]] = {}
        self._broken = False

    def submit(self, nodes: list[int], regions: Regions, incumbent: float) -> None:
        """Hand a batch to a worker."""
        future: Future[Verdicts] = Future()
        try:
            if self._broken:
                raise RuntimeError
            future = self.executor.submit(bound_here, self.task, regions, incumbent)
        except RuntimeError as error:  # shut down, or its workers have gone
            future.set_exception(error)
        self._running[future] = nodes, regions, incumbent

    def collect(self, timeout: float) -> list[tuple[list[int], Verdicts]]:
        """Wait for at least one batch (or the timeout) and return those done."""
        done, _ = wait(self._running, timeout, FIRST_COMPLETED)
        # in the order handed in, so that one worker always gives the same answer
        finished = [f for f in self._running if f in done]
        return [self._result(f) for f in finished]

    def _result(self, future: Future[Verdicts]) -> tuple[list[int], Verdicts]:
        nodes, regions, incumbent = self._running.pop(future)
        try:
            return nodes, future.result()
        except DeuteriumError:
            raise
        except Exception as error:
            self._warn(error)
            with np.errstate(all="ignore"):
                return nodes, self.bounder.bound(regions, incumbent)

    def _warn(self, error: Exception) -> None:
        if not self._broken:
            warnings.warn(
                f"the executor lost a batch of regions ({error!r:.200}); it is done in "
                "this process, and so are those to come if no worker is left",
                RuntimeWarning,
                stacklevel=2,
            )
        self._broken = True

    def cancel(self) -> list[int]:
        """Give up what is not done and return its nodes."""
        nodes = [i for batch, _, _ in self._running.values() for i in batch]
        for future in self._running:
            future.cancel()
        self._running = {}
        return nodes


def workers_of(executor: Any) -> int:
    """Return how many batches an executor can work on at a time."""
    count = getattr(executor, "_max_workers", None)
    if count is None and hasattr(executor, "_client"):  # dask.distributed
        count = sum(executor._client.nthreads().values())
    return max(1, int(count or 2))


Crew = Here | Away


def crew(bounder: Bounder, task: Task, executor: Executor | None) -> Crew:
    """Return who bounds the batches."""
    return Here(bounder) if executor is None else Away(bounder, task, executor)


def task_of(problem: Problem, name: str, method: str) -> Task:
    """Return a problem as it travels."""
    return Task(name, dumps([problem.given]), problem.domain, problem.maximizes, method)


__all__: Sequence[str] = ["Crew", "Task", "bound_here", "crew", "task_of"]
