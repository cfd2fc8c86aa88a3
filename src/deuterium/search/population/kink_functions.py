"""Scalars inside the graph at whose zeros the objective has a kink or jumps.

Such a scalar z(x) is the argument of a relu, of an absolute value or of one of their
slopes, or the difference of the two sides of a maximum.  The gradient norm of a network
with relus jumps where one of them changes its phase.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from deuterium.array_type import Array
from deuterium.evaluate import CompiledFunction, compile
from deuterium.graph.constructors import symbol
from deuterium.graph.variable import Variable
from deuterium.ops import logic
from deuterium.search.population.compiled_objective import CompiledObjective
from deuterium.transform import grad


class KinkFunctions:
    """Some scalars inside the graph, as functions of rows of inputs.

    Attributes
    ----------
    nodes : list of Variable
        The nodes whose elements they are.
    count : int
        How many there are.
    """

    def __init__(self, target: CompiledObjective, nodes: list[Variable]) -> None:
        self.target, self.problem, self.nodes = target, target.problem, nodes
        self.count = sum(z.size for z in self.nodes)

    @cached_property
    def _values(self) -> CompiledFunction:
        return compile(self.problem.symbols, self.nodes)

    @cached_property
    def _pulled(self) -> CompiledFunction:
        """The slopes of a weighted sum of them all, given the weights too."""
        weights = [
            symbol(f"weights {i} inside", shape=z.shape)
            for i, z in enumerate(self.nodes)
        ]
        terms = [(z * w).sum() for z, w in zip(self.nodes, weights, strict=True)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        slopes = grad(total, self.target.free_symbols)
        return compile([*self.problem.symbols, *weights], slopes)

    def at(self, rows: Array) -> Array:
        """Return the scalars at every row, of shape (rows, count)."""
        found = self._values(*self.problem.arrays(rows).values())
        lead = len(rows)
        flat = [
            np.broadcast_to(z, (lead, *v.shape)).reshape(lead, -1)
            for z, v in zip(found, self.nodes, strict=True)
        ]
        return np.concatenate(flat, axis=1)

    def slopes(self, rows: Array, which: Array) -> Array:
        """Return the slopes a width of some of them: (B, n), (B, k) -> (B, k, n)."""
        (lead, n), k = rows.shape, which.shape[1]
        many = np.repeat(rows, k, axis=0)
        weights = np.zeros((lead * k, self.count))
        weights[np.arange(lead * k), which.ravel()] = 1.0
        ends = np.cumsum([z.size for z in self.nodes])[:-1]
        parts = [
            w.reshape(len(many), *z.shape)
            for w, z in zip(np.split(weights, ends, axis=1), self.nodes, strict=True)
        ]
        found = self._pulled(*self.problem.arrays(many).values(), *parts)
        slopes = np.zeros((lead * k, n))
        for s, g in zip(self.target.free_symbols, found, strict=True):
            slopes[:, self.problem.slices[s.name]] = g.reshape(len(many), s.size)
        slopes *= self.target.feasible.width
        slopes[:, ~self.target.feasible.free] = 0.0
        return np.nan_to_num(slopes, posinf=0.0, neginf=0.0).reshape(lead, k, n)


def kink_functions_of(target: CompiledObjective) -> KinkFunctions:
    """Return the scalars at whose zeros the objective may not be smooth."""
    found: dict[Variable, None] = {}
    graph = target.problem.graph
    for node in graph.order:
        if node.op is None or graph.varying.isdisjoint(node.args):
            continue
        if node.op is logic.is_zero:
            continue  # the other piece is a point
        if node.op.kinks:
            found[node.args[0]] = None
        elif node.op.chooses and node.op.elementwise and not logic.is_condition(node):
            found[node.args[0] - node.args[1]] = None
    return KinkFunctions(target, list(found))


def saturating_arguments(target: CompiledObjective) -> KinkFunctions:
    """Return the arguments of functions that are flat away from zero."""
    graph = target.problem.graph
    bent = [n.args[0] for n in graph.order if n.op is not None and n.op.flattens]
    return KinkFunctions(target, [z for z in dict.fromkeys(bent) if z in graph.varying])
