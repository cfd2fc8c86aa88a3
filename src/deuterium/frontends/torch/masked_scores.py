"""Scores of which some are minus infinity: what attention masks before a softmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable

__all__ = ["MaskedScores", "masked"]


@dataclass(frozen=True)
class MaskedScores:
    """An array whose elements outside ``kept`` are minus infinity.

    Attributes
    ----------
    scores : Variable
        The elements; any numbers where masked.
    kept : ndarray of bool
        Of the same shape.
    """

    scores: Variable
    kept: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.scores.shape


def masked(x: Any, kept: Any) -> MaskedScores:
    """Return ``x`` with minus infinity where not ``kept``, broadcast together."""
    inner, mask = (x.scores, x.kept) if isinstance(x, MaskedScores) else (x, True)
    v = as_variable(inner)
    shape = np.broadcast_shapes(v.shape, np.shape(kept))
    both = np.broadcast_to(np.asarray(kept, dtype=bool) & mask, shape)
    return MaskedScores(broadcast_to(v, shape), both)
