"""A bound of a gradient's norm by star clusters, at weights that change at every step.

Structure, tables and the tape of coefficients are made once.  From step to step two
things are kept: multipliers, which may be anything, and a bound for all weights that
are near enough to those for which it was worked out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.lagrangian.factored_parts import Unsuited
from deuterium.privacy.training.hub_tables import HubTable
from deuterium.privacy.training.near_bound import KnownStep, NearBound
from deuterium.privacy.training.record_sets import InputSet
from deuterium.privacy.training.step_lagrangian import StepLagrangian
from deuterium.privacy.training.step_objective import StepObjective
from deuterium.privacy.training.step_parts import StepTerm
from deuterium.privacy.training.step_program import StepProgram
from deuterium.privacy.training.step_ranges import StepRangePass, StepRanges, TooFar
from deuterium.privacy.training.step_rows import ListedRows, mixed
from deuterium.privacy.training.step_solver import StepSolver
from deuterium.privacy.training.training_options import (
    CELL_GROWTH,
    FIRST_STEPS_OF_SOLVER,
    JUMP_OF_BOUND,
    LATER_STEPS,
    LATEST_CALL,
    LEAST_BOUND,
    LONE_CELL_GROWTH,
    LOST_OF_TERMS,
    MOST_ENERGY,
    MOST_TERMS,
    STEPS_AFTER_JUMP,
    UNDERFLOW_OF_LOGARITHM,
)

__all__ = ["StepClusters"]


class StepLook(NamedTuple):
    """Numbers at a step, how far they drift within radii, and the ranges there."""

    numbers: list[Array]
    radii: Mapping[str, float]
    drift: list[Array]
    at: StepRanges


class StepClusters:
    """The bound of one norm.

    Parameters
    ----------
    listed : ListedRows
        The norm.
    weights : mapping from str to tuple of int
        Shapes of the symbols that are weights.
    domain : Domain
        Of the others.

    Raises
    ------
    Unsuited
        The norm has a part that cannot be taken apart.
    """

    def __init__(
        self, listed: ListedRows, weights: Mapping[str, tuple[int, ...]], domain: Domain
    ) -> None:
        self.listed = listed
        given = {n: np.zeros(s) for n, s in weights.items()}
        inputs = _inputs(listed, weights)
        self.inputs = [InputSet(s, domain) for s in inputs]
        shapes = {s.name: s.shape for s in inputs}
        self.program = StepProgram(given, shapes, listed.values)
        for v in (listed.norm, listed.logits):
            if v is not None:
                self.program.share(v)
        self.objective = StepObjective(self.program, self.inputs)
        self.objective.enter(listed.norm)
        if listed.logits is not None:
            self.program.watch(listed.logits)
        squares = [self._squares(r.form.parts, r) for r in self.program.rules]
        self._require_few()
        used = self._summed(squares)
        tables = [self._table(k, used) for k in range(len(self.program.groups))]
        has_ball = any(i.ball is not None for i in self.inputs)
        lengths = bool(self.program.spokes) or has_ball
        self.pass_ = StepRangePass(
            self.program, tables, self.inputs, lengths, len(self.objective.powers)
        )
        self.lagrangian = StepLagrangian(
            self.program, self.inputs, self.objective, squares, listed.rows
        )
        forms = [*(r.form for r in self.program.rules), *self.program.sums]
        numbers = [c.number for f in forms for c in f.parts.values()]
        numbers += [
            *(f.constant for f in forms),
            *(x for _, x in self.objective.numbers),
        ]
        self.program.tape.keep(x for x in numbers if x is not None)
        self._known: dict[str, KnownStep] = {}

    def _squares(
        self, parts: Mapping[StepTerm, Any], rule: Any
    ) -> list[StepTerm] | None:
        """Return the squares of a rule's terms, if it is to have an energy."""
        terms, size = sum(t.count for t in parts), rule.form.shape[0]
        if rule.spokes is None or size < 2 or not 0 < min(terms, size) <= MOST_ENERGY:
            return None
        found = [self.program.squared(t) for t in parts]
        return None if None in found else [t for t in found if t is not None]

    def _require_few(self) -> None:
        program = self.program
        sizes = [g.size for g in program.groups] + [
            len(s.hub_of) for s in program.spokes
        ]
        forms = [*(r.form for r in program.rules), *program.sums]
        terms = [t.count for f in forms for t in f.parts]
        if sum(sizes) + max(terms, default=0) > MOST_TERMS:
            raise Unsuited("too many hubs and spokes")
        if 0 in sizes:
            raise Unsuited("an array without elements")

    def _summed(self, squares: Sequence[Any]) -> set[tuple[int, int]]:
        """Return the groups and functions of all terms of sums, of any sign there."""
        forms = [*(r.form for r in self.program.rules), *self.program.sums]
        terms = [t for f in forms for t in f.parts]
        terms += [t for s in squares if s is not None for t in s]
        return {(t.group, t.function) for t in terms}

    def _table(self, number: int, summed: set[tuple[int, int]]) -> HubTable | None:
        g = self.program.groups[number]
        if g.is_input:
            return None
        logs = {t.function for t in self.objective.logs if t.group == number}
        only_added = [f for f in logs if (number, f) not in summed]
        values = {n: v[0] for n, v in self.listed.values.items() if v[0, 0].size == 1}
        used = {s.name for f in g.functions for s in free_symbols([f.full])}
        rows: list[dict[str, Any]] = [{}]
        if used & set(values):
            rows = [
                {n: v[k] if v.ndim > 1 else float(v[k]) for n, v in values.items()}
                for k in range(self.listed.rows)
            ]
        growth = CELL_GROWTH if g.size > 1 else LONE_CELL_GROWTH
        return HubTable(g.vector, g.functions, rows, growth, only_added)

    # -- at a step -------------------------------------------------------------------

    def __call__(self, weights: Mapping[str, Array], kind: str) -> tuple[float, bool]:
        """Return a bound, and whether multipliers were improved for it."""
        known = self._known.get(kind)
        if known is not None:
            known.age += 1
        if known is not None and known.near is not None and known.age < known.due:
            found = known.near.bound(weights)
            if found is not None:
                return found, False
        try:
            return self._anew(weights, kind, known)
        except (FloatingPointError, TooFar):
            self._known.pop(kind, None)
            return math.inf, True

    def kept(self, kind: str) -> float:
        """Return the bound that is kept for the next calls."""
        known = self._known.get(kind)
        return math.inf if known is None else known.last

    def forget(self, kind: str) -> None:
        """Work everything out at the next call."""
        if kind in self._known:
            self._known[kind].near = None
            self._known[kind].age = LATEST_CALL

    def _anew(
        self, weights: Mapping[str, Array], kind: str, known: KnownStep | None
    ) -> tuple[float, bool]:
        numbers = self.program.tape.run(weights)
        steps = LATER_STEPS
        if known is None:
            steps = STEPS_AFTER_JUMP if self._known else FIRST_STEPS_OF_SOLVER
            known = KnownStep(StepSolver(self.lagrangian, self.pass_(numbers)))
            self._known[kind] = known
        look, near = self._looked(numbers, weights, known)
        if not known.is_due(near.least):
            known.keep(near)
            return near.least, False
        before = near.least
        known.solver.improve(look.at, steps)
        near = self._near(look, weights, known)
        if not near.least <= JUMP_OF_BOUND * known.last:
            known.solver.improve(look.at, STEPS_AFTER_JUMP)
            near = self._near(look, weights, known)
        plain = self._plain(numbers, look.at)
        if not near.least < math.inf:  # NaN fails, too: multipliers may be no numbers
            del self._known[kind]
            return plain, True
        known.improved(before, near.least)
        known.keep(near)
        return min(near.least, plain), True

    def _looked(
        self, numbers: list[Array], weights: Mapping[str, Array], known: KnownStep
    ) -> tuple[StepLook, NearBound]:
        """Return what is known near weights; of less, where that would cost much."""
        while True:
            radii = known.radii(weights)
            drift = self.program.tape.drift(numbers, weights, radii)
            look = StepLook(numbers, radii, drift, self.pass_(numbers, drift))
            near = self._near(look, weights, known)
            if not known.is_too_far(near):
                return look, near

    def _near(
        self, look: StepLook, weights: Mapping[str, Array], known: KnownStep
    ) -> NearBound:
        logs = self.lagrangian(look.at, known.solver.m)
        least = self._of_rows(logs, look.numbers, look.at)
        most = self._of_rows(
            logs + self.lagrangian.drift, look.numbers, look.at, look.drift
        )
        return NearBound(weights, look.radii, least, most)

    def _plain(self, numbers: list[Array], at: StepRanges) -> float:
        """Return what the ranges of all factors say."""
        total: Array = np.zeros(self.listed.rows)
        for t in self.objective.logs:
            total = total + self.pass_.function_ends(t, at)[1][:, 0]
        for power, ends in zip(self.objective.powers, at.ends_of, strict=False):
            total = total + power * np.log(np.maximum(ends[1][:, 0], LEAST_BOUND**2))
        return self._of_rows(total + LOST_OF_TERMS * np.abs(total), numbers, at)

    def _of_rows(
        self,
        logs: Array,
        numbers: list[Array],
        at: StepRanges,
        drift: Sequence[Array] | None = None,
    ) -> float:
        """Return the bound, given the logarithms of squared norms, for each row."""
        for power, x in self.objective.numbers:
            off = LOST_OF_TERMS * numbers[x.size] + LEAST_BOUND
            size = np.abs(numbers[x.value])
            # of a divisor the least, and no bound where that may be zero
            size = size + off if power > 0 else np.maximum(size - off, 0.0)
            logs = logs + 2 * power * np.log(size).reshape(-1)
            if drift is not None:  # a logarithm lies below its tangent
                share = (drift[x.size] / size).reshape(-1)
                more = share if power > 0 else -np.log1p(-np.minimum(share, 1.0))
                logs = logs + 2 * abs(power) * more
        norms = np.exp(logs / 2 + UNDERFLOW_OF_LOGARITHM) + LEAST_BOUND
        if self.listed.table is None:
            return float(norms.max())
        by_label = np.append(norms, LEAST_BOUND)[self.listed.table]
        return float(mixed(by_label, *at.probabilities).max())


def _inputs(listed: ListedRows, weights: Mapping[str, Any]) -> list[Variable]:
    graphs = [v for v in (listed.norm, listed.logits) if v is not None]
    known = {*weights, *listed.values}
    return [s for s in free_symbols(graphs) if s.name not in known]


def taken_apart(
    listed: ListedRows, weights: Mapping[str, tuple[int, ...]], domain: Domain
) -> StepClusters | None:
    """Return the bound of a norm, or None where it does not fit."""
    try:
        with np.errstate(all="ignore"):  # tables reach where functions overflow
            return StepClusters(listed, weights, domain)
    except Unsuited:
        return None
