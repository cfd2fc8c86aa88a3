"""The graph that a framework evaluates, and where its roundings decide.

Gradients are taken by the chain rule node by node; see `rounding_errors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from deuterium import ops
from deuterium.enclose.error_rules import is_jump
from deuterium.graph.constructors import symbol
from deuterium.graph.hashcons import rebuilt
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.interval.environment import forgets
from deuterium.ops import arrays, logic, order
from deuterium.ops.framework_errors import FRAMEWORK_ERRORS
from deuterium.transform.derived_anew import derived_anew

NAME = "rounding"  # symbols of errors are called rounding_0, ...


class WrittenForm:
    """A graph with its gradients taken node by node, and where it decides.

    Attributes
    ----------
    graph : Graph
        What is evaluated.
    is_length : bool
        Whether the outputs are the parts of a vector whose length is asked for.
    deciding : dict from Variable to bool
        Nodes whose rounding decides between branches; whether only by their sign.
    activating : set of Variable
        Nodes that arguments of curved functions are made from without rounding.
    """

    def __init__(self, v: Variable) -> None:
        self._v = v
        parts = _parts_of_length(v)
        self.is_length = parts is not None
        self._done = derived_anew([v], as_written=True)
        written = [self._done[p] for p in parts or [v]]
        self.graph = Graph(written)
        self.deciding = _deciding(self.graph)
        self.activating = {n for n, _ in _sources(_activations(self.graph))}
        taken = {s.name for s in self.graph.symbols}
        self._name = NAME
        while any(name.startswith(f"{self._name}_") for name in taken):
            self._name += "_"
        self._moved: dict[frozenset[Variable], Any] = {}

    def moved(
        self, where: frozenset[Variable]
    ) -> tuple[Variable, dict[Variable, Variable]]:
        """Return the graph with a symbol added to some nodes, and those symbols."""
        if where not in self._moved:
            self._moved[where] = self._with_symbols(where)
        return self._moved[where]

    def _with_symbols(
        self, where: frozenset[Variable]
    ) -> tuple[Variable, dict[Variable, Variable]]:
        order = [n for n in self.graph.order if n in where]
        symbols = {n: symbol(f"{self._name}_{i}", n.shape) for i, n in enumerate(order)}
        if not symbols:
            return self._v, symbols
        met: set[Variable] = set()

        def with_error(old: Variable, new: Variable) -> Variable:
            written = self._done.get(old)
            if written not in symbols:
                return new
            met.add(written)
            return new + symbols[written]

        made = derived_anew([self._v], with_error, as_written=False)[self._v]
        if len(met) < len(symbols):  # some are of a gradient itself
            made = self._as_written(symbols)
        return made, symbols

    def _as_written(self, symbols: Mapping[Variable, Variable]) -> Variable:
        done: dict[Variable, Variable] = {}
        whole = Graph([self._done[self._v]])
        for n in whole.order:
            new = rebuilt(n, tuple(done[a] for a in n.args))
            done[n] = new + symbols[n] if n in symbols else new
        return done[whole[0]]


KEPT = 4  # graphs whose forms are kept, and which are kept alive by that


@lru_cache(maxsize=KEPT)
def written_form_of(v: Variable) -> WrittenForm:
    """Return the written form of a graph, made once."""
    return WrittenForm(v)


forgets(written_form_of.cache_clear)


def _parts_of_length(v: Variable) -> list[Variable] | None:
    """Return the vector whose length this is, or None."""
    if v.op is not ops.sqrt or v.shape:
        return None
    parts: list[Variable] = []
    waiting = [v.args[0]]
    while waiting:
        n = waiting.pop()
        if n.op is ops.square:
            parts.append(n.args[0])
        elif n.op in (ops.add, arrays.add_reduce, arrays.reshape):
            waiting.extend(n.args)
        else:
            return None
    return parts


_KEEPING = frozenset(
    {ops.relu, ops.absolute, ops.negative, order.sort_last, logic.narrowed}
)
"""Operators that do not round, beside those that move and choose elements."""


_AT_ZERO = frozenset(
    {ops.sign, ops.step, ops.absolute_slope, logic.is_positive, logic.is_zero}
)
_KEEPING_ZERO = frozenset({ops.relu, ops.absolute, ops.negative})


def _deciding(graph: Graph) -> dict[Variable, bool]:
    """Return the nodes that what jumps is made from without rounding.

    With each, whether all that counts is on which side of zero it lies.
    """
    starts: list[tuple[Variable, bool]] = []
    for n in graph.order:
        if n.op is None:
            continue
        if is_jump(n.op):
            (a,) = n.args
            # of a difference, the sign is that of a comparison
            both = a.op is ops.subtract
            at_zero = n.op in _AT_ZERO and not both
            starts += [(b, at_zero) for b in (a.args if both else [a])]
        elif n.op is order.reorder:
            starts.append((n.args[1], False))
        elif n.op is logic.where and not logic.is_condition(n.args[0]):
            starts.append((n.args[0], True))
    found: dict[Variable, bool] = {}
    for n, at_zero in _sources(starts):
        found[n] = found.get(n, True) and at_zero
    return found


def _activations(graph: Graph) -> list[tuple[Variable, bool]]:
    """Return the arguments of curved functions."""
    return [
        (n.args[0], False)
        for n in graph.order
        if n.op in FRAMEWORK_ERRORS or n.op in _CURVED
    ]


_CURVED = frozenset({ops.relu, ops.softmax_last, ops.logsumexp_last})


def _sources(
    starts: Iterable[tuple[Variable, bool]],
) -> Iterator[tuple[Variable, bool]]:
    """Return the nodes that others are made from without rounding."""
    waiting = list(starts)
    seen: set[tuple[Variable, bool]] = set()
    while waiting:
        n, at_zero = waiting.pop()
        if (n, at_zero) in seen:
            continue
        seen.add((n, at_zero))
        if n.op is None or not _keeps(n.op):
            yield n, at_zero
            continue
        at_zero = at_zero and (n.op.moves_elements or n.op in _KEEPING_ZERO)
        waiting += [(a, at_zero) for a in n.args]


def _keeps(op: Operator) -> bool:
    return op.moves_elements or op.chooses or op in _KEEPING or is_jump(op)
