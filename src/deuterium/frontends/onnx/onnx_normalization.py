"""ONNX's normalisations, as in inference, and of whatever lies along axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import variable

__all__: list[str] = []


def _by_channel(v: Any, ndim: int) -> Any:
    return np.reshape(v, (1, -1, *(1,) * (ndim - 2))) if ndim > 1 else v


@means("BatchNormalization")
def by_batch(node: OnnxNode, x: Any, scale: Any, b: Any, mean: Any, var: Any) -> Any:
    """Return channels normalised by what was learned of them, or of this batch."""
    eps = node.real("epsilon", 1e-5)
    if not node.whole("spatial", 1):
        node.refuse("statistics of every place (spatial=0) are not supported")
    if not node.whole("training_mode"):
        factor = scale / np.sqrt(var + eps)
        shift = b - mean * factor
        return x * _by_channel(factor, x.ndim) + _by_channel(shift, x.ndim)
    axes = tuple(i for i in range(x.ndim) if i != 1)
    here = np.mean(x, axis=axes, keepdims=True)
    spread = np.mean(np.square(x - here), axis=axes, keepdims=True)
    factor = _by_channel(scale, x.ndim) / np.sqrt(spread + eps)
    y = (x - here) * factor + _by_channel(b, x.ndim)
    kept = node.real("momentum", 0.9)
    new_mean = mean * kept + np.reshape(here, mean.shape) * (1 - kept)
    new_var = var * kept + np.reshape(spread, var.shape) * (1 - kept)
    return y, new_mean, new_var


def _standardised(x: Any, axes: tuple[int, ...], eps: float) -> tuple[Any, Any, Any]:
    """Return data of mean 0 and variance 1 along axes, the mean, and 1 / deviation."""
    mean = np.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    inverse = 1 / np.sqrt(np.mean(np.square(centred), axis=axes, keepdims=True) + eps)
    return centred * inverse, mean, inverse


@means("InstanceNormalization")
def by_instance(node: OnnxNode, x: Any, scale: Any, b: Any) -> Any:
    """Return every channel of every record normalised by itself."""
    axes = tuple(range(2, x.ndim))
    y, _, _ = _standardised(variable(x), axes, node.real("epsilon", 1e-5))
    return y * _by_channel(scale, x.ndim) + _by_channel(b, x.ndim)


@means("LayerNormalization")
def by_layer(node: OnnxNode, x: Any, scale: Any, b: Any = None) -> Any:
    """Return the last axes normalised, the mean, and 1 / deviation."""
    first = node.axis(node.whole("axis", -1), x.ndim)
    axes = tuple(range(first, x.ndim))
    y, mean, inverse = _standardised(variable(x), axes, node.real("epsilon", 1e-5))
    y = y * scale
    return (y if b is None else y + b), mean, inverse


@means("RMSNormalization")
def by_root_mean_square(node: OnnxNode, x: Any, scale: Any) -> Any:
    """Return the last axes divided by the root of their mean square."""
    first = node.axis(node.whole("axis", -1), x.ndim)
    axes = tuple(range(first, x.ndim))
    square = np.mean(np.square(variable(x)), axis=axes, keepdims=True)
    return x / np.sqrt(square + node.real("epsilon", 1e-5)) * scale


@means("GroupNormalization")
def by_group(node: OnnxNode, x: Any, scale: Any, b: Any) -> Any:
    """Return groups of channels normalised; the scale is by group up to opset 20."""
    groups = node.whole("num_groups", 1)
    n, c = x.shape[:2]
    parts = np.reshape(variable(x), (n, groups, -1))
    y, _, _ = _standardised(parts, (2,), node.real("epsilon", 1e-5))
    if scale.shape[0] == c:
        whole = np.reshape(y, x.shape)
        return whole * _by_channel(scale, x.ndim) + _by_channel(b, x.ndim)
    return np.reshape(y * _by_channel(scale, 3) + _by_channel(b, 3), x.shape)


@means("MeanVarianceNormalization")
def by_mean_and_variance(node: OnnxNode, x: Any) -> Any:
    """Return data of mean 0 and variance 1 along axes."""
    axes = node.listed("axes", [0, 2, 3])
    at = tuple(node.axis(i, x.ndim) for i in axes)
    x = variable(x)
    centred = x - np.mean(x, axis=at, keepdims=True)
    deviation = np.sqrt(np.mean(np.square(centred), axis=at, keepdims=True))
    return centred / (deviation + 1e-9)


@means("LRN")
def by_neighbours(node: OnnxNode, x: Any) -> Any:
    """Return channels divided by a power of the squares of those around them."""
    size = node.whole("size", 1)
    alpha, beta = node.real("alpha", 0.0001), node.real("beta", 0.75)
    before, after = (size - 1) // 2, math.ceil((size - 1) / 2)
    x = variable(x)
    squares = np.moveaxis(np.square(x), 1, -1)
    c = squares.shape[-1]
    # band matrix of ones: which channels count for which
    i, j = np.indices((c, c), sparse=True)
    band = ((i >= j - before) & (i <= j + after)).astype(np.float64)
    near = np.moveaxis(squares @ band, -1, 1)
    return x / (node.real("bias", 1.0) + near * alpha / size) ** beta
