"""The domain of a certificate: what each input may be, exactly.

Constraints are read from the domain's own records; whether a point satisfies them is
decided in rational arithmetic, so a point on a boundary is inside.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, ctx

from deuterium.certify.checker.ball_functions import (
    INFINITY,
    ZERO,
    Ball,
    larger,
    smaller,
)
from deuterium.certify.checker.condition_steps import Conditions
from deuterium.certify.checker.exceptions import NoPoint
from deuterium.certify.checker.proof_region import Region, number
from deuterium.certify.checker.work_limit import WorkLimit
from deuterium.domain.constraints import OneOf, Range, UnitVectors, Within
from deuterium.domain.domain import Domain
from deuterium.errors import CertificateError
from deuterium.graph.variable import Variable

Row = tuple[float, ...]

EXACT = 2200  # bits, of which the sum of two doubles never takes more


@dataclass
class Part:
    """What is known of one symbol, or of one of its rows.

    Attributes
    ----------
    start, size : int
        Its coordinates.
    table : list of tuple or None
        Its values, if they are finitely many.
    balls : list of (centre, radius)
        The Euclidean balls it lies in.
    units : int
        How many unit vectors it consists of; 0 if it does not.
    """

    start: int
    size: int
    table: list[Row] | None = None
    balls: list[tuple[Row, float]] = field(default_factory=list)
    units: int = 0


class ProofInputs:
    """All inputs, in a row.

    Parameters
    ----------
    symbols : sequence of Variable
        By name.
    domain : Domain
        Their constraints.

    Attributes
    ----------
    starts : dict from str to int
        The first coordinate of each symbol.
    least, most : list of arb
        The tightest ends of each input.
    box : list of (arb, arb)
        The doubles around each input.
    work : WorkLimit
        What a check of something about them may take.
    whole : dict from str to Part
        Each symbol's.
    movable : list of bool
        Whether an input may take every value between its ends, whatever the others are.
    conditions : Conditions or None
        What holds of inputs together, at all points that count.
    """

    def __init__(self, symbols: Sequence[Variable], domain: Domain) -> None:
        self.symbols, self.domain = list(symbols), domain
        self.conditions: Conditions | None = None
        self.work = WorkLimit()
        self.starts: dict[str, int] = {}
        self.parts: list[Part] = []
        self.whole: dict[str, Part] = {}
        self.least: list[Ball] = []
        self.most: list[Ball] = []
        self.movable: list[bool] = []
        self.box: list[tuple[Ball, Ball]] = []
        for s in self.symbols:
            constraints = domain.constraints.get(s.name)
            if not constraints:
                raise CertificateError(f"the domain has no bounds for {s.name!r}")
            self._enter(s, constraints)

    @property
    def size(self) -> int:
        """How many inputs there are."""
        return len(self.least)

    def _enter(self, s: Variable, constraints: Sequence[Any]) -> None:
        part = Part(self.size, s.size)
        self.starts[s.name] = part.start
        self.parts.append(part)
        self.whole[s.name] = part
        self.least += [-INFINITY] * s.size
        self.most += [INFINITY] * s.size
        boxes = [c for c in constraints if isinstance(c, (Range, Within))]
        for c in boxes:
            low, high = _ends(c, s)
            for n, (a, b) in enumerate(zip(low, high, strict=True), part.start):
                self.least[n] = larger(self.least[n], a)
                self.most[n] = smaller(self.most[n], b)
            if isinstance(c, Within) and c.order == 2:
                part.balls.append((_row(c.center, s), c.radius))
        self._tabulate(s, part, constraints)
        movable = not part.balls and len(boxes) == len(constraints)
        self.movable += [movable] * s.size
        self._round(s, part, movable)

    def _round(self, s: Variable, part: Part, movable: bool) -> None:
        """Enter the box of doubles around a symbol's values.

        Where inputs are moved, what is proved is proved of all this box.
        """
        hull = self.domain.hull(s)
        if hull.shape != s.shape:
            raise CertificateError(f"bounds of {s.name!r} have batch axes")
        ends = zip(_row(hull.lower, s), _row(hull.upper, s), strict=True)
        for n, (a, b) in enumerate(ends, part.start):
            low, high = arb(a), arb(b)
            if not (low <= self.least[n] and high >= self.most[n]):
                raise CertificateError(f"the box around {s.name!r} leaves out values")
            self.box.append((low, high))
            if movable:
                self.least[n], self.most[n] = low, high

    def _tabulate(self, s: Variable, part: Part, constraints: Sequence[Any]) -> None:
        """Enter the values that a symbol, or each of its unit vectors, may have."""
        for c in constraints:
            if isinstance(c, UnitVectors):
                self._within(part, [0.0] * s.size, [1.0] * s.size)
                self._unit_rows(part, s.shape[-1])
                part.units = s.size // s.shape[-1]
            if isinstance(c, OneOf) and part.table is None:
                listed = [_row(x, s) for x in c.values]
                part.table = [
                    r for r in listed if all(_holds(d, r, s) for d in constraints)
                ]
        if part.table:
            columns = list(zip(*part.table, strict=True))
            self._within(part, [min(c) for c in columns], [max(c) for c in columns])

    def _unit_rows(self, part: Part, length: int) -> None:
        unit = [tuple(float(i == j) for j in range(length)) for i in range(length)]
        self.parts += [
            Part(i, length, unit)
            for i in range(part.start, part.start + part.size, length)
        ]

    def _within(self, part: Part, low: list[float], high: list[float]) -> None:
        for n, (a, b) in enumerate(zip(low, high, strict=True), part.start):
            self.least[n] = larger(self.least[n], arb(a))
            self.most[n] = smaller(self.most[n], arb(b))

    def rows_in(self, part: Part, region: Region) -> list[Row]:
        """Return the values of a finite symbol that lie in a region."""
        places = range(part.start, part.start + part.size)
        ends = [(region.low[j], region.high[j], region.open[j]) for j in places]
        return [
            row
            for row in part.table or ()
            if all(
                (x > a if is_open else x >= a) and x <= b
                for x, (a, b, is_open) in zip(map(number, row), ends, strict=True)
            )
        ]

    def misses(self, part: Part, ball: tuple[Row, float], region: Region) -> bool:
        """Return whether a region certainly lies outside a ball."""
        return bool(_away(part, ball, region)[0] > number(ball[1]) ** 2)

    def chord(
        self, part: Part, ball: tuple[Row, float], region: Region, j: int
    ) -> tuple[Ball, Ball]:
        """Return what a ball leaves of an input, given the region's other sides."""
        _, parts = _away(part, ball, region)
        rest = sum([p for i, p in enumerate(parts, part.start) if i != j], ZERO)
        left = number(ball[1]) ** 2 - rest
        if left < ZERO:
            raise NoPoint
        reach = left.nonnegative_part().sqrt()
        centre = number(ball[0][j - part.start])
        return centre - reach, centre + reach

    def row(self, values: Mapping[str, Any]) -> list[float]:
        """Return values by name as one row."""
        return [x for s in self.symbols for x in _row(values[s.name], s)]

    def sample(
        self, rng: Any, wide: float, fixed: Mapping[str, Sequence[float]]
    ) -> list[float] | None:
        """Return a random point of the domain, or None where the draw lies outside."""
        values: dict[str, Any] = {}
        for s in self.symbols:
            part = self.whole[s.name]
            if s.name in fixed:
                values[s.name] = fixed[s.name]
            elif part.table is not None:
                values[s.name] = part.table[int(rng.integers(len(part.table)))]
            else:
                values[s.name] = self._draw(rng, wide, s, part)
        if self.contains(values, besides=fixed):
            return None
        return self.row(values)

    def _draw(self, rng: Any, wide: float, s: Variable, part: Part) -> list[float]:
        constraints = self.domain.constraints[s.name]
        if any(isinstance(c, UnitVectors) for c in constraints):
            length = s.shape[-1]
            chosen = rng.integers(length, size=s.size // length)
            return np.eye(length)[chosen].ravel().tolist()
        places = range(part.start, part.start + part.size)
        low, high = (
            [float(e[j].mid()) for j in places] for e in (self.least, self.most)
        )
        low = [max(a, min(b, 0.0) - wide) for a, b in zip(low, high, strict=True)]
        high = [min(b, a + 2 * wide) for a, b in zip(low, high, strict=True)]
        point = rng.uniform(low, high)
        for centre, radius in part.balls:
            away = point - centre
            size = np.linalg.norm(away)
            point = centre + away * min(1.0, rng.uniform() * radius / max(size, 1e-300))
        cubes = [c for c in constraints if isinstance(c, Within) and c.order != 2]
        for c in cubes:  # those of next to no size have few doubles beside their centre
            pairs = zip(point.tolist(), _row(c.center, s), strict=True)
            point = np.array([x if _near(x, m, c) else m for x, m in pairs])
        return point.tolist()

    def contains(self, values: Mapping[str, Any], besides: Container[str] = ()) -> str:
        """Return why a point certainly is not in the domain, or nothing if it is."""
        for s in self.symbols:
            if s.name in besides:
                continue
            if s.name not in values:
                return f"it has no value for {s.name!r}"
            row = _row(values[s.name], s)
            if not all(map(math.isfinite, row)):
                return f"its value of {s.name!r} is not finite"
            for c in self.domain.constraints[s.name]:
                if not _holds(c, row, s):
                    return f"its value of {s.name!r} is not in {c.code(s.name)[:200]}"
        return ""


def _away(
    part: Part, ball: tuple[Row, float], region: Region
) -> tuple[Ball, list[Ball]]:
    """Return the least squared distance of a region from a centre, and its parts."""
    parts = []
    for j, c in enumerate(map(number, ball[0]), part.start):
        below, above = c - region.high[j], region.low[j] - c
        parts.append(larger(larger(below, above), ZERO) ** 2)
    return sum(parts, ZERO), parts


def _row(x: Any, s: Variable) -> Row:
    try:
        array = np.asarray(x, dtype=float)
        if array.size == s.size:
            array = array.reshape(s.shape)
        return tuple(np.broadcast_to(array, s.shape).ravel().tolist())
    except (TypeError, ValueError):
        raise CertificateError(
            f"bounds or values of {s.name!r} do not have its shape {s.shape}"
        ) from None


def _ends(c: Range | Within, s: Variable) -> tuple[list[Ball], list[Ball]]:
    if isinstance(c, Range):
        return [arb(x) for x in _row(c.lower, s)], [arb(x) for x in _row(c.upper, s)]
    centre, radius = [arb(x) for x in _row(c.center, s)], arb(c.radius)
    with ctx.workprec(EXACT):
        return [x - radius for x in centre], [x + radius for x in centre]


def _holds(c: Any, row: Row, s: Variable) -> bool:
    """Return whether a constraint holds, exactly."""
    if isinstance(c, Range):
        ends = zip(row, _row(c.lower, s), _row(c.upper, s), strict=True)
        return all(a <= x <= b for x, a, b in ends)
    if isinstance(c, OneOf):
        return any(_row(v, s) == row for v in c.values)
    if isinstance(c, UnitVectors):
        length = s.shape[-1]
        unit = sorted(row[i : i + length] for i in range(0, len(row), length))
        return all(sorted(u) == [0.0] * (length - 1) + [1.0] for u in unit)
    away = [
        Fraction(x) - Fraction(m) for x, m in zip(row, _row(c.center, s), strict=True)
    ]
    radius = Fraction(c.radius)
    if c.order == 2:
        return sum((d * d for d in away), Fraction(0)) <= radius * radius
    return all(abs(d) <= radius for d in away)


def _near(x: float, centre: float, cube: Within) -> bool:
    return abs(Fraction(x) - Fraction(centre)) <= Fraction(cube.radius)
