"""The fast path of `enclose`: each graph checked, simplified and compiled once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from deuterium.budget import check
from deuterium.enclose.interval_program import EnclosureProgram
from deuterium.graph.traverse import Graph
from deuterium.graph.validate import check_nodes
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.environment import forgets
from deuterium.interval.stacked import FastPathUnsupported
from deuterium.transform.pipeline import dense
from deuterium.transform.simplify.simplify import simplify

FEWEST, MOST = 8, 5_000  # operator nodes of graphs for which compiling pays
SMALL = 16  # below it (elements times boxes), the full rules are as fast and tighter

Enclose = Callable[[Sequence[Variable]], Mapping[Variable, Interval]]


class EnclosurePlan:
    """What `enclose` needs to know of a graph, worked out once.

    Attributes
    ----------
    symbols : dict of str to Variable
        The symbols by name.
    """

    def __init__(self, v: Variable) -> None:
        check()  # of many nodes, this alone takes long
        given = Graph([v])
        check_nodes(given.order)
        self.symbols = {s.name: s for s in given.symbols}
        self._boxes: tuple[Any, Any] | None = None  # the last domain, and its boxes
        made = dense(given)
        self._dense = _SortedGraph(made, v)
        operators = sum(1 for n in made.order if n.op is not None)
        self._compilable = bool(self.symbols) and FEWEST <= operators <= MOST
        tiny = operators < FEWEST and _is_tree(made)
        self._is_plain = tiny or operators > MOST or not self.symbols
        self._largest = max(n.size for n in made.order)
        self._simple: _SortedGraph | None = None
        self._program: EnclosureProgram | None = None
        self._stack: tuple[Any, Any] | None = None  # the last boxes, and their ends

    def dense(self, v: Variable) -> Graph:
        """Return the graph of ``v`` with many scalar nodes made into arrays."""
        return self._dense.graph(v)

    def simple(self, v: Variable, dense: Graph) -> Graph:
        """Return the dense graph simplified for any domain, or as it is if vast.

        Nor is a tiny one without a node that is used twice: intervals forget nothing.
        """
        if self._is_plain:
            return dense
        kept = self._simple
        if kept is None:
            (made,) = simplify(dense)
            graph = dense if made is dense[0] else Graph([made])
            kept = self._simple = _SortedGraph(graph, v)
        return kept.graph(v)

    def boxes(self, domain: Any, make: Callable[[Any], Any]) -> Any:
        """Return what ``make`` makes of a domain; that of the last call is kept."""
        kept = self._boxes  # read once: another thread may put its own there
        if kept is None or kept[0] is not domain:
            kept = self._boxes = domain, make(domain)
        return kept[1]

    def run(
        self, v: Variable, boxes: Mapping[str, Interval], leading: int, full: Enclose
    ) -> Interval | None:
        """Return the enclosure of ``v`` by its compiled program, or None.

        Parameters
        ----------
        v : Variable
            The graph this plan was made for (a plan holds nothing of it).
        boxes : mapping
            A box per symbol, each with ``leading`` axes in front or fewer.
        leading : int
            The number of enumeration and batch axes.
        full : callable
            The full rules, for nodes that depend on no symbol.
        """
        if not self._compilable:
            return None
        ends, lead = self._ends_of(boxes, leading)
        if self._largest * math.prod(lead) < SMALL:
            return None
        if self._program is None:
            self._program = _compiled(self.simple(v, self.dense(v)), full)
        if self._program is None:
            return None
        try:
            (result,) = self._program(ends, lead)
        except FastPathUnsupported:
            return None
        # copies: a result that only moves elements is a view of the boxes kept here
        return Interval.unchecked(np.array(result[0]), np.array(result[1]))

    def _ends_of(
        self, boxes: Mapping[str, Interval], leading: int
    ) -> tuple[dict[str, Any], tuple[int, ...]]:
        """Return stacked boxes; those of the last call are kept."""
        kept = self._stack
        if kept is None or kept[0] is not boxes:
            kept = self._stack = boxes, self._stacked(boxes, leading)
        return kept[1]

    def _stacked(
        self, boxes: Mapping[str, Interval], leading: int
    ) -> tuple[dict[str, Any], tuple[int, ...]]:
        """Return boxes with ends stacked and all leading axes, and those axes."""
        ends: dict[str, Any] = {}
        for name, s in self.symbols.items():
            low, high = boxes[name].lower, boxes[name].upper
            missing = leading - (np.ndim(low) - s.ndim)
            box = np.empty((2, *(1,) * missing, *np.shape(low)))
            box[0], box[1] = low, high
            ends[name] = box
        leads = [e.shape[1 : 1 + leading] for e in ends.values()]
        return ends, np.broadcast_shapes(*leads)


# A cache, invisible but for speed; a plan holds nothing of its graph but the symbols,
# and what lies below its root, so an entry goes when its graph does.
_PLANS: WeakKeyDictionary[Variable, EnclosurePlan] = WeakKeyDictionary()
forgets(_PLANS.clear)


def plan_of(v: Variable) -> EnclosurePlan:
    """Return the plan of a graph, made on first use.

    Raises
    ------
    GraphError
        The graph is not legal.
    """
    plan = _PLANS.get(v)
    if plan is None:
        plan = EnclosurePlan(v)
        if v.op is not None:
            _PLANS[v] = plan
    return plan


class _SortedGraph:
    """A sorted graph, but for its last node where that is one not to be held on to."""

    def __init__(self, graph: Graph, without: Variable) -> None:
        last = graph.order[-1]
        self._order = graph.order[:-1] if last is without else graph.order
        self._is_whole = last is not without

    def graph(self, last: Variable) -> Graph:
        """Return the graph, given what was left out."""
        return Graph.sorted(self._order if self._is_whole else [*self._order, last])


def _is_tree(graph: Graph) -> bool:
    """Return whether no node but numbers is an argument twice."""
    used = [a for v in graph.order for a in v.args if not a.is_constant]
    return len(used) == len({a.name if a.is_symbol else a for a in used})


def _compiled(graph: Graph, full: Enclose) -> EnclosureProgram | None:
    if not graph.symbols:
        return None
    fixed = full(graph.constants)
    if any(np.isnan(x.lower).any() or np.isnan(x.upper).any() for x in fixed.values()):
        return None  # an undefined constant: the full rules say why
    return EnclosureProgram(graph, fixed)
