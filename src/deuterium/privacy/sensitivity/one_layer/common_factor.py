"""The common factor d over cells of t and ``t' - t``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose import enclose
from deuterium.evaluate import compile
from deuterium.functions.joins import concatenate
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import next_down, next_up
from deuterium.privacy.sensitivity.one_layer import pair_options as options
from deuterium.privacy.sensitivity.one_layer.gradient_form import OneLayer
from deuterium.privacy.sensitivity.one_layer.univariate_tables import SLACK, second

__all__ = ["CommonFactor", "FactorCorners", "some_value"]


@dataclass(frozen=True, eq=False)
class FactorCorners:
    """Some corners for each cell; but for errors, all is a mean of what they are.

    Attributes
    ----------
    cells : ndarray
        (groups,): which cell's corners; several groups may belong to one.
    first, second : ndarray
        (groups, corners): d and d'.
    edges : ndarray
        (groups, corners, 4): t without its offset and ``t' - t``, from and to.
    errors : ndarray
        (2, groups): how far d and d' can be from the corners' mean.
    """

    cells: Array
    first: Array
    second: Array
    edges: Array
    errors: Array

    @property
    def tied(self) -> bool:
        """Whether all corners of a cell are one group."""
        return bool(self.first.shape[1] == 4)

    @property
    def slots(self) -> Array:
        """Which of its cell's groups each is: (groups,)."""
        return np.arange(len(self.cells)) % (1 if self.tied else 4)


class CommonFactor:
    """What every element of a gradient has in common, as a function of t.

    Parameters
    ----------
    layer : OneLayer
        The vector's form.
    """

    def __init__(self, layer: OneLayer) -> None:
        self.t, self.scalar, self.offset = layer.output, layer.scalar, layer.offset
        parts = [v.reshape(1) for v in (self.scalar, second(self.scalar, self.t))]
        self.bent: Variable = concatenate(parts)  # d and its second derivative
        self._compiled: dict[int, Any] = {}

    def corners(self, label: Domain, box: Array) -> list[FactorCorners]:
        """Return the corners of cells of t and ``t' - t``: (cells, 4).

        What is linear in t and in ``t' - t`` through the four values of d at a cell's
        corners differs from d by at most an eighth of the squared widths times how
        much d is curved; the same holds for d'.  Where that is too much, an end of d's
        range and one of d''s are a group by themselves, anywhere in the cell.
        """
        t, apart = box[:, [0, 0, 1, 1]], box[:, [2, 3, 2, 3]]
        ends = np.stack([t, t + apart])  # (2, cells, 4)
        whole = next_down(ends.min(axis=2)), next_up(ends.max(axis=2))
        low, high, curved = self._over(label, *whole)
        least, most, _ = self._over(label, next_down(ends), next_up(ends))
        error = (most - least).max(axis=2)
        wide = np.stack([box[:, 1] - box[:, 0], box[:, 3] - box[:, 2]]) ** 2
        with np.errstate(invalid="ignore"):
            error = error + np.cumsum(wide, axis=0) / 8 * curved
            smooth = (error < options.SMOOTH_CURVATURE * (high - low)).all(axis=0)
        t = t - self.offset
        edges = np.stack([next_down(t), next_up(t), apart, apart], 2)
        found = []
        if smooth.any():
            at = np.flatnonzero(smooth)
            values, error = ((least + most) / 2)[:, at], error[:, at] * (1 + SLACK)
            found.append(FactorCorners(at, values[0], values[1], edges[at], error))
        if not smooth.all():
            at = np.repeat(np.flatnonzero(~smooth), 4)
            e = edges[at]
            sides = np.stack([e[:, 0, 0], e[:, 2, 1], e[:, 0, 2], e[:, 1, 3]], 1)
            pick = np.tile([[0, 0, 1, 1], [0, 1, 0, 1]], len(at) // 4)  # ends of d, d'
            values = np.where(pick, high[:, at], low[:, at])[..., None]
            none = np.zeros((2, len(at)))
            found.append(FactorCorners(at, values[0], values[1], sides[:, None], none))
        return found

    def _over(
        self, label: Domain, low: Array, high: Array
    ) -> tuple[Array, Array, Array]:
        """Return the ranges of d over ranges of t, and how curved it is at most."""
        found = enclose(self.bent, Box({self.t: (low, high)}) & label)
        least, most = (
            np.broadcast_to(v, (*low.shape, 2)) for v in (found.lower, found.upper)
        )
        size = np.maximum(np.abs(least[..., 1]), np.abs(most[..., 1]))
        return least[..., 0], most[..., 0], size

    def roughly(self, label: Domain, t: Array) -> Array:
        """Return d at points t, (points,), not rounded outward."""
        key = id(label)
        if key not in self._compiled:
            others = [s for s in free_symbols([self.scalar]) if s.name != self.t.name]
            fixed = {s: some_value(label, s) for s in others}
            self._compiled[key] = compile([self.t], [self.scalar.subs(fixed)])
        return self._compiled[key](t)[0]


def some_value(label: Domain, symbol: Variable) -> Array:
    """Return a finite value, of the symbol's shape, that it can have in a label."""
    return np.clip(
        label.hull(symbol).lower,
        -options.INSTEAD_OF_INFINITY,
        options.INSTEAD_OF_INFINITY,
    )
