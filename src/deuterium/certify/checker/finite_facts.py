"""Inputs of which finitely many values matter, and people in order, proved again.

A certificate may say, in ``facts["finite"]``, that ``sup F`` over the domain is that
over the points whose inputs ``at`` have one of their ``values``, ``by`` a reason each
("ends", "together" or "places"), and whose ``people``, lists of inputs, are in rising
order.  From then on regions stand for these points alone.  Of people with an input of
which no values are told, the first inputs alone are in order.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from deuterium.certify.checker.ball_functions import Ball, larger, smaller
from deuterium.certify.checker.end_values import EndValues
from deuterium.certify.checker.exceptions import NoBound, NoPoint
from deuterium.certify.checker.jump_places import JumpPlaces
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.certify.checker.proof_region import Region, number
from deuterium.certify.checker.same_inputs import SameInputs
from deuterium.certify.format import is_double
from deuterium.graph.variable import Variable

Row = tuple[int, ...]


class FiniteFacts:
    """What a certificate says of such inputs, and no more than is proved.

    Parameters
    ----------
    told : mapping
        ``facts["finite"]``.
    graph : Variable
        F, defined throughout the domain.
    inputs : ProofInputs

    Raises
    ------
    NoBound
        It cannot be read, or is not proved.
    """

    def __init__(
        self, told: Mapping[str, Any], graph: Variable, inputs: ProofInputs
    ) -> None:
        self.inputs = inputs
        self.values = self._read(told)
        self.reasons = dict(zip(told["at"], told["by"], strict=True))
        self.people = self._read_people(told["people"])
        if self.people:
            same = SameInputs(graph, inputs.starts)
            if not all(same.are_alike(people) for people in self.people):
                raise NoBound("the objective is not proved the same for all people")
        self._prove(graph)
        self.before: dict[int, tuple[Row, Row, int]] = {}
        self.after: dict[int, tuple[Row, Row, int]] = {}
        for people in self.people:
            for a, b in pairwise(people):
                for k in range(self._in_order(people)):
                    self.before[b[k]] = self.after[a[k]] = (a, b, k)

    # -- what is told ------------------------------------------------------------------

    def _read(self, told: Mapping[str, Any]) -> dict[int, list[float]]:
        found: dict[int, list[float]] = {}
        for j, values in zip(told["at"], told["values"], strict=True):
            if type(j) is not int or not 0 <= j < self.inputs.size or j in found:
                raise NoBound(f"there is no input {j!r:.40}, or it is told twice")
            if not self.inputs.movable[j]:
                raise NoBound(f"input {j} cannot be moved alone")
            if not all(is_double(x) and math.isfinite(x) for x in values):
                raise NoBound(f"the values of input {j} are no numbers")
            values = [float(x) for x in values]
            if any(a >= b for a, b in pairwise(values)):
                raise NoBound(f"the values of input {j} do not rise")
            ends = (number(values[0]), number(values[-1]))
            if ends != (self.inputs.least[j], self.inputs.most[j]):
                raise NoBound(f"the values of input {j} do not end where it does")
            found[j] = values
        return found

    def _read_people(self, told: Sequence[Any]) -> list[list[Row]]:
        found: list[list[Row]] = []
        seen: set[int] = set()
        for people in told:
            rows = [tuple(row) for row in people]
            inputs = [j for row in rows for j in row]
            if len(rows) < 2 or len({len(row) for row in rows}) != 1 or not inputs:
                raise NoBound("people are two or more lists of as many inputs")
            if seen & set(inputs) or len(set(inputs)) < len(inputs):
                raise NoBound("an input is told of two people")
            seen |= set(inputs)
            for column in zip(*rows, strict=True):
                first = self._may_be(column[0])
                if any(self._may_be(j) != first for j in column):
                    raise NoBound("people who change places must have the same values")
            found.append(rows)
        return found

    def _in_order(self, people: Sequence[Row]) -> int:
        """Return how many inputs of each person the order is about."""
        told = all(j in self.values for row in people for j in row)
        return len(people[0]) if told else 1

    def _may_be(self, j: Any) -> tuple[Any, ...]:
        """Return the values told of an input, or else its ends."""
        if type(j) is not int or not 0 <= j < self.inputs.size:
            raise NoBound(f"there is no input {j!r:.40}")
        if j in self.values:
            return ("values", *self.values[j])
        if not self.inputs.movable[j]:
            raise NoBound(f"input {j} cannot be moved alone")
        return "ends", self.inputs.least[j], self.inputs.most[j]

    def _prove(self, graph: Variable) -> None:
        ends = EndValues(graph, self.inputs.starts)
        places = JumpPlaces(ends)
        together = [j for j, why in self.reasons.items() if why == "together"]
        if together:
            if len({tuple(self.values[j]) for j in together}) > 1:
                raise NoBound("inputs that move together must have the same ends")
            if len(together) < 2 or not ends.suffice(frozenset(together)):
                raise NoBound("the objective is not proved largest at corners")
        first_like = {
            j: people[0][k]
            for people in self.people
            for row in people
            for k, j in enumerate(row)
        }
        proved: set[int] = set()
        for j, why in self.reasons.items():
            first = first_like.get(j, j)
            if first in proved and self.reasons[first] == why:
                continue  # it is the same for all people
            if why == "ends":
                if not ends.suffice((j,)):
                    raise NoBound(
                        f"only the ends of input {j} are not proved to matter"
                    )
            elif why == "places":
                values = [Fraction(x) for x in self.values[j]]
                _require_places(j, values, places.of(j, values[0], values[-1]))
            elif why != "together":
                raise NoBound(f"there is no reason {why!r:.40} for values")
            proved.add(j)

    # -- what follows ------------------------------------------------------------------

    def of(self, region: Region, j: int, low: Ball, high: Ball) -> tuple[Ball, Ball]:
        """Return what is known of an input, given the rest of the region."""
        if j in self.values:
            a, b, is_open = region.low[j], region.high[j], region.open[j]
            left = [
                x
                for x in map(number, self.values[j])
                if (x > a if is_open else x >= a) and x <= b
            ]
            if not left:
                raise NoPoint
            low, high = larger(low, left[0]), smaller(high, left[-1])
        if j in self.before and self._agree(region, *self.before[j]):
            a_row, _, k = self.before[j]
            low = larger(low, region.low[a_row[k]])
        if j in self.after and self._agree(region, *self.after[j]):
            _, b_row, k = self.after[j]
            high = smaller(high, region.high[b_row[k]])
        return low, high

    def _agree(self, region: Region, a: Row, b: Row, k: int) -> bool:
        """Return whether two people certainly agree in their first inputs."""
        return all(
            bool(region.low[i] == region.high[i])
            and bool(region.low[j] == region.high[j])
            and bool(region.low[i] == region.low[j])
            for i, j in zip(a[:k], b[:k], strict=True)
        )

    def keeps(self, j: int) -> bool:
        """Return whether an input has values, or a place in an order."""
        return j in self.values or j in self.before or j in self.after

    def require_unmoved(self, region: Region) -> None:
        """Raise NoBound where some of these inputs may have been moved already.

        What is cut stays in one of the parts; what is moved to a face may be none of
        the points that are spoken of from here on.
        """
        told = {j for people in self.people for row in people for j in row}
        for j in told | set(self.values):
            is_point = not region.low[j] < region.high[j]
            may_move = bool(self.inputs.least[j] < self.inputs.most[j])
            if is_point and may_move:
                raise NoBound(f"input {j} was fixed before its values were told")

    def require_face(self, region: Region, at: Sequence[int], side: Any) -> None:
        """Raise NoBound where moving to a face may leave the values, or the order."""
        sides = dict(zip(at, side, strict=True))
        for j in at:
            if j in self.values:
                end = region.high[j] if sides[j] else region.low[j]
                if not any(end == number(x) for x in self.values[j]):
                    raise NoBound(f"the face of input {j} is at none of its values")
        for people in self.people:
            self._require_order(region, people, sides)

    def _require_order(
        self, region: Region, people: Sequence[Row], sides: Mapping[int, Any]
    ) -> None:
        """Raise NoBound unless those who move leave all in order.

        Who is behind another, and is not below, stays so if the other does not rise,
        and if none but the other falls.
        """
        count = self._in_order(people)
        if count > 1 and any(j in sides for row in people for j in row):
            raise NoBound("people in order by several inputs cannot move")
        for (a, *_), (b, *_) in pairwise(people):
            if sides.get(a) == 1:
                least = region.high[b] if sides.get(b) == 1 else region.low[b]
                stay = region.high[a] <= least
            elif sides.get(b) == 0:
                most = region.low[a] if sides.get(a) == 0 else region.high[a]
                stay = most <= region.low[b]
            else:
                continue
            if not stay:
                raise NoBound("who moves must stay in order: others must move, too")


def _require_places(
    j: int, exact: Sequence[Fraction], places: Collection[Fraction]
) -> None:
    """Raise NoBound unless values stand for all between their ends."""
    inside = sorted(p for p in places if exact[0] < p < exact[-1])
    if not set(inside) <= set(exact):
        raise NoBound(f"input {j} jumps at a number that is none of its values")
    edges = [exact[0], *inside, exact[-1]]
    for a, b in pairwise(edges):
        if a < b and not any(a < x < b for x in exact):
            raise NoBound(f"no value of input {j} stands for those between two places")
