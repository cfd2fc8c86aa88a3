"""Ranges of all coordinates over a region, forward through the groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deuterium import ops
from deuterium.certify.checker import range_steps
from deuterium.certify.checker.ball_functions import (
    ONE,
    ZERO,
    Ball,
)
from deuterium.certify.checker.exceptions import NoPoint
from deuterium.certify.checker.scalar_layout import TaskGroup, flat

Ends = list[Ball]
SLOPES = {ops.step: ZERO, ops.is_positive: ZERO, ops.absolute_slope: -ONE}
Step = Callable[["State"], None]


class State:
    """Ranges by slot while they are worked out.

    Attributes
    ----------
    low, high : list of arb
    open : set of int
        Coordinates whose lower end is excluded.
    given : mapping
        What the region says of coordinates: ends, and whether the lower is excluded.
    """

    def __init__(
        self, start: list[Any], given: Mapping[int, tuple[Ball, Ball, bool]]
    ) -> None:
        self.low, self.high = start.copy(), start.copy()
        self.open: set[int] = set()
        self.given = given

    def enter(self, slot: int, low: Ball, high: Ball) -> None:
        """Set the range of a coordinate, cut down to what the region says."""
        found = self.given.get(slot)
        if found is not None:
            a, b, is_open = found
            if a >= low:
                low = a
                if is_open:
                    self.open.add(slot)
            if b < high:
                high = b
            if low > high or (slot in self.open and low >= high):
                raise NoPoint
        self.low[slot], self.high[slot] = low, high


def group_step(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    """Return the step that works out the ranges of a group's functions."""
    if group.op in SLOPES:
        return _slope(group, SLOPES[group.op])
    step = range_steps.step_for(group, fixed, slopes=False)
    return lambda state: step(state.low, state.high)


def _slope(group: TaskGroup, least: Ball) -> Step:
    """Return the step of a slope with a kink at zero: 1 above, ``least`` below."""
    places = flat(group.tasks)

    def step(state: State) -> None:
        for k, i in places:
            a, b = state.low[i], state.high[i]
            positive = a > ZERO or (i in state.open and a >= ZERO)
            state.low[k] = ONE if positive else least
            # at zero itself that of relu is 0, and that of |x| neither
            is_low = b <= ZERO if least == ZERO else b < ZERO
            state.high[k] = least if is_low else ONE

    return step
