"""A certified bound as a graph of the weights, to be differentiated.

It is what the ranges of all parts of a gradient's norm say, as a step's bound has them
before any multipliers, with graphs in the place of numbers.  For any weights its value
is no less than the gradient norm of any record (up to the rounding of evaluating it:
enclose it for a certified number), so that weights where it is smaller need less noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit

from deuterium import ops
from deuterium.array_type import Array
from deuterium.errors import UnsupportedError
from deuterium.functions.log_sum_exp import logsumexp
from deuterium.graph.constructors import as_variable
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.lagrangian.factored_parts import KinkBranches
from deuterium.privacy.training.step_clusters import StepClusters
from deuterium.privacy.training.step_parts import ONE, StepTerm
from deuterium.privacy.training.step_ranges import StepRangePass, StepRanges
from deuterium.privacy.training.training_options import LEAST_BOUND, OUT_OF_EXPONENTIALS

__all__ = ["graph_of"]
Ends = tuple[Any, Any]


def graph_of(clusters: StepClusters, parameters: Mapping[str, Variable]) -> Variable:
    """Return a scalar of the parameters that no record's gradient norm exceeds.

    Parameters
    ----------
    clusters : StepClusters
        The norm, taken apart.
    parameters : mapping from str to Variable
        Symbols.
    """
    with np.errstate(all="ignore"):  # lower ends that nothing is made of
        return _graph(clusters, parameters)


def _graph(clusters: StepClusters, parameters: Mapping[str, Variable]) -> Variable:
    ranges = GraphRanges(clusters)
    numbers = clusters.program.tape.run(parameters)
    at = ranges(numbers)
    total: Any = as_variable(np.zeros(clusters.listed.rows))
    for t in clusters.objective.logs:
        total = total + ranges.function_ends(t, at)[1][:, 0]
    for power, ends in zip(clusters.objective.powers, at.ends_of, strict=False):
        total = total + power * np.log(np.maximum(ends[1][:, 0], LEAST_BOUND**2))
    norms = np.exp(total / 2)
    for power, x in clusters.objective.numbers:
        norms = norms * np.abs(numbers[x.value]).reshape(-1) ** power
    if clusters.listed.table is None:
        return as_variable(np.max(norms))
    by_label = np.concatenate([norms, np.zeros(1)])[clusters.listed.table]
    return as_variable(np.max(_mixed(by_label, at.probabilities[0])))


class GraphRanges(StepRangePass):
    """Ranges as graphs of the weights."""

    def __init__(self, clusters: StepClusters) -> None:
        own = clusters.pass_
        given = own.program, own.tables, own.inputs, own.uses_lengths, own.powers
        super().__init__(*given)
        listed = clusters.listed.values.items()
        self._listed = {n: v.reshape(2, v.shape[1], -1) for n, v in listed}
        self._known: dict[tuple[int, int], Ends] = {}

    def _rounded(self, x: Array, reach: Array) -> Array:
        """Nothing more: a graph is of real numbers."""
        return x

    def _enter(self, group: int, out: StepRanges) -> None:
        """Nothing: only the functions that count are worked out."""

    def function_ends(self, t: StepTerm, out: StepRanges) -> Ends:
        """Return the ends of the functions of hubs in a term's elements."""
        if t.function == ONE:
            return np.ones((1, t.count)), np.ones((1, t.count))
        key = t.group, t.function
        if key not in self._known:
            f = self.program.groups[t.group].functions[t.function]
            self._known[key] = self._of_branches(f, out.ends[t.group])
        low, high = self._known[key]
        return low[:, t.hubs], high[:, t.hubs]

    def _of_branches(self, f: KinkBranches, ends: Any) -> Ends:
        low, high = ends[0], ends[1]
        try:
            return self._range(f.full, low, high)
        except UnsupportedError:
            if not f.kinked:
                raise
        left = self._range(f.left, np.minimum(low, 0.0), np.minimum(high, 0.0))
        right = self._range(f.right, np.maximum(low, 0.0), np.maximum(high, 0.0))
        return _hull([*left, *right])

    def _range(self, f: Variable, low: Any, high: Any) -> Ends:
        """Return the ends of a function of one variable, by interval arithmetic."""

        def leaf(v: Variable) -> Ends:
            if v.is_constant:
                return v.value, v.value
            if v.name in self._listed:
                return self._listed[v.name][0], self._listed[v.name][1]
            return low, high

        made: Any = interpret(topological([f]), leaf, _meaning)[f]
        spread = np.zeros(low.shape)
        return made[0] + spread, made[1] + spread

    def _softmax(self, low: Array, high: Array) -> Ends:
        """Return the lower end of a softmax, twice, given those of its argument."""
        k = low.size
        apart = high.reshape(1, k) - low.reshape(k, 1) - OUT_OF_EXPONENTIALS * np.eye(k)
        least = expit(-logsumexp(apart, axis=1))
        return least, least


def _meaning(op: Operator) -> Any:
    """Return what an operator makes of ends."""

    def ends(*args: Ends, **attrs: Any) -> Ends:
        is_known = bool(op.extrema) or op.increasing is not None or op is ops.step
        if op.arity == 1 and op.elementwise and is_known:
            return _univariate(op, *args[0], attrs)
        if op.moves_elements:
            return args[0]  # of one element, as all functions of one variable are
        if op is ops.add:
            return args[0][0] + args[1][0], args[0][1] + args[1][1]
        if op is ops.subtract:
            return args[0][0] - args[1][1], args[0][1] - args[1][0]
        if op is ops.multiply:
            return _hull([a * b for a in args[0] for b in args[1]])
        raise UnsupportedError(
            f"bound_graph: {op.name} in the gradient has no bound that could be "
            "differentiated; give a `penalty` of your own to keep the weights small"
        )

    return ends


def _univariate(op: Operator, low: Any, high: Any, attrs: Mapping[str, Any]) -> Ends:
    """Return the ends of a function that is monotone between its turning points."""
    if op.increasing is not None:  # each end by itself, as a logarithm has a pole at 0
        ends = op(low, **attrs), op(high, **attrs)
        return ends if op.increasing else ends[::-1]
    at = [low, high]
    at += [np.minimum(np.maximum(e, low), high) for e in op.extrema or ()]
    return _hull([op(x, **attrs) for x in at])


def _hull(values: list[Any]) -> Ends:
    least, most = values[0], values[0]
    for v in values[1:]:
        least, most = np.minimum(least, v), np.maximum(most, v)
    return least, most


def _mixed(norms: Any, low: Any) -> Any:
    """Return no less than ``sum p_k G_k`` for a p of sum 1 above an end.

    For every k it is at most ``p_k G_k + (1 - p_k) max G``, which falls in p_k.

    Shapes: ``norms`` (labels, classes), ``low`` (classes,).
    """
    top = np.max(norms, axis=1, keepdims=True)
    return np.min(low * norms + (1 - low) * top, axis=1)
