"""ONNX operators that put elements into an array, at places that are numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import variable

__all__: list[str] = []

_JOIN: dict[str, Callable[[Any, Any], Any]] = {
    "add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum,
}  # fmt: skip


def _put(node: OnnxNode, x: Any, at: Any, updates: Any, reduction: str) -> Any:
    """Return an array with updates at flat places; of several the last counts.

    With a reduction they are taken one after another: the first of every place, then
    the second, and so on.
    """
    if isinstance(x, np.ndarray) != isinstance(updates, np.ndarray):
        x, updates = variable(x), variable(updates)
    at = at.ravel()
    flat, new = np.ravel(x), np.ravel(updates)
    if reduction == "none":
        return np.reshape(_replaced(flat, at, new), x.shape)
    if reduction not in _JOIN:
        node.refuse(f"reduction {reduction!r} is not supported")
    order = np.argsort(at, kind="stable")
    ordered = at[order]
    first = np.searchsorted(ordered, ordered, side="left")
    turn = np.empty_like(at)
    turn[order] = np.arange(at.size) - first
    for k in range(int(turn.max(initial=-1)) + 1):
        node.limit.step()
        own = np.flatnonzero(turn == k)
        joined = _JOIN[reduction](np.take(flat, at[own]), np.take(new, own))
        flat = _replaced(flat, at[own], joined)
    return np.reshape(flat, x.shape)


def _replaced(flat: Any, at: Any, new: Any) -> Any:
    source = np.arange(flat.size)
    source[at] = flat.size + np.arange(at.size)
    return np.take(np.concatenate([flat, new]), source)


def _places(node: OnnxNode, index: Any, n: int) -> Any:
    if index.size and (index.min() < -n or index.max() >= n):
        raise InvalidInputError(f"{node}: an index outside an axis of {n} elements")
    return np.where(index < 0, index + n, index)


@means("ScatterElements", "Scatter")
def elements_put(node: OnnxNode, x: Any, indices: Any, updates: Any) -> Any:
    """Return the array with elements put along an axis."""
    axis = node.axis(node.whole("axis"), x.ndim)
    at = np.asarray(node.numbers(indices, "the indices"), dtype=np.int64)
    node.room(x.shape)
    grid: list[Any] = list(np.indices(at.shape, sparse=True))
    grid[axis] = _places(node, at, x.shape[axis])
    flat = np.arange(int(np.prod(x.shape))).reshape(x.shape)[tuple(grid)]
    return _put(node, x, flat, updates, node.text("reduction", "none"))


@means("ScatterND")
def slices_put(node: OnnxNode, x: Any, indices: Any, updates: Any) -> Any:
    """Return the array with slices put where rows of indices point."""
    at = np.asarray(node.numbers(indices, "the indices"), dtype=np.int64)
    node.room(x.shape)
    flat = np.arange(int(np.prod(x.shape))).reshape(x.shape)
    return _put(
        node, x, flat[tuple(np.moveaxis(at, -1, 0))], updates,
        node.text("reduction", "none"),
    )  # fmt: skip


@means("TensorScatter")
def sequence_put(node: OnnxNode, x: Any, update: Any, start: Any = None) -> Any:
    """Return a cache with new elements from a place on, for every record."""
    axis = node.axis(node.whole("axis", -2), x.ndim)
    n, m = x.shape[axis], update.shape[axis]
    first = (
        np.zeros(x.shape[0], dtype=np.int64)
        if start is None
        else np.asarray(node.numbers(start, "the first places"), dtype=np.int64)
    )
    node.room(x.shape)
    at = first[:, None] + np.arange(m)
    at = at % n if node.text("mode", "linear") == "circular" else _places(node, at, n)
    grid = list(np.indices(update.shape, sparse=True))
    grid[axis] = at.reshape(
        (x.shape[0], *(1,) * (axis - 1), m, *(1,) * (x.ndim - axis - 1))
    )
    flat = np.arange(int(np.prod(x.shape))).reshape(x.shape)[tuple(grid)]
    return _put(node, x, np.broadcast_to(flat, update.shape), update, "none")
