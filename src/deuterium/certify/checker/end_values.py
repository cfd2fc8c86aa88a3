"""Whether a graph is largest at the ends of an input, judged element by element.

One input t moves, or several together; the others stay.  Of every element that depends
on it, it is noted for which functions h of t that never turn back it is ``u + w h(t)``
(*straight*) or a convex function of h(t) (*bent*), and whether over any interval of t
it is largest at one of the ends (*ended*).  What is straight is bent, what is bent is
ended.  Sums of straight elements with the same h are straight, of bent ones bent; a
factor that stays keeps straight what is straight, and one that is not negative the
rest; a monotone function of an element that alone moves is straight with an h of its
own; a convex function of straight elements with the same h is bent; a rising function
of an ended element is ended, and so is the largest of several.  Straight elements over
one straight number (of which no range holds zero) are straight again.

Where several inputs with the same two ends move together, they are looked at while
their order stays the same: an element is straight if it is affine in them, bent if
convex.  What sorting or taking the largest or smallest makes of inputs are inputs.  The
points with one order are the convex hull of the corners in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.certify.checker.convex_symbols import never_negative
from deuterium.certify.checker.motions import (
    INPUT,
    NO_KEYS,
    UNKNOWN,
    Motion,
    Moving,
    convex,
    inputs,
    line,
    line_of,
    only,
    scaled,
    summed,
    top,
    turned,
)
from deuterium.certify.checker.operator_table import rises
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

NEVER_FALL = {
    ops.is_positive, ops.step, ops.sign, ops.floor, ops.ceil, ops.trunc, ops.rint,
    ops.relu,
}  # fmt: skip
CONVEX = {ops.absolute, ops.square, ops.relu, ops.exp, ops.cosh}


class EndValues:
    """What moves with inputs of a scalar graph.

    Parameters
    ----------
    graph : Variable
    starts : mapping from str to int
        The first input of each symbol.
    """

    def __init__(self, graph: Variable, starts: Mapping[str, int]) -> None:
        self.graph, self.starts = graph, starts
        self.order = topological([graph])
        self.positive = never_negative(self.order)
        self._sources: dict[Variable, Sequence[tuple[int, int]]] = {}
        self._several = False
        self._moving: dict[Variable, Moving] = {}

    def suffice(self, inputs: Collection[int]) -> bool:
        """Return whether only the ends of some inputs matter.

        Of one, whatever the others are; of several, all of them moving together.
        """
        self._several = len(inputs) > 1
        self._moving = {}
        for node in self.order:
            self._moving[node] = self._of(node, inputs)
        return all(m.ended for m in self._moving[self.graph].values())

    def _of(self, node: Variable, inputs: Collection[int]) -> Moving:
        op = node.op
        if op is None:
            if not node.is_symbol:
                return {}
            start = self.starts[node.name]
            own = INPUT if self._several else line("t")
            return {i: own for i in range(node.size) if start + i in inputs}
        args = [self._moving[a] for a in node.args]
        if not any(args):
            return {}
        if op.moves_elements:
            sources = enumerate(self.sources(node))
            return {p: args[k][e] for p, (k, e) in sources if e in args[k]}
        if op in RULES:
            return RULES[op](self, node, args)
        if op.arity == 1 and op.elementwise:
            alone = len(args[0]) == 1 and not self._several
            return {
                p: self._function(op, m, (node, p) if alone else None)
                for p, m in args[0].items()
            }
        return dict.fromkeys(range(node.size), UNKNOWN)

    def sources(self, node: Variable) -> Sequence[tuple[int, int]]:
        """Return of which argument, and which element of it, each element is."""
        if node not in self._sources:
            assert node.op is not None
            pairs = [(k, e) for k, a in enumerate(node.args) for e in range(a.size)]
            places, start = [], 0
            for a in node.args:
                places.append(np.arange(start, start + a.size).reshape(a.shape))
                start += a.size
            moved = np.ravel(node.op.value(*places, **node.attrs)).tolist()
            self._sources[node] = [pairs[i] for i in moved]
        return self._sources[node]

    def _function(self, op: Any, m: Motion, own: Any) -> Motion:
        """Return a function of one element, which alone moves if it has a name."""
        way = rises(op)
        never_falls = way is True or op in NEVER_FALL
        straight, bent, ended = NO_KEYS, NO_KEYS, m.ended and never_falls
        if m.straight and (never_falls or way is False):
            ended = True
            straight = bent = NO_KEYS if own is None else frozenset([own])
        if m.straight and op in CONVEX:
            bent |= m.straight
        if op is ops.logical_not:
            straight, bent = straight | m.straight, bent | m.straight
        return Motion(straight, bent, ended or bool(bent))

    # -- sums and products -------------------------------------------------------------

    def add(self, node: Variable, args: list[Moving]) -> Moving:
        """Return sums of two."""
        return {p: summed(a[p] for a in args if p in a) for p in _places(args)}

    def subtract(self, node: Variable, args: list[Moving]) -> Moving:
        """Return differences."""
        return self.add(node, [args[0], self.negative(node, args[1:])])

    def negative(self, node: Variable, args: list[Moving]) -> Moving:
        """Return opposites."""
        return {p: turned(m) for p, m in args[0].items()}

    def total(self, node: Variable, args: list[Moving]) -> Moving:
        """Return sums over axes."""
        axis = node.attrs["axis"]
        places = np.arange(node.args[0].size).reshape(node.args[0].shape)
        places = np.moveaxis(places, axis, range(-len(axis), 0))
        rows = places.reshape(node.size, places.size // max(node.size, 1)).tolist()
        return _by_rows(rows, args[0], summed)

    def multiply(self, node: Variable, args: list[Moving]) -> Moving:
        """Return products; of an element with itself, the square."""
        if node.args[0] is node.args[1]:
            alone = len(args[0]) == 1 and not self._several
            return {
                p: self._function(ops.square, m, (node, p) if alone else None)
                for p, m in args[0].items()
            }
        found = {}
        for p in _places(args):
            if p in args[0] and p in args[1]:
                found[p] = UNKNOWN
            else:
                k = 0 if p in args[0] else 1
                found[p] = self._times(args[k][p], node.args[1 - k])
        return found

    def _times(self, m: Motion, factor: Variable) -> Motion:
        kept = Motion(m.straight, m.bent, m.ended)
        return kept if factor in self.positive else scaled(m)

    def matmul(self, node: Variable, args: list[Moving]) -> Moving:
        """Return sums of products."""
        a, b = (np.arange(x.size).reshape(x.shape) for x in node.args)
        inner = a.shape[-1]
        left = np.broadcast_to(a[..., :, None, :], (*node.shape, inner))
        right = np.swapaxes(b, -1, -2)[..., None, :, :]
        right = np.broadcast_to(right, (*node.shape, inner))
        found: Moving = {}
        rows = zip(
            left.reshape(-1, inner).tolist(),
            right.reshape(-1, inner).tolist(),
            strict=True,
        )
        for p, pairs in enumerate(rows):
            parts = []
            for i, j in zip(*pairs, strict=True):
                if i in args[0] and j in args[1]:
                    parts.append(UNKNOWN)
                elif i in args[0]:
                    parts.append(self._times(args[0][i], node.args[1]))
                elif j in args[1]:
                    parts.append(self._times(args[1][j], node.args[0]))
            if parts:
                found[p] = summed(parts)
        return found

    def divide(self, node: Variable, args: list[Moving]) -> Moving:
        """Return quotients."""
        top, below = args
        found = {}
        for p in _places(args):
            if p not in below:
                found[p] = self._times(top[p], node.args[1])
                continue
            keys = below[p].straight
            if p in top:
                keys &= top[p].straight
            number = self._origin(node.args[1], p)
            found[p] = UNKNOWN if self._several else line_of((number, k) for k in keys)
        return found

    def reciprocal(self, node: Variable, args: list[Moving]) -> Moving:
        """Return inverses of what is nowhere zero."""
        alone = len(args[0]) == 1 and not self._several
        return {
            p: line((node, p)) if alone and m.straight else UNKNOWN
            for p, m in args[0].items()
        }

    def _origin(self, node: Variable, p: int) -> tuple[Variable, int]:
        """Return the element that an element was moved from."""
        while node.op is not None and node.op.moves_elements:
            k, p = self.sources(node)[p]
            node = node.args[k]
        return node, p

    # -- choices and rows --------------------------------------------------------------

    def extreme(self, node: Variable, args: list[Moving]) -> Moving:
        """Return the larger, or the smaller, of two."""
        places = _places(args)
        alone = len(places) == 1 and not self._several
        found = {}
        for p in places:
            own = [a[p] for a in args if p in a]
            one = inputs(own, 2)
            if one is not None:
                found[p] = one
                continue
            largest = top(own) if node.op is ops.maximum else UNKNOWN
            if alone and len(own) == 1 and own[0].straight:
                keys = frozenset([(node, p)])
                largest = Motion(keys, keys | largest.bent, True)
            found[p] = largest
        return found

    def largest(self, node: Variable, args: list[Moving]) -> Moving:
        """Return the largest of rows."""
        length = node.args[0].shape[-1]
        return _by_rows(
            _rows(node),
            args[0],
            lambda ms: inputs(own := list(ms), length) or top(own),
        )

    def sort(self, node: Variable, args: list[Moving]) -> Moving:
        """Return rows in order."""
        found: Moving = {}
        for row in _rows(node):
            own = [args[0][i] for i in row if i in args[0]]
            if own:
                found |= dict.fromkeys(row, inputs(own, len(row)) or UNKNOWN)
        return found

    def softmax(self, node: Variable, args: list[Moving]) -> Moving:
        """Return exponentials over their sum, where one of a row moves."""
        found: Moving = {}
        for row in _rows(node):
            own = [args[0][i] for i in row if i in args[0]]
            if own:
                single = len(own) == 1 and not self._several and own[0].straight
                here = line((node, row[0])) if single else UNKNOWN
                found |= dict.fromkeys(row, here)
        return found

    def row_product(self, node: Variable, args: list[Moving]) -> Moving:
        """Return products of rows, of which one element moves."""
        return _by_rows(
            _rows(node),
            args[0],
            lambda ms: scaled(m) if (m := only(ms)) is not None else UNKNOWN,
        )

    def length(self, node: Variable, args: list[Moving]) -> Moving:
        """Return convex functions of rows."""
        return _by_rows(_rows(node), args[0], convex)

    def two_lengths(self, node: Variable, args: list[Moving]) -> Moving:
        """Return convex functions of two numbers."""
        return {p: convex(a[p] for a in args if p in a) for p in _places(args)}


RULES: Mapping[Any, Callable[[EndValues, Variable, list[Moving]], Moving]] = {
    ops.add: EndValues.add,
    ops.subtract: EndValues.subtract,
    ops.negative: EndValues.negative,
    ops.add_reduce: EndValues.total,
    ops.multiply: EndValues.multiply,
    ops.matmul: EndValues.matmul,
    ops.divide: EndValues.divide,
    ops.reciprocal: EndValues.reciprocal,
    ops.maximum: EndValues.extreme,
    ops.minimum: EndValues.extreme,
    ops.maximum_reduce: EndValues.largest,
    ops.sort_last: EndValues.sort,
    ops.softmax_last: EndValues.softmax,
    ops.multiply_reduce: EndValues.row_product,
    ops.norm: EndValues.length,
    ops.logsumexp_last: EndValues.length,
    ops.hypot: EndValues.two_lengths,
}


def _places(args: Sequence[Moving]) -> set[int]:
    return set().union(*args)


def _rows(node: Variable) -> list[list[int]]:
    """Return the places of the last axis of an argument, row by row."""
    x = node.args[0]
    rows: list[list[int]] = np.arange(x.size).reshape(-1, x.shape[-1]).tolist()
    return rows


def _by_rows(
    rows: list[list[int]], own: Moving, rule: Callable[[Iterable[Motion]], Motion]
) -> Moving:
    found: Moving = {}
    for p, row in enumerate(rows):
        moving = [own[i] for i in row if i in own]
        if moving:
            found[p] = rule(moving)
    return found
