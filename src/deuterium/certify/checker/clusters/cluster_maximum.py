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
        self._ends = [(s.low, s.high) for s in spokes]
        rows = [part for s in spokes for part in (s.quadratic, s.linear)]
        self._used = sorted({k for row in rows for k in row})
        self._matrix = arb_mat(
            len(rows),
            len(self._used),
            [r.get(k, ZERO) for r in rows for k in self._used],
        )
        self._errors = dict.fromkeys(self._used, ZERO)
        for s in spokes:
            most = larger(abs(s.low), abs(s.high))
            for row, size in ((s.quadratic, most * most), (s.linear, most)):
                for k, c in row.items():
                    self._errors[k] = self._errors[k] + abs(c) * size

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
            for k in self._used:
                if parabolas[k][4]:
                    raise NoBound("a spoke times what may be minus infinity")
                error = error + self._errors[k] * parabolas[k][3]
            first, last = self._spokes(parabolas, a, b)
            seen = larger(first + t0 + a * (t1 + a * t2), last + t0 + b * (t1 + b * t2))
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

    def _spokes(self, parabolas: Sequence[Any], a: Ball, b: Ball) -> tuple[Ball, Ball]:
        """Return what all spokes together reach at both ends of a cell."""
        entries: list[Ball] = []
        for k in self._used:
            u0, u1, u2, _, _ = parabolas[k]
            entries += u0 + u1 * a, u0 + u1 * b, u2
        found = (self._matrix * arb_mat(len(self._used), 3, entries)).entries()
        squares = a * a, b * b
        totals = [ZERO, ZERO]
        for n, (low, high) in enumerate(self._ends):
            *bends, bend = found[6 * n : 6 * n + 3]
            *slopes, curve = found[6 * n + 3 : 6 * n + 6]
            rise = _positive(bend)
            up, down = _positive(curve), -_positive(-curve)
            for i in (0, 1):
                y = bends[i] + rise * squares[i]
                above, below = (
                    slopes[i] + up * squares[i],
                    slopes[i] + down * squares[i],
                )
                if low >= ZERO:
                    top = spoke_maximum(y, above, low, high)
                elif high <= ZERO:
                    top = spoke_maximum(y, below, low, high)
                else:
                    top = larger(
                        spoke_maximum(y, above, ZERO, high),
                        spoke_maximum(y, below, low, ZERO),
                    )
                totals[i] = totals[i] + top
        return totals[0], totals[1]


def _positive(x: Ball) -> Ball:
    """Return at least the positive part of a number."""
    if x >= ZERO:
        return x
    return ZERO if x <= ZERO else x.upper()


def spoke_maximum(a: Ball, b: Ball, low: Ball, high: Ball) -> Ball:
    """Return the maximum of ``a e**2 + b e`` over [low, high], or more."""
    ends = larger((a * low + b) * low, (a * high + b) * high)
    if a >= ZERO:
        return ends
    flat = larger(b * low, b * high)  # where a is not positive, it is below this
    if not a < ZERO:
        return larger(ends, flat)
    at = -b / (TWO * a)
    if at <= low or at >= high:
        return ends
    tip = at * b * HALF
    if at > low and at < high:
        return tip
    return larger(ends, smaller(tip, flat))
