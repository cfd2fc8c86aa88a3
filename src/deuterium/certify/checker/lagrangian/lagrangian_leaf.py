"""Check of one relaxation leaf: a constant plus one-dimensional maxima."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deuterium.certify.checker.ball_functions import HALF, ZERO, Ball
from deuterium.certify.checker.ball_program import Atom
from deuterium.certify.checker.exact_data import finite, numbers
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.coordinate_ranges import RangePass, State
from deuterium.certify.checker.lagrangian.graph_structure import (
    BILINEAR,
    GraphStructure,
)
from deuterium.certify.checker.lagrangian.parabola_cells import (
    CoordinateFunctions,
    CoordinateObjective,
)
from deuterium.certify.checker.lagrangian.quadratic_proof import (
    Square,
    quadratic_proofs,
)
from deuterium.certify.checker.lagrangian.relaxed_root import (
    RelaxedRoot,
    needed_tasks,
    written,
)
from deuterium.certify.checker.lagrangian.separable_maximum import (
    Peak,
    at_corners,
    least_bound,
)
from deuterium.certify.checker.proof_region import Region
from deuterium.certify.checker.scalar_layout import TaskGroup
from deuterium.certify.checker.work_limit import WorkLimit
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

Data = Mapping[str, Any]
Given = dict[int, tuple[Ball, Ball, bool]]


class Separable:
    """The relaxation of an objective, or of its logarithm.

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
        Numbers that hold for all leaves.
    work : WorkLimit, optional
        What it may take, together with others.
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
        takes_log = bool(facts.get("log", True))
        self.root = RelaxedRoot(objective, starts, least, most, takes_log)
        self.structure = GraphStructure(self.root.graph, starts, self.inputs)
        self.facts = facts
        logs = [self.structure.known[v] for v in self.root.logarithms]
        self._safe = {i for known in logs for i in known.places.ravel().tolist()}
        self.forward = RangePass(self.structure)
        self._whole = self.forward(
            {i: (least[i], most[i], False) for i in range(self.inputs)}
        )
        self.forward.limit(self._whole)
        self._places = self._coordinates(objective, atoms)
        self._definitions = [
            (slot, d)
            for block in self.structure.blocks
            for slot, d in zip(block.slots, block.definitions, strict=False)
        ]
        self.energies = quadratic_proofs(self.structure, facts)
        self._curves = self._made_curves()

    def _coordinates(
        self, objective: Variable, atoms: Sequence[Atom]
    ) -> list[int | None]:
        """Return the coordinate that each atom of the regions is, if it is one."""
        known = set(topological([objective]))
        places: dict[Atom, int] = {}
        for block in self.structure.blocks:
            start = 0
            for node in block.nodes:
                own = written(node, known)
                for element in range(node.size):
                    slot = block.slots[start + element]
                    places.setdefault((own, element), slot)
                start += node.size
        return [places.get((node, element)) for node, element in atoms]

    # -- functions ---------------------------------------------------------------------

    def _made_curves(self) -> dict[int, CoordinateFunctions]:
        """Return the curve of every coordinate that functions are taken of."""
        s = self.structure
        wanted = {t for _, d in self._definitions for t in d.parts}
        wanted.update(s.objective.parts)
        wanted.update(t for e in self.energies for t in e.terms)
        products = {w for b in s.blocks if b.kind == BILINEAR for w in b.products}
        by_owner: dict[int, list[int]] = {}
        for t in sorted(wanted - products):
            by_owner.setdefault(s.owner[t], [])
            if s.owner[t] != t:
                by_owner[s.owner[t]].append(t)
        tasks: dict[int, list[Any]] = {owner: [] for owner in by_owner}
        for event in s.events:
            if isinstance(event, TaskGroup):
                for task in event.tasks:
                    owner = s.owner.get(task[0][0])
                    if owner in tasks and len(task[0]) == 1:
                        tasks[owner].append((event.op, task, event.attrs))
        return {
            owner: self._curve(owner, terms, needed_tasks(tasks[owner], terms))
            for owner, terms in by_owner.items()
        }

    def _curve(
        self, slot: int, terms: list[int], tasks: list[Any]
    ) -> CoordinateFunctions:
        whole = self._whole
        ends = whole.low[slot], whole.high[slot]
        fixed = self.forward.fixed
        return CoordinateFunctions(
            slot, terms, tasks, fixed, ends, self._safe, self.work
        )

    # -- leaves ------------------------------------------------------------------------

    def ranges(self, region: Region) -> State:
        """Return the ranges of all coordinates over a region."""
        given: Given = {
            i: (region.low[i], region.high[i], region.open[i])
            for i in range(self.inputs)
        }
        for j, slot in enumerate(self._places, self.inputs):
            if slot is not None:
                given[slot] = region.low[j], region.high[j], region.open[j]
        return self.forward(given)

    def bound(self, region: Region, data: Data, claim: Ball) -> Ball:
        """Return an upper bound of the objective, refined until it is below a claim."""
        state = self.ranges(region)
        if data.get("empty"):
            raise NoBound("the ranges do not contradict each other")
        constant, c, squares = self._coefficients(state, data)
        claim = self.root.claim(claim)
        peaks: list[Peak] = []
        for block in self.structure.blocks:
            if block.kind == BILINEAR:
                constant = constant + self._corners(block, state, c)
            else:
                peaks += self._peaks(block.slots, state, c, squares)
        total = least_bound(constant, peaks, claim, self.work)
        return total.exp() if self.root.is_log else total

    def _coefficients(
        self, state: State, data: Data
    ) -> tuple[Ball, dict[int, Ball], list[Square]]:
        """Return the constant, the coefficients of all slots, and the squares."""
        count = len(self._definitions)
        p = numbers(data["p"], count + len(self.energies))
        constant = self.structure.objective.constant
        c = dict(self.structure.objective.parts)
        for (slot, d), x in zip(self._definitions, p, strict=False):
            if x.is_zero():
                continue
            constant = constant + x * d.constant
            for t, y in d.parts.items():
                more = x * y
                c[t] = c[t] + more if t in c else more
            c[slot] = c[slot] - x if slot in c else -x
        squares: list[Square] = []
        own = data.get("energies") or [None] * len(self.energies)
        for k, (nu, pair) in enumerate(zip(p[count:], own, strict=True)):
            if nu.is_zero():
                continue
            if not nu > ZERO:
                raise NoBound("the multiplier of an energy must not be negative")
            squares += [
                Square(sq.slot, nu * sq.weight, sq.centre)
                for sq in self._squares(k, pair, state)
            ]
        return constant, c, squares

    def _squares(self, k: int, pair: Any, state: State) -> list[Square]:
        """Return what an energy adds; ``pair`` has the region's own weights, if any."""
        energy, fact = self.energies[k], self.facts["energies"][k]
        none = [None] * len(energy.terms)
        centres = dict(zip(energy.terms, fact.get("centres", none), strict=True))

        def centre(t: int) -> Ball:
            if centres[t] is not None:
                return finite(centres[t])
            return (state.low[t] + state.high[t]) * HALF

        if pair is None:
            pair = fact["weights"], fact["above"]
        return energy.squares(pair, centre)

    def _corners(self, block: Any, state: State, c: Mapping[int, Ball]) -> Ball:
        low, high, count = state.low, state.high, len(block.products)
        total = ZERO
        for k, w in enumerate(block.products):
            u, v = block.slots[k], block.slots[count + k]
            total = total + at_corners(
                c.get(u, ZERO),
                c.get(v, ZERO),
                c.get(w, ZERO),
                (low[u], high[u]),
                (low[v], high[v]),
            )
        return total

    def _peaks(
        self,
        slots: Sequence[int],
        state: State,
        c: Mapping[int, Ball],
        squares: Sequence[Square],
    ) -> list[Peak]:
        mine: dict[int, list[Square]] = {}
        for sq in squares:
            mine.setdefault(sq.slot, []).append(sq)
        peaks = []
        for slot in slots:
            curve = self._curves.get(slot)
            if curve is None:
                curve = self._curves[slot] = self._curve(slot, [], [])
            load = CoordinateObjective(
                [c.get(t, ZERO) for t in curve.terms],
                c.get(slot, ZERO),
                mine.get(slot, ()),
                [mine.get(t, ()) for t in curve.terms],
            )
            if load.is_zero:
                continue  # wherever the coordinate is
            peaks.append(
                Peak(curve, load, state.low[slot], state.high[slot], slot in state.open)
            )
        return peaks
