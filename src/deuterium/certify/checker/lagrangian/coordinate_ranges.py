"""Ranges of all coordinates over a region, forward through the groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deuterium import ops
from deuterium.certify.checker import range_steps
from deuterium.certify.checker.ball_functions import (
    INFINITY,
    ONE,
    ZERO,
    Ball,
    larger,
    smaller,
)
from deuterium.certify.checker.binary_ranges import times
from deuterium.certify.checker.exceptions import NoPoint
from deuterium.certify.checker.lagrangian.affine_balls import AffineSum
from deuterium.certify.checker.lagrangian.graph_structure import (
    BILINEAR,
    RANGE_ONLY,
    Coordinates,
    GraphStructure,
)
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


class RangePass:
    """Works out ranges.

    Parameters
    ----------
    structure : GraphStructure
    """

    def __init__(self, structure: GraphStructure) -> None:
        self.structure = structure
        self.fixed = dict(structure.values())
        self._start: list[Any] = [None] * structure.count
        for slot, value in self.fixed.items():
            self._start[slot] = value
        self._limits: dict[int, tuple[Ball, Ball]] = {}
        self._steps: list[Step] = []
        for event in self._needed():
            if isinstance(event, TaskGroup):
                self._steps.append(group_step(event, self.fixed))
            else:
                self._steps.append(self._block(event))

    def _needed(self) -> list[TaskGroup | Coordinates]:
        """Return the events, without the tasks that no definition depends on."""
        needed = {
            t
            for block in self.structure.blocks
            for d in block.definitions
            for t in d.parts
        }
        for block in self.structure.blocks:
            if block.kind == RANGE_ONLY:
                needed.update(block.products)
        kept: list[TaskGroup | Coordinates] = []
        for event in reversed(self.structure.events):
            if isinstance(event, Coordinates):
                kept.append(event)
                continue
            tasks = []
            for outs, ins in reversed(event.tasks):
                if not needed.isdisjoint(outs) and not all(
                    k in self.fixed for k in outs
                ):
                    needed.update(ins)
                    tasks.append((outs, ins))
            if tasks:
                kept.append(TaskGroup(event.op, tasks[::-1], event.attrs))
        return kept[::-1]

    def _block(self, block: Coordinates) -> Step:
        if block.kind == RANGE_ONLY:

            def free(state: State) -> None:
                for slot, source in zip(block.slots, block.products, strict=True):
                    self._enter(state, slot, state.low[source], state.high[source])

            return free
        rows = [
            (s, *_row(d)) for s, d in zip(block.slots, block.definitions, strict=True)
        ]
        count = len(block.products)

        def define(state: State) -> None:
            low, high = state.low, state.high
            for slot, constant, up, down in rows:
                a = b = constant
                for t, c in up:
                    a, b = a + c * low[t], b + c * high[t]
                for t, c in down:
                    a, b = a + c * high[t], b + c * low[t]
                self._enter(state, slot, a, b)
            if block.kind == BILINEAR:
                for k, w in enumerate(block.products):
                    u, v = block.slots[k], block.slots[count + k]
                    low[w], high[w] = times(low[u], high[u], low[v], high[v])

        return define

    def _enter(self, state: State, slot: int, low: Ball, high: Ball) -> None:
        limits = self._limits.get(slot)
        if limits is not None:
            low, high = larger(low, limits[0]), smaller(high, limits[1])
        state.enter(slot, low, high)

    def __call__(self, given: Mapping[int, tuple[Ball, Ball, bool]]) -> State:
        """Return ranges; ``given`` has the inputs, and perhaps other coordinates.

        Raises
        ------
        NoBound
            A function is not defined over a range.
        NoPoint
            The region contradicts itself.
        """
        state = State(self._start, given)
        for slot in self.structure.blocks[0].slots:
            state.enter(slot, -INFINITY, INFINITY)
        for step in self._steps:
            step(state)
        return state

    def limit(self, state: State) -> None:
        """Take the ranges over the whole domain as limits from now on."""
        for block in self.structure.blocks[1:]:
            for slot in block.slots:
                self._limits[slot] = state.low[slot], state.high[slot]


def _row(d: AffineSum) -> tuple[Ball, list[tuple[int, Ball]], list[tuple[int, Ball]]]:
    """Return a definition's constant, and its terms by the sign of the coefficient."""
    up = [(t, c) for t, c in d.parts.items() if c >= ZERO]
    down = [(t, c) for t, c in d.parts.items() if not c >= ZERO]
    for _, c in down:
        if not c <= ZERO:
            raise ArithmeticError("a coefficient of unknown sign")
    return d.constant, up, down
