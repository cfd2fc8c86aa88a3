"""Graphs that proofs speak of (objective, core, slopes, curvatures), on first use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from deuterium.certify.checker.ball_functions import Ball, larger, smaller
from deuterium.certify.checker.ball_program import Atom, PointProgram, RangeProgram
from deuterium.certify.checker.clusters.cluster_leaf import StarClusters
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.finite_facts import FiniteFacts
from deuterium.certify.checker.increasing_outer import CORE, core_of
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.certify.checker.proof_region import Region
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.transform.differentiate import slopes_of
from deuterium.transform.simplify.simplify import simplify

Row = Sequence[Ball]
Range = tuple[Ball, Ball]


class DerivativeForms:
    """An objective F = m(S): values, slopes and curvatures.

    Parameters
    ----------
    objective : Variable
        F.
    inputs : ProofInputs
        Its inputs.
    atoms : sequence of Atom
        Further coordinates.
    facts : mapping, optional
        Numbers that hold for all leaves.
    """

    def __init__(
        self,
        objective: Variable,
        inputs: ProofInputs,
        atoms: Sequence[Atom] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.objective, self.inputs, self.atoms = objective, inputs, list(atoms)
        self.size = inputs.size
        self.facts = facts or {}
        self.inner, self.outer = core_of(objective, inputs.domain)
        self.slope = cache(self._slope)
        self.curvature = cache(self._curvature)
        self._curvature_row = cache(self._row_of_curvatures)

    @cached_property
    def _dependent(self) -> list[frozenset[int]]:
        """The atoms that depend on each input."""
        names = [{s.name for s in free_symbols([v])} for v, _ in self.atoms]
        found: list[frozenset[int]] = []
        for s in self.inputs.symbols:
            mine = frozenset(self.size + i for i, n in enumerate(names) if s.name in n)
            found += [mine] * s.size
        return found

    def release(self, region: Region, moved: Sequence[int]) -> None:
        """Forget what a region says of the atoms that depend on inputs just moved."""
        if self.atoms:
            for j in frozenset().union(*[self._dependent[i] for i in moved]):
                region.free(j)

    def ranges(self, outputs: Sequence[Variable], *, slopes: bool) -> RangeProgram:
        """Return the ranges of some graphs; of slopes over boxes of inputs alone."""
        atoms = () if slopes else self.atoms
        starts = self.inputs.starts
        return RangeProgram(outputs, starts, self.size, atoms, slopes=slopes)

    @cached_property
    def value(self) -> RangeProgram:
        """F over regions."""
        return self.ranges([self.objective], slopes=False)

    @cached_property
    def clusters(self) -> StarClusters:
        """F or its logarithm, taken apart."""
        inputs = self.inputs
        ends = inputs.least, inputs.most
        return StarClusters(
            self.objective, inputs.starts, *ends, self.atoms, self.facts, inputs.work
        )

    @cached_property
    def finite(self) -> FiniteFacts | None:
        """What is told of inputs of which finitely many values matter, proved."""
        if "finite" not in self.facts:
            return None
        self._unclamped(self.inputs.least, self.inputs.most)
        return FiniteFacts(self.facts["finite"], self.objective, self.inputs)

    @cached_property
    def _everywhere(self) -> bool:
        """Whether F is defined throughout the box around the domain."""
        inputs = self.inputs
        try:
            self._unclamped(inputs.least, inputs.most)
        except NoBound:
            return False
        return True

    @cached_property
    def _unclamped(self) -> RangeProgram:
        return RangeProgram([self.objective], self.inputs.starts, self.size)

    def require_defined(self, low: Row, high: Row) -> None:
        """Raise NoBound unless F is defined over a box of inputs.

        A derivative alone does not say so: that of a logarithm has values on both
        sides of zero.
        """
        if not self._everywhere:
            self._unclamped(low, high)

    @cached_property
    def core_at(self) -> PointProgram:
        """S at points."""
        return PointProgram([self.inner], self.inputs.starts, self.size)

    @cached_property
    def _outer(self) -> RangeProgram | None:
        if self.outer.is_symbol:
            return None
        return RangeProgram([self.outer], {CORE: 0}, 1)

    def bound(self, core: Ball) -> Ball:
        """Return m(S) for an upper bound of S."""
        if self._outer is None:
            return core
        if not core.is_finite():
            raise NoBound("the bound of the core is not finite")
        return self._outer([core], [core])[1][0]

    # -- slopes ------------------------------------------------------------------------

    @cached_property
    def hull(self) -> Domain:
        """The box around the domain: where derivatives have to be right."""
        boxes: dict[Variable, tuple[object, object]] = {}
        for s in self.inputs.symbols:
            hull = self.inputs.domain.hull(s)
            boxes[s] = hull.lower, hull.upper
        return Box(boxes)

    @cached_property
    def slope_graphs(self) -> list[Variable]:
        """The derivative of S by every input."""
        graphs = simplify(slopes_of(self.inner, self.inputs.symbols), self.hull)
        found: list[Variable] = []
        for g in graphs:
            flat = g.reshape(g.size) if g.shape else None
            found += [g] if flat is None else [flat[i] for i in range(g.size)]
        return found

    @cached_property
    def slopes(self) -> RangeProgram:
        """Slopes of S by all inputs."""
        return self.ranges(self.slope_graphs, slopes=True)

    @cached_property
    def slopes_at(self) -> PointProgram:
        """S and its slopes by all inputs, at points."""
        return PointProgram(
            [self.inner, *self.slope_graphs], self.inputs.starts, self.size
        )

    def _slope(self, j: int) -> RangeProgram:
        """Return the slope of S by one input."""
        return self.ranges([self.slope_graphs[j]], slopes=True)

    # -- curvatures --------------------------------------------------------------------

    @cached_property
    def curvature_graphs(self) -> list[Variable]:
        """The second derivatives of S, row by row."""
        symbols = self.inputs.symbols
        rows = [slopes_of(s, symbols) for s in self.slope_graphs]
        flat = simplify([g for row in rows for g in row], self.hull)
        found: list[Variable] = []
        for g in flat:
            found += (
                [g] if not g.shape else [g.reshape(g.size)[i] for i in range(g.size)]
            )
        return found

    @cached_property
    def _half(self) -> RangeProgram:
        """The second derivatives on and above the diagonal."""
        n, graphs = self.size, self.curvature_graphs
        upper = [graphs[i * n + j] for i in range(n) for j in range(i, n)]
        return self.ranges(upper, slopes=True)

    @cached_property
    def _all(self) -> RangeProgram:
        return self.ranges(self.curvature_graphs, slopes=True)

    def _curvature(self, j: int) -> RangeProgram:
        """Return the second derivative of S by one input."""
        return self.ranges([self.curvature_graphs[j * self.size + j]], slopes=True)

    def _row_of_curvatures(self, i: int) -> RangeProgram:
        """Return the second derivatives by one input and each: (i, j), then (j, i)."""
        n, graphs = self.size, self.curvature_graphs
        column = [graphs[j * n + i] for j in range(n)]
        return self.ranges([*graphs[i * n : (i + 1) * n], *column], slopes=True)

    def curvature_row(self, low: Row, high: Row, i: int) -> list[Range] | None:
        """Return the second derivatives by one input and each, if they are defined."""
        n = self.size
        try:
            a, b = self._curvature_row(i)(low, high)
        except NoBound:
            return None
        return [(larger(a[j], a[n + j]), smaller(b[j], b[n + j])) for j in range(n)]

    def curvatures(
        self, low: Row, high: Row, fully: bool
    ) -> dict[tuple[int, int], Range]:
        """Return the second derivatives over a box, for every i <= j.

        Element (i, j) is one number with (j, i): ``fully`` encloses both, and takes
        what they have in common.
        """
        n = self.size
        places = [(i, j) for i in range(n) for j in range(i, n)]
        if not fully:
            a, b = self._half(low, high)
            return dict(zip(places, zip(a, b, strict=True), strict=True))
        a, b = self._all(low, high)
        found: dict[tuple[int, int], Range] = {}
        for i, j in places:
            p, q = i * n + j, j * n + i
            found[i, j] = larger(a[p], a[q]), smaller(b[p], b[q])
        return found
