"""ONNX's pooling: means, largest elements and lengths of windows."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from deuterium.frontends.onnx.onnx_convolution import windows_of
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import NotKnown, variable
from deuterium.functions.convolution import window_maximum, window_mean, window_sum
from deuterium.functions.sliding_windows import Windows, sliding_windows
from deuterium.ops import arrays

__all__: list[str] = []


def _windows(node: OnnxNode, x: Any) -> Windows:
    kernel: Sequence[int] = node.listed("kernel_shape", [])
    how = windows_of(node, x, kernel)
    ceil = bool(node.whole("ceil_mode"))
    return sliding_windows(x.shape[2:], kernel, ceil_mode=ceil, **how)


@means("MaxPool")
def largest_of_windows(node: OnnxNode, x: Any) -> Any:
    """Return the largest element of every window; where it was is not known."""
    return (
        window_maximum(variable(x), _windows(node, x)),
        NotKnown(f"the places that {node} finds depend on the model's inputs"),
    )


@means("AveragePool")
def mean_of_windows(node: OnnxNode, x: Any) -> Any:
    """Return the mean of every window, with the padding or without."""
    with_padding = bool(node.whole("count_include_pad"))
    return window_mean(variable(x), _windows(node, x), count_padding=with_padding)


@means("LpPool")
def length_of_windows(node: OnnxNode, x: Any) -> Any:
    """Return the length of every window."""
    p, over = node.whole("p", 2), _windows(node, x)
    return _root(window_sum(_power(variable(x), p), over), p)


def _power(x: Any, p: int) -> Any:
    return np.abs(x) if p == 1 else np.square(x) if p == 2 else np.abs(x) ** p


def _root(x: Any, p: int) -> Any:
    return (
        x if p == 1 else np.sqrt(x) if p == 2 else np.power(x, variable(Fraction(1, p)))
    )


def _flat(x: Any) -> Any:
    return np.reshape(x, (*x.shape[:2], -1))


def _as_image(made: Any, x: Any) -> Any:
    return np.reshape(made, (*x.shape[:2], *(1,) * (x.ndim - 2)))


@means("GlobalMaxPool")
def largest_of_all(node: OnnxNode, x: Any) -> Any:
    """Return the largest element of every channel."""
    return _as_image(arrays.max_last(_flat(variable(x))), x)


@means("GlobalAveragePool")
def mean_of_all(node: OnnxNode, x: Any) -> Any:
    """Return the mean of every channel."""
    return _as_image(np.mean(_flat(variable(x)), axis=-1), x)


@means("GlobalLpPool")
def length_of_all(node: OnnxNode, x: Any) -> Any:
    """Return the length of every channel."""
    p = node.whole("p", 2)
    return _as_image(_root(np.sum(_power(_flat(variable(x)), p), axis=-1), p), x)


@means("MaxUnpool")
def put_back(node: OnnxNode, x: Any, indices: Any, shape: Any = None) -> Any:
    """Return elements at the places that they were the largest at, zeros elsewhere."""
    kernel = node.listed("kernel_shape", [])
    stride = node.listed("strides", [1] * len(kernel))
    pads = node.listed("pads", [0] * (2 * len(kernel)))
    n = len(kernel)
    own = [
        (m - 1) * s + k - a - b
        for m, s, k, a, b in zip(
            x.shape[2:], stride, kernel, pads[:n], pads[n:], strict=True
        )
    ]
    at = np.asarray(node.numbers(indices, "the places"), dtype=np.int64)
    whole = (*x.shape[:2], *own)
    node.room(whole)
    made = arrays.put_places(variable(x), at, whole)
    if shape is None:
        return made
    wanted = node.integers(shape, "the shape")
    node.room(wanted)
    around = [(0, m - n) for m, n in zip(wanted, whole, strict=True)]
    return np.pad(made, around)
