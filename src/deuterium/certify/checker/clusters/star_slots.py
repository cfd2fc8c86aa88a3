"""Slots of functions of hubs, alone and times powers of spokes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deuterium import ops
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.affine_balls import AffineSum
from deuterium.certify.checker.lagrangian.graph_structure import GraphStructure
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable


class StarSlots(GraphStructure):
    """A graph's slots, each function of slots being entered but once.

    Parameters are those of `GraphStructure`.

    Attributes
    ----------
    stars : dict from int to (function, spoke, power)
        What a slot with a spoke is; None as a function is 1.
    spokes : dict from int to None
        The slots of spokes.
    sums : dict from int to AffineSum
        Slots of which only ranges are wanted, and what they are.
    """

    def __init__(self, root: Variable, starts: Mapping[str, int], inputs: int) -> None:
        self._tasks: dict[Any, int] = {}
        self._star_slots: dict[tuple[int | None, int, int], int] = {}
        self.stars: dict[int, tuple[int | None, int, int]] = {}
        self.spokes: dict[int, None] = {}
        self.sums: dict[int, AffineSum] = {}
        super().__init__(root, starts, inputs)

    def star(self, function: int | None, spoke: int, power: int) -> int:
        """Return the slot of a function of a hub times a power of its spoke."""
        if function is None and power == 1:
            return spoke
        key = (function, spoke, power)
        if key not in self._star_slots:
            (slot,) = self.fresh(1)
            self._star_slots[key] = slot
            self.stars[slot] = key
            self.owner[slot] = self.owner[spoke]
        return self._star_slots[key]

    def function(
        self, op: Operator, ins: Sequence[int], attrs: Mapping[str, Any]
    ) -> int:
        """Return the slot of a function of slots, each entered but once."""
        if op is ops.multiply and ins[0] == ins[1]:
            op, ins = ops.square, ins[:1]
        elif op in (ops.multiply, ops.add):
            ins = sorted(ins)
        key: Any
        try:
            key = (op, tuple(ins), tuple(sorted(attrs.items())))
            hash(key)
        except TypeError:  # of arrays: never the same
            key = (op, tuple(ins), object())
        if key not in self._tasks:
            (slot,) = self.fresh(1)
            self._tasks[key] = slot
            self.do(op, [((slot,), tuple(ins))], **attrs)
            owners = {self.owner[i] for i in ins if i in self.owner}
            if len(owners) == 1 and self.sums.keys().isdisjoint(ins):
                self.owner[slot] = owners.pop()
        return self._tasks[key]

    def product(self, f: int | None, g: int | None) -> int | None:
        """Return the product of two functions of one hub."""
        if f is None or g is None:
            return g if f is None else f
        return self.function(ops.multiply, (f, g), {})

    def square(self, term: int) -> int:
        """Return the slot of the square of a term without the square of a spoke."""
        if term not in self.stars and term not in self.spokes:
            return self.function(ops.square, (term,), {})
        f, spoke, power = self.stars.get(term, (None, term, 1))
        if power != 1:
            raise NoBound("the fourth power of a spoke")
        return self.star(self.product(f, f), spoke, 2)
