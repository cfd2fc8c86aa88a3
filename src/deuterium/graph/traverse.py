"""The one traversal, without recursion, and what is to be known of a graph by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar, overload

import numpy as np

from deuterium.graph.variable import Variable

T = TypeVar("T")


def topological(outputs: Iterable[Variable]) -> list[Variable]:
    """Return every node below ``outputs``, arguments before their users.

    Of a `Graph` it is the list that the graph keeps, which nobody may change.
    """
    return outputs.order if isinstance(outputs, Graph) else _sorted(outputs)


def _sorted(outputs: Iterable[Variable]) -> list[Variable]:
    order: list[Variable] = []
    seen: set[Variable] = set()
    stack: list[Any] = list(outputs)[::-1]  # nodes, and None as a mark
    while stack:
        node = stack.pop()
        if node is None:  # all arguments of the node beneath it are in order
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            if node.args:
                stack.append(node)
                stack.append(None)
                stack.extend(node.args[::-1])
            else:
                order.append(node)
    return order


def is_larger(outputs: Iterable[Variable], most: int) -> bool:
    """Return whether there are more nodes than so many, and look at no others."""
    waiting = list(outputs)
    seen = set(waiting)
    while waiting and len(seen) <= most:
        for a in waiting.pop().args:
            if a not in seen:
                seen.add(a)
                waiting.append(a)
    return len(seen) > most


class _part(Generic[T]):
    """A property worked out once; `functools.cached_property` takes a lock for it."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make, self._name = make, make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, graph: None, kind: type) -> _part[T]: ...
    @overload
    def __get__(self, graph: object, kind: type) -> T: ...

    def __get__(self, graph: Any, kind: type) -> Any:
        if graph is None:
            return self
        value = graph.__dict__[self._name] = self._make(graph)
        return value


class Graph(tuple[Variable, ...]):
    """Outputs, and what is to be known of the nodes below them.

    It is made once of the outputs, of which it is the tuple, and handed down: whatever
    takes outputs takes a graph, and sorts it no second time.  Each part is worked out
    when it is first asked for, and must not be changed.

    Attributes
    ----------
    order : list of Variable
        All nodes, arguments before their users.
    """

    @_part
    def order(self) -> list[Variable]:
        """Return all nodes, arguments before their users."""
        return _sorted(self)

    @classmethod
    def of(cls, outputs: Iterable[Variable]) -> Graph:
        """Return outputs as a graph, themselves if they are one."""
        return outputs if isinstance(outputs, Graph) else cls(outputs)

    @classmethod
    def sorted(cls, order: list[Variable]) -> Graph:
        """Return the graph of the last of some nodes, sorted by `topological`."""
        graph = cls(order[-1:])
        graph.__dict__["order"] = order
        return graph

    @_part
    def symbols(self) -> list[Variable]:
        """Return the symbols, one per name, in order of first use."""
        return symbols_in(self.order)

    @_part
    def varying(self) -> frozenset[Variable]:
        """Return the nodes that depend on a symbol."""
        found: set[Variable] = set()
        for node in self.order:
            if node.is_symbol or not found.isdisjoint(node.args):
                found.add(node)
        return frozenset(found)

    @_part
    def constants(self) -> list[Variable]:
        """Return the nodes that depend on no symbol, arguments before their users."""
        return [node for node in self.order if node not in self.varying]

    @_part
    def users(self) -> dict[Variable, list[Variable]]:
        """Return the users of each node that has any, one entry per edge."""
        found: dict[Variable, list[Variable]] = {}
        for node in self.order:
            for a in node.args:
                found.setdefault(a, []).append(node)
        return found

    @_part
    def nonnegative(self) -> frozenset[Variable]:
        """Return the nodes that are never negative where they are defined.

        Judged by their operators alone, whatever the domain.
        """
        found: set[Variable] = set()
        for v in self.order:
            if v.op is not None:
                known = is_never_negative(v, found.__contains__)
            else:
                known = v.is_constant and bool(np.all(np.asarray(v.value, float) >= 0))
            if known:
                found.add(v)
        return frozenset(found)


def is_never_negative(v: Variable, known: Callable[[Variable], bool]) -> bool:
    """Return whether what an operator gives is never negative where it is defined.

    ``known`` says of an argument whether it never is.  The one place where this is
    read off operators: of a leaf, its value or its range decides.
    """
    if v.op is None:
        return False
    return v.op.nonnegative or (v.op.keeps_sign and all(map(known, v.args)))


def symbols_in(nodes: Iterable[Variable]) -> list[Variable]:
    """Return the symbols among ``nodes``, one per name, in their order."""
    found: dict[str, Variable] = {}
    for node in nodes:
        if node.op is None and node.value is None:
            found.setdefault(node.name, node)
    return list(found.values())


def free_symbols(outputs: Iterable[Variable]) -> list[Variable]:
    """Return the symbols below ``outputs``, one per name, in order of first use."""
    return Graph.of(outputs).symbols
