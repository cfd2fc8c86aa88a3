"""Movement of elements: gather, its adjoint scatter, and concatenate.

Slices, flips, windows, diagonals and padding are all one operator, `gather`, with an
index array made by NumPy itself.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.graph.operator import Shape
from deuterium.graph.variable import Variable, node
from deuterium.interval import Interval
from deuterium.interval.rounding import gamma, minus_error, plus_error
from deuterium.ops.shapes import array_operator, exactly, lead_code, leading, shape_code

_make = Interval.unchecked


def _gather_value(x: Any, index: Any, ndim: int) -> Any:
    lead = leading(x, ndim)
    size = math.prod(np.shape(x)[len(lead) :])
    return np.reshape(x, (*lead, size))[..., index]


def _gather_shape(own: Shape, index: Any, ndim: int) -> Shape:
    _check_index(index, math.prod(own))
    if len(own) != ndim:
        raise ValueError(f"expected {ndim} axes, got shape {own}")
    return tuple(index.shape)


def _check_index(index: Any, size: int) -> None:
    if index.size and (index.min() < 0 or index.max() >= size):
        raise ValueError(f"the index array points outside {size} elements")


def _gather_code(node: Variable, args: list[str], bind: Any) -> str:
    (x,), ndim = args, node.attrs["ndim"]
    size = math.prod(node.args[0].shape)
    flat = x if ndim == 1 else f"xp.reshape({x}, {shape_code(x, ndim, (size,))})"
    return f"{flat}[..., {bind(node.attrs['index'])}]"


gather = array_operator(
    "gather",
    1,
    _gather_value,
    exactly(_gather_value),
    lambda g, out, x, index, ndim: (put_places(g, index, x.shape),),
    _gather_shape,
    code=_gather_code,
    moves_elements=True,
)


def take_places(x: Variable, index: Any) -> Variable:
    """Return the elements of ``x`` at flat places; the result has the index's shape."""
    if index.shape == x.shape and np.array_equal(index.ravel(), np.arange(x.size)):
        return x
    attrs = {"index": _frozen(index), "ndim": x.ndim}
    return node(gather, (x,), attrs, tuple(index.shape))


def _frozen(index: Any) -> Any:
    index = np.array(index, dtype=np.int64)
    index.flags.writeable = False
    return index


def _grouped(index: Any) -> tuple[Any, Any, Any]:
    """Return the places that occur, an order that groups them, and group starts."""
    flat = index.ravel()
    order = np.argsort(flat, kind="stable")
    places, starts = np.unique(flat[order], return_index=True)
    return places, order, starts


def add_into(x: Any, index: Any, shape: Shape) -> Any:
    """Return zeros of ``shape`` with the elements of ``x`` added at flat places."""
    x = np.asarray(x)
    lead = leading(x, index.ndim)
    flat = x.reshape((*lead, index.size))
    out = np.zeros((*lead, math.prod(shape)), dtype=x.dtype)
    if index.size:
        places, order, starts = _grouped(index)
        out[..., places] = np.add.reduceat(flat[..., order], starts, axis=-1)
    return out.reshape(lead + tuple(shape))


def _scatter_shape(own: Shape, index: Any, shape: Shape) -> Shape:
    _check_index(index, math.prod(shape))
    if own != index.shape:
        raise ValueError(f"shape {own} differs from that of the index {index.shape}")
    return tuple(shape)


def _scatter_enclosure(x: Interval, index: Any, shape: Shape) -> Interval:
    low = add_into(x.lower, index, shape)
    high = add_into(x.upper, index, shape)
    counts = np.bincount(index.ravel(), minlength=math.prod(shape)).reshape(shape)
    if counts.max(initial=0) <= 1:
        return _make(low, high)

    def error(end: Any) -> Any:
        size = add_into(np.abs(end), index, shape)
        rounded = (counts > 1) | np.isnan(size)
        return np.where(rounded, gamma(counts + 4) * size, 0.0)

    return _make(minus_error(low, error(x.lower)), plus_error(high, error(x.upper)))


def _scatter_code(node: Variable, args: list[str], bind: Any) -> str:
    (x,), index, shape = args, node.attrs["index"], node.attrs["shape"]
    flat = f"xp.reshape({x}, {shape_code(x, index.ndim, (index.size,))})"
    size = math.prod(shape)
    spread = f"scatter({flat}, {bind(index.ravel())}, {size})"
    whole = ", ".join([lead_code(x, index.ndim), *map(str, shape)])
    return f"xp.reshape({spread}, ({whole},))"


scatter = array_operator(
    "scatter",
    1,
    add_into,
    _scatter_enclosure,
    lambda g, out, x, index, shape: (take_places(g, index),),
    _scatter_shape,
    code=_scatter_code,
    linear=True,
    keeps_sign=True,
)
"""Add the elements of ``x`` into zeros of ``shape`` at the flat places ``index``."""


def put_places(x: Variable, index: Any, shape: Shape) -> Variable:
    """Return zeros of ``shape`` with the elements of ``x`` added at flat places."""
    attrs = {"index": _frozen(index), "shape": tuple(shape)}
    return node(scatter, (x,), attrs, tuple(shape))


def _concatenate_value(*xs: Any, axis: int, ndim: int) -> Any:
    lead = np.broadcast_shapes(*[leading(x, ndim) for x in xs])
    full = [np.broadcast_to(x, lead + np.shape(x)[np.ndim(x) - ndim :]) for x in xs]
    return np.concatenate(full, axis=axis)


def _concatenate_shape(*shapes: Shape, axis: int, ndim: int) -> Shape:
    if not -ndim <= axis < 0 or any(len(s) != ndim for s in shapes):
        raise ValueError(f"cannot join shapes {shapes} along axis {axis}")
    at = ndim + axis
    rest = {s[:at] + s[at + 1 :] for s in shapes}
    if len(rest) != 1:
        raise ValueError(f"cannot join shapes {shapes} along axis {axis}")
    joined = sum(s[at] for s in shapes)
    return (*shapes[0][:at], joined, *shapes[0][at + 1 :])


def _concatenate_pullback(
    g: Variable, out: Variable, *xs: Variable, axis: int, ndim: int
) -> tuple[Variable, ...]:
    places = np.arange(g.size).reshape(g.shape)
    ends = np.cumsum([x.shape[axis] for x in xs])[:-1]
    parts = np.split(places, ends, axis=axis)
    return tuple(take_places(g, part) for part in parts)


concatenate = array_operator(
    "concatenate",
    None,
    _concatenate_value,
    exactly(_concatenate_value),
    _concatenate_pullback,
    _concatenate_shape,
    code=lambda node, args, bind: (
        f"joined([{', '.join(args)}], {node.attrs['axis']}, {node.ndim})"
    ),
    moves_elements=True,
)
