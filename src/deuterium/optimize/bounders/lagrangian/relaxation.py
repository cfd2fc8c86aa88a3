"""One Lagrangian relaxation: its parts put together, bounds of batches of regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import MIN_NORMAL, TINY, add_up, gamma
from deuterium.optimize.bounders.lagrangian.auxiliary_variables import FactoredGraph
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    BILINEAR,
    AffineForm,
    CoordinateGroup,
    Term,
    Unsuited,
)
from deuterium.optimize.bounders.lagrangian.interior_point import Solver
from deuterium.optimize.bounders.lagrangian.multiplier_system import (
    MultiplierSystem,
    centred,
)
from deuterium.optimize.bounders.lagrangian.quadratic_constraint import (
    quadratic_constraints,
)
from deuterium.optimize.bounders.lagrangian.quadratic_weights import (
    QuadraticTerms,
    quadratic_terms,
)
from deuterium.optimize.bounders.lagrangian.range_propagation import (
    RangePropagation,
    RegionRanges,
)
from deuterium.optimize.bounders.lagrangian.rigorous_value import (
    UnivariateProblem,
    univariate_maxima,
)
from deuterium.optimize.bounders.lagrangian.solver_samples import peaks, spaced
from deuterium.optimize.bounders.lagrangian.sparse_columns import SparseColumns
from deuterium.optimize.bounders.lagrangian.univariate_functions import CellTable

Array = Any


@dataclass
class SolverResult:
    """What the solver found of a batch of regions.

    Attributes
    ----------
    p : ndarray of shape (B, P)
        Multipliers.
    weights, samples : list of ndarray
        Per group, of shape (B, m, S) and (B, m, R, S).
    """

    p: Array
    weights: list[Array]
    samples: list[Array]


class Relaxation:
    """The relaxation of a scalar graph over a problem's domain.

    Parameters
    ----------
    problem : Problem
    root : Variable
        The graph: the objective or its logarithm.

    Raises
    ------
    Unsuited
        The graph does not fit, or a range is infinite.
    """

    def __init__(self, problem: Problem, root: Variable) -> None:
        self.structure = structure = FactoredGraph(problem, root)
        log_zero_is_minus_inf = not _has_logarithms(problem.graph)
        self.groups = structure.groups
        whole = self._whole(problem, RangePropagation(structure, log_zero_is_minus_inf))
        self.cuttable = self._cuttable(problem)
        self.energies = quadratic_constraints(structure, whole)
        self.forward = RangePropagation(
            structure, log_zero_is_minus_inf
        )  # the energies may have added functions
        self.system = MultiplierSystem(structure, self.energies)
        self.forward.limits = (whole.low[0], whole.high[0])
        self.tables: list[CellTable | None] = [
            None if c is None else c.table(whole.low[0, g.part], whole.high[0, g.part])
            for g, c in zip(self.groups, self.forward.curves, strict=True)
        ]
        columns = [SparseColumns(b.base, b.matrix) for b in self.system.blocks]
        for c, rows in zip(columns, self.squares(whole).rows, strict=True):
            for at, _ in rows:
                c.append(at)
        nu = np.array([e.parameter for e in self.energies], dtype=int)
        self.solver = Solver(columns, self.system.weights, self.system.base, nu)

    def _cuttable(self, problem: Problem) -> Array:
        """Return which coordinates may be cut: inputs, and elements of F's nodes."""
        known = set(problem.graph.order)
        out = np.zeros(self.structure.coordinates, dtype=bool)
        out[: problem.size] = True
        self.places: list[tuple[Variable, int]] = []
        for g in self.groups:
            for k, (node, is_sum) in enumerate(zip(g.nodes, g.sums, strict=True)):
                node = _written(node, known)
                if is_sum and node in known:
                    known.discard(node)  # a proof names an element once
                    at = g.offset + k * g.size
                    out[at : at + g.size] = True
                    self.places += [(node, i) for i in range(g.size)]
        return out

    def rows_of(self, definition: AffineForm) -> list[tuple[Term, Array]]:
        """Return the terms of a definition with their coefficients (about)."""
        return [(t, centred(c)[0]) for t, c in definition.parts.items()]

    @staticmethod
    def _whole(problem: Problem, forward: RangePropagation) -> RegionRanges:
        size = forward.coordinates
        low, high = np.full((1, size), -np.inf), np.full((1, size), np.inf)
        low[:, : problem.size], high[:, : problem.size] = problem.lower, problem.upper
        ranges = forward(low, high, np.zeros(low.shape, dtype=bool))
        if not (np.isfinite(ranges.low).all() and np.isfinite(ranges.high).all()):
            raise Unsuited("the range of a coordinate is infinite")
        return ranges

    def squares(
        self, ranges: RegionRanges, wanted: Array | None = None
    ) -> QuadraticTerms:
        """Return what the energies add over regions."""
        if wanted is None:
            wanted = np.ones(ranges.low.shape)
        return quadratic_terms(self.groups, self.energies, ranges, wanted)

    # -- good multipliers ------------------------------------------------------------

    def solve(
        self, ranges: RegionRanges, added: QuadraticTerms, p: Array, target: float
    ) -> SolverResult:
        """Return multipliers that make the bound small."""
        places: list[Any] = []
        samples = []
        every = np.arange(len(p))
        for k, g in enumerate(self.groups):
            low, high = ranges.low[:, g.part], ranges.high[:, g.part]
            if g.kind == BILINEAR:
                places.append(None)
                samples.append(_corners(low, high, g.size))
                continue
            curves, table = self.forward.curves[k], self.tables[k]
            assert curves is not None and table is not None
            z, right = spaced(low, high, table, curves.kinked, g.size)
            places.append([z, right])
            samples.append(self._values(k, z, right, added, every))
        found = list(places)

        def refine(rows: Array, values: list[Array]) -> list[Any]:
            return [
                None if pl is None else self._more(k, pl, rows, v, added)
                for k, (pl, v) in enumerate(zip(found, values, strict=True))
            ]

        p, samples, weights = self.solver(samples, p, target, refine)
        return SolverResult(p, weights, samples)

    def _values(
        self, k: int, z: Array, right: Array, added: QuadraticTerms, rows: Array
    ) -> Array:
        """Return functions at places (B, m, S), those of the energies included."""
        curves = self.forward.curves[k]
        assert curves is not None
        u = curves.values(np.moveaxis(z, -1, 0), np.moveaxis(right, -1, 0))
        u = np.moveaxis(u, 0, -1)
        if not added.rows[k]:
            return u
        squared = (z - added.centres[k][rows][..., None]) ** 2
        extra = []
        for _, w in added.rows[k]:
            mine = w if len(w) == 1 else w[rows]
            extra.append((mine[..., None] * squared)[:, :, None])
        return np.concatenate([u, *extra], axis=2)

    def _more(
        self,
        k: int,
        places: list[Array],
        rows: Array,
        values: Array,
        added: QuadraticTerms,
    ) -> Array:
        """Return functions at further places, near where the values are largest.

        Shapes: ``places`` two of (B, m, S), ``values`` (rows, m, S).
        """
        z, right = places[0][rows], places[1][rows]
        new, side = peaks(z, right, values)
        for n, (old, more) in enumerate(zip(places, (new, side), strict=True)):
            full = np.repeat(old[..., -1:], more.shape[-1], axis=-1)
            full[rows] = more
            places[n] = np.concatenate([old, full], axis=-1)
        return self._values(k, new, side, added, rows)

    # -- the bound -------------------------------------------------------------------

    def bound(self, ranges: RegionRanges, added: QuadraticTerms, p: Array) -> Array:
        """Return certified upper bounds for any multipliers (squares' must be >= 0)."""
        with np.errstate(all="ignore"):
            total, error = self.system.constant(p)
            size = np.abs(total) + error
            for k, e in enumerate(self.energies):
                error = error + p[:, e.parameter] * added.error[:, k]
            for k, g in enumerate(self.groups):
                most, wrong = self._group(k, g, ranges, p, added)
                total = total + most.sum(axis=1)
                size = size + np.abs(most).sum(axis=1)
                error = error + wrong
            slack = (error + size * gamma(self.structure.coordinates + 64)) * 1.0001
            upper = add_up(total, slack + MIN_NORMAL)
        return np.where(np.isnan(upper), np.inf, upper)

    def _group(
        self,
        k: int,
        g: CoordinateGroup,
        ranges: RegionRanges,
        p: Array,
        added: QuadraticTerms,
    ) -> tuple[Array, Array]:
        """Return the maxima of a group's functions, and what coefficients lose."""
        c, off = self.system.blocks[k].coefficients(p)
        low, high = ranges.functions[k]
        far = np.maximum(np.abs(low), np.abs(high))
        wrong = np.where(off > 0, off * far, 0.0).sum(axis=(1, 2))
        part_low, part_high = ranges.low[:, g.part], ranges.high[:, g.part]
        if g.kind == BILINEAR:
            return _corner_maxima(c, part_low, part_high, g.size), wrong
        table = self.tables[k]
        assert table is not None
        square, centre = np.zeros(c.shape[:2]), added.centres[k]
        for at, w in added.rows[k]:
            square = square + p[:, at, None] * w
            wrong = wrong + (
                np.abs(p[:, at, None] * w) * (far[..., 0] + np.abs(centre)) ** 2
            ).sum(axis=1) * gamma(16)
        batch, m, r = c.shape
        load = UnivariateProblem(
            c.reshape(-1, r),
            part_low.ravel(),
            part_high.ravel(),
            ranges.open[:, g.part].ravel(),
            np.tile(np.arange(m), batch),
            square.ravel(),
            centre.ravel(),
        )
        return univariate_maxima(load, table).reshape(batch, m), wrong


def _has_logarithms(graph: Graph) -> bool:
    """Whether the objective takes logarithms itself, perhaps of negative numbers."""
    return any(n.op is ops.log for n in graph.order)


def _written(node: Variable, known: set[Variable]) -> Variable:
    """Return the node of the objective that a reshaped one stands for."""
    while node not in known and node.op is ops.reshape:
        node = node.args[0]
    return node


def _corners(low: Array, high: Array, size: int) -> Array:
    """Return both factors and their product at the corners, of shape (B, m, 3, 4)."""
    a, b = low[:, :size], high[:, :size]
    c, d = low[:, size:], high[:, size:]
    u = np.stack([a, a, b, b], axis=-1)
    v = np.stack([c, d, c, d], axis=-1)
    return np.stack([u, v, u * v], axis=2)


def _corner_maxima(c: Array, low: Array, high: Array, size: int) -> Array:
    """Return certified maxima of ``c0 u + c1 v + c2 u v`` over boxes.

    Shapes: ``c`` (B, size, 3), ``low`` and ``high`` (B, 2 * size).
    """
    u, v, uv = np.moveaxis(_corners(low, high, size), 2, 0)
    c0, c1, c2 = (c[..., r, None] for r in range(3))
    value = c0 * u + c1 * v + c2 * uv
    slack = np.abs(c0 * u) + np.abs(c1 * v) + np.abs(c2 * uv)
    lost = 8 * TINY * (1.0 + np.abs(c2))  # to underflow
    return (value + slack * gamma(16) + lost).max(axis=-1)
