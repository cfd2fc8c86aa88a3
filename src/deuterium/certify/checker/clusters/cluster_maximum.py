"""One hub and its spokes, bounded over cells of the hub's range.

The theorem is in the package's docstring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb_mat

from deuterium.certify.checker.ball_functions import (
    HALF,
    INFINITY,
    ONE,
    TWO,
    ZERO,
    Ball,
    larger,
    smaller,
)
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.parabola_cells import Cell, peak

Coefficients = Mapping[int, Ball]  # by the number of a function of the hub; not zero
UNIT, HUB, FIRST = range(3)  # the constant 1, the hub itself, the curve's first term


@dataclass(frozen=True)
class Spoke:
    """What depends on a spoke e: ``A(z) e**2 + B(z) e``, with e in [low, high].

    Attributes
    ----------
    linear, quadratic : mapping
        B and A, as combinations of functions of the hub.
    low, high : arb
        Exact numbers.
    """

    linear: Coefficients
    quadratic: Coefficients
    low: Ball
    high: Ball

    @property
    def most(self) -> Ball:
        """The largest size of e."""
        return larger(abs(self.low), abs(self.high))

    @property
    def is_apart(self) -> bool:
        """Whether it does not depend on the hub."""
        return not (self.linear.keys() | self.quadratic.keys()) - {UNIT}

    def alone(self) -> Ball:
        """Return its maximum, where it does not depend on the hub."""
        a, b = self.quadratic.get(UNIT, ZERO), self.linear.get(UNIT, ZERO)
        return spoke_maximum(a, b, self.low, self.high)


class ClusterLoad:
    """What is to be maximised over a hub and its spokes.

    Parameters
    ----------
    own : mapping
        Coefficients of functions of the hub.
    spokes : sequence of Spoke
    """

    def __init__(self, own: Coefficients, spokes: Sequence[Spoke]) -> None:
        self._own = [(k, c, abs(c)) for k, c in own.items()]
        self._ends = [(s.low, s.high, s.most) for s in spokes]
        rows = [part for s in spokes for part in (s.quadratic, s.linear)]
        self._used = sorted({k for row in rows for k in row})
        entries = [r.get(k, ZERO) for r in rows for k in self._used]
        shape = len(rows), len(self._used)
        self._matrix = arb_mat(*shape, entries)
        self._sizes = arb_mat(*shape, [abs(c) for c in entries])

    def over(self, cell: Cell, low: Ball, high: Ball) -> tuple[Ball, Ball]:
        """Return upper bounds over the part of a cell in [low, high].

        The second bounds the maximum there from below, about.
        """
        m = cell.middle
        parabolas = [
            (ONE, ZERO, ZERO, ZERO, False),
            (m, ONE, ZERO, ZERO, False),
            *cell.parabolas,
        ]
        t0 = t1 = t2 = error = ZERO
        sinks = False
        for k, c, size in self._own:
            u0, u1, u2, off, may_sink = parabolas[k]
            t0, t1, t2 = t0 + c * u0, t1 + c * u1, t2 + c * u2
            error = error + size * off
            if may_sink:
                sinks = True
                if not c > ZERO:
                    return INFINITY, -INFINITY
        a, b = larger(cell.low, low) - m, smaller(cell.high, high) - m
        seen = -INFINITY
        if self._ends:
            first, last, excess = self._spokes(parabolas, a, b)
            seen = larger(t0 + a * (t1 + a * t2) + first, t0 + b * (t1 + b * t2) + last)
            seen = seen - excess
            width = b - a
            if width > ZERO:
                slope = (last - first) / width
                t0, t1 = t0 + first - slope * a, t1 + slope
            else:
                t0 = t0 + larger(first, last)
        top = peak(t0, t1, t2, a, b)
        if not self._ends:
            seen = top
        return top + error, -INFINITY if sinks else seen - error

    def _spokes(
        self, parabolas: Sequence[Any], a: Ball, b: Ball
    ) -> tuple[Ball, Ball, Ball]:
        """Return bounds of all spokes together at both ends of a cell.

        The third is by how much they may be too large there.
        """
        entries: list[Ball] = []
        errors: list[Ball] = []
        for k in self._used:
            u0, u1, u2, off, may_sink = parabolas[k]
            if may_sink:
                raise NoBound("a spoke times what may be minus infinity")
            entries += u0 + u1 * a, u0 + u1 * b, u2
            errors.append(off)
        count = len(self._used)
        found = (self._matrix * arb_mat(count, 3, entries)).entries()
        wrong = (self._sizes * arb_mat(count, 1, errors)).entries()
        squares = a * a, b * b
        farthest = larger(*squares)
        totals, excess = [ZERO, ZERO], ZERO
        for n, (low, high, most) in enumerate(self._ends):
            *bends, bend = found[6 * n : 6 * n + 3]
            *slopes, curve = found[6 * n + 3 : 6 * n + 6]
            off, away = wrong[2 * n : 2 * n + 2]
            rise, up, down = _positive(bend), _positive(curve), -_positive(-curve)
            more = (rise - bend) * most + up - down
            excess = excess + (more * farthest + TWO * (off * most + away)) * most
            for i, square in enumerate(squares):
                y = bends[i] + rise * square + off
                # of what is multiplied by a positive, and by a negative e
                above = slopes[i] + up * square + away
                below = slopes[i] + down * square - away
                totals[i] = totals[i] + _both_sides(y, above, below, low, high)
        return totals[0], totals[1], excess


def _both_sides(a: Ball, above: Ball, below: Ball, low: Ball, high: Ball) -> Ball:
    """Return the maximum of ``a e**2 + b e`` where b depends on the sign of e."""
    if low >= ZERO:
        return spoke_maximum(a, above, low, high)
    if high <= ZERO:
        return spoke_maximum(a, below, low, high)
    return larger(
        spoke_maximum(a, above, ZERO, high), spoke_maximum(a, below, low, ZERO)
    )


def _positive(x: Ball) -> Ball:
    """Return at least the positive part of a number."""
    if x >= ZERO:
        return x
    return ZERO if x <= ZERO else x.upper()


def spoke_maximum(a: Ball, b: Ball, low: Ball, high: Ball) -> Ball:
    """Return the maximum of ``a e**2 + b e`` over [low, high], or more.

    It grows with a; where a may be 0 or more, it is that of the largest a, at an end.
    """
    ends = larger((a * low + b) * low, (a * high + b) * high)
    if not a < ZERO:
        return ends
    at = -b / (TWO * a)
    if at <= low or at >= high:
        return ends
    tip = at * b * HALF
    if at > low and at < high:
        return tip
    # without the square, which only lowers it, it is largest at an end
    return larger(ends, smaller(tip, larger(b * low, b * high)))
