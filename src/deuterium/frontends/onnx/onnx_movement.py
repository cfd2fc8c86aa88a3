"""ONNX operators that move elements: shapes, slices, joins, padding.

They are NumPy's functions, which work on integers as on Variables; how elements are
moved must be numbers.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import alike, from_array
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.variable import Variable

__all__ = ["axes_of"]


def axes_of(node: OnnxNode, given: Any = None, name: str = "axes") -> list[int] | None:
    """Return axes, which newer versions have as an input and older as an attribute."""
    if given is not None:
        return node.integers(given, f"`{name}`")
    return node.listed(name)


@means("Shape")
def shape(node: OnnxNode, x: Any) -> Any:
    """Return the shape, or a part of it."""
    end = node.attribute("end")
    stop = node.whole("end") if end is not None else None
    return np.asarray(x.shape[node.whole("start") : stop], dtype=np.int64)


@means("Size")
def size(node: OnnxNode, x: Any) -> Any:
    """Return how many elements there are."""
    return np.asarray(math.prod(x.shape), dtype=np.int64)


@means("Reshape")
def reshaped(node: OnnxNode, x: Any, shape: Any = None) -> Any:
    """Return the elements in another shape; 0 stands for the axis as it is."""
    new = axes_of(node, shape, "shape") or []
    if not node.whole("allowzero"):
        new = [x.shape[i] if n == 0 else n for i, n in enumerate(new)]
    return np.reshape(x, tuple(new))


@means("Flatten")
def flattened(node: OnnxNode, x: Any) -> Any:
    """Return a matrix: axes before one make its rows, the others its columns."""
    axis = node.whole("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return np.reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@means("Transpose")
def transposed(node: OnnxNode, x: Any) -> Any:
    """Return the axes in another order."""
    return np.transpose(x, node.listed("perm"))


@means("Squeeze")
def squeezed(node: OnnxNode, x: Any, axes: Any = None) -> Any:
    """Return the array without axes of length one."""
    at = axes_of(node, axes)
    return np.squeeze(x, None if at is None else tuple(at))


@means("Unsqueeze")
def unsqueezed(node: OnnxNode, x: Any, axes: Any = None) -> Any:
    """Return the array with axes of length one put in."""
    return np.expand_dims(x, tuple(axes_of(node, axes) or ()))


@means("Concat")
def joined(node: OnnxNode, *inputs: Any) -> Any:
    """Return arrays joined along an axis."""
    axis = node.axis(node.whole("axis", 1), inputs[0].ndim)
    return np.concatenate(alike(inputs), axis=axis)


@means("Split")
def split(node: OnnxNode, x: Any, sizes: Any = None) -> Any:
    """Return the parts of an array along an axis."""
    axis = node.axis(node.whole("axis"), x.ndim)
    parts = axes_of(node, sizes, "split")
    if parts is None:
        count = node.whole("num_outputs", len(node.proto.output))
        if not 0 < count <= max(len(node.proto.output), 1):
            raise InvalidInputError(f"{node}: {count} parts for its outputs")
        each = -(-x.shape[axis] // count)
        parts = [each] * (count - 1) + [x.shape[axis] - each * (count - 1)]
    if sum(parts) != x.shape[axis] or min(parts, default=0) < 0:
        raise InvalidInputError(
            f"{node}: parts of {parts} elements of an axis of {x.shape[axis]}"
        )
    ends = np.cumsum(parts)
    before = (slice(None),) * axis
    return tuple(
        x[(*before, slice(int(b - n), int(b)))]
        for b, n in zip(ends, parts, strict=True)
    )


@means("Slice")
def sliced(
    node: OnnxNode,
    x: Any,
    starts: Any = None,
    ends: Any = None,
    axes: Any = None,
    steps: Any = None,
) -> Any:
    """Return a slice along some axes."""
    first = axes_of(node, starts, "starts") or []
    last = axes_of(node, ends, "ends") or []
    at = axes_of(node, axes) if axes is not None else node.listed("axes")
    at = list(range(len(first))) if at is None else at
    by = [1] * len(first) if steps is None else node.integers(steps, "`steps`")
    key = [slice(None)] * x.ndim
    for i, start, end, step in zip(at, first, last, by, strict=True):
        axis = node.axis(i, x.ndim)
        n = x.shape[axis]
        if step < 0:  # an end before the first element is NumPy's None
            low, high = min(start, n - 1), None if end < -n else end
            key[axis] = slice(None if start >= n else low, high, step)
        else:
            key[axis] = slice(start, end, step)
    return x[tuple(key)]


@means("Gather")
def gathered(node: OnnxNode, x: Any, indices: Any) -> Any:
    """Return elements picked along an axis."""
    axis = node.axis(node.whole("axis"), x.ndim)
    at = np.asarray(node.numbers(indices, "the indices"), dtype=np.int64)
    node.room((*x.shape[:axis], *at.shape, *x.shape[axis + 1 :]))
    return np.take(x, _from_front(node, at, x.shape[axis]), axis=axis)


def _from_front(node: OnnxNode, index: Any, n: int) -> Any:
    if index.size and (index.min() < -n or index.max() >= n):
        raise InvalidInputError(f"{node}: an index outside an axis of {n} elements")
    return np.where(index < 0, index + n, index)


@means("GatherElements")
def gathered_elements(node: OnnxNode, x: Any, indices: Any) -> Any:
    """Return an element for every index, along an axis."""
    axis = node.axis(node.whole("axis"), x.ndim)
    at = np.asarray(node.numbers(indices, "the indices"), dtype=np.int64)
    grid: list[Any] = list(np.indices(at.shape, sparse=True))
    grid[axis] = _from_front(node, at, x.shape[axis])
    return x[tuple(grid)]


@means("GatherND")
def gathered_slices(node: OnnxNode, x: Any, indices: Any) -> Any:
    """Return the slices that rows of indices point at."""
    lead = node.whole("batch_dims")
    at = np.asarray(node.numbers(indices, "the indices"), dtype=np.int64)
    node.room((*at.shape[:-1], *x.shape[lead + at.shape[-1] :]))
    grid = np.indices((*at.shape[:lead], *(1,) * (at.ndim - 1 - lead)), sparse=True)
    return x[(*grid[:lead], *np.moveaxis(at, -1, 0))]


@means("Expand")
def expanded(node: OnnxNode, x: Any, shape: Any) -> Any:
    """Return the array broadcast with a shape."""
    new = np.broadcast_shapes(x.shape, tuple(node.integers(shape, "the shape")))
    node.room(new)
    return broadcast_to(x, new) if isinstance(x, Variable) else np.broadcast_to(x, new)


@means("Tile")
def tiled(node: OnnxNode, x: Any, repeats: Any) -> Any:
    """Return the array repeated along its axes."""
    by = node.integers(repeats, "the repeats")
    node.room(tuple(n * r for n, r in zip(x.shape, by, strict=True)))
    return np.tile(x, by)


@means("Pad")
def padded(
    node: OnnxNode, x: Any, pads: Any = None, value: Any = None, axes: Any = None
) -> Any:
    """Return the array with elements around it; negative pads cut some off."""
    widths = axes_of(node, pads, "pads")
    widths = node.listed("paddings", []) if widths is None else widths
    at = range(x.ndim) if axes is None else node.integers(axes, "`axes`")
    each = [(0, 0)] * x.ndim
    for k, i in enumerate(at):
        each[node.axis(i, x.ndim)] = (widths[k], widths[k + len(widths) // 2])
    node.room([n + a + b for n, (a, b) in zip(x.shape, each, strict=True)])
    cut = tuple(
        slice(max(-a, 0), n - max(-b, 0))
        for n, (a, b) in zip(x.shape, each, strict=True)
    )
    around = [(max(a, 0), max(b, 0)) for a, b in each]
    mode = node.text("mode", "constant")
    if mode != "constant":
        if mode not in ("edge", "reflect", "wrap"):
            node.refuse(f"mode {mode!r} is not supported")
        return np.pad(x[cut], around, mode=cast(Any, mode))
    if value is None or value.shape == (0,):
        return np.pad(x[cut], around, constant_values=cast(Any, node.real("value")))
    if isinstance(value, np.ndarray):
        return np.pad(x[cut], around, constant_values=value.item())
    outside = np.pad(np.zeros(x[cut].shape, dtype=bool), around, constant_values=True)
    return np.where(outside, np.reshape(value, ()), np.pad(x[cut], around))


@means("DepthToSpace")
def depth_to_space(node: OnnxNode, x: Any) -> Any:
    """Return channels spread over blocks of places."""
    b = node.whole("blocksize", 1)
    n, c, h, w = x.shape
    if node.text("mode", "DCR") == "DCR":
        parts, order = (n, b, b, c // b**2, h, w), (0, 3, 4, 1, 5, 2)
    else:
        parts, order = (n, c // b**2, b, b, h, w), (0, 1, 4, 2, 5, 3)
    moved = np.transpose(np.reshape(x, parts), order)
    return np.reshape(moved, (n, c // b**2, h * b, w * b))


@means("SpaceToDepth")
def space_to_depth(node: OnnxNode, x: Any) -> Any:
    """Return blocks of places as channels."""
    b = node.whole("blocksize", 1)
    n, c, h, w = x.shape
    parts = np.reshape(x, (n, c, h // b, b, w // b, b))
    if node.text("mode", "DCR") == "DCR":
        moved = np.transpose(parts, (0, 3, 5, 1, 2, 4))
    else:
        moved = np.transpose(parts, (0, 1, 3, 5, 2, 4))
    return np.reshape(moved, (n, c * b * b, h // b, w // b))


@means("ReverseSequence")
def reversed_sequences(node: OnnxNode, x: Any, lengths: Any) -> Any:
    """Return the first elements of every sequence in reverse order."""
    batch, time = node.whole("batch_axis", 1), node.whole("time_axis", 0)
    ends = node.integers(lengths, "the lengths")
    t = np.arange(x.shape[time])
    rows = np.stack([np.where(t < n, n - 1 - t, t) for n in ends], axis=1 - time)
    index = np.reshape(rows, (*rows.shape, *(1,) * (x.ndim - 2)))
    grid = list(np.indices((*index.shape[:2], *x.shape[2:]), sparse=True))
    grid[time] = index
    if (batch, time) not in ((0, 1), (1, 0)):
        raise InvalidInputError(f"{node}: axes {batch} and {time}; they are 0 and 1")
    return x[tuple(grid)]


@means("Trilu")
def triangle(node: OnnxNode, x: Any, k: Any = None) -> Any:
    """Return the upper or the lower triangle."""
    (by,) = [0] if k is None else node.integers(k, "`k`")
    by = min(max(by, -(2**31)), 2**31)
    return np.triu(x, by) if node.whole("upper", 1) else np.tril(x, by)


@means("Compress")
def compressed(node: OnnxNode, x: Any, condition: Any) -> Any:
    """Return the parts of an array along an axis that booleans choose."""
    axis = node.whole("axis") if node.attribute("axis") is not None else None
    return np.compress(node.numbers(condition, "the condition"), x, axis=axis)


@means("ConstantOfShape")
def filled(node: OnnxNode, shape: Any) -> Any:
    """Return one number in every place of a shape."""
    new = tuple(node.integers(shape, "the shape"))
    node.room(new)
    given = node.tensor("value")
    if given is None:
        given = constant(0.0)
    one = np.reshape(given, ())
    if isinstance(one, np.ndarray):
        return np.full(new, one)
    return broadcast_to(one, new)


@means("Constant")
def fixed(node: OnnxNode) -> Any:
    """Return what an attribute says."""
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if node.attribute(name) is None:
            continue
        if name == "value":
            return node.tensor("value")
        if name in ("value_float", "value_int"):
            read = node.real if name == "value_float" else node.whole
            return from_array(np.asarray(read(name)), str(node))
        of = np.float64 if name == "value_floats" else np.int64
        return from_array(np.asarray(node.listed(name), dtype=of), str(node))
    return node.refuse("its constant is sparse, text, or missing")
