"""One pass of norm bounds over a graph, every node from its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flint import arb

from deuterium.certify.checker.ball_functions import INFINITY, Ball
from deuterium.certify.checker.exact_data import finite
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.norm_bounds.array_knowledge import (
    ArrayKnowledge,
    RuleBounds,
    combine,
)
from deuterium.certify.checker.norm_bounds.ball_matrices import Matrix
from deuterium.certify.checker.norm_bounds.ball_vectors import Vector, vector
from deuterium.certify.checker.norm_bounds.composed_map import (
    ComposedMap,
    image_of,
    maps_of,
)
from deuterium.certify.checker.norm_bounds.norm_graph import NormGraph, place_of
from deuterium.certify.checker.norm_bounds.norm_leaf_rules import rule_of
from deuterium.certify.checker.norm_bounds.shortening_maps import shortened
from deuterium.certify.checker.proof_domain import Part
from deuterium.certify.checker.proof_region import Region, number
from deuterium.graph.variable import Variable

Choices = Mapping[str, Any]


class NormPass:
    """One pass.

    Parameters
    ----------
    graph : NormGraph
    region : Region
        Of the inputs.
    claims : mapping
        Numbers that the spectral norms of matrices do not exceed, by place: proved when
        they are used.
    choices : mapping
        What the proof lays down, by place.
    chains : mapping
        The place of which a node is an affine image, and a number that the norm of
        the map does not exceed, by place: proved when they are used.
    """

    def __init__(
        self,
        graph: NormGraph,
        region: Region,
        claims: Choices,
        choices: Choices,
        chains: Choices,
    ) -> None:
        self.graph, self.region, self.claims = graph, region, claims
        self.choices, self.chains = choices, chains
        self._maps = maps_of(graph)
        self.values: dict[Variable, ArrayKnowledge] = {}

    def run(
        self, given: Mapping[Variable, ArrayKnowledge] | None = None
    ) -> ArrayKnowledge:
        """Return what is known of the objective.

        Parameters
        ----------
        given : mapping, optional
            Nodes whose values are known, or put in.
        """
        self.values.update(given or {})
        self.meet(self.graph.order)
        return self.value(self.graph.order[-1])

    def meet(self, nodes: Iterable[Variable]) -> None:
        """Work out some nodes, arguments first."""
        for v in nodes:
            if v not in self.values and not self.graph.is_fixed(v):
                self.values[v] = self._value(v)

    def value(self, v: Variable) -> ArrayKnowledge:
        """Return what is known of a node that the pass has met."""
        return self.graph.known(v) if self.graph.is_fixed(v) else self.values[v]

    def choice(self, v: Variable) -> Choices:
        """Return what the proof lays down of a node."""
        chosen: Choices = self.choices.get(str(self.graph.place[v]), {})
        return chosen

    def norm(self, v: Variable, matrix: Matrix) -> Ball:
        """Return an upper bound of the norm of a constant matrix."""
        claim = self.claims.get(str(self.graph.place[v]))
        if claim == "inf":  # of weights near the largest double
            return INFINITY
        if claim is not None and type(claim) not in (int, float):
            raise NoBound(f"a number is wanted, got {claim!r:.60}")
        return matrix.norm(claim)

    def combined(
        self, node: Variable, ends: tuple[Vector, Vector], found: RuleBounds
    ) -> ArrayKnowledge:
        """Put together what is known of a node."""
        return combine(
            *ends,
            found,
            scalar=not node.shape,
            positive=node in self.graph.positive,
            takes=self.choice(node).get("ball") is True,
        )

    def _value(self, v: Variable) -> ArrayKnowledge:
        if v.op is None:
            return self._symbol(v)
        found = shortened(v, rule_of(v.op)(self, v), self.value)
        return self._along(v, found) if "chain" in self.choice(v) else found

    def _along(self, v: Variable, found: ArrayKnowledge) -> ArrayKnowledge:
        """Add what a node is, as an affine image of another, to what is known of it."""
        claim = self.chains.get(str(self.graph.place[v]))
        if not isinstance(claim, list) or len(claim) != 2:
            raise NoBound(f"no map to node {self.graph.place[v]} is described")
        base, norm = place_of(claim[0], self.graph), finite(claim[1])
        image = self._maps.get((base, v)) or ComposedMap(self.graph, base, v)
        self._maps[base, v] = image
        takes = self.choice(v)["chain"] is True
        return image_of(self.value(base), found, image, float(norm), takes)

    def _symbol(self, v: Variable) -> ArrayKnowledge:
        """Return the box of a symbol, or its ball where that is the smaller."""
        inputs = self.graph.inputs
        start = inputs.starts[v.name]
        low = vector(self.region.low[start : start + v.size])
        high = vector(self.region.high[start : start + v.size])
        units = arb(inputs.whole[v.name].units)
        box = combine(low, high, RuleBounds())
        if units > 0:  # each of length 1
            box = combine(low, high, RuleBounds(length=units.sqrt(), total=units))
        found = _ball(inputs.whole[v.name])
        if found is None:
            return box
        takes = bool(found.radius < combine(low, high, found).radius)
        return combine(low, high, found, takes=takes)


def _ball(part: Part) -> RuleBounds | None:
    """Return the smallest of the balls that a symbol lies in."""
    if not part.balls:
        return None
    centre, radius = min(part.balls, key=lambda b: b[1])
    return RuleBounds(vector([number(x) for x in centre]), number(radius), INFINITY)
