"""The star clusters of a graph, with the relations that hold beside definitions.

Of a softmax the sum is 1, and of a centred product of matrices the squares have a
limit; see `relaxed_graph`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium import ops
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval import interval_arithmetic
from deuterium.optimize.bounders.clusters.cluster_terms import (
    ONES,
    Definition,
    Simplex,
    summed_form,
)
from deuterium.optimize.bounders.clusters.relaxed_graph import relaxed_graph
from deuterium.optimize.bounders.clusters.shared_hubs import require_few_hubs
from deuterium.optimize.bounders.clusters.star_graph import StarGraph
from deuterium.optimize.bounders.lagrangian.affine_terms import (
    flattened,
)
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    AffineForm,
    Term,
    Univariate,
)


class ClusterProgram(StarGraph):
    """The star clusters of a scalar graph, rewritten.

    Parameters
    ----------
    problem : Problem
        For the inputs and their order.
    root : Variable
        The scalar to be bounded.

    Attributes
    ----------
    relaxed : RelaxedGraph
        The graph that is taken apart.
    simplices : dict from int to Simplex
        By the group of their logarithms u.
    """

    def __init__(self, problem: Problem, root: Variable) -> None:
        require_few_hubs(root)
        self.relaxed = relaxed_graph(problem, root)
        self._free_products = {p.rest: p for p in self.relaxed.products}
        super().__init__(problem, self.relaxed.root)

    def _begin(self) -> None:
        super()._begin()
        self.simplices: dict[int, Simplex] = {}

    @property
    def depth(self) -> int:
        """How many layers have spokes that are not but factors of single products."""
        return sum(d.is_spoke and d.target.size > 1 for d in self.rules)

    def _kind(self, node: Variable) -> Any:
        if node in self._free_products:
            return self._centred(node)
        found = super()._kind(node)
        if node in self.relaxed.softmax:
            self.kinds[node] = found
            self._softmax(node)
        return found

    def _softmax(self, p: Variable) -> None:
        """Enter that the exponentials of a softmax have the sum 1."""
        node, t = self.relaxed.softmax[p]
        known = self.kinds[p]
        assert isinstance(known, Univariate)
        self.simplices[known.group] = Simplex(node, self._argument(t))
        form = flattened(summed_form(self.affine(p), -1))
        form = AffineForm(form.parts, interval_arithmetic.subtract(form.constant, ONES))
        self._constrain(form, known.group, p, False)

    def _centred(self, rest: Variable) -> Univariate:
        """Enter a centred product by its range, and what its squares are at most."""
        product = self._free_products[rest]
        for n in topological([product.limit]):
            if n not in self.kinds:
                self.kinds[n] = self._kind(n)
        found = self._free(rest)
        squares = summed_form(self.affine(self._made(ops.square, rest)), -2)
        limit = flattened(self.affine(product.limit))
        parts = {t: interval_arithmetic.negative(c) for t, c in squares.parts.items()}
        form = AffineForm({**limit.parts, **parts}, limit.constant)
        self._constrain(form, found.group, rest, True)
        return found

    def _constrain(
        self, form: AffineForm, group: int, node: Variable, is_inequality: bool
    ) -> None:
        nothing = np.zeros(0, dtype=int)
        target = Term(group, nothing, nothing)
        source = node, nothing
        definition = Definition(target, form, source, len(self.groups), is_inequality)
        self.rules.append(definition)
