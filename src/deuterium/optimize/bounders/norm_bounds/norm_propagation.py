"""Propagation of norm bounds through a graph, for a batch of regions.

`NormLayout` is what is worked out once per graph; `NormPropagation` is one pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.budget import check
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.rounding import Array, gamma, next_down, next_up
from deuterium.interval.spectral_norm import (
    frobenius_norm,
    inflate,
    root_sum,
    spectral_norm,
)
from deuterium.optimize.bounders.norm_bounds import saturating
from deuterium.optimize.bounders.norm_bounds.ball_and_box import (
    LEAD,
    ArrayBounds,
    combine,
    of_ends,
)
from deuterium.optimize.bounders.norm_bounds.contractions import (
    contraction_of,
    shortened,
)
from deuterium.optimize.bounders.norm_bounds.convex_nodes import (
    simplex_of,
)
from deuterium.optimize.bounders.norm_bounds.directional_bound import (
    dual_bound,
    rows_around,
)
from deuterium.optimize.bounders.norm_bounds.linear_chains import along, chains_of
from deuterium.optimize.bounders.norm_bounds.norm_options import HOPELESS, LONGEST
from deuterium.optimize.bounders.norm_bounds.norm_rules import rule_of, softmax
from deuterium.optimize.bounders.norm_bounds.sdp_box_norm import box_norm_bound

Choices = dict[int, dict[str, Any]]


class NormLayout:
    """A graph made ready.

    Attributes
    ----------
    order : list of Variable
        The nodes; proofs call them by their place here.
    simplex : Variable or None
        A softmax in which the graph is convex.
    """

    def __init__(self, graph: Graph) -> None:
        self.order = graph.order
        self.place = {v: i for i, v in enumerate(self.order)}
        self.constants: dict[Variable, ArrayBounds] = {}
        self.exact: dict[Variable, Array] = {}
        for v in self.order:
            self._enter(v)
        self.simplex = simplex_of(graph)
        self.below = self._above(self.simplex)
        self.energies = self._arguments(ops.square)
        self.carried = self._arguments(ops.matmul)
        self.nonnegative = graph.nonnegative
        self._norms: dict[Variable, float] = {}
        self.chains = chains_of(self.order, self.exact, self.constants)
        found = {v: contraction_of(v) for v in self.order}
        self.contractions = {v: c for v, c in found.items() if c is not None}

    def _arguments(self, op: Operator) -> set[Variable]:
        """Return the arguments of all applications of an operator."""
        return {a for v in self.order if v.op is op for a in v.args}

    def _enter(self, v: Variable) -> None:
        """Enclose a node that depends on no symbol."""
        if v.is_constant:
            number = np.asarray(v.value, dtype=float)
            self._keep(v, Interval.unchecked(number, number))
            if not np.all(np.asarray(v.value) == number):
                del self.exact[v]  # an integer too long for a double
                self.constants[v] = of_ends(_wide(number))
        elif v.op is not None and all(a in self.constants for a in v.args):
            args = [self.constants[a].ends[:, 0, 0] for a in v.args]
            boxed = [Interval.unchecked(e[0], e[1]) for e in args]
            self._keep(v, v.op.enclosure(*boxed, **v.attrs))

    def _keep(self, v: Variable, x: Interval) -> None:
        low, high = np.broadcast_arrays(x.lower, x.upper)
        self.constants[v] = of_ends(np.stack([low, high])[:, None, None])
        if np.array_equal(low, high):
            self.exact[v] = np.asarray(low)

    def _above(self, node: Variable | None) -> set[Variable]:
        """Return the nodes that depend on one."""
        found: set[Variable] = set() if node is None else {node}
        for v in self.order:
            if any(a in found for a in v.args):
                found.add(v)
        return found

    def norm_of(self, v: Variable) -> float:
        """Return the certified spectral norm of a constant matrix, made once."""
        if v not in self._norms:
            self._norms[v] = self._norm(v)
        return self._norms[v]

    def _norm(self, v: Variable) -> float:
        if v in self.exact:
            return spectral_norm(self.exact[v])
        middle, half = self.constants[v].half
        return float(inflate(spectral_norm(middle[0, 0]) + frobenius_norm(half)))

    def claims(self) -> dict[str, float]:
        """Return the certified norms used so far, by the place of the matrix."""
        return {str(self.place[v]): x for v, x in self._norms.items()}

    def chained(self) -> dict[str, list[Any]]:
        """Return the base of each chain, and its map's norm, by the end's place."""
        return {
            str(self.place[v]): [self.place[c.base], c.map.sigma]
            for v, c in self.chains.items()
            if c.map is not None
        }


def _wide(number: Array) -> Array:
    return np.stack([next_down(number), next_up(number)])[:, None, None]


class NormPropagation:
    """One pass.

    Parameters
    ----------
    layout : NormLayout
    boxes : mapping
        What is known of each symbol, by name.
    careful : bool
        Whether to follow curves closely.
    levels : int
        How many layers down a direction may be taken.
    """

    def __init__(
        self,
        layout: NormLayout,
        boxes: Mapping[str, ArrayBounds],
        *,
        careful: bool,
        levels: int = 1,
    ) -> None:
        self.layout, self.boxes = layout, boxes
        self.is_careful, self.sharp, self.levels = careful, False, levels
        self.values: dict[Variable, ArrayBounds] = dict(layout.constants)
        self.choices: Choices = {}

    def run(self, vertices: Sequence[int] | None = None, *, sharp: bool = False) -> Any:
        """Return upper bounds of the objective, of shape (B, K).

        Parameters
        ----------
        vertices : sequence of int, optional
            Put these unit vectors in the place of the simplex, K of them (after a run
            without).
        sharp : bool
            Whether to bound products with matrices over cubes.
        """
        self.sharp = sharp
        layout = self.layout
        for v in layout.order:
            if v in layout.constants:
                continue
            check()
            if vertices is not None and v not in layout.below:
                continue
            if v is layout.simplex and vertices is not None:
                self.values[v] = _corners(v, vertices)
            else:
                self.values[v] = self._value(v)
        ends = self.values[layout.order[-1]].ends
        upper = ends[1]
        return np.where(np.isnan(upper) | np.isnan(ends[0]), np.inf, upper)

    def _value(self, v: Variable) -> ArrayBounds:
        if v.op is None:
            return self.boxes[v.name]
        args = [self.values[a] for a in v.args]
        found = rule_of(v.op)(self, v, args)
        if v in self.layout.contractions:
            short = self.layout.contractions[v]
            found = shortened(found, short.length(self.values[short.base]))
        chain = self.layout.chains.get(v)
        more = None if chain is None else along(chain, self.values[chain.base], found)
        if more is None:
            return found
        self._note(v, "chain", more[1])
        return more[0]

    def simplex_ends(self) -> Any:
        """Return the intervals of the simplex, of shape (2, B, elements)."""
        v = self.layout.simplex
        assert v is not None
        args = [self.values[a] for a in v.args]
        ends = softmax(self, v, args).ends
        return ends.reshape(2, ends.shape[1], v.size)

    # -- what rules ask for ----------------------------------------------------------

    def constant(self, v: Variable) -> Array | None:
        """Return the exact value of a constant node."""
        return self.layout.exact.get(v)

    def norm_of(self, v: Variable) -> float:
        """Return the certified spectral norm of a constant matrix."""
        return self.layout.norm_of(v)

    def combined(
        self,
        node: Variable,
        ends: Array,
        ball: tuple[Array, Array] | None,
        length: Array | None = None,
        total: Array | None = None,
    ) -> ArrayBounds:
        """Return the best of all that is known, and note which ball that was."""
        if node in self.layout.nonnegative:
            ends = np.maximum(ends, 0.0)  # keeps NaN
        value, took = combine(ends, ball, length, total)
        if ball is not None:
            self._note(node, "ball", took)
        return value

    def _note(self, node: Variable, key: str, what: Any) -> None:
        self.choices.setdefault(self.layout.place[node], {})[key] = what

    def uses_dual_bound(self, node: Variable, a: ArrayBounds) -> bool:
        """Return whether to follow a curve closely: where that may pay."""
        used = node in self.layout.energies or node in self.layout.carried
        far = HOPELESS * np.sqrt(node.size)
        return self.is_careful and used and bool(np.any(a.radius < far))

    def directional_bound(
        self, node: Variable, a: ArrayBounds, centre: Array
    ) -> tuple[Array | None, Array | None]:
        """Return distances from ``centre`` and from zero after a bounded curve."""
        assert node.op is not None
        lead = a.radius.shape
        z = rows_around(a, lead)
        m = np.broadcast_to(centre, a.centre.shape).reshape(z.centre.shape)
        near = long = None
        if node in self.layout.carried:
            h = saturating.distances(node.op, m)
            square, levels = dual_bound(self, node, h, z, lead, 0)
            near = saturating.root(square).reshape(lead)
            self._note(node, "near", levels)
        if node in self.layout.energies:
            h = saturating.distances(node.op, np.zeros_like(m))
            square, levels = dual_bound(self, node, h, z, lead, self.levels)
            long = saturating.root(square).reshape(lead)
            self._note(node, "long", levels)
        return near, long

    def box_norm_of_product(
        self, node: Variable, product: Variable, factor: Array | None
    ) -> Array | None:
        """Return bounds of the length of ``factor * (u W)`` over the box of u."""
        if not self.sharp or node not in self.layout.energies:
            return None
        if product.op is not ops.matmul:
            return None
        matrix = self.layout.exact.get(product.args[1])
        u = product.args[0]
        if matrix is None or matrix.ndim != 2:
            return None
        if u.size != u.shape[-1] or u.size > LONGEST:
            return None
        return self._over_box(node, self.values[u], matrix, factor)

    def _over_box(
        self, node: Variable, u: ArrayBounds, matrix: Array, factor: Array | None
    ) -> Array:
        middle, half = (x.reshape(*x.shape[:LEAD], -1) for x in u.half)
        lead = middle.shape[:LEAD]
        if factor is not None:
            lead = np.broadcast_shapes(lead, factor.shape[:LEAD])
            factor = np.broadcast_to(
                factor.reshape(*factor.shape[:LEAD], -1), (*lead, matrix.shape[1])
            )
        out, weights, sigmas = np.empty(lead), np.empty(lead, object), np.empty(lead)
        for at in np.ndindex(lead):
            check()
            here = tuple(min(i, n - 1) for i, n in zip(at, middle.shape, strict=False))
            scale = None if factor is None else factor[at]
            rows, error = _rows(middle[here], half[here], matrix, scale)
            bound, weights[at], sigmas[at] = box_norm_bound(rows, 2)
            out[at] = inflate(bound + error)
        self._note(node, "weights", weights)
        self._note(node, "sigma", sigmas)
        return out


def _rows(
    middle: Array, half: Array, matrix: Array, scale: Array | None
) -> tuple[Array, float]:
    """Return a matrix A with ``(u W) * scale = s A``, s in the cube, and its error.

    The first row is that of the middle, whose s is 1; the error is that of computing
    it.

    Shapes: ``middle`` and ``half`` (n,), ``matrix`` (n, m), ``scale`` (m,).
    """
    first = middle @ matrix
    rows = np.concatenate([first[None], half[:, None] * matrix])
    slip = root_sum(np.square(middle), (0,)) * gamma(len(middle) + 8)
    error = slip * root_sum(np.square(matrix), (0, 1))
    if scale is not None:
        rows = rows * scale
        error = error * np.max(scale, initial=0.0)
    return rows, float(inflate(error, len(middle) + matrix.size + 8))


def _corners(v: Variable, vertices: Sequence[int]) -> ArrayBounds:
    """Return unit vectors along the second batch axis."""
    rows = np.eye(v.size)[list(vertices)].reshape(1, len(vertices), *v.shape)
    return of_ends(np.stack([rows, rows]))
