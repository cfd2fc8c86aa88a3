"""A loss taken apart: layer upon layer, and what is done with the last one's output.

A feed-forward network is recognised in the graph of one record's loss.  Only what is
found by walking up from the record is believed, and what remains (the *head*) must
depend on nothing but the output and the label; every other graph is left to general
methods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deuterium import ops
from deuterium.graph.constructors import apply, symbol
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import Graph, free_symbols
from deuterium.graph.variable import Variable

__all__ = ["ACTIVATIONS", "Layer", "Network", "network_of"]

ACTIVATIONS = (ops.tanh, ops.expit, ops.relu)
MOVES = (ops.reshape, ops.broadcast)


@dataclass(frozen=True)
class Layer:
    """``activation(input @ weight + bias)``, the last one without activation."""

    weight: str
    bias: str | None
    activation: str | None


@dataclass(frozen=True, eq=False)
class Network:
    """A feed-forward network and the loss of its output.

    Attributes
    ----------
    record : str
        The symbol that goes in.
    layers : tuple of Layer
        From the record to the output.
    output : Variable
        A symbol for the last layer's output, of shape ``(1, k)``.
    head : Variable
        The loss as a function of ``output`` and of labels.
    """

    record: str
    layers: tuple[Layer, ...]
    output: Variable
    head: Variable


def network_of(
    loss: Variable, records: Mapping[str, Variable], parameters: Sequence[str]
) -> Network | None:
    """Return the network behind the loss of one record, or None if it is none.

    Parameters
    ----------
    loss : Variable
        A scalar.
    records, parameters
        The symbols of one record (arrays with one row) and the names of parameters.
    """
    graph = Graph([loss])
    order, users = graph.order, graph.users
    for name in records:
        start = next((n for n in order if n.is_symbol and n.name == name), None)
        if start is not None and start.ndim == 2 and start.shape[0] == 1:
            found = _walk(start, users, set(parameters))
            if found is not None:
                return _with_head(loss, order, name, *found, set(parameters))
    return None


def _walk(
    start: Variable, users: Mapping[Variable, list[Variable]], parameters: set[str]
) -> tuple[list[Layer], Variable] | None:
    """Follow products with parameters up from a record; return layers and output."""
    layers: list[Layer] = []
    here, left = start, set(parameters)
    while True:
        product = _product(users.get(here, []), here, left)
        if product is None:
            return None
        weight = product.args[1].name
        left.discard(weight)
        top, bias = _biased(users.get(product, []), product, left)
        left.discard(bias or "")
        after = [n for n in users.get(top, []) if n.op in ACTIVATIONS]
        active = next(
            (n for n in after if _product(users.get(n, []), n, left) is not None), None
        )
        name = None if active is None or active.op is None else active.op.name
        layers.append(Layer(weight, bias, name))
        if active is None:
            return (layers, top) if not left else None
        here = active


def _product(
    users: Sequence[Variable], x: Variable, names: set[str]
) -> Variable | None:
    for n in users:
        if n.op is ops.matmul and n.args[0] is x:
            w = n.args[1]
            if w.is_symbol and w.name in names and w.ndim == 2:
                return n
    return None


def _biased(
    users: Sequence[Variable], product: Variable, names: set[str]
) -> tuple[Variable, str | None]:
    for n in users:
        if n.op is not ops.add or n.shape != product.shape:
            continue
        other = n.args[1] if n.args[0] is product else n.args[0]
        while other.op in MOVES:
            other = other.args[0]
        fits = other.is_symbol and other.size == product.shape[-1]
        if fits and other.name in names:
            return n, other.name
    return product, None


def _with_head(
    loss: Variable,
    order: Sequence[Variable],
    record: str,
    layers: list[Layer],
    top: Variable,
    parameters: set[str],
) -> Network | None:
    """Put a symbol in the place of the output; nothing below it may be left over."""
    names = {s.name for s in free_symbols([loss])}
    name = "output"
    while name in names:
        name += "'"
    output = symbol(name, shape=top.shape)
    head: Any = interpret(order, lambda v: v, _rebuild, {top: output})[loss]
    rest = {s.name for s in free_symbols([head])}
    if rest & (parameters | {record}):
        return None
    return Network(record, tuple(layers), output, head)


def _rebuild(op: Operator) -> Any:
    return lambda *args, **attrs: apply(op, args, attrs)
