"""Certified bounds of a gradient's norm for weights that change at every step.

The graph is looked at once; a step costs a few small NumPy operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.bound import Box, Domain, enclose
from deuterium.bound.domain import UnitVectors
from deuterium.functions.reductions import norm_of_all
from deuterium.graph.variable import Variable
from deuterium.privacy.training_layers import Deep, Inputs, Scalar, Slopes, Softmax
from deuterium.privacy.training_network import Network, network_of
from deuterium.transform import grad
from deuterium.transform.simplify import simplify

__all__ = ["StepBound", "step_bound"]

Array = Any
Weights = Mapping[str, Array]
StepBound = Callable[[Weights], float]

MANY = 10**5  # terms that a sum may have


def step_bound(
    loss: Variable, records: Mapping[str, Variable], parameters: Weights, domain: Domain
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
    norm = norm_of_all(list(grad(loss, list(parameters.values()))))
    return Enclosed(norm, domain), "enclosure of the gradient's norm"


class Enclosed:
    """The enclosure of the norm, the weights being intervals of one point."""

    def __init__(self, norm: Variable, domain: Domain) -> None:
        self.norm, self.domain = norm, domain

    def __call__(self, weights: Weights) -> float:
        """Return the bound."""
        here = Box({name: (w, w) for name, w in weights.items()})
        return float(enclose(self.norm, self.domain & here).upper)


def _of_network(
    network: Network,
    records: Mapping[str, Variable],
    parameters: Weights,
    domain: Domain,
) -> tuple[StepBound, str] | None:
    if max(p.size for p in parameters.values()) > MANY:
        return None
    hull = domain.hull(records[network.record])
    x = Inputs(np.ravel(hull.lower), np.ravel(hull.upper))
    if not np.isfinite(x.square):
        return None
    deep = len(network.layers) != 2
    labels = [s for n, s in records.items() if n != network.record]
    if network.output.size == 1:
        table = Slopes.of(network, labels, domain)
        if table is None:
            return None
        if deep:
            return Deep(network, x, table=table), "norms layer by layer"
        return Scalar(network, x, table), "tangents of one hidden layer"
    if not _is_softmax(network, labels, domain):
        return None
    if deep:
        return Deep(network, x), "norms layer by layer, pairs of classes"
    return Softmax(network, x), "pairs of classes, one hidden layer"


def _is_softmax(network: Network, labels: Sequence[Variable], domain: Domain) -> bool:
    """Whether the slope of the head is ``softmax(output) - label``, label one-hot."""
    if len(labels) != 1 or labels[0].shape != network.output.shape:
        return False
    (label,) = labels
    kinds = domain.constraints.get(label.name, ())
    if not any(isinstance(k, UnitVectors) for k in kinds):
        return False
    slope = simplify(grad(network.head, network.output))
    if slope.op is None or slope.op.name != "subtract" or not _is(slope.args[1], label):
        return False
    p = slope.args[0]
    if p.op is not None and p.op.name == "multiply":  # by the sum of the label, 1
        ones = [a for a in p.args if _is_sum(a, label)]
        rest = [a for a in p.args if not _is_sum(a, label)]
        if len(ones) != 1:
            return False
        p = rest[0]
    while p.op is not None and p.op.name == "reshape":
        p = p.args[0]
    return (
        p.op is not None and p.op.name == "softmax" and _is(p.args[0], network.output)
    )


def _is(v: Variable, symbol: Variable) -> bool:
    while v.op is not None and v.op.name == "reshape":
        v = v.args[0]
    return v.is_symbol and v.name == symbol.name


def _is_sum(v: Variable, label: Variable) -> bool:
    while v.op is not None and v.op.name in ("reshape", "broadcast"):
        v = v.args[0]
    return v.op is not None and v.op.name == "sum" and _is(v.args[0], label)
