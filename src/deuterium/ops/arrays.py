"""Operators on whole arrays: movement of elements, reductions, products.

Axes are negative and every rule leaves leading axes alone, so one graph serves a single
record or a batch.  All movement of elements (slices, flips, windows, diagonals,
padding) is one operator, `gather`, with an index array made by NumPy itself; its
adjoint is `scatter`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import symengine as se

from deuterium.errors import SymbolicError
from deuterium.graph.operator import Operator, Shape, register
from deuterium.graph.variable import Variable, broadcast_to, constant, node
from deuterium.interval import Interval, linear
from deuterium.interval.arithmetic import undefined_where
from deuterium.interval.rounding import gamma, minus_error, plus_error

_make = Interval.unchecked


def array_operator(
    name: str,
    arity: int | None,
    value: Any,
    enclosure: Any,
    pullback: Any,
    shape: Any,
    symbolic: Any = None,
    *,
    code: str | Callable[..., str],
) -> Operator:
    """Enter an operator on arrays; by default its value also runs on closed forms."""
    return register(
        Operator(
            name,
            arity,
            value,
            enclosure,
            pullback,
            shape,
            symbolic,
            elementwise=False,
            code=code,
        )
    )


def lead_code(name: str, ndim: int) -> str:
    """Return source of the batch axes in front of ``ndim`` static ones, unpacked."""
    return f"*{name}.shape[:-{ndim}]" if ndim else f"*{name}.shape"


def shape_code(name: str, ndim: int, shape: Shape) -> str:
    """Return source of a shape: the batch axes of ``name``, then ``shape``."""
    return f"({', '.join([lead_code(name, ndim), *map(str, shape)])},)"


def exactly(value: Callable[..., Any]) -> Callable[..., Interval]:
    """Return the enclosure of an operator that only moves elements."""

    def enclosure(*args: Interval, **attrs: Any) -> Interval:
        lower = value(*[a.lower for a in args], **attrs)
        if all(a.is_thin for a in args):
            return _make(lower, lower)
        return _make(lower, value(*[a.upper for a in args], **attrs))

    return enclosure


def leading(x: Any, ndim: int) -> Shape:
    """Return the batch axes in front of the ``ndim`` static ones."""
    shape = np.shape(x)
    return shape[: len(shape) - ndim]


# -- shape ---------------------------------------------------------------------------


def _broadcast_value(x: Any, shape: Shape, ndim: int) -> Any:
    x = np.asarray(x)
    lead = leading(x, ndim)
    own = x.shape[len(lead) :]
    spread = x.reshape(lead + (1,) * (len(shape) - ndim) + own)
    return np.broadcast_to(spread, lead + tuple(shape))


def _broadcast_shape(own: Shape, shape: Shape, ndim: int) -> Shape:
    if len(own) != ndim or np.broadcast_shapes(own, shape) != tuple(shape):
        raise ValueError(f"shape {own} does not broadcast to {shape}")
    return tuple(shape)


def _broadcast_pullback(
    g: Variable, out: Variable, x: Variable, shape: Shape, ndim: int
) -> tuple[Variable]:
    new = len(shape) - ndim
    axes = tuple(
        i - len(shape)
        for i, length in enumerate(shape)
        if i < new or (x.shape[i - new] == 1 and length != 1)
    )
    return (reshape_to(sum_over(g, axes), x.shape),)


def _broadcast_code(node: Variable, args: list[str], bind: Any) -> str:
    (x,), ndim, shape = args, node.attrs["ndim"], node.attrs["shape"]
    new = ["None"] * (len(shape) - ndim)
    view = f"{x}[{', '.join(['...', *new, *[':'] * ndim])}]" if new else x
    return f"xp.broadcast_to({view}, {shape_code(x, ndim, shape)})"


broadcast = array_operator(
    "broadcast",
    1,
    _broadcast_value,
    exactly(_broadcast_value),
    _broadcast_pullback,
    _broadcast_shape,
    code=_broadcast_code,
)


def _reshape_value(x: Any, shape: Shape, ndim: int) -> Any:
    return np.reshape(x, leading(x, ndim) + tuple(shape))


def _reshape_shape(own: Shape, shape: Shape, ndim: int) -> Shape:
    if len(own) != ndim or math.prod(own) != math.prod(shape):
        raise ValueError(f"cannot reshape {own} to {shape}")
    return tuple(shape)


reshape = array_operator(
    "reshape",
    1,
    _reshape_value,
    exactly(_reshape_value),
    lambda g, out, x, shape, ndim: (reshape_to(g, x.shape),),
    _reshape_shape,
    code=lambda node, args, bind: (
        f"xp.reshape({args[0]}, {shape_code(args[0], node.attrs['ndim'], node.shape)})"
    ),
)


def reshape_to(x: Variable, shape: Shape) -> Variable:
    """Return ``x`` in another shape, or itself."""
    if x.shape == tuple(shape):
        return x
    return node(reshape, (x,), {"shape": tuple(shape), "ndim": x.ndim}, tuple(shape))


def _transpose_value(x: Any, axes: tuple[int, ...]) -> Any:
    lead = len(leading(x, len(axes)))
    return np.transpose(x, (*range(lead), *(lead + i for i in axes)))


def _transpose_shape(own: Shape, axes: tuple[int, ...]) -> Shape:
    if sorted(axes) != list(range(len(own))):
        raise ValueError(f"axes {axes} are not a permutation of the axes of {own}")
    return tuple(own[i] for i in axes)


def _transpose_pullback(
    g: Variable, out: Variable, x: Variable, axes: tuple[int, ...]
) -> tuple[Variable]:
    return (permute(g, tuple(int(i) for i in np.argsort(axes))),)


def _transpose_code(node: Variable, args: list[str], bind: Any) -> str:
    (x,), axes = args, node.attrs["axes"]
    n = len(axes)
    if axes == (*range(n - 2), n - 1, n - 2):
        return f"xp.matrix_transpose({x})"
    moved = ", ".join(f"{x}.ndim - {n - i}" for i in axes)
    return f"xp.permute_dims({x}, (*range({x}.ndim - {n}), {moved}))"


transpose = array_operator(
    "transpose",
    1,
    _transpose_value,
    exactly(_transpose_value),
    _transpose_pullback,
    _transpose_shape,
    code=_transpose_code,
)


def permute(x: Variable, axes: tuple[int, ...]) -> Variable:
    """Return ``x`` with its axes in the order ``axes``, or itself."""
    if axes == tuple(range(x.ndim)):
        return x
    shape = tuple(x.shape[i] for i in axes)
    return node(transpose, (x,), {"axes": axes}, shape)


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
)


# -- movement of elements ------------------------------------------------------------


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
)
"""Add the elements of ``x`` into zeros of ``shape`` at the flat places ``index``."""


def put_places(x: Variable, index: Any, shape: Shape) -> Variable:
    """Return zeros of ``shape`` with the elements of ``x`` added at flat places."""
    attrs = {"index": _frozen(index), "shape": tuple(shape)}
    return node(scatter, (x,), attrs, tuple(shape))


# -- reductions ----------------------------------------------------------------------


def _sum_shape(own: Shape, axis: tuple[int, ...]) -> Shape:
    if any(not -len(own) <= i < 0 for i in axis) or len(set(axis)) != len(axis):
        raise ValueError(f"axes {axis} do not fit shape {own}")
    drop = {i % len(own) for i in axis}
    return tuple(length for i, length in enumerate(own) if i not in drop)


def _kept(own: Shape, axis: tuple[int, ...]) -> Shape:
    drop = {i % len(own) for i in axis}
    return tuple(1 if i in drop else length for i, length in enumerate(own))


def _sum_pullback(
    g: Variable, out: Variable, x: Variable, axis: tuple[int, ...]
) -> tuple[Variable]:
    return (broadcast_to(reshape_to(g, _kept(x.shape, axis)), x.shape),)


add_reduce = array_operator(
    "sum",
    1,
    lambda x, axis: np.sum(x, axis=tuple(axis)),
    lambda x, axis: linear.add_reduce(x, tuple(axis)),
    _sum_pullback,
    _sum_shape,
    code="xp.sum({0}, axis={axis})",
)


def sum_over(x: Variable, axis: tuple[int, ...]) -> Variable:
    """Return the sum over (negative) axes, or ``x`` itself if there are none."""
    if not axis:
        return x
    return node(add_reduce, (x,), {"axis": axis}, _sum_shape(x.shape, axis))


def _last_axis_shape(own: Shape) -> Shape:
    if not own:
        raise ValueError("a scalar has no last axis")
    return own[:-1]


def _others(n: int) -> Any:
    """Row ``i`` holds every place but ``i``."""
    return np.array([[j for j in range(n) if j != i] for i in range(n)], dtype=np.int64)


def _prod_pullback(g: Variable, out: Variable, x: Variable) -> tuple[Variable | None]:
    # product of the others, formed as such: dividing by x would fail at zeros
    n = x.shape[-1]
    if n == 0:
        return (None,)
    places = np.arange(x.size).reshape(x.shape)[..., _others(n).reshape(n, n - 1)]
    rest = prod_last(take_places(x, places))
    return (rest * broadcast_to(reshape_to(g, (*g.shape, 1)), x.shape),)


multiply_reduce = array_operator(
    "prod",
    1,
    lambda x: np.prod(x, axis=-1),
    linear.multiply_reduce,
    _prod_pullback,
    _last_axis_shape,
    code="xp.prod({0}, axis=-1)",
)


def prod_last(x: Variable) -> Variable:
    """Return the product over the last axis."""
    return node(multiply_reduce, (x,), {}, x.shape[:-1])


def _max_pullback(g: Variable, out: Variable, x: Variable) -> tuple[Variable]:
    chosen = node(first_maximum, (x,), {}, x.shape)
    return (chosen * broadcast_to(reshape_to(g, (*g.shape, 1)), x.shape),)


def _largest(x: Any) -> Any:
    return np.apply_along_axis(lambda row: se.Max(*row.tolist()), -1, x)


maximum_reduce = array_operator(
    "max",
    1,
    lambda x: np.max(x, axis=-1),
    lambda x: _make(np.max(x.lower, axis=-1), np.max(x.upper, axis=-1)),
    _max_pullback,
    _last_axis_shape,
    _largest,
    code="xp.max({0}, axis=-1)",
)


def max_last(x: Variable) -> Variable:
    """Return the maximum over the last axis."""
    return node(maximum_reduce, (x,), {}, x.shape[:-1])


def _first_maximum_value(x: Any) -> Any:
    places = np.argmax(x, axis=-1)[..., None]
    return np.where(np.arange(np.shape(x)[-1]) == places, 1.0, 0.0)


def _first_maximum_enclosure(x: Interval) -> Interval:
    """1 where it exceeds all others for certain, 0 where another exceeds it."""
    floor = np.max(x.lower, axis=-1, keepdims=True)
    possible = x.upper >= floor
    alone = possible & (np.sum(possible, axis=-1, keepdims=True) == 1)
    bad = np.isnan(x.lower).any(axis=-1, keepdims=True) & np.ones_like(possible)
    return undefined_where(_make(alone * 1.0, possible * 1.0), bad)


def _first_maximum_pullback(g: Variable, out: Variable, x: Variable) -> tuple[Variable]:
    # zero where the maximum stands clear of the rest, undefined where two may tie
    return (g * node(tie_slope, (x,), {}, x.shape),)


def _no_closed_form(x: Any) -> Any:
    raise SymbolicError(
        "the slope of a maximum over an axis has no closed form here; write the "
        "maximum with np.maximum of two arguments"
    )


first_maximum = array_operator(
    "first_maximum",
    1,
    _first_maximum_value,
    _first_maximum_enclosure,
    _first_maximum_pullback,
    lambda own: own,
    _no_closed_form,
    code="first_maximum({0})",
)
"""Slope of the maximum over the last axis: 1 at the first largest element, else 0."""


def _tie_slope_enclosure(x: Interval) -> Interval:
    chosen = _first_maximum_enclosure(x)
    zero = np.zeros(np.shape(chosen.lower))
    return undefined_where(_make(zero, zero), ~(chosen.lower == chosen.upper))


tie_slope = array_operator(
    "tie_slope",
    1,
    lambda x: np.zeros(np.shape(x)),
    _tie_slope_enclosure,
    lambda g, out, x: (None,),
    lambda own: own,
    code="0.0 * {0}",
)


def _cumsum_value(x: Any, reverse: bool) -> Any:
    return _reversed(np.cumsum(_reversed(x, reverse), axis=-1), reverse)


def _reversed(x: Any, reverse: bool) -> Any:
    return x[..., ::-1] if reverse else x


def _cumsum_enclosure(x: Interval, reverse: bool) -> Interval:
    total = linear.cumulative_sum(x[..., ::-1] if reverse else x)
    return total[..., ::-1] if reverse else total


def _cumsum_shape(own: Shape, reverse: bool) -> Shape:
    _last_axis_shape(own)
    return own


cumsum = array_operator(
    "cumsum",
    1,
    _cumsum_value,
    _cumsum_enclosure,
    lambda g, out, x, reverse: (running_sum(g, not reverse),),
    _cumsum_shape,
    code=lambda node, args, bind: (
        f"reverse_cumsum({args[0]})"
        if node.attrs["reverse"]
        else f"xp.cumsum({args[0]}, axis=-1)"
    ),
)


def running_sum(x: Variable, reverse: bool = False) -> Variable:
    """Return the running sum along the last axis, from either end."""
    return node(cumsum, (x,), {"reverse": reverse}, x.shape)


# -- products ------------------------------------------------------------------------


def _matmul_shape(a: Shape, b: Shape) -> Shape:
    if len(a) < 2 or len(b) < 2 or a[:-2] != b[:-2] or a[-1] != b[-2]:
        raise ValueError(f"cannot multiply matrices of shapes {a} and {b}")
    return (*a[:-1], b[-1])


def _matmul_pullback(
    g: Variable, out: Variable, a: Variable, b: Variable
) -> tuple[Variable, Variable]:
    return matrix_product(g, flipped(b)), matrix_product(flipped(a), g)


matmul = array_operator(
    "matmul",
    2,
    np.matmul,
    linear.matmul,
    _matmul_pullback,
    _matmul_shape,
    code="matmul({0}, {1})",
)


def flipped(x: Variable) -> Variable:
    """Return ``x`` with its last two axes exchanged."""
    last = x.ndim - 1
    return permute(x, (*range(last - 1), last, last - 1))


def matrix_product(a: Variable, b: Variable) -> Variable:
    """Return the matrix product of stacks of equal leading shape.

    An inner axis of length one makes it an outer product: element-wise, hence tighter
    to enclose and cheaper.
    """
    if a.shape[-1] == 1 and a.shape[:-2] == b.shape[:-2]:
        shape = _matmul_shape(a.shape, b.shape)
        return broadcast_to(a, shape) * broadcast_to(b, shape)
    return node(matmul, (a, b), {}, _matmul_shape(a.shape, b.shape))


def zeros(shape: Shape) -> Variable:
    """Return a constant of zeros."""
    return constant(np.zeros(shape) if shape else 0)
