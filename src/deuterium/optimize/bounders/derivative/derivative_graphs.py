"""The compiled graphs of an objective: values, core, slopes, curvatures."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.derivative.derivative_options import (
    MOST_CURVATURE_NODES,
    MOST_SLOPE_NODES,
)
from deuterium.optimize.bounders.derivative.monotone_outer import CORE, core_of
from deuterium.optimize.bounders.derivative.row_intervals import RowProgram
from deuterium.transform.differentiate import slopes_of
from deuterium.transform.simplify.simplify import simplify


class DerivativeGraphs:
    """Enclosures of an objective F = m(S), of S, its slopes and its curvatures.

    Parameters
    ----------
    problem : Problem
        What is maximised.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.core = core_of(problem.objective, problem.domain)
        self.direct = self.core.outer.is_symbol
        outputs = [problem.objective]
        if not self.direct:
            outputs.append(self.core.inner)
        self._values = RowProgram(outputs)
        self._outer = None if self.direct else RowProgram([self.core.outer])

    # -- values ------------------------------------------------------------------------

    def values(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Return stacked ends of F and of S, of shape ``(2, rows)`` each."""
        found = self._values.rows(self.problem.boxes(low, high), len(low))
        f = found[0][..., 0]
        return (f, f) if self.direct else (f, found[1][..., 0])

    def outer(self, upper: Array) -> Array:
        """Return upper bounds of F given upper bounds of S; NaN if m has none there."""
        if self._outer is None:
            return upper
        ends = np.stack([upper, upper])
        return self._outer.rows({CORE: ends}, len(upper))[0][1, :, 0]

    # -- slopes ------------------------------------------------------------------------

    @cached_property
    def slope_graphs(self) -> list[Variable]:
        """The gradient of S, one graph a symbol, simplified together."""
        graphs = slopes_of(self.core.inner, self.problem.symbols)
        return simplify(graphs, self.problem.hull)

    @cached_property
    def _slopes(self) -> RowProgram:
        return RowProgram([self.core.inner, *self.slope_graphs])

    def slopes(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Return stacked ends of S and of its slopes, ``(2, rows, n)``."""
        boxes = self.problem.boxes(low, high)
        value, *slopes = self._slopes.rows(boxes, len(low))
        return value[..., 0], np.concatenate(slopes, axis=-1)

    # -- curvatures --------------------------------------------------------------------

    @cached_property
    def curvature_graphs(self) -> list[list[Variable]] | None:
        """The Hessian of S: for every input, the gradient of its slope.

        None where there are too many inputs or nodes for it to pay.
        """
        if self.problem.size * len(topological(self.slope_graphs)) > MOST_SLOPE_NODES:
            return None
        rows = [slopes_of(s, self.problem.symbols) for s in self._elements()]
        flat = [g for row in rows for g in row]
        if len(topological(flat)) > MOST_CURVATURE_NODES:
            return None
        simple = simplify(flat, self.problem.hull)
        count = len(self.problem.symbols)
        return [simple[i : i + count] for i in range(0, len(simple), count)]

    def _elements(self) -> list[Variable]:
        """Return the slope of every input, in the order of a row."""
        found: list[Variable] = []
        for g in self.slope_graphs:
            flat = g.reshape(g.size) if g.shape else None
            found.extend([g] if flat is None else [flat[i] for i in range(g.size)])
        return found

    @cached_property
    def _curvatures(self) -> RowProgram | None:
        graphs = self.curvature_graphs
        return None if graphs is None else RowProgram([g for r in graphs for g in r])

    @property
    def has_curvatures(self) -> bool:
        """Whether curvatures can be had at a fair price."""
        return self._curvatures is not None

    def curvatures(self, low: Array, high: Array) -> Array:
        """Return stacked ends of the Hessian of S, of shape ``(2, rows, n, n)``.

        It is symmetric, so elements (i, j) and (j, i) enclose one number, and what
        they have in common is returned.
        """
        assert self._curvatures is not None  # the caller has asked
        n, count = self.problem.size, len(low)
        found = self._curvatures.rows(self.problem.boxes(low, high), count)
        h = np.concatenate(found, axis=-1).reshape(2, count, n, n)
        other = h.swapaxes(-1, -2)
        return np.stack([np.maximum(h[0], other[0]), np.minimum(h[1], other[1])])
