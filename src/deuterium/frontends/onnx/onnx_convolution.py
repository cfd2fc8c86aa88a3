"""ONNX's convolutions: an affine map of the data in few nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import variable
from deuterium.functions.convolution import convolution, transposed_convolution

__all__ = ["windows_of"]


def pads_of(
    node: OnnxNode,
    lengths: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> list[tuple[int, int]]:
    """Return the padding of every axis: as given, or what ``auto_pad`` works out."""
    n = len(lengths)
    mode = node.text("auto_pad", "NOTSET")
    if mode in ("NOTSET", ""):
        flat = node.listed("pads", [0] * (2 * n))
        if len(flat) != 2 * n:
            raise InvalidInputError(f"{node}: {len(flat)} pads of {n} axes")
        return list(zip(flat[:n], flat[n:], strict=True))
    if mode == "VALID":
        return [(0, 0)] * n
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise InvalidInputError(f"{node}: auto_pad cannot be {mode!r}")
    pairs = []
    for length, k, s, d in zip(lengths, kernel, stride, dilation, strict=True):
        total = max((-(-length // s) - 1) * s + (k - 1) * d + 1 - length, 0)
        few, many = total // 2, total - total // 2
        pairs.append((few, many) if mode == "SAME_UPPER" else (many, few))
    return pairs


def steps_of(node: OnnxNode, kernel: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the stride and the dilation of every axis of a kernel."""
    once = [1] * len(kernel)
    strides = node.listed("strides", once)
    dilations = node.listed("dilations", once)
    if min((*strides, *dilations, *kernel), default=1) < 1:
        raise InvalidInputError(f"{node}: strides {strides} of a kernel {kernel}")
    return strides, dilations


def windows_of(node: OnnxNode, x: Any, kernel: Sequence[int]) -> dict[str, Any]:
    """Return stride, padding and dilation, after making sure that all windows fit."""
    strides, dilations = steps_of(node, kernel)
    pads = pads_of(node, x.shape[2:], kernel, strides, dilations)
    around = [max(a + b + m, 0) for m, (a, b) in zip(x.shape[2:], pads, strict=True)]
    reach = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
    counts = [
        max(a - r, 0) // s + 2 for a, r, s in zip(around, reach, strides, strict=True)
    ]
    node.room(around)
    node.room((*x.shape[:2], *counts, *kernel))
    return {"stride": strides, "padding": pads, "dilation": dilations}


@means("Conv")
def convolved(node: OnnxNode, x: Any, w: Any, b: Any = None) -> Any:
    """Return the convolution of channels."""
    how = windows_of(node, x, w.shape[2:])
    bias = None if b is None else variable(b)
    groups = node.whole("group", 1)
    return convolution(variable(x), variable(w), bias, groups=groups, **how)


def room_back(
    node: OnnxNode, x: Any, weight: Sequence[int], pads: Any, more: Sequence[int]
) -> None:
    """Make sure that the table of a transposed convolution's windows fits."""
    kernel = weight[2:]
    strides, dilations = steps_of(node, kernel)
    made = [
        s * (m - 1) + d * (k - 1) + 1 + extra - a - b
        for m, k, s, d, extra, (a, b) in zip(
            x.shape[2:], kernel, strides, dilations, more, pads, strict=True
        )
    ]
    node.room(made)
    node.room((*x.shape[:2], *made, *kernel))


@means("ConvTranspose")
def convolved_back(node: OnnxNode, x: Any, w: Any, b: Any = None) -> Any:
    """Return the adjoint of a convolution."""
    kernel = w.shape[2:]
    stride, dilation = steps_of(node, kernel)
    more = node.listed("output_padding", [0] * (x.ndim - 2))
    pads = _pads_back(node, x.shape[2:], kernel, stride, dilation, more)
    room_back(node, x, w.shape, pads, more)
    return transposed_convolution(
        variable(x),
        variable(w),
        None if b is None else variable(b),
        stride=stride,
        padding=pads,
        output_padding=more,
        dilation=dilation,
        groups=node.whole("group", 1),
    )


def _pads_back(
    node: OnnxNode,
    lengths: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    more: Sequence[int],
) -> list[tuple[int, int]]:
    """Return what is cut off: as given, or so that the output has its shape."""
    mode = node.text("auto_pad", "NOTSET")
    shape = node.listed("output_shape")
    if shape is None and not mode.startswith("SAME"):
        return pads_of(node, lengths, kernel, stride, dilation)
    pairs = []
    for k, n in enumerate(lengths):
        wanted = n * stride[k] if shape is None else shape[-len(lengths) :][k]
        full = stride[k] * (n - 1) + more[k] + (kernel[k] - 1) * dilation[k] + 1
        total = full - wanted
        few, many = total // 2, total - total // 2
        pairs.append((few, many) if mode == "SAME_UPPER" else (many, few))
    return pairs


@means("Col2Im")
def from_columns(node: OnnxNode, x: Any, image: Any, block: Any) -> Any:
    """Return images that columns are the windows of, overlaps added."""
    sizes = tuple(node.integers(image, "the image's shape"))
    kernel = tuple(node.integers(block, "the block's shape"))
    node.room((x.shape[0], x.shape[1], *sizes))
    stride, dilation = steps_of(node, kernel)
    pads = pads_of(node, sizes, kernel, stride, dilation)
    elements = math.prod(kernel)
    if elements < 1 or x.shape[1] % elements:
        raise InvalidInputError(f"{node}: {x.shape[1]} rows of blocks of {kernel}")
    channels = x.shape[1] // elements
    # one weight a place of the block: the adjoint of taking windows apart
    unit = np.eye(elements).reshape(elements, 1, *kernel)
    every = zip(sizes, pads, kernel, dilation, strict=True)
    last = [m + a + b - d * (k - 1) - 1 for m, (a, b), k, d in every]
    counts = [n // s + 1 for n, s in zip(last, stride, strict=True)]
    rest = [n % s for n, s in zip(last, stride, strict=True)]
    parts = np.reshape(variable(x), (x.shape[0] * channels, elements, *counts))
    room_back(node, parts, unit.shape, pads, rest)
    made = transposed_convolution(
        parts, unit, stride=stride, padding=pads, output_padding=rest, dilation=dilation
    )
    return np.reshape(made, (x.shape[0], channels, *sizes))
