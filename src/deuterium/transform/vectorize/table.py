"""A graph as a table of integers, which NumPy can sort and count.

Every node has a number.  The table says what each number is (its code) and, as pairs
``(owner, child)``, which numbers it is computed from.  Rewriting the table may leave
nodes out and append numbers that are nodes of no graph yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deuterium.graph.operator import Operator, lookup
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
BASIC = ("add", "subtract", "negative", "multiply")
ADD, SUBTRACT, NEGATIVE, MULTIPLY = range(10, 14)
FIRST_OPERATOR = ADD

Kind = tuple[Operator, Mapping[str, Any]]


@dataclass(frozen=True)
class Table:
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
        return np.searchsorted(self.owner, np.arange(len(self) + 1))

    @property
    def uses(self) -> Ints:
        """How often each number is used (to be an output is a use)."""
        return np.bincount(np.append(self.child, self.outputs), minlength=len(self))

    def appended(self, code: int, origin: Ints, value: Any = 0.0) -> tuple[Table, Ints]:
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
    ) -> Table:
        """Return the table with other edges and codes.

        Edges that are ``kept`` stay and those ``added`` come behind them, owner by
        owner; numbers that are gone lose all theirs.
        """
        owner = np.concatenate([self.owner[kept], *[o for o, _ in added]])
        child = np.concatenate([self.child[kept], *[c for _, c in added]])
        alive = np.flatnonzero(code[owner] != GONE)
        order = alive[np.argsort(owner[alive], kind="stable")]
        return replace(self, code=code, owner=owner[order], child=child[order])


def read(outputs: list[Variable], keep: Iterable[Variable] = ()) -> Table:
    """Return the table of a graph; scalar constants in ``keep`` are read as leaves."""
    nodes = topological(outputs)
    kept = set(keep)
    number: dict[Variable, int] = {}
    names: dict[str, int] = {}
    kinds: list[Kind] = [(lookup(name), NO_ATTRS) for name in BASIC]
    codes: dict[Any, int] = {op: FIRST_OPERATOR + i for i, (op, _) in enumerate(kinds)}
    code: list[int] = []
    owner: list[int] = []
    child: list[int] = []
    value: dict[int, float] = {}
    for i, node in enumerate(nodes):
        op, args = node.op, node.args
        number[node] = i
        if op is None:
            if node.shape:
                code.append(OTHER)
            elif node.value is None or node in kept:
                code.append(LEAF)
                number[node] = names.setdefault(node.name, i) if node.name else i
            elif _is_double(node.value):
                code.append(CONSTANT)
                value[i] = float(node.value)
            else:
                code.append(OTHER)
            continue
        if op.elementwise and node.shape == () and 0 < len(args) <= 2:
            key = (op, *node.attrs.items()) if node.attrs else op
            if key not in codes:
                codes[key] = FIRST_OPERATOR + len(kinds)
                kinds.append((op, node.attrs))
            code.append(codes[key])
        elif _is_element(node):
            code.append(ELEMENT)
            value[i] = float(node.attrs["index"])
        elif _is_join(node):
            code.append(JOIN)
            args = tuple(a.args[0] for a in args)
        else:
            code.append(OTHER)
        for a in args:
            owner.append(i)
            child.append(number[a])
    values = np.zeros(len(nodes))
    values[list(value)] = list(value.values())
    table = Table(
        nodes,
        np.array([number[v] for v in outputs], dtype=np.int64),
        np.array(code, dtype=np.int64),
        np.arange(len(nodes)),
        values,
        np.array(owner, dtype=np.int64),
        np.array(child, dtype=np.int64),
        kinds,
    )
    return _without_unused(table)


def _is_double(value: Any) -> bool:
    """Return whether a number is itself in double precision (a long integer is not)."""
    try:
        return bool(float(value) == value)
    except OverflowError:
        return False


def _is_element(node: Variable) -> bool:
    assert node.op is not None
    return node.op.name == "gather" and node.attrs["index"].shape == ()


def _is_join(node: Variable) -> bool:
    """Return whether this is what ``np.stack`` makes of scalars."""
    assert node.op is not None
    return (
        node.op.name == "concatenate"
        and node.ndim == 1
        and all(
            a.shape == (1,)
            and a.op is not None
            and a.op.name == "reshape"
            and a.args[0].shape == ()
            for a in node.args
        )
    )


def _without_unused(table: Table) -> Table:
    """Drop what joins no longer need: the scalars made arrays of one element."""
    code = np.where(table.uses == 0, GONE, table.code)
    return table.rewired(np.ones(len(table.owner), dtype=bool), code=code)
