"""ONNX's sequences and optional values: lists, whose places are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import alike

__all__: list[str] = []


@means("SequenceConstruct")
def listed(node: OnnxNode, *inputs: Any) -> Any:
    """Return the inputs as a sequence."""
    return list(inputs)


@means("SequenceEmpty")
def empty(node: OnnxNode) -> Any:
    """Return a sequence of nothing."""
    return []


def _place(node: OnnxNode, sequence: Any, position: Any, most: int) -> int:
    if not isinstance(sequence, list):
        raise InvalidInputError(f"{node}: its first input is no sequence")
    (at,) = node.integers(position, "the position")
    if not -len(sequence) <= at < most:
        raise InvalidInputError(f"{node}: place {at} of {len(sequence)}")
    return at


@means("SequenceAt")
def element(node: OnnxNode, sequence: Any, position: Any) -> Any:
    """Return the element at a place."""
    return sequence[_place(node, sequence, position, len(sequence))]


@means("SequenceInsert")
def inserted(node: OnnxNode, sequence: Any, x: Any, position: Any = None) -> Any:
    """Return the sequence with an element more."""
    made = list(sequence)
    n = len(made)
    made.insert(n if position is None else _place(node, made, position, n + 1), x)
    return made


@means("SequenceErase")
def erased(node: OnnxNode, sequence: Any, position: Any = None) -> Any:
    """Return the sequence without an element."""
    made = list(sequence)
    del made[-1 if position is None else _place(node, made, position, len(made))]
    return made


@means("SequenceLength")
def length(node: OnnxNode, sequence: Any) -> Any:
    """Return how many elements there are."""
    return np.asarray(len(sequence), dtype=np.int64)


@means("SplitToSequence")
def split(node: OnnxNode, x: Any, sizes: Any = None) -> Any:
    """Return the parts of an array along an axis as a sequence."""
    axis = node.axis(node.whole("axis"), x.ndim)
    n = x.shape[axis]
    if sizes is None:
        parts, keep = [1] * n, bool(node.whole("keepdims", 1))
    else:
        parts, keep = node.integers(sizes, "the sizes"), True
        if sizes.ndim == 0:
            if parts[0] < 1:
                raise InvalidInputError(f"{node}: parts of {parts[0]} elements")
            parts = [min(parts[0], n - i) for i in range(0, n, parts[0])]
    ends = np.cumsum(parts)
    before = (slice(None),) * axis
    made = [x[(*before, slice(e - m, e))] for e, m in zip(ends, parts, strict=True)]
    return made if keep else [np.squeeze(part, axis) for part in made]


@means("ConcatFromSequence")
def joined(node: OnnxNode, sequence: Any) -> Any:
    """Return the elements joined along an axis, or along a new one."""
    join = np.stack if node.whole("new_axis") else np.concatenate
    return join(alike(sequence), axis=node.whole("axis"))


@means("Optional", "OptionalGetElement")
def unwrapped(node: OnnxNode, x: Any = None) -> Any:
    """Return the value that there is."""
    return (x,)


@means("OptionalHasElement")
def is_there(node: OnnxNode, x: Any = None) -> Any:
    """Return whether there is a value."""
    return np.asarray(x is not None)
