"""Ranges of hubs and spokes over a region, forward through the steps of a proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deuterium import ops
from deuterium.certify.checker.ball_functions import (
    INFINITY,
    ZERO,
    Ball,
    larger,
    smaller,
)
from deuterium.certify.checker.binary_ranges import times
from deuterium.certify.checker.clusters.star_parts import SpokeStep, StepRelation
from deuterium.certify.checker.clusters.star_structure import StarStructure
from deuterium.certify.checker.defined_operator import entry_of
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.affine_balls import AffineSum
from deuterium.certify.checker.lagrangian.cell_series import CHOICES
from deuterium.certify.checker.lagrangian.coordinate_ranges import (
    State,
    Step,
    group_step,
)
from deuterium.certify.checker.lagrangian.graph_structure import (
    RANGE_ONLY,
    Coordinates,
)
from deuterium.certify.checker.operator_table import TABLE
from deuterium.certify.checker.scalar_layout import TaskGroup

SQUARE = TABLE[ops.square].range


class StarRanges:
    """Works out ranges.

    Parameters
    ----------
    structure : StarStructure

    Raises
    ------
    NoBound
        A step needs what only a later one makes.
    """

    def __init__(self, structure: StarStructure) -> None:
        self.structure = structure
        self.fixed = dict(structure.values())
        self._start: list[Any] = [None] * structure.count
        for slot, value in self.fixed.items():
            self._start[slot] = value
        self._limits: dict[int, tuple[Ball, Ball]] = {}
        self._steps: list[Step] = []
        self._parts = [m for m in structure.made if not isinstance(m, StepRelation)]
        needed = self._needed()
        waiting = self._waiting(needed)
        self._sums = list(structure.sums.items())
        self._inputs = structure.blocks[0].slots
        ready = {*self.fixed, *self._inputs}
        waiting = self._emit(waiting, ready)
        for made in self._parts:
            self._steps.append(self._made(made, ready))
            ready.update(made.slots)
            if isinstance(made, SpokeStep):
                stars = self._stars_of(made, needed)
                self._steps.append(_stars(stars))
                ready.update(k for k, *_ in stars)
            waiting = self._emit(waiting, ready)

    def _needed(self) -> set[int]:
        """Return the slots that definitions and ranges depend on."""
        needed = {k for row in self.structure.shares.values() for k in row}
        for d in self.structure.sums.values():
            needed.update(d.parts)
        for made in self._parts:
            for d in made.definitions:
                needed.update(d.parts)
            if isinstance(made, Coordinates) and made.kind == RANGE_ONLY:
                needed.update(made.products)
        for slot, (f, _, _) in self.structure.stars.items():
            if slot in needed and f is not None:
                needed.add(f)
        return needed

    def _waiting(self, needed: set[int]) -> list[TaskGroup]:
        found = []
        for group in self.structure.keep(needed):
            tasks = [t for t in group.tasks if not all(k in self.fixed for k in t[0])]
            if tasks:
                found.append(TaskGroup(group.op, tasks, group.attrs))
        return found

    def _emit(self, waiting: list[TaskGroup], ready: set[int]) -> list[TaskGroup]:
        """Take the steps of tasks and sums that can be done; return the other tasks."""
        waiting = self._emit_tasks(waiting, ready)
        now = [(k, d) for k, d in self._sums if ready.issuperset(d.parts)]
        if not now:
            return waiting
        self._sums = [(k, d) for k, d in self._sums if not ready.issuperset(d.parts)]
        self._steps.append(_summed([(k, _row(d)) for k, d in now]))
        ready.update(k for k, _ in now)
        return self._emit_tasks(waiting, ready)  # there are no sums of what has sums

    def _emit_tasks(self, waiting: list[TaskGroup], ready: set[int]) -> list[TaskGroup]:
        left: list[TaskGroup] = []
        done: list[TaskGroup] = []
        for group in waiting:
            now = [t for t in group.tasks if ready.issuperset(t[1])]
            if len(now) < len(group.tasks):
                later = [t for t in group.tasks if not ready.issuperset(t[1])]
                left.append(TaskGroup(group.op, later, group.attrs))
            if now:
                done.append(TaskGroup(group.op, now, group.attrs))
                ready.update(k for outs, _ in now for k in outs)
        self._steps += self._chosen(done)
        return left

    def _chosen(self, groups: list[TaskGroup]) -> list[Step]:
        """Return the steps of groups; functions with kinks take both sides."""
        kinked = self._kinked(groups)
        owner = self.structure.owner
        first: list[Step] = []
        rest: list[Step] = []
        for group in groups:
            own = [t for t in group.tasks if owner.get(t[0][0]) in kinked]
            others = [t for t in group.tasks if owner.get(t[0][0]) not in kinked]
            for tasks, to in ((own, first), (others, rest)):
                if tasks:
                    one = TaskGroup(group.op, tasks, group.attrs)
                    to.append(group_step(one, self.fixed))
        return [_split(kinked, first), *rest] if kinked else rest

    def _kinked(self, groups: list[TaskGroup]) -> dict[int, list[int]]:
        """Return hubs with functions that have kinks, and the slots of all of them."""
        owner = self.structure.owner
        tasks = [
            (owner[t[0][0]], t, g) for g in groups for t in g.tasks if t[0][0] in owner
        ]
        found: dict[int, list[int]] = {
            hub: []
            for hub, (_, ins), g in tasks
            if g.op in CHOICES or (ins[0] == hub and _has_kink(g))
        }
        for hub, (outs, _), _ in tasks:
            if hub in found:
                found[hub] += outs
        return found

    def _made(self, made: Coordinates | SpokeStep, ready: set[int]) -> Step:
        """Return the step that enters the ranges of hubs or spokes."""
        if isinstance(made, Coordinates) and made.kind == RANGE_ONLY:
            _require(made.products, ready)
            sources = list(zip(made.slots, made.products, strict=True))

            def free(state: State) -> None:
                for slot, k in sources:
                    self._enter(state, slot, state.low[k], state.high[k])

            return free
        for d in made.definitions:
            _require(d.parts, ready)
        shares = self.structure.shares.get(made.slots[0], [])
        _require(shares, ready)
        rows = [
            (slot, _row(d))
            for slot, d in zip(made.slots, made.definitions, strict=True)
        ]

        def define(state: State) -> None:
            for slot, row in rows:
                self._enter(state, slot, *_range(row, state))

        def logarithms(state: State) -> None:
            for (slot, row), share in zip(rows, shares, strict=True):
                a, b = _range(row, state)
                least, most = state.low[share], state.high[share]
                a = larger(a, least.log()) if least > ZERO else a
                b = smaller(b, most.log()) if most > ZERO else b
                self._enter(state, slot, a, smaller(b, ZERO))

        return logarithms if shares else define

    def _stars_of(
        self, made: SpokeStep, needed: set[int]
    ) -> list[tuple[int, int | None, int, int]]:
        spokes = set(made.slots)
        return [
            (k, f, e, power)
            for k, (f, e, power) in self.structure.stars.items()
            if k in needed and e in spokes
        ]

    def _enter(self, state: State, slot: int, low: Ball, high: Ball) -> None:
        limits = self._limits.get(slot)
        if limits is not None:
            low, high = larger(low, limits[0]), smaller(high, limits[1])
        state.enter(slot, low, high)

    def __call__(self, given: Mapping[int, tuple[Ball, Ball, bool]]) -> State:
        """Return ranges; ``given`` has the inputs, and perhaps hubs and spokes.

        Raises
        ------
        NoBound
            A function is not defined over a range.
        NoPoint
            The region contradicts itself.
        """
        state = State(self._start, given)
        for slot in self._inputs:
            state.enter(slot, -INFINITY, INFINITY)
        for step in self._steps:
            step(state)
        return state

    def limit(self, state: State) -> None:
        """Take the ranges over the whole domain as limits from now on."""
        for made in self._parts:
            for slot in made.slots:
                self._limits[slot] = state.low[slot], state.high[slot]


def _require(slots: Sequence[int] | Mapping[int, Any], ready: set[int]) -> None:
    if not ready.issuperset(slots):
        raise NoBound("a step needs what only a later one makes")


def _stars(stars: Sequence[tuple[int, int | None, int, int]]) -> Step:
    """Return the step of functions of hubs times powers of spokes."""

    def step(state: State) -> None:
        low, high = state.low, state.high
        for k, f, e, power in stars:
            a, b = low[e], high[e]
            if power == 2:
                a, b = SQUARE(a, b)
            if f is not None:
                a, b = times(low[f], high[f], a, b)
            low[k], high[k] = a, b

    return step


def _has_kink(group: TaskGroup) -> bool:
    op = group.op
    return bool(op.elementwise) and entry_of(op, group.attrs).sides is not None


def _split(kinked: Mapping[int, list[int]], steps: Sequence[Step]) -> Step:
    """Return a step that takes both sides of kinks at 0 by themselves.

    A product of two functions with kinks may have far smaller ranges so.
    """

    def run(state: State) -> None:
        for step in steps:
            step(state)

    def both(state: State) -> None:
        run(state)
        low, high = state.low, state.high
        hubs = [h for h in kinked if not (low[h] >= ZERO or high[h] <= ZERO)]
        if not hubs:
            return
        slots = [k for h in hubs for k in kinked[h]]
        ends = {h: (low[h], high[h], h in state.open) for h in hubs}
        for h in hubs:
            high[h] = ZERO
        run(state)
        left = [(low[k], high[k]) for k in slots]
        for h, (_, top, _) in ends.items():
            low[h], high[h] = ZERO, top
            state.open.add(h)  # 0 is on the left
        run(state)
        for k, (a, b) in zip(slots, left, strict=True):
            low[k], high[k] = smaller(a, low[k]), larger(b, high[k])
        for h, (bottom, top, was_open) in ends.items():
            low[h], high[h] = bottom, top
            if not was_open:
                state.open.discard(h)

    return both


Side = list[tuple[int, Ball]]
Row = tuple[Ball, Side, Side, Side]


def _row(d: AffineSum) -> Row:
    """Return a sum's constant, and its terms by the sign of the coefficient."""
    up: Side = []
    down: Side = []
    either: Side = []
    for t, c in d.parts.items():
        side = up if c >= ZERO else down if c <= ZERO else either
        side.append((t, c))
    return d.constant, up, down, either


def _range(row: Row, state: State) -> tuple[Ball, Ball]:
    """Return the range of a sum."""
    low, high = state.low, state.high
    a, up, down, either = row
    b = a
    for t, c in up:
        a, b = a + c * low[t], b + c * high[t]
    for t, c in down:
        a, b = a + c * high[t], b + c * low[t]
    for t, c in either:
        p, q = times(c, c, low[t], high[t])
        a, b = a + p, b + q
    return a, b


def _summed(rows: list[tuple[int, Row]]) -> Step:
    """Return the step of sums of which only ranges are wanted."""

    def step(state: State) -> None:
        for slot, row in rows:
            state.low[slot], state.high[slot] = _range(row, state)

    return step
