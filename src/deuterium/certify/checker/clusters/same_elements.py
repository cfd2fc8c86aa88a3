"""Whether two elements of nodes are one number, because they are written alike.

Every element gets a number: equal numbers are the same function of the inputs, up to
the order of what is added or multiplied (value numbering: J. Cocke, 1970).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deuterium import ops
from deuterium.certify.checker.scalar_layout import ScalarLayout, Task, TaskGroup
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

COMMUTE = {ops.add, ops.multiply, ops.add_reduce}


class SameElements(ScalarLayout):
    """Compares elements, of nodes of one graph.

    Parameters
    ----------
    starts : mapping
        The first coordinate of each symbol, by name.
    inputs : int
        How many coordinates there are.
    """

    def __init__(self, starts: Mapping[str, int], inputs: int) -> None:
        super().__init__([], starts, inputs)
        self._starts = starts
        self._table: dict[Any, int] = {}
        self._number = {k: self._numbered_as(("input", k)) for k in range(inputs)}
        self._seen = 0

    def __call__(self, one: tuple[Variable, int], other: tuple[Variable, int]) -> bool:
        """Return whether two elements are certainly the same."""
        return self._of(*one) == self._of(*other)

    def _of(self, node: Variable, element: int) -> int:
        if node not in self.slots:
            for n in topological([node]):
                if n not in self.slots:
                    self.slots[n] = self._enter(n, self._starts)
        for group in self.groups[self._seen :]:
            for task in group.tasks:
                self._see(group, task)
        self._seen = len(self.groups)
        return self._at(int(self.slots[node].ravel()[element]))

    def _at(self, slot: int) -> int:
        if slot not in self._number:  # a constant, or nothing that is known
            value = self.numbers.get(slot)
            is_exact = value is not None and bool(value.is_exact())
            key = ("number", value.man_exp()) if is_exact else ("slot", slot)  # type: ignore[union-attr]
            self._number[slot] = self._numbered_as(key)
        return self._number[slot]

    def _numbered_as(self, key: Any) -> int:
        return self._table.setdefault(key, len(self._table))

    def _see(self, group: TaskGroup, task: Task) -> None:
        outs, ins = task
        found = [self._at(i) for i in ins]
        attrs = tuple(sorted(group.attrs.items(), key=lambda x: x[0]))
        for n, k in enumerate(outs):
            key: Any
            if group.op is ops.matmul:
                _, inner, columns = group.attrs["shape"]
                row, column = divmod(n, columns)
                left = found[row * inner : (row + 1) * inner]
                right = found[len(found) - inner * columns :][column::columns]
                pairs = [(min(p), max(p)) for p in zip(left, right, strict=True)]
                key = (ops.matmul, tuple(sorted(pairs)))
            elif group.op in COMMUTE:
                key = (group.op, tuple(sorted(found)), attrs)
            else:
                key = (group.op, n, tuple(found), attrs)
            try:
                self._number[k] = self._numbered_as(key)
            except TypeError:  # attributes that cannot be compared
                self._number[k] = self._numbered_as((k, object()))
