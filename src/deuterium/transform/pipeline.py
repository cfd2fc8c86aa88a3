"""What compilation, enclosure and search do to a graph before anything else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from weakref import WeakKeyDictionary

from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval.environment import forgets
from deuterium.transform.branches import has_choices, narrowed_branches
from deuterium.transform.simplify.simplify import simplify
from deuterium.transform.vectorize import vectorize

MANY = 500  # nodes; a graph of more was written element by element
SIMPLIFIABLE = 20_000  # nodes; beyond it the rules would take longer than they save

# of graphs that were written element by element; an entry goes when its graph does
_DENSE: WeakKeyDictionary[Variable, Variable] = WeakKeyDictionary()
forgets(_DENSE.clear)


def dense(v: Variable) -> Variable:
    """Return one graph with many scalar nodes made into arrays, worked out once."""
    known = _DENSE.get(v)
    if known is None:
        known = condensed([v])[0]
        if has_choices(known):
            known = simplify(known)  # choices by one condition become one
        if known is not v:
            _DENSE[v] = known
    return known


def condensed(
    outputs: Sequence[Variable], keep: Iterable[Variable] = ()
) -> list[Variable]:
    """Return the outputs with graphs of many scalar nodes made into arrays.

    Branches of choices are narrowed to where they apply.
    """
    outputs = narrowed_branches(outputs, keep)
    if len(topological(outputs)) <= MANY:
        return list(outputs)
    return vectorize(list(outputs), keep=keep)


def prepared(
    outputs: Sequence[Variable], keep: Iterable[Variable] = ()
) -> list[Variable]:
    """Return the outputs as arrays, simplified; ``keep`` stay what they are."""
    kept = list(keep)
    dense = condensed(outputs, kept)
    if len(topological(dense)) > SIMPLIFIABLE:
        return dense
    return simplify(dense, inputs=kept)
