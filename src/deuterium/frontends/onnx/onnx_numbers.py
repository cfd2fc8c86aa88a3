"""ONNX operators on numbers: ranges, places, one-hot rows, quantised data, chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import (
    NotKnown,
    from_array,
    variable,
)
from deuterium.graph.variable import Variable

__all__: list[str] = []


@means("Range")
def evenly_spaced(node: OnnxNode, start: Any, limit: Any, delta: Any) -> Any:
    """Return numbers from a start by steps, before a limit."""
    floats = isinstance(start, Variable)
    a, b, d = (node.numbers(x, "its ends").item() for x in (start, limit, delta))
    if d == 0 or not all(map(math.isfinite, (a, b, d))):
        raise InvalidInputError(f"{node}: steps of {d} from {a} to {b}")
    count = max(math.ceil((b - a) / d), 0)
    node.room((count,))
    if not floats:
        return a + d * np.arange(count, dtype=np.asarray(start).dtype)
    return variable(start) + np.arange(count) * variable(delta)


@means("OneHot")
def one_hot(node: OnnxNode, indices: Any, depth: Any, values: Any) -> Any:
    """Return one value where an index points, another elsewhere."""
    at = np.asarray(node.numbers(indices, "the indices"))
    (n,) = node.integers(depth, "the depth")
    axis = node.axis(node.whole("axis", -1), at.ndim + 1)
    node.room((*at.shape, n))
    hit = np.expand_dims(np.where(at < 0, at + n, at), axis)
    places = np.arange(n).reshape((-1, *(1,) * (at.ndim - axis)))
    mask = hit == places
    if isinstance(values, np.ndarray):
        return np.where(mask, values[1], values[0])
    return np.where(mask, values[1], values[0])


@means("EyeLike")
def unit_matrix(node: OnnxNode, like: Any) -> Any:
    """Return ones on a diagonal."""
    node.room(like.shape)
    kind = node.whole("dtype", 0)
    floats = kind in (1, 10, 11, 16) if kind else isinstance(like, Variable)
    rows, columns = like.shape
    eye = np.eye(rows, columns, k=node.whole("k"))
    return from_array(eye if floats else eye.astype(np.int64), str(node))


@means("NonZero")
def nonzero(node: OnnxNode, x: Any) -> Any:
    """Return the places of elements that are not zero."""
    return np.asarray(np.nonzero(node.numbers(x, "its input")), dtype=np.int64)


@means("ArgMax", "ArgMin")
def place_of_extreme(node: OnnxNode, x: Any) -> Any:
    """Return where the largest or smallest element is, if that is a number."""
    if not node.is_known(x):
        return NotKnown(f"{node} depends on the model's inputs: a place is no number")
    numbers, axis = node.numbers(x, "its input"), node.whole("axis")
    sign = -1 if node.proto.op_type == "ArgMin" else 1
    if node.whole("select_last_index"):
        last = np.argmax(np.flip(sign * numbers, axis), axis=axis)
        at = numbers.shape[axis] - 1 - last
    else:
        at = np.argmax(sign * numbers, axis=axis)
    return np.expand_dims(at, axis) if node.whole("keepdims", 1) else np.asarray(at)


@means("TopK")
def largest(node: OnnxNode, x: Any, k: Any = None) -> Any:
    """Return the largest or smallest elements along an axis, in order."""
    (count,) = [node.whole("k")] if k is None else node.integers(k, "`k`")
    axis = node.axis(node.whole("axis", -1), x.ndim)
    most = node.whole("largest", 1)
    if not 0 <= count <= x.shape[axis]:
        raise InvalidInputError(f"{node}: {count} of {x.shape[axis]} elements")
    if node.is_known(x):
        numbers = node.numbers(x, "its input")
        order = np.argsort(-numbers if most else numbers, axis=axis, kind="stable")
        first = np.take(order, np.arange(count), axis=axis)
        return np.take_along_axis(x, first, axis=axis), first
    rising = np.sort(x, axis=axis)
    at = np.arange(x.shape[axis] - 1, x.shape[axis] - 1 - count, -1)
    ranked = np.take(rising, at if most else np.arange(count), axis=axis)
    return ranked, NotKnown(
        f"the places that {node} finds depend on the model's inputs"
    )


@means("DequantizeLinear")
def dequantized(node: OnnxNode, x: Any, scale: Any, zero: Any = None) -> Any:
    """Return what quantised integers stand for."""
    along = _spread(node, x, scale)
    whole = np.asarray(node.numbers(x, "its input"))
    whole = whole if whole.dtype.kind == "f" else whole.astype(np.int64)
    if zero is not None:
        whole = whole - _spread(
            node, x, np.asarray(node.numbers(zero, "the zero point"))
        )
    return variable(whole.astype(np.float64)) * along


def _spread(node: OnnxNode, x: Any, scale: Any) -> Any:
    """Return a scale for every element: of one, along an axis, or block by block."""
    if scale.size == 1:
        return np.reshape(scale, ())
    axis = node.axis(node.whole("axis", 1), x.ndim)
    if scale.ndim == 1:
        return np.reshape(scale, (-1, *(1,) * (x.ndim - axis - 1)))
    block = node.whole("block_size")
    if block < 1:
        return scale
    return np.take(
        np.repeat(scale, block, axis=axis), np.arange(x.shape[axis]), axis=axis
    )


@means("Dropout")
def dropout(node: OnnxNode, x: Any, ratio: Any = None, training: Any = None) -> Any:
    """Return the input: nothing is left out but in training."""
    in_training = training is not None and bool(node.numbers(training, "the mode"))
    chance = 0.5 if ratio is None else node.numbers(ratio, "the ratio").item()
    if in_training and chance:
        node.refuse("it leaves elements out by chance; export the model for inference")
    return x, np.ones(x.shape, dtype=bool)


@means("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike",
       "Bernoulli", "Multinomial")  # fmt: skip
def by_chance(node: OnnxNode, *inputs: Any) -> Any:
    """Refuse: a model is a function of its inputs."""
    return node.refuse("it draws by chance, and what is bounded is a function")


@means("Det")
def determinant(node: OnnxNode, x: Any) -> Any:
    """Return the determinants of matrices."""
    return np.linalg.det(variable(x))
