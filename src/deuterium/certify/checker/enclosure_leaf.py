"""Check of an enclosure leaf: ranges of the graph as given, label by label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from math import prod
from typing import Any

from flint import ctx

from deuterium.certify.checker.ball_functions import INFINITY, Ball, larger
from deuterium.certify.checker.ball_program import RangeProgram
from deuterium.certify.checker.exceptions import NoBound, NoPoint
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.certify.checker.proof_region import Region, number
from deuterium.certify.checker.sums_in_balls import summed
from deuterium.domain.constraints import ENUMERATED
from deuterium.graph.variable import Variable
from deuterium.transform.pipeline import vectorized_if_large
from deuterium.transform.simplify.simplify import simplify

PRECISIONS = (96, 256)  # bits: the claim is that of another arithmetic, with no room
WAYS = 3  # forms of the graph as given: as it is, of arrays, and these simplified


class GivenGraph:
    """The graph as given, and what it becomes on the way to the objective.

    All are one function; any of them may have the tightest ranges.  So may those with
    sums of squares and linear numbers over balls for coordinates (`sums_in_balls`).

    Parameters
    ----------
    v : Variable
    objective : Variable
        ``v``, or ``-v``, simplified over the domain.
    inputs : ProofInputs
    maximizes : bool
        Whether an upper bound of ``v`` is sought; else one of ``-v``.
    """

    def __init__(
        self, v: Variable, objective: Variable, inputs: ProofInputs, maximizes: bool
    ) -> None:
        self.v, self.objective, self.inputs = v, objective, inputs
        self.maximizes = maximizes
        self._summed, self._starts, self._apart = summed(v, inputs)
        self._made = cache(self._ranges)

    def bound(self, region: Region, labels: Any, claim: Ball) -> Ball:
        """Return an upper bound over a region; no closer than a claim asks for."""
        best: Ball | None = None
        places = self._places(labels)
        for bits in PRECISIONS:
            for way in range(2 * WAYS + 1 if self._apart else WAYS + 1):
                try:
                    with ctx.workprec(bits):
                        found = self._by(way, bits, region, places)
                except NoBound:
                    continue
                if found <= claim:
                    return found
                if not found.is_nan() and (best is None or found < best):
                    best = found
        if best is None:
            raise NoBound("the graph is not defined throughout the region")
        return best

    def _by(self, way: int, bits: int, region: Region, places: list[Any]) -> Ball:
        """Return the largest upper end of one graph, over all values of the labels."""
        ranges, rises = self._made(way, bits)
        most, n = -INFINITY, self.inputs.size
        lows, highs = ([ends[i] for ends in self._apart] for i in (0, 1))
        closed = [False] * len(self._apart)
        for part in self._parts(region, places):
            box = part.low[:n] + lows, part.high[:n] + highs
            try:
                (low,), (high,) = ranges(*box, part.open[:n] + closed)
            except NoPoint:
                continue
            most = larger(most, high if rises else -low)
        return most

    def _ranges(self, way: int, bits: int) -> tuple[RangeProgram, bool]:
        """Return ranges of one of the graphs, and whether it is ``v``, not ``-v``."""
        graph, form = self.objective if way == 0 else self.v, way
        if way > WAYS:
            graph, form = self._summed, way - WAYS
        if form in (1, 2):
            (graph,) = vectorized_if_large([graph])
        if form == 1:
            graph = simplify(graph)
        rises = self.maximizes or way == 0
        size = self.inputs.size + len(self._apart)
        return RangeProgram([graph], self._starts, size), rises

    def _places(self, labels: Any) -> list[Any]:
        """Return the parts that some symbols, named in a proof, are made of."""
        named = {s.name: s for s in self.inputs.symbols}
        if not isinstance(labels, list) or not all(x in named for x in labels):
            raise NoBound(f"there are no symbols {labels!r:.60}")
        found = []
        for name in labels:
            start = self.inputs.starts[name]
            end = start + named[name].size
            parts = [p for p in self.inputs.parts if start <= p.start < end]
            found += [p for p in parts if p.table is not None]
        return found

    def _parts(self, region: Region, places: Sequence[Any]) -> Iterator[Region]:
        """Give the region once for every value of the labels in it."""
        tables = [self.inputs.rows_in(p, region) for p in places]
        if prod(map(len, tables)) > ENUMERATED:
            raise NoBound("the labels have too many values")
        for rows in product(*tables):
            low, high, is_open = (
                region.low.copy(),
                region.high.copy(),
                region.open.copy(),
            )
            for place, row in zip(places, rows, strict=True):
                for j, x in enumerate(row, place.start):
                    low[j] = high[j] = number(x)
                    is_open[j] = False
            yield Region(low, high, is_open)
