"""Coefficients of local functions as an affine function of the multipliers.

``coefficient = base + matrix @ p``, for each function of each coordinate; and the
constant, ``base + weights @ p``.  Both are region-independent.  Coefficients are known
to within radii (products of constants of the graph, rounded).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium.interval import Interval
from deuterium.interval.rounding import MIN_NORMAL, TINY, gamma, next_up
from deuterium.optimize.bounders.lagrangian.auxiliary_variables import FactoredGraph
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    BILINEAR,
    AffineForm,
    CoordinateGroup,
)

if TYPE_CHECKING:
    from deuterium.optimize.bounders.lagrangian.quadratic_constraint import (
        QuadraticConstraint,
    )

Array = Any


def centred(x: Interval) -> tuple[Array, Array]:
    """Return centre and radius, rounded up."""
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    if x.is_thin:
        return low, np.zeros(low.shape)
    middle = 0.5 * low + 0.5 * high
    radius = next_up(np.maximum(middle - low, high - middle))
    return middle, np.where(low == high, 0.0, radius)


@dataclass
class CoefficientBlock:
    """The local functions of one group.

    Attributes
    ----------
    base, base_radius : ndarray of shape (m, R)
        Coefficients at p = 0, those of the objective.
    matrix, radius : ndarray of shape (m, R, P)
        What the multipliers add.
    """

    group: CoordinateGroup
    base: Array
    base_radius: Array
    matrix: Array
    radius: Array

    def coefficients(self, p: Array) -> tuple[Array, Array]:
        """Return coefficients, of shape (B, m, R), and bounds of their errors."""
        m, r, n = self.matrix.shape
        flat = self.matrix.reshape(m * r, n)
        c = self.base + (p @ flat.T).reshape(len(p), m, r)
        size = np.abs(self.base) + (np.abs(p) @ np.abs(flat).T).reshape(len(p), m, r)
        moved = self.matrix.any(axis=2)  # else the coefficient is as it stands
        lost = size * gamma(n + 8) + (n + 8) * TINY  # to rounding, to underflow
        error = np.where(moved, lost, 0.0) + self.base_radius
        if self.radius.any():
            spread = self.radius.reshape(m * r, n)
            error = error + (np.abs(p) @ spread.T).reshape(len(p), m, r)
        return c, error * (1 + gamma(n + 8))


class MultiplierSystem:
    """All blocks of a structure, and the constant.

    Parameters
    ----------
    structure : FactoredGraph
    energies : sequence of QuadraticConstraint
        Their multipliers follow those of the definitions.
    """

    def __init__(
        self, structure: FactoredGraph, energies: Sequence[QuadraticConstraint] = ()
    ) -> None:
        self.size = structure.parameters + len(energies)
        self.blocks = [self._empty(g) for g in structure.groups]
        self.weights = np.zeros(self.size)
        self.weights_radius = np.zeros(self.size)
        self._add(structure.objective, None)
        middle, radius = centred(structure.objective.constant)
        self.base, self.base_radius = float(middle), float(radius)
        for group in structure.groups:
            block = self.blocks[structure.groups.index(group)]
            for k, definition in enumerate(group.definitions):
                at = group.parameter + k * group.size
                self._add(definition, at)
                own = np.arange(group.size)
                block.matrix[own, k, at + own] -= 1.0
                middle, radius = centred(definition.constant)
                self.weights[at : at + group.size] = middle
                self.weights_radius[at : at + group.size] = radius
        for energy in energies:
            self._add_energy(energy)

    def _add_energy(self, energy: QuadraticConstraint) -> None:
        """Enter ``D (u_r - t0)**2`` of sources that are functions (r > 0).

        Squares of coordinates themselves are not entered: their centres move.
        """
        at = energy.parameter
        for source in energy.sources:
            block = self.blocks[source.term.group]
            some = source.square > 0
            j, r = source.term.coordinate[some], source.term.function[some]
            d, t0 = source.weights[some], source.centre[some]
            np.add.at(block.matrix, (j, source.square[some], at), d)
            np.add.at(block.matrix, (j, r, at), -2 * (d * t0))
            size = np.abs(2 * (d * t0)) * gamma(4) + np.where(t0 != 0, 4 * TINY, 0.0)
            np.add.at(block.radius, (j, r, at), size)
            self.weights[at] += np.sum(d * t0 * t0)
            lost = np.sum(d * t0 * t0) * gamma(len(d) + 8) + MIN_NORMAL
            self.weights_radius[at] += lost

    def _empty(self, group: CoordinateGroup) -> CoefficientBlock:
        shape = (group.size, group.count)
        zeros = np.zeros((*shape, self.size))
        return CoefficientBlock(
            group, np.zeros(shape), np.zeros(shape), zeros, zeros.copy()
        )

    def _add(self, affine: AffineForm, at: int | None) -> None:
        """Enter an affine function: the objective, or definitions from ``at`` on."""
        for term, coefficients in affine.parts.items():
            block = self.blocks[term.group]
            middle, radius = centred(coefficients)
            where = (term.coordinate, term.function)
            if at is None:
                block.base[where] += middle.reshape(term.size)
                block.base_radius[where] += radius.reshape(term.size)
            else:
                place: Any = (*where, slice(at, at + middle.shape[1]))
                before = block.matrix[place]
                block.matrix[place] = after = before + middle
                lost = np.where(before != 0, np.abs(after) * gamma(1), 0.0)
                block.radius[place] += radius + lost

    def constant(self, p: Array) -> tuple[Array, Array]:
        """Return the constant of each row of multipliers, and bounds of its error."""
        value = self.base + p @ self.weights
        size = abs(self.base) + np.abs(p) @ (np.abs(self.weights))
        error = size * gamma(self.size + 8) + self.base_radius + MIN_NORMAL
        error = error + np.abs(p) @ self.weights_radius
        return value, error * (1 + gamma(self.size + 8))


__all__ = ["BILINEAR", "CoefficientBlock", "MultiplierSystem", "centred"]
