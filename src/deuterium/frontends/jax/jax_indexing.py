"""JAX's scatter: updates put, added or joined into an array at places of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.frontends.jax.jax_rules import Call, moved_by_jax, primitive, taken
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.optional import require

Result = Any  # a Variable: NumPy's functions have other types in their stubs


@primitive("scatter", moves=True)
def scattered(call: Call) -> Result:
    """Return an array with elements replaced."""
    call.number(1, "where to put elements")
    if call.params.get("update_jaxpr") is not None:
        call.refuse("a function of the old element is not supported; use x.at[i].get()")
    return moved_by_jax(call, [0, 2])


@primitive("scatter_add", "scatter-add", "scatter_sub", "scatter-sub")
def scatter_added(call: Call) -> Result:
    """Return an array with updates added, each as often as it comes."""
    x, updates = call.node(0), call.node(2)
    at = _destinations(call).ravel()
    kept = np.flatnonzero(at >= 0)
    if not kept.size or not x.size:
        return x
    put = arrays.put_places(taken(updates, kept), at[kept], x.shape)
    return x - put if call.name.endswith("sub") else x + put


def _destinations(call: Call) -> Any:
    """Return for each update its flat place in the array, -1 where it is dropped.

    It is the place that `jax.lax.gather` would read with the same numbers.
    """
    indices = call.number(1, "where to put elements")
    lax = require("jax.lax", "jax", "deuterium.frontends.jax")
    d = call.params["dimension_numbers"]
    shape, updates = call.shape(0), call.shape(2)
    gone = {*d.inserted_window_dims, *d.operand_batching_dims}
    windows = iter(updates[i] for i in d.update_window_dims)
    sizes = tuple(1 if i in gone else next(windows) for i in range(len(shape)))
    numbers = lax.GatherDimensionNumbers(
        offset_dims=d.update_window_dims,
        collapsed_slice_dims=d.inserted_window_dims,
        start_index_map=d.scatter_dims_to_operand_dims,
        operand_batching_dims=d.operand_batching_dims,
        start_indices_batching_dims=d.scatter_indices_batching_dims,
    )
    places = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
    clipped = "CLIP" in str(call.params["mode"])  # else what lies outside is dropped
    modes = lax.GatherScatterMode
    mode = modes.CLIP if clipped else modes.FILL_OR_DROP
    jnp = require("jax.numpy", "jax", "deuterium.frontends.jax")
    return np.asarray(
        lax.gather(
            jnp.asarray(places), jnp.asarray(indices), numbers, sizes, mode=mode,
            fill_value=-1,
        )
    )  # fmt: skip


@primitive("scatter_mul", "scatter-mul")
def scatter_multiplied(call: Call) -> Result:
    """Return an array with elements multiplied by updates."""
    return _in_rounds(call, lambda x, u: x * u)


@primitive("scatter_min", "scatter-min")
def scatter_least(call: Call) -> Result:
    """Return an array with the least of elements and updates."""
    return _in_rounds(call, np.minimum)


@primitive("scatter_max", "scatter-max")
def scatter_largest(call: Call) -> Result:
    """Return an array with the largest of elements and updates."""
    return _in_rounds(call, np.maximum)


def _in_rounds(call: Call, join: Callable[[Any, Any], Any]) -> Result:
    """Join updates to their elements: in each round one update for an element."""
    x, updates = call.node(0), call.node(2)
    at = _destinations(call).ravel()
    left = np.flatnonzero(at >= 0)
    while left.size and x.size:
        places, first = np.unique(at[left], return_index=True)
        x = _joined_at(x, places, taken(updates, left[first]), join)
        left = np.delete(left, first)
    return x


def _joined_at(
    x: Variable, places: Any, updates: Variable, join: Callable[[Any, Any], Any]
) -> Variable:
    """Join one update each to the elements at some flat places."""
    new = join(taken(x, places), updates)
    index = np.arange(x.size)
    index[places] = x.size + np.arange(places.size)
    whole: Any = np.concatenate([x.reshape(-1), new])
    return taken(whole, index.reshape(x.shape))
