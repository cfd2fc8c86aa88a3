"""Factors a scalar graph into star clusters: a hub, and the spokes multiplied by it.

As `FactoredGraph`, except for products: of ``f(z) * e``, where z is a coordinate and e
affine in terms, e becomes a *spoke* of the *hub* z, and the product a term of the two.
In the gradient of a network nearly every product is of that kind: z goes into an
activation, and e is what is propagated back to it.

A term is then a function of one hub, a spoke, a function of a hub times one of its
spokes, or the square of one of these.

References: G. P. McCormick, "Computability of global solutions to factorable nonconvex
programs: part I", Mathematical Programming 10, 1976.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from deuterium import ops
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.optimize.bounders.clusters.hub_functions import (
    enter_function,
    product_function,
)
from deuterium.optimize.bounders.clusters.relaxed_graph import relaxed_graph
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
    KinkBranches,
    Term,
    Univariate,
    Unsuited,
    thin,
)
from deuterium.optimize.bounders.lagrangian.kink_sides import KinkSide
from deuterium.optimize.bounders.lagrangian.uniform_function import uniform_function
from deuterium.optimize.bounders.lagrangian.univariate_arrays import Sides

Array = Any

AnyTerm = TypeVar("AnyTerm", bound=Term)
ONES = thin(np.ones(()))
Source = tuple[Variable, Array]
Argument = Interval | Univariate | AffineForm
MOST_PRODUCTS = 512  # of numbers, in a product of matrices; more have ranges only
ONE = -1  # as a function of a hub: the constant 1


@dataclass(frozen=True, eq=False)
class StarTerm(Term):
    """Elements ``f(z) * e``, or ``f(z) * e**2``.

    Attributes
    ----------
    spoke : ndarray of int, of shape (size,)
        Which of the group's spokes each e is.
    power : int
        1 or 2.
    """

    spoke: Array
    power: int


@dataclass(frozen=True, eq=False)
class Definition:
    """An affine function that coordinates are equal to.

    Attributes
    ----------
    target : Term
        The coordinates: hubs themselves, or spokes.  Of a constraint none.
    form : AffineForm of shape (size,)
    source : (Variable, ndarray of int)
        The node, and which of its elements they are.
    groups : int
        How many groups there were before it.
    is_inequality : bool
        Of a constraint: whether its form is not zero but at least zero.
    """

    target: Term
    form: AffineForm
    source: Source
    groups: int
    is_inequality: bool = False

    @property
    def is_spoke(self) -> bool:
        """Whether it defines spokes."""
        return isinstance(self.target, StarTerm)

    @property
    def is_constraint(self) -> bool:
        """Whether it defines nothing: its form is zero."""
        return self.target.size == 0


@dataclass(frozen=True, eq=False)
class Simplex:
    """A softmax ``p = exp(u)`` with ``u = t - logsumexp(t)``, by rows.

    Attributes
    ----------
    node : Variable
        The softmax.
    argument : Interval, Univariate or AffineForm
        What t is.
    """

    node: Variable
    argument: Argument


@dataclass(frozen=True)
class Monomials:
    """An array of which each element is a multiple of one element of one term."""

    term: Term
    place: Array
    factor: Interval


class ClusterProgram(FactoredGraph):
    """The star clusters of a scalar graph.

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
    simplices : dict from int to Simplex
        By the group of their logarithms u.
    is_square : set of Term
        The terms known to be the squares of others.

    Raises
    ------
    Unsuited
        The graph has a part that cannot be taken apart.
    """

    def __init__(self, problem: Problem, root: Variable) -> None:
        self.spokes: list[list[int]] = []
        self.rules: list[Definition] = []
        self.products: list[tuple[Variable, int, StarTerm]] = []
        self.simplices: dict[int, Simplex] = {}
        self._composed: dict[Variable, AffineForm] = {}
        self.relaxed = relaxed_graph(problem, root)
        self._free_products = {p.rest: p for p in self.relaxed.products}
        self.is_square: set[Term] = set()
        self._known: dict[Any, Any] = {}
        self._sides: dict[int, Sides] = {}
        self.shared = shared_hubs(self.relaxed.root)
        super().__init__(problem, self.relaxed.root)

    @property
    def is_deep(self) -> bool:
        """Whether there are spokes but the factors of single products."""
        return any(d.is_spoke and d.target.size > 1 for d in self.rules)

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
        self._composed[node] = self.affine(node)
        definition = flattened(self._composed[node])
        everything = np.arange(node.size)
        key = _content(definition, (node, everything))
        if key in self._known:
            number = self._known[key]
            self.groups[number].nodes.append(node)
            return self._become(node, self.groups[number], number)
        number = self._known[key] = len(self.groups)
        group = self._enter(ATOM, node.size, [node], f"atoms{number}")
        self._define(group, [definition])
        target = Term(number, everything, np.zeros(group.size, dtype=int))
        source = node, everything
        self.rules.append(Definition(target, definition, source, number))
        return self._become(node, group, number)

    def _spokes(
        self, number: int, hubs: Array, form: AffineForm, source: Source
    ) -> StarTerm:
        """Return affine elements as spokes of hubs of one group, one each."""
        key = (number, hubs.tobytes(), *_content(form, source))
        if key not in self._known:
            first = len(self.spokes[number])
            self.spokes[number] += hubs.tolist()
            places = first + np.arange(len(hubs))
            target = StarTerm(number, hubs, np.full(len(hubs), ONE), places, 1)
            self.rules.append(Definition(target, form, source, len(self.groups)))
            self._known[key] = target
        found: StarTerm = self._known[key]
        return found

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

    # -- relations -------------------------------------------------------------------

    def _kind(self, node: Variable) -> Any:
        if node in self._free_products:
            return self._centred(node)
        found = super()._kind(node)
        if node in self.shared and isinstance(found, AffineForm):
            self.kinds[node] = found
            found = self._new_atoms(node)
        if node in self.relaxed.softmax:
            self.kinds[node] = found
            self._softmax(node)
        return found

    def _sides_of(self, number: int) -> Sides:
        if number not in self._sides:
            vector = self.groups[number].vector
            self._sides[number] = KinkSide(vector, False), KinkSide(vector, True)
        return self._sides[number]

    def _softmax(self, p: Variable) -> None:
        """Enter that the exponentials of a softmax have the sum 1."""
        node, t = self.relaxed.softmax[p]
        known = self.kinds[p]
        assert isinstance(known, Univariate)
        self.simplices[known.group] = Simplex(node, self._argument(t))
        form = flattened(_summed(self.affine(p), -1))
        form = AffineForm(form.parts, interval_arithmetic.subtract(form.constant, ONES))
        self._constrain(form, known.group, p, False)

    def _centred(self, rest: Variable) -> Univariate:
        """Enter a centred product by its range, and what its squares are at most."""
        product = self._free_products[rest]
        for n in topological([product.limit]):
            if n not in self.kinds:
                self.kinds[n] = self._kind(n)
        found = self._free(rest)
        squares = _summed(self.affine(self._made(ops.square, rest)), -2)
        limit = flattened(self.affine(product.limit))
        parts = {t: interval_arithmetic.negative(c) for t, c in squares.parts.items()}
        form = AffineForm({**limit.parts, **parts}, limit.constant)
        self._constrain(form, found.group, rest, True)
        return found

    def _constrain(
        self, form: AffineForm, group: int, node: Variable, is_inequality: bool
    ) -> None:
        nothing = np.zeros(0, dtype=int)
        target = Term(group, nothing, nothing)
        source = node, nothing
        definition = Definition(target, form, source, len(self.groups), is_inequality)
        self.rules.append(definition)

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
            if found is not None and squared is not None:
                factor = interval_arithmetic.square(found.factor)
                return _multiples(squared, found.place, factor, node.shape)
        return super()._bent(node)

    def _multiplied(self, node: Variable, a: Variable, b: Variable) -> AffineForm:
        places = [
            np.broadcast_to(np.arange(x.size).reshape(x.shape), node.shape).ravel()
            for x in (a, b)
        ]
        return _shaped(self._star(node, (a, b), places), node.shape)

    def _matmul(self, node: Variable, a: Variable, b: Variable) -> Any:
        """Return a product of matrices as sums of products."""
        own = np.arange(a.size).reshape(a.shape)[..., :, :, None]
        other = np.arange(b.size).reshape(b.shape)[..., None, :, :]
        shape = np.broadcast_shapes(own.shape, other.shape)
        if math.prod(shape) > MOST_PRODUCTS:
            return super()._bent(node)
        places = [np.broadcast_to(x, shape).ravel() for x in (own, other)]
        found = _shaped(self._star(node, (a, b), places), shape)
        return _summed(found, -2)

    def _star(
        self, node: Variable, factors: tuple[Variable, Variable], places: list[Array]
    ) -> AffineForm:
        """Return products of elements of two nodes, as a vector.

        ``places`` are the elements of the first, and of the second.
        """
        both = [
            _at(self._monomials(x), at) for x, at in zip(factors, places, strict=True)
        ]
        if both[0] is not None and both[1] is not None:
            found = self._joined(both[0], both[1])
            if found is not None:
                return found
        side = self._hub_side(factors)
        hub = _at(self._hubs(factors[side]), places[side])
        assert hub is not None
        other, at = factors[1 - side], places[1 - side]
        flat = flattened(self.affine(other))
        parts = {t: _taken(c, at) for t, c in flat.parts.items()}
        form = AffineForm(parts, _taken(flat.constant, at))
        number, coordinate = hub.term.group, hub.term.coordinate[hub.place]
        spoke = self._spokes(number, coordinate, form, (other, at))
        self.products.append((node, side, spoke))
        function = hub.term.function[hub.place]
        star = self._same(StarTerm(number, coordinate, function, spoke.spoke, 1))
        return _multiples(star, np.arange(star.size), hub.factor, (star.size,))

    def _hub_side(self, factors: tuple[Variable, Variable]) -> int:
        """Return which factor has the hubs: functions of coordinates, or the fewer."""
        a, b = factors
        if isinstance(self.kinds[a], Univariate):
            return 0
        return int(isinstance(self.kinds[b], Univariate) or b.size < a.size)

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
        function = _function_products(
            group, hubs, s.function[a.place], t.function[b.place]
        )
        term = self._same(StarTerm(s.group, hubs, function, stars[0][0], power))
        factor = interval_arithmetic.multiply(a.factor, b.factor)
        return _multiples(term, np.arange(term.size), factor, (term.size,))

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
            function = _function_products(
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
            return super()._term(node, univariate)
        found = self._same(self._functions_of(univariate))
        if node.op is ops.square and isinstance(self.kinds[node.args[0]], Univariate):
            self.is_square.add(found)
        return found

    def _functions_of(self, univariate: Univariate) -> Term:
        group = self.groups[univariate.group]
        source = univariate.source.ravel()
        if np.any(source < 0):
            raise Unsuited("constants among the elements of a function")
        function = self._uniform(group, univariate.image)
        if function is None:
            numbers = add_functions(group, source, univariate.image)
        else:
            numbers = np.full(len(source), function)
        return Term(univariate.group, source, numbers)

    def _uniform(self, group: CoordinateGroup, image: KinkBranches) -> int | None:
        """Return the function that all elements are, or None if they differ."""
        sides = [
            uniform_function(v, group.vector)
            for v in (image.full, image.left, image.right)
        ]
        full, left, right = sides
        if full is None or left is None or right is None:
            return None
        return enter_function(group, KinkBranches(full, left, right))

    # -- monomials -------------------------------------------------------------------

    def _monomials(self, node: Variable) -> Monomials | None:
        """Return a node's elements as multiples of elements of one term."""
        known = self.kinds[node]
        if isinstance(known, Univariate):
            return self._univariate_monomials(node)
        if not isinstance(known, AffineForm):
            return None
        if len(known.parts) != 1 or not _is_zero(known.constant):
            return None
        ((term, c),) = known.parts.items()
        low = np.reshape(c.lower, (term.size, node.size))
        high = np.reshape(c.upper, (term.size, node.size))
        some = (low != 0) | (high != 0)
        if not isinstance(term, StarTerm) or not (some.sum(axis=0) == 1).all():
            return None
        place = np.argmax(some, axis=0)
        own = np.arange(node.size)
        factor = Interval.unchecked(low[place, own], high[place, own])
        return Monomials(term, place, factor)

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
        return Monomials(term, place.ravel(), _reshaped(factor, (node.size,)))


def _at(x: Monomials | None, places: Array) -> Monomials | None:
    """Return some of the elements."""
    if x is None:
        return None
    return Monomials(x.term, x.place[places], _taken(x.factor, places))


def _content(form: AffineForm, source: Source) -> tuple[Any, ...]:
    """Return what tells an affine form, of these elements, from others of other values.

    Numbers known to within an interval may differ where the intervals do not.
    """
    parts = [
        (id(t), np.asarray(c.lower).tobytes(), np.asarray(c.upper).tobytes())
        for t, c in form.parts.items()
        if np.any(c.lower != 0) or np.any(c.upper != 0)
    ]
    numbers = [*form.parts.values(), form.constant]
    ends = form.constant.lower, form.constant.upper
    own = (
        ()
        if all(np.array_equal(x.lower, x.upper) for x in numbers)
        else (_origin(*source),)
    )
    return (*sorted(parts), *(np.asarray(x, dtype=float).tobytes() for x in ends), *own)


def _origin(node: Variable, at: Array) -> tuple[int, bytes]:
    """Return what tells elements of a node from others, in whatever order or shape."""
    while node.op is not None and node.op.moves_elements and len(node.args) == 1:
        (inner,) = node.args
        places = np.arange(inner.size).reshape(inner.shape)
        at = np.ravel(node.op.value(places, **node.attrs))[at]
        node = inner
    return id(node), np.asarray(at).tobytes()


def _shaped(form: AffineForm, shape: tuple[int, ...]) -> AffineForm:
    """Return an affine vector in another shape."""
    parts = {t: _reshaped(c, (t.size, *shape)) for t, c in form.parts.items()}
    return AffineForm(parts, _reshaped(form.constant, shape))


def _reshaped(x: Interval, shape: tuple[int, ...]) -> Interval:
    low, high = np.reshape(x.lower, shape), np.reshape(x.upper, shape)
    return thin(low) if x.is_thin else Interval.unchecked(low, high)


def _summed(form: AffineForm, axis: int) -> AffineForm:
    """Return an affine array of products summed along an axis."""
    add = ops.add_reduce.enclosure
    parts = {t: add(c, axis=(axis,)) for t, c in form.parts.items()}
    return AffineForm(parts, add(form.constant, axis=(axis,)))


def _taken(x: Interval, at: Array) -> Interval:
    low, high = np.asarray(x.lower)[..., at], np.asarray(x.upper)[..., at]
    return thin(low) if x.is_thin else Interval.unchecked(low, high)


def _multiples(
    term: Term, place: Array, factor: Interval, shape: tuple[int, ...]
) -> AffineForm:
    """Return elements ``factor * term[place]`` as an affine array."""
    count = len(place)
    low, high = np.zeros((2, term.size, count))
    own = np.arange(count)
    low[place, own], high[place, own] = factor.lower, factor.upper
    low, high = low.reshape(term.size, *shape), high.reshape(term.size, *shape)
    c = thin(low) if np.array_equal(low, high) else Interval.unchecked(low, high)
    return AffineForm({term: c}, thin(np.zeros(shape)))


def _is_zero(x: Interval) -> bool:
    return not (np.any(x.lower) or np.any(x.upper))


def _function_products(
    group: CoordinateGroup, hubs: Array, first: Array, second: Array
) -> Array:
    """Return the functions that are products of two, entered where they are new.

    Shapes: all (size,).
    """
    out = np.empty(len(hubs), dtype=int)
    least, most = np.minimum(first, second), np.maximum(first, second)
    for r, s in sorted(set(zip(least.tolist(), most.tolist(), strict=True))):
        known = s if r == ONE else product_function(group, r, s)
        out[(least == r) & (most == s)] = known
    return out


__all__ = ["ONE", "ClusterProgram", "Definition", "Simplex", "StarTerm"]
