"""What a call may still spend, known to everything that it calls.

Work that may take long asks `check` now and then, which raises `Spent` where the time
or the memory of the call is used up; whoever gave the budget catches it and goes on
with what is known by then.  Where no budget is given, asking costs next to nothing.
The work of other threads and processes has a budget of its own, or none.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

try:
    import resource
except ImportError:  # pragma: no cover - Windows
    resource = None  # type: ignore[assignment]

now: Callable[[], float] = time.monotonic  # replaced in tests

STATM = Path("/proc/self/statm")
Made = TypeVar("Made")
Else = TypeVar("Else")

SPEED = 2e9  # operations a second in the loops of a library, at least about
LOOKS = 0.05  # seconds between two looks at the memory


class Spent(BaseException):
    """The time, or the memory, of the call is used up.

    Never seen outside the package.  As with KeyboardInterrupt, handlers of ordinary
    errors on the way do not take it for one of theirs.

    Attributes
    ----------
    status : {"time_limit", "memory_limit"}
        What is used up.
    """

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Memory:
    """By how much the memory of this process may grow, from now on.

    Parameters
    ----------
    limit : float
        Bytes.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._start = resident()
        self._looked, self._grown = -math.inf, 0.0

    @property
    def grown(self) -> float:
        """By how many bytes it has grown; looked at now and then."""
        if now() - self._looked >= LOOKS:
            self._looked = now()
            self._grown = max(resident() - self._start, 0.0)
        return self._grown

    @property
    def left(self) -> float:
        """By how many bytes it may still grow."""
        return self.limit - self.grown


def resident() -> float:
    """Return the bytes of memory that this process holds (its peak, outside Linux)."""
    try:
        return float(STATM.read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):  # pragma: no cover - not Linux
        if resource is None:
            return 0.0
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return float(peak) * (1 if sys.platform == "darwin" else 1024)


@dataclass(frozen=True)
class _Budget:
    end: float = math.inf
    memory: Memory | None = None
    stop: Callable[[], bool] | None = None
    part: float = 1.0


_NONE = _Budget()
_BUDGET: ContextVar[_Budget] = ContextVar("deuterium_budget", default=_NONE)


@contextmanager
def spending(
    end: float = math.inf,
    memory: Memory | None = None,
    stop: Callable[[], bool] | None = None,
) -> Iterator[None]:
    """Have the work within stop at a time (by `now`), or when memory is used up.

    Or when ``stop`` says so.  A budget within another can only be smaller.
    """
    around = _BUDGET.get()
    mine = min(end, around.end), memory or around.memory, stop or around.stop
    token = _BUDGET.set(_Budget(*mine, around.part))
    try:
        yield
    finally:
        _BUDGET.reset(token)


def afford(flops: float, numbers: float = 0.0) -> None:
    """Raise `Spent` where so many operations, or numbers, do not fit what is left."""
    check(flops / SPEED, 8.0 * numbers)


def check(seconds: float = 0.0, memory: float = 0.0) -> None:
    """Raise `Spent` where what is to come next does not fit what is left.

    Parameters
    ----------
    seconds, memory : float
        About what the next step takes (seconds, bytes) that cannot be stopped half way.
    """
    budget = _BUDGET.get()
    if budget.end < math.inf and now() + seconds > budget.end:
        raise Spent("time_limit")
    if budget.stop is not None and budget.stop():
        raise Spent("time_limit")
    if budget.memory is not None and memory > budget.memory.left:
        raise Spent("memory_limit")


def watch() -> Callable[[], None] | None:
    """Return `check`, or None where there is no budget and nothing to be asked."""
    return None if _BUDGET.get() is _NONE else check


@contextmanager
def taking(part: float) -> Iterator[None]:
    """Have the work within plan with a part of the time that is left.

    It may finish what it has begun: only `left` says less.
    """
    around = _BUDGET.get()
    token = _BUDGET.set(replace(around, part=part * around.part))
    try:
        yield
    finally:
        _BUDGET.reset(token)


def left() -> float:
    """Return the seconds left, to plan with."""
    budget = _BUDGET.get()
    if budget.end == math.inf:
        return math.inf
    return max(budget.end - now(), 0.0) * budget.part


def in_time(until: float, make: Callable[[], Made], otherwise: Else) -> Made | Else:
    """Return what is made, or ``otherwise`` where that takes longer than to a time."""
    try:
        with spending(until):
            return make()
    except Spent as spent:
        if spent.status != "time_limit":
            raise
        return otherwise
