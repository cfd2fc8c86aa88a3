"""Work of one worker: build the bounder of a problem once, then bound batches."""

from __future__ import annotations

import hashlib
import math
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from deuterium import budget
from deuterium.budget import Spent, spending
from deuterium.domain.domain import Domain
from deuterium.domain.problem import Problem
from deuterium.graph.serialize import dumps, loads
from deuterium.graph.variable import Variable
from deuterium.interval.environment import forgets, require_standard
from deuterium.optimize.bounders.select import select_bounder
from deuterium.optimize.branch_and_bound import loop_options as options
from deuterium.optimize.branch_and_bound.orphans import (
    is_told_to_stop,
    leave_with_parent,
)
from deuterium.optimize.region import Bounder, BoundResult, Regions


@dataclass(eq=False)
class Task:
    """A problem on its way to workers: itself within the process, else as text.

    Parameters
    ----------
    domain, counting, maximizes, method :
        As in `Problem` and `select_bounder`.
    problem : Problem or None
        The problem itself, where the task was not sent to another process.
    """

    domain: Domain
    counting: Domain
    maximizes: bool
    method: str
    problem: Problem | None = field(repr=False)

    @cached_property
    def text(self) -> str:
        """The graph in its flat form."""
        assert self.problem is not None  # else the text came with it
        return dumps([self.problem.given])

    @cached_property
    def name(self) -> str:
        """Equal for equal graphs, domains and senses."""
        text = f"{self.text} {self.domain!r} {self.maximizes}"
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def key(self) -> str:
        """What workers know the task by."""
        return f"{self.name} {self.method}"

    def build(self) -> Bounder:
        """Return a bounder of its own for the problem."""
        problem = self.problem
        if problem is None:
            (v,) = loads(self.text)
            problem = Problem(
                v, self.domain, maximize=self.maximizes, counting=self.counting
            )
        return select_bounder(problem, self.method)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "text": self.text, "name": self.name, "problem": None}


def task_of(problem: Problem, method: str) -> Task:
    """Return a problem as it is given to workers."""
    told = problem.domain, problem.counting, problem.maximizes
    return Task(*told, method, problem)


def graph_hash(v: Variable) -> str:
    """Return the SHA-256 of a graph's flat form."""
    return hashlib.sha256(dumps([v]).encode()).hexdigest()


@dataclass
class Answer:
    """What a worker gives back.

    Attributes
    ----------
    results : BoundResult or None
        None where the worker has not been told the problem yet.
    seconds : float
        Time spent on the batch.
    process : tuple
        Which process it was.
    spent : bool
        Whether nothing was found because the time was over.
    """

    results: BoundResult | None
    seconds: float
    process: tuple[str, int]
    spent: bool = False


def this_process() -> tuple[str, int]:
    """Return what tells this process from others, those of other machines too."""
    return os.uname().nodename if hasattr(os, "uname") else "", os.getpid()


# What a worker remembers.  Bounders have a memory of their own, so that each thread
# needs its own.
_TOLD: OrderedDict[str, Task] = OrderedDict()
_OWN = threading.local()
forgets(lambda: _OWN.__dict__.clear())  # those of the thread that refuses


def bounded(bounder: Bounder, regions: Regions, incumbent: float) -> BoundResult:
    """Bound a batch of regions, if this thread's arithmetic is as it must be."""
    require_standard("maximize")
    with np.errstate(all="ignore"):
        results = bounder.bound(regions, incumbent)
    require_standard("maximize")
    return results


def bound_here(
    key: str,
    task: Task | None,
    regions: Regions,
    incumbent: float,
    left: float = math.inf,
) -> Answer:
    """Bound a batch of regions of the problem of this key, if it is known here.

    ``left`` is how many seconds it may take.
    """
    leave_with_parent()
    require_standard("maximize")  # before a bounder is built
    start, results, spent = budget.now(), None, False
    try:
        with spending(budget.now() + left, stop=is_told_to_stop):
            bounder = _bounder(key, task)
            if bounder is not None:
                results = bounded(bounder, regions, incumbent)
    except Spent:
        spent = True
    return Answer(results, budget.now() - start, this_process(), spent)


def known_here(key: str, bounder: Bounder | None) -> None:
    """Have this thread, and processes forked from it, know a bounder (None: not)."""
    own: OrderedDict[str, Bounder] = _OWN.__dict__.setdefault("bounders", OrderedDict())
    own.pop(key, None)
    if bounder is not None:
        _remember(own, key, bounder)


def _bounder(key: str, task: Task | None) -> Bounder | None:
    if task is not None and task.problem is None:
        _remember(_TOLD, key, task)
    own: OrderedDict[str, Bounder] = _OWN.__dict__.setdefault("bounders", OrderedDict())
    if key not in own:
        task = task or _TOLD.get(key)
        if task is None:
            return None
        _remember(own, key, task.build())
    return own[key]


def _remember(kept: OrderedDict[str, Any], key: str, what: Any) -> None:
    kept[key] = what
    kept.move_to_end(key)
    while len(kept) > options.PROBLEMS_KEPT:
        kept.popitem(last=False)
