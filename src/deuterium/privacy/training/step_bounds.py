"""Certified bounds of a gradient's norm for weights that change at every step.

The graph is looked at once; a step costs a few small NumPy operations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from deuterium import ops
from deuterium.domain.constraints import UnitVectors, Within
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.errors import UnsupportedError
from deuterium.functions.norms import norm_of_all
from deuterium.graph.variable import Variable
from deuterium.privacy.training.bound_graph import bound_graph
from deuterium.privacy.training.bound_parts import (
    GROWN,
    LEAST,
    MANY,
    ONES,
    Factors,
    LossSlopes,
    RecordSet,
    Weights,
    enclosed,
    is_finite,
)
from deuterium.privacy.training.layered_bounds import LayeredBound, SoftmaxBound
from deuterium.privacy.training.network import Network, network_of
from deuterium.privacy.training.tangent_bounds import TangentBound
from deuterium.transform import grad
from deuterium.transform.simplify.simplify import simplify

__all__ = ["StepBound", "graph_of", "step_bound"]

Array = Any

LARGE = 1e100  # squared lengths of records with which nothing underflows unnoticed


class StepBound(Protocol):
    """From weights to a certified bound of a gradient's norm.

    Parameters
    ----------
    weights : mapping from str to ndarray
        The parameters.
    factors : mapping from str to float
        Of each parameter, 1 where not named: bounded is the square root of the sum of
        ``factor * squared norm of the gradient by that parameter``.
    kind : str
        Calls of one kind, of weights that change little, may share what they found.
    """

    def __call__(
        self, weights: Weights, factors: Factors = ONES, kind: str = ""
    ) -> float:
        """Return the bound; it is infinite, or NaN, where there is none."""


def step_bound(
    loss: Variable,
    records: Mapping[str, Variable],
    parameters: Mapping[str, Variable],
    domain: Domain,
) -> tuple[StepBound, str]:
    """Return a function from weights to a bound, and how it bounds.

    Parameters
    ----------
    loss : Variable
        Of one record, a scalar.
    records : mapping
        The symbols of one record, by name.
    parameters : mapping
        The symbols of the parameters, by name.
    domain : Domain
        Of a record.
    """
    network = network_of(loss, records, list(parameters))
    if network is not None:
        made = _of_network(network, records, parameters, domain)
        if made is not None:
            return made
    slopes = dict(zip(parameters, grad(loss, list(parameters.values())), strict=True))
    return EnclosedBound(slopes, domain), "enclosure of the gradient's norm"


def graph_of(
    loss: Variable,
    records: Mapping[str, Variable],
    parameters: Mapping[str, Variable],
    domain: Domain,
) -> Variable:
    """Return a bound as a graph of the parameters; arguments as of `step_bound`."""
    network = network_of(loss, records, list(parameters))
    if network is not None:
        x = _inputs(records[network.record], domain)
        labels = [s for n, s in records.items() if n != network.record]
        known = network.output.size == 1 or _is_softmax(network, labels, domain)
        if known and x.square < LARGE:
            made: Variable = bound_graph(network, x, parameters, labels, domain)
            return made
    raise UnsupportedError(
        "bound_graph: the loss is not layer upon layer with a loss of one output or "
        "the cross-entropy of a softmax, and records in bounds; give a `penalty` of "
        "your own to keep the weights small"
    )


class EnclosedBound:
    """The enclosure of the norm, the weights being intervals of one point."""

    def __init__(self, slopes: Mapping[str, Variable], domain: Domain) -> None:
        self.norms = {n: norm_of_all([g]) for n, g in slopes.items()}
        self.norm, self.domain = norm_of_all(list(slopes.values())), domain

    def __call__(
        self, weights: Weights, factors: Factors = ONES, kind: str = ""
    ) -> float:
        """Return the bound."""
        if not is_finite(weights):
            return math.inf
        here = self.domain & Box({name: (w, w) for name, w in weights.items()})
        if not factors:
            return float(enclosed(self.norm, here).upper)
        total = 0.0
        for name, norm in self.norms.items():
            factor = factors.get(name, 1.0)
            if factor:
                found = float(enclosed(norm, here).upper)
                total += factor * found * found * GROWN
        return math.sqrt(total) * GROWN + LEAST if total < math.inf else math.inf


def _of_network(
    network: Network,
    records: Mapping[str, Variable],
    parameters: Mapping[str, Variable],
    domain: Domain,
) -> tuple[StepBound, str] | None:
    if max(p.size for p in parameters.values()) > MANY:
        return None
    x = _inputs(records[network.record], domain)
    if not x.square < LARGE:
        return None
    deep = len(network.layers) != 2
    labels = [s for n, s in records.items() if n != network.record]
    if network.output.size == 1:
        table = LossSlopes.of(network, labels, domain)
        if table is None:
            return None
        if deep:
            return LayeredBound(network, x, table=table), "norms layer by layer"
        return TangentBound(network, x, table), "tangents of one hidden layer"
    if not _is_softmax(network, labels, domain):
        return None
    if deep:
        return LayeredBound(network, x), "norms layer by layer, pairs of classes"
    return SoftmaxBound(network, x), "pairs of classes, one hidden layer"


def _inputs(record: Variable, domain: Domain) -> RecordSet:
    hull = domain.hull(record)
    balls = [
        (np.broadcast_to(k.center, record.shape).ravel(), float(k.radius))
        for k in domain.constraints[record.name]
        if isinstance(k, Within) and k.order == 2
    ]
    smallest = min(balls, key=lambda ball: ball[1], default=None)
    with np.errstate(all="ignore"):
        return RecordSet(np.ravel(hull.lower), np.ravel(hull.upper), smallest)


def _is_softmax(network: Network, labels: Sequence[Variable], domain: Domain) -> bool:
    """Whether the slope of the head is ``softmax(output) - label``, label one-hot."""
    if len(labels) != 1 or labels[0].shape != network.output.shape:
        return False
    (label,) = labels
    kinds = domain.constraints.get(label.name, ())
    if not any(isinstance(k, UnitVectors) for k in kinds):
        return False
    slope = simplify(grad(network.head, network.output))
    if slope.op is not ops.subtract or not _is(slope.args[1], label):
        return False
    p = slope.args[0]
    if p.op is ops.multiply:  # by the sum of the label, 1
        ones = [a for a in p.args if _is_sum(a, label)]
        rest = [a for a in p.args if not _is_sum(a, label)]
        if len(ones) != 1:
            return False
        p = rest[0]
    while p.op is ops.reshape:
        p = p.args[0]
    return p.op is ops.softmax_last and _is(p.args[0], network.output)


def _is(v: Variable, symbol: Variable) -> bool:
    while v.op is ops.reshape:
        v = v.args[0]
    return v.is_symbol and v.name == symbol.name


def _is_sum(v: Variable, label: Variable) -> bool:
    while v.op in (ops.reshape, ops.broadcast):
        v = v.args[0]
    return v.op is ops.add_reduce and _is(v.args[0], label)
