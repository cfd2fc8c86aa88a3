"""Bounds of a bounded function of a whole array whose distance is bounded.

If ``||z - c|| <= r`` and ``g . z <= R`` then for functions h_i of one variable and all
``t, s >= 0``

    sum h_i(z_i) <= t r^2 + s R + sum_i max (h_i(z_i) - t (z_i - c_i)^2 - s g_i z_i)

with maxima over the intervals of the ``z_i``.  These are bounded over pieces, between
the points of a grid: on a piece of width v, a function is at most the larger of its
values at the two ends plus ``v^2 / 8`` times what bounds minus its second derivative.
With ``|f''| <= k`` that is ``2 t + 2 k max|f - m|`` for ``h = (f - m)^2``, and
``2 t + k |w|`` for ``h = w f``.  All of this is, for each piece, linear in a few
numbers of each element: one product of matrices.

That it holds for all t and s is weak Lagrangian duality.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cache

from flint import arb, arb_mat, ctx

from deuterium.certify.checker.ball_functions import (
    INFINITY,
    ONE,
    ZERO,
    Ball,
    larger,
)
from deuterium.certify.checker.norm_bounds.array_knowledge import ArrayKnowledge
from deuterium.certify.checker.norm_bounds.ball_vectors import (
    Vector,
    dot,
    known,
    larger_of,
    least,
    length,
    total,
)
from deuterium.certify.checker.operator_table import TABLE
from deuterium.graph.operator import Operator


def is_bent(op: Operator | None) -> bool:
    """Whether the bend of an operator is stated."""
    return op is not None and op in TABLE and TABLE[op].bend is not None


def _grid() -> list[float]:
    """Return points 1/16 apart up to 4, then each 1.08 times the last, both ways."""
    up = [k / 16 for k in range(1, 65)]
    up += [4.0 * 1.08**k for k in range(1, 161)]
    return [-x for x in reversed(up)] + [0.0] + up


PLACES = _grid()
GRID = [arb(x) for x in PLACES]


@dataclass(frozen=True)
class Inequality:
    """Multipliers of ``||z - c||^2 <= r^2`` and of ``g . z <= R``."""

    t: Ball
    s: Ball
    along: Vector
    reach: Ball


@dataclass(frozen=True)
class Heights:
    """Functions h_i of one curve: ``(f - m_i)^2`` (`square`) or ``m_i f``."""

    op: Operator
    square: bool
    m: Vector


@cache
def _features(op: Operator, square: bool, bits: int) -> list[list[Ball]]:
    """Return, for each bound of each piece, what stands before numbers of an element.

    Of squares four bounds a piece: either end, with ``|f - m|`` as ``f - m`` at the end
    where f is largest, or ``m - f`` where it is least.  Of multiples two.
    """
    f, bend = TABLE[op].value, TABLE[op].bend
    assert bend is not None
    k, slope = bend
    xs = GRID
    ys = [f(x) for x in xs]
    steep = [TABLE[slope].value(x) for x in xs]
    rows = []
    for p in range(len(xs) - 1):
        quarter = (xs[p + 1] - xs[p]) ** 2 / 4
        bend = k * larger(steep[p], steep[p + 1]) * quarter
        for e in (p, p + 1):
            line = [xs[e] ** 2 - quarter, xs[e], ONE]
            if not square:
                rows.append([ys[e], bend / 2, *line])
                continue
            for far, sign in ((larger(ys[p], ys[p + 1]), 1), (_lesser(ys, p), -1)):
                b = sign * bend
                rows.append([ys[e] ** 2 + b * far, ys[e] + b / 2, *line])
    return rows


def _lesser(ys: list[Ball], p: int) -> Ball:
    return -larger(-ys[p], -ys[p + 1])


def dual_value(h: Heights, z: ArrayKnowledge, by: Inequality) -> Ball:
    """Return an upper bound of ``sum h_i(z_i)``."""
    slope = by.along * by.s
    each = _maxima(h, z, by.t, slope)
    bound = sum(each, ZERO)
    if not by.t.is_zero():
        bound = bound + by.t * z.radius**2
    if not by.s.is_zero():
        bound = bound + by.s * by.reach
    return known(bound)


def _maxima(h: Heights, z: ArrayKnowledge, t: Ball, slope: Vector) -> list[Ball]:
    """Return the largest ``h_i - t (z_i - c_i)^2 - slope_i z_i`` of each element."""
    low, high = z.low.tolist(), z.high.tolist()
    pieces = [_pieces(a, b) for a, b in zip(low, high, strict=True)]
    first = min(p.start for p in pieces)
    last = max(p.stop for p in pieces)
    values = _values(h, z.centre, t, slope, range(first, last))
    each, n = 4 if h.square else 2, len(low)
    found = []
    for i, p in enumerate(pieces):
        start, stop = each * (p.start - first), each * (p.stop - first)
        best = _beyond(h, h.m[i], slope[i], low[i], high[i])
        for x in values[start * n + i : stop * n : n]:
            if not x <= best:
                best = larger(best, x)
        found.append(best)
    return found


def _values(h: Heights, c: Vector, t: Ball, slope: Vector, pieces: range) -> list[Ball]:
    """Return the bounds of some pieces: rows of them, with one column an element.

    Shapes: ``c`` and ``slope`` (elements,).
    """
    each, n = 4 if h.square else 2, len(c)
    features = _features(h.op, h.square, ctx.prec)
    rows = features[each * pieces.start : each * pieces.stop]
    linear, constant = c * (2 * t) - slope, -(c * c * t)
    if h.square:
        own = [[ONE] * n, (h.m * -2).tolist()]
        constant = constant + h.m * h.m
    else:
        own = [h.m.tolist(), [abs(x) for x in h.m]]
    numbers = [*own, [-t] * n, linear.tolist(), constant.tolist()]
    if not rows:
        return []
    product = arb_mat(rows) * arb_mat(numbers)
    entries: list[Ball] = product.entries()
    return entries


def _pieces(low: Ball, high: Ball) -> range:
    """Return the pieces that an interval may meet."""
    last = len(GRID) - 1
    first = max(bisect_left(PLACES, float(low.mid())) - 2, 0)
    while first < last and GRID[first + 1] < low:
        first += 1
    stop = min(bisect_right(PLACES, float(high.mid())) + 2, last)
    while stop > first and GRID[stop - 1] > high:
        stop -= 1
    # where the ball of an end is wide, the guess above may lie inside it
    while first > 0 and not GRID[first] < low:
        first -= 1
    while stop < last and not GRID[stop] > high:
        stop += 1
    return range(first, stop)


def _beyond(h: Heights, m: Ball, slope: Ball, low: Ball, high: Ball) -> Ball:
    """Return the largest of ``h - slope z`` outside the grid, where curves are flat."""
    best = -INFINITY
    first, last = GRID[0], GRID[-1]
    if not low >= first:
        end = high if high < first else first
        best = larger(best, _outside(h, m, slope, low, end))
    if not high <= last:
        start = low if low > last else last
        best = larger(best, _outside(h, m, slope, start, high))
    return best


def _outside(h: Heights, m: Ball, slope: Ball, a: Ball, b: Ball) -> Ball:
    low, high = TABLE[h.op].range(a, b)
    top = (
        larger((low - m) ** 2, (high - m) ** 2)
        if h.square
        else larger(m * low, m * high)
    )
    return top if slope.is_zero() else top + larger(-slope * a, -slope * b)


def support_in_balls(x: ArrayKnowledge, w: Vector) -> Ball:
    """Return an upper bound of ``x . w``: the lesser of those by box and by ball."""
    box = known(total(larger_of(x.low * w, x.high * w)))
    return least(box, known(dot(x.centre, w) + x.radius * length(w)))
