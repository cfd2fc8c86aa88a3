"""A gradient's norm taken apart once, for weights that change at every step.

The graph is that of star clusters (`deuterium.optimize.bounders.clusters`): scalars
that go into functions of one variable are *hubs* z; what multiplies a function of a hub
is a *spoke* e of that hub; hubs and spokes are defined as sums of *terms*, which are
functions of hubs, times a spoke or the square of one.  Numbers made of weights are the
coefficients of these sums.  Here structure comes from the graph alone, so that it is
the same at every step: elements are told apart by their places, not by their values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.graph.constructors import apply, broadcast_to, constant
from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.ops.shapes import reshape_to
from deuterium.optimize.bounders.clusters.shared_hubs import shared_hubs
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    Unsuited,
)
from deuterium.privacy.training.hub_multiples import HubMultiples
from deuterium.privacy.training.step_parts import (
    Coefficient,
    Kind,
    Multiple,
    Sized,
    SpokeSet,
    StepRule,
    WeightSum,
    rebuilt,
    written,
)
from deuterium.privacy.training.training_options import MOST_PRODUCTS

__all__ = ["StepProgram"]


class StepProgram(HubMultiples):
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
        super().__init__(weights, rows)
        self.spokes: list[SpokeSet] = []
        self.rules: list[StepRule] = []
        self._weights, self._inputs = weights, {}
        self._sets: dict[Any, int] = {}
        self._sums: dict[Variable, WeightSum] = {}
        self.sums: list[WeightSum] = []
        self._shared: set[Variable] = set()
        for name, shape in inputs.items():
            self._inputs[name] = self._enter(int(np.prod(shape)), True)

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

        made = interpret(topological([root]), leaf, rebuilt)
        found = shared_hubs(made[root])
        self._shared |= {v for v, other in made.items() if other in found}

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
                if n in self._shared and self._is_no_hub(self.kinds[n]):
                    self._atoms(n)
        return self.kinds[v]

    def _is_no_hub(self, k: Kind) -> bool:
        """Whether elements are sums, or a record's: functions of them need hubs."""
        if isinstance(k, Multiple):
            return k.spokes is None and self.groups[k.group].is_input
        return isinstance(k, WeightSum)

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
        is_input = isinstance(k, Multiple) and self.groups[k.group].is_input
        return is_function and not is_input, -a.size

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
        key = "atoms", written(n)
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


def _thin(a: Variable) -> Interval:
    value = _exact(a)
    return Interval.unchecked(value, value)


def _exact(a: Variable) -> Array:
    """Return the elements of a constant, which may have been moved."""
    if a.is_constant:
        return np.asarray(a.value, dtype=float)
    if a.op is None or not a.op.moves_elements:
        raise Unsuited("constants known to within an interval")
    return a.op.value(*map(_exact, a.args), **a.attrs)
