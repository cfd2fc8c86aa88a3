"""Check of one cluster leaf: a constant plus the maxima of all clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from deuterium.certify.checker.ball_functions import TWO, ZERO, Ball, smaller
from deuterium.certify.checker.ball_program import Atom
from deuterium.certify.checker.clusters.cluster_maximum import (
    FIRST,
    HUB,
    UNIT,
    ClusterLoad,
    Spoke,
)
from deuterium.certify.checker.clusters.same_curves import shape_of
from deuterium.certify.checker.clusters.simplex_corners import SimplexCorners
from deuterium.certify.checker.clusters.spoke_energy import StepEnergy
from deuterium.certify.checker.clusters.star_parts import StepRelation
from deuterium.certify.checker.clusters.star_ranges import StarRanges
from deuterium.certify.checker.clusters.star_structure import StarStructure
from deuterium.certify.checker.exact_data import numbers
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.coordinate_ranges import State
from deuterium.certify.checker.lagrangian.graph_structure import RANGE_ONLY
from deuterium.certify.checker.lagrangian.parabola_cells import CoordinateFunctions
from deuterium.certify.checker.lagrangian.relaxed_root import (
    RelaxedRoot,
    needed_tasks,
    written,
)
from deuterium.certify.checker.lagrangian.separable_maximum import Peak, least_bound
from deuterium.certify.checker.proof_region import Region
from deuterium.certify.checker.work_limit import WorkLimit
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

Data = Mapping[str, Any]
Given = dict[int, tuple[Ball, Ball, bool]]
Part = TypeVar("Part", StepEnergy, SimplexCorners)


class StarClusters:
    """The clusters of an objective, or of its logarithm.

    Parameters
    ----------
    objective : Variable
    starts : mapping
        The first coordinate of each symbol.
    least, most : sequence of arb
        The box around the domain.
    atoms : sequence of Atom
        The region's coordinates behind the inputs.
    facts : mapping
        What holds for all leaves.
    work : WorkLimit, optional
        What it may take, together with others.

    Raises
    ------
    NoBound
        The facts do not fit the objective.
    """

    def __init__(
        self,
        objective: Variable,
        starts: Mapping[str, int],
        least: Sequence[Ball],
        most: Sequence[Ball],
        atoms: Sequence[Atom],
        facts: Mapping[str, Any],
        work: WorkLimit | None = None,
    ) -> None:
        self.work = work or WorkLimit()
        self.inputs = len(least)
        if type(facts["log"]) is not bool:
            raise NoBound("whether it is of the logarithm must be said")
        self.root = RelaxedRoot(objective, starts, least, most, facts["log"])
        if self.root.is_log != facts["log"]:
            raise NoBound("the objective has no logarithm that is a sum")
        graph = self.root.graph
        self.structure = StarStructure(graph, starts, self.inputs, facts)
        s = self.structure
        self.defining = [m for m in s.made if getattr(m, "kind", None) != RANGE_ONLY]
        self.energies = [self._of_step(StepEnergy, made) for made in self.defining]
        self.corners = [self._of_step(SimplexCorners, made) for made in self.defining]
        self.ranges = StarRanges(s)
        self._whole = self.ranges(
            {i: (least[i], most[i], False) for i in range(self.inputs)}
        )
        self.ranges.limit(self._whole)
        self._places = self._elements(objective, atoms)
        self._lay_out()

    def _of_step(self, kind: type[Part], made: Any) -> Part | None:
        if isinstance(made, StepRelation):
            return None
        try:
            return kind(self.structure, made)
        except NoBound:
            return None

    def _elements(self, objective: Variable, atoms: Sequence[Atom]) -> list[list[int]]:
        """Return the hubs and spokes that each atom of the regions is."""
        known = set(topological([objective]))
        places: dict[Atom, list[int]] = {}
        for block in self.structure.blocks[1:]:
            for node in block.nodes:
                for i, slot in enumerate(block.slots):
                    places.setdefault((written(node, known), i), []).append(slot)
        for step in self.structure.spoke_steps.values():
            for row in step.elements:
                for (node, i), slot in zip(row, step.slots, strict=True):
                    places.setdefault((written(node, known), i), []).append(slot)
        return [places.get(atom, []) for atom in atoms]

    # -- hubs --------------------------------------------------------------------------

    def _lay_out(self) -> None:
        """Sort all terms by their hubs, and by their spokes."""
        s = self.structure
        wanted = {
            t for made in self.defining for d in made.definitions for t in d.parts
        }
        wanted.update(s.objective.parts, s.stars, s.spokes)
        for energy in self.energies:
            if energy is not None:
                wanted.update(s.square(t) for t in [*energy.terms, *energy.made.slots])
        wanted.update(t for x in self.corners if x is not None for t in x.squares)
        wanted.update(f for f, _, _ in s.stars.values() if f is not None)
        functions: dict[int, list[int]] = {}
        self._stars: dict[int, dict[int, list[tuple[int, int | None, int]]]] = {}
        for t in sorted(wanted):
            hub = s.owner[t]
            functions.setdefault(hub, [])
            f, spoke, power = s.stars.get(t, (None, t, 1))
            if t in s.stars or t in s.spokes:
                self._stars.setdefault(hub, {}).setdefault(spoke, []).append(
                    (t, f, power)
                )
            elif t != hub:
                functions[hub].append(t)
        tasks: dict[int, list[Any]] = {hub: [] for hub in functions}
        for group in s.groups:
            for task in group.tasks:
                owner = s.owner.get(task[0][0])
                if owner in tasks and len(task[0]) == 1:
                    tasks[owner].append((group.op, task, group.attrs))
        safe = {
            i
            for v in self.root.logarithms
            for i in s.known[s.rewritten.made[v]].places.ravel().tolist()
        }
        self._curves = {}
        self._numbers: dict[int, dict[int | None, int]] = {}
        for hub, terms in functions.items():
            own = needed_tasks(tasks[hub], terms)
            ends = self._whole.low[hub], self._whole.high[hub]
            fixed = self.ranges.fixed
            shape = shape_of(hub, terms, own, fixed, safe)
            self._curves[hub] = CoordinateFunctions(
                hub, terms, own, fixed, ends, safe, self.work, shape
            )
            self._numbers[hub] = {
                None: UNIT, hub: HUB, **{t: FIRST + n for n, t in enumerate(terms)}
            }  # fmt: skip

    # -- leaves ------------------------------------------------------------------------

    def state(self, region: Region) -> State:
        """Return the ranges of all hubs and spokes over a region."""
        low, high, opened = region.low, region.high, region.open
        given: Given = {i: (low[i], high[i], opened[i]) for i in range(self.inputs)}
        for j, slots in enumerate(self._places, self.inputs):
            for slot in slots:
                given[slot] = _cut(given.get(slot), low[j], high[j], opened[j])
        return self.ranges(given)

    def bound(self, region: Region, data: Data, claim: Ball) -> Ball:
        """Return an upper bound of the objective, refined until it is below a claim.

        Raises
        ------
        NoPoint
            The region contradicts itself.
        NoBound
            The data prove nothing.
        """
        state = self.state(region)
        if "empty" in data:
            raise NoBound("the ranges do not contradict each other")
        constant, c = self._coefficients(data)
        claim = self.root.claim(claim)
        peaks = []
        for hub in self._curves:
            load, rest = self._load(hub, c, state)
            constant = constant + rest
            if load is not None:
                ends = state.low[hub], state.high[hub], hub in state.open
                peaks.append(Peak(self._curves[hub], load, *ends))
        total = least_bound(constant, peaks, claim, self.work)
        return total.exp() if self.root.is_log else total

    def _coefficients(self, data: Data) -> tuple[Ball, dict[int, Ball]]:
        """Return the constant, and the coefficients of all terms."""
        count = sum(len(made.definitions) for made in self.defining)
        p = iter(numbers(data["p"], count))
        objective = self.structure.objective
        constant, c = objective.constant, dict(objective.parts)

        def add(slot: int, x: Ball) -> None:
            c[slot] = c[slot] + x if slot in c else x

        for made in self.defining:
            for n, d in enumerate(made.definitions):
                x = next(p)
                if x.is_zero():
                    continue
                constant = constant + x * d.constant
                for t, y in d.parts.items():
                    add(t, x * y)
                if not isinstance(made, StepRelation):
                    add(made.slots[n], -x)
                elif made.is_inequality and not x > ZERO:
                    raise NoBound("a multiplier of what is not negative is negative")
        for energy, given in self._given(data, "energies", self.energies):
            for slot, w, centre in energy.squares(given):
                add(self.structure.square(slot), w)
                add(slot, -TWO * w * centre)
                constant = constant + w * centre * centre
        for corners, given in self._given(data, "corners", self.corners):
            for slot, x in corners.added(given):
                add(slot, x)
        return constant, c

    def _given(
        self, data: Data, name: str, known: Sequence[Part | None]
    ) -> list[tuple[Part, Any]]:
        """Return what data say of steps, for those of which they say anything."""
        told = data[name]
        if not isinstance(told, list) or len(told) != len(known):
            raise NoBound(f"{len(known)} {name} are wanted")
        found = []
        for part, given in zip(known, told, strict=True):
            if given is None:
                continue
            if part is None:
                raise NoBound(f"a step has no {name}")
            found.append((part, given))
        return found

    def _load(
        self, hub: int, c: Mapping[int, Ball], state: State
    ) -> tuple[ClusterLoad | None, Ball]:
        """Return what is to be maximised over a hub's cluster, and what is apart."""
        number = self._numbers[hub]
        own = {
            number[t]: c[t]
            for t in (hub, *self._curves[hub].terms)
            if t in c and not c[t].is_zero()
        }
        spokes, rest = [], ZERO
        for e, stars in self._stars.get(hub, {}).items():
            parts: tuple[dict[int, Ball], dict[int, Ball]] = {}, {}
            for t, f, power in stars:
                if t in c and not c[t].is_zero():
                    parts[power - 1][number[f]] = c[t]
            if not (parts[0] or parts[1]):
                continue
            low, high = state.low[e].lower(), state.high[e].upper()
            if not (low.is_finite() and high.is_finite()):
                raise NoBound("the range of a spoke has no end")
            spoke = Spoke(*parts, low, high)
            if spoke.is_apart:
                rest = rest + spoke.alone()
            else:
                spokes.append(spoke)
        if not (own or spokes):
            return None, rest  # wherever the hub is
        return ClusterLoad(own, spokes), rest


def _cut(
    known: tuple[Ball, Ball, bool] | None, low: Ball, high: Ball, is_open: bool
) -> tuple[Ball, Ball, bool]:
    """Return what two cuts of one number leave."""
    if known is None:
        return low, high, is_open
    a, b, was_open = known
    if a > low or (a >= low and was_open):
        low, is_open = a, was_open
    return low, smaller(b, high), is_open
