"""One relaxation: its parts put together, bounds of batches of regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.bound.bounders.relax.certify import Load, maxima
from deuterium.bound.bounders.relax.curves import Table
from deuterium.bound.bounders.relax.energy import energies
from deuterium.bound.bounders.relax.interior import Columns, Solver
from deuterium.bound.bounders.relax.parts import INPUT, PAIR, Group, Unsuited
from deuterium.bound.bounders.relax.ranges import Forward, Ranges
from deuterium.bound.bounders.relax.samples import peaks, spaced
from deuterium.bound.bounders.relax.structure import Structure
from deuterium.bound.bounders.relax.system import System, centred
from deuterium.bound.problem import Problem
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import add_up, gamma

Array = Any


@dataclass
class Found:
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
        self.structure = structure = Structure(problem, root)
        self.groups = structure.groups
        whole = self._whole(problem, Forward(structure))
        self.energies = energies(structure, whole)
        self.forward = Forward(structure)  # the energies may have added functions
        self.system = System(structure, self.energies)
        self.forward.limits = (whole.low[0], whole.high[0])
        self.tables: list[Table | None] = [
            None if c is None else c.table(whole.low[0, g.part], whole.high[0, g.part])
            for g, c in zip(self.groups, self.forward.curves, strict=True)
        ]
        columns = [Columns(b) for b in self.system.blocks]
        self.rows: list[list[tuple[int, Array, bool]]] = self._energy_rows()
        for c, rows in zip(columns, self.rows, strict=True):
            for at, _, _ in rows:
                c.append(at)
        nu = np.array([e.parameter for e in self.energies], dtype=int)
        self.solver = Solver(columns, self.system.weights, self.system.base, nu)

    @staticmethod
    def _whole(problem: Problem, forward: Forward) -> Ranges:
        size = forward.coordinates
        low, high = np.full((1, size), -np.inf), np.full((1, size), np.inf)
        low[:, : problem.size], high[:, : problem.size] = problem.lower, problem.upper
        ranges = forward(low, high, np.zeros(low.shape, dtype=bool))
        if not (np.isfinite(ranges.low).all() and np.isfinite(ranges.high).all()):
            raise Unsuited("the range of a coordinate is infinite")
        return ranges

    def _energy_rows(self) -> list[list[tuple[int, Array, bool]]]:
        """Return (multiplier, weights, from inputs?) of squares, for each group."""
        rows: list[list[tuple[int, Array, bool]]] = [[] for _ in self.groups]
        for e in self.energies:
            rows[e.group].append((e.parameter, -e.weights, False))
            for s in e.sources:
                plain = s.square == 0
                if plain.any():
                    d = np.zeros(self.groups[s.term.group].size)
                    np.add.at(d, s.term.coordinate[plain], s.weights[plain])
                    rows[s.term.group].append((e.parameter, d, True))
        return rows

    # -- centres of the energies -----------------------------------------------------

    def centres(self, ranges: Ranges) -> tuple[list[Array], Array]:
        """Return the centres of squares in each group, and what they may be off.

        Inputs have theirs in the middle; atoms where their definitions map those.
        The error is a bound of ``sum_j d_j |z0 - centre| (|z| + |z0|) 2`` per energy.
        """
        batch = len(ranges.low)
        centres = [np.zeros((batch, g.size)) for g in self.groups]
        for g, c in zip(self.groups, centres, strict=True):
            if g.kind == INPUT:
                c[:] = 0.5 * ranges.low[:, g.part] + 0.5 * ranges.high[:, g.part]
        error = np.zeros((batch, len(self.energies)))
        for k, e in enumerate(self.energies):
            g = self.groups[e.group]
            middle, radius = centred(g.definitions[0].constant)
            size = np.abs(middle) + radius
            z0, total = np.zeros((batch, g.size)) + middle, np.zeros((batch, g.size))
            total += size
            spread = radius * np.ones((batch, 1))
            count = 16
            for s in e.sources:
                matrix, inexact = centred(g.definitions[0].parts[s.term])
                t = np.where(
                    s.square == 0, centres[s.term.group][:, s.term.coordinate], s.centre
                )
                z0 = z0 + t @ matrix
                total = total + np.abs(t) @ np.abs(matrix)
                spread = spread + np.abs(t) @ inexact
                count += s.term.size
            centres[e.group] = z0
            off = (total * gamma(count) + spread) * (1 + gamma(count))
            far = np.maximum(np.abs(ranges.low), np.abs(ranges.high))[:, g.part]
            reach = 2 * (far + np.abs(z0) + off)
            error[:, k] = (off * reach) @ e.weights * (1 + gamma(count))
        return centres, error

    # -- good multipliers ------------------------------------------------------------

    def solve(self, ranges: Ranges, p: Array, target: float) -> Found:
        """Return multipliers that make the bound small."""
        centres, _ = self.centres(ranges)
        places: list[Any] = []
        samples = []
        for k, g in enumerate(self.groups):
            low, high = ranges.low[:, g.part], ranges.high[:, g.part]
            if g.kind == PAIR:
                places.append(None)
                samples.append(_corners(low, high, g.size))
                continue
            curves, table = self.forward.curves[k], self.tables[k]
            assert curves is not None and table is not None
            z, right = spaced(low, high, table, curves.kinked, g.size)
            places.append([z, right])
            samples.append(self._values(k, z, right, centres[k]))
        found = list(places)

        def refine(rows: Array, values: list[Array]) -> list[Any]:
            return [
                None if pl is None else self._more(k, pl, rows, v, centres[k])
                for k, (pl, v) in enumerate(zip(found, values, strict=True))
            ]

        p, samples, weights = self.solver(samples, p, target, refine)
        return Found(p, weights, samples)

    def _values(self, k: int, z: Array, right: Array, centre: Array) -> Array:
        """Return functions at places (B, m, S), those of the energies included."""
        curves = self.forward.curves[k]
        assert curves is not None
        u = curves.values(np.moveaxis(z, -1, 0), np.moveaxis(right, -1, 0))
        u = np.moveaxis(u, 0, -1)
        if not self.rows[k]:
            return u
        squares = (z - centre[..., None]) ** 2
        extra = [(w[:, None] * squares)[:, :, None] for _, w, _ in self.rows[k]]
        return np.concatenate([u, *extra], axis=2)

    def _more(
        self, k: int, places: list[Array], rows: Array, values: Array, centre: Array
    ) -> Array:
        """Return functions at further places, near where the values are largest."""
        z, right = places[0][rows], places[1][rows]
        new, side = peaks(z, right, values)
        for n, (old, more) in enumerate(zip(places, (new, side), strict=True)):
            full = np.repeat(old[..., -1:], more.shape[-1], axis=-1)
            full[rows] = more
            places[n] = np.concatenate([old, full], axis=-1)
        return self._values(k, new, side, centre[rows])

    # -- the bound -------------------------------------------------------------------

    def bound(self, ranges: Ranges, p: Array) -> Array:
        """Return certified upper bounds for any multipliers (squares' must be >= 0)."""
        with np.errstate(all="ignore"):
            total, error = self.system.constant(p)
            size = np.abs(total) + error
            centres, off = self.centres(ranges)
            for k, e in enumerate(self.energies):
                error = error + p[:, e.parameter] * off[:, k]
            for k, g in enumerate(self.groups):
                most, wrong = self._group(k, g, ranges, p, centres[k])
                total = total + most.sum(axis=1)
                size = size + np.abs(most).sum(axis=1)
                error = error + wrong
            slack = (error + size * gamma(self.structure.coordinates + 64)) * 1.0001
            upper = add_up(total, slack)
        return np.where(np.isnan(upper), np.inf, upper)

    def _group(
        self, k: int, g: Group, ranges: Ranges, p: Array, centre: Array
    ) -> tuple[Array, Array]:
        """Return the maxima of a group's functions, and what coefficients may be off."""
        c, off = self.system.blocks[k].coefficients(p)
        low, high = ranges.functions[k]
        far = np.maximum(np.abs(low), np.abs(high))
        wrong = (off * far).sum(axis=(1, 2))
        part_low, part_high = ranges.low[:, g.part], ranges.high[:, g.part]
        if g.kind == PAIR:
            return _corner_maxima(c, part_low, part_high, g.size), wrong
        table = self.tables[k]
        assert table is not None
        square = np.zeros(c.shape[:2])
        for at, w, _ in self.rows[k]:
            square = square + p[:, at, None] * w
            wrong = wrong + (
                np.abs(p[:, at, None] * w) * (far[..., 0] + np.abs(centre)) ** 2
            ).sum(axis=1) * gamma(16)
        batch, m, r = c.shape
        load = Load(
            c.reshape(-1, r),
            part_low.ravel(),
            part_high.ravel(),
            ranges.open[:, g.part].ravel(),
            np.tile(np.arange(m), batch),
            square.ravel(),
            centre.ravel(),
        )
        return maxima(load, table).reshape(batch, m), wrong


def _corners(low: Array, high: Array, size: int) -> Array:
    """Return both factors and their product at the corners, of shape (B, m, 3, 4)."""
    a, b = low[:, :size], high[:, :size]
    c, d = low[:, size:], high[:, size:]
    u = np.stack([a, a, b, b], axis=-1)
    v = np.stack([c, d, c, d], axis=-1)
    return np.stack([u, v, u * v], axis=2)


def _corner_maxima(c: Array, low: Array, high: Array, size: int) -> Array:
    """Return certified maxima of ``c0 u + c1 v + c2 u v`` over boxes."""
    u, v, uv = np.moveaxis(_corners(low, high, size), 2, 0)
    c0, c1, c2 = (c[..., r, None] for r in range(3))
    value = c0 * u + c1 * v + c2 * uv
    slack = np.abs(c0 * u) + np.abs(c1 * v) + np.abs(c2 * uv)
    return (value + slack * gamma(16)).max(axis=-1)
