"""Univariate functions of coordinates: values, ranges, tables of parabolas.

A table divides the coordinates' range into cells.  In each, every function u lies
within ``error`` of a parabola about the middle of the cell (Taylor's formula with the
third derivative enclosed over the cell), so that any combination of the functions has
a certified maximum in closed form.  Coarse cells are divided into fine ones; a table is
made once and serves every region.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.evaluate.function import compile
from deuterium.graph.constructors import as_variable
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.rounding import MIN_NORMAL, TINY, gamma
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    CoordinateGroup,
    KinkBranches,
)
from deuterium.optimize.bounders.lagrangian.uniform_function import are_uniform
from deuterium.transform.differentiate import slopes_of
from deuterium.transform.simplify.simplify import simplify

# operators that jump where their argument is zero
JUMPS = (ops.absolute_slope, ops.step, ops.is_positive, ops.is_zero, ops.sign)


class UnivariateFunctions:
    """Evaluates the functions of one group.

    Parameters
    ----------
    group : CoordinateGroup
        Of any kind but pairs.
    log_zero_is_minus_inf : bool
        Whether logarithms are only taken of what is never negative, so that minus
        infinity is meant where zero or rounding errors below it are met.
    """

    def __init__(self, group: CoordinateGroup, log_zero_is_minus_inf: bool) -> None:
        self.group = group
        self.kinked = any(f.kinked for f in group.functions)
        pairs = zip(*[(f.left, f.right) for f in group.functions], strict=True)
        images = list(map(Graph, pairs))
        self._jumps = self.kinked and any(
            n.op in JUMPS for image in images for n in image.order
        )
        # a group without functions has one side, of none
        sides = images if self.kinked else images[:1] or [Graph()]
        uniform = all(are_uniform(side, group.vector) for side in sides)
        self._sides = [
            _Side(group, side, log_zero_is_minus_inf, uniform) for side in sides
        ]

    def values(self, z: Array, right: Array) -> Array:
        """Return floats of shape (..., m, functions); ``right``: which side of a kink.

        Function 0 is the coordinate itself.
        """
        out = np.empty((*z.shape, self.group.count))
        out[..., 0] = z
        for k, side in enumerate(self._sides):
            found = [
                np.nan_to_num(f, nan=-options.POLE_VALUE, neginf=-options.POLE_VALUE)
                for f in side.values(z)
            ]
            for r, f in enumerate(found):
                out[..., r + 1] = f if k == 0 else np.where(right, f, out[..., r + 1])
        return out

    def ranges(self, low: Array, high: Array, opened: Array) -> tuple[Array, Array]:
        """Return certified ranges, of shape (B, m, functions).

        ``opened``: where the lower end itself is excluded.
        """
        lower = np.empty((*low.shape, self.group.count))
        upper = np.empty_like(lower)
        lower[..., 0], upper[..., 0] = low, high
        if not self.group.functions:
            return lower, upper
        rest = slice(1, None)
        if not self.kinked:
            lower[..., rest], upper[..., rest] = self._sides[0].ranges(low, high)
            return lower, upper
        has_left = ((low < 0) | ((low == 0) & ~opened))[..., None]
        has_right = (high > 0)[..., None]
        a, b = self._sides[0].ranges(np.minimum(low, 0.0), np.minimum(high, 0.0))
        c, d = self._sides[1].ranges(np.maximum(low, 0.0), np.maximum(high, 0.0))
        lower[..., rest] = np.where(
            has_left, np.where(has_right, np.minimum(a, c), a), c
        )
        upper[..., rest] = np.where(
            has_left, np.where(has_right, np.maximum(b, d), b), d
        )
        return lower, upper

    def table(self, low: Array, high: Array) -> CellTable:
        """Return the table over the hull of ranges of the coordinates.

        Shapes: ``low`` and ``high`` (m,).
        """
        least, most = float(np.min(low)), float(np.max(high))
        edges = _first_edges(least, most, self.kinked)
        if self._jumps and least < 0 <= most:
            edges = np.union1d(edges, [-options.JUMP_WIDTH * (most - least)])
        coarse = self._refined(edges, low, high)
        if self.kinked and least == 0:  # which belongs to the left side
            edges = np.concatenate([[0.0], coarse.low, coarse.high[-1:]])
            coarse = self.cells(edges, low, high)
        edges, owner = _divided(coarse)
        fine = self.cells(edges, low, high)
        return CellTable(
            coarse, fine, np.searchsorted(owner, np.arange(len(coarse) + 1))
        )

    def _refined(self, edges: Array, low: Array, high: Array) -> ParabolaCells:
        """Divide cells until every function is known to within `options.COARSE_ERROR`.

        Shapes: ``edges`` (G + 1,), ``low`` and ``high`` (m,).
        """
        while True:
            cells = self.cells(edges, low, high)
            worst = cells.relative.max(axis=(1, 2), initial=0.0)
            pieces = _pieces(worst)
            if self._jumps:
                width = cells.high - cells.low
                thin = width <= 2 * options.JUMP_WIDTH * width.sum()
                pieces[thin] = 1
            first = np.argsort(-worst, kind="stable")
            more = np.cumsum(pieces[first] - 1)
            pieces[first[more > options.MOST_COARSE_CELLS - len(cells)]] = 1
            new, _ = _cut(cells, pieces)
            new = np.unique(new)
            if len(new) == len(edges):
                return cells
            edges = new

    def cells(self, edges: Array, low: Array, high: Array) -> ParabolaCells:
        """Return cells, each function as a parabola with its error.

        Shapes: ``edges`` (G + 1,), ``low`` and ``high`` (m,).
        """
        a, b = edges[:-1], edges[1:]
        if not self.kinked:
            return _joined([self._sides[0].cells(a, b)], a, b)
        left = b <= 0
        parts = [self._sides[0].cells(a[left], b[left])]
        parts.append(self._sides[1].cells(a[~left], b[~left]))
        return _joined(parts, a, b)


@dataclass(frozen=True)
class ParabolaCells:
    """Parabolas ``t0 + t1 d + t2 d**2`` about the middles of cells.

    Attributes
    ----------
    low, high, middle : ndarray of shape (G,)
    poly : ndarray of shape (G, m or 1, functions, 3)
        Of functions 1, 2, ...; number 0 is exact.
    above, below : ndarray of shape (G, m or 1, functions)
        How far the function may be above and below its parabola.
    spread : ndarray of shape (m or 1, functions)
        By how much the functions vary over all cells.
    """

    low: Array
    high: Array
    middle: Array
    poly: Array
    above: Array
    below: Array
    spread: Array

    def __len__(self) -> int:
        return len(self.low)

    @property
    def relative(self) -> Array:
        """Errors, of the function's spread; beside a pole, of the range's width."""
        width = self.high - self.low
        share = (width / max(float(width.sum()), MIN_NORMAL))[:, None, None]
        error = np.fmax(self.above, self.below) / self.spread
        return np.where(np.isfinite(error), error, share)


@dataclass(frozen=True)
class CellTable:
    """Coarse cells, and the fine cells within each: ``fine[start[i]:start[i + 1]]``."""

    coarse: ParabolaCells
    fine: ParabolaCells
    start: Array


class _Side:
    """Functions that are smooth over the range in question."""

    def __init__(
        self,
        group: CoordinateGroup,
        functions: Graph,
        log_zero_is_minus_inf: bool,
        uniform: bool,
    ) -> None:
        self._rule = _forgiving if log_zero_is_minus_inf else (lambda op: op.enclosure)
        self.vector, self.size = group.vector, group.size
        self.uniform = uniform
        self.orders = [functions]
        self._value = compile([group.vector], functions) if functions else None

    def values(self, z: Array) -> Any:
        return self._value(z) if self._value is not None else ()

    def ranges(self, low: Array, high: Array) -> tuple[Array, Array]:
        found = self._enclosed(0, Interval.unchecked(low, high))
        return found[0], found[1]

    def _graphs(self, order: int) -> Graph:
        while len(self.orders) <= order:
            last = self.orders[-1]
            self.orders.append(Graph(self._derivative(f, last) for f in last))
        return self.orders[order]

    def _derivative(self, f: Variable, graph: Graph) -> Variable:
        if f not in graph.varying:
            return as_variable(np.zeros(self.size))
        total = f.sum()
        return simplify(slopes_of(total, [self.vector])[0])

    def _enclosed(self, order: int, x: Interval) -> Array:
        """Return stacked ends, of shape (2, ..., m, functions)."""
        shape = np.shape(x.lower)
        graphs = self._graphs(order)
        out = np.empty((2, *shape, len(graphs)))
        with np.errstate(all="ignore"):
            meaning = interpret(graphs.order, lambda v: _leaf(v, x), self._rule)
        for r, g in enumerate(graphs):
            out[0, ..., r] = meaning[g].lower
            out[1, ..., r] = meaning[g].upper
        return out

    def cells(self, a: Array, b: Array) -> tuple[Array, Array, Array]:
        """Return parabolas and their errors above and below, over cells [a, b].

        Shapes: ``a`` and ``b`` (G,).
        """
        count, width = len(a), 1 if self.uniform else self.size
        if not count or not self.orders[0]:
            poly = np.zeros((count, width, len(self.orders[0]), 3))
            return poly, poly[..., 0], poly[..., 0]
        if self.uniform:  # every coordinate takes cells of its own
            a, b = (_folded(x, self.size) for x in (a, b))
        else:
            a, b = (np.repeat(x[:, None], self.size, 1) for x in (a, b))
        poly, above, below = self._parabolas(a, b)
        if not self.uniform:
            return poly, above, below
        poly, above, below = (
            x.reshape(-1, 1, *x.shape[2:])[:count] for x in (poly, above, below)
        )
        return poly, above, below

    def _parabolas(self, a: Array, b: Array) -> tuple[Array, Array, Array]:
        """Return the same for cells of shape (G, m)."""
        poly = np.zeros((*a.shape, len(self.orders[0]), 3))
        middle = 0.5 * a + 0.5 * b
        radius = np.maximum(b - middle, middle - a) * (1 + gamma(4))
        at, over = Interval.unchecked(middle, middle), Interval.unchecked(a, b)
        r = radius[..., None]
        error, size = np.zeros(()), np.zeros(())
        for k, scale in ((0, 1.0), (1, 1.0), (2, 0.5)):
            low, high = self._enclosed(k, at)
            poly[..., k] = scale * (0.5 * low + 0.5 * high)
            error = error + scale * (high - low) * r**k
            size = size + np.abs(poly[..., k]) * r**k
        low, high = self._enclosed(3, over)
        error = error + np.fmax(np.abs(low), np.abs(high)) * r**3 / 6
        lost = 8 * TINY * (1.0 + r * (1.0 + r))  # to underflow
        error = (error + size * gamma(8) + lost) * (1 + gamma(32))
        return self._guarded(poly, error, over)

    def _guarded(
        self, poly: Array, error: Array, over: Interval
    ) -> tuple[Array, Array, Array]:
        """Use the plain range where Taylor's formula is no better or undefined."""
        low, high = self._enclosed(0, over)
        plain = 0.5 * high - 0.5 * low
        bad = ~(error <= plain)
        above = np.where(bad, plain, error)
        poly[bad] = 0.0
        poly[..., 0] = np.where(bad, 0.5 * low + 0.5 * high, poly[..., 0])
        below = above = np.where(bad, above + np.abs(poly[..., 0]) * gamma(8), above)
        lost = ~np.isfinite(above)
        if lost.any():
            poly[lost] = 0.0
            undefined = np.isnan(low) | np.isnan(high)
            above = np.where(lost, np.where(undefined, np.inf, high), above)
            below = np.where(lost, np.where(undefined, np.inf, -low), below)
        return poly, above, below


def _forgiving(op: Operator) -> Any:
    """Return an enclosure; the logarithm of 0 is minus infinity, not undefined."""
    if op is not ops.log:
        return op.enclosure

    def log(x: Interval) -> Interval:
        touches = np.asarray(x.lower) <= 0
        low = np.where(touches, MIN_NORMAL, x.lower)
        found = op.enclosure(Interval.unchecked(low, np.maximum(x.upper, low)))
        return Interval.unchecked(np.where(touches, -np.inf, found.lower), found.upper)

    return log


def _folded(x: Array, width: int) -> Array:
    """Return a vector as rows, the last filled up with its last element."""
    rows = -(-len(x) // width)
    return np.append(x, np.full(rows * width - len(x), x[-1])).reshape(rows, width)


def _leaf(v: Variable, x: Interval) -> Interval:
    if v.is_symbol:
        return x
    value = np.asarray(v.value, dtype=float)
    return Interval.unchecked(value, value)


def _first_edges(low: float, high: float, kinked: bool) -> Array:
    """Return the ends of a few cells, with 0 among them if there are kinks."""
    if not low < high:
        low, high = low - 1e-9 * (1 + abs(low)), high + 1e-9 * (1 + abs(high))
    if low > 0 and high / low > 16:
        inner = np.geomspace(low, high, 5)[1:-1]
    else:
        inner = np.array([])
    edges = np.unique(np.concatenate([[low], inner, [high]]))
    return np.union1d(edges, [0.0]) if kinked and low < 0 < high else edges


def _pieces(worst: Array) -> Array:
    """Return into how many cells to divide each: a power of 2, as errors are cubic."""
    error = np.nan_to_num(worst, posinf=1.0) / options.COARSE_ERROR
    halvings = np.ceil(np.log2(np.maximum(error, 1.0)) / 3)
    return 2 ** np.clip(halvings, 0, options.MOST_HALVINGS).astype(int)


def _divided(coarse: ParabolaCells) -> tuple[Array, Array]:
    """Return the ends of fine cells, and the coarse cell of each."""
    worst = coarse.relative.max(axis=(1, 2), initial=0.0)
    pieces = np.ceil(np.cbrt(np.nan_to_num(worst, posinf=1.0) / options.FINE_ERROR))
    return _cut(coarse, np.clip(pieces, 1, options.MOST_FINE_CELLS).astype(int))


def _cut(cells: ParabolaCells, pieces: Array) -> tuple[Array, Array]:
    """Return the ends of cells cut into equal pieces, and the cell of each piece."""
    owner = np.repeat(np.arange(len(cells)), pieces)
    first = np.repeat(np.cumsum(pieces) - pieces, pieces)
    place = (np.arange(len(owner)) - first) / pieces[owner]
    edges = cells.low[owner] + place * (cells.high - cells.low)[owner]
    return np.append(edges, cells.high[-1]), owner


def _joined(
    parts: list[tuple[Array, Array, Array]], a: Array, b: Array
) -> ParabolaCells:
    poly, above, below = (np.concatenate(x, axis=0) for x in zip(*parts, strict=True))
    middle = 0.5 * a + 0.5 * b
    return ParabolaCells(a, b, middle, poly, above, below, _spread(poly, middle, a, b))


def _spread(poly: Array, middle: Array, a: Array, b: Array) -> Array:
    """Return by how much functions vary (about; 1 where they do not).

    Shapes: ``poly`` (G, m or 1, functions, 3), all else (G,).
    """
    values = []
    for z in (a, middle, b):
        d = (z - middle)[:, None, None]
        values.append(poly[..., 0] + d * (poly[..., 1] + d * poly[..., 2]))
    spread = np.ptp(np.concatenate(values, axis=0), axis=0) if len(a) else poly[..., 0]
    spread = np.max(spread, axis=0, keepdims=True, initial=0.0)
    return np.where(spread > 0, spread, 1.0)


__all__ = ["CellTable", "KinkBranches", "ParabolaCells", "UnivariateFunctions"]
