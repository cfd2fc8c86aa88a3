"""What compilation, enclosure and search do to a graph before anything else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from weakref import WeakKeyDictionary

from deuterium import ops
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.interval.environment import forgets
from deuterium.transform.branches import has_choices, narrowed_branches
from deuterium.transform.homogeneous import factored
from deuterium.transform.simplify.recognize import recognized
from deuterium.transform.simplify.rules import Assumptions, Bounds
from deuterium.transform.simplify.simplify import Simplifier, simplify
from deuterium.transform.vectorize.vectorize import vectorized

MANY = 500  # nodes; a graph of more was written element by element
SIMPLIFIABLE = 20_000  # nodes; beyond it the rules would take longer than they save

ROUNDS = 2  # of rules, and of branches: each may open the way for the other, once

# of graphs that were written element by element; an entry goes when its graph does
_DENSE: WeakKeyDictionary[Variable, Variable] = WeakKeyDictionary()
forgets(_DENSE.clear)


def dense(graph: Graph) -> Graph:
    """Return a graph of one output, many scalar nodes made into arrays, once."""
    (v,) = graph
    known = _DENSE.get(v)
    if known is not None:
        return Graph([known])
    made = vectorized(graph, ()) if len(graph.order) > MANY else graph
    if has_choices(made):
        made = _together(made)
    if made is not graph:
        (_DENSE[v],) = made
    return made


def _together(graph: Graph) -> Graph:
    """Return a graph whose choices have become few, each narrowed to its branch.

    Choices that have become one say more of their branches, and these of them.
    """
    if len(graph.order) > SIMPLIFIABLE:
        return graph
    for _ in range(ROUNDS):
        graph = narrowed_branches(Graph.of(simplify(graph)))
    return Graph.of(simplify(graph))


def dense_over(graph: Graph, domain: Bounds) -> Graph:
    """Return a graph of one output, dense, without choices that the domain decides.

    Where a hole is filled by hand, the domain may say that what is beside it has none.
    """
    if has_choices(graph) and len(graph.order) <= SIMPLIFIABLE:
        found = recognized(graph, domain=domain, lengths=False)
        if _choices(found) < _choices(graph):
            return dense(found)
    return dense(graph)


def _choices(graph: Graph) -> int:
    return sum(n.op is ops.where for n in graph.order)


def objective_of(graph: Graph, domain: Bounds) -> Variable:
    """Return a scalar graph simplified over a domain, scalar factors in front."""

    def simplified(v: Variable) -> Variable:
        return simplify(v, domain)

    (v,) = simplify(graph, domain)
    return factored(v, simplified)


def almost_everywhere(
    slopes: Sequence[Variable], dense: Collection[str], domain: Bounds
) -> Sequence[Variable]:
    """Return slopes of a continuous function, at each kink those on one of its sides.

    Where kinks of one number meet, what they are by convention at that one point may
    be steeper than either side, which is no slope of the function.  ``dense`` symbols
    have no value that is more than a point of the domain.
    """
    graph = Graph(slopes)
    if not has_choices(graph) or len(graph.order) > SIMPLIFIABLE:
        return slopes
    known = Assumptions(domain)
    known.dense = frozenset(dense)
    return Simplifier(known).run(slopes)


def vectorized_if_large(
    outputs: Iterable[Variable], keep: Iterable[Variable] = ()
) -> Graph:
    """Return the outputs with graphs of many scalar nodes made into arrays.

    Branches of choices are narrowed to where they apply.
    """
    graph, kept = Graph.of(outputs), list(keep)
    if len(graph.order) > MANY:
        graph = vectorized(graph, kept)
    return narrowed_branches(graph, kept)


def prepared(
    outputs: Iterable[Variable], keep: Iterable[Variable] = ()
) -> Sequence[Variable]:
    """Return the outputs as arrays, simplified; ``keep`` stay what they are."""
    kept = list(keep)
    dense = vectorized_if_large(outputs, kept)
    if len(dense.order) > SIMPLIFIABLE:
        return dense
    return simplify(dense, inputs=kept)
