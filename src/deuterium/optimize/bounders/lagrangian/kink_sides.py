"""What functions of one coordinate are where it is at most, or above, zero.

A choice by a sign that is the same all over a side is the branch that is taken there.
What is not decided stays as it is.  Zero belongs to the left side: ``z > 0`` is false
there, and ``-z > 0`` is not decided, since it is false at 0 itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant, symbol
from deuterium.graph.operator import Operator
from deuterium.graph.substitute import substitute
from deuterium.graph.variable import Variable
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.simplify import simplify


class KinkSide:
    """One side of zero, left or right, of the coordinates of a group.

    Parameters
    ----------
    vector : Variable
        The symbol of the coordinates.
    right : bool
    """

    def __init__(self, vector: Variable, right: bool) -> None:
        anything = symbol("anything", vector.shape)
        # all numbers of the side, and what is known of their signs by their operator
        numbers = np.exp(anything) if right else -np.square(anything)
        self.vector, self.numbers = vector, numbers
        self.known = Assumptions()

    def decided(
        self, op: Operator, args: tuple[Variable, ...], attrs: Mapping[str, Any]
    ) -> Variable | None:
        """Return an operator's result on this side, of arguments as they are there.

        None where it is the operator's own: it does not choose, or is not decided.
        """
        if op is ops.where:
            return self._chosen(*args)
        if op in (ops.maximum, ops.minimum):
            return self._extreme(*args, upward=op is ops.maximum)
        if op is ops.narrowed:
            defined = self.known.defined(self._here(args[0]))
            return self._extreme(*args[1:], upward=attrs["upward"]) if defined else None
        if op is ops.is_positive:
            return self._truth(*args)
        return None if op.sides is None else self._smooth(op, *args)

    def _here(self, v: Variable) -> Variable:
        return substitute(v, {self.vector: self.numbers})

    def _chosen(self, c: Variable, a: Variable, b: Variable) -> Variable | None:
        truth = self.known.range(self._here(c))
        if np.all(truth.lower > 0):
            return a
        return b if np.all(truth.upper <= 0) else None

    def _truth(self, x: Variable) -> Variable | None:
        here = self._here(x)
        if self.known.positive(here):
            return broadcast_to(constant(1), x.shape)
        return broadcast_to(constant(0), x.shape) if self._at_most_zero(here) else None

    def _extreme(self, a: Variable, b: Variable, *, upward: bool) -> Variable | None:
        difference = self._here(simplify(a - b))
        if self.known.nonnegative(difference):
            return a if upward else b
        if self._at_most_zero(difference):
            return b if upward else a
        return None

    def _smooth(self, op: Operator, x: Variable) -> Variable | None:
        """Return what a function with a kink at 0 is where its argument has a sign."""
        assert op.sides is not None
        here = self._here(x)
        if self._at_most_zero(here):
            return op.sides[0](x)
        continuous = op.lipschitz is not None
        if self.known.positive(here) or (continuous and self.known.nonnegative(here)):
            return op.sides[1](x)
        return None

    def _at_most_zero(self, here: Variable) -> bool:
        return self.known.defined(here) and bool(
            np.all(self.known.range(here).upper <= 0)
        )


__all__ = ["KinkSide"]
