"""A graph made ready to be worked out again and again, in ranges or at points.

The steps are chosen once, and what depends on no coordinate is worked out once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

from deuterium import ops
from deuterium.certify.checker import point_steps, range_steps
from deuterium.certify.checker.ball_functions import ONE, UNKNOWN, ZERO, Ball
from deuterium.certify.checker.cancelled_terms import Cancellation
from deuterium.certify.checker.defined_operator import entry_of
from deuterium.certify.checker.exceptions import NoBound, NoPoint
from deuterium.certify.checker.logistic_family import joined
from deuterium.certify.checker.scalar_layout import (
    ScalarLayout,
    Task,
    TaskGroup,
    flat,
)
from deuterium.errors import CertificateError
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

Ends = list[Ball]
Row = Sequence[Ball]
Atom = tuple[Variable, int]  # a node and one of its elements


def atoms_of(listed: Any, graph: Variable) -> list[Atom]:
    """Return atoms from their places in a graph's order, and their elements."""
    order = topological([graph])
    atoms: list[Atom] = []
    try:
        for i, element in listed:
            if not type(i) is type(element) is int:
                raise TypeError("whole numbers are wanted")
            if not 0 <= i < len(order) or not 0 <= element < order[i].size:
                raise IndexError(i)
            atoms.append((order[i], element))
        if len(set(atoms)) < len(atoms):
            raise ValueError("one is there twice")
    except (TypeError, ValueError, IndexError) as error:
        raise CertificateError(f"the atoms cannot be read: {error!r:.100}") from None
    return atoms


def _picked(slots: Sequence[int]) -> Callable[[Ends], Sequence[Ball]]:
    if len(slots) > 1:
        return itemgetter(*slots)
    return lambda values: [values[i] for i in slots]


def _folded(
    layout: ScalarLayout, wanted: set[int], values: list[Any]
) -> list[TaskGroup]:
    """Work out the tasks that depend on no coordinate; return the others."""
    fixed, rest = set(layout.numbers), []
    for slot, value in layout.numbers.items():
        values[slot] = value
    for group in layout.keep(wanted):
        now = [t for t in group.tasks if fixed.issuperset(t[1])]
        later = [t for t in group.tasks if not fixed.issuperset(t[1])]
        for task in now:
            point_steps.step_for(TaskGroup(group.op, [task], group.attrs))(values)
            found = [values[k] for k in task[0]]
            if all(map(_is_told, found)) and _is_one_ball(group, task, values):
                fixed.update(task[0])
            else:  # not defined, and to be said so when it is met, or of unknown sign
                later.append(task)
        if later:
            rest.append(TaskGroup(group.op, later, group.attrs))
    return rest


def _is_told(x: Ball) -> bool:
    """Return whether a ball is of a known number, or of one of known sign."""
    return bool(x.is_finite() and (x.is_exact() or not x.contains(ZERO)))


def _is_one_ball(group: TaskGroup, task: Task, values: list[Any]) -> bool:
    """Return whether a range tells no more than a ball, such as: at most 1."""
    op = group.op
    if not (op.elementwise and op.arity == 1) or values[task[0][0]].is_exact():
        return True
    x = values[task[1][0]]
    low, high = entry_of(op, group.attrs).range(x, x)
    return low is high


class PointProgram:
    """Values of the elements of some nodes, at points.

    Parameters
    ----------
    outputs : sequence of Variable
        What is wanted; the elements of all of them one after the other.
    starts : mapping
        The first coordinate of each symbol, by name.
    inputs : int
        How many coordinates there are.
    cancels : bool
        Whether sums of which only a number is left are found, which takes time.
    """

    def __init__(
        self,
        outputs: Sequence[Variable],
        starts: Mapping[str, int],
        inputs: int,
        *,
        cancels: bool = False,
    ) -> None:
        layout = ScalarLayout(outputs, starts, inputs)
        if cancels:
            Cancellation(layout)
        slots = [i for v in outputs for i in layout.slots[v].ravel().tolist()]
        self.inputs = inputs
        self._start: list[Any] = [None] * layout.count
        groups = _folded(layout, set(slots), self._start)
        self._steps = [point_steps.step_for(group) for group in groups]
        self._pick = _picked(slots)

    def __call__(self, x: Sequence[Ball]) -> list[Ball]:
        """Return the values at one point; raise NoBound where one is not finite."""
        values = self._start.copy()
        values[: self.inputs] = x
        for step in self._steps:
            step(values)
        results = list(self._pick(values))
        if not all(y.is_finite() for y in results):
            raise NoBound("a value at a point is not defined, or not finite")
        return results


class RangeProgram:
    """Ranges of the elements of some nodes, over boxes of coordinates.

    Parameters
    ----------
    outputs : sequence of Variable
        What is wanted; the elements of all of them one after the other.
    starts : mapping
        The first coordinate of each symbol, by name.
    inputs : int
        How many inputs there are.
    atoms : sequence of Atom
        What the further coordinates are: wherever one of them is met, its range is cut
        down to that of the box.
    slopes : bool
        Whether kinks count with the slopes of both sides.
    """

    def __init__(
        self,
        outputs: Sequence[Variable],
        starts: Mapping[str, int],
        inputs: int,
        atoms: Sequence[Atom] = (),
        *,
        slopes: bool = False,
    ) -> None:
        self.coordinates = inputs + len(atoms)
        nodes = list(dict.fromkeys(node for node, _ in atoms))
        layout = ScalarLayout([*outputs, *nodes], starts, self.coordinates)
        slots = [i for v in outputs for i in layout.slots[v].ravel().tolist()]
        places = [int(layout.slots[v].ravel()[e]) for v, e in atoms]
        self._pick, self._pick_atoms = _picked(slots), _picked(places)
        self._start: list[Any] = [None] * layout.count
        self._open = [False] * self.coordinates
        # which coordinate a slot is, to know of an end that is excluded
        self._named = {i: i for i in range(inputs)}
        self._named.update({s: inputs + n for n, s in enumerate(places)})
        self._groups = joined(_folded(layout, {*slots, *places}, self._start))
        self._fixed = {i: y for i, y in enumerate(self._start) if y is not None}
        self._atoms, self._slopes = list(enumerate(places, inputs)), slopes
        self._wanted = {*slots, *places}
        self._steps = [step for step, _ in self._chosen(self._groups)]

    def _chosen(
        self, groups: Iterable[TaskGroup]
    ) -> list[tuple[range_steps.Step, TaskGroup | None]]:
        """Return the steps, each followed by the cuts of the atoms it has made."""
        made = {*self._fixed, *range(self.coordinates)}
        steps: list[tuple[range_steps.Step, TaskGroup | None]] = []
        for group in (None, *groups):
            if group is not None:
                steps.append((self._step(group), group))
                made = {k for outs, _ in group.tasks for k in outs}
            steps += [(clamp, None) for clamp in _clamps(self._atoms, made)]
        return steps

    @cached_property
    def _one_by_one(self) -> list[tuple[range_steps.Step, TaskGroup | None]]:
        """The steps of each task alone."""
        tasks = ((g, t) for g in self._groups for t in g.tasks)
        return self._chosen(TaskGroup(g.op, [t], g.attrs) for g, t in tasks)

    def _step(self, group: TaskGroup) -> range_steps.Step:
        if group.op is ops.step and not self._slopes:
            return self._step_value(group)
        return range_steps.step_for(group, self._fixed, slopes=self._slopes)

    def _step_value(self, group: TaskGroup) -> range_steps.Step:
        """Slope of relu, which is 1 where an end that is 0 is excluded."""
        places = [(k, i, self._named.get(i)) for k, i in flat(group.tasks)]
        is_open = self._open

        def step(low: Ends, high: Ends) -> None:
            for k, i, c in places:
                # the end that is excluded is the box's: an atom's own range may begin
                # further up, with a number that is taken
                above = c is not None and is_open[c] and low[c] >= ZERO
                positive = above or low[i] > ZERO
                low[k] = ONE if positive else ZERO
                high[k] = ZERO if high[i] <= ZERO else ONE

        return step

    def _run(
        self, low: Sequence[Ball], high: Sequence[Ball], is_open: Sequence[bool] | None
    ) -> Any:
        n = self.coordinates  # a region may have more, of other forms
        self._open[:] = is_open[:n] if is_open else [False] * n
        a, b = self._start.copy(), self._start.copy()
        a[:n], b[:n] = low[:n], high[:n]
        try:
            for step in self._steps:
                step(a, b)
        except NoBound:
            if not any(group.op is ops.where for group in self._groups):
                raise
            a, b = self._start.copy(), self._start.copy()
            a[:n], b[:n] = low[:n], high[:n]
            self._run_apart(a, b)
        return a, b

    def _run_apart(self, low: Ends, high: Ends) -> None:
        """Run task by task: what is undefined in a branch not taken does not matter."""
        undefined: dict[int, NoBound] = {}
        for step, group in self._one_by_one:
            ((outs, ins),) = [((), ())] if group is None else group.tasks
            if group is not None and group.op is ops.where and ins[0] not in undefined:
                c, x, y = ins
                ins = (x,) if low[c] > ZERO else (y,) if high[c] <= ZERO else ins
            reason = next((undefined[i] for i in ins if i in undefined), None)
            try:
                if reason is None:
                    step(low, high)
            except NoBound as met:
                reason = met
            if reason is not None:
                for k in outs:
                    if k >= 0:  # of a family, those that are wanted
                        undefined[k], low[k], high[k] = reason, UNKNOWN, UNKNOWN
        for k in self._wanted & undefined.keys():
            raise undefined[k]

    def __call__(
        self,
        low: Sequence[Ball],
        high: Sequence[Ball],
        is_open: Sequence[bool] | None = None,
    ) -> tuple[Sequence[Ball], Sequence[Ball]]:
        """Return lower and upper ends of the outputs over a box.

        Raises
        ------
        NoBound
            Something is not defined throughout the box.
        NoPoint
            No point of the box has atoms in the box.
        """
        a, b = self._run(low, high, is_open)
        return self._pick(a), self._pick(b)

    def atoms(
        self,
        low: Sequence[Ball],
        high: Sequence[Ball],
        is_open: Sequence[bool] | None = None,
    ) -> tuple[Sequence[Ball], Sequence[Ball]]:
        """Return lower and upper ends of the atoms over a box, cut down to it."""
        a, b = self._run(low, high, is_open)
        return self._pick_atoms(a), self._pick_atoms(b)


def _clamps(atoms: list[tuple[int, int]], made: set[int]) -> list[range_steps.Step]:
    """Return the step that cuts down the atoms just made, if there are any."""
    ready = [(c, slot) for c, slot in atoms if slot in made]
    if not ready:
        return []

    def step(low: Ends, high: Ends) -> None:
        for c, slot in ready:
            if low[c] > low[slot]:
                if low[c] > high[slot]:
                    raise NoPoint
                low[slot] = low[c]
            if high[c] < high[slot]:
                if high[c] < low[slot]:
                    raise NoPoint
                high[slot] = high[c]

    return [step]
