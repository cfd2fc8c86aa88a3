"""Where batches of regions are bounded: here, or by a PEP 3148 executor."""

from __future__ import annotations

import time
import warnings
from collections import deque
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from typing import Any, NamedTuple

from deuterium import budget
from deuterium.errors import ArithmeticModeError, DeuteriumError
from deuterium.optimize.branch_and_bound import loop_options as options
from deuterium.optimize.branch_and_bound.worker import (
    Answer,
    Task,
    bound_here,
    bounded,
    known_here,
    this_process,
)
from deuterium.optimize.region import Bounder, BoundResult, Regions


class Batch(NamedTuple):
    """Regions to be bounded, and the value that is known to be reached."""

    nodes: list[int]
    regions: Regions
    incumbent: float


class Done(NamedTuple):
    """A batch done: its nodes, what was found of them, and the time it took.

    Nothing is found where the time was over.
    """

    nodes: list[int]
    results: BoundResult | None
    seconds: float


class LocalWorker:
    """No executor: batches are done here.

    Attributes
    ----------
    width : int
        How many batches to hand in at a time.
    workers : int
        How many work on them.
    """

    width = workers = 1

    def __init__(self, bounder: Bounder) -> None:
        self.bounder = bounder
        self._waiting: deque[Batch] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, nodes: list[int], regions: Regions, incumbent: float) -> None:
        """Take a batch, to be done when collected."""
        self._waiting.append(Batch(nodes, regions, incumbent))

    def collect(self, timeout: float) -> list[Done]:
        """Do a batch and return it."""
        if not self._waiting:
            return []
        batch = self._waiting.popleft()
        start = budget.now()
        results = bounded(self.bounder, batch.regions, batch.incumbent)
        return [Done(batch.nodes, results, budget.now() - start)]

    def cancel(self) -> None:
        """Give up what is not done."""
        self._waiting.clear()


class ExecutorWorkers:
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
        self.task, self.executor = task, executor
        self.workers = workers_of(executor)
        self._here = LocalWorker(bounder)
        self._running: dict[Future[Answer], Batch] = {}
        self._broken = self._warned = False
        self._lost = 0  # in a row
        self._told = 0
        self._first = True
        self._heard_of: set[tuple[str, int]] = set()
        self._last = time.monotonic()
        known_here(task.key, bounder)

    @property
    def width(self) -> int:
        """How many batches to hand in at a time.

        One for one worker, which makes the order of the work that of no executor.
        """
        return (
            1
            if self._broken or self.workers == 1
            else options.BATCHES_AHEAD * self.workers
        )

    def __len__(self) -> int:
        return len(self._running) + len(self._here)

    # -- handing in ------------------------------------------------------------------

    def submit(self, nodes: list[int], regions: Regions, incumbent: float) -> None:
        """Hand a batch to a worker."""
        if self._first:  # the first bound is wanted soon, and workers have to start
            self._first = False
            self._here.submit(nodes, regions, incumbent)
            return
        if not self._running:
            self._last = time.monotonic()
        self._hand_in(Batch(nodes, regions, incumbent), tell=self._tells())

    def _hand_in(self, batch: Batch, tell: bool) -> None:
        if self._broken:
            self._here.submit(*batch)
            return
        task = self.task if tell else None
        self._told += tell
        try:
            future = self.executor.submit(
                bound_here,
                self.task.key,
                task,
                batch.regions,
                batch.incumbent,
                budget.left(),
            )
        except Exception as error:  # shut down, or its workers have gone
            self._broken = True
            self._do_here(batch, error)
        else:
            self._running[future] = batch

    def _tells(self) -> bool:
        """Return whether the next batch brings the problem along.

        It may be megabytes; within one process, it costs nothing.
        """
        if this_process() in self._heard_of:
            return True
        all_know = len(self._heard_of) >= self.workers
        return not all_know and self._told < options.BATCHES_WITH_PROBLEM * self.workers

    # -- taking back -----------------------------------------------------------------

    def collect(self, timeout: float) -> list[Done]:
        """Wait for at least one batch (or the timeout) and return those done."""
        if len(self._here):
            return self._here.collect(timeout)
        if not self._running:
            return []
        if not any(f.done() for f in self._running):
            wait(self._running, timeout, FIRST_COMPLETED)
        # cancelled ones are done, but `wait` does not say so
        finished = [f for f in self._running if f.done()]
        if not finished and time.monotonic() - self._last > options.PATIENCE_SECONDS:
            self._give_up_oldest()
        answers = [self._taken(f) for f in finished]
        return [a for a in answers if a is not None]

    def _taken(self, future: Future[Answer]) -> Done | None:
        batch = self._running.pop(future)
        self._last = time.monotonic()
        error: BaseException | None
        try:
            error = future.exception()
        except CancelledError as cancelled:
            error = cancelled
        # a worker whose arithmetic is not as it must be is as good as lost
        if isinstance(error, DeuteriumError) and not isinstance(
            error, ArithmeticModeError
        ):
            raise error
        if error is not None:
            self._do_here(batch, error)
            return None
        answer = future.result()
        self._lost = 0
        self._heard_of.add(answer.process)
        if answer.spent:  # the batch goes back to those that wait
            return Done(batch.nodes, None, answer.seconds)
        if answer.results is None:
            self._hand_in(batch, tell=True)
            return None
        return Done(batch.nodes, answer.results, answer.seconds)

    def _do_here(self, batch: Batch, error: BaseException) -> None:
        self._here.submit(*batch)
        self._lost += 1
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"the executor lost a batch of regions ({error!r:.200}); nothing is "
                "lost, it is done in this process, and so are those to come if no "
                "worker is left",
                RuntimeWarning,
                stacklevel=2,
            )
        if self._lost >= options.LOSSES_IN_A_ROW:
            self._broken = True

    def _give_up_oldest(self) -> None:
        future = next(iter(self._running))
        batch = self._running.pop(future)
        future.cancel()
        self._last = time.monotonic()
        self._do_here(
            batch, TimeoutError(f"no answer for {options.PATIENCE_SECONDS:.0f} s")
        )

    def cancel(self) -> None:
        """Give up what is not done."""
        for future in self._running:
            future.cancel()
        self._running.clear()
        self._here.cancel()
        known_here(self.task.key, None)


def workers_of(executor: Any) -> int:
    """Return how many batches an executor can work on at a time."""
    count = getattr(executor, "_max_workers", None)
    if count is None and hasattr(executor, "_client"):  # dask.distributed
        count = sum(executor._client.nthreads().values())
    return max(1, int(count or 2))


Workers = LocalWorker | ExecutorWorkers


def workers_for(bounder: Bounder, task: Task, executor: Executor | None) -> Workers:
    """Return who bounds the batches."""
    return (
        LocalWorker(bounder)
        if executor is None
        else ExecutorWorkers(bounder, task, executor)
    )
