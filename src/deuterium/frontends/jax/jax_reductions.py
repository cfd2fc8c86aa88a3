"""JAX's reductions, running results, windows and sorting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.frontends.jax.jax_rules import Call, joined, primitive, taken
from deuterium.functions.comparisons import as_condition
from deuterium.functions.convolution import window_maximum, window_sum
from deuterium.functions.sliding_windows import Windows, sliding_windows
from deuterium.graph.constructors import constant
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.reduce import argmax_onehot

Result = Any  # a Variable: NumPy's functions have other types in their stubs

_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "reduce_sum": np.sum, "reduce_prod": np.prod, "reduce_max": np.max,
    "reduce_min": np.min, "reduce_and": np.all, "reduce_or": np.any,
}  # fmt: skip


@primitive(*_REDUCTIONS)
def reduced(call: Call) -> Result:
    """Return a sum, product or extreme over axes; and, or of conditions."""
    axes = tuple(call.params["axes"])
    x = call.node()
    if call.name in ("reduce_and", "reduce_or"):
        if np.dtype(call.inputs[0].dtype).kind != "b":
            call.refuse("bits of integers have no meaning on Variables")
        x = as_condition(x)
    return _REDUCTIONS[call.name](x, axis=axes) if axes else x


_RUNNING: dict[str, Callable[..., Any]] = {
    "cumsum": np.add.accumulate, "cumprod": np.multiply.accumulate,
    "cummax": np.maximum.accumulate, "cummin": np.minimum.accumulate,
    "cumlogsumexp": np.logaddexp.accumulate,
}  # fmt: skip


@primitive(*_RUNNING)
def running(call: Call) -> Result:
    """Return a result that runs along an axis, forwards or backwards."""
    x, axis = call.node(), call.params["axis"]
    if not call.params["reverse"]:
        return _RUNNING[call.name](x, axis=axis)
    return np.flip(_RUNNING[call.name](np.flip(x, axis), axis=axis), axis)


@primitive("sort")
def sorted_along(call: Call) -> Any:
    """Return elements in order, or several arrays in an order that is a number's."""
    axis, keys = call.params["dimension"], call.params["num_keys"]
    if len(call.values) == 1:
        return np.sort(call.node(), axis=axis)
    for i in range(keys):
        call.number(i, "the order of elements")
    count = call.shape()[axis]
    shape = [1] * len(call.shape())
    shape[axis] = count
    numbers = np.broadcast_to(np.arange(count).reshape(shape), call.shape())
    found = call.bind(
        *[call.known(i) for i in range(keys)], *[numbers for _ in call.values[keys:]]
    )
    return [
        np.take_along_axis(call.node(i), np.asarray(found[-1]), axis=axis)
        if call.known(i) is None or i >= keys
        else _numbers(found[i])
        for i in range(len(call.values))
    ]


def _numbers(x: Any) -> Variable:
    return Variable(np.asarray(x).astype(np.float64))


# -- windows -------------------------------------------------------------------------


def _product_of_windows(x: Variable, over: Windows) -> Result:
    whole = joined([x, constant(np.ones(1))])
    index = np.where(over.table < 0, x.size, over.table)
    return np.prod(taken(whole, index), axis=-1).reshape(over.shape)


_WINDOWS: dict[str, Callable[[Variable, Windows], Any]] = {
    "reduce_window_sum": window_sum,
    "reduce_window_mul": _product_of_windows,
    "reduce_window_max": window_maximum,
    "reduce_window_min": lambda x, over: -window_maximum(-x, over),
}


@primitive(*_WINDOWS)
def in_windows(call: Call) -> Result:
    """Return a sum, product or extreme of each window."""
    return _WINDOWS[call.name](call.node(), _windows(call))


@primitive("select_and_scatter_add")
def added_at_extremes(call: Call) -> Result:
    """Return numbers of windows added at their extremes: the slope of pooling."""
    p, x = call.params, call.node(1)
    over = sliding_windows(
        call.shape(1),
        p["window_dimensions"],
        stride=p["window_strides"],
        padding=p["padding"],
    )
    index = over.table
    if (index < 0).all(-1).any():
        call.refuse("a window has no data in it; use less padding")
    index = np.where(index < 0, index.max(-1, keepdims=True), index)
    rows = taken(x, index)
    first = argmax_onehot(rows if p["select_prim"].name == "ge" else -rows)
    put = first * call.node(0).reshape(-1)[:, None]
    return arrays.put_places(put, index, call.out_shape)


def _windows(call: Call) -> Windows:
    p = call.params
    return sliding_windows(
        call.shape(),
        p["window_dimensions"],
        stride=p["window_strides"],
        padding=p["padding"],
        dilation=p["window_dilation"],
        input_dilation=p["base_dilation"],
    )


# -- any associative function --------------------------------------------------------

_FOLDS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "add": (np.add, np.sum), "mul": (np.multiply, np.prod),
    "max": (np.maximum, np.max), "min": (np.minimum, np.min),
}  # fmt: skip


def _folds(call: Call) -> list[tuple[Callable[..., Any], Callable[..., Any]]]:
    """Return the function of two arguments that each output is folded by."""
    inner = call.params["jaxpr"]
    inner = getattr(inner, "jaxpr", inner)
    count = len(inner.outvars)
    by_output = {e.outvars[0]: e for e in inner.eqns}
    found = []
    for k, out in enumerate(inner.outvars):
        equation = by_output.get(out)
        pair = {inner.invars[k], inner.invars[k + count]}
        if equation is None or set(equation.invars) != pair:
            call.refuse("only sums, products, maxima and minima can be folded")
        if equation.primitive.name not in _FOLDS:
            call.refuse(f"{equation.primitive.name} cannot be folded")
        found.append(_FOLDS[equation.primitive.name])
    return found


@primitive("reduce")
def folded_over_axes(call: Call) -> list[Any]:
    """Return what an associative function makes of elements and a first value."""
    axes, count = tuple(call.params["dimensions"]), len(call.outputs)
    return [
        join(call.node(count + k), reduce(call.node(k), axis=axes))
        for k, (join, reduce) in enumerate(_folds(call))
    ]


@primitive("reduce_window")
def folded_in_windows(call: Call) -> list[Any]:
    """Return what an associative function makes of windows, padded by a first value."""
    count, results = len(call.outputs), []
    over = _windows(call)
    for k, (join, reduce) in enumerate(_folds(call)):
        x, first = call.node(k), call.node(count + k)
        index = np.where(over.table < 0, x.size, over.table)
        folded = reduce(taken(joined([x, first]), index), axis=-1)
        results.append(join(first, folded.reshape(over.shape)))
    return results
