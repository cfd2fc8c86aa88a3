"""What flows along the edges of an ONNX graph, and questions about it.

Floats are Variables, integers and booleans arrays of NumPy; a condition on inputs is a
Variable as well.  What cannot be known (the indices of a maximum) is `NotKnown`, and is
refused where it is used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.graph.constructors import as_variable, constant
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.variable import Variable

__all__ = ["KnownNumbers", "NotKnown", "alike", "from_array", "variable"]

# multiplications that working out the numbers of a model may take in all: ten seconds
MOST_WORK = 10**10
# how many of them a visit of a node is worth
VISIT = 1000


@dataclass(frozen=True)
class NotKnown:
    """A result of an operator that has no number and no graph, and why."""

    reason: str


def from_array(array: Any, what: str) -> Any:
    """Return an array as a value: floats become a constant, the rest stays."""
    if array.dtype.kind != "f":
        return array
    if np.isnan(array).any():
        raise InvalidInputError(f"{what}: there is a NaN in it, which has no meaning")
    return constant(array if array.shape else float(array))


def variable(x: Any) -> Variable:
    """Return a value as a Variable; booleans are 0 and 1."""
    if isinstance(x, np.ndarray) and x.dtype.kind == "b":
        x = x.astype(np.float64)
    return as_variable(x)


def alike(parts: Sequence[Any]) -> list[Any]:
    """Return values that can be joined: all as Variables, if one is."""
    is_one = any(isinstance(x, Variable) for x in parts)
    return [variable(x) for x in parts] if is_one else list(parts)


class KnownNumbers:
    """Which values of a model are numbers, and what they are, in bounded work.

    Every node of the graph is looked at once, however often it is asked about.
    """

    def __init__(self) -> None:
        self._known: dict[Variable, bool] = {}
        self._work = 0

    def are(self, x: Any) -> bool:
        """Return whether a value is numbers: no input of the model stands in it."""
        if not isinstance(x, Variable):
            return isinstance(x, np.ndarray)
        known, todo = self._known, [x]
        while todo:
            v = todo[-1]
            if v in known:
                todo.pop()
                continue
            below = [a for a in v.args if a not in known]
            if below:
                todo.extend(below)
                continue
            known[v] = not v.is_symbol and all(known[a] for a in v.args)
            todo.pop()
        return known[x]

    def of(self, x: Any, what: str) -> Any:
        """Return the numbers of a value that must not hang on the model's inputs.

        Raises
        ------
        UnsupportedError
            It does, or working it out would take too long.
        """
        if isinstance(x, np.ndarray):
            return x
        if not isinstance(x, Variable):
            raise InvalidInputError(f"{what} must be a tensor of numbers")
        if x.is_constant:
            return np.asarray(x.value, dtype=np.float64)
        if not self.are(x):
            names = ", ".join(repr(s.name) for s in free_symbols([x])[:3])
            raise UnsupportedError(
                f"{what} must be numbers, and this depends on the input {names}; where "
                "it is the same for every record, give that input in `values`"
            )
        self._work += sum(map(_work_of, topological([x])))
        if self._work > MOST_WORK:
            raise UnsupportedError(f"{what}: working it out would take too long")
        return np.asarray(x.evaluate({}), dtype=np.float64)


def _work_of(v: Variable) -> int:
    inner = v.args[0].shape[-1] if len(v.args) == 2 and v.args[0].shape else 1
    return VISIT + math.prod(v.shape) * max(inner, 1)
