"""Shapes and their adjoints: broadcast and sum, reshape, transpose.

Axes are negative and every rule leaves leading axes alone, so one graph serves a single
record or a batch.  A broadcast and a sum are adjoint to each other, so they live here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.operator import Operator, Shape, register
from deuterium.graph.variable import Variable, node
from deuterium.interval import Interval, linear

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
    **traits: Any,
) -> Operator:
    """Enter an operator on arrays; by default its value also runs on closed forms.

    What only moves elements has the traits that follow from that.
    """
    if traits.get("moves_elements"):
        traits |= {"linear": True, "keeps_sign": True, "keeps_nonzero": True, "work": 0}
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
            **traits,
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
    moves_elements=True,
)


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
    linear=True,
    keeps_sign=True,
)


def sum_over(x: Variable, axis: tuple[int, ...]) -> Variable:
    """Return the sum over (negative) axes, or ``x`` itself if there are none."""
    if not axis:
        return x
    return node(add_reduce, (x,), {"axis": axis}, _sum_shape(x.shape, axis))


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
    moves_elements=True,
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
    moves_elements=True,
)


def permute(x: Variable, axes: tuple[int, ...]) -> Variable:
    """Return ``x`` with its axes in the order ``axes``, or itself."""
    if axes == tuple(range(x.ndim)):
        return x
    shape = tuple(x.shape[i] for i in axes)
    return node(transpose, (x,), {"axes": axes}, shape)


def flipped(x: Variable) -> Variable:
    """Return ``x`` with its last two axes exchanged."""
    last = x.ndim - 1
    return permute(x, (*range(last - 1), last, last - 1))


def zeros(shape: Shape) -> Variable:
    """Return a constant of zeros."""
    return constant(np.zeros(shape) if shape else 0)
