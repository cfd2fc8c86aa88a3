"""Gradients of single records, worked out for a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from deuterium.array_type import Array
from deuterium.evaluate import compile
from deuterium.graph.variable import Variable
from deuterium.privacy.training.training_options import LEAST_SQUARED, MOST_HELD
from deuterium.transform import grad

__all__ = ["SingleGradients"]


class SingleGradients:
    """Sums and lengths of gradients, of losses that take one record.

    Parameters
    ----------
    records : sequence of Variable
        The symbols of one record.
    loss : Variable
        Of it.
    weights : sequence of Variable
        By which it is differentiated.
    """

    def __init__(
        self, records: Sequence[Variable], loss: Variable, weights: Sequence[Variable]
    ) -> None:
        self.records, self.weights = len(records), len(weights)
        self.each = compile([*records, *weights], list(grad(loss, list(weights))))
        self.few = max(1, MOST_HELD // max(1, sum(w.size for w in weights)))

    def _parts(self, given: Sequence[Array]) -> Iterator[tuple[slice, Sequence[Array]]]:
        rows, values = given[: self.records], given[-self.weights :]
        for i in range(0, len(rows[0]), self.few):
            here = slice(i, i + self.few)
            yield here, self.each(*[x[here, None] for x in rows], *values)

    def added(self, *given: Array) -> list[Array]:
        """Return the sum by each weight, of records, factors if any, and weights."""
        factors = np.ones(len(given[0]))
        if len(given) > self.records + self.weights:
            factors = given[self.records]
        total = [np.zeros(np.shape(w)) for w in given[-self.weights :]]
        for here, part in self._parts(given):
            for t, g in zip(total, part, strict=True):
                t += np.tensordot(factors[here], g, axes=1)
        return total

    def lengths(self, *given: Array) -> Array:
        """Return each record's, of the same gradients: (records,); rounded up."""
        squares = np.zeros(len(given[0]))
        with np.errstate(all="ignore"):
            for here, part in self._parts(given):
                for g in part:
                    flat = np.maximum(np.abs(g.reshape(len(g), -1)), LEAST_SQUARED)
                    squares[here] += np.square(flat).sum(axis=1)
        return np.sqrt(squares)
