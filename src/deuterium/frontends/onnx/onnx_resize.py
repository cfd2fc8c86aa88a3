"""ONNX's resizing of images: along every axis a linear map of fixed weights.

The weights are worked out in doubles, as the standard's own definition is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import variable

__all__ = ["cubic", "tent"]


@means("Upsample")
def upsampled(node: OnnxNode, x: Any, scales: Any = None) -> Any:
    """Return the image enlarged, places taken from the corner."""
    factors = (
        node.listed("scales") if scales is None else node.numbers(scales, "scales")
    )
    factors = [float(s) for s in np.ravel(factors)]
    sizes = [math.floor(n * s) for n, s in zip(x.shape, factors, strict=True)]
    node.room(sizes)
    y = x
    linear = node.text("mode", "nearest") in ("linear", "bilinear")
    for axis, (m, s) in enumerate(zip(sizes, factors, strict=True)):
        at = np.arange(m) / s
        y = _along(node, y, axis, m, at, "linear" if linear else "nearest", "floor")
    return y


@means("Resize")
def resized(
    node: OnnxNode, x: Any, roi: Any = None, scales: Any = None, sizes: Any = None
) -> Any:
    """Return the image in another size."""
    if node.opset < 11:
        return upsampled(node, x, roi)  # its second input are the scales
    axes = [node.axis(i, x.ndim) for i in node.listed("axes", list(range(x.ndim)))]
    factors, lengths = _sizes(node, x, axes, scales, sizes)
    node.room(lengths)
    region = [0.0] * x.ndim + [1.0] * x.ndim
    if roi is not None and roi.size:
        for i, axis in enumerate(axes):
            numbers = node.numbers(roi, "the region")
            region[axis], region[x.ndim + axis] = numbers[i], numbers[i + len(axes)]
    y = variable(x)
    for axis in axes:
        ends = region[axis], region[x.ndim + axis]
        n, m, s = x.shape[axis], lengths[axis], factors[axis]
        if n == m and s == 1 and ends == (0.0, 1.0):
            continue
        at = _coordinates(node, n, m, s, ends)
        mode = node.text("mode", "nearest")
        rounding = node.text("nearest_mode", "round_prefer_floor")
        y = _along(node, y, axis, m, at, mode, rounding, s)
    return y


def _sizes(
    node: OnnxNode, x: Any, axes: Sequence[int], scales: Any, sizes: Any
) -> tuple[list[float], list[int]]:
    """Return the scale and the new length of every axis."""
    factors, lengths = [1.0] * x.ndim, list(x.shape)
    if sizes is None or not sizes.size:
        if scales is None or not scales.size:
            raise InvalidInputError(f"{node}: neither scales nor sizes are given")
        given = np.ravel(node.numbers(scales, "the scales"))
        for axis, s in zip(axes, given, strict=True):
            if not (math.isfinite(s) and s > 0):
                raise InvalidInputError(f"{node}: a scale of {s}")
            factors[axis], lengths[axis] = float(s), math.floor(x.shape[axis] * s)
        return factors, lengths
    wanted = node.integers(sizes, "the sizes")
    policy = node.text("keep_aspect_ratio_policy", "stretch")
    each = [m / x.shape[axis] for axis, m in zip(axes, wanted, strict=True)]
    if policy != "stretch":
        one = min(each) if policy == "not_larger" else max(each)
        each = [one] * len(axes)
        wanted = [math.floor(one * x.shape[axis] + 0.5) for axis in axes]
    for axis, s, m in zip(axes, each, wanted, strict=True):
        factors[axis], lengths[axis] = s, m
    return factors, lengths


def _coordinates(
    node: OnnxNode, n: int, m: int, scale: float, ends: tuple[float, float]
) -> Any:
    """Return where the new places lie among the old ones."""
    mode = node.text("coordinate_transformation_mode", "half_pixel")
    i = np.arange(m, dtype=np.float64)
    if mode == "asymmetric":
        return i / scale
    length = scale * n
    if mode == "align_corners":
        return i * ((n - 1) / (length - 1)) if length != 1 else i * 0
    if mode == "pytorch_half_pixel" and length == 1:
        return i * 0 - 0.5
    if mode in ("half_pixel", "pytorch_half_pixel"):
        return (i + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        offset = n / 2 * (1 - m / length)
        return offset + (i + 0.5) / scale - 0.5
    if mode == "tf_crop_and_resize":
        start, stop = ends
        if length == 1:
            return i * 0 + (start + stop) * (n - 1) / 2
        return start * (n - 1) + i * ((stop - start) * (n - 1) / (length - 1))
    return node.refuse(f"coordinate_transformation_mode {mode!r} is not supported")


def _along(
    node: OnnxNode,
    x: Any,
    axis: int,
    m: int,
    at: Any,
    mode: str,
    rounding: str,
    scale: float = 1.0,
) -> Any:
    """Return the array resized along one axis."""
    n = x.shape[axis]
    crop = node.text("coordinate_transformation_mode") == "tf_crop_and_resize"
    outside = (at < 0) | (at > n - 1) if crop else np.zeros(m, dtype=bool)
    if mode == "nearest":
        index = np.clip(_nearest(node, at, rounding), 0, n - 1).astype(np.int64)
        y = np.take(x, index, axis=axis)
    else:
        weights = _weights(node, n, at, mode, scale)
        whole: Any = variable(x)
        y = np.moveaxis(np.moveaxis(whole, axis, -1) @ weights.T, -1, axis)
    if not outside.any():
        return y
    mask = outside.reshape((-1, *(1,) * (x.ndim - axis - 1)))
    return np.where(mask, node.real("extrapolation_value"), y)


def _nearest(node: OnnxNode, at: Any, rounding: str) -> Any:
    if rounding == "floor":
        return np.floor(at)
    if rounding == "ceil":
        return np.ceil(at)
    if rounding == "round_prefer_ceil":
        return np.floor(at + 0.5)
    if rounding == "round_prefer_floor":
        return np.ceil(at - 0.5)
    return node.refuse(f"nearest_mode {rounding!r} is not supported")


def tent(t: Any, a: float) -> Any:
    """Return the kernel of linear interpolation; ``a`` does not matter."""
    return np.maximum(1 - np.abs(t), 0)


def cubic(t: Any, a: float) -> Any:
    """Return Keys' cubic convolution kernel (R. G. Keys, 1981)."""
    u = np.abs(t)
    near = ((a + 2) * u - (a + 3)) * u * u + 1
    far = ((a * u - 5 * a) * u + 8 * a) * u - 4 * a
    return np.where(u <= 1, near, np.where(u < 2, far, 0.0))


def _weights(node: OnnxNode, n: int, at: Any, mode: str, scale: float) -> Any:
    """Return what every old place counts for every new one: (new, old)."""
    if mode not in ("linear", "cubic"):
        node.refuse(f"mode {mode!r} is not supported")
    kernel, reach = (tent, 1) if mode == "linear" else (cubic, 2)
    smooth = bool(node.whole("antialias"))
    shrink = min(scale, 1.0) if smooth else 1.0
    wide = math.ceil(reach / shrink) + 1
    node.room((len(at), max(n, 2 * wide + 1)))
    index = np.floor(at).astype(np.int64)[:, None] + np.arange(-wide, wide + 1)
    w = kernel((index - at[:, None]) * shrink, node.real("cubic_coeff_a", -0.75))
    inside = (index >= 0) & (index < n)
    if node.whole("exclude_outside"):
        w = np.where(inside, w, 0.0)
    if smooth or node.whole("exclude_outside"):
        w = w / w.sum(axis=1, keepdims=True)
    whole = np.zeros((len(at), n))
    rows = np.broadcast_to(np.arange(len(at))[:, None], index.shape)
    np.add.at(whole, (rows, np.clip(index, 0, n - 1)), w)
    return whole
