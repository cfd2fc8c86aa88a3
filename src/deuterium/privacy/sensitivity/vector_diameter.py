"""The diameter of a vector, or of anything with shared symbols: the least of bounds.

All of them are sound, the cheap ones come first, and later ones are worked out only
where the earlier are wide: the ranges of elements; a quotient of sums with two kinds of
people; how far each of a few elements moves by itself; of a length, the change of its
vector; twice the contribution, and that with the ranges; a maximisation over both
records.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium import budget
from deuterium.certify.format import digest
from deuterium.domain.domain import Domain
from deuterium.enclose import enclose
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.ops.indexing import take_places
from deuterium.ops.logic import is_condition
from deuterium.optimize import maximize
from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.privacy.directed_rounding import product_up
from deuterium.privacy.mechanisms.release_shapes import Shape
from deuterium.privacy.sensitivity.bound_sources import BothSides
from deuterium.privacy.sensitivity.kinds_problem import kinds_cases
from deuterium.privacy.sensitivity.length_change import length_behind
from deuterium.privacy.sensitivity.neighbours import Neighbours
from deuterium.privacy.sensitivity.sensitivity import Sensitivity
from deuterium.privacy.sensitivity.vector_norms import (
    BestBound,
    ball_and_box_bound,
    norm_graph,
    norm_up,
    ranges_bound,
)

ELEMENTS = 16  # at most so many are bounded one by one
MOST_FOR_KINDS = 0.9  # of the time
REACHING = 0.1  # of the time may go to a first search among jumps


class VectorDiameter:
    """The bounds of one diameter.

    Parameters
    ----------
    parts : list of Variable
        What of the result changes with a record.
    whole : list of Variable
        The result.
    shape : tuple
        Of what is released.
    norm : {1, 2, inf}
    neighbours : Neighbours
        The two records.
    options : dict
        Of `deuterium.maximize`, with ``time_limit``.
    """

    def __init__(
        self,
        parts: list[Variable],
        whole: list[Variable],
        shape: Shape,
        norm: float,
        neighbours: Neighbours,
        options: dict[str, Any],
    ) -> None:
        self.parts, self.norm, self.neighbours = parts, norm, neighbours
        self.start, self.limit = budget.now(), options.pop("time_limit")
        self.path = options.pop("checkpoint", None)
        self.points, self.options = options.pop("points", None), options
        self.apart = distance_graph(neighbours.differences(parts), norm)
        self.length = norm_graph(parts, norm)
        self.cases = kinds_cases(whole, neighbours) if neighbours.shared else []
        tolerances = options["rtol"], options["atol"]
        self.best = BestBound(
            self.apart, self.apart, neighbours, norm, *tolerances, shape
        )

    def bounded(self) -> Sensitivity:
        """Return the least of all bounds that were needed."""
        best, neighbours = self.best, self.neighbours
        # a search among jumps ends late, with no slope to say that nothing is gained
        jumps = any(is_condition(v) for v in topological([self.apart]))
        seed, limit = self.options.get("seed", 0), self._left(REACHING)
        best.reach(seed, limit if jumps else None, starts=16)
        ranges = ranges_bound(self.parts, self.norm, neighbours.domain)
        best.offer(ranges, None, "ranges of elements")
        for way, share in self._ways():
            if not best.is_close and best.status != "interrupted":
                way(share)
        return best.sensitivity(scope=neighbours.scope)

    def _ways(self) -> list[tuple[Callable[[float], None], float]]:
        """Return what to try, and the share of the time left that it may take."""
        neighbours = self.neighbours
        ways: list[tuple[Callable[[float], None], float]]
        ways = [(self._by_one, 0.4), (self._by_both, 1.0)]
        if not neighbours.shared:
            return ways
        twice = 2 * enclose(self.length, neighbours.domain).upper
        if twice > enclose(self.apart, neighbours.doubled).upper:
            ways = [(self._by_both, 0.8), (self._by_one, 1.0)]
        size = sum(p.size for p in self.parts)
        if size <= ELEMENTS:
            first = (self._by_length, 0.3) if size == 1 else (self._by_elements, 0.6)
            ways.insert(0, first)
        return [(self._by_kinds, MOST_FOR_KINDS), *ways] if self.cases else ways

    def _by_kinds(self, share: float) -> None:
        """Bound what two kinds of people leave of a quotient of sums over people."""
        found: list[Bracket] = []
        for k, case in enumerate(self.cases):
            apart, domain = case.problem(self.neighbours)
            graph, part = (
                distance_graph(apart, self.norm),
                share / (len(self.cases) - k),
            )
            # half of the gap is for shares of people that are no whole numbers
            one = self._run(f"kind{k}", graph, domain, part, None, 0.5)
            if one.witness:
                self.best.admit(case.people(one.witness, self.neighbours))
            if one.upper == math.inf or one.status == "interrupted":
                return
            found.append(one)
        most = max(0.0, *(one.upper for one in found))
        proof = BothSides(*found) if len(found) == 2 else found[0]
        self.best.offer(most, proof, "all who stay being people of two kinds")

    def _by_elements(self, share: float) -> None:
        """Bound how far each element moves, by itself, and take the norm of that."""
        elements = [
            take_places(v, np.array(i))
            for v in self.neighbours.differences(self.parts)
            for i in range(v.size)
        ]
        distinct = {digest(v): v for v in elements}
        found, doubled = {}, self.neighbours.doubled
        for k, (name, v) in enumerate(distinct.items()):
            part = share / (len(distinct) - k * share)
            one = self._run(f"element{k}", v, doubled, part, None)
            if one.upper == math.inf or one.status == "interrupted":
                return
            found[name] = one.upper
        most = np.array([max(found[digest(v)], 0.0) for v in elements])
        upper = norm_up(most, self.norm)
        self.best.offer(upper, None, "how far each element moves by itself")

    def _by_length(self, share: float) -> None:
        known = length_behind(self.parts[0], self.neighbours.domain)
        if known is None:
            return
        h, factor = known
        moved = norm_graph(self.neighbours.differences([h]), 2)
        one = self._run("length", moved, self.neighbours.doubled, share, None)
        how = "the change of a length, of which it is a multiple"
        self.best.offer(product_up(factor, one.upper), one, how)

    def _by_one(self, share: float) -> None:
        domain = self.neighbours.domain
        one = self._run("one", self.length, domain, share, self.points)
        self.best.offer(2 * one.upper, one, "twice the contribution")
        if self.norm == 2:
            near = ball_and_box_bound(self.parts, one.upper, domain)
            how = "the contribution and the ranges of elements"
            self.best.offer(near, one, how)
        if one.status == "interrupted":
            self.best.status = one.status

    def _by_both(self, share: float) -> None:
        rows, doubled = self.best.points(), self.neighbours.doubled
        self.best.take(self._run("two", self.apart, doubled, share, rows))

    def _left(self, share: float) -> float | None:
        if self.limit is None:
            return None
        spent = budget.now() - self.start
        return float(max(0.05, share * (self.limit - spent)))

    def _run(
        self,
        name: str,
        v: Variable,
        domain: Domain,
        share: float,
        rows: Any,
        of_gap: float = 1.0,
    ) -> Bracket:
        more = {n: of_gap * self.options[n] for n in ("rtol", "atol")}
        if self.path is not None:
            more["checkpoint"] = f"{self.path}.{name}"
        limit = self._left(share)
        options = {**self.options, **more}
        return maximize(v, domain, time_limit=limit, points=rows, **options)


def distance_graph(apart: list[Variable], norm: float) -> Variable:
    """Return the norm of a difference of two records' results.

    Of one number it is the difference itself: the records may change places, so that it
    is as far above zero as below, and has no kink there.
    """
    if sum(v.size for v in apart) == 1:
        (number,) = [v for v in apart if v.size]
        return number.reshape(()) if number.shape else number
    return norm_graph(apart, norm)
