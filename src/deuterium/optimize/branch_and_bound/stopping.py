"""Stopping criteria: the gap, the time, the memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from deuterium import budget
from deuterium.errors import InvalidInputError
from deuterium.optimize.branch_and_bound import loop_options as options
from deuterium.options import is_number

GIBI = 2**30  # bytes


@dataclass(frozen=True)
class Limits:
    """What the caller asked for.

    Attributes
    ----------
    rtol : float
    atol : float or None
        The gap to reach: ``max(atol, rtol * |value reached|)``; None: see `maximize`.
    time_limit : float or None
        Seconds.
    memory_limit : float
        Bytes by which the memory of this process may grow.
    max_regions : int or None
        Regions to bound; 1 is the whole domain, not cut at all.
    """

    rtol: float = 1e-2
    atol: float | None = None
    time_limit: float | None = 60.0
    memory_limit: float = 2.0 * GIBI
    max_regions: int | None = None
    near_zero: float = options.NEAR_ZERO  # of which size a gap is enough, beside it

    def over(self, size: float) -> Limits:
        """Return these limits for a problem of which no value is of a larger size."""
        return replace(self, near_zero=options.NEAR_ZERO * min(size, 1.0))

    def check(self, caller: str) -> Limits:
        """Return these limits if they make sense."""
        for name in ("rtol", "atol"):
            value = getattr(self, name)
            if name == "atol" and value is None:
                continue
            if not is_number(value) or not 0 <= value < math.inf:
                raise InvalidInputError(
                    f"{caller}: `{name}` must be a finite number >= 0, got {value!r}"
                )
        for name in ("time_limit", "memory_limit"):
            value = getattr(self, name)
            if name == "time_limit" and value is None:
                continue
            if not is_number(value) or not value > 0:
                raise InvalidInputError(
                    f"{caller}: `{name}` must be a number > 0, got {value!r}"
                )
        most = self.max_regions
        if most is not None and not (
            is_number(most) and math.isfinite(most) and most == int(most) >= 1
        ):
            raise InvalidInputError(
                f"{caller}: `max_regions` must be an integer >= 1, got {most!r}"
            )
        return self

    def target(self, reached: float) -> float:
        """Return the bound at which a region need not be cut, given a value reached."""
        if not math.isfinite(reached):
            return reached if reached == math.inf else -math.inf
        atol = self.atol
        if atol is None:
            atol = self.near_zero if abs(reached) <= self.near_zero else 0.0
        return reached + max(atol, self.rtol * abs(reached))


class Clock:
    """Seconds since the start, and those that earlier runs had spent."""

    def __init__(self, limit: float | None, spent: float = 0.0) -> None:
        self._start = budget.now()
        self.limit = math.inf if limit is None else limit
        self.spent = spent

    @property
    def now(self) -> float:
        """Seconds since this run's start."""
        return budget.now() - self._start

    @property
    def left(self) -> float:
        """Seconds left to this run."""
        return self.limit - self.now

    def at(self, share: float) -> float:
        """Return when, by `budget.now`, a share of this run's time is over."""
        return self._start + share * self.limit

    def share(self, part: float) -> float:
        """Return the share of the time that is over when a part of what is left is."""
        now = self.now / self.limit
        return now + part * max(1.0 - now, 0.0)

    @property
    def end(self) -> float:
        """When, by `budget.now`, whatever still goes on is given up."""
        return self.at(1.0 + options.LATE_SHARE) + options.LATEST_SECONDS

    @property
    def last(self) -> float:
        """When even the first bound is given up."""
        return self.at(1.0 + options.LATE_SHARE) + options.LAST_SECONDS
