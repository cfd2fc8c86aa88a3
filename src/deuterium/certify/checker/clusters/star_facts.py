"""Facts of a proof by clusters: read, and no more than read.

That they fit the graph is the matter of `StarStructure`; here it is seen that they have
the right form, name what exists, and are of bounded size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.certify.checker.clusters.rewritten_graph import RewrittenGraph
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.graph_structure import (
    ATOM,
    INPUT,
    RANGE_ONLY,
)
from deuterium.graph.variable import Variable

SPOKES = "spokes"
ROWS = "sum"
COLUMNS = "product"
MOST = 2**16  # hubs and spokes together

Places = list[int]


@dataclass(frozen=True)
class NamedGroup:
    """A group of hubs: its kind, and the nodes whose elements they are."""

    kind: str
    nodes: tuple[Variable, ...]


@dataclass(frozen=True)
class NamedProduct:
    """A product: which factor has the hubs, and the step that makes its spokes."""

    node: Variable
    side: int
    step: int

    @property
    def size(self) -> int:
        """The number of products of two numbers."""
        return math.prod(product_shape(self.node))


def product_shape(node: Variable) -> tuple[int, ...]:
    """Return the shape of all products of two numbers: of matrices, before the sum."""
    a, b = (x.shape for x in node.args)
    if node.op is not ops.matmul:
        return node.shape
    return np.broadcast_shapes((*a[:-2], *a[-2:], 1), (*b[:-2], 1, *b[-2:]))


def factor_places(node: Variable) -> tuple[Places, Places]:
    """Return, for each product of two numbers, the elements of both factors."""
    shape = product_shape(node)
    found = []
    for k, x in enumerate(node.args):
        own = np.arange(x.size).reshape(x.shape)
        if node.op is ops.matmul:
            own = own[..., None] if k == 0 else own[..., None, :, :]
        found.append(np.broadcast_to(own, shape).ravel().tolist())
    return found[0], found[1]


class StarFacts:
    """What the facts of a proof say of a graph.

    Parameters
    ----------
    facts : mapping
    graph : RewrittenGraph

    Attributes
    ----------
    groups : list of NamedGroup
    products : list of NamedProduct
    steps : list of (str, int)
        The number is that of a group, of a product, of a node, or of centres.

    step_of : dict from int to int
        The steps of groups.

    Raises
    ------
    NoBound
        They are not of the right form.
    """

    def __init__(self, facts: Mapping[str, Any], graph: RewrittenGraph) -> None:
        self._graph, self._order = graph, graph.order
        self.groups = [self._group(k, *_row(x, 2)) for k, x in _rows(facts, "groups")]
        if not self.groups:
            raise NoBound("there are no hubs")
        self.products = [
            self._product(*_row(x, 3)) for _, x in _rows(facts, "products")
        ]
        self.steps = [self._step(*_row(x, 2)) for _, x in _rows(facts, "steps")]
        _once([n for g in self.groups for n in g.nodes], "a node of hubs")
        _once([p.node for p in self.products], "a product")
        _once(self.steps, "a step")
        self._in_step()
        size = sum(g.nodes[0].size for g in self.groups if g.nodes)
        size += sum(p.size for p in self.products)
        if size > MOST:
            raise NoBound(f"there are more than {MOST} hubs and spokes")

    def _node(self, x: Any) -> Variable:
        return self._order[_index(x, len(self._order), "node")]

    def _group(self, number: int, kind: Any, listed: Any) -> NamedGroup:
        if not isinstance(listed, list):
            raise NoBound("a list of nodes is wanted")
        nodes = tuple([self._node(x) for x in listed])
        if (number == 0) != (kind == INPUT) or kind not in (INPUT, ATOM, RANGE_ONLY):
            raise NoBound(f"group {number} is of kind {kind!r:.40}")
        least, most = {INPUT: (0, 0), RANGE_ONLY: (1, 1)}.get(kind, (1, math.inf))
        if not least <= len(nodes) <= most:
            raise NoBound(f"group {number} has {len(nodes)} nodes")
        if len({n.size for n in nodes}) > 1 or any(n.size == 0 for n in nodes):
            raise NoBound(f"the nodes of group {number} are not of one size")
        return NamedGroup(kind, nodes)

    def _product(self, node: Any, side: Any, step: Any) -> NamedProduct:
        found = self._node(node)
        if found.op not in (ops.multiply, ops.divide, ops.matmul):
            raise NoBound(f"node {node!r:.40} is no product")
        return NamedProduct(found, _index(side, 2, "side"), _index(step, MOST, "step"))

    def _step(self, kind: Any, number: Any) -> tuple[str, int]:
        if kind == SPOKES:
            return SPOKES, _index(number, len(self.products), "product")
        if kind == COLUMNS:
            return COLUMNS, _index(number, len(self._graph.products), "centre")
        if kind == ROWS:
            if self._node(number) not in self._graph.softmax:
                raise NoBound(f"node {number} is not the exponential of a softmax")
            return ROWS, number
        number = _index(number, len(self.groups), "group")
        if kind not in (ATOM, RANGE_ONLY) or self.groups[number].kind != kind:
            raise NoBound(f"a step of kind {kind!r:.40} for group {number}")
        return kind, number

    def _in_step(self) -> None:
        """Refuse groups and products without a step, or in a wrong one."""
        at = {step: k for k, step in enumerate(self.steps)}
        self.step_of: dict[int, int] = {}
        for k, g in enumerate(self.groups[1:], 1):
            if (g.kind, k) not in at:
                raise NoBound(f"no step for group {k}")
            self.step_of[k] = at[g.kind, k]
        for p in self.products:
            if p.step >= len(self.steps) or self.steps[p.step][0] != SPOKES:
                raise NoBound(f"step {p.step} makes no spokes")
        for k, (kind, number) in enumerate(self.steps):
            if kind == SPOKES and self.products[number].step != k:
                raise NoBound(f"step {k} is of a product that names another")


def _rows(facts: Mapping[str, Any], name: str) -> list[tuple[int, Any]]:
    found = facts[name]
    if not isinstance(found, list):
        raise NoBound(f"a list of {name} is wanted, got {found!r:.60}")
    return list(enumerate(found))


def _row(x: Any, count: int) -> list[Any]:
    if not isinstance(x, list) or len(x) != count:
        raise NoBound(f"a list of {count} is wanted, got {x!r:.60}")
    return x


def _index(x: Any, count: int, name: str) -> int:
    if type(x) is not int or not 0 <= x < count:
        raise NoBound(f"there is no {name} {x!r:.40}")
    return x


def _once(found: Sequence[Any], name: str) -> None:
    if len(set(found)) < len(found):
        raise NoBound(f"{name} is there twice")
