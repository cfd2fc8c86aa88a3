"""Which inputs may change places: people who are the same to a function.

Every element of a graph gets a number, the same for elements that are the same function
of the inputs by the operators between them; the order of summands, of factors, and of
what is sorted or of which the largest is taken does not matter.  Where the number of
the whole stays what it is when two inputs change places, so does the function.  A
change of the first two of some inputs and a turn of all of them make every order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.budget import check
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.finite_values.finite_options import LONG_SUM

ROWS = {  # what does not depend on the order of the last axis
    ops.maximum_reduce: "max",
    ops.norm: "norm",
    ops.logsumexp_last: "logsumexp",
    ops.multiply_reduce: "multiply",
}
SHARES = {ops.softmax_last: "softmax", ops.direction: "direction"}
"""Of each element, by itself and the row."""
ANY_ORDER = {
    ops.add: "add",
    ops.multiply: "multiply",
    ops.maximum: "max",
    ops.minimum: "min",
    ops.hypot: "norm",
    ops.logaddexp: "logsumexp",
}


class Fingerprint:
    """Numbers of a graph's elements.

    Parameters
    ----------
    graph : Graph
        Of one scalar.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.size = sum(v.size for v in graph.order)
        self._numbers: dict[Any, int] = {}
        self._keys: list[Any] = []

    def of(self, places: Mapping[str, Array]) -> int:
        """Return the number of the graph with inputs put in.

        Parameters
        ----------
        places : mapping from str to ndarray of int
            Which input each element of a symbol is.
        """
        known: dict[Variable, Array] = {}
        for node in self.graph.order:
            check()
            known[node] = self._of(node, known, places)
        return int(known[self.graph[0]])

    def _number(self, key: Any) -> int:
        found = self._numbers.setdefault(key, len(self._keys))
        if found == len(self._keys):
            self._keys.append(key)
        return found

    def _of(
        self, node: Variable, known: Mapping[Variable, Array], places: Any
    ) -> Array:
        op = node.op
        if op is None:
            if node.is_constant:
                return self._each(node, [("number", x) for x in _numbers(node)])
            return self._each(
                node, [("input", i) for i in np.ravel(places[node.name]).tolist()]
            )
        args = [known[a] for a in node.args]
        if op.moves_elements:
            return op.value(*args, **node.attrs)
        if op in ROWS:
            return self._each(
                node, [(ROWS[op], tuple(sorted(r))) for r in _rows(args[0])]
            )
        if op is ops.add_reduce:
            x = np.moveaxis(
                args[0], node.attrs["axis"], range(-len(node.attrs["axis"]), 0)
            )
            rows = x.reshape(node.size, x.size // max(node.size, 1)).tolist()
            return self._each(node, [("add", tuple(sorted(r))) for r in rows])
        if op is ops.sort_last:
            return self._each(
                node,
                [
                    ("sort", tuple(sorted(r)), k)
                    for r in _rows(args[0])
                    for k in range(len(r))
                ],
            )
        if op in SHARES:
            return self._each(
                node,
                [(SHARES[op], tuple(sorted(r)), x) for r in _rows(args[0]) for x in r],
            )
        if op is ops.matmul:
            return self._matrix_product(node, *args)
        if op.elementwise:
            return self._elementwise(node, args)
        listed = [(a.shape, tuple(np.ravel(a).tolist())) for a in args]
        whole = (op.name, _told(node), *listed)
        return self._each(node, [("part", whole, e) for e in range(node.size)])

    def _each(self, node: Variable, keys: list[Any]) -> Array:
        found = np.array([self._number(k) for k in keys], dtype=np.int64)
        return found.reshape(node.shape)

    def _elementwise(self, node: Variable, args: list[Array]) -> Array:
        op = node.op
        assert op is not None
        if not args:  # a constant such as pi
            return self._each(node, [(op.name, _told(node))] * node.size)
        rows = zip(*(np.ravel(a).tolist() for a in args), strict=True)
        if op is ops.subtract:
            pairs = ((a, self._number(("negative", (), b))) for a, b in rows)
            return self._each(node, [("add", self._flat("add", p)) for p in pairs])
        if op in ANY_ORDER:
            name = ANY_ORDER[op]
            return self._each(node, [(name, self._flat(name, r)) for r in rows])
        return self._each(node, [(op.name, _told(node), *r) for r in rows])

    def _flat(self, name: str, row: Any) -> tuple[int, ...]:
        """Return arguments, with the parts of those that are of the same kind."""
        found: list[int] = []
        for i in row:
            key = self._keys[i]
            same = key[0] == name and len(key[1]) <= LONG_SUM
            found += key[1] if same else [i]
        return tuple(sorted(found))

    def _matrix_product(self, node: Variable, a: Array, b: Array) -> Array:
        inner = a.shape[-1]
        left = np.broadcast_to(a[..., :, None, :], (*node.shape, inner))
        right = np.swapaxes(b, -1, -2)[..., None, :, :]
        right = np.broadcast_to(right, (*node.shape, inner))
        pairs = zip(
            left.reshape(-1, inner).tolist(),
            right.reshape(-1, inner).tolist(),
            strict=True,
        )
        return self._each(
            node,
            [
                (
                    "add",
                    tuple(
                        sorted(
                            self._number(("multiply", tuple(sorted(p))))
                            for p in zip(*pair, strict=True)
                        )
                    ),
                )
                for pair in pairs
            ],
        )


def _rows(x: Array) -> list[list[int]]:
    rows: list[list[int]] = x.reshape(-1, x.shape[-1]).tolist()
    return rows


def _numbers(node: Variable) -> list[Any]:
    if not node.shape:
        return [node.value]
    listed: list[Any] = np.ravel(node.value).tolist()
    return listed


def _told(node: Variable) -> Any:
    """Return an operator's attributes as something to compare."""
    return tuple(
        (k, x.tobytes() if isinstance(x, np.ndarray) else repr(x))
        for k, x in sorted(node.attrs.items())
    )
