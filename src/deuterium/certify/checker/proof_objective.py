"""What is maximised, derived again, and compared with the graph itself at points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any

import numpy as np
from flint import arb, ctx

from deuterium.certify.checker.ball_functions import Ball
from deuterium.certify.checker.ball_program import PointProgram, RangeProgram
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.errors import CertificateError
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.transform.pipeline import dense_over, objective_of

PRECISE = 200  # bits
FINEST = 2000  # where numbers cancel to what may be zero
COMPARED, TRIED = 8, 200  # points, and how many to try for them
WIDE = 8.0  # how far out points are taken where there is no end

Value = Callable[..., Any]  # of a graph at a point


def derived(v: Variable, inputs: ProofInputs, maximizes: bool) -> Variable:
    """Return the objective: ``v`` or ``-v``, simplified over the domain."""
    graph = dense_over(Graph([v if maximizes else -v]), inputs.domain)
    return objective_of(graph, inputs.domain)


def at_points(graph: Variable, starts: Mapping[str, int], size: int) -> Value:
    """Return the value of a graph at points."""
    points = PointProgram([graph], starts, size)
    return lambda point: points(point)[0]


def cancelled(graph: Variable, starts: Mapping[str, int], size: int) -> Value:
    """Return the value of a graph at points, where sums that cancel are numbers."""
    points = PointProgram([graph], starts, size, cancels=True)
    return lambda point: points(point)[0]


def between(graph: Variable, starts: Mapping[str, int], size: int) -> Value:
    """Return balls that hold the ranges of a graph at points.

    They know more of what is hidden by rounding: which of two numbers that may be equal
    is the larger, or how large what overflows may become behind a bounded function.
    """
    ranges = RangeProgram([graph], starts, size)

    def value(point: Sequence[Ball]) -> Ball:
        (a,), (b,) = ranges(point, point)
        if not (a.is_finite() and b.is_finite()):
            raise NoBound("a value at a point is not known")
        return a.union(b)

    return value


class Comparison:
    """Compares graphs with ``v`` (or minus it) at random points of the domain.

    Parameters
    ----------
    v : Variable
    inputs : ProofInputs
    maximizes : bool
        Whether graphs are to be ``v`` itself.
    seed : int
        Of the points.
    """

    def __init__(
        self, v: Variable, inputs: ProofInputs, maximizes: bool, seed: int
    ) -> None:
        self.inputs, self.maximizes, self.seed = inputs, maximizes, seed
        self._given = cache(partial(self._made, v))

    def _made(self, graph: Variable, bits: int, value: Value) -> Value:
        """Return a graph's value, its constants worked out in so many bits."""
        with ctx.workprec(bits):
            return value(graph, self.inputs.starts, self.inputs.size)

    def __call__(
        self, graph: Variable, fixed: Mapping[str, Sequence[float]] | None = None
    ) -> None:
        """Refuse a graph that is not ``v`` at the points, where some inputs are fixed.

        Raises
        ------
        CertificateError
            It differs, or no point was found where ``v`` is defined.
        """
        ways = (
            (PRECISE, at_points), (FINEST, at_points), (PRECISE, between),
            (PRECISE, cancelled),
        )  # fmt: skip
        if not any(self._compared(graph, fixed or {}, *way) for way in ways):
            raise CertificateError(
                f"at none of {TRIED} random points of the domain is the graph defined"
            )

    def _compared(
        self,
        graph: Variable,
        fixed: Mapping[str, Sequence[float]],
        bits: int,
        value: Value,
    ) -> int:
        """Return at how many points both graphs are defined, and agree."""
        rng = np.random.default_rng(self.seed)
        compared, inputs = 0, self.inputs
        with ctx.workprec(bits):
            mine = self._made(graph, bits, value)
            for _ in range(TRIED):
                row = inputs.sample(rng, WIDE, fixed)
                if row is None or not self._is_same(
                    self._given(bits, value), mine, row
                ):
                    continue
                compared += 1
                if compared == COMPARED or not row:
                    break
        return compared

    def _is_same(self, v: Value, graph: Value, row: Sequence[float]) -> bool:
        """Return whether both are defined at a point, and agree."""
        point = [arb(x) for x in row]
        try:
            given, mine = v(point), graph(point)
        except NoBound:
            return False
        if not given.overlaps(mine if self.maximizes else -mine):
            raise CertificateError(
                f"simplified, the graph is {mine.str(12)} where it is "
                f"{given.str(12)} as given, at {list(row)!r:.200}"
            )
        return True


def ranges_at(
    graphs: Sequence[Variable], inputs: ProofInputs, row: Sequence[float]
) -> Iterator[tuple[Ball, Ball]]:
    """Yield two numbers between which the value of some graphs at a point is.

    The graphs are one function, written in ways of which rounding may hide its value in
    one and not in the other; all are worked out more and more precisely.  The numbers
    are the value itself, then those that a range of one point has: a square is never
    negative.
    """
    point = [arb(x) for x in row]
    for bits in (PRECISE, FINEST):
        for v in graphs:
            found: list[tuple[Ball, Ball]] = []
            with ctx.workprec(bits), suppress(NoBound):
                value = at_points(v, inputs.starts, inputs.size)(point)
                found.append((value, value))
            with ctx.workprec(bits), suppress(NoBound):
                (a,), (b,) = RangeProgram([v], inputs.starts, inputs.size)(point, point)
                found.append((a, b))
            yield from found
