"""A bound of a gradient's norm by star clusters, at weights that change at every step.

Structure, tables and the tape of coefficients are made once.  What changes little from
step to step is kept: multipliers, which may be anything, and ranges, which are made a
little wider than they are and hold for as long as the new ones lie inside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.domain.domain import Domain
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.lagrangian.factored_parts import Unsuited
from deuterium.privacy.training.hub_tables import HubTable
from deuterium.privacy.training.record_sets import InputSet
from deuterium.privacy.training.step_lagrangian import StepLagrangian
from deuterium.privacy.training.step_objective import StepObjective
from deuterium.privacy.training.step_program import StepProgram
from deuterium.privacy.training.step_ranges import StepRangePass, StepRanges, TooFar
from deuterium.privacy.training.step_rows import ListedRows, mixed
from deuterium.privacy.training.step_solver import FIRST, StepSolver
from deuterium.privacy.training.weight_sums import LOST, MANY, StepTerm

__all__ = ["KnownStep", "StepClusters"]

Array = Any

GROWTH, LONE_GROWTH = 0.06, 0.04  # of the width of cells, for many hubs and for one
MOST_ENERGY = 128  # terms and rules that an energy may have, the fewer of both
WIDENED, WIDEST = 0.002, 0.03  # shares by which a range is widened at either end
NARROWEST = 1e-6  # the least of these shares
TRIALS, WORSE = 3, 1.01  # of shares; what a bound may lose by them
CALLS = 64  # for which ranges are kept, and then multipliers improved
AGAIN = 6  # steps of the solver then
JUMP, AFTER_JUMP = 1.1, 40  # steps where the bound has become so much larger
SURE = 1e-9  # of a logarithm: what underflows has no part in more
LEAST = 1e-100  # no bound is smaller


@dataclass
class KnownStep:
    """What one kind of bound has found out: multipliers, ranges, and their age."""

    solver: StepSolver
    ranges: StepRanges | None
    age: int
    last: float
    widened: float


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
        if sum(sizes) + max(terms, default=0) > MANY:
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
        growth = GROWTH if g.size > 1 else LONE_GROWTH
        return HubTable(g.vector, g.functions, rows, growth, only_added)

    # -- at a step -------------------------------------------------------------------

    def __call__(self, weights: Mapping[str, Array], kind: str) -> tuple[float, bool]:
        """Return a bound, and whether it was worked out afresh."""
        try:
            numbers = self.program.tape.run(weights)
        except FloatingPointError:
            return math.inf, True
        known = self._known.get(kind)
        at = None if known is None or known.age >= CALLS else known.ranges
        if known is not None and at is not None and self.pass_.again(numbers, at):
            known.age += 1
            found = self._bound(numbers, at, known.solver)
            if found <= JUMP * known.last:
                return found, False
        try:
            return self._afresh(numbers, kind, known), True
        except TooFar:
            return math.inf, True

    def kept(self, kind: str) -> float:
        """Return the bound by the ranges that are kept for the next calls."""
        known = self._known.get(kind)
        return math.inf if known is None else known.last

    def forget(self, kind: str) -> None:
        """Work everything out at the next call."""
        if kind in self._known:
            self._known[kind].ranges = None

    def _afresh(
        self, numbers: list[Array], kind: str, known: KnownStep | None
    ) -> float:
        exact = self.pass_.fresh(numbers, 0.0)
        if known is None:
            solver = StepSolver(self.lagrangian, exact)
            known = self._known[kind] = KnownStep(solver, None, 0, 0.0, WIDENED)
            solver.improve(exact, FIRST if len(self._known) == 1 else AFTER_JUMP)
        else:
            known.solver.improve(exact, AGAIN)
        found = self._bound(numbers, exact, known.solver)
        if not found <= JUMP * known.last and known.last:
            known.solver.improve(exact, AFTER_JUMP)
            found = self._bound(numbers, exact, known.solver)
        if not found < math.inf:  # NaN fails, too: its multipliers may be no numbers
            del self._known[kind]
            return self._plain(numbers, exact)
        if known.ranges is not None:
            known.widened *= 0.7 if known.age >= CALLS else 2.0
            known.widened = min(max(known.widened, NARROWEST), WIDEST)
        known.age = 0
        known.last = self._kept(numbers, known, found)
        return min(found, self._plain(numbers, exact))

    def _kept(self, numbers: list[Array], known: KnownStep, found: float) -> float:
        """Keep ranges for the next calls; return the bound by them."""
        kept = math.inf
        for _ in range(TRIALS):
            known.ranges = self.pass_.fresh(numbers, known.widened)
            kept = self._bound(numbers, known.ranges, known.solver)
            if kept <= WORSE * found:
                break
            known.widened = max(known.widened / 8, NARROWEST)
        return max(kept, found)

    def _bound(self, numbers: list[Array], at: StepRanges, solver: StepSolver) -> float:
        return self._of_rows(self.lagrangian(at, solver.m), numbers, at)

    def _plain(self, numbers: list[Array], at: StepRanges) -> float:
        """Return what the ranges of all factors say."""
        total: Array = np.zeros(self.listed.rows)
        for t in self.objective.logs:
            total = total + at.functions[t.group][1][:, t.hubs[0], t.function]
        for power, ends in zip(self.objective.powers, at.ends_of, strict=False):
            total = total + power * np.log(np.maximum(ends[1][:, 0], LEAST**2))
        return self._of_rows(total + LOST * np.abs(total), numbers, at)

    def _of_rows(self, logs: Array, numbers: list[Array], at: StepRanges) -> float:
        """Return the bound, given the logarithms of squared norms, for each row."""
        for power, x in self.objective.numbers:
            off = LOST * numbers[x.size] + LEAST
            size = np.abs(numbers[x.value])
            # of a divisor the least, and no bound where that may be zero
            size = size + off if power > 0 else np.maximum(size - off, 0.0)
            logs = logs + 2 * power * np.log(size).reshape(-1)
        norms = np.exp(logs / 2 + SURE) + LEAST
        if self.listed.table is None:
            return float(norms.max())
        by_label = np.append(norms, LEAST)[self.listed.table]
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
