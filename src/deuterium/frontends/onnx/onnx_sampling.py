"""ONNX's sampling of images between their places; where must be numbers.

What is sampled is a sum of a few elements with fixed weights, worked out in doubles as
in the standard's definition.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.onnx.onnx_convolution import windows_of
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_resize import cubic, tent
from deuterium.frontends.onnx.onnx_values import variable
from deuterium.functions.sliding_windows import sliding_windows
from deuterium.ops import arrays

__all__: list[str] = []

KEYS = -0.75  # the standard's parameter of Keys' cubic kernel


def _along_axis(at: Any, mode: str) -> tuple[Any, Any]:
    """Return the neighbours of coordinates on one axis, and their weights."""
    if mode == "nearest":
        return np.rint(at)[..., None], np.ones((*at.shape, 1))
    low = np.floor(at)
    near = np.arange(2) if mode == "linear" else np.arange(-1, 3)
    index = low[..., None] + near
    return index, (tent if mode == "linear" else cubic)(at[..., None] - index, KEYS)


def _reflected(at: Any, low: float, high: float) -> Any:
    """Return coordinates thrown back at both ends as often as it takes."""
    span = high - low
    if span <= 0:
        return np.full_like(at, low)
    rest = np.mod(at - low, 2 * span)
    return low + np.minimum(rest, 2 * span - rest)


def _neighbours(
    coordinates: Sequence[Any],
    dims: tuple[int, ...],
    mode: str,
    padding: str,
    ends: Any,
) -> tuple[Any, Any]:
    """Return flat places around points, and their weights: (*points, neighbours)."""
    flat: Any = np.zeros((*coordinates[0].shape, 1), dtype=np.int64)
    weight: Any = np.ones((*coordinates[0].shape, 1))
    for at, n, (low, high) in zip(coordinates, dims, ends, strict=True):
        if padding == "border":
            at = np.clip(at, 0, n - 1)
        elif padding == "reflection":
            at = np.where((at < low) | (at > high), _reflected(at, low, high), at)
        index, w = _along_axis(at, mode)
        if padding == "reflection":
            index = np.trunc(_reflected(index, low, high))
        elif padding == "zeros":
            w = np.where((index >= 0) & (index < n), w, 0.0)
        own = np.clip(index, 0, n - 1).astype(np.int64)
        flat = (flat[..., :, None] * n + own[..., None, :]).reshape(*at.shape, -1)
        weight = (weight[..., :, None] * w[..., None, :]).reshape(*at.shape, -1)
    return flat, weight


def _sampled(node: OnnxNode, x: Any, flat: Any, weight: Any) -> Any:
    """Return weighted elements of all channels of every record, not yet added up.

    ``flat`` and ``weight`` are (records, *points, neighbours); the result is
    (records, channels, *points, neighbours).
    """
    n, c = x.shape[:2]
    node.room((n, c, *flat.shape[1:]))
    lead = (n, c, *(1,) * (flat.ndim - 1))
    first = (np.arange(n * c) * math.prod(x.shape[2:])).reshape(lead)
    taken = arrays.take_places(variable(x), first + flat[:, None])
    return taken * weight[:, None]


@means("GridSample")
def by_grid(node: OnnxNode, x: Any, grid: Any) -> Any:
    """Return the image at the points of a grid, given in [-1, 1] in each direction."""
    points = node.numbers(grid, "the grid")
    if not np.isfinite(points).all():
        raise InvalidInputError(f"{node}: the grid must be finite")
    dims = x.shape[2:]
    corners = bool(node.whole("align_corners"))
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(
        node.text("mode", "linear"), node.text("mode", "linear")
    )
    padding = node.text("padding_mode", "zeros")
    if mode not in ("linear", "cubic", "nearest") or padding not in (
        "zeros", "border", "reflection",
    ):  # fmt: skip
        node.refuse(f"mode {mode!r} with padding_mode {padding!r} is not supported")
    coordinates, ends = [], []
    for k, n in enumerate(dims):
        own = points[..., len(dims) - 1 - k]  # a grid says the last axis first
        at = (own + 1) / 2 * (n - 1) if corners else ((own + 1) * n - 1) / 2
        coordinates.append(np.rint(at) if mode == "nearest" else at)
        ends.append((0.0, n - 1.0) if corners else (-0.5, n - 0.5))
    flat, weight = _neighbours(coordinates, dims, mode, padding, ends)
    return np.sum(_sampled(node, x, flat, weight), axis=-1)


@means("RoiAlign")
def of_regions(node: OnnxNode, x: Any, rois: Any, batches: Any) -> Any:
    """Return regions of an image, each as a small image of fixed size."""
    boxes = node.numbers(rois, "the regions") * node.real("spatial_scale", 1.0)
    of = np.asarray(node.numbers(batches, "the records"), dtype=np.int64)
    usual = "half_pixel" if node.opset >= 16 else "output_half_pixel"
    half = node.text("coordinate_transformation_mode", usual) == "half_pixel"
    h, w = node.whole("output_height", 1), node.whole("output_width", 1)
    largest = node.text("mode", "avg") == "max"
    made = []
    for box, n in zip(boxes, of, strict=True):
        at = [
            _bins(node, box[1 - k], box[3 - k], size, half)
            for k, size in enumerate((h, w))
        ]
        y, x_at = (a.ravel() for a in at)
        grid = np.meshgrid(y, x_at, indexing="ij")
        inside = reduce(
            np.logical_and,
            ((g >= -1) & (g <= m) for g, m in zip(grid, x.shape[2:], strict=True)),
        )
        ends = [(0.0, m - 1.0) for m in x.shape[2:]]
        flat, weight = _neighbours(grid, x.shape[2:], "linear", "border", ends)
        weight = np.where(inside[..., None], weight, 0.0)
        own = _sampled(node, x[int(n) : int(n) + 1], flat[None], weight[None])
        parts = (own.shape[1], h, at[0].shape[1], w, at[1].shape[1], -1)
        bins = np.transpose(np.reshape(own, parts), (0, 1, 3, 2, 4, 5))
        whole = np.reshape(bins, (*bins.shape[:3], -1))
        count = at[0].shape[1] * at[1].shape[1]
        made.append(
            np.max(whole, axis=-1) if largest else np.sum(whole, axis=-1) / count
        )
    return np.stack(made)


def _bins(node: OnnxNode, start: float, end: float, size: int, half: bool) -> Any:
    """Return the places sampled on one axis: a row for each bin."""
    start, end = (start - 0.5, end - 0.5) if half else (start, end)
    length = end - start if half else max(end - start, 1.0)
    if not (math.isfinite(start) and math.isfinite(length)) or size < 1:
        raise InvalidInputError(f"{node}: a region from {start} to {end}")
    each = node.whole("sampling_ratio") or math.ceil(length / size)
    node.room((size, max(each, 1)))
    step = length / size
    inner = (np.arange(max(each, 1)) + 0.5) * step / max(each, 1)
    return start + np.arange(size)[:, None] * step + inner


@means("DeformConv")
def deformed(
    node: OnnxNode, x: Any, w: Any, offset: Any, b: Any = None, mask: Any = None
) -> Any:
    """Return a convolution whose windows take elements from elsewhere."""
    kernel = w.shape[2:]
    how = windows_of(node, x, kernel)
    over = sliding_windows(x.shape[2:], kernel, **how)
    n, c, k = x.shape[0], x.shape[1], math.prod(kernel)
    parts, groups = node.whole("offset_group", 1), node.whole("group", 1)
    moved = node.numbers(offset, "the offsets").reshape(n, parts, k, 2, *over.shape)
    grid = [
        np.arange(m).reshape(-1, 1) * s - a + np.arange(size) * d
        for m, s, (a, _), size, d in zip(
            over.shape,
            how["stride"],
            how["padding"],
            kernel,
            how["dilation"],
            strict=True,
        )
    ]
    rows, columns = grid
    base_y = np.repeat(rows.T, kernel[1], axis=0)[:, :, None]
    base_x = np.tile(columns.T, (kernel[0], 1))[:, None, :]
    coordinates = [moved[:, :, :, 0] + base_y, moved[:, :, :, 1] + base_x]
    ends = [(0.0, m - 1.0) for m in x.shape[2:]]
    flat, weight = _neighbours(coordinates, x.shape[2:], "linear", "zeros", ends)
    each = c // parts
    taken = [
        np.sum(
            _sampled(node, x[:, g * each : (g + 1) * each], flat[:, g], weight[:, g]),
            axis=-1,
        )
        for g in range(parts)
    ]
    if mask is not None:
        share = np.reshape(mask, (n, parts, 1, k, *over.shape))
        taken = [t * share[:, g] for g, t in enumerate(taken)]
    whole = np.concatenate(taken, axis=1) if parts > 1 else taken[0]
    columns_of = np.reshape(whole, (n, groups, c // groups * k, math.prod(over.shape)))
    weights = np.reshape(w, (groups, w.shape[0] // groups, -1))
    y = np.reshape(np.matmul(weights, columns_of), (n, w.shape[0], *over.shape))
    return y if b is None else y + np.reshape(b, (1, -1, 1, 1))
