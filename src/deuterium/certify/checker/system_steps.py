"""Steps of linear systems: ranges of solutions, and balls that ridges keep them in.

Multiplied by an approximate inverse C, a system is ``(I - E) x = C b`` with
``|E| <= M``.  Where ``(I - M) v = 1`` for some v > 0, I - M is an M-matrix: the system
is regular, and ``|x| <= (I - M)^-1 |C b|`` (A. Neumaier, "Interval Methods for Systems
of Equations", 1990, sections 3.6 and 4.1).  The lengths of ridge regressions follow
from energies: with ``z' R z >= c |z|^2``,

    c |z|^2 <= z' (X' X + R) z = z' b       hence |z| <= |b| / c,
    |X z|^2 + c |z|^2 <= (X z)' y           hence |z| <= |y| / (2 sqrt(c)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flint import arb_mat

from deuterium import ops
from deuterium.certify.checker.ball_functions import (
    HALF,
    ONE,
    TWO,
    UNKNOWN,
    ZERO,
    Ball,
    between,
    larger,
    smaller,
)
from deuterium.certify.checker.binary_ranges import over, times
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.operator_table import TABLE
from deuterium.certify.checker.scalar_layout import TaskGroup
from deuterium.graph.operator import Operator

Ends = list[Ball]
Range = tuple[Ball, Ball]
Shapes = Sequence[tuple[int, int]]
OPERATORS = (ops.solve, ops.ridge_solve, ops.ridge_fit)


class BallBox:
    """A matrix of intervals: its lower and upper ends, row after row."""

    def __init__(self, ends: Sequence[Range], rows: int, columns: int) -> None:
        self.ends, self.rows, self.columns = list(ends), rows, columns

    def __getitem__(self, place: tuple[int, int]) -> Range:
        return self.ends[place[0] * self.columns + place[1]]

    def _matrix(self, of: Callable[[Ball, Ball], Ball]) -> arb_mat:
        return arb_mat(self.rows, self.columns, [of(a, b) for a, b in self.ends])

    @property
    def centre(self) -> arb_mat:
        """Middles of the intervals."""
        return self._matrix(lambda a, b: (a + b) * HALF)

    @property
    def radius(self) -> arb_mat:
        """Half their widths."""
        return self._matrix(lambda a, b: (b - a) * HALF)

    @property
    def lengths(self) -> list[Ball]:
        """What no column is longer than."""
        sizes = self._matrix(lambda a, b: larger(abs(a), abs(b)))
        squares = sizes.transpose() * sizes
        return [squares[j, j].sqrt() for j in range(self.columns)]

    def is_known(self) -> bool:
        """Return whether every end is a finite number."""
        return all(a.is_finite() and b.is_finite() for a, b in self.ends)

    def is_defined(self) -> bool:
        """Return whether every end is a number, or infinite."""
        return not any(a.is_nan() or b.is_nan() for a, b in self.ends)

    def __add__(self, other: BallBox) -> BallBox:
        pairs = zip(self.ends, other.ends, strict=True)
        ends = [(a + c, b + d) for (a, b), (c, d) in pairs]
        return BallBox(ends, self.rows, self.columns)

    def flipped_times(self, other: BallBox) -> BallBox:
        """Return ``self' other``; a column times itself is a sum of squares."""
        square = TABLE[ops.square].range
        ends = []
        for i in range(self.columns):
            for j in range(other.columns):
                pairs = [(self[k, i], other[k, j]) for k in range(self.rows)]
                same = other is self and i == j
                terms = [square(*a) if same else times(*a, *b) for a, b in pairs]
                ends.append(
                    (sum((a for a, _ in terms), ZERO), sum((b for _, b in terms), ZERO))
                )
        return BallBox(ends, self.columns, other.columns)


def _sizes(m: arb_mat) -> arb_mat:
    """Return upper bounds of the sizes of elements."""
    return arb_mat(m.nrows(), m.ncols(), [abs(e).upper() for e in m.entries()])


def _solved(a: BallBox, b: BallBox) -> list[Range] | None:
    """Return ranges of the solution, None where A is not proved regular."""
    if not (a.is_known() and b.is_known()):
        return None
    n = a.rows
    one = arb_mat(n, n, 1)
    try:
        inverse = a.centre.mid().inv().mid()
        size = _sizes(inverse)
        m = _sizes(_sizes(one - inverse * a.centre) + size * a.radius)
        v = (one - m).solve(arb_mat(n, 1, [ONE] * n))
        if not all(e > ZERO for e in v.entries()):
            return None
        z = _image(inverse, b)
        largest = [larger(abs(low), abs(high)) for low, high in z.ends]
        u = (one - m).solve(arb_mat(n, b.columns, largest))
    except ZeroDivisionError:
        return None
    return _gauss_seidel(m, u, z)


def _image(matrix: arb_mat, b: BallBox) -> BallBox:
    """Return the ranges of a matrix of numbers times one of intervals."""
    ends = []
    for i in range(matrix.nrows()):
        for k in range(b.columns):
            parts = [times(matrix[i, j], matrix[i, j], *b[j, k]) for j in range(b.rows)]
            ends.append(
                (sum((c for c, _ in parts), ZERO), sum((d for _, d in parts), ZERO))
            )
    return BallBox(ends, matrix.nrows(), b.columns)


def _gauss_seidel(m: arb_mat, u: arb_mat, z: BallBox) -> list[Range]:
    """Return ``x_i = (z_i + sum of E_ij x_j) / (1 - E_ii)`` where ``|x| <= u``."""
    n, out = m.nrows(), []
    for i in range(n):
        for k in range(u.ncols()):
            others = sum((m[i, j] * u[j, k] for j in range(n) if j != i), ZERO)
            low, high = z[i, k]
            x = over(low - others, high + others, ONE - m[i, i], ONE + m[i, i])
            out.append(_cut(x, u[i, k]))
    return out


def _cut(x: Range, limit: Ball) -> Range:
    """Return what of a range lies within ``limit`` of zero."""
    return larger(x[0], -limit), smaller(x[1], limit)


def _least_form(r: BallBox) -> Ball:
    """Return what ``z' R z`` is at least on the unit sphere, by Gershgorin's discs."""
    rows = []
    for i in range(r.rows):
        least = r[i, i][0]
        for j in range(r.rows):
            if j != i:
                (a, b), (c, d) = r[i, j], r[j, i]
                least = least - larger(abs(a + c), abs(b + d)) * HALF
        rows.append(least)
    least = rows[0]
    for row in rows[1:]:
        least = smaller(least, row)
    return least


def solution(op: Operator, parts: Sequence[BallBox]) -> list[Range] | None:
    """Return ranges of the elements of the solution of one system."""
    if op is ops.solve:
        return _solved(*parts)
    x, r, right = parts
    fit = op is ops.ridge_fit
    ranges = _solved(x.flipped_times(x) + r, x.flipped_times(right) if fit else right)
    c = _least_form(r)
    if not (c > ZERO and r.is_known() and right.is_known() and x.is_defined()):
        return ranges
    divisor = TWO * c.sqrt() if fit else c
    limits = [length / divisor for length in right.lengths] * r.rows
    if ranges is None:
        return [(-limit, limit) for limit in limits]
    return [_cut(x, limit) for x, limit in zip(ranges, limits, strict=True)]


def _boxes(low: Ends, high: Ends, ins: Sequence[int], shapes: Shapes) -> list[BallBox]:
    """Return the matrices whose elements follow each other."""
    out, start = [], 0
    for rows, columns in shapes:
        stop = start + rows * columns
        out.append(BallBox([(low[i], high[i]) for i in ins[start:stop]], rows, columns))
        start = stop
    return out


def point_step(group: TaskGroup) -> Callable[[Ends], None]:
    """Return the step that works out solutions at a point."""
    shapes = group.attrs["shapes"]

    def step(values: Ends) -> None:
        for outs, ins in group.tasks:
            ranges = solution(group.op, _boxes(values, values, ins, shapes))
            for i, k in enumerate(outs):
                values[k] = UNKNOWN if ranges is None else between(*ranges[i])

    return step


def range_step(
    group: TaskGroup, fixed: Mapping[int, Ball]
) -> Callable[[Ends, Ends], None]:
    """Return the step that works out ranges of solutions."""
    shapes = group.attrs["shapes"]

    def step(low: Ends, high: Ends) -> None:
        for outs, ins in group.tasks:
            ranges = solution(group.op, _boxes(low, high, ins, shapes))
            if ranges is None:
                raise NoBound("a matrix is not proved to be regular")
            for k, (a, b) in zip(outs, ranges, strict=True):
                low[k], high[k] = a, b

    return step
