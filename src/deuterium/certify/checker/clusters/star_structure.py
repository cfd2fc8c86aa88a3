"""A graph taken apart into hubs, spokes and functions, as the facts of a proof say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.certify.checker.ball_functions import ONE
from deuterium.certify.checker.clusters.rewritten_graph import RewrittenGraph
from deuterium.certify.checker.clusters.same_elements import SameElements
from deuterium.certify.checker.clusters.star_facts import (
    COLUMNS,
    MOST,
    ROWS,
    SPOKES,
    NamedProduct,
    StarFacts,
    factor_places,
    product_shape,
)
from deuterium.certify.checker.clusters.star_parts import (
    Element,
    Monomial,
    SpokeStep,
    StepRelation,
    is_equal,
)
from deuterium.certify.checker.clusters.star_relations import (
    simplex_of,
    squares_of_columns,
    sums_of_rows,
)
from deuterium.certify.checker.clusters.star_slots import StarSlots
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.affine_balls import (
    AffineSum,
    is_linear,
    objects,
    total,
)
from deuterium.certify.checker.lagrangian.graph_structure import (
    AFFINE,
    CONSTANT,
    RANGE_ONLY,
    UNIVARIATE,
    UNKNOWN,
    Coordinates,
    NodeKind,
)
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable

LARGEST = 2**22  # coefficients of all sums together
NOTHING = np.empty(0, dtype=np.int64)  # places of nodes that are sums


class StarStructure(StarSlots):
    """The parts of a scalar graph R.

    Parameters
    ----------
    root : Variable
        R.
    starts : mapping
        The first coordinate of each symbol.
    inputs : int
        How many inputs there are.
    facts : mapping
        What a proof says of R.

    Attributes
    ----------
    made : list of Coordinates, SpokeStep or StepRelation
        What the steps make or say, in their order.
    shares : dict from int to list of int
        By the first of the hubs that are logarithms of a softmax: the slots of that.
    simplices : list of list of int
        The terms that are all elements of a softmax of one row.

    Raises
    ------
    NoBound
        The facts do not fit the graph.
    """

    def __init__(
        self,
        root: Variable,
        starts: Mapping[str, int],
        inputs: int,
        facts: Mapping[str, Any],
    ) -> None:
        self._told = facts
        self.rewritten = RewrittenGraph(root, facts["centres"])
        self._hubs: set[Variable] = set()
        self.spoke_steps: dict[int, SpokeStep] = {}
        self._sums_of: dict[Variable, Array] = {}
        self.shares: dict[int, list[int]] = {}
        self.simplices: list[list[int]] = []
        self.size = 0  # coefficients of sums
        super().__init__(self.rewritten.root, starts, inputs)

    def _factor(self, order: Sequence[Variable]) -> None:
        facts = self.facts = StarFacts(self._told, self.rewritten)
        self._group_of = {n: k for k, g in enumerate(facts.groups) for n in g.nodes}
        self._product_of = {p.node: p for p in facts.products}
        for g in facts.groups[1:]:
            self._block(g.kind, g.nodes[0].size, list(g.nodes))
        super()._factor(self.rewritten.order)
        self.made = [self._step_made(k, *s) for k, s in enumerate(facts.steps)]
        same = SameElements(self._starts, len(self.blocks[0].slots))
        for block in self.blocks[1:]:
            if block.kind != RANGE_ONLY:
                self._agree(
                    [[(n, i) for i in range(n.size)] for n in block.nodes], same
                )
                block.definitions = self.affine(block.nodes[0]).ravel().tolist()
        for step in self.spoke_steps.values():
            self._agree(step.elements, same)
        self._softmax()

    def _agree(self, rows: list[list[Element]], same: SameElements) -> None:
        """Refuse elements that are not proved to be the same numbers."""
        first, *rest = rows
        for row in rest:
            for (v, i), (w, j) in zip(first, row, strict=True):
                a, b = self.affine(v).ravel()[i], self.affine(w).ravel()[j]
                if not is_equal(a, b) and not same((v, i), (w, j)):
                    raise NoBound("what is said to be the same is not proved to be so")

    # -- slots -------------------------------------------------------------------------

    def _done(self, node: Variable) -> Array:
        return self._entered(node, [self.known[a].places for a in node.args])

    def _entered(self, node: Variable, places: Sequence[Array]) -> Array:
        """Return the slots of a node of arguments with given slots."""
        op = node.op
        if op is None or not (op.elementwise and op.arity):
            self.slots.update(zip(node.args, places, strict=True))
            return self._enter(node, self._starts)
        rows = zip(*[p.ravel().tolist() for p in places], strict=True)
        slots = [self.function(op, ins, node.attrs) for ins in rows]
        return np.array(slots, dtype=np.int64).reshape(node.shape)

    # -- steps -------------------------------------------------------------------------

    def _step_made(
        self, step: int, kind: str, number: int
    ) -> Coordinates | SpokeStep | StepRelation:
        """Return what a step makes or says."""
        if kind == SPOKES:
            return self.spoke_steps[step]
        if kind == ROWS:
            return sums_of_rows(self.affine(self.rewritten.order[number]))
        if kind == COLUMNS:
            product = self.rewritten.products[number]
            squares = self.affine(self._made(ops.square, product.rest))
            return squares_of_columns(squares, self.affine(product.limit))
        return self.blocks[number]

    def _softmax(self) -> None:
        """Note what is known of the logarithms of softmax, and of simplices."""
        for p, t in self.rewritten.softmax.items():
            simplex = simplex_of(self.affine(p))
            if simplex is not None:
                self.simplices.append(simplex)
            number = self._group_of.get(p.args[0])
            if number is None or self.blocks[number].kind == RANGE_ONLY:
                continue
            ins = self._ranged(t, number).reshape(-1, t.shape[-1])
            outs = np.array(self.fresh(t.size)).reshape(ins.shape)
            rows = zip(outs.tolist(), ins.tolist(), strict=True)
            self.do(ops.softmax_last, [(tuple(k), tuple(i)) for k, i in rows])
            self.shares[self.blocks[number].slots[0]] = outs.ravel().tolist()

    # -- kinds -------------------------------------------------------------------------

    def _classify(self, node: Variable) -> NodeKind:
        number = self._group_of.get(node)
        if number is None:
            return self._plain(node)
        block = self.blocks[number]
        places = np.array(block.slots, dtype=np.int64).reshape(node.shape)
        if block.kind == RANGE_ONLY:
            block.products = self._sources(node)
            values = self._terms(places)
        else:
            self.known[node] = self._plain(node)
            values = self.affine(node)
        self._hubs.add(node)
        return NodeKind(UNIVARIATE, places, number, values)

    def _sources(self, node: Variable) -> list[int]:
        """Return where the ranges of hubs come from that have no definition."""
        kinds = {self.known[a].kind for a in node.args}
        if node.op is None or not kinds <= {CONSTANT, UNIVARIATE, AFFINE}:
            raise NoBound("a node without a range")
        places = [self._ranged(a, self._group_of[node]) for a in node.args]
        found: list[int] = self._entered(node, places).ravel().tolist()
        return found

    def _ranged(self, node: Variable, group: int) -> Array:
        """Return slots that have the ranges of a node's elements before a group's step.

        Of sums, and of hubs that are made later, they are new ones.
        """
        known, step = self.known[node], self.facts.step_of
        # of what is only moved the group is that of what it was moved from
        own = known.group if known.kind == UNIVARIATE else 0
        later = own > 0 and step[own] > step[group]
        if known.kind in (CONSTANT, UNIVARIATE) and not later:
            return known.places
        if node not in self._sums_of:
            slots = self.fresh(node.size)
            sums = self.affine(node).ravel().tolist()
            self.sums.update(zip(slots, sums, strict=True))
            self._sums_of[node] = np.array(slots, dtype=np.int64).reshape(node.shape)
        return self._sums_of[node]

    def _plain(self, node: Variable) -> NodeKind:
        named = self._product_of.get(node)
        if named is not None:
            return NodeKind(AFFINE, NOTHING, values=self._named(named))
        return super()._classify(node)

    def _bent(self, node: Variable, own: Sequence[NodeKind]) -> NodeKind:
        values = None
        if node.op in (ops.multiply, ops.divide, ops.matmul):
            values = self._joined(node)
        elif node.op is ops.square:
            values = self._squared(node)
        # of what nothing is said, nothing is known
        kind = UNKNOWN if values is None else AFFINE
        return NodeKind(kind, NOTHING, values=values)

    # -- products ----------------------------------------------------------------------

    def _factors(self, node: Variable) -> tuple[Variable, Variable]:
        a, b = node.args
        return a, self._made(ops.reciprocal, b) if node.op is ops.divide else b

    def _named(self, named: NamedProduct) -> Array:
        """Return a product whose spokes a step of the facts makes."""
        node, side = named.node, named.side
        factors, places = self._factors(node), factor_places(node)
        functions = self._hub_functions(factors[side])
        if functions is None:
            raise NoBound("a factor is not made of functions of hubs")
        mine = [functions[i] for i in places[side]]
        hubs = [self.owner[m.function] for m in mine if m.function is not None]
        other = factors[1 - side]
        spokes = self._spokes(named, hubs, [(other, i) for i in places[1 - side]])
        stars = [
            AffineSum(parts={self.star(m.function, e, 1): m.factor})
            for m, e in zip(mine, spokes, strict=True)
        ]
        return self._summed(node, stars)

    def _spokes(
        self, named: NamedProduct, hubs: list[int], elements: list[Element]
    ) -> list[int]:
        step = self.spoke_steps.get(named.step)
        values = {v: self.affine(v).ravel() for v in {v for v, _ in elements}}
        definitions = [values[v][i] for v, i in elements]
        if step is None:
            slots = self.fresh(len(hubs))
            self.owner.update(zip(slots, hubs, strict=True))
            self.spokes.update(dict.fromkeys(slots))
            step = SpokeStep(slots, hubs, definitions, [])
            self.spoke_steps[named.step] = step
        if step.hubs != hubs:
            raise NoBound("products of other hubs name one step")
        step.elements.append(elements)
        return step.slots

    def _summed(self, node: Variable, stars: list[AffineSum]) -> Array:
        shape = product_shape(node)
        if node.op is not ops.matmul:
            return objects(shape, stars)
        terms = np.moveaxis(objects(shape, stars), -2, -1)
        rows = terms.reshape(node.size, terms.size // max(node.size, 1))
        return objects(
            node.shape, [total([(ONE, x) for x in row]) for row in rows.tolist()]
        )

    def _joined(self, node: Variable) -> Array | None:
        """Return a product of functions of the same hubs, and of one spoke."""
        if math.prod(product_shape(node)) > MOST:
            return None
        factors, places = self._factors(node), factor_places(node)
        for one in self._readings(factors[0]):
            for two in self._readings(factors[1]):
                pairs = [(one[i], two[j]) for i, j in zip(*places, strict=True)]
                found = [self._times(x, y) for x, y in pairs]
                stars = [s for s in found if s is not None]
                if len(stars) == len(found):
                    return self._summed(node, stars)
        return None

    def _squared(self, node: Variable) -> Array | None:
        for row in self._readings(node.args[0]):
            found = [self._times(x, x) for x in row]
            stars = [s for s in found if s is not None]
            if len(stars) == len(found):
                return objects(node.shape, stars)
        return None

    def _times(self, x: Monomial, y: Monomial) -> AffineSum | None:
        spokes = {m.spoke for m in (x, y) if m.spoke is not None}
        hubs = {
            self.owner[m.function if m.spoke is None else m.spoke]  # type: ignore[index]
            for m in (x, y)
        }
        power = x.power + y.power
        if len(spokes) != 1 or len(hubs) != 1 or power > 2:
            return None
        slot = self.star(self.product(x.function, y.function), spokes.pop(), power)
        return AffineSum(parts={slot: x.factor * y.factor})

    # -- monomials ---------------------------------------------------------------------

    def _readings(self, node: Variable) -> list[list[Monomial]]:
        """Return a node's elements as monomials, in all ways they may be meant."""
        known = self.known[node]
        found = [self._hub_functions(node)]
        if known.kind == AFFINE or node in self._hubs:
            found.append(self._star_monomials(known.values))
        return [x for x in found if x is not None]

    def _hub_functions(self, node: Variable) -> list[Monomial] | None:
        """Return elements that are multiples of functions of hubs."""
        if self.known[node].kind != UNIVARIATE:
            return None
        scale, base = self.without_factor(node)
        places = self.known[base].places
        if not all(k in self.owner for k in places.ravel().tolist()):
            return None
        factors = objects((), [ONE]) if scale is None else scale
        factors = np.broadcast_to(np.asarray(factors, dtype=object), node.shape)
        both = zip(factors.ravel(), places.ravel().tolist(), strict=True)
        return [Monomial(c, k) for c, k in both]

    def _star_monomials(self, values: Array | None) -> list[Monomial] | None:
        """Return elements that are multiples of one term with a spoke each."""
        found = []
        for x in [] if values is None else values.ravel().tolist():
            parts = [(t, c) for t, c in x.parts.items() if not c.is_zero()]
            if len(parts) != 1 or not x.constant.is_zero():
                return None
            ((t, c),) = parts
            if t not in self.stars and t not in self.spokes:
                return None
            f, spoke, power = self.stars.get(t, (None, t, 1))
            found.append(Monomial(c, f, spoke, power))
        return found or None

    def _step(
        self, node: Variable
    ) -> tuple[Operator, Variable, Variable | None] | None:
        return None if node in self._hubs else super()._step(node)

    # -- sums --------------------------------------------------------------------------

    def _unscaled(self, node: Variable) -> Array:
        known = self.known[node]
        own = [self.known[a] for a in node.args]
        if node not in self._hubs:
            if not is_linear(node.op, [k.kind == CONSTANT for k in own]):
                return self._terms(known.places)
            known = self._affine(node, own)
        if known.values is None:
            raise NoBound("nothing is known of the terms of a sum")
        return known.values

    def _affine(self, node: Variable, own: Sequence[NodeKind]) -> NodeKind:
        """Return a linear operator's sums; refuse too many before they are made."""
        each = [self.affine(a).ravel().tolist() for a in node.args]
        count = sum(len(x.parts) for row in each for x in row)
        if node.op is ops.matmul:
            first, second = (a.shape for a in node.args)
            count *= first[-2] if own[0].kind == CONSTANT else second[-1]
        self.size += count
        if self.size > LARGEST:
            raise NoBound(f"there are more than {LARGEST} coefficients")
        return super()._affine(node, own)
