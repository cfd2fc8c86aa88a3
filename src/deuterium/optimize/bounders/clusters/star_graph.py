"""Factors a scalar graph into star clusters: a hub, and the spokes multiplied by it.

As `FactoredGraph`, except for products: of ``f(z) * e``, where z is a coordinate and e
affine in terms, e becomes a *spoke* of the *hub* z.  In the gradient of a network
nearly every product is of that kind: z goes into an activation, and e is what is
propagated back to it.  A term is then a function of one hub, a spoke, a function of a
hub times one of its spokes, or the square of one of these.

References: G. P. McCormick, "Computability of global solutions to factorable nonconvex
programs: part I", Mathematical Programming 10, 1976.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.domain.problem import Problem
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.optimize.bounders.clusters.cluster_options import MOST_PRODUCTS
from deuterium.optimize.bounders.clusters.cluster_terms import (
    ONE,
    AnyTerm,
    Argument,
    Definition,
    LateHub,
    Monomials,
    Source,
    StarTerm,
    content_of,
    function_products,
    hub_side,
    monomials_at,
    multiples_of,
    reshaped,
    shaped,
    star_monomials,
    summed_form,
    taken,
)
from deuterium.optimize.bounders.clusters.hub_functions import uniform_number
from deuterium.optimize.bounders.clusters.shared_hubs import shared_hubs
from deuterium.optimize.bounders.lagrangian.add_function import add_functions
from deuterium.optimize.bounders.lagrangian.affine_terms import (
    flattened,
    is_linear,
    through,
)
from deuterium.optimize.bounders.lagrangian.auxiliary_variables import FactoredGraph
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    ATOM,
    RANGE_ONLY,
    AffineForm,
    CoordinateGroup,
    Term,
    Univariate,
    Unsuited,
    thin,
)
from deuterium.optimize.bounders.lagrangian.kink_sides import KinkSide
from deuterium.optimize.bounders.lagrangian.univariate_arrays import Sides


class StarGraph(FactoredGraph):
    """The hubs, spokes and products of a scalar graph.

    Parameters
    ----------
    problem : Problem
        For the inputs and their order.
    root : Variable
        The scalar to be bounded.

    Attributes
    ----------
    spokes : list of list of int
        For each group, the hub of every spoke.
    rules : list of Definition
        In an order in which each needs only the ones before it.
    products : list of (Variable, int, StarTerm)
        Nodes that are products, which factor has the hubs, and the spokes.
    is_square : set of Term
        The terms known to be the squares of others.

    Raises
    ------
    Unsuited
        The graph has a part that cannot be taken apart.
    """

    def __init__(self, problem: Problem, root: Variable) -> None:
        self.shared = shared_hubs(root)
        while True:
            self._begin()
            try:
                return super().__init__(problem, root)
            except LateHub as late:
                self.shared.add(late.node)

    def _begin(self) -> None:
        """Forget all but the nodes that are hubs from the first."""
        self.spokes: list[list[int]] = []
        self.rules: list[Definition] = []
        self.products: list[tuple[Variable, int, StarTerm]] = []
        self._composed: dict[Variable, AffineForm] = {}
        self.is_square: set[Term] = set()
        self._known: dict[Any, Any] = {}
        self._sides: dict[int, Sides] = {}
        self._multiplied_out: set[Variable] = set()

    def _kind(self, node: Variable) -> Any:
        found = super()._kind(node)
        if node in self.shared and isinstance(found, AffineForm):
            self.kinds[node] = found
            return self._new_atoms(node)
        return found

    def _sides_of(self, number: int) -> Sides:
        if number not in self._sides:
            vector = self.groups[number].vector
            self._sides[number] = KinkSide(vector, False), KinkSide(vector, True)
        return self._sides[number]

    def _enter(
        self, kind: str, size: int, nodes: list[Variable], name: str
    ) -> CoordinateGroup:
        group = super()._enter(kind, size, nodes, name)
        self.spokes.append([])
        return group

    # -- hubs and spokes -------------------------------------------------------------

    def _atoms(self, node: Variable) -> Univariate:
        known = self.kinds[node]
        return known if isinstance(known, Univariate) else self._new_atoms(node)

    def _new_atoms(self, node: Variable) -> Univariate:
        """Make a node's elements hubs; the same written in another shape are known."""
        if node in self._multiplied_out - self.shared:
            raise LateHub(node)
        self._composed[node] = self.affine(node)
        definition = flattened(self._composed[node])
        everything = np.arange(node.size)
        key = content_of(definition, (node, everything))
        if key in self._known:
            number = self._known[key]
            self.groups[number].nodes.append(node)
            return self._become(node, self.groups[number], number)
        number = self._known[key] = len(self.groups)
        group = self._enter(ATOM, node.size, [node], f"atoms{number}")
        self._require_few()
        target = Term(number, everything, np.zeros(group.size, dtype=int))
        source = node, everything
        self.rules.append(Definition(target, definition, source, number))
        return self._become(node, group, number)

    def _spokes(
        self, number: int, hubs: Array, form: AffineForm, source: Source
    ) -> StarTerm:
        """Return affine elements as spokes of hubs of one group, one each."""
        if not len(hubs):
            raise Unsuited("an array without elements")  # it would be a constraint
        key = (number, hubs.tobytes(), *content_of(form, source))
        if key not in self._known:
            first = len(self.spokes[number])
            self.spokes[number] += hubs.tolist()
            places = first + np.arange(len(hubs))
            target = StarTerm(number, hubs, np.full(len(hubs), ONE), places, 1)
            self.rules.append(Definition(target, form, source, len(self.groups)))
            self._known[key] = target
        return cast(StarTerm, self._known[key])

    def _free(self, node: Variable) -> Univariate:
        """Make the elements of any node hubs of which the range is known."""
        number = len(self.groups)
        arguments = [self._argument(a) for a in node.args]
        group = self._enter(RANGE_ONLY, node.size, [node], f"free{number}")
        group.arguments = arguments
        return self._become(node, group, number)

    def _argument(self, node: Variable) -> Argument:
        """Return what the range of a node is made of."""
        known = self.kinds[node]
        if isinstance(known, Interval):
            return known
        if isinstance(known, Univariate):
            return known
        return self.affine(node)

    # -- products --------------------------------------------------------------------

    def _bent(self, node: Variable) -> Any:
        if not node.size:
            raise Unsuited("an array without elements")
        if node.op is ops.multiply:
            return self._multiplied(node, *node.args)
        if node.op is ops.divide:
            inverse = self._made(ops.reciprocal, node.args[1])
            return self._multiplied(node, node.args[0], inverse)
        if node.op is ops.matmul:
            return self._matmul(node, *node.args)
        if node.op is ops.square:
            found = self._monomials(node.args[0])
            squared = None if found is None else self._squared(found.term)
            if found and squared:
                self._multiplied_out.update(node.args)
                factor = interval_arithmetic.square(found.factor)
                return multiples_of(squared, found.place, factor, node.shape)
        return super()._bent(node)

    def _multiplied(self, node: Variable, a: Variable, b: Variable) -> AffineForm:
        places = [
            np.broadcast_to(np.arange(x.size).reshape(x.shape), node.shape).ravel()
            for x in (a, b)
        ]
        return shaped(self._star(node, (a, b), places), node.shape)

    def _matmul(self, node: Variable, a: Variable, b: Variable) -> Any:
        """Return a product of matrices as sums of products."""
        own = np.arange(a.size).reshape(a.shape)[..., :, :, None]
        other = np.arange(b.size).reshape(b.shape)[..., None, :, :]
        shape = np.broadcast_shapes(own.shape, other.shape)
        if math.prod(shape) > MOST_PRODUCTS:
            return super()._bent(node)
        places = [np.broadcast_to(x, shape).ravel() for x in (own, other)]
        found = shaped(self._star(node, (a, b), places), shape)
        return summed_form(found, -2)

    def _star(
        self, node: Variable, factors: tuple[Variable, Variable], places: list[Array]
    ) -> AffineForm:
        """Return products of elements of two nodes, as a vector.

        ``places`` are the elements of the first, and of the second.
        """
        both = [
            monomials_at(self._monomials(x), at)
            for x, at in zip(factors, places, strict=True)
        ]
        if both[0] is not None and both[1] is not None:
            found = self._joined(both[0], both[1])
            if found is not None:
                self._multiplied_out.update(factors)
                return found
        is_univariate = [isinstance(self.kinds[x], Univariate) for x in factors]
        side = hub_side(factors, is_univariate)
        hub = monomials_at(self._hubs(factors[side]), places[side])
        assert hub is not None
        other, at = factors[1 - side], places[1 - side]
        flat = flattened(self.affine(other))
        parts = {t: taken(c, at) for t, c in flat.parts.items()}
        form = AffineForm(parts, taken(flat.constant, at))
        number, coordinate = hub.term.group, hub.term.coordinate[hub.place]
        function = hub.term.function[hub.place]
        spoke = self._spokes(number, coordinate, form, (other, at))
        self.products.append((node, side, spoke))
        star = self._same(StarTerm(number, coordinate, function, spoke.spoke, 1))
        return multiples_of(star, np.arange(star.size), hub.factor, (star.size,))

    def _hubs(self, node: Variable) -> Monomials:
        """Return a node's elements as multiples of functions of one group's hubs."""
        self._atoms(node)
        found = self._monomials(node)
        if found is None or isinstance(found.term, StarTerm):
            self._new_atoms(node)
            found = self._monomials(node)
        assert found is not None
        return found

    def _joined(self, a: Monomials, b: Monomials) -> AffineForm | None:
        """Return a product of functions of the same hubs, and at most one spoke."""
        s, t = a.term, b.term
        hubs = s.coordinate[a.place]
        if s.group != t.group or not np.array_equal(hubs, t.coordinate[b.place]):
            return None
        stars = [
            (x.spoke[m.place], x.power)
            for x, m in ((s, a), (t, b))
            if isinstance(x, StarTerm)
        ]
        if not stars:
            return None  # they are univariate together
        if len(stars) == 2 and (
            stars[0][1] != 1
            or stars[1][1] != 1
            or not np.array_equal(stars[0][0], stars[1][0])
        ):
            return None
        power = sum(p for _, p in stars)
        group = self.groups[s.group]
        function = function_products(
            group, hubs, s.function[a.place], t.function[b.place]
        )
        term = self._same(StarTerm(s.group, hubs, function, stars[0][0], power))
        factor = interval_arithmetic.multiply(a.factor, b.factor)
        return multiples_of(term, np.arange(term.size), factor, (term.size,))

    def _same(self, term: AnyTerm) -> AnyTerm:
        """Return the term of this content that is known already, if there is one."""
        parts = [term.coordinate, term.function]
        power = 0
        if isinstance(term, StarTerm):
            parts, power = [*parts, term.spoke], term.power
        key = ("term", term.group, power, *(x.tobytes() for x in parts))
        found: AnyTerm = self._known.setdefault(key, term)
        return found

    def _squared(self, term: Term) -> Term | None:
        """Return the squares of a term's elements; None if it is of products twice."""
        if isinstance(term, StarTerm) and term.power == 2:
            return None
        key = ("square", term)
        if key not in self._known:
            group = self.groups[term.group]
            function = function_products(
                group, term.coordinate, term.function, term.function
            )
            if isinstance(term, StarTerm):
                found: Term = self._same(
                    StarTerm(term.group, term.coordinate, function, term.spoke, 2)
                )
            else:
                found = self._same(Term(term.group, term.coordinate, function))
            self._known[key] = found
            self.is_square.add(found)
        squared: Term = self._known[key]
        return squared

    def squares(self, definition: Definition) -> list[Term] | None:
        """Return the squares of the terms of a definition, if it may have an energy."""
        if definition.is_constraint:
            return None
        terms = [definition.target, *definition.form.parts]
        lone = definition.target.size == 1
        if any(
            t in self.is_square or (lone and isinstance(t, StarTerm)) for t in terms
        ):
            return None
        found = [self._squared(t) for t in terms]
        return None if None in found else [t for t in found if t is not None]

    # -- affine ----------------------------------------------------------------------

    def _univariate_affine(self, node: Variable) -> AffineForm:
        """Return a univariate node as terms, of hubs that are defined what they are."""
        if node in self._composed:
            return self._composed[node]
        kinds = [self.kinds[a] for a in node.args]
        if node.op is not None and is_linear(node, kinds):
            return through(node, [self._varying(a) for a in node.args])
        return super()._univariate_affine(node)

    def _term(self, node: Variable, univariate: Univariate) -> Term:
        """Return a univariate array's elements, each function of a hub entered once."""
        if univariate.plain:
            at = univariate.source.ravel()
            return self._same(Term(univariate.group, at, np.zeros(len(at), dtype=int)))
        found = self._same(self._functions_of(univariate))
        if node.op is ops.square and isinstance(self.kinds[node.args[0]], Univariate):
            self.is_square.add(found)
        return found

    def _functions_of(self, univariate: Univariate) -> Term:
        group = self.groups[univariate.group]
        source = univariate.source.ravel()
        if np.any(source < 0):
            raise Unsuited("constants among the elements of a function")
        function = uniform_number(group, univariate.image)
        if function is None:
            numbers = add_functions(group, source, univariate.image)
        else:
            numbers = np.full(len(source), function)
        return Term(univariate.group, source, numbers)

    # -- monomials -------------------------------------------------------------------

    def _monomials(self, node: Variable) -> Monomials | None:
        """Return a node's elements as multiples of elements of one term."""
        known = self.kinds[node]
        if isinstance(known, Univariate):
            return self._univariate_monomials(node)
        return star_monomials(known) if isinstance(known, AffineForm) else None

    def _univariate_monomials(self, node: Variable) -> Monomials | None:
        factor, base = self._without_factor(node)
        known = self.kinds[base]
        assert isinstance(known, Univariate)
        if np.any(known.source < 0):
            return None
        term = self._functions_of(known)
        place = np.broadcast_to(np.arange(base.size).reshape(base.shape), node.shape)
        if factor is None:
            factor = thin(np.ones(node.shape))
        return Monomials(term, place.ravel(), reshaped(factor, (node.size,)))
