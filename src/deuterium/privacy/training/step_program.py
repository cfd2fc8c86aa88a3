"""A gradient's norm taken apart once, for weights that change at every step.

The graph is that of star clusters (`deuterium.optimize.bounders.clusters`): scalars
that go into functions of one variable are *hubs* z; what multiplies a function of a hub
is a *spoke* e of that hub; hubs and spokes are defined as sums of *terms*, which are
functions of hubs, times a spoke or the square of one.  Numbers made of weights are the
coefficients of these sums.  Here structure comes from the graph alone, so that it is
the same at every step: elements are told apart by their places, not by their values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import apply, broadcast_to, constant, symbol
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.ops.shapes import reshape_to
from deuterium.optimize.bounders.clusters.shared_hubs import shared_hubs
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    KinkBranches,
    Unsuited,
)
from deuterium.optimize.bounders.lagrangian.kink_sides import KinkSide
from deuterium.privacy.training.weight_sums import (
    Coefficient,
    Sized,
    StepTerm,
    WeightSum,
    WeightTape,
    told,
)
from deuterium.transform.simplify.simplify import simplify

__all__ = ["HubGroup", "SpokeSet", "StepProgram", "StepRule"]

Array = Any

ONE = -1  # as a function of a hub: the constant 1
MOST_PRODUCTS = 4096  # of two arrays that both vary, in a product of matrices


@dataclass(eq=False)
class HubGroup:
    """Hubs of which all have the same functions.

    Attributes
    ----------
    size : int
    vector : Variable
        The symbol, of shape (1,), that functions are graphs of.
    functions : list of KinkBranches
        The identity, number 0, is the first.
    is_input : bool
        Whether they are a record's elements.
    """

    size: int
    vector: Variable
    functions: list[KinkBranches]
    is_input: bool
    numbers: dict[Any, int] = field(default_factory=dict)
    sides: tuple[KinkSide, KinkSide] | None = None

    def number(self, f: KinkBranches) -> int:
        """Return the number of a function, entered if it is new."""
        found = simplify(f.full)
        if found.is_constant and np.all(found.value == 1):
            return ONE
        key = _written(found)
        if key not in self.numbers:
            self.numbers[key] = len(self.functions)
            self.functions.append(f if f.kinked else KinkBranches(found, found, found))
        return self.numbers[key]


@dataclass(eq=False)
class SpokeSet:
    """Spokes of one group's hubs: ``hub_of`` says of which, each."""

    group: int
    hub_of: Array


@dataclass(eq=False)
class StepRule:
    """Hubs of a group, or the spokes of a set, are what a sum says."""

    group: int
    spokes: int | None
    form: WeightSum


@dataclass(frozen=True, eq=False)
class Multiple:
    """An array of multiples of ``f(z) e**power``, element by element.

    Attributes
    ----------
    factor : Sized or None
        None is 1.
    group : int
    f : KinkBranches
        Of the group's vector.
    source : ndarray of int, of the array's shape
        Which hub.
    spokes : int or None
    places : ndarray of int, of the array's shape
        Which spoke.
    power : int
    is_hub : bool
        Whether f is the identity.
    """

    factor: Sized | None
    group: int
    f: KinkBranches
    source: Array
    spokes: int | None = None
    places: Array = None
    power: int = 0
    is_hub: bool = False
    root: Multiple | None = None  # of which it is the square

    @property
    def is_function(self) -> bool:
        """Whether it is a function of hubs and nothing else."""
        return self.factor is None and self.spokes is None


Kind = Sized | Multiple | WeightSum


class StepProgram:
    """The hubs, spokes and rules of an array graph.

    Parameters
    ----------
    weights : mapping from str to ndarray
        Of the shapes that weights have.
    inputs : mapping from str to tuple of int
        The shapes of what varies.
    rows : mapping from str to ndarray
        Ends of symbols that are listed, of shape (2, rows, *shape): every row is
        bounded by itself.

    Attributes
    ----------
    tape : WeightTape
    groups : list of HubGroup
        One for each of the inputs, first.
    spokes : list of SpokeSet
    rules : list of StepRule
        In an order in which each needs only the ones before it.
    """

    def __init__(
        self,
        weights: Mapping[str, Array],
        inputs: Mapping[str, tuple[int, ...]],
        rows: Mapping[str, Array],
    ) -> None:
        self.tape = WeightTape(weights)
        self.rows = rows
        self.groups: list[HubGroup] = []
        self.spokes: list[SpokeSet] = []
        self.rules: list[StepRule] = []
        self.kinds: dict[Variable, Kind] = {}
        self._weights, self._inputs = weights, {}
        self._terms: dict[Any, StepTerm] = {}
        self.roots: dict[StepTerm, StepTerm] = {}  # whose squares terms are
        self._sets: dict[Any, int] = {}
        self._sums: dict[Variable, WeightSum] = {}
        self._by_rows: set[Variable] = set()
        self.sums: list[WeightSum] = []
        self._shared: set[Variable] = set()
        for name, shape in inputs.items():
            self._inputs[name] = self._enter(int(np.prod(shape)), True)

    def square_of(self, group: int) -> int:
        """Return the number of the function that squares hubs."""
        (g, identity) = self.groups[group], self.groups[group].functions[0]
        return g.number(self._image(ops.square, {}, [identity], g))

    def squared(self, t: StepTerm) -> StepTerm | None:
        """Return the term of a term's squares, if there is one."""
        if t.power == 2:
            return None
        group = self.groups[t.group]
        if group.is_input and t.function != 0:
            return None
        if t.function == ONE:
            function = ONE
        else:
            f = group.functions[t.function]
            function = group.number(self._image(ops.square, {}, [f], group))
        key = (
            t.group,
            function,
            t.spokes,
            2 * t.power,
            t.hubs.tobytes(),
            t.places.tobytes(),
        )
        if key not in self._terms:
            self._terms[key] = StepTerm(
                t.group, function, t.hubs, t.spokes, t.places, 2 * t.power
            )
        return self._terms[key]

    def watch(self, v: Variable) -> None:
        """List a node as one more sum, whose range is to be known."""
        self.kind(v)
        self.sums.append(self.tape.flattened(self.sum_of(v)))

    def share(self, root: Variable) -> None:
        """Find nodes of which several functions are taken: they are to be hubs."""
        rng = np.random.default_rng(0)

        def leaf(v: Variable) -> Variable:
            shape = v.shape
            if v.is_symbol and v.name not in self._inputs:
                return constant(rng.normal(size=shape))
            return v

        made = interpret(topological([root]), leaf, _rebuilt)
        found = shared_hubs(made[root])
        self._shared = {v for v, other in made.items() if other in found}

    def _enter(self, size: int, is_input: bool) -> int:
        number = len(self.groups)
        vector = symbol(f"hub of group {number}", (1,))
        f = KinkBranches(vector, vector, vector)
        group = HubGroup(size, vector, [f], is_input, {_written(vector): 0})
        self.groups.append(group)
        return number

    # -- nodes -----------------------------------------------------------------------

    def kind(self, v: Variable) -> Kind:
        """Return what a node is made of; all nodes before it are taken apart first.

        Raises
        ------
        Unsuited
            It has a part that cannot be taken apart.
        """
        for n in topological([v]):
            if n not in self.kinds:
                self.kinds[n] = self._kind(n)
                if n in self._shared and isinstance(self.kinds[n], WeightSum):
                    self._atoms(n)
        return self.kinds[v]

    def _kind(self, n: Variable) -> Kind:
        if n.is_constant:
            return self.tape.constant(np.asarray(n.value, dtype=float)[None])
        if n.op is None:
            return self._symbol(n)
        if any(a in self._by_rows for a in n.args):
            kinds = [self.kinds[a] for a in n.args]
            if all(isinstance(k, Sized) for k in kinds):
                self._by_rows.add(n)
        kinds = [self.kinds[a] for a in n.args]
        if all(isinstance(k, Sized) for k in kinds):
            return self._number(n, kinds)
        varying = [a for a in n.args if not isinstance(self.kinds[a], Sized)]
        found = self._function(n) or self._multiple(n)
        if found is not None:
            return found
        if self._is_linear(n, varying):
            args = [
                k if isinstance(k, Sized) else self.sum_of(a)
                for a, k in zip(n.args, kinds, strict=True)
            ]
            return self.tape.sum_through(n.op, n.attrs, args, n.shape)
        return self._bent(n, varying)

    def _symbol(self, n: Variable) -> Kind:
        if n.name in self._weights:
            return self.tape.parameter(n.name)
        if n.name in self.rows:
            self._by_rows.add(n)
            return self.tape.between(*self.rows[n.name])
        number = self._inputs[n.name]
        source = np.arange(n.size).reshape(n.shape)
        return Multiple(
            None, number, self.groups[number].functions[0], source, is_hub=True
        )

    def _number(self, n: Variable, kinds: Sequence[Any]) -> Sized:
        assert n.op is not None
        try:
            return self.tape.through(n.op, n.attrs, kinds)
        except Unsuited:
            if not all(self.tape.is_constant(k) for k in kinds) or n in self._by_rows:
                raise
        found = n.op.enclosure(*[_thin(a) for a in n.args], **n.attrs)
        if not np.array_equal(found.lower, found.upper):
            raise Unsuited("constants known to within an interval")
        return self.tape.constant(np.asarray(found.lower)[None])

    def _is_linear(self, n: Variable, varying: Sequence[Variable]) -> bool:
        assert n.op is not None
        if len(n.args) == 2 and any(a in self._by_rows for a in n.args) and n.size == 1:
            other = [a for a in n.args if a not in self._by_rows]
            if n.op in (ops.add, ops.subtract) and other:
                return False  # of a lone number: a function of it, for each row
        if n.op in (ops.multiply, ops.matmul):
            return len(varying) == 1
        if n.op is ops.divide:
            return n.args[1] not in varying
        return n.op.moves_elements or n.op in (
            ops.add,
            ops.subtract,
            ops.negative,
            ops.add_reduce,
            ops.scatter,
        )

    # -- functions of hubs -----------------------------------------------------------

    def _function(self, n: Variable) -> Multiple | None:
        """Return a node as one function of hubs, if it is that."""
        op = n.op
        assert op is not None
        if op.moves_elements:
            return self._moved(n)
        if op is ops.square and isinstance(self.kinds[n.args[0]], Multiple):
            return self._squared(self.kinds[n.args[0]])
        if not op.elementwise:
            return None
        given = [self.kinds[a] for a in n.args]
        hubs = [k for k in given if not isinstance(k, Sized)]
        if not all(isinstance(k, Multiple) and k.is_function for k in hubs):
            return None
        first = hubs[0]
        assert isinstance(first, Multiple)
        group = self.groups[first.group]
        if group.is_input and op is not ops.square:
            return None
        images: list[KinkBranches] = []
        for a, k in zip(n.args, given, strict=True):
            if isinstance(k, Multiple):
                if k.group != first.group or not np.array_equal(k.source, first.source):
                    return None
                images.append(k.f)
            else:
                number = self._uniform(a)
                if number is None:
                    return None
                number = broadcast_to(number, (1,))
                images.append(KinkBranches(number, number, number))
        return Multiple(
            None, first.group, self._image(op, n.attrs, images, group), first.source
        )

    def _uniform(self, a: Variable) -> Variable | None:
        """Return what all elements of an array of numbers are, as a scalar graph."""
        k = self.kinds[a]
        if a in self._by_rows:
            exact = a.is_symbol and np.array_equal(*self.rows[a.name])
            return reshape_to(a, ()) if exact and a.size == 1 else None
        assert isinstance(k, Sized)
        if not self.tape.is_constant(k) or not a.size:
            return None
        while a.op is not None and a.op in (ops.broadcast, ops.reshape):
            (a,) = a.args
        if a.size == 1:
            return reshape_to(a, ())
        value = self.tape.values[k.value]
        return constant(value.ravel()[0]) if np.ptp(value) == 0 else None

    def _image(
        self, op: Operator, attrs: Any, images: Sequence[KinkBranches], group: HubGroup
    ) -> KinkBranches:
        full = apply(op, tuple(i.full for i in images), attrs)
        if group.sides is None:
            group.sides = KinkSide(group.vector, False), KinkSide(group.vector, True)
        parts = [tuple(i.left for i in images), tuple(i.right for i in images)]
        found = [
            s.decided(op, x, attrs) for s, x in zip(group.sides, parts, strict=True)
        ]
        if found == [None, None] and not any(i.kinked for i in images):
            return KinkBranches(full, full, full)
        left, right = (
            apply(op, x, attrs) if f is None else f
            for x, f in zip(parts, found, strict=True)
        )
        return KinkBranches(full, left, right)

    def _moved(self, n: Variable) -> Multiple | None:
        """Return a node that has the elements of another, once or several times."""
        if len(n.args) != 1:
            return None
        (k,) = (self.kinds[a] for a in n.args)
        if not isinstance(k, Multiple):
            return None
        assert n.op is not None
        move: Callable[[Array], Array] = lambda x: n.op.value(x, **n.attrs)  # noqa: E731
        factor = k.factor and self.tape.through(n.op, n.attrs, [k.factor])
        places = None if k.places is None else move(k.places)
        return Multiple(
            factor,
            k.group,
            k.f,
            move(k.source),
            k.spokes,
            places,
            k.power,
            k.is_hub,
            self._moved_root(n, k),
        )

    def _moved_root(self, n: Variable, k: Multiple) -> Multiple | None:
        """Return what is squared, moved like its squares."""
        if k.root is None:
            return None
        assert n.op is not None
        source = n.op.value(k.root.source, **n.attrs)
        places = None if k.root.places is None else n.op.value(k.root.places, **n.attrs)
        r = k.root
        return Multiple(None, r.group, r.f, source, r.spokes, places, r.power)

    # -- multiples -------------------------------------------------------------------

    def _multiple(self, n: Variable) -> Multiple | None:
        """Return a node as multiples of functions of hubs times spokes."""
        op, kinds = n.op, [self.kinds[a] for a in n.args]
        if op is ops.negative and isinstance(kinds[0], Multiple):
            (k,) = kinds
            one = self.tape.constant(np.full((1, *n.shape), -1.0))
            factor = (
                one
                if k.factor is None
                else self.tape.through(ops.negative, {}, [k.factor])
            )
            return _scaled(k, factor)
        if op is ops.square and isinstance(kinds[0], Multiple):
            return self._squared(kinds[0])
        if (
            op is ops.divide
            and isinstance(kinds[1], Sized)
            and isinstance(kinds[0], Multiple)
        ):
            one = self.tape.constant(np.ones((1, *n.shape)))
            return _scaled(
                kinds[0], self.tape.through(op, {}, [kinds[0].factor or one, kinds[1]])
            )
        if op is not ops.multiply:
            return None
        a, b = kinds
        for x, y in ((a, b), (b, a)):
            if isinstance(x, Multiple) and isinstance(y, Sized):
                return _scaled(
                    x,
                    y if x.factor is None else self.tape.through(op, {}, [x.factor, y]),
                )
        if isinstance(a, Multiple) and isinstance(b, Multiple):
            found = self._joined(a, b)
            if found is not None:
                return found
        return (
            self._star(n, *n.args)
            if not any(isinstance(k, Sized) for k in kinds)
            else None
        )

    def _squared(self, k: Multiple) -> Multiple | None:
        group = self.groups[k.group]
        if k.power == 2 or (group.is_input and not k.is_hub):
            return None
        f = self._image(ops.square, {}, [k.f], group)
        factor = k.factor and self.tape.through(ops.square, {}, [k.factor])
        own = Multiple(None, k.group, k.f, k.source, k.spokes, k.places, k.power)
        return Multiple(
            factor, k.group, f, k.source, k.spokes, k.places, 2 * k.power, root=own
        )

    def _joined(self, a: Multiple, b: Multiple) -> Multiple | None:
        """Return the product of multiples of the same hubs, and at most one spoke."""
        if (
            a.group != b.group
            or not np.array_equal(a.source, b.source)
            or self.groups[a.group].is_input
        ):
            return None
        if (
            a.spokes is not None
            and b.spokes is not None
            and (
                a.spokes != b.spokes
                or not np.array_equal(a.places, b.places)
                or a.power + b.power > 2
            )
        ):
            return None
        some = a if a.spokes is not None else b
        factors = [x for x in (a.factor, b.factor) if x is not None]
        factor = (
            self.tape.through(ops.multiply, {}, factors)
            if len(factors) == 2
            else (factors or [None])[0]
        )
        f = self._image(ops.multiply, {}, [a.f, b.f], self.groups[a.group])
        return Multiple(
            factor, a.group, f, a.source, some.spokes, some.places, a.power + b.power
        )

    def _star(self, n: Variable, a: Variable, b: Variable) -> Multiple:
        """Return a product of which one factor becomes spokes."""
        hub, other = (a, b) if self._hub_rank(a) >= self._hub_rank(b) else (b, a)
        k = self.kinds[hub]
        if (
            not isinstance(k, Multiple)
            or k.spokes is not None
            or self.groups[k.group].is_input
        ):
            k = self._atoms(hub)
        spokes = self._spokes(k.group, k.source, other)
        places = np.arange(n.size).reshape(n.shape)
        return Multiple(k.factor, k.group, k.f, k.source, spokes, places, 1)

    def _hub_rank(self, a: Variable) -> tuple[bool, int]:
        """Return how well a factor's elements may be the hubs of a product."""
        k = self.kinds[a]
        is_function = isinstance(k, Multiple) and k.spokes is None
        return is_function and not self.groups[k.group].is_input, -a.size

    def _spokes(self, group: int, source: Array, other: Variable) -> int:
        key = group, source.tobytes(), other
        if key not in self._sets:
            self._sets[key] = len(self.spokes)
            self.spokes.append(SpokeSet(group, source.ravel()))
            form = self.tape.flattened(self.sum_of(other))
            self.rules.append(StepRule(group, self._sets[key], form))
        return self._sets[key]

    def _atoms(self, n: Variable) -> Multiple:
        """Make a node's elements hubs."""
        key = "atoms", _written(n)
        if key not in self._sets:
            form = self.tape.flattened(self.sum_of(n))
            self._sets[key] = self._enter(n.size, False)
            self.rules.append(StepRule(self._sets[key], None, form))
        number = self._sets[key]
        source = np.arange(n.size).reshape(n.shape)
        self._sums[n] = self.sum_of(n)
        found = Multiple(
            None, number, self.groups[number].functions[0], source, is_hub=True
        )
        self.kinds[n] = found
        return found

    def _bent(self, n: Variable, varying: Sequence[Variable]) -> Kind:
        """Return a node that is neither a multiple nor linear."""
        op = n.op
        assert op is not None
        if op is ops.matmul:
            return self._matmul(n, *n.args)
        if op is ops.divide:
            return self.kind(n.args[0] * apply(ops.reciprocal, (n.args[1],), {}))
        if op.elementwise and len(varying) == 1:
            self._atoms(varying[0])
            found = self._function(n)
            if found is not None:
                return found
        raise Unsuited(f"{op.name} of what varies")

    def _matmul(self, n: Variable, a: Variable, b: Variable) -> Kind:
        """Return a product of matrices that both vary, as sums of products."""
        shape = (*n.shape[:-1], a.shape[-1], n.shape[-1])
        if np.prod(shape) > MOST_PRODUCTS:
            raise Unsuited("a large product of matrices that vary")
        left = broadcast_to(reshape_to(a, (*a.shape, 1)), shape)
        right = broadcast_to(reshape_to(b, (*b.shape[:-2], 1, *b.shape[-2:])), shape)
        return self.kind(apply(ops.add_reduce, (left * right,), {"axis": (-2,)}))

    # -- sums ------------------------------------------------------------------------

    def sum_of(self, n: Variable) -> WeightSum:
        """Return a node as a sum of terms."""
        if n in self._sums:
            return self._sums[n]
        k = self.kinds[n]
        if isinstance(k, WeightSum):
            return k
        if isinstance(k, Sized):
            return WeightSum({}, k, n.shape)
        term = self.term_of(k)
        return WeightSum(
            {term: Coefficient(k.factor, True)}, self.tape.zero(n.shape), n.shape
        )

    def term_of(self, k: Multiple) -> StepTerm:
        """Return the term of which an array's elements are multiples."""
        function = self.groups[k.group].number(k.f)
        places = np.zeros(0, dtype=int) if k.places is None else k.places.ravel()
        key = k.group, function, k.spokes, k.power, k.source.tobytes(), places.tobytes()
        if key not in self._terms:
            self._terms[key] = StepTerm(
                k.group, function, k.source.ravel(), k.spokes, places, k.power
            )
        if k.root is not None:
            self.roots[self._terms[key]] = self.term_of(k.root)
        return self._terms[key]


def _written(v: Variable) -> Any:
    """Return what tells how a graph is written."""
    order = topological([v])
    place = {n: i for i, n in enumerate(order)}
    return tuple(
        (
            n.name if n.is_symbol else n.op and n.op.name,
            tuple(place[a] for a in n.args),
            tuple((k, told(x)) for k, x in sorted(n.attrs.items())),
            told(np.asarray(n.value, dtype=float)) if n.is_constant else None,
        )
        for n in order
    )


def _rebuilt(op: Operator) -> Any:
    return lambda *args, **attrs: apply(op, args, attrs)


def _scaled(k: Multiple, factor: Sized) -> Multiple:
    return Multiple(
        factor, k.group, k.f, k.source, k.spokes, k.places, k.power, root=k.root
    )


def _thin(a: Variable) -> Any:
    from deuterium.interval import Interval

    value = np.asarray(a.value, dtype=float)
    return Interval.unchecked(value, value)
