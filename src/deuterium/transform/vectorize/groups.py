"""One array node for all rows of one kind and one depth.

The depth of a row is one more than that of its deepest operand, so rows of equal depth
do not depend on each other.  The members of a group, and the terms of a sum, are sorted
by the places of their operands: elements that are used together then lie side by side,
most gathers turn out to be no movement at all, and outer products show as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from deuterium.graph.operator import Shape, lookup
from deuterium.graph.source import Source, attributing
from deuterium.graph.variable import NO_ATTRS, Variable, node
from deuterium.interval.linear import EXACT_PRODUCTS
from deuterium.ops.arrays import prod_last, sum_over
from deuterium.transform.vectorize.places import Places
from deuterium.transform.vectorize.table import (
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
    Ints,
    Table,
)

SMALL = 8  # a group of fewer members stays scalar


def build(table: Table) -> list[Variable]:
    """Return the outputs of the table as nodes of a new graph."""
    with attributing() as attribute:
        builder = _Builder(table, attribute)
        for members in _groups(table):
            builder.add(members)
    return [builder.places.node(i) for i in table.outputs.tolist()]


def _groups(table: Table) -> Iterator[Ints]:
    """Give the rows that can be one array, every group after those it is made from."""
    rows = np.flatnonzero(~np.isin(table.code, (GONE, CONSTANT, LEAF)))
    keys = (np.diff(table.starts)[rows], table.code[rows], _depths(table)[rows])
    order = np.lexsort(keys)
    changes = np.any([np.diff(key[order]) != 0 for key in keys], axis=0)
    bounds = [0, *(np.flatnonzero(changes) + 1).tolist(), len(rows)]
    return (rows[order[i:j]] for i, j in pairwise(bounds) if i < j)


def _depths(table: Table) -> Ints:
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


class _Builder:
    """Makes the nodes of one group after another."""

    def __init__(self, table: Table, attribute: Callable[[Source | None], Any]) -> None:
        self.table = table
        self.places = Places(table)
        self._attribute = attribute
        self._starts, self._child = table.starts, table.child

    def add(self, members: Ints) -> None:
        """Make the nodes of one group."""
        code = int(self.table.code[members[0]])
        if code == OTHER or (code >= FIRST_OPERATOR and len(members) < SMALL):
            for i in members.tolist():
                self._copy(i)
            return
        self._attribute(self._old(members[0]).source)
        width = self._starts[members[0] + 1] - self._starts[members[0]]
        operands = self._child[self._starts[members][:, None] + np.arange(width)]
        rule = _RULES.get(code, _Builder._elementwise)
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
        if old.op is op and len(args) == len(old.args):
            if all(a is b for a, b in zip(args, old.args, strict=True)):
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
        address = self.places.address(operands)
        order = np.lexsort(address.T[::-1])
        members, operands = members[order], operands[order]
        shape = _grid(address[order])
        args = [self.places.spread(column.reshape(shape)) for column in operands.T]
        self.places.put(members, node(op, tuple(args), attrs, shape))

    def _sums(self, members: Ints, operands: Ints) -> None:
        members, (terms,) = self._sorted(members, operands)
        self.places.put(members, sum_over(self._rows(terms), (-1,)))

    def _products(self, members: Ints, operands: Ints) -> None:
        members, (factors,) = self._sorted(members, operands)
        self.places.put(members, prod_last(self._rows(factors)))

    def _rows(self, numbers: Ints) -> Variable:
        return self.places.spread(numbers if len(numbers) > 1 else numbers[0])

    def _sorted(self, members: Ints, *operands: Ints) -> tuple[Ints, list[Ints]]:
        """Sort the terms of each row by place, then the rows by their first terms."""
        address = [self.places.address(x) for x in operands]
        order = np.lexsort(address[::-1], axis=-1)
        sorted_terms = [np.take_along_axis(x, order, axis=-1) for x in operands]
        rows = np.argsort(self.places.address(sorted_terms[0])[:, 0], kind="stable")
        return members[rows], [x[rows] for x in sorted_terms]

    def _dots(self, members: Ints, operands: Ints) -> None:
        """Make matrix products where rows share their operands, else sums of products.

        Every pair of a distinct left side (an input, or a window of one) and a distinct
        right side (weights) then is an element of one product of two matrices.
        """
        half = operands.shape[1] // 2
        members, (x, y) = self._sorted(members, operands[:, :half], operands[:, half:])
        lefts, left = _distinct(self.places.address(x))
        rights, right = _distinct(self._identity(y))
        count = len(lefts) * len(rights)
        if count <= len(members) and self._is_tight(y, count):
            matrix = self.places.collect(x[lefts])
            other = self.places.collect(y[rights].T)
            product = node(
                lookup("matmul"), (matrix, other), NO_ATTRS, (len(lefts), len(rights))
            )
            self.places.put(members, product, left * len(rights) + right)
        else:
            product = self._rows(x) * self._rows(y)
            self.places.put(members, sum_over(product, (-1,)))

    def _identity(self, numbers: Ints) -> Any:
        """Return what tells numbers apart: the value of constants, else the place."""
        if self.places.are_constant(numbers):
            return self.table.value[numbers]
        return self.places.address(numbers)

    def _is_tight(self, y: Ints, count: int) -> bool:
        """Return whether a matrix product is enclosed as tightly as its products are.

        One with a constant matrix is.  A small one of two variable matrices is, too; a
        single dot product gains nothing from being one.
        """
        if self.places.are_constant(y):
            return True
        return 1 < count and count * y.shape[1] <= EXACT_PRODUCTS


_RULES: dict[int, Callable[[_Builder, Ints, Ints], None]] = {
    ELEMENT: _Builder._elements,
    JOIN: _Builder._joins,
    SUM: _Builder._sums,
    PRODUCT: _Builder._products,
    DOT: _Builder._dots,
}


def _grid(address: Ints) -> Shape:
    """Return the shape of a group: a matrix if an operand repeats in runs of one length.

    Rows are sorted, so the members ``a[i] * b[j]`` of an outer product come as one.
    """
    count = len(address)
    for column in address.T:
        ends = np.flatnonzero(np.diff(column)) + 1
        runs = len(ends) + 1
        if 1 < runs < count and count % runs == 0:
            if (ends == np.arange(1, runs) * (count // runs)).all():
                return (runs, count // runs)
    return (count,)


def _distinct(rows: Any) -> tuple[Ints, Ints]:
    """Return the first of each set of equal rows, and which of them each row equals."""
    seen: dict[bytes, int] = {}
    which = [seen.setdefault(row.tobytes(), len(seen)) for row in rows]
    kinds = np.array(which, dtype=np.int64)
    return np.unique(kinds, return_index=True)[1], kinds
