"""Whether a graph stays the same function when inputs change places.

Each element is given a name, made of its operator and the names of what it is made of,
those of sums, products and largest elements sorted, with sums of sums taken apart.  Two
elements with one name are one function of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

TAKEN_APART = 64  # parts of a sum in a sum

PAIRS = {
    ops.add: "sum", ops.multiply: "product", ops.maximum: "largest",
    ops.minimum: "smallest", ops.hypot: "length", ops.logaddexp: "logsumexp",
}  # fmt: skip
ROWS = {
    ops.maximum_reduce: "largest", ops.norm: "length", ops.multiply_reduce: "product",
    ops.logsumexp_last: "logsumexp",
}  # fmt: skip

Names = list[int]


class SameInputs:
    """Names of a scalar graph under changes of its inputs.

    Parameters
    ----------
    graph : Variable
    starts : mapping from str to int
        The first input of each symbol.
    """

    def __init__(self, graph: Variable, starts: Mapping[str, int]) -> None:
        self.order, self.starts = topological([graph]), starts
        self._known: dict[Any, int] = {}
        self._parts: list[tuple[str, tuple[int, ...]]] = []
        self.plain = self._name({})

    def are_alike(self, people: Sequence[Sequence[int]]) -> bool:
        """Return whether lists of inputs may change places with each other.

        A change of the first two, and a turn of all, make every order of them.
        """
        turns = [[*people[1::-1], *people[2:]], [*people[1:], people[0]]]
        return all(
            self._name(
                {
                    i: j
                    for a, b in zip(people, turn, strict=True)
                    for i, j in zip(a, b, strict=True)
                }
            )
            == self.plain
            for turn in turns
        )

    def _name(self, to: Mapping[int, int]) -> int:
        """Return the name of the graph with some inputs replaced by others."""
        names: dict[Variable, Names] = {}
        for node in self.order:
            if node.is_symbol:
                inputs = range(
                    self.starts[node.name], self.starts[node.name] + node.size
                )
                names[node] = [self._new("input", to.get(i, i)) for i in inputs]
            elif node.op is None:
                flat = np.ravel(np.asarray(node.value, dtype=object)).tolist()
                names[node] = [self._new("number", x) for x in flat]
            else:
                names[node] = self._of(node, [names[a] for a in node.args])
        return names[self.order[-1]][0]

    def _new(self, kind: str, *parts: Any) -> int:
        key = (kind, parts)
        if key not in self._known:
            self._known[key] = len(self._parts)
            self._parts.append(key)
        return self._known[key]

    def _unordered(
        self, kind: str, parts: Iterable[int], *, apart: bool = False
    ) -> int:
        found: list[int] = []
        for i in parts:
            inner, own = self._parts[i]
            found += own if apart and inner == kind and len(own) <= TAKEN_APART else [i]
        return self._new(kind, *sorted(found))

    def _of(self, node: Variable, args: list[Names]) -> Names:
        op = node.op
        assert op is not None
        if op.moves_elements:
            arrays = [
                np.array(x, dtype=int).reshape(a.shape)
                for x, a in zip(args, node.args, strict=True)
            ]
            moved: Names = np.ravel(op.value(*arrays, **node.attrs)).tolist()
            return moved
        if op in PAIRS:
            pairs = zip(*args, strict=True)
            return [self._unordered(PAIRS[op], p, apart=True) for p in pairs]
        if op is ops.subtract:
            pairs = zip(*args, strict=True)
            minus = [(a, self._new("of", ops.negative.name, b)) for a, b in pairs]
            return [self._unordered("sum", p, apart=True) for p in minus]
        if op is ops.negative:
            return [self._new("of", op.name, a) for a in args[0]]
        if op in ROWS:
            return [self._unordered(ROWS[op], r) for r in _rows(node, args[0])]
        if op in RULES:
            return RULES[op](self, node, args)
        told = op.name, _told(node)
        if op.elementwise and args:  # of none, such as pi, it is one element below
            return [self._new("of", told, *row) for row in zip(*args, strict=True)]
        whole = tuple((a.shape, tuple(x)) for a, x in zip(node.args, args, strict=True))
        return [self._new("element", told, whole, i) for i in range(node.size)]

    def total(self, node: Variable, args: list[Names]) -> Names:
        """Return sums over axes."""
        axis = node.attrs["axis"]
        x = np.array(args[0], dtype=int).reshape(node.args[0].shape)
        x = np.moveaxis(x, axis, range(-len(axis), 0))
        rows = x.reshape(node.size, x.size // max(node.size, 1))
        return [self._unordered("sum", row) for row in rows.tolist()]

    def sort(self, node: Variable, args: list[Names]) -> Names:
        """Return rows in order."""
        return [
            self._new("in order", k, *sorted(row))
            for row in _rows(node, args[0])
            for k in range(len(row))
        ]

    def share(self, node: Variable, args: list[Names]) -> Names:
        """Return what becomes of elements by themselves and their rows."""
        assert node.op is not None
        return [
            self._new("share", node.op.name, x, *sorted(row))
            for row in _rows(node, args[0])
            for x in row
        ]

    def matmul(self, node: Variable, args: list[Names]) -> Names:
        """Return sums of products."""
        a, b = (
            np.array(x, dtype=int).reshape(v.shape)
            for x, v in zip(args, node.args, strict=True)
        )
        found: Names = []
        for at in np.ndindex(node.shape):
            row, column = a[(*at[:-1], slice(None))], b[(*at[:-2], slice(None), at[-1])]
            pairs = zip(row.tolist(), column.tolist(), strict=True)
            found.append(
                self._unordered("sum", [self._unordered("product", p) for p in pairs])
            )
        return found


RULES: Mapping[Any, Callable[[SameInputs, Variable, list[Names]], Names]] = {
    ops.add_reduce: SameInputs.total,
    ops.sort_last: SameInputs.sort,
    ops.softmax_last: SameInputs.share,
    ops.direction: SameInputs.share,
    ops.matmul: SameInputs.matmul,
}


def _told(node: Variable) -> Any:
    return tuple(
        (k, x.tobytes() if isinstance(x, np.ndarray) else repr(x))
        for k, x in sorted(node.attrs.items())
    )


def _rows(node: Variable, names: Names) -> list[Names]:
    length = node.args[0].shape[-1]
    return [names[i : i + length] for i in range(0, len(names), length)]
