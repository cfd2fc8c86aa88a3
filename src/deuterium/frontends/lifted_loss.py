"""The loss of a lifted model as trainers take it: of records and of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium.errors import ShapeError
from deuterium.graph.constructors import as_variable
from deuterium.graph.hashcons import rebuilt
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable


class LiftedLoss:
    """``loss(**records, **parameters)`` of a model whose output is one record's loss.

    Parameters
    ----------
    value : Variable
        The loss of one record, a number of whatever shape.
    inputs, parameters : mapping from str to Variable
        Its symbols, and the constants that are learned.

    Attributes
    ----------
    one_by_one : bool
        True: it is of one record, and many are the same graph over many values.
    """

    one_by_one = True

    def __init__(
        self,
        value: Variable,
        inputs: Mapping[str, Variable],
        parameters: Mapping[str, Variable],
    ) -> None:
        if value.size != 1:
            raise ShapeError(
                f"training: the model's output has shape {value.shape}; lift the loss "
                "of one record, such as lambda x, y: cross_entropy(net(x), y)"
            )
        self._order = topological([value.reshape(())])
        self._leaves = dict(parameters)
        self._inputs = {x.name: n for n, x in inputs.items()}

    def __call__(self, **given: Any) -> Variable:
        """Return the losses of records, (rows,); each as `np.stack` puts it there."""
        rows = {len(given[n]) for n in self._inputs.values() if n in given}
        return as_variable(
            np.stack([self._of(given, i) for i in range(min(rows, default=1))])
        )

    def _of(self, given: Mapping[str, Any], i: int) -> Variable:
        new = {v: as_variable(given[n]) for n, v in self._leaves.items() if n in given}
        done: dict[Variable, Variable] = {}
        for n in self._order:
            if n.is_symbol and self._inputs.get(n.name) in given:
                done[n] = as_variable(given[self._inputs[n.name]][i]).reshape(n.shape)
            elif n.op is None:
                done[n] = new.get(n, n)
            else:
                done[n] = rebuilt(n, tuple(done[a] for a in n.args))
        return done[self._order[-1]]
