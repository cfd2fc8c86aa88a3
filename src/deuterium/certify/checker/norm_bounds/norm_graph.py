"""A graph made ready for passes: what depends on no symbol, and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from flint import arb

from deuterium.certify.checker.ball_program import PointProgram, RangeProgram
from deuterium.certify.checker.convex_symbols import is_convex_in, never_negative
from deuterium.certify.checker.derivative_forms import DerivativeForms
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.norm_bounds.array_knowledge import (
    ArrayKnowledge,
    exactly,
)
from deuterium.certify.checker.norm_bounds.ball_matrices import Matrix
from deuterium.certify.checker.norm_bounds.ball_vectors import Vector, vector
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.certify.checker.scalar_layout import MOVES
from deuterium.graph.constructors import apply, symbol
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

Matrices = dict[tuple[Variable, bool], Matrix]


class NormGraph:
    """An objective's graph.

    Parameters
    ----------
    forms : DerivativeForms
        Its objective.
    matrices : dict
        Constant matrices by node and whether they are turned, filled as they are met.

    Attributes
    ----------
    order : list of Variable
        The nodes; proofs call them by their place here.
    fixed : dict from Variable to array of balls
        The values of the nodes that depend on no symbol, as far as they are asked for.
    """

    def __init__(self, forms: DerivativeForms, matrices: Matrices) -> None:
        self.inputs = forms.inputs
        self.order = topological([forms.objective])
        self.place = {v: i for i, v in enumerate(self.order)}
        self.matrices = matrices
        self._still = self._without_symbols()
        self._values: dict[Variable, Vector] = {}
        self._known: dict[Variable, ArrayKnowledge] = {}
        self._alone: dict[Variable, Any] = {}
        self._convex: dict[Variable, bool] = {}

    def _without_symbols(self) -> set[Variable]:
        found: set[Variable] = set()
        for v in self.order:
            if not v.is_symbol and all(a in found for a in v.args):
                found.add(v)
        return found

    @cached_property
    def positive(self) -> set[Variable]:
        """The nodes that certainly are never negative."""
        return never_negative(self.order)

    def is_convex_in(self, node: Variable) -> bool:
        """Return whether the objective is convex in a node, all else held fixed."""
        if node not in self._convex:
            self._convex[node] = is_convex_in(self.order[-1], node)
        return self._convex[node]

    def above(self, node: Variable) -> set[Variable]:
        """Return the nodes that depend on one, and it."""
        found = {node}
        for v in self.order:
            if any(a in found for a in v.args):
                found.add(v)
        return found

    # -- what depends on no symbol -----------------------------------------------------

    def is_fixed(self, v: Variable) -> bool:
        """Return whether a node depends on no symbol."""
        return v in self._still

    def fixed(self, v: Variable) -> Vector:
        """Return the value of a node without symbols."""
        if v not in self._values:
            self._values[v] = self._value(v)
        return self._values[v]

    def _value(self, v: Variable) -> Vector:
        if v.op is None:
            numbers = np.asarray(v.value, dtype=object).ravel().tolist()
            return vector([arb(x) for x in numbers])
        values = [self.fixed(a) for a in v.args]
        if v.op in MOVES:
            shaped = [x.reshape(a.shape) for x, a in zip(values, v.args, strict=True)]
            return np.asarray(MOVES[v.op](*shaped, **v.attrs)).reshape(-1)
        alone, starts, count, distinct = self._by_itself(v)
        row = [e for a in distinct for e in self.fixed(a).tolist()]
        return vector(PointProgram([alone], starts, count)(row))

    def known(self, v: Variable) -> ArrayKnowledge:
        """Return all about a node without symbols."""
        if v not in self._known:
            self._known[v] = exactly(self.fixed(v))
        return self._known[v]

    def matrix(self, v: Variable, *, turned: bool = False) -> Matrix | None:
        """Return a node without symbols as a matrix, if it is one."""
        if v not in self._still or len(v.shape) != 2 or not v.size:
            return None
        key = v, turned
        if key not in self.matrices:
            if turned:
                straight = self.matrix(v)
                assert straight is not None
                self.matrices[key] = straight.transposed()
            else:
                self.matrices[key] = Matrix(*v.shape, self.fixed(v))
        return self.matrices[key]

    # -- intervals ---------------------------------------------------------------------

    def ends(
        self, node: Variable, args: Sequence[ArrayKnowledge]
    ) -> tuple[Vector, Vector]:
        """Return the intervals of a node from those of its arguments."""
        if node not in self._alone:
            alone, starts, count, distinct = self._by_itself(node)
            self._alone[node] = RangeProgram([alone], starts, count), distinct
        ranges, distinct = self._alone[node]
        by_node = dict(zip(node.args, args, strict=True))
        low = [e for a in distinct for e in by_node[a].low.tolist()]
        high = [e for a in distinct for e in by_node[a].high.tolist()]
        below, above = ranges(low, high)
        return vector(list(below)), vector(list(above))

    def _by_itself(
        self, node: Variable
    ) -> tuple[Variable, Mapping[str, int], int, list[Variable]]:
        """Return a node's operator on symbols: where they start, and how many."""
        assert node.op is not None
        distinct = list(dict.fromkeys(node.args))
        names = {a: f"argument {i}" for i, a in enumerate(distinct)}
        starts, count = {}, 0
        for a in distinct:
            starts[names[a]] = count
            count += a.size
        args = [symbol(names[a], a.shape) for a in node.args]
        return apply(node.op, args, node.attrs), starts, count, distinct


_matrices: WeakKeyDictionary[ProofInputs, Matrices] = WeakKeyDictionary()
_graphs: WeakKeyDictionary[DerivativeForms, NormGraph] = WeakKeyDictionary()


def graph_of(forms: DerivativeForms) -> NormGraph:
    """Return the graph of an objective, made once; matrices serve all of one check."""
    if forms not in _graphs:
        matrices = _matrices.setdefault(forms.inputs, {})
        _graphs[forms] = NormGraph(forms, matrices)
    return _graphs[forms]


def place_of(x: Any, graph: NormGraph) -> Variable:
    """Return the node that a proof names by its place."""
    if type(x) is not int or not 0 <= x < len(graph.order):
        raise NoBound(f"there is no node {x!r:.40}")
    return graph.order[x]
