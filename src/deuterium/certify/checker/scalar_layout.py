"""A graph laid out as single numbers: what each depends on, and how.

Every element of every node is a *slot*.  Slots of the coordinates come first; elements
that are only moved (reshaped, gathered, broadcast ...) are the slots they came from.
What is left is a list of *groups*: one operator and its tasks, a task being the slots
it fills and the slots it takes.  Tasks that nothing wanted depends on are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb

from deuterium import ops
from deuterium.array_type import Array
from deuterium.errors import CertificateError
from deuterium.graph.constructors import symbol
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

Task = tuple[tuple[int, ...], tuple[int, ...]]  # slots filled, slots taken


def no_rule(op: Operator) -> str:
    """Return what is wrong with an operator that nothing is known of."""
    return (
        f"the checker has no rule for the operator {op.name!r}; give its record a "
        "`definition` by other operators"
    )


def flat(tasks: Sequence[Task]) -> list[tuple[int, ...]]:
    """Return tasks that fill one slot as the slot and those it takes, in one tuple."""
    return [(outs[0], *ins) for outs, ins in tasks]


@dataclass
class TaskGroup:
    """Tasks of one operator, independent of each other unless it is a chain."""

    op: Any  # an Operator, or a `Family` of them that are worked out together
    tasks: list[Task]
    attrs: Mapping[str, Any]


class ScalarLayout:
    """The slots and groups of a graph.

    Parameters
    ----------
    outputs : sequence of Variable
        What is wanted.
    starts : mapping
        The first coordinate of each symbol, by name.
    inputs : int
        How many coordinates there are.

    Attributes
    ----------
    slots : dict from Variable to ndarray
        The slot of every element of every node.
    numbers : dict from int to arb
        The slots of constants, and their values.
    groups : list of TaskGroup
        What is to be done, in order.
    count : int
        How many slots there are.
    """

    def __init__(
        self, outputs: Sequence[Variable], starts: Mapping[str, int], inputs: int
    ) -> None:
        self.count = inputs
        self.numbers: dict[int, Any] = {}
        self.groups: list[TaskGroup] = []
        self.slots: dict[Variable, Array] = {}
        self._known: dict[Any, int] = {}
        for node in topological(outputs):
            self.slots[node] = self._enter(node, starts)

    def _enter(self, node: Variable, starts: Mapping[str, int]) -> Array:
        if node.is_symbol:
            start = starts[node.name]
            return np.arange(start, start + node.size).reshape(node.shape)
        if node.op is None:
            return self._numbered(np.asarray(node.value, dtype=object))
        op = node.op
        places = [self.slots[a] for a in node.args]
        if op in MOVES:
            return MOVES[op](*places, **node.attrs)
        if op.elementwise and op.arity:
            return _each(self, node, places)
        if op in _MAKERS:
            return _MAKERS[op](self, node, places)
        if op.definition is None:
            raise CertificateError(no_rule(op))
        return self._spelled_out(node, places)

    def _spelled_out(self, node: Variable, places: list[Array]) -> Array:
        """Enter what an operator on arrays is by definition."""
        assert node.op is not None and node.op.definition is not None
        arguments = [symbol(f"argument {i}", a.shape) for i, a in enumerate(node.args)]
        graph = node.op.definition(*arguments, **node.attrs)
        self.slots.update(zip(arguments, places, strict=True))
        for inner in topological([graph]):
            if inner not in self.slots:
                self.slots[inner] = self._enter(inner, {})
        return self.slots[graph]

    def _numbered(self, values: Array) -> Array:
        places = [self.number(x) for x in values.ravel().tolist()]
        return np.array(places, dtype=np.int64).reshape(values.shape)

    def number(self, x: Any) -> int:
        """Return the slot of a constant."""
        if x not in self._known:
            self._known[x] = self.fresh(1)[0]
            self.numbers[self._known[x]] = arb(x)
        return self._known[x]

    def fresh(self, n: int) -> list[int]:
        """Return new slots."""
        self.count += n
        return list(range(self.count - n, self.count))

    def do(self, op: Any, tasks: list[Task], **attrs: Any) -> None:
        """Add a group."""
        self.groups.append(TaskGroup(op, tasks, attrs))

    def keep(self, wanted: set[int]) -> list[TaskGroup]:
        """Return the groups without the tasks that no wanted slot depends on."""
        needed, kept = set(wanted), []
        for group in reversed(self.groups):
            tasks = []
            for outs, ins in reversed(group.tasks):
                if not needed.isdisjoint(outs):
                    needed.update(ins)
                    tasks.append((outs, ins))
            if tasks:
                kept.append(TaskGroup(group.op, tasks[::-1], group.attrs))
        return kept[::-1]


# -- what only moves elements --------------------------------------------------------


def _selected(a: Array, b: Array, mask: Array) -> Array:
    return np.where(mask, a, b)


MOVES: Mapping[Operator, Callable[..., Array]] = {
    ops.broadcast: lambda x, shape, ndim: np.broadcast_to(x, shape),
    ops.reshape: lambda x, shape, ndim: x.reshape(shape),
    ops.transpose: lambda x, axes: x.transpose(axes),
    ops.gather: lambda x, index, ndim: x.ravel()[index],
    ops.concatenate: lambda *xs, axis, ndim: np.concatenate(xs, axis=axis),
    ops.select: _selected,
}
"""What the operators that move elements do to an array of slots."""


# -- what computes -------------------------------------------------------------------


def _each(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    """One task an element."""
    assert node.op is not None
    out = np.array(layout.fresh(node.size), dtype=np.int64)
    columns = [p.ravel().tolist() for p in places]
    tasks: list[Task] = [
        ((k,), tuple(ins)) for k, *ins in zip(out.tolist(), *columns, strict=True)
    ]
    layout.do(node.op, tasks, **node.attrs)
    return out.reshape(node.shape)


def _pi(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    (slot,) = layout.fresh(1)
    layout.numbers[slot] = arb.pi()
    return np.array(slot)


def _totals(layout: ScalarLayout, terms: Sequence[Sequence[int]]) -> list[int]:
    """Return the slots of sums; a sum of one term is that term, of none is zero."""
    out: list[int] = []
    tasks: list[Task] = []
    for row in terms:
        if not len(row):
            out.append(layout.number(0))
        elif len(row) == 1:
            out.append(int(row[0]))
        else:
            out += layout.fresh(1)
            tasks.append(((out[-1],), tuple(row)))
    if tasks:
        layout.do(ops.add_reduce, tasks)
    return out


def _sum(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    (x,) = places
    axes = tuple(i % x.ndim for i in node.attrs["axis"])
    kept = [i for i in range(x.ndim) if i not in axes]
    rows = x.transpose([*kept, *axes]).reshape(node.size, x.size // max(node.size, 1))
    return np.array(_totals(layout, rows.tolist()), dtype=np.int64).reshape(node.shape)


def _scatter(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    rows: list[list[int]] = [[] for _ in range(node.size)]
    for place, slot in zip(
        node.attrs["index"].ravel().tolist(), places[0].ravel().tolist(), strict=True
    ):
        rows[place].append(slot)
    return np.array(_totals(layout, rows), dtype=np.int64).reshape(node.shape)


def _norm(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    """Roots of sums of squares."""
    out = np.array(layout.fresh(node.size), dtype=np.int64)
    (x,) = places
    squares = np.array(layout.fresh(x.size), dtype=np.int64).reshape(x.shape)
    tasks = zip(squares.ravel().tolist(), x.ravel().tolist(), strict=True)
    layout.do(ops.square, [((k,), (i,)) for k, i in tasks])
    sums = _totals(layout, [row.tolist() for row in _rows(squares)])
    layout.do(ops.sqrt, [((k,), (s,)) for k, s in zip(out.tolist(), sums, strict=True)])
    return out.reshape(node.shape)


def _direction(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    """Cosines: of each element with the length of the others of its row."""
    found = [k for row in _rows(places[0]) for k in _cosines(layout, row.tolist())]
    return np.array(found, dtype=np.int64).reshape(node.shape)


def _cosines(layout: ScalarLayout, row: list[int]) -> list[int]:
    before, after = _chained(layout, row), _chained(layout, row[::-1])[::-1]
    rest = _pairs(layout, ops.hypot, before, after)
    return _pairs(layout, ops.direction_cosine, row, rest)


def _pairs(layout: ScalarLayout, op: Operator, a: Any, b: Any) -> list[int]:
    """Return the slots of an operator of two arguments, one after the other."""
    out = layout.fresh(len(a))
    layout.do(op, [((k,), tuple(pair)) for k, *pair in zip(out, a, b, strict=True)])
    return out


def _soft_direction(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    """Cosines of rows with the roots of their floors behind them."""
    x, floors = _rows(places[0]), places[1].ravel().tolist()
    roots = layout.fresh(len(floors))
    layout.do(ops.sqrt, [((k,), (s,)) for k, s in zip(roots, floors, strict=True)])
    rows = zip(x, roots, strict=True)
    found = [k for row, r in rows for k in _cosines(layout, [*row.tolist(), r])[:-1]]
    return np.array(found, dtype=np.int64).reshape(node.shape)


def _rejection(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    """Rows g less ``x (x.g) / (x.x + floor)``."""
    found: list[int] = []
    for x, g, s in zip(*map(_rows, places[:2]), places[2].ravel(), strict=True):
        row, other = x.tolist(), g.tolist()
        products = _pairs(layout, ops.multiply, row, other)
        squares = layout.fresh(len(row))
        layout.do(ops.square, [((k,), (i,)) for k, i in zip(squares, row, strict=True)])
        dot, square = _totals(layout, [products, squares])
        (below,) = _pairs(layout, ops.add, [square], [int(s)])
        share = _pairs(layout, ops.divide, [dot], [below]) * len(row)
        parts = _pairs(layout, ops.multiply, row, share)
        found += _pairs(layout, ops.subtract, other, parts)
    return np.array(found, dtype=np.int64).reshape(node.shape)


def _chained(layout: ScalarLayout, row: list[int]) -> list[int]:
    """Return the lengths of what is before each element of a row."""
    lengths = [layout.number(0)]
    for i in row[:-1]:
        lengths += layout.fresh(1)
        layout.do(ops.hypot, [((lengths[-1],), (lengths[-2], i))])
    return lengths


def _cumsum(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    (x,) = places
    flip = slice(None, None, -1 if node.attrs["reverse"] else 1)
    out = x.copy()
    for row, given in zip(_rows(out[..., flip]), _rows(x[..., flip]), strict=True):
        for i, j in pairwise(range(len(given))):
            (row[j],) = layout.fresh(1)
            layout.do(ops.add, [((int(row[j]),), (int(row[i]), int(given[j])))])
    return out


def _rows(x: Array) -> list[Array]:
    """Return views of the rows along the last axis."""
    return [x[place] for place in np.ndindex(x.shape[:-1])]


def _reduce(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    """One task a row, to one number."""
    assert node.op is not None
    out = np.array(layout.fresh(node.size), dtype=np.int64)
    rows = [tuple(row.tolist()) for row in _rows(places[0])]
    tasks: list[Task] = [((k,), r) for k, r in zip(out.tolist(), rows, strict=True)]
    layout.do(node.op, tasks)
    return out.reshape(node.shape)


def _along(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    """One task a row, to as many numbers."""
    assert node.op is not None
    out = np.array(layout.fresh(node.size), dtype=np.int64).reshape(node.shape)
    rows = zip(_rows(out), _rows(places[0]), strict=True)
    tasks = [(tuple(o.tolist()), tuple(x.tolist())) for o, x in rows]
    layout.do(node.op, tasks)
    return out


def _rows_of_all(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    """One task a row, which takes the rows of all arguments, one behind the other."""
    assert node.op is not None
    out = np.array(layout.fresh(node.size), dtype=np.int64).reshape(node.shape)
    tasks: list[Task] = []
    for outs, *ins in zip(_rows(out), *map(_rows, places), strict=True):
        tasks.append((tuple(outs.tolist()), tuple(i for x in ins for i in x.tolist())))
    layout.do(node.op, tasks, **node.attrs)
    return out


def _each_of_row(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    """One task an element, which takes itself and then the others of its row."""
    assert node.op is not None
    out = np.array(layout.fresh(node.size), dtype=np.int64).reshape(node.shape)
    tasks: list[Task] = []
    for outs, ins in zip(_rows(out), _rows(places[0]), strict=True):
        for k, i in enumerate(ins.tolist()):
            rest = ins.tolist()[:k] + ins.tolist()[k + 1 :]
            tasks.append(((int(outs[k]),), (i, *rest)))
    layout.do(node.op, tasks)
    return out


def _matmul(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    """One task a matrix product: its rows, then the two factors' slots."""
    a, b = places
    out = np.array(layout.fresh(node.size), dtype=np.int64).reshape(node.shape)
    if not a.shape[-1]:
        return np.full(node.shape, layout.number(0))
    for place in np.ndindex(a.shape[:-2]):
        ins = (*a[place].ravel().tolist(), *b[place].ravel().tolist())
        shape = (*a.shape[-2:], b.shape[-1])
        layout.do(ops.matmul, [(tuple(out[place].ravel().tolist()), ins)], shape=shape)
    return out


def _system(layout: ScalarLayout, node: Variable, places: list[Array]) -> Array:
    """One task a linear system: the slots of its matrices, one after the other."""
    assert node.op is not None
    out = np.array(layout.fresh(node.size), dtype=np.int64).reshape(node.shape)
    tasks: list[Task] = []
    for place in np.ndindex(node.shape[:-2]):
        ins = [i for p in places for i in p[place].ravel().tolist()]
        tasks.append((tuple(out[place].ravel().tolist()), tuple(ins)))
    layout.do(node.op, tasks, shapes=tuple(p.shape[-2:] for p in places))
    return out


_MAKERS: Mapping[Operator, Callable[[ScalarLayout, Variable, list[Array]], Array]] = {
    ops.pi: _pi,
    ops.add_reduce: _sum,
    ops.scatter: _scatter,
    ops.cumsum: _cumsum,
    ops.multiply_reduce: _reduce,
    ops.maximum_reduce: _reduce,
    ops.logsumexp_last: _reduce,
    ops.norm: _norm,
    ops.direction: _direction,
    ops.soft_direction: _soft_direction,
    ops.rejection: _rejection,
    ops.softmax_last: _along,
    ops.argmax_onehot: _along,
    ops.argmax_slope: _each_of_row,
    ops.matmul: _matmul,
    **dict.fromkeys((ops.solve, ops.ridge_solve, ops.ridge_fit), _system),
    **dict.fromkeys((ops.sort_last, ops.reorder, ops.rank_slope), _rows_of_all),
}
