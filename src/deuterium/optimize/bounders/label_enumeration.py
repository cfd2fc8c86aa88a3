"""Enumeration of labels: a simpler graph with its own bounder for each value.

A gradient norm with the label put in is a simpler function than with the label as an
input.  Labels are the symbols with finitely many values, and those that the objective
is convex in, of whose range only the two end points count.

A convex function is largest over an interval at one of its ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from deuterium.array_type import Array
from deuterium.budget import check, in_time, taking
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.choice_options import (
    BEGINNING_SHARE,
    FEW_FORMS,
    MOST_LABEL_VALUES,
    WIDEST_LABEL,
)
from deuterium.optimize.bounders.discrete_branching import DiscreteBranching
from deuterium.optimize.bounders.natural_interval import NaturalIntervalBounder
from deuterium.optimize.bounders.norm_bounds.convex_nodes import is_convex_in
from deuterium.optimize.region import (
    EMPTY,
    Bounder,
    BoundResult,
    Proof,
    Regions,
    whole,
)

CONVEX: Proof = ("convex label", {})
"""The objective is convex in the symbol of the input that is cut, all else held fixed,
as the operators between them show: affine ones; the absolute value or square of an
affine function; a sum of squares of affine functions with factors >= 0 that do not
depend on the symbol, plus something >= 0 that does not, or the root of that; and
products of such with factors >= 0 that do not depend on the symbol."""


@dataclass(frozen=True, eq=False)
class LabelForm:
    """The problem with some inputs put in as numbers.

    Attributes
    ----------
    at : ndarray of int
        The inputs.
    values : ndarray
        Their values.
    problem : Problem
        What is left.
    bounder : Bounder
        Bounds it.
    """

    at: Array
    values: Array
    problem: Problem
    bounder: Bounder


class LabelEnumeration(Bounder):
    """Cuts labels first, and leaves each of their values to a bounder of its own.

    Parameters
    ----------
    problem : Problem
        What is maximised.
    forms : list of LabelForm
        One for each combination of the labels' values.
    convex : list of int
        Inputs that the objective is convex in.
    """

    forms: Sequence[LabelForm]

    def __init__(
        self, problem: Problem, forms: list[LabelForm], convex: list[int]
    ) -> None:
        self.problem, self.forms, self.convex = problem, forms, convex
        at = set(forms[0].at.tolist())
        self.labels = [
            n for n, s in problem.slices.items() if at & {*range(s.start, s.stop)}
        ]
        self.general = DiscreteBranching(problem, NaturalIntervalBounder(problem))
        self.atoms = max(f.bounder.atoms for f in forms)
        self.state = max(f.bounder.root().state.shape[1] for f in forms)
        self.batch = min(f.bounder.batch for f in forms)
        # cuts between labels, and each one's first region
        self.single = 2 * len(forms) - 1 if len(forms) > FEW_FORMS else 0
        self._begun: list[LabelForm] = []
        self._solved = np.zeros((1, 0))  # what the very first one ended with

    def root(self) -> Regions:
        """Return the whole domain as one region."""
        free = np.full(self.atoms, np.inf)
        return whole(
            np.concatenate([self.problem.lower, -free]),
            np.concatenate([self.problem.upper, free]),
            self.state,
        )

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Return the bounds of each region by the bounder of its labels."""
        steps, empty = self.general.shrink(regions)  # or one label has two regions
        merged = self._by_values(regions, incumbent)
        merged.upper = np.where(empty, -np.inf, merged.upper)
        for k in range(len(regions)):
            merged.steps[k] = steps[k] + merged.steps[k]
            if empty[k]:
                merged.proofs[k] = EMPTY
        return merged

    def _by_values(self, regions: Regions, incumbent: float) -> BoundResult:
        parts: list[tuple[Array, BoundResult]] = []
        left = np.ones(len(regions), dtype=bool)
        for form in self.forms:
            check()
            rows = np.flatnonzero(left & _is_at(regions, form))
            if len(rows):
                left[rows] = False
                parts.append((rows, self._by_form(form, regions.take(rows), incumbent)))
        rows = np.flatnonzero(left)
        if len(rows):
            parts.append((rows, self._by_labels(regions.take(rows), incumbent)))
        return _merged(regions, parts)

    def _by_labels(self, regions: Regions, incumbent: float) -> BoundResult:
        """Bound regions that hold several labels a little, and cut the labels."""
        n = self.problem.size
        inputs = _narrowed(regions, n, 0)
        results = self.general.bound(inputs, incumbent)
        for j in self.convex:
            rows = np.flatnonzero(results.low[:, j] < results.high[:, j])
            results.cut[rows] = j
            for k in rows:
                results.ends[k] = CONVEX
        return results

    def _by_form(
        self, form: LabelForm, regions: Regions, incumbent: float
    ) -> BoundResult:
        part = 1.0
        is_first = form not in self._begun and len(self.forms) > FEW_FORMS
        if is_first:  # an equal share for the first region of each
            part = 1.0 / (len(self.forms) - BEGINNING_SHARE * len(self._begun))
            self._begun.append(form)
            form.bounder.adopt(self._solved)
        coordinates = self.problem.size + form.bounder.atoms
        start = form.bounder.root().state
        own = _narrowed(regions, coordinates, start.shape[1])
        if len(self.forms) > FEW_FORMS:
            begun = np.any(own.state, axis=1, keepdims=True)
            own.state = np.where(begun, own.state, start)
        with taking(part):
            results = form.bounder.bound(own, incumbent)
        if len(self._begun) == 1 and is_first:
            self._solved = results.state[:1]
        return results


def label_enumeration_of(
    problem: Problem, choose: Callable[[Problem], Bounder], until: float = math.inf
) -> LabelEnumeration | None:
    """Return the bounder of a problem with few labels, or None where it has none.

    Nor where putting them in takes longer than ``until``, a time by `budget.now`.
    """
    convex = convex_labels(problem)
    tables = [(_places(part), rows) for part, rows in problem.finite]
    tables += [
        (np.array([j]), np.unique([problem.lower[j], problem.upper[j]])[:, None])
        for j in convex
    ]
    count = np.prod([len(rows) for _, rows in tables], dtype=float)
    if not tables or count > MOST_LABEL_VALUES or _is_all(problem, tables):
        return None
    at = np.concatenate([places for places, _ in tables])
    values = [np.concatenate(row) for row in product(*[rows for _, rows in tables])]
    specials = in_time(until, lambda: [problem.fixed(at, x) for x in values], None)
    if specials is None:
        return None
    forms = [
        LabelForm(at, x, p, choose(p)) for x, p in zip(values, specials, strict=True)
    ]
    return LabelEnumeration(problem, forms, convex)


def convex_labels(problem: Problem, widest: int = WIDEST_LABEL) -> list[int]:
    """Return the inputs of small symbols that the objective is convex in."""
    graph = problem.graph
    found: list[int] = []
    for s in (n for n in graph.order if n.is_symbol and n.size <= widest):
        check()
        part = problem.slices[s.name]
        ends = problem.lower[part], problem.upper[part]
        inside = problem.movable[part].all() and np.isfinite(ends).all()
        if inside and _depends_elsewhere(graph, s) and is_convex_in(graph, s):
            found += range(part.start, part.stop)
    return found


def _depends_elsewhere(graph: Graph, s: Variable) -> bool:
    return any(n.name != s.name for n in graph.symbols)


def _places(part: slice) -> Array:
    return np.arange(part.start, part.stop)


def _is_all(problem: Problem, tables: list[tuple[Array, Array]]) -> bool:
    return sum(len(places) for places, _ in tables) == problem.size


def _is_at(regions: Regions, form: LabelForm) -> Array:
    low, high = regions.low[:, form.at], regions.high[:, form.at]
    return ((low == form.values) & (high == form.values)).all(axis=1)


def _narrowed(regions: Regions, coordinates: int, state: int) -> Regions:
    return Regions(
        regions.low[:, :coordinates].copy(),
        regions.high[:, :coordinates].copy(),
        regions.open[:, :coordinates].copy(),
        regions.bound,
        regions.state[:, :state],
    )


def _merged(regions: Regions, parts: list[tuple[Array, BoundResult]]) -> BoundResult:
    """Return one batch of verdicts; coordinates that a part lacks stay as they are."""
    count = len(regions)
    merged = BoundResult(
        upper=np.empty(count),
        proofs=[("", {})] * count,
        low=regions.low.copy(),
        high=regions.high.copy(),
        open=regions.open.copy(),
        cut=np.empty(count, dtype=int),
        at=np.empty(count),
        points=np.concatenate([v.points for _, v in parts]),
        state=np.zeros(regions.state.shape),
    )
    for rows, v in parts:
        merged.upper[rows], merged.cut[rows], merged.at[rows] = v.upper, v.cut, v.at
        merged.state[rows, : v.state.shape[1]] = v.state
        for name in ("low", "high", "open"):
            part = getattr(v, name)
            getattr(merged, name)[rows, : part.shape[1]] = part
        for k, i in enumerate(rows.tolist()):
            merged.proofs[i], merged.steps[i] = v.proofs[k], v.steps[k]
            merged.ends[i] = v.ends[k]
    return merged
