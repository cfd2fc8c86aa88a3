"""A graph as a table of integers, which NumPy can sort and count.

Every node has a number.  The table says what each number is (its code) and, as pairs
``(owner, child)``, which numbers it is computed from.  Rewriting the table may leave
nodes out and append numbers that are nodes of no graph yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deuterium import ops
from deuterium.budget import check
from deuterium.graph.hashcons import hashable
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import NO_ATTRS, Variable

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# what a number can be: something special, ...
GONE = 0  # no longer computed
CONSTANT = 1  # a scalar constant
LEAF = 2  # a scalar symbol, or a constant to keep
OTHER = 3  # a node that stays as it is
ELEMENT = 4  # one element of an array
JOIN = 5  # scalars joined to an array of one axis
SUM = 6  # the sum of its operands
PRODUCT = 7  # the product of its operands
DOT = 8  # the dot product of the first and the second half of its operands
WEIGHTED = 9  # the same, where the second half are constants
# ... or a scalar operator of one or two operands, the first of which are always these
BASIC = (ops.add, ops.subtract, ops.negative, ops.multiply)
ADD, SUBTRACT, NEGATIVE, MULTIPLY = range(10, 14)  # operators, in the order of `BASIC`
FIRST_OPERATOR = ADD

Kind = tuple[Operator, Mapping[str, Any]]


@dataclass(frozen=True)
class IntegerTable:
    """A graph of scalars in integers.

    Attributes
    ----------
    nodes : list of Variable
        What the first numbers stand for.
    outputs : array of int
        The numbers that are wanted.
    code : array of int
        What each number is.
    origin : array of int
        The node that a number comes from: itself, or the one it is a part of.
    value : array of float
        The value of a constant; the place of an element in its array.
    owner, child : array of int
        Each number with each of its operands, by owner and in the operands' order.
    kinds : list of (Operator, attributes)
        What the codes from FIRST_OPERATOR on stand for.
    """

    nodes: list[Variable]
    outputs: Ints
    code: Ints
    origin: Ints
    value: Floats
    owner: Ints
    child: Ints
    kinds: list[Kind]

    def __len__(self) -> int:
        return len(self.code)

    @property
    def starts(self) -> Ints:
        """Where the operands of each number start in ``child``, and where they end."""
        counts = np.bincount(self.owner, minlength=len(self))
        return np.append(0, np.cumsum(counts))

    @property
    def uses(self) -> Ints:
        """How often each number is used (to be an output is a use)."""
        return np.bincount(np.append(self.child, self.outputs), minlength=len(self))

    def appended(
        self, code: int, origin: Ints, value: Any = 0.0
    ) -> tuple[IntegerTable, Ints]:
        """Return the table with one more number per origin, and these numbers."""
        size, more = len(self), len(origin)
        table = replace(
            self,
            code=np.append(self.code, np.full(more, code)),
            origin=np.append(self.origin, self.origin[origin]),
            value=np.append(self.value, np.broadcast_to(value, more)),
        )
        return table, np.arange(size, size + more)

    def rewired(
        self, kept: NDArray[np.bool_], *added: tuple[Ints, Ints], code: Ints
    ) -> IntegerTable:
        """Return the table with other edges and codes.

        Edges that are ``kept`` stay and those ``added`` come behind them, owner by
        owner; numbers that are gone lose all theirs.
        """
        owner = np.concatenate([self.owner[kept], *[o for o, _ in added]])
        child = np.concatenate([self.child[kept], *[c for _, c in added]])
        alive = np.flatnonzero(code[owner] != GONE)
        order = alive[np.argsort(owner[alive], kind="stable")]
        return replace(self, code=code, owner=owner[order], child=child[order])


def read(outputs: Sequence[Variable], keep: Iterable[Variable] = ()) -> IntegerTable:
    """Return the table of a graph; scalar constants in ``keep`` are read as leaves."""
    nodes = topological(outputs)
    coder = _Coder(keep)
    number: dict[Variable, int] = {}
    symbols: dict[str, int] = {}
    code: list[int] = []
    owner: list[int] = []
    child: list[int] = []
    for i, node in enumerate(nodes):
        check()
        number[node] = i
        kind, args = coder(node), node.args
        code.append(kind)
        if kind == LEAF and node.value is None:  # symbols are known by their names
            number[node] = symbols.setdefault(node.name, i)
        if kind == JOIN:
            args = tuple([a.args[0] for a in args])
        for a in args:
            owner.append(i)
            child.append(number[a])
    codes = np.array(code, dtype=np.int64)
    table = IntegerTable(
        nodes,
        np.array([number[v] for v in outputs], dtype=np.int64),
        codes,
        np.arange(len(nodes)),
        _values(nodes, codes),
        np.array(owner, dtype=np.int64),
        np.array(child, dtype=np.int64),
        coder.kinds,
    )
    return _without_unused(table)


def _values(nodes: list[Variable], code: Ints) -> Floats:
    values = np.zeros(len(nodes))
    for i in np.flatnonzero(code == CONSTANT).tolist():
        values[i] = nodes[i].value
    for i in np.flatnonzero(code == ELEMENT).tolist():
        values[i] = nodes[i].attrs["index"]
    return values


class _Coder:
    """Gives every node its code."""

    def __init__(self, keep: Iterable[Variable]) -> None:
        self.kinds: list[Kind] = []
        self._keep = set(keep)
        self._codes: dict[Any, int] = {}
        for op in BASIC:
            self._enter(op, op, NO_ATTRS)

    def __call__(self, node: Variable) -> int:
        op, attrs = node.op, node.attrs
        if op is None:
            return self._leaf(node)
        if op.elementwise and node.shape == () and op.arity in (1, 2):
            key = (op, *map(hashable, attrs.values())) if attrs else op
            return self._codes.get(key) or self._enter(key, op, attrs)
        if op is ops.gather and node.shape == ():
            return ELEMENT
        return JOIN if _is_join(op, node) else OTHER

    def _leaf(self, node: Variable) -> int:
        if node.shape:
            return OTHER
        if node.value is None or node in self._keep:
            return LEAF
        return CONSTANT if _is_double(node.value) else OTHER

    def _enter(self, key: Any, op: Operator, attrs: Mapping[str, Any]) -> int:
        self.kinds.append((op, attrs))
        return self._codes.setdefault(key, FIRST_OPERATOR + len(self.kinds) - 1)


def _is_double(value: Any) -> bool:
    """Return whether a number is itself in double precision (a long integer is not)."""
    try:
        return bool(float(value) == value)
    except OverflowError:
        return False


def _is_join(op: Operator, node: Variable) -> bool:
    """Return whether this is what ``np.stack`` makes of scalars."""
    return op is ops.concatenate and node.ndim == 1 and all(map(_is_boxed, node.args))


def _is_boxed(v: Variable) -> bool:
    """Return whether this is a scalar made an array of one element."""
    return v.op is ops.reshape and v.args[0].shape == ()


def _without_unused(table: IntegerTable) -> IntegerTable:
    """Drop what joins no longer need: the scalars made arrays of one element."""
    code = np.where(table.uses == 0, GONE, table.code)
    return table.rewired(np.ones(len(table.owner), dtype=bool), code=code)
