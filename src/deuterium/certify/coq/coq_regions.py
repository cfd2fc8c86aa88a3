"""How a region is bounded with rules that Coq has: ranges, mean values, convexity.

The certificate's own splits are followed.  Where one of its leaves rests on another
rule, the region is halved until these suffice.  What is found here is a plan: nothing
rests on it, since Coq checks every step of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from deuterium.certify.coq.coq_ranges import ranges, value_at
from deuterium.certify.coq.coq_terms import RealTerm, below, slope
from deuterium.errors import UnsupportedError

Sides = tuple[tuple[float, float], ...]  # of each input

MOST_REGIONS = 4000  # of one file: Coq takes about 0.1 s for each


@dataclass
class MeanStep:
    """f(t) <= f(centre) + most for t between the sides, by the range of the slope."""

    at: int
    centre: float
    slopes: tuple[float, float]
    most: float


@dataclass
class PlannedRegion:
    """A region and how it is bounded.

    Attributes
    ----------
    sides : tuple of pairs
        The ends of each input.
    steps : list of MeanStep
        Of a region bounded at once: the inputs moved before the range is taken.
    split : tuple or None
        ``("cut", j, s)`` or ``("convex", j, 0)``: the two children bound it.
    children : list of PlannedRegion
        They come before their parent in the file.
    """

    sides: Sides
    steps: list[MeanStep] = field(default_factory=list)
    split: tuple[str, int, float] | None = None
    children: list[PlannedRegion] = field(default_factory=list)


class Planner:
    """Finds how regions of one function are bounded.

    Parameters
    ----------
    term : RealTerm
        The function.
    claim : float
        What it is to be at most.
    slopes : mapping
        By input, in the order of the certificate's coordinates: the derivatives of
        terms that are known, filled here.
    """

    def __init__(
        self,
        term: RealTerm,
        claim: float,
        slopes: Mapping[str, dict[RealTerm, RealTerm | None]],
    ) -> None:
        self.term, self.claim, self.names = term, claim, list(slopes)
        self.slopes = [slope(term, x, known) for x, known in slopes.items()]
        self.bends = [
            None if s is None else slope(s, x, slopes[x])
            for x, s in zip(slopes, self.slopes, strict=True)
        ]
        self._orders: dict[RealTerm, list[RealTerm]] = {}
        self._numbers = count()

    # -- the certificate's tree ------------------------------------------------------

    def planned(
        self, sides: Sides, proof: Sequence[Mapping[str, Any]]
    ) -> PlannedRegion:
        """Return the plan for the tree of a certificate, nodes in preorder."""
        nodes = iter(proof)
        root, waiting = PlannedRegion(sides), []
        waiting.append((root, True))
        while waiting:
            region, wanted = waiting.pop()
            node = next(nodes)
            parts = self._parts(region, node)
            if parts:
                if wanted:
                    region.split, region.children = parts
                waiting += [(part, wanted) for part in reversed(parts[1])]
            elif wanted:
                self._bound(region, str(node["leaf"][0]) if "leaf" in node else "ends")
            if not parts and "leaf" not in node:  # another kind of cut: passed over
                waiting += [(region, False), (region, False)]
        return root

    def _parts(self, region: PlannedRegion, node: Mapping[str, Any]) -> Any:
        """Return how a node of the certificate splits its region, or nothing."""
        if "cut" in node:
            j, s = node["cut"]
            if j < len(self.names) and region.sides[j][0] < s < region.sides[j][1]:
                return ("cut", j, s), halves(region.sides, j, s)
        if "ends" in node:
            j = node["ends"][0]
            if self._is_convex(region.sides, j):
                return ("convex", j, 0.0), faces(region.sides, j)
        return None

    # -- one region ------------------------------------------------------------------

    def _bound(self, start: PlannedRegion, method: str) -> None:
        """Bound a region, halved as often as it takes."""
        waiting = [start]
        while waiting:
            region = waiting.pop()
            if next(self._numbers) >= MOST_REGIONS:
                raise UnsupportedError(_too_many(method, start.sides, self.names))
            steps = self._steps(region.sides)
            if steps is not None:
                region.steps = steps
                continue
            region.split, region.children = self._halved(region.sides)
            waiting += region.children

    def _steps(self, sides: Sides) -> list[MeanStep] | None:
        """Return the inputs to move so that a range suffices, or None."""
        steps: list[MeanStep] = []
        paid = 0.0
        while not self._holds(sides, paid):
            found = [
                self._moved(sides, j) for j in range(len(sides)) if _is_wide(sides[j])
            ]
            moves = [step for step in found if step is not None]
            if not moves:
                return None
            step = min(moves, key=lambda m: m.most)
            steps.append(step)
            paid = float(np.nextafter(paid + step.most, np.inf)) if step.most else paid
            sides = _put(sides, step.at, (step.centre, step.centre))
        return steps

    def _holds(self, sides: Sides, paid: float) -> bool:
        if any(map(_is_wide, sides)):
            return self._range(self.term, sides)[1] + paid <= self.claim
        point = {x: low for x, (low, _) in zip(self.names, sides, strict=True)}
        return value_at(self._order(self.term), point) + paid <= self.claim

    def _moved(self, sides: Sides, j: int) -> MeanStep | None:
        """Return the step that moves one input to an end, or else to its middle."""
        derivative = self.slopes[j]
        if derivative is None:
            return None
        low, high = self._range(derivative, sides)
        a, b = sides[j]
        if not np.isfinite([low, high]).all():
            return None
        centre = b if low >= 0 else a if high <= 0 else (a + b) / 2
        if low >= 0 or high <= 0:
            return MeanStep(j, centre, (low, high), 0.0)
        most = max(high * (b - centre), low * (a - centre))
        return MeanStep(j, centre, (low, high), most * (1 + 1e-12))

    def _halved(
        self, sides: Sides
    ) -> tuple[tuple[str, int, float], list[PlannedRegion]]:
        """Return the ends of an input in which it is convex, or halves."""
        wide = [j for j in range(len(sides)) if _is_wide(sides[j])]
        if not wide:
            raise UnsupportedError(
                f"at {dict(zip(self.names, sides, strict=True))} the value is above "
                f"{self.claim!r} by the ranges that Coq has; take a certificate with a "
                "larger `rtol`"
            )
        for j in wide:
            if self._is_convex(sides, j):
                return ("convex", j, 0.0), faces(sides, j)
        steps = [self._moved(sides, j) for j in wide]
        worth = [
            (s.most if s else np.inf, sides[j][1] - sides[j][0])
            for j, s in zip(wide, steps, strict=True)
        ]
        j = wide[max(range(len(wide)), key=lambda k: worth[k])]
        middle = (sides[j][0] + sides[j][1]) / 2
        return ("cut", j, middle), halves(sides, j, middle)

    def _is_convex(self, sides: Sides, j: int) -> bool:
        bend = self.bends[j]
        return bend is not None and self._range(bend, sides)[0] >= 0

    def _range(self, t: RealTerm, sides: Sides) -> tuple[float, float]:
        return ranges(self._order(t), dict(zip(self.names, sides, strict=True)))[t]

    def _order(self, t: RealTerm) -> list[RealTerm]:
        if t not in self._orders:
            self._orders[t] = below(t)
        return self._orders[t]


def children_first(root: PlannedRegion) -> Iterator[PlannedRegion]:
    """Yield the regions, each after its parts."""
    waiting = [(root, False)]
    while waiting:
        region, ready = waiting.pop()
        if ready or not region.children:
            yield region
        else:
            waiting += [(region, True), *((part, False) for part in region.children)]


def halves(sides: Sides, j: int, s: float) -> list[PlannedRegion]:
    """Return the parts below and above a number, which both have."""
    low, high = sides[j]
    return [
        PlannedRegion(_put(sides, j, (low, s))),
        PlannedRegion(_put(sides, j, (s, high))),
    ]


def faces(sides: Sides, j: int) -> list[PlannedRegion]:
    """Return the faces at the ends of an input."""
    return [PlannedRegion(_put(sides, j, (end, end))) for end in sides[j]]


def _put(sides: Sides, j: int, ends: tuple[float, float]) -> Sides:
    return (*sides[:j], ends, *sides[j + 1 :])


def _is_wide(ends: tuple[float, float]) -> bool:
    return ends[0] < ends[1]


def _too_many(method: str, sides: Sides, names: Sequence[str]) -> str:
    where = ", ".join(f"{n} in {list(e)}" for n, e in zip(names, sides, strict=True))
    return (
        f"Coq has no rule like the leaf {method!r} of this certificate, and halving "
        f"its region ({where}) until ranges, mean values and convexity suffice takes "
        f"more than {MOST_REGIONS} parts; take a certificate with a larger `rtol`, or "
        "`verify`"
    )
