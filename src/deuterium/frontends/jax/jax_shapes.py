"""JAX's primitives that change the shape, join arrays, or make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from deuterium.frontends.jax.jax_rules import (
    Call,
    joined,
    moved_by_jax,
    primitive,
    taken,
)
from deuterium.functions.places import places
from deuterium.graph.constructors import as_variable
from deuterium.ops import arrays

Result = Any  # a Variable: NumPy's functions have other types in their stubs


@primitive("reshape", "squeeze", "expand_dims", moves=True)
def reshaped(call: Call) -> Result:
    """Return the same elements in another shape."""
    x, order = call.node(), call.params.get("dimensions")
    if call.name == "reshape" and order is not None:
        x = np.transpose(x, order)
    return np.reshape(x, call.out_shape)


@primitive("broadcast_in_dim", moves=True)
def broadcast(call: Call) -> Result:
    """Return elements repeated along new axes, and along axes of length one."""
    shape, at = call.params["shape"], call.params["broadcast_dimensions"]
    own = [1] * len(shape)
    for axis, length in zip(at, call.shape(), strict=True):
        own[axis] = length
    return np.broadcast_to(np.reshape(call.node(), tuple(own)), tuple(shape))


@primitive("transpose", moves=True)
def transposed(call: Call) -> Result:
    """Return the array with its axes permuted."""
    return np.transpose(call.node(), call.params["permutation"])


@primitive("rev", moves=True)
def reversed_axes(call: Call) -> Result:
    """Return the elements in reverse order along axes."""
    if not call.params["dimensions"]:
        return call.node()
    return np.flip(call.node(), call.params["dimensions"])


@primitive("slice", moves=True)
def sliced(call: Call) -> Result:
    """Return a part with static ends and strides."""
    p = call.params
    strides = p["strides"] or [1] * len(p["start_indices"])
    ends = zip(p["start_indices"], p["limit_indices"], strides, strict=True)
    key = tuple(slice(a, b, s) for a, b, s in ends)
    return call.node()[key] if key else call.node()


@primitive("concatenate", moves=True)
def concatenated(call: Call) -> Result:
    """Return arrays joined along an axis."""
    return np.concatenate(call.nodes(), axis=call.params["dimension"])


@primitive("split", moves=True)
def split(call: Call) -> list[Any]:
    """Return the parts of an array along an axis."""
    ends = np.cumsum(call.params["sizes"])[:-1].tolist()
    return list(np.split(call.node(), ends, axis=call.params["axis"]))


@primitive("stack", moves=True)
def stacked(call: Call) -> Result:
    """Return arrays joined along a new axis."""
    return np.stack(call.nodes(), axis=call.params["axis"])


@primitive("unstack", moves=True)
def unstacked(call: Call) -> list[Any]:
    """Return the parts of an array along an axis, without it."""
    x = np.moveaxis(call.node(), call.params["axis"], 0)
    return [x[i] for i in range(x.shape[0])]


@primitive("tile", moves=True)
def tiled(call: Call) -> Result:
    """Return the array repeated as a tile."""
    return np.tile(call.node(), call.params["reps"])


@primitive("pad", moves=True)
def padded(call: Call) -> Result:
    """Return the array with a value around, and between, its elements."""
    x, fill = call.node(0), call.node(1)
    lines = [
        low + np.arange(n) * (between + 1)
        for n, (low, _, between) in zip(
            x.shape, call.params["padding_config"], strict=True
        )
    ]
    inside = [
        np.flatnonzero((line >= 0) & (line < n))
        for line, n in zip(lines, call.out_shape, strict=True)
    ]
    index = np.full(call.out_shape, -1, dtype=np.int64)
    to = np.ix_(*[line[k] for line, k in zip(lines, inside, strict=True)])
    index[to] = places(x)[np.ix_(*inside)]
    if not (index < 0).any():
        return taken(x, index)
    if fill.is_constant and np.all(fill.value == 0):
        kept = taken(x, index[index >= 0])
        return arrays.put_places(kept, np.flatnonzero(index.ravel() >= 0), index.shape)
    return taken(joined([x, fill]), np.where(index < 0, x.size, index))


@primitive("iota")
def counted(call: Call) -> Result:
    """Return whole numbers along an axis."""
    return as_variable(np.asarray(call.bind()).astype(np.float64))


@primitive("dynamic_slice", moves=True)
def part(call: Call) -> Result:
    """Return a part that starts at a place that is a number."""
    key = _window(call, 1, call.params["slice_sizes"])
    return call.node()[key] if key else call.node()


@primitive("dynamic_update_slice", moves=True)
def updated(call: Call) -> Result:
    """Return an array with a part replaced, at a place that is a number."""
    x, new = call.node(0), call.node(1)
    index = places(x)
    index[_window(call, 2, call.shape(1))] = x.size + places(new)
    return taken(joined([x, new]), index)


def _window(call: Call, first: int, sizes: Sequence[int]) -> tuple[slice, ...]:
    """Return the slices of a window, moved inside the array as JAX moves it."""
    starts = [
        int(call.number(first + k, "where a part starts")) for k in range(len(sizes))
    ]
    ends = zip(starts, call.shape(), sizes, strict=True)
    inside = [(min(max(start, 0), n - size), size) for start, n, size in ends]
    return tuple(slice(start, start + size) for start, size in inside)


@primitive("gather", moves=True)
def gathered(call: Call) -> Result:
    """Return elements at places that are numbers."""
    call.number(1, "where to take elements")
    marked = replace(call, bind=lambda *xs: call.bind(*xs, fill_value=-1))
    return moved_by_jax(marked, [0])
