"""Factors a scalar graph into coordinates, functions of them, and definitions.

One pass over the nodes.  A node is *constant*; or *univariate*, each element a function
of one coordinate, all of one group; or *affine* in univariate elements and products; or
nothing is known of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import arb

from deuterium import ops
from deuterium.array_type import Array
from deuterium.certify.checker.ball_functions import Ball
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.affine_balls import (
    AffineSum,
    is_linear,
    linear,
    multiples,
    objects,
)
from deuterium.certify.checker.scalar_layout import MOVES, ScalarLayout, TaskGroup
from deuterium.graph.constructors import apply
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

CONSTANT, UNIVARIATE, AFFINE, UNKNOWN = range(4)  # what a node is to its inputs
INPUT, ATOM, RANGE_ONLY = "input", "atom", "free"


@dataclass
class Coordinates:
    """A group of coordinates.

    Attributes
    ----------
    kind : str
    slots : list of int
        Of the coordinates.
    definitions : list of AffineSum
        One for each coordinate, of atoms.
    products : list of int
        The slots that ranges come from, of those of which only these are known.
    nodes : list of Variable
        What the coordinates are the elements of.
    """

    kind: str
    slots: list[int]
    definitions: list[AffineSum] = field(default_factory=list)
    products: list[int] = field(default_factory=list)
    nodes: list[Variable] = field(default_factory=list)


@dataclass
class NodeKind:
    """What a node is.

    Attributes
    ----------
    kind : int
    places : ndarray of int
        The slots of its elements.
    group : int
        Whose coordinates it is a function of, if it is univariate.
    values : ndarray of AffineSum, or None
        If it is affine.
    """

    kind: int
    places: Array
    group: int = -1
    values: Array | None = None


class GraphStructure(ScalarLayout):
    """The parts of a scalar graph R.

    Parameters
    ----------
    root : Variable
        R.
    starts : mapping
        The first coordinate of each symbol.
    inputs : int
        How many inputs there are.

    Attributes
    ----------
    blocks : list of Coordinates
        The inputs first.
    owner : dict from int to int
        The coordinate that a slot is a function of.
    objective : AffineSum
        R.
    """

    def __init__(self, root: Variable, starts: Mapping[str, int], inputs: int) -> None:
        super().__init__([], starts, inputs)
        self.blocks = [Coordinates(INPUT, list(range(inputs)))]
        self.owner = {i: i for i in range(inputs)}
        self.of_block = dict.fromkeys(range(inputs), 0)
        self.known: dict[Variable, NodeKind] = {}
        self._starts = starts
        order = topological([root])
        self._functions = {  # functions of one node, so that none is entered twice
            (n.op, n.args[0]): n
            for n in order
            if n.op is not None and len(n.args) == 1 and not n.attrs
        }
        self._factor(order)
        (self.objective,) = self.affine(root).ravel().tolist()

    def _factor(self, order: Sequence[Variable]) -> None:
        for node in order:
            if node not in self.known:
                self.known[node] = self._classify(node)

    def place(self, term: int) -> tuple[int, int]:
        """Return the block and coordinate that a term is a function of."""
        owner = self.owner[term]
        return self.of_block[owner], owner

    # -- kinds -------------------------------------------------------------------------

    def _classify(self, node: Variable) -> NodeKind:
        if node.is_symbol:
            return NodeKind(UNIVARIATE, self._enter(node, self._starts), 0)
        own = [self.known[a] for a in node.args]
        if node.op is None or all(k.kind == CONSTANT for k in own):
            return NodeKind(CONSTANT, self._done(node))
        op = node.op
        if node.op.elementwise or op in MOVES:
            univariate = self._univariate(node, own)
            if univariate is not None:
                return univariate
        if is_linear(op, [k.kind == CONSTANT for k in own]):
            return self._affine(node, own)
        return self._bent(node, own)

    def _done(self, node: Variable) -> Array:
        """Enter the tasks of a node; return its slots."""
        raise NotImplementedError

    def _univariate(self, node: Variable, own: Sequence[NodeKind]) -> NodeKind | None:
        if any(k.kind not in (CONSTANT, UNIVARIATE) for k in own):
            return None
        groups = {k.group for k in own if k.kind == UNIVARIATE}
        if len(groups) != 1:
            return None
        assert node.op is not None
        if node.op not in MOVES and not self._apart(own):
            return None
        places = self._done(node)
        self._own(node, own, places)
        return NodeKind(UNIVARIATE, places, groups.pop())

    def _apart(self, own: Sequence[NodeKind]) -> bool:
        """Return whether no element meets two different coordinates."""
        columns = [k.places.ravel().tolist() for k in own]
        return all(
            len({self.owner[i] for i in row if i in self.owner}) <= 1
            for row in zip(*columns, strict=True)
        )

    def _own(self, node: Variable, own: Sequence[NodeKind], places: Array) -> None:
        """Note whose functions the elements of a univariate node are."""
        assert node.op is not None
        if node.op in MOVES:
            return  # the slots are those moved
        columns = [k.places.ravel().tolist() for k in own]
        for k, row in zip(
            places.ravel().tolist(), zip(*columns, strict=True), strict=True
        ):
            for i in row:
                if i in self.owner:
                    self.owner[k] = self.owner[i]

    def _bent(self, node: Variable, own: Sequence[NodeKind]) -> NodeKind:
        """Return what a node is that is neither univariate nor affine."""
        raise NotImplementedError

    def _made(self, op: Operator, argument: Variable) -> Variable:
        """Return a function of a node, entered like the nodes of the graph."""
        key = (op, argument)
        if key not in self._functions:
            self._functions[key] = apply(op, (argument,), {})
        node = self._functions[key]
        if node not in self.known:
            self.known[node] = self._classify(node)
        return node

    # -- groups ------------------------------------------------------------------------

    def _block(self, kind: str, count: int, nodes: list[Variable]) -> Coordinates:
        block = Coordinates(kind, self.fresh(count), nodes=nodes)
        for slot in block.slots:
            self.owner[slot] = slot
            self.of_block[slot] = len(self.blocks)
        self.blocks.append(block)
        return block

    # -- affine functions --------------------------------------------------------------

    def affine(self, node: Variable) -> Array:
        """Return the elements of a node as affine functions of terms."""
        known = self.known[node]
        if known.values is None:
            if known.kind == CONSTANT:
                known.values = self._constants(known.places)
            elif known.kind == UNIVARIATE:
                known.values = self._scaled(node)
            else:
                raise NoBound("the facts do not say what a node is")
        return known.values

    def _is_moved(self, node: Variable, known: NodeKind) -> bool:
        own = [k for k in (self.known[a] for a in node.args) if k.kind != CONSTANT]
        moves = node.op in MOVES
        return moves and all(
            k.kind == UNIVARIATE and k.group == known.group for k in own
        )

    def _move(self, node: Variable) -> Array:
        assert node.op is not None
        move = MOVES[node.op]
        found = move(*[self.affine(a) for a in node.args], **node.attrs)
        # one element of an array of objects is that object
        return found if isinstance(found, np.ndarray) else objects((), [found])

    def _scaled(self, node: Variable) -> Array:
        """Return the elements of a univariate node as multiples of terms."""
        scale, base = self.without_factor(node)
        terms = self._unscaled(base)
        return terms if scale is None else multiples(terms, scale)

    def without_factor(self, node: Variable) -> tuple[Array | None, Variable]:
        """Return the constant factors of a univariate node, if any, and the rest.

        Energies count terms without constant factors: ``(c u)**2`` is ``c**2 * u**2``.
        """
        chain: list[tuple[Operator, Variable | None]] = []
        while (step := self._step(node)) is not None:
            op, argument, factor = step
            chain.append((op, factor))
            node = argument
        scale: Array | None = None  # none met yet: all ones
        for op, factor in reversed(chain):
            if op is ops.square:
                node = self._made(ops.square, node)
                scale = None if scale is None else scale * scale
            else:
                own = arb(-1) if factor is None else self._numbers(factor)
                scale = own if scale is None else scale * own
        return scale, node

    def _unscaled(self, node: Variable) -> Array:
        known = self.known[node]
        moved = self._is_moved(node, known)
        return self._move(node) if moved else self._terms(known.places)

    def _step(
        self, node: Variable
    ) -> tuple[Operator, Variable, Variable | None] | None:
        """Return what is under a square, sign or constant factor, and the factor."""
        own = [self.known[a].kind for a in node.args]
        op = node.op
        if op in (ops.square, ops.negative) and own[0] == UNIVARIATE:
            return op, node.args[0], None
        if op is ops.multiply and sorted(own) == [CONSTANT, UNIVARIATE]:
            k = own.index(UNIVARIATE)
            return op, node.args[k], node.args[1 - k]
        return None

    def _numbers(self, node: Variable) -> Array:
        values, places = self.values(), self.known[node].places
        return objects(places.shape, [values[i] for i in places.ravel().tolist()])

    def _terms(self, places: Array) -> Array:
        if not all(i in self.owner for i in places.ravel().tolist()):
            raise NoBound("constants among the elements of a function")
        return objects(
            places.shape,
            [AffineSum(parts={i: arb(1)}) for i in places.ravel().tolist()],
        )

    def _constants(self, places: Array) -> Array:
        values = self.values()
        return objects(
            places.shape, [AffineSum(values[i]) for i in places.ravel().tolist()]
        )

    def values(self) -> dict[int, Ball]:
        """Return the values of constant slots, worked out as far as needed."""
        from deuterium.certify.checker import point_steps

        known = self.numbers
        for group in self.groups[self._folded :]:
            for outs, ins in group.tasks:
                if all(i in known for i in ins):
                    found: Any = dict(known)
                    task = TaskGroup(group.op, [(outs, ins)], group.attrs)
                    point_steps.step_for(task)(found)
                    known.update({k: found[k] for k in outs})
        self._folded = len(self.groups)
        return known

    _folded = 0

    def _affine(self, node: Variable, own: Sequence[NodeKind]) -> NodeKind:
        assert node.op is not None
        op = node.op
        if op in MOVES:
            return NodeKind(AFFINE, np.empty(0), values=self._move(node))
        places = [np.arange(a.size).reshape(a.shape) for a in node.args]
        terms = [x for a in node.args for x in self.affine(a).ravel().tolist()]
        return NodeKind(AFFINE, np.empty(0), values=linear(node, places, terms))
