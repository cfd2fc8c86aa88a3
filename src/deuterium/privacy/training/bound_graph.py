"""A certified bound as a graph of the weights, to be differentiated.

The bounds of a step are the sharpest found here, and not made for differentiation.
This one is plainer, and larger: the longest values that every layer can have, the
longest slopes that can come back to it, and the length of what their products add up
to, written with the operators of a graph.  For any weights its value is no less than
the gradient norm of any record (up to the rounding of evaluating it: enclose it for a
certified number), so that weights where it is smaller need less noise.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
from scipy.special import expit

from deuterium import ops
from deuterium.domain.constraints import UnitVectors
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.errors import UnsupportedError
from deuterium.functions.elementwise import relu
from deuterium.functions.log_sum_exp import logsumexp
from deuterium.graph.constructors import as_variable
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.privacy.sensitivity.neighbours import each_label
from deuterium.privacy.training.network import Network, network_of
from deuterium.privacy.training.record_sets import InputSet
from deuterium.privacy.training.step_bounds import GROWN, enclosed
from deuterium.transform import grad
from deuterium.transform.simplify.simplify import simplify

__all__ = ["graph_of"]

Array = Any
Node = Any  # a Variable; NumPy's stubs think that its functions return arrays
Ends = tuple[Node, Node]
Symbols = Mapping[str, Variable]

SMALL = 1e-24  # below a root, which has no slope at zero
LARGE = 1e50  # lengths of records with which nothing underflows unnoticed
FAR = 1e9  # what is so much less has no part in a sum of exponentials
APPLIED: Mapping[str, Any] = {"tanh": np.tanh, "expit": expit, "relu": relu}


def graph_of(
    loss: Variable,
    records: Mapping[str, Variable],
    parameters: Mapping[str, Variable],
    domain: Domain,
) -> Variable:
    """Return a bound as a graph of the parameters; arguments as of `step_bounds`."""
    network = network_of(loss, records, list(parameters))
    if network is not None:
        x = InputSet(records[network.record], domain)
        labels = [s for n, s in records.items() if n != network.record]
        known = network.output.size == 1 or _is_softmax(network, labels, domain)
        if known and x.length < LARGE:
            made: Variable = bound_graph(network, x, parameters, labels, domain)
            return made
    raise UnsupportedError(
        "bound_graph: the loss is not layer upon layer with a loss of one output or "
        "the cross-entropy of a softmax, and records in bounds; give a `penalty` of "
        "your own to keep the weights small"
    )


def bound_graph(
    network: Network,
    x: InputSet,
    parameters: Symbols,
    labels: Sequence[Variable],
    domain: Domain,
) -> Node:
    """Return a scalar of the parameters that no record's gradient norm exceeds.

    Parameters
    ----------
    network : Network
        Its layers, and the head.
    x : InputSet
        Every record that may come.
    parameters : mapping from str to Variable
        Symbols: weights (inputs, outputs), biases of as many elements as outputs.
    labels : sequence of Variable
        The other symbols of a record.
    domain : Domain
        Of these.

    Raises
    ------
    UnsupportedError
        The slope of the loss by its output grows, and not towards the ends of ranges.
    """
    layers = network.layers
    squares: list[Any] = [x.length**2 * GROWN]
    steep: list[Node] = []
    low, high = _through(x, parameters, network)
    for before, layer in itertools.pairwise(layers):
        assert before.activation is not None
        steep.append(_steepest(before.activation, low, high))
        low, high = (APPLIED[before.activation](z) for z in (low, high))
        squares.append((np.maximum(-low, high) ** 2).sum())
        w = parameters[layer.weight]
        middle, spread = (low + high) / 2 @ w, (high - low) / 2 @ np.abs(w)
        middle = _moved(middle, parameters, layer.bias)
        low, high = middle - spread, middle + spread
    if network.output.size > 1 and len(layers) == 2:
        total = _pairs(squares, steep[0], (low, high), parameters, network)
        return np.sqrt(total + SMALL)
    if network.output.size > 1:
        down: Any = np.sqrt(2.0) * np.max(_wrong(low, high)) * GROWN
    else:
        down = _largest_slope(network, labels, domain, low, high)
    total = as_variable(0.0)
    for i in range(len(layers) - 1, -1, -1):
        total = total + down**2 * (squares[i] + (layers[i].bias is not None))
        if i:
            a = steep[i - 1].reshape(-1, 1) * parameters[layers[i].weight]
            down = down * _spectral(a)
    return np.sqrt(total + SMALL)


def _moved(middle: Node, parameters: Symbols, bias: str | None) -> Node:
    return middle if bias is None else middle + parameters[bias].reshape(1, -1)


def _through(x: InputSet, parameters: Symbols, network: Network) -> Ends:
    """Return the ends of what the first layer makes of a record."""
    first = network.layers[0]
    w = parameters[first.weight]
    middle = _moved(x.middle[None] @ w, parameters, first.bias)
    spread = x.radius[None] @ np.abs(w)
    low, high = middle - spread, middle + spread
    if x.ball is None:
        return low, high
    center, radius = x.ball
    middle = _moved(center[None] @ w, parameters, first.bias)
    spread = radius * np.sqrt((w**2).sum(axis=0, keepdims=True) + SMALL)
    return np.maximum(low, middle - spread), np.minimum(high, middle + spread)


def _steepest(name: str, low: Node, high: Node) -> Node:
    """Return the largest slope of an activation over a range."""
    if name == "relu":
        return as_variable(np.ones(low.shape))
    near = np.maximum(np.maximum(low, -high), 0.0)  # how near zero the range comes
    if name == "tanh":
        return 1 - np.tanh(near) ** 2
    return expit(near) * expit(-near)


def _spectral(a: Node) -> Node:
    """Return the fourth root of ``||a' a||**2``: of the spectral norm, or a bound."""
    rows, columns = a.shape
    both = a @ a.T if rows <= columns else a.T @ a
    return np.sqrt(np.sqrt((both**2).sum() + SMALL**2))


def _wrong(low: Node, high: Node) -> Node:
    """Return the largest ``1 - p_y`` for each class y."""
    k = low.size
    apart = high.reshape(k, 1) - low.reshape(1, k) - FAR * np.eye(k)
    return expit(logsumexp(apart, axis=0))


def _pairs(
    squares: Sequence[Any],
    steep: Node,
    ends: Ends,
    parameters: Symbols,
    network: Network,
) -> Node:
    """Return the squared bound of one hidden layer below a softmax."""
    first, last = network.layers
    w = parameters[last.weight] * steep.reshape(-1, 1)
    products = w.T @ w
    own = (w**2).sum(axis=0)
    apart = own.reshape(-1, 1) + own.reshape(1, -1) - 2 * products
    total = 2 * squares[1] + 2.0 * (last.bias is not None)
    total = total + (squares[0] + (first.bias is not None)) * apart
    return np.max(total * _wrong(*ends).reshape(1, -1) ** 2)


def _largest_slope(
    network: Network,
    labels: Sequence[Variable],
    domain: Domain,
    low: Node,
    high: Node,
) -> Node:
    """Return how steep the loss can be, where its output lies between two ends."""
    t = network.output
    slope = simplify(grad(network.head, t).reshape(()))
    bend = simplify(grad(slope, t))
    everywhere = Box({t: (-np.inf, np.inf)})
    found: list[Node] = []
    for fixed in each_label(labels, domain):
        bends = enclosed(bend, everywhere & fixed)
        if np.all(bends.lower >= 0) or np.all(bends.upper <= 0):
            corners = _corners(slope, labels, fixed)
            if corners is not None:
                found += [
                    np.abs(slope.subs({**c, t: end}))
                    for c in corners
                    for end in (low, high)
                ]
                continue
        whole = enclosed(slope, everywhere & fixed)
        most = float(np.maximum(np.abs(whole.lower), np.abs(whole.upper)))
        if not most < np.inf:
            raise UnsupportedError(
                "bound_graph: the slope of the loss by the network's output neither "
                "grows with the output nor has a bound of its own; give a `penalty` "
                "of your own to keep the weights small"
            )
        found.append(as_variable(most))
    return reduce(np.maximum, found)


def _corners(
    slope: Node, labels: Sequence[Variable], fixed: Domain
) -> list[dict[Variable, Array]] | None:
    """Return the labels at which a slope can be largest, or None if that is unknown."""
    inside = [s for s in labels if s.name in {v.name for v in free_symbols([slope])}]
    ends = []
    for s in inside:
        hull = fixed.hull(s)
        if np.array_equal(hull.lower, hull.upper):
            ends.append([hull.lower])
            continue
        rest = free_symbols([simplify(grad(slope, s))])
        if s.size > 1 or any(s.name == v.name for v in rest):  # linear in one number?
            return None
        ends.append([hull.lower, hull.upper])
    return [dict(zip(inside, c, strict=True)) for c in itertools.product(*ends)]


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
