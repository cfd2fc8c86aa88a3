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

ROUNDS = 2

# of graphs that were written element by element; an entry goes when its graph does
_DENSE: WeakKeyDictionary[Variable, Variable] = WeakKeyDictionary()
forgets(_DENSE.clear)


def dense(v: Variable) -> Variable:
    """Return one graph with many scalar nodes made into arrays, worked out once."""
    known = _DENSE.get(v)
    if known is None:
        known = vectorize([v])[0] if len(topological([v])) > MANY else v
        if has_choices(known):
            known = _together(known)
        if known is not v:
            _DENSE[v] = known
    return known


def _together(v: Variable) -> Variable:
    """Return a graph whose choices have become few, each narrowed to its branch.

    Choices that have become one say more of their branches, and these of them.
    """
    if len(topological([v])) > SIMPLIFIABLE:
        return v
    for _ in range(ROUNDS):
        (v,) = narrowed_branches([simplify(v)])
    return simplify(v)


def condensed(
    outputs: Sequence[Variable], keep: Iterable[Variable] = ()
) -> list[Variable]:
    """Return the outputs with graphs of many scalar nodes made into arrays.

    Branches of choices are narrowed to where they apply.
    """
    kept = list(keep)
    if len(topological(outputs)) > MANY:
        outputs = vectorize(list(outputs), keep=kept)
    return narrowed_branches(outputs, kept)


def prepared(
    outputs: Sequence[Variable], keep: Iterable[Variable] = ()
) -> list[Variable]:
    """Return the outputs as arrays, simplified; ``keep`` stay what they are."""
    kept = list(keep)
    dense = condensed(outputs, kept)
    if len(topological(dense)) > SIMPLIFIABLE:
        return dense
    return simplify(dense, inputs=kept)
