"""A clock that goes by work, so that no outcome depends on how fast the machine is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TICK = 1e-3  # seconds that pass with a look at the clock
PATIENCE = 600.0  # seconds after which what has to happen is taken not to


class WorkClock:
    """A clock that goes on by a tick whenever it is looked at.

    Attributes
    ----------
    tick : float
        Seconds that pass with a look.
    looks : int
        How often it was looked at.
    time : float
        Seconds that have passed.
    """

    def __init__(self, tick: float = TICK) -> None:
        self.tick, self.looks, self.time = tick, 0, 0.0

    def __call__(self) -> float:
        self.looks += 1
        self.time += self.tick
        return self.time


@contextmanager
def counted_calls() -> Iterator[Callable[[], int]]:
    """Count the calls of functions within: work, where time would be of a machine."""
    count = 0

    def seen(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        yield lambda: count
    finally:
        sys.setprofile(before)


@contextmanager
def calls_at_most(limit: int) -> Iterator[None]:
    """Fail where what is within makes more calls."""
    with counted_calls() as count:
        yield
    assert count() <= limit
