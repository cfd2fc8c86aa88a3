"""Softmax over chosen elements of every row, as masked attention takes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import ShapeError
from deuterium.functions.joins import concatenate
from deuterium.functions.log_sum_exp import softmax
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable
from deuterium.ops import arrays


def masked_softmax(x: Any, kept: Any, axis: int = -1) -> Variable:
    """Return the softmax over the kept elements along an axis, and 0 for the others.

    Rows with the same elements left are taken together, so that each softmax is one
    node, with its ranges.

    Raises
    ------
    ShapeError
        A row has no elements left.
    """
    v = as_variable(x)
    mask = np.moveaxis(np.broadcast_to(kept, v.shape), axis, -1)
    if mask.all():
        return as_variable(softmax(v, axis))
    places = np.moveaxis(np.arange(v.size).reshape(v.shape), axis, -1)
    n = mask.shape[-1]
    patterns, which = np.unique(mask.reshape(-1, n), axis=0, return_inverse=True)
    if not patterns.any(axis=-1).all():
        raise ShapeError("masked_softmax: a row has no elements left")
    parts, index = [], []
    for k, pattern in enumerate(patterns):
        own = places.reshape(-1, n)[which.ravel() == k][:, pattern]
        part = as_variable(softmax(arrays.take_places(v, own)))
        parts.append(arrays.reshape_to(part, (part.size,)))
        index.append(own.ravel())
    return arrays.put_places(concatenate(parts), np.concatenate(index), v.shape)
