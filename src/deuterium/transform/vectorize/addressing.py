"""Addresses of numbers: which array node of the new graph, and which element."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.operator import Shape
from deuterium.graph.variable import Variable, node
from deuterium.ops.arrays import reshape_to, take_places
from deuterium.transform.vectorize.integer_table import (
    CONSTANT,
    ELEMENT,
    LEAF,
    IntegerTable,
    Ints,
)

CONSTANTS = 0  # the source of constants: they have no array until they are collected
LEAVES = 1  # the source of scalar symbols: all stacked, once something collects them
_LARGEST = 2**40  # more places than any array has


class Places:
    """The sources, and the source and place of every number that is done."""

    def __init__(self, table: IntegerTable) -> None:
        self._table = table
        self._source = np.full(len(table), CONSTANTS)
        self._place = np.zeros(len(table), dtype=np.int64)
        self._arrays: list[Variable | None] = [None, None]
        self._single: dict[int, Variable] = {}  # numbers that are nodes of their own
        self._collected: dict[tuple[Shape, bytes], Variable] = {}
        self._leaves = np.flatnonzero(table.code == LEAF)
        self._source[self._leaves] = LEAVES
        self._place[self._leaves] = np.arange(len(self._leaves))
        self._tell_constants_apart(np.flatnonzero(table.code == CONSTANT))

    def _tell_constants_apart(self, constants: Ints) -> None:
        bits = self._table.value[constants].view(np.int64)  # 0.0 is not -0.0
        self._place[constants] = np.unique(bits, return_inverse=True)[1]

    # -- putting things there --------------------------------------------------------

    def put(self, numbers: Ints, array: Variable, places: Ints | None = None) -> None:
        """Say that these numbers are the elements of ``array`` (at flat places)."""
        self._source[numbers] = len(self._arrays)
        self._place[numbers] = np.arange(len(numbers)) if places is None else places
        self._arrays.append(array)

    def put_node(self, number: int, v: Variable) -> None:
        """Say that this number is a node of its own, a scalar or an array."""
        self._single[number] = v
        self._source[number] = len(self._arrays)
        self._arrays.append(v)

    def put_elements(self, numbers: Ints, of: Ints) -> None:
        """Say that these numbers are elements of arrays, at places in the table.

        Shapes: both (numbers,).
        """
        self._source[numbers] = self._source[of]
        self._place[numbers] = self._table.value[numbers].astype(np.int64)

    # -- getting them back -----------------------------------------------------------

    def address(self, numbers: Ints) -> Ints:
        """Return source and place as one integer: equal numbers have equal ones."""
        return self._source[numbers] * _LARGEST + self._place[numbers]

    def position(self, numbers: Ints) -> Ints:
        """Return what to sort by: the address, but constants stay as they are."""
        return np.where(self._source[numbers] == CONSTANTS, 0, self.address(numbers))

    def are_constant(self, numbers: Ints) -> bool:
        """Return whether all these numbers are constants."""
        return not self._source[numbers].any()

    def node(self, number: int) -> Variable:
        """Return a number as a node of its own."""
        found = self._single.get(number)
        if found is None:
            found = self._single[number] = self._own_node(number)
        return found

    def _own_node(self, number: int) -> Variable:
        code = self._table.code[number]
        old = number < len(self._table.nodes)
        if old and code in (CONSTANT, LEAF):
            return self._table.nodes[number]
        if code == CONSTANT:
            return constant(float(self._table.value[number]))
        array = self._array(int(self._source[number]))
        if old and code == ELEMENT and self._table.nodes[number].args[0] is array:
            return self._table.nodes[number]
        return _taken(array, np.asarray(self._place[number]))

    def shape(self, numbers: Ints) -> Shape:
        """Return the shape of the array whose elements these are, in order, if any."""
        source = int(self._source[numbers[0]])
        if source != CONSTANTS and (self._source[numbers] == source).all():
            array = self._array(source)
            if _is_all_of(array, self._place[numbers]):
                return array.shape
        return numbers.shape

    def spread(self, numbers: Ints) -> Variable:
        """Return these numbers as one array, by broadcasting where they repeat."""
        shape, address = numbers.shape, self.address(numbers)
        if self.are_constant(numbers):
            return self.collect(numbers)
        if numbers.size > 1 and (address == address.flat[0]).all():
            return broadcast_to(self.node(int(numbers.flat[0])), shape)
        if numbers.ndim == 2 and shape[1] > 1 and (address == address[:, :1]).all():
            column = reshape_to(self.collect(numbers[:, 0]), (shape[0], 1))
            return broadcast_to(column, shape)
        if numbers.ndim == 2 and shape[0] > 1 and (address == address[:1]).all():
            return broadcast_to(self.collect(numbers[0]), shape)
        return self.collect(numbers)

    def collect(self, numbers: Ints) -> Variable:
        """Return these numbers as one array."""
        sources = self._source[numbers]
        if not sources.any():
            return constant(self._table.value[numbers])
        key = numbers.shape, self.address(numbers).tobytes()
        if key not in self._collected:
            one = (sources == sources.flat[0]).all()
            self._collected[key] = (self._taken if one else self._joined)(numbers)
        return self._collected[key]

    def by_source(self, numbers: Ints) -> list[Ints]:
        """Return where in ``numbers`` those of each source are."""
        order = np.argsort(self._source[numbers], kind="stable")
        ends = np.flatnonzero(np.diff(self._source[numbers[order]])) + 1
        bounds = [0, *ends.tolist(), len(numbers)]
        return [order[i:j] for i, j in pairwise(bounds)]

    def _joined(self, numbers: Ints) -> Variable:
        """Join what comes of each source, then put it in order."""
        flat = numbers.ravel()
        sources = self.by_source(flat)
        parts = [self._taken(flat[where]) for where in sources]
        order = np.concatenate(sources)
        index = np.empty(len(flat), dtype=np.int64)
        index[order] = np.arange(len(flat))
        return _taken(_concatenated(parts), index.reshape(numbers.shape))

    def _taken(self, numbers: Ints) -> Variable:
        """Return numbers of one source."""
        source = int(self._source[numbers.flat[0]])
        if source == CONSTANTS:
            return constant(self._table.value[numbers])
        return _taken(self._array(source), self._place[numbers])

    def _array(self, source: int) -> Variable:
        found = self._arrays[source]
        if found is None:
            leaves = [self.node(i) for i in self._leaves.tolist()]
            found = _concatenated([reshape_to(v, (1,)) for v in leaves])
            self._arrays[source] = found
        return found


def _taken(x: Variable, index: Any) -> Variable:
    """Return the elements of ``x`` at flat places; no movement if those are all."""
    return reshape_to(x, index.shape) if _is_all_of(x, index) else take_places(x, index)


def _is_all_of(x: Variable, index: Any) -> bool:
    return index.size == x.size and bool((index.ravel() == np.arange(x.size)).all())


def _concatenated(parts: list[Variable]) -> Variable:
    if len(parts) == 1:
        return parts[0]
    shape = (sum(p.size for p in parts),)
    return node(ops.concatenate, tuple(parts), {"axis": -1, "ndim": 1}, shape)
