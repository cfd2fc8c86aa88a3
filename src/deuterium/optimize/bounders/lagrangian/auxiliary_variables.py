"""Factors a scalar graph: auxiliary variables, and what is affine in what.

One pass over the nodes in topological order.  A node is a constant; or *univariate*,
each element a function of one coordinate; or *affine* in terms (univariate elements and
products); or a product waiting to be used.  A function of one variable applied to an
affine node makes its elements coordinates, called atoms.

References: G. P. McCormick, "Computability of global solutions to factorable nonconvex
programs: part I", Mathematical Programming 10, 1976.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.budget import check
from deuterium.domain.problem import Problem
from deuterium.graph.constructors import apply, symbol
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.ops.indexing import take_places
from deuterium.ops.shapes import reshape_to
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.add_function import add_functions
from deuterium.optimize.bounders.lagrangian.affine_terms import (
    flattened,
    identity_coefficients,
    is_linear,
    is_sum,
    through,
)
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    ATOM,
    BILINEAR,
    INPUT,
    RANGE_ONLY,
    AffineForm,
    CoordinateGroup,
    KinkBranches,
    Product,
    Term,
    Univariate,
    Unsuited,
    thin,
)
from deuterium.optimize.bounders.lagrangian.univariate_arrays import (
    Sides,
    as_univariate,
)

Array = Any
Kind = Interval | Univariate | AffineForm | Product


class FactoredGraph:
    """The parts of a scalar graph.

    Parameters
    ----------
    problem : Problem
        For the inputs and their order.
    root : Variable
        The scalar to be bounded.

    Attributes
    ----------
    groups : list of CoordinateGroup
        Inputs first, then in topological order.
    objective : AffineForm
        ``root`` as an affine function of terms.
    coordinates, parameters : int
        How many there are of all groups together.

    Raises
    ------
    Unsuited
        The graph has a part that cannot be taken apart.
    """

    _sides_of: Callable[[int], Sides] | None = None  # which the proofs do not know

    def __init__(self, problem: Problem, root: Variable) -> None:
        self.problem = problem
        self.groups: list[CoordinateGroup] = []
        self.coordinates = self.parameters = 0
        self.kinds: dict[Variable, Kind] = {}
        self.terms: dict[Any, Term] = {}
        order = topological([root])
        self.made = {  # functions of one node, so that none is entered twice
            (n.op, n.args[0]): n
            for n in order
            if n.op is not None and len(n.args) == 1 and not n.attrs
        }
        self._enter_inputs()
        for node in order:
            check()
            if node not in self.kinds:
                self.kinds[node] = self._kind(node)
        self.objective = self.affine(root)

    # -- groups ----------------------------------------------------------------------

    def _enter(
        self, kind: str, size: int, nodes: list[Variable], name: str
    ) -> CoordinateGroup:
        if not size and kind != INPUT:
            raise Unsuited("an array without elements")
        group = CoordinateGroup(
            kind, size, self.coordinates, symbol(name, (size,)), self.parameters
        )
        group.nodes = nodes
        group.sums = [kind == ATOM for _ in nodes]
        self.groups.append(group)
        self.coordinates += group.width
        return group

    def _define(self, group: CoordinateGroup, definitions: list[AffineForm]) -> None:
        group.definitions = definitions
        self.parameters += group.multipliers
        if (
            self.parameters > options.MOST_MULTIPLIERS
            or self.parameters * self.coordinates > options.MOST_COEFFICIENTS
        ):
            raise Unsuited("too many multipliers")

    def _enter_inputs(self) -> None:
        problem = self.problem
        group = self._enter(INPUT, problem.size, [], "inputs")
        for s in problem.symbols:
            part = problem.slices[s.name]
            index = np.arange(part.start, part.stop).reshape(s.shape)
            image = take_places(group.vector, index)
            self.kinds[s] = Univariate(
                0, index, KinkBranches(image, image, image), True
            )

    def _atoms(self, node: Variable) -> Univariate:
        """Make the elements of an affine node coordinates."""
        known = self.kinds[node]
        if isinstance(known, Univariate):
            return known
        definition = flattened(self.affine(node))
        number = len(self.groups)
        group = self._enter(ATOM, node.size, [node], f"atoms{number}")
        self._define(group, [definition])
        return self._become(node, group, number)

    def _become(
        self, node: Variable, group: CoordinateGroup, number: int
    ) -> Univariate:
        image = reshape_to(group.vector, node.shape)
        index = np.arange(node.size).reshape(node.shape)
        univariate = Univariate(number, index, KinkBranches(image, image, image), True)
        self.kinds[node] = univariate
        return univariate

    def _free(self, node: Variable) -> Univariate:
        """Make the elements of any node coordinates of which the range is known."""
        varying = [a for a in node.args if not isinstance(self.kinds[a], Interval)]
        sources = {a: self._atoms(a) for a in varying}
        number = len(self.groups)
        group = self._enter(RANGE_ONLY, node.size, [node], f"free{number}")
        group.arguments = [
            (sources[a].group, sources[a].source, sources[a].image)
            if a in sources
            else self.kinds[a]
            for a in node.args
        ]
        return self._become(node, group, number)

    # -- kinds -----------------------------------------------------------------------

    def _kind(self, node: Variable) -> Kind:
        if node.is_constant:
            return thin(np.asarray(node.value, dtype=float))
        if node.op is None:
            raise Unsuited(f"symbol {node.name!r} is no input")
        kinds = [self.kinds[a] for a in node.args]
        if all(isinstance(k, Interval) for k in kinds):
            return _finite(node.op.enclosure(*kinds, **node.attrs))
        if node.op.elementwise or node.op.moves_elements:
            univariate = as_univariate(node, kinds, self._sides_of)
            if univariate is not None:
                return univariate
        if is_linear(node, kinds):
            return through(node, [self._varying(a) for a in node.args])
        return self._bent(node)

    def _varying(self, node: Variable) -> AffineForm | Interval:
        known = self.kinds[node]
        return known if isinstance(known, Interval) else self.affine(node)

    def _bent(self, node: Variable) -> Kind:
        """Return the kind of a node that is neither univariate nor affine."""
        assert node.op is not None
        op = node.op
        varying = [a for a in node.args if not isinstance(self.kinds[a], Interval)]
        if op is ops.multiply:
            return Product(node.args[0], node.args[1])
        if op is ops.divide:
            return self._product(node.args[0], self._made(ops.reciprocal, node.args[1]))
        if op is ops.square and isinstance(self.kinds[node.args[0]], Product):
            product = self.kinds[node.args[0]]
            assert isinstance(product, Product)
            a, b = (self._made(ops.square, f) for f in (product.first, product.second))
            return self._product(a, b)
        if node.op.elementwise and len(varying) == 1:
            self._atoms(varying[0])
            univariate = as_univariate(
                node, [self.kinds[a] for a in node.args], self._sides_of
            )
            if univariate is not None:
                return univariate
        return self._free(node)

    def _made(self, op: Operator, argument: Variable) -> Variable:
        """Return a function of a node, entered like the nodes of the graph."""
        key = (op, argument)
        if key not in self.made:
            self.made[key] = apply(op, (argument,), {})
        node = self.made[key]
        if node not in self.kinds:  # of the graph, but its turn comes later
            self.kinds[node] = self._kind(node)
        return node

    def _product(self, a: Variable, b: Variable) -> Kind:
        node = a * b
        return self._kind(node)

    # -- affine functions ------------------------------------------------------------

    def affine(self, node: Variable) -> AffineForm:
        """Return a node as an affine function of terms."""
        known = self.kinds[node]
        if isinstance(known, AffineForm):
            return known
        if isinstance(known, Interval):
            return AffineForm({}, known)
        if isinstance(known, Product):
            term = self._pair(node, known)
            own = identity_coefficients(term.size, node.shape)
            return AffineForm({term: own}, thin(np.zeros(node.shape)))
        factor, base = self._without_factor(node)
        found = self._univariate_affine(base)
        if factor is None:
            return found
        parts = {
            t: interval_arithmetic.multiply(c, factor) for t, c in found.parts.items()
        }
        return AffineForm(parts, interval_arithmetic.multiply(found.constant, factor))

    def _univariate_affine(self, node: Variable) -> AffineForm:
        """Return a univariate node as terms, a moved one as those of its source."""
        known = self.kinds[node]
        assert isinstance(known, Univariate)
        if self._is_moved(node, known):
            return through(node, [self._varying(a) for a in node.args])
        term = self._term(node, known)
        own = identity_coefficients(term.size, node.shape)
        return AffineForm({term: own}, thin(np.zeros(node.shape)))

    def _is_moved(self, node: Variable, univariate: Univariate) -> bool:
        """Whether a node has the elements of others, once, several times or never."""
        kinds = [self.kinds[a] for a in node.args]
        varying = [k for k in kinds if not isinstance(k, Interval)]
        return (
            node.op is not None
            and node.op.moves_elements
            and all(
                isinstance(k, Univariate) and k.group == univariate.group
                for k in varying
            )
        )

    def _without_factor(self, node: Variable) -> tuple[Interval | None, Variable]:
        """Return constant factors and the rest: ``(c u)**2`` is ``c**2 * u**2``.

        What is left is more often the same function for all coordinates.
        """
        chain: list[tuple[Operator, Interval | None]] = []
        while node.op is not None:
            op, step = node.op, self._step(node)
            if step is None:
                break
            node, constant_factor = step
            chain.append((op, constant_factor))
        if all(op is ops.square for op, _ in chain):
            for _ in chain:
                node = self._made(ops.square, node)
            return None, node
        factor = thin(np.ones(node.shape))
        for op, c in reversed(chain):
            if op is ops.square:
                factor, node = (
                    interval_arithmetic.square(factor),
                    self._made(ops.square, node),
                )
            elif c is None:
                factor = interval_arithmetic.negative(factor)
            else:
                factor = interval_arithmetic.multiply(factor, c)
        return factor, node

    def _step(self, node: Variable) -> tuple[Variable, Interval | None] | None:
        """Return the argument under a square, sign or constant factor, and that."""
        assert node.op is not None
        kinds = [self.kinds.get(a) for a in node.args]
        if node.op in (ops.square, ops.negative) and isinstance(kinds[0], Univariate):
            return node.args[0], None
        if node.op is ops.multiply:
            for a, k, c in ((0, 0, 1), (1, 1, 0)):
                univariate, constant_factor = kinds[k], kinds[c]
                if isinstance(univariate, Univariate) and isinstance(
                    constant_factor, Interval
                ):
                    return node.args[a], constant_factor
        return None

    def _term(self, node: Variable, univariate: Univariate) -> Term:
        key = univariate.image.full
        if key not in self.terms:
            source = univariate.source.ravel()
            if np.any(source < 0):
                raise Unsuited("constants among the elements of a function")
            group = self.groups[univariate.group]
            if univariate.plain:
                assert len(np.unique(source)) == len(source)
                function = np.zeros(len(source), dtype=int)
            else:
                function = add_functions(group, source, univariate.image)
            self.terms[key] = Term(univariate.group, source, function)
        return self.terms[key]

    def _pair(self, node: Variable, product: Product) -> Term:
        if node not in self.terms:
            sides = [flattened(self.affine(f)) for f in (product.first, product.second)]
            number = len(self.groups)
            factors = [product.first, product.second]
            group = self._enter(BILINEAR, node.size, factors, f"pairs{number}")
            group.sums = [is_sum(s) for s in sides]
            self._define(group, sides)
            places = np.arange(node.size)
            self.terms[node] = Term(number, places, np.full(node.size, 2))
        return self.terms[node]


def _finite(x: Interval) -> Interval:
    if not (np.all(np.isfinite(x.lower)) and np.all(np.isfinite(x.upper))):
        raise Unsuited("a constant is infinite or undefined")
    return Interval.unchecked(np.asarray(x.lower), np.asarray(x.upper))
