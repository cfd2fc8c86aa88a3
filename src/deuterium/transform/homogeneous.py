"""Scalar factors of a scalar graph, taken out whatever way they go through it.

A scalar s that enters a graph only through linear operators, products, powers, roots
and absolute values, and everywhere with one exponent k, is a factor of it: the graph is
``|s|**k`` times itself with 1 in the place of s (a homogeneous function of s).  So of
``sqrt(sum(square((s * a) @ W)) + square(s))`` it leaves ``|s|`` times a root without s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.hashcons import rebuilt
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.ops.arithmetic import raise_to
from deuterium.ops.shapes import reshape_to

MOST = 8  # scalars tried


@dataclass(frozen=True)
class Degree:
    """How a node goes with a scalar s: it is ``|s|**power`` times what is left.

    Attributes
    ----------
    power : float
    odd : bool
        Whether the sign of s is a factor, too.
    """

    power: float = 0.0
    odd: bool = False


Degrees = dict[Variable, Degree]  # of one node, in each scalar that it goes with


class Homogeneity:
    """The scalars in which the output of a graph is homogeneous.

    Nothing is divided by such a scalar, and roots are taken only of what cannot be
    negative: with 1 in its place, the graph is defined wherever it was.

    Attributes
    ----------
    degrees : dict from Variable to Degree
    """

    def __init__(self, graph: Graph) -> None:
        self._nonnegative = graph.nonnegative
        self._bits: dict[Variable, int] = {}  # a bit for each scalar
        self._below: dict[Variable, int] = {}  # of the scalars that a node depends on
        self._known: dict[Variable, Degrees] = {}
        self._zeros: set[Variable] = set()
        for v in graph.order:
            if v.is_constant and not np.any(v.value):
                self._zeros.add(v)
            own = self._shared(v) if v.op and v.op.linear else self._powers(v)
            below = 0
            for a in v.args:
                below |= self._below[a]
            if v.size == 1 and v in graph.varying:
                own[v] = Degree(1.0, v not in self._nonnegative)
                self._bits[v] = 1 << len(self._bits)
                below |= self._bits[v]
            self._known[v], self._below[v] = own, below
        self.degrees = self._known[graph[0]]

    def _shared(self, v: Variable) -> Degrees:
        """Return the degrees that all arguments have."""
        own = [self._known[a] for a in v.args if a not in self._zeros]  # zero has any
        if not own:
            self._zeros.add(v)
            return {}
        return {s: d for s, d in own[0].items() if all(o.get(s) == d for o in own)}

    def _powers(self, v: Variable) -> Degrees:
        """Return the degrees of an operator that has one in each of its arguments."""
        if v.op is None or v.op.degrees is None:
            return {}
        found: Degrees = {}
        for s in dict.fromkeys(s for a in v.args for s in self._known[a]):
            total: Degree | None = Degree()
            for a, k in zip(v.args, v.op.degrees, strict=True):
                if total is not None and self._below[a] & self._bits[s]:
                    total = self._times(total, a, s, k, v.op.parity == "even")
            if total is not None:
                found[s] = total
        return found

    def _times(
        self, total: Degree, a: Variable, s: Variable, k: float | None, even: bool
    ) -> Degree | None:
        """Return a degree with that of an argument, to the power k, added."""
        own = self._known[a].get(s)
        if own is None or k is None or k < 0 or (k % 1 and a not in self._nonnegative):
            return None
        odd = own.odd and not even and k % 2 == 1
        return Degree(total.power + k * own.power, total.odd != odd)


def factored(v: Variable, simplified: Callable[[Variable], Variable]) -> Variable:
    """Return a scalar graph with scalar factors in front.

    Parameters
    ----------
    v : Variable
    simplified : callable
        Simplifies what is left when a factor is out.

    Returns
    -------
    Variable
        ``f * (g * rest)``, of the same real values wherever ``v`` is defined, and
        undefined elsewhere.  Factors are taken out only where fewer numbers depend on
        the inputs then.
    """
    factors: list[Variable] = []
    graph, tried = Graph([v]), set[Variable]()
    while (found := _next(graph, tried)) is not None:
        s, degree = found
        tried.add(s)
        f = _power(s, degree, s in graph.nonnegative)
        rest = simplified(_without(graph, s))
        if _load(Graph([f * rest])) < _load(graph):
            factors.append(f)
            graph = Graph([rest])
    (product,) = graph
    for f in reversed(factors):
        product = f * product
    return product


def _next(graph: Graph, tried: set[Variable]) -> tuple[Variable, Degree] | None:
    """Return the deepest scalar that may be a factor."""
    if len(tried) == MOST:
        return None
    found = Homogeneity(graph).degrees
    for s in graph.order[:-1]:
        degree = found.get(s)
        if degree is None or s in tried or _is_in_front(s, graph):
            continue
        if not degree.odd or degree.power % 2 == 1:
            return s, degree
    return None


def _is_in_front(s: Variable, graph: Graph) -> bool:
    """Whether a scalar is a factor that is seen: nothing but scalars are above it."""
    while s is not graph[0]:
        if len(graph.users[s]) > 1:
            return False
        (s,) = graph.users[s]
        if s.shape or not (s.op and s.op.elementwise):
            return False
    return True


def _power(s: Variable, degree: Degree, nonnegative: bool) -> Variable:
    size = reshape_to(s, ())
    if not (degree.odd or nonnegative):
        size = ops.absolute(size)
    power = raise_to(size, degree.power)
    assert isinstance(power, Variable)
    return power


def _without(graph: Graph, s: Variable) -> Variable:
    """Return the output with 1 in the place of a scalar."""
    new = {s: broadcast_to(constant(1), s.shape)}
    for v in graph.order:
        if v not in new:
            new[v] = rebuilt(v, tuple(new[a] for a in v.args))
    return new[graph[0]]


def _load(graph: Graph) -> int:
    """Return how many numbers depend on the inputs."""
    return sum(v.size for v in graph.varying)
