"""The argument ``where`` of reductions: elements left out by a mask."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, ShapeError
from deuterium.graph import protocols
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable


def mask_for(x: Variable, where: Any, caller: str) -> Any:
    """Return ``where`` as a mask of the shape of ``x`` (None where it leaves all in).

    A condition on Variables is passed on as it is, to what stands for `numpy.where`.
    """
    if where is True or where is None:
        return None
    if isinstance(where, Variable):
        return where
    try:
        mask = np.asarray(where)
        if mask.dtype.kind not in "bui":
            raise TypeError(f"it must be booleans, got {mask.dtype}")
        return np.broadcast_to(mask.astype(bool), x.shape)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"{caller}: `where` must be a mask for the shape {x.shape}: {error}"
        ) from None


def chosen(x: Variable, where: Any, fill: Any, caller: str) -> Variable:
    """Return ``x`` with ``fill`` where the mask leaves elements out."""
    mask = mask_for(x, where, caller)
    return x if mask is None else protocols.call(np.where, mask, x, fill)


def count_along(
    x: Variable, axes: tuple[int, ...], caller: str, where: Any = True
) -> Any:
    """Return how many elements each result is made of; there must be some.

    One number, or with a mask an array of them that keeps the axes.
    """
    mask = mask_for(x, where, caller)
    if isinstance(mask, Variable):
        return protocols.call(
            np.sum,
            protocols.call(np.where, mask, np.ones(x.shape), np.zeros(x.shape)),
            axis=axes,
            keepdims=True,
        )
    if mask is None:
        n: Any = math.prod(x.shape[i] for i in axes)
    else:
        n = np.sum(mask, axis=axes, keepdims=True, dtype=float)
    if np.any(np.asarray(n) == 0):
        raise ShapeError(f"{caller}: no elements along `axis` of shape {x.shape}")
    return n


def flattened(counts: Any, y: Variable) -> Any:
    """Return counts in the shape of the results ``y`` they belong to."""
    return as_variable(counts).reshape(y.shape) if np.ndim(counts) else counts
