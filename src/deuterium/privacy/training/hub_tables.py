"""Functions of one variable on cells of the whole line, made once.

In a cell every function lies within an error of a parabola, and so within a larger one
of the chord between the values at the cell's ends.  Any combination ``sum c_k f_k`` is
then, on the part of a range in one cell, no larger than at one of the ends of that part
but for ``sum |c_k| error_k``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.graph.substitute import substitute
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    ATOM,
    CoordinateGroup,
    KinkBranches,
)
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    ParabolaCells,
    UnivariateFunctions,
)
from deuterium.privacy.training.training_options import (
    EVEN_CELLS,
    FARTHEST_RANGE,
    GROWN,
    JUMP_OF_VALUES,
)
from deuterium.transform.simplify.simplify import simplify

__all__ = ["HubTable", "NodeValues"]


@dataclass
class NodeValues:
    """Functions and their errors where the largest values are looked for.

    Two kinds: nodes that all hubs have in common, with ``values`` and ``errors`` of
    shape (1 or rows, nodes, functions); and nodes of each hub's own, (functions, nodes,
    1 or rows, hubs).  ``outside``, of shape (nodes, 1 or rows, hubs), is minus infinity
    where a node is not in a hub's range; None of the latter kind.
    """

    values: Array
    errors: Array
    outside: Array | None
    _both: Any = None
    _room: Any = None

    def largest(self, c: Array) -> Array:
        """Return combinations with what they may be off by: (nodes, rows, hubs).

        Where a node is out of range, minus infinity.  The next call may overwrite it.
        """
        if self.outside is None:
            return self.combined(c) + self.off(c)
        if len(self.values) > 1:
            return self.combined(c) + self.off(c) + self.outside
        if self._both is None:
            self._both = np.concatenate([self.values[0], self.errors[0]], axis=1)
        twice = np.concatenate([c, np.abs(c)]).reshape(2 * len(c), -1)
        shape = len(self._both), twice.shape[1]
        if self._room is None or self._room.shape != shape:
            self._room = np.empty(shape)  # large arrays are dear to ask for anew
        found = np.matmul(self._both, twice, out=self._room)
        found = found.reshape(-1, *c.shape[1:])
        found += self.outside
        return found

    def combined(self, c: Array, hubs: Any = None, columns: Any = None) -> Array:
        """Return combinations: coefficients are (functions, rows, hubs).

        The result is (nodes, rows, hubs).
        """
        return self._times(self.values, c, hubs, columns)

    def off(self, c: Array, hubs: Any = None, columns: Any = None) -> Array:
        """Return what combinations may be off by."""
        return self._times(self.errors, np.abs(c), hubs, columns)

    def _times(self, x: Array, c: Array, hubs: Any, columns: Any) -> Array:
        if self.outside is None:
            x = x if hubs is None else x[columns][..., hubs]
            found: Array = (c[:, None] * x).sum(axis=0)
            return found
        x = x if columns is None else x[:, :, columns]
        if len(x) == 1:
            found = x[0] @ c.reshape(len(c), -1)
            return found.reshape(-1, *c.shape[1:])
        return (x @ c.swapaxes(0, 1)).swapaxes(0, 1)

    def means(self, w: Array, hubs: Any = None, columns: Any = None) -> Array:
        """Return weighted sums over nodes, (functions, rows, hubs)."""
        x = self.values
        if self.outside is None:
            x = x if hubs is None else x[columns][..., hubs]
            found: Array = (w * x).sum(axis=1)
            return found
        x = x if columns is None else x[:, :, columns]
        if len(x) == 1:
            found = x[0].T @ w.reshape(len(w), w.shape[1] * w.shape[2])
            return found.reshape(-1, *w.shape[1:])
        return (x.swapaxes(1, 2) @ w.swapaxes(0, 1)).swapaxes(0, 1)


class HubTable:
    """The functions of a group, 1 being the last of them.

    Parameters
    ----------
    vector : Variable
        Of shape (1,).
    functions : sequence of KinkBranches
        Number 0 is the identity.
    rows : sequence of mappings
        The symbols in functions, and their values, of each row; one if there are none.
    growth : float
        Of the width of cells, as a share of the distance from 0.
    only_added : collection of int
        Functions that have no negative coefficients: they need bounds from above alone,
        as logarithms have them where their argument touches 0.

    Attributes
    ----------
    cut : ndarray of int, of shape (nodes,)
        A node is the edge between the cells ``cut - 1`` and ``cut``.
    nodes, slack : ndarray of shape (1 or rows, nodes, functions + 1)
        Values, and the largest error in either cell.
    """

    def __init__(
        self,
        vector: Variable,
        functions: Sequence[KinkBranches],
        rows: Sequence[Mapping[str, Array]],
        growth: float,
        only_added: Collection[int] = (),
    ) -> None:
        edges = _edges(growth)
        self._curves = [_curves(vector, functions, row) for row in rows]
        cells = [c.cells(edges, edges[:1], edges[-1:]) for c in self._curves]
        self.high, self.middle = edges[1:], cells[0].middle
        low = edges[:-1]
        self.poly = np.stack([_with_own(c) for c in cells])
        error = np.stack([np.fmax(c.above, c.below)[:, 0] for c in cells])
        self.poly, error = _upper(self.poly, error, cells, only_added)
        rows_, count, _ = error.shape
        own = np.zeros((rows_, count, 1))
        error = np.concatenate([own, error, own], axis=2)
        half = (self.high - low) / 2
        powers = np.stack([np.ones_like(half), half, half * half], axis=1)
        size = (np.abs(self.poly) * powers[None, :, None]).sum(axis=3)
        width = (self.high - low)[None, :, None]
        bent = np.abs(self.poly[..., 2]) * width**2 / 4
        self.error = (error + bent) * GROWN + 1e-13 * size
        sides = [self._at(x - self.middle) for x in (low, self.high)]
        self._lay_nodes(sides[0][:, 1:], sides[1][:, :-1])

    def _at(self, d: Array) -> Array:
        d = d[None, :, None]
        found: Array = self.poly[..., 0] + d * (
            self.poly[..., 1] + d * self.poly[..., 2]
        )
        return found

    def _lay_nodes(self, right: Array, left: Array) -> None:
        """Lay out the values at inner edges; two nodes where there is a jump."""
        apart = np.abs(right - left)
        jump = (
            apart > JUMP_OF_VALUES * (np.abs(right) + np.abs(left) + JUMP_OF_VALUES)
        ).any(axis=(0, 2))
        worst = np.maximum(self.error[:, 1:], self.error[:, :-1])
        value = np.where(jump[None, :, None], left, (left + right) / 2)
        slack = np.where(jump[None, :, None], worst, worst + apart)
        cut = np.arange(1, len(self.high))
        order = np.argsort(np.concatenate([cut, cut[jump]]), kind="stable")
        self.cut = np.concatenate([cut, cut[jump]])[order]
        self.nodes = np.concatenate([value, right[:, jump]], axis=1)[:, order]
        self.slack = np.concatenate([slack, worst[:, jump]], axis=1)[:, order]

    def looked_at(self, ends: Array) -> tuple[NodeValues, NodeValues]:
        """Return the ends of ranges, and the edges of cells inside, to be looked at.

        ``ends`` are (2, 1 or rows, hubs).
        """
        cell = np.minimum(np.searchsorted(self.high, ends), len(self.high) - 1)
        if len(self.poly) == 1:
            poly, error = self.poly[0][cell], self.error[0][cell]
        else:
            row = np.arange(len(self.poly))[:, None]
            poly, error = self.poly[row, cell], self.error[row, cell]
        d = (ends - self.middle[cell])[..., None]
        values = poly[..., 0] + d * (poly[..., 1] + d * poly[..., 2])
        first, last = cell
        a, b = np.searchsorted(self.cut, [first.min() + 1, last.max() + 1])
        cut = self.cut[a:b, None, None]
        inside = (first < cut) & (cut <= last)
        values, error = (
            np.ascontiguousarray(np.moveaxis(x, 3, 0)) for x in (values, error)
        )
        return (
            NodeValues(values, error, None),
            NodeValues(
                self.nodes[:, a:b], self.slack[:, a:b], np.where(inside, 0.0, -np.inf)
            ),
        )

    def ranges(self, ends: Array) -> tuple[Array, Array]:
        """Return the ends of all functions over ranges, by interval arithmetic.

        Shapes: (1 or rows, hubs, functions + 1), of ``ends`` (2, 1 or rows, hubs).
        """
        found = []
        for k, curves in enumerate(self._curves):
            # every hub is a vector of one element
            low, high = ends[..., None]
            if len(self._curves) > 1:
                low, high = (x[k : k + 1] if len(x) > 1 else x for x in (low, high))
            opened = np.zeros(low.shape, dtype=bool)
            found.append(curves.ranges(low, high, opened))
        least, most = (np.concatenate([f[i] for f in found])[:, :, 0] for i in (0, 1))
        one = np.ones((*least.shape[:2], 1))
        least, most = (np.concatenate([x, one], axis=2) for x in (least, most))
        return least, most


def _edges(growth: float) -> Array:
    """Return edges that become further apart away from 0, which is one of them."""
    steps = int(np.ceil(np.arcsinh(FARTHEST_RANGE / EVEN_CELLS) / growth))
    right = EVEN_CELLS * np.sinh(growth * np.arange(1, steps + 1))
    return np.concatenate([-right[::-1], [0.0], right])


def _curves(
    vector: Variable, functions: Sequence[KinkBranches], row: Mapping[str, Array]
) -> UnivariateFunctions:
    group = CoordinateGroup(ATOM, 1, vector)
    for f in functions[1:]:
        sides = [
            simplify(substitute(v, row)) if row else v
            for v in (f.full, f.left, f.right)
        ]
        group.functions.append(
            KinkBranches(*sides) if f.kinked else KinkBranches(*sides[:1] * 3)
        )
    return UnivariateFunctions(group, log_zero_is_minus_inf=True)


def _with_own(c: ParabolaCells) -> Array:
    """Return parabolas of the identity, of all functions, and of 1."""
    own = np.zeros((len(c), 1, 3))
    own[:, 0, 0], own[:, 0, 1] = c.middle, 1.0
    one = np.zeros((len(c), 1, 3))
    one[:, 0, 0] = 1.0
    return np.concatenate([own, c.poly[:, 0], one], axis=1)


def _upper(
    poly: Array,
    error: Array,
    cells: Sequence[ParabolaCells],
    only_added: Collection[int],
) -> tuple[Array, Array]:
    """Put what is only known from above, as logarithms of 0 are, by its upper end.

    That is no bound of what is taken off: there, other functions stay unknown.
    """
    above = np.stack([c.above[:, 0] for c in cells])
    below = np.stack([c.below[:, 0] for c in cells])
    added = np.isin(np.arange(1, error.shape[2] + 1), list(only_added))
    lost = np.isinf(below) & np.isfinite(above) & added
    own = poly[:, :, 1:-1]
    own[..., 0] = np.where(lost, own[..., 0] + above, own[..., 0])
    return poly, np.where(lost, 0.0, error)
