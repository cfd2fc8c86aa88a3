"""When two nodes are the same thing, and making them one (hash-consing)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable, node


def structural_key(
    v: Variable, args: tuple[Variable, ...], kept: Collection[Variable] = ()
) -> Any:
    """Return a key that equal nodes share, given the nodes that stand for arguments.

    Symbols are known by name; nameless numbers by value; parameters (named constants,
    arrays, and what is in ``kept``) are themselves, since another one may have the same
    value now and a different one later.
    """
    if v.op is None:
        if v.is_symbol:
            return v.name, v.shape
        if v.name or v.shape or v in kept:
            return id(v)
        return type(v.value), v.value
    ids = [id(a) for a in args]
    if v.op.commutative:
        ids.sort()
    if v.attrs:
        return v.op, *ids, *[hashable(x) for x in v.attrs.values()]
    return v.op, *ids


def hashable(x: Any) -> Any:
    """Return what stands for an attribute in a key: arrays by their elements."""
    if isinstance(x, np.ndarray):
        return x.shape, x.dtype.str, x.tobytes()
    return x


def rebuilt(v: Variable, args: tuple[Variable, ...]) -> Variable:
    """Return ``v`` on other arguments, or itself if they are its own."""
    same = all(a is b for a, b in zip(args, v.args, strict=True))
    return v if same else node(v.op, args, v.attrs, v.shape)


def share_equal(outputs: Iterable[Variable], keep: Collection[Variable] = ()) -> Graph:
    """Return the outputs with equal subexpressions made one node."""
    graph = Graph.of(outputs)
    kept = set(keep)
    first: dict[Any, Variable] = {}
    done: dict[Variable, Variable] = {}
    for v in graph.order:
        args = tuple([done[a] for a in v.args])
        done[v] = first.setdefault(structural_key(v, args, kept), rebuilt(v, args))
    if all(done[v] is v for v in graph.order):
        return graph
    return Graph(done[v] for v in graph)
