"""Arrays whose elements are multiples of functions of hubs, and how these combine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.graph.constructors import apply, broadcast_to, constant, symbol
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.ops.shapes import reshape_to
from deuterium.optimize.bounders.lagrangian.factored_parts import KinkBranches
from deuterium.optimize.bounders.lagrangian.kink_sides import KinkSide
from deuterium.privacy.training.step_parts import (
    ONE,
    HubGroup,
    Kind,
    Multiple,
    Sized,
    StepTerm,
    scaled,
    written,
)
from deuterium.privacy.training.weight_sums import WeightTape

__all__ = ["HubMultiples"]


class HubMultiples:
    """The functions of hubs of a graph.

    Parameters
    ----------
    weights : mapping from str to ndarray
        Of the shapes that weights have.
    rows : mapping from str to ndarray
        As of `StepProgram`.
    """

    def __init__(self, weights: Mapping[str, Array], rows: Mapping[str, Array]) -> None:
        self.tape, self.rows = WeightTape(weights), rows
        self.groups: list[HubGroup] = []
        self.kinds: dict[Variable, Kind] = {}
        self.roots: dict[StepTerm, StepTerm] = {}  # whose squares terms are
        self._terms: dict[Any, StepTerm] = {}
        self._by_rows: set[Variable] = set()

    def _star(self, n: Variable, a: Variable, b: Variable) -> Multiple:
        """Return a product of which one factor becomes spokes."""
        raise NotImplementedError

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

    def _enter(self, size: int, is_input: bool) -> int:
        number = len(self.groups)
        vector = symbol(f"hub of group {number}", (1,))
        f = KinkBranches(vector, vector, vector)
        group = HubGroup(size, vector, [f], is_input, {written(vector): 0})
        self.groups.append(group)
        return number

    # -- functions of hubs -----------------------------------------------------------

    def _function(self, n: Variable) -> Multiple | None:
        """Return a node as one function of hubs, if it is that."""
        op = n.op
        assert op is not None
        if op.moves_elements:
            return self._moved(n)
        if op is ops.square:
            k = self.kinds[n.args[0]]
            return self._squared(k) if isinstance(k, Multiple) else None
        if not op.elementwise:
            return None
        given = [self.kinds[a] for a in n.args]
        hubs = [k for k in given if not isinstance(k, Sized)]
        if not all(isinstance(k, Multiple) and k.is_function for k in hubs):
            return None
        first = hubs[0]
        assert isinstance(first, Multiple)
        group = self.groups[first.group]
        if group.is_input:
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
        if not a.is_constant or np.ptp(a.value) != 0:
            return None
        return constant(float(np.ravel(a.value)[0]))

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
        value, attrs = n.op.value, n.attrs
        move: Callable[[Array], Array] = lambda x: value(x, **attrs)  # noqa: E731
        factor = k.factor and self.tape.through(n.op, attrs, [k.factor])
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
        first = kinds[0]
        if op is ops.negative and isinstance(first, Multiple):
            one = self.tape.constant(np.full((1, *n.shape), -1.0))
            return scaled(first, self._product(first.factor, one))
        if op is ops.divide and isinstance(kinds[1], Sized):
            if not isinstance(first, Multiple):
                return None
            one = first.factor or self.tape.constant(np.ones((1, *n.shape)))
            return scaled(first, self.tape.through(op, {}, [one, kinds[1]]))
        if op is not ops.multiply:
            return None
        a, b = kinds
        for x, y in ((a, b), (b, a)):
            if isinstance(x, Multiple) and isinstance(y, Sized):
                return scaled(x, self._product(x.factor, y))
        if isinstance(a, Multiple) and isinstance(b, Multiple):
            found = self._joined(a, b)
            if found is not None:
                return found
        varies = not any(isinstance(k, Sized) for k in kinds)
        return self._star(n, *n.args) if varies else None

    def _product(self, a: Sized | None, b: Sized) -> Sized:
        """Return a product of factors, of which the first may be 1."""
        return b if a is None else self.tape.through(ops.multiply, {}, [a, b])

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
        factor = a.factor if b.factor is None else self._product(a.factor, b.factor)
        f = self._image(ops.multiply, {}, [a.f, b.f], self.groups[a.group])
        return Multiple(
            factor, a.group, f, a.source, some.spokes, some.places, a.power + b.power
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
