"""ATen's operators that make shapes, join, and look things up.

What only moves elements (slices, flips, splits, windows ...) needs no entry: the reader
of graphs has PyTorch do it to an array of places (`aten_movement`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deuterium.errors import UnsupportedError
from deuterium.frontends.torch.aten_table import aten
from deuterium.frontends.torch.index_input import IndexInput, unit_vectors
from deuterium.graph.constructors import constant
from deuterium.graph.variable import Variable

# -- shapes with nodes of their own, which the engine knows ----------------------------


@aten("view", "reshape", "_unsafe_view")
def view(x: Any, size: Sequence[int] | None = None, shape: Any = None) -> Any:
    """Return x in another shape."""
    return np.reshape(x, tuple(shape if size is None else size))


@aten("flatten")
def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Return x with axes joined into one."""
    if not x.ndim:
        return np.reshape(x, (1,))
    start, end = start_dim % x.ndim, end_dim % x.ndim
    joined = math.prod(x.shape[start : end + 1])
    return np.reshape(x, (*x.shape[:start], joined, *x.shape[end + 1 :]))


_FORMULAS: dict[tuple[str, ...], Callable[..., Any]] = {
    ("permute",): lambda x, dims: np.transpose(x, tuple(d % x.ndim for d in dims)),
    ("transpose", "swapaxes"): lambda x, dim0, dim1: (
        np.swapaxes(x, dim0, dim1) if x.ndim else x
    ),
    ("t", "mT", "matrix_H", "mH", "adjoint"): lambda x: (
        np.swapaxes(x, -1, -2) if x.ndim > 1 else x
    ),
    ("numpy_T",): lambda x: np.transpose(x),
    ("expand_as",): lambda x, other: np.broadcast_to(x, other.shape),
    ("copy",): lambda x, src: np.broadcast_to(src, x.shape),
    # empty ones of one axis are left out
    ("cat", "concat", "concatenate"): lambda tensors, dim=0: np.concatenate(
        [x for x in tensors if x.shape != (0,)], axis=dim
    ),
    ("stack",): lambda tensors, dim=0: np.stack(list(tensors), axis=dim),
    ("zeros_like", "new_zeros", "empty_like", "new_empty"): lambda x, size=None: (
        _filled(x, size, 0.0)
    ),
    ("ones_like", "new_ones"): lambda x, size=None: _filled(x, size, 1.0),
    ("full_like", "new_full"): lambda x, size=None, fill_value=0: _filled(
        x, size, fill_value
    ),
    ("tril",): lambda x, diagonal=0: np.where(_below(x, diagonal), x, 0.0),
    ("triu",): lambda x, diagonal=0: np.where(_below(x, diagonal - 1), 0.0, x),
}
for _names, _formula in _FORMULAS.items():
    aten(*_names)(_formula)


def _filled(x: Any, size: Any, number: Any) -> Any:
    return np.full(x.shape if size is None else tuple(size), float(number))


def _below(x: Any, diagonal: int) -> Any:
    """Return where a matrix lies on or below a diagonal."""
    return np.tri(x.shape[-2], x.shape[-1], diagonal).astype(bool)


@aten("expand", "broadcast_to")
def expand(x: Any, size: Sequence[int]) -> Any:
    """Return x repeated along axes of length one; -1 leaves an axis as it is."""
    own = (1,) * (len(size) - x.ndim) + x.shape
    whole = tuple(m if n == -1 else n for m, n in zip(own, size, strict=True))
    return np.broadcast_to(x, whole)


@aten("broadcast_tensors")
def broadcast_tensors(tensors: Sequence[Any]) -> list[Any]:
    """Return arrays repeated to their common shape."""
    shape = np.broadcast_shapes(*[np.shape(x) for x in tensors])
    return [np.broadcast_to(x, shape) for x in tensors]


@aten("clone", "contiguous", "alias", "lift_fresh_copy", "positive", takes_masked=True)
def clone(x: Any) -> Any:
    """Return x itself."""
    return x


@aten("detach")
def detach(x: Any) -> Any:
    """Refuse: the slope of what is detached would not be that of its value."""
    raise UnsupportedError(
        "`detach` cuts gradients, and a gradient here is that of the function itself; "
        "leave it out, or give what is detached as an input"
    )


# -- joins and paddings ----------------------------------------------------------------


_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@aten("pad", "constant_pad_nd")
def pad(x: Any, pad: Sequence[int], mode: str = "constant", value: Any = None) -> Any:
    """Return x padded, or cut where a number is negative; the last axis comes first."""
    widths = [(0, 0)] * x.ndim
    for k in range(len(pad) // 2):
        widths[-1 - k] = (pad[2 * k], pad[2 * k + 1])
    cuts = tuple(
        slice(max(-a, 0), n - max(-b, 0))
        for n, (a, b) in zip(x.shape, widths, strict=True)
    )
    inner = x if min(pad, default=0) >= 0 else x[cuts]
    around = [(max(a, 0), max(b, 0)) for a, b in widths]
    if mode == "constant":
        return np.pad(inner, around, constant_values=value or 0)
    return np.pad(inner, around, _MODES[mode])  # type: ignore[call-overload]


@aten("slice_scatter", "select_scatter")
def scatter_into(
    x: Any,
    src: Any,
    dim: int = 0,
    index: int | None = None,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Any:
    """Return x with a part replaced: what writing into a slice becomes."""
    key: list[Any] = [slice(None)] * x.ndim
    key[dim] = slice(start, end, step) if index is None else index
    hit = np.zeros(x.shape, dtype=bool)
    hit[tuple(key)] = True
    target = np.expand_dims(src, dim) if index is not None else src
    order = np.zeros(x.shape, dtype=np.int64)
    order[hit] = np.arange(target.size)  # row-major in both, so they correspond
    return np.where(hit, np.take(np.reshape(target, (-1,)), order), x)


# -- look-ups --------------------------------------------------------------------------


def _is_input(index: Any) -> bool:
    return isinstance(index, (IndexInput, Variable))


@aten("embedding", takes_index=True)
def embedding(weight: Any, indices: Any, padding_idx: int = -1) -> Any:
    """Return rows of a matrix; for an input, its unit vectors times the matrix.

    The row of padding is not learned: it is the numbers that it holds.
    """
    if 0 <= padding_idx < weight.shape[0] and getattr(weight, "is_constant", False):
        fixed = (np.arange(weight.shape[0]) == padding_idx)[:, None]
        weight = np.where(fixed, constant(weight.value), weight)
    if not _is_input(indices):
        return np.take(weight, indices, axis=0)
    vectors = unit_vectors(indices, weight.shape[0])
    return np.tensordot(vectors, weight, ([-1], [0]))


@aten("one_hot", takes_index=True)
def one_hot(x: Any, num_classes: int = -1) -> Any:
    """Return unit vectors along a new last axis."""
    if num_classes < 0:
        raise UnsupportedError("`one_hot` of an input needs `num_classes`; give it")
    return unit_vectors(x, num_classes)


@aten("index_select", takes_index=True)
def index_select(x: Any, dim: int, index: Any) -> Any:
    """Return the parts of x along an axis at places."""
    if not _is_input(index):
        return np.take(x, index, axis=dim)
    vectors = unit_vectors(index, x.shape[dim])
    picked = np.tensordot(vectors, x, ([-1], [dim]))
    return np.moveaxis(picked, 0, dim)


@aten("gather", takes_index=True)
def gather(x: Any, dim: int, index: Any) -> Any:
    """Return elements along an axis at places of an array of the same rank."""
    own = tuple(
        slice(None) if k == dim % x.ndim else slice(n)
        for k, n in enumerate(index.shape)
    )
    x = x[own]
    if not _is_input(index):
        return np.take_along_axis(x, index, axis=dim)
    vectors = np.moveaxis(unit_vectors(index, x.shape[dim]), dim, -2)
    rows = np.moveaxis(x, dim, -1)[..., None, :]
    return np.moveaxis(np.sum(vectors * rows, axis=-1), -1, dim)


@aten("index", takes_index=True)
def index(x: Any, indices: Sequence[Any]) -> Any:
    """Return elements at arrays of places, of which one may be an input."""
    inputs = [k for k, part in enumerate(indices) if _is_input(part)]
    if not inputs:
        return x[tuple(slice(None) if i is None else i for i in indices)]
    if len(inputs) > 1 or any(part is None for part in indices):
        raise UnsupportedError(
            "indexing with several inputs, or behind a full slice; use torch.gather"
        )
    (at,) = inputs
    size = x.shape[at]
    shape = np.broadcast_shapes(*(part.shape for part in indices))
    key = [np.arange(size) if k == at else i[..., None] for k, i in enumerate(indices)]
    rows = x[tuple(key)]  # places, then all values of the input, then the rest
    rest = x.shape[len(indices) :]
    rows = np.broadcast_to(rows, (*shape, size, *rest))
    vectors = unit_vectors(indices[at], size)
    vectors = np.reshape(vectors, (*vectors.shape, *(1,) * len(rest)))
    return np.sum(vectors * rows, axis=-1 - len(rest))
