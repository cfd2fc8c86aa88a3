"""ATen's operators that only move elements: PyTorch does it to an array of places.

What it makes of ``arange(size)`` it would make of the elements, so no operator of this
kind has to be written again; the result is one gather.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.frontends.torch.index_input import IndexInput
from deuterium.frontends.torch.masked_scores import MaskedScores
from deuterium.graph.constructors import as_variable

__all__ = ["MOVEMENTS", "moved_by"]

MOVEMENTS = frozenset({
    "alias", "as_strided", "as_strided_copy", "channel_shuffle", "chunk", "diagonal",
    "diagonal_copy", "flatten", "flip", "fliplr", "flipud", "im2col", "expand",
    "expand_copy", "hsplit", "moveaxis", "movedim", "narrow", "narrow_copy", "permute",
    "permute_copy", "pixel_shuffle", "pixel_unshuffle", "ravel", "reflection_pad1d",
    "reflection_pad2d", "reflection_pad3d", "repeat", "repeat_interleave",
    "replication_pad1d", "replication_pad2d", "replication_pad3d", "reshape", "roll",
    "rot90", "select", "select_copy", "slice", "slice_copy", "split",
    "split_with_sizes", "split_with_sizes_copy", "split_copy", "squeeze",
    "squeeze_copy", "swapdims", "t", "take", "tensor_split", "tile", "transpose",
    "transpose_copy", "unbind", "unbind_copy", "unflatten", "unfold", "unfold_copy",
    "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes", "unsqueeze",
    "unsqueeze_copy", "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d",
    "view", "view_as", "view_copy", "vsplit", "dsplit",
})  # fmt: skip
"""Their names; those with an entry in the table of their own are read by that."""

FLOATS_ONLY = frozenset({
    "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d",
    "replication_pad2d", "replication_pad3d", "upsample_nearest1d",
    "upsample_nearest2d", "upsample_nearest3d", "im2col",
})  # fmt: skip


def moved_by(name: str, target: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    """Return the first argument with its elements where PyTorch moves them."""
    import torch

    x, *rest = args
    size = int(np.prod(x.shape, dtype=np.int64))
    kind = torch.float64 if name in FLOATS_ONLY else torch.int64
    places = torch.arange(size, dtype=kind).reshape(x.shape)
    made = target(places, *rest, **kwargs)
    if isinstance(made, (list, tuple)):
        return type(made)(_taken(x, part) for part in made)
    return _taken(x, made)


def _taken(x: Any, places: Any) -> Any:
    index = places.numpy().astype(np.int64)
    if isinstance(x, IndexInput):
        return x.moved(index)
    if isinstance(x, MaskedScores):
        return MaskedScores(_at(x.scores, index), np.ravel(x.kept)[index])
    if x.size == index.size and np.array_equal(index.ravel(), np.arange(x.size)):
        return np.reshape(x, index.shape)
    return _at(x, index)


def _at(x: Any, index: Any) -> Any:
    return np.take(np.reshape(as_variable(x), (-1,)), index)
