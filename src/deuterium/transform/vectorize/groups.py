"""One array node for all rows of one kind and one depth.

The depth of a row is one more than that of its deepest operand, so rows of equal depth
do not depend on each other.  The members of a group, and the terms of a sum, are sorted
by the places of their operands: elements that are used together then lie side by side,
most gathers turn out to be no movement at all, and outer products show as such.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.budget import check
from deuterium.graph.operator import Shape
from deuterium.graph.provenance import Source, attributing
from deuterium.graph.variable import NO_ATTRS, Variable, node
from deuterium.interval.linear import EXACT_PRODUCTS
from deuterium.ops.arrays import prod_last, sum_over
from deuterium.transform.vectorize.addressing import Places
from deuterium.transform.vectorize.grids import Grids, distinct, grids
from deuterium.transform.vectorize.integer_table import (
    CONSTANT,
    DOT,
    ELEMENT,
    FIRST_OPERATOR,
    GONE,
    JOIN,
    LEAF,
    OTHER,
    PRODUCT,
    SUM,
    WEIGHTED,
    IntegerTable,
    Ints,
)

SMALL = 8  # a group of fewer members stays scalar
FEW = 8  # a sum over so many arrays is made of one sum for each


def build(table: IntegerTable) -> list[Variable]:
    """Return the outputs of the table as nodes of a new graph."""
    with attributing() as attribute:
        builder = _GroupBuilder(table, attribute)
        for members in _groups(table):
            builder.add(members)
    return [builder.places.node(i) for i in table.outputs.tolist()]


def _groups(table: IntegerTable) -> Iterator[Ints]:
    """Give the rows that can be one array, every group after those it is made from."""
    rows = np.flatnonzero(~np.isin(table.code, (GONE, CONSTANT, LEAF)))
    keys = (np.diff(table.starts)[rows], table.code[rows], _depths(table)[rows])
    order = np.lexsort(keys)
    changes = np.any([np.diff(key[order]) != 0 for key in keys], axis=0)
    bounds = [0, *(np.flatnonzero(changes) + 1).tolist(), len(rows)]
    return (rows[order[i:j]] for i, j in pairwise(bounds) if i < j)


def _depths(table: IntegerTable) -> Ints:
    """Return the depth of every row; 0 for what has no operands."""
    # numbers that were appended come just before the node they are a part of
    numbers = np.arange(len(table))
    whole = numbers == table.origin
    order = np.lexsort((whole, table.origin))
    order = order[np.diff(table.starts)[order] > 0]
    starts, child, depth = table.starts.tolist(), table.child.tolist(), [0] * len(table)
    for i in order.tolist():
        depth[i] = 1 + max([depth[c] for c in child[starts[i] : starts[i + 1]]])
    return np.array(depth, dtype=np.int64)


class _GroupBuilder:
    """Makes the nodes of one group after another."""

    def __init__(
        self, table: IntegerTable, attribute: Callable[[Source | None], Any]
    ) -> None:
        self.table = table
        self.places = Places(table)
        self._attribute = attribute
        self._starts, self._child = table.starts, table.child

    def add(self, members: Ints) -> None:
        """Make the nodes of one group."""
        code = int(self.table.code[members[0]])
        if code == OTHER or (code >= FIRST_OPERATOR and len(members) < SMALL):
            for i in members.tolist():
                check()
                self._copy(i)
            return
        check()
        self._attribute(self._old(members[0]).source)
        width = self._starts[members[0] + 1] - self._starts[members[0]]
        operands = self._child[self._starts[members][:, None] + np.arange(width)]
        rule = _RULES.get(code, _GroupBuilder._elementwise)
        rule(self, members, operands)

    def _old(self, number: Any) -> Variable:
        return self.table.nodes[self.table.origin[number]]

    # -- rows that stay as they are --------------------------------------------------

    def _copy(self, i: int) -> None:
        """Make a node of its own: the old one, if its arguments are the old ones."""
        old = self._old(i)
        code = int(self.table.code[i])
        children = self._child[self._starts[i] : self._starts[i + 1]].tolist()
        args = tuple([self.places.node(c) for c in children])
        op = old.op if code == OTHER else self._kind(code)[0]
        if old.op is op and list(map(id, args)) == list(map(id, old.args)):
            self.places.put_node(i, old)
            return
        attrs = old.attrs if code == OTHER else self._kind(code)[1]
        self._attribute(old.source)
        self.places.put_node(i, node(op, args, attrs, old.shape))

    def _kind(self, code: int) -> Any:
        return self.table.kinds[code - FIRST_OPERATOR]

    def _elements(self, members: Ints, operands: Ints) -> None:
        self.places.put_elements(members, operands[:, 0])

    def _joins(self, members: Ints, operands: Ints) -> None:
        for i, row in zip(members.tolist(), operands, strict=True):
            self.places.put_node(i, self.places.collect(row))

    # -- rows that become one array --------------------------------------------------

    def _elementwise(self, members: Ints, operands: Ints) -> None:
        op, attrs = self._kind(int(self.table.code[members[0]]))
        order = np.lexsort(self.places.position(operands).T[::-1])
        members, operands = members[order], operands[order]
        shape = self._shape(operands)
        args = [self.places.spread(column.reshape(shape)) for column in operands.T]
        self.places.put(members, node(op, tuple(args), attrs, shape))

    def _shape(self, operands: Ints) -> Shape:
        """Return the shape of a group.

        A matrix, if an operand repeats in runs of one length: rows are sorted, so the
        members ``a[i] * b[j]`` of an outer product come as one.  Else that of an array
        the group takes as it is, or one axis.
        """
        count = len(operands)
        for column in operands.T:
            ends = np.flatnonzero(np.diff(self.places.position(column))) + 1
            runs = len(ends) + 1
            length, rest = divmod(count, runs)
            even = rest == 0 and (ends == np.arange(1, runs) * length).all()
            if even and 1 < runs < count:
                return (runs, length)
        shapes = [self.places.shape(column) for column in operands.T]
        return max(shapes, key=len)

    def _sums(self, members: Ints, operands: Ints) -> None:
        if len(members) == 1:
            self.places.put(members, self._total(operands[0]))
            return
        members, (terms,) = self._sorted(members, operands)
        self.places.put(members, sum_over(self._rows(terms), (-1,)))

    def _total(self, terms: Ints) -> Variable:
        """Sum what comes of each array on its own, where these are few."""
        sources = self.places.by_source(terms)
        if len(sources) > FEW:
            sources = [np.arange(len(terms))]
        parts = [self._total_of_one(terms[where]) for where in sources]
        return functools.reduce(operator.add, parts)

    def _total_of_one(self, terms: Ints) -> Variable:
        terms = terms[np.argsort(self.places.address(terms), kind="stable")]
        shape = self.places.shape(terms)
        axes = tuple(range(-len(shape), 0))
        return sum_over(self.places.collect(terms.reshape(shape)), axes)

    def _products(self, members: Ints, operands: Ints) -> None:
        # in their own order: another might overflow on the way
        self.places.put(members, prod_last(self._rows(operands)))

    def _rows(self, numbers: Ints) -> Variable:
        return self.places.spread(numbers if len(numbers) > 1 else numbers[0])

    def _sorted(self, members: Ints, *operands: Ints) -> tuple[Ints, list[Ints]]:
        """Sort the terms of each row by place, then the rows by their first terms."""
        position = [self.places.position(x) for x in operands]
        order = np.lexsort(position[::-1], axis=-1)
        sorted_terms = [np.take_along_axis(x, order, axis=-1) for x in operands]
        rows = np.argsort(self.places.position(sorted_terms[0][:, 0]), kind="stable")
        return members[rows], [x[rows] for x in sorted_terms]

    def _dots(self, members: Ints, operands: Ints) -> None:
        """Make matrix products where rows share their operands, else sums of products.

        A row has a left side (an input, or a window of one) and a right side (weights).
        Where several left sides meet the same right sides, all pairs of them are the
        elements of one product of two matrices.

        Shapes: ``members`` (rows,), ``operands`` (rows, 2 * terms).
        """
        x, y = np.split(operands, 2, axis=1)
        lefts, left = distinct(self.places.address(x))
        rights, right = distinct(self.places.address(y))
        alone = np.ones(len(members), dtype=bool)
        for g in grids(left, right):
            if self._is_worth_a_matrix(g, y):
                out = self._matrix_product(x[lefts[g.rows]], y[rights[g.columns]])
                self.places.put(members[g.pairs], out, g.places)
                alone[g.pairs] = False
        if alone.any():
            members, (x, y) = self._sorted(members[alone], x[alone], y[alone])
            terms = self._rows(x) * self._rows(y)
            self.places.put(members, sum_over(terms, (-1,)))

    def _is_worth_a_matrix(self, g: Grids, y: Ints) -> bool:
        """Return whether a matrix product saves work and is enclosed as tightly.

        With a constant matrix it always is; of two variable ones, if it is small.
        """
        shared = g.rows.shape[1] * g.columns.shape[1] > 1
        products = g.rows.size * g.columns.shape[1] * y.shape[1]
        return shared and (self.places.are_constant(y) or products <= EXACT_PRODUCTS)

    def _matrix_product(self, x: Ints, y: Ints) -> Variable:
        """Return ``x @ y.T`` of numbers, for a stack of them.

        Shapes: ``x`` (grids, height, terms), ``y`` (grids, width, terms).
        """
        if len(x) == 1:
            x, y = x[0], y[0]
        shape = (*x.shape[:-1], y.shape[-2])
        args = (self.places.collect(x), self.places.collect(np.swapaxes(y, -1, -2)))
        return node(ops.matmul, args, NO_ATTRS, shape)


_RULES: dict[int, Callable[[_GroupBuilder, Ints, Ints], None]] = {
    ELEMENT: _GroupBuilder._elements,
    JOIN: _GroupBuilder._joins,
    SUM: _GroupBuilder._sums,
    PRODUCT: _GroupBuilder._products,
    DOT: _GroupBuilder._dots,
    WEIGHTED: _GroupBuilder._dots,
}
