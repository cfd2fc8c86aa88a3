"""NumPy's functions that join arrays and split them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from deuterium.errors import ShapeError, UnsupportedError
from deuterium.functions.axes import one_axis
from deuterium.functions.function_table import implements, refuse
from deuterium.functions.places import numpy_does, places
from deuterium.functions.reshaping import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    expand_dims,
    ravel,
)
from deuterium.graph.constructors import as_variable
from deuterium.graph.hooks import provides
from deuterium.graph.variable import Variable, node
from deuterium.ops import arrays


@implements(np.concatenate)
def concatenate(xs: Sequence[Any], axis: Any = 0, **kwargs: Any) -> Variable:
    """Return arrays joined along an existing axis."""
    refuse("np.concatenate", **kwargs)
    parts = [as_variable(x) for x in xs]
    if not parts:
        raise ShapeError("np.concatenate: needs at least one array")
    if axis is None:
        parts, axis = [ravel(p) for p in parts], 0
    ndim = parts[0].ndim
    if ndim == 0:
        raise ShapeError(
            "np.concatenate: scalars cannot be concatenated; use np.stack or np.hstack"
        )
    at = one_axis(axis, ndim, "np.concatenate")
    attrs = {"axis": at, "ndim": ndim}
    try:
        shape = arrays.concatenate.shape(*[p.shape for p in parts], **attrs)
    except ValueError as error:
        raise ShapeError(f"np.concatenate: {error}") from None
    taken = [_taken(p) for p in parts]
    first = taken[0][0]
    if all(x is first and x is not p for (x, _), p in zip(taken, parts, strict=True)):
        places = np.concatenate([index for _, index in taken], axis=at)
        return arrays.take_places(first, places)
    return node(arrays.concatenate, tuple(parts), attrs, shape)


def _taken(part: Variable) -> tuple[Variable, Any]:
    """Return of which array a part takes elements, and at which places; or itself.

    What was taken apart (``list(x)``) is that array when it is put together again.
    """
    x = part
    while x.op is arrays.reshape:
        (x,) = x.args
    if x.op is arrays.gather:
        return x.args[0], x.attrs["index"].reshape(part.shape)
    return part, None


@provides("stack")
@implements(np.stack)
def stack(xs: Any, axis: int = 0, **kwargs: Any) -> Variable:
    """Return arrays (or scalars) joined along a new axis."""
    refuse("np.stack", **kwargs)
    if isinstance(xs, np.ndarray) and xs.dtype == object and axis == 0:
        if xs.shape == ():
            return as_variable(xs.item())
        flat = stack([as_variable(x) for x in xs.ravel().tolist()])
        return arrays.reshape_to(flat, xs.shape)
    parts = [as_variable(x) for x in xs]
    if not parts:
        raise ShapeError("np.stack: needs at least one array")
    if any(p.shape != parts[0].shape for p in parts):
        raise ShapeError(
            "np.stack: all arrays must have the same shape, got "
            f"{[p.shape for p in parts]}"
        )
    at = one_axis(axis, parts[0].ndim + 1, "np.stack")
    return concatenate([expand_dims(p, at) for p in parts], axis=at)


@implements(np.hstack)
def hstack(tup: Sequence[Any], **kwargs: Any) -> Variable:
    """Return arrays joined along the second axis (the first, if there is one only)."""
    refuse("np.hstack", **kwargs)
    parts = [atleast_1d(x) for x in tup]
    return concatenate(parts, axis=0 if parts[0].ndim == 1 else 1)


@implements(np.vstack)
def vstack(tup: Sequence[Any], **kwargs: Any) -> Variable:
    """Return arrays joined along the first axis, as rows."""
    refuse("np.vstack", **kwargs)
    return concatenate([atleast_2d(x) for x in tup], axis=0)


@implements(np.dstack)
def dstack(tup: Sequence[Any]) -> Variable:
    """Return arrays joined along the third axis."""
    return concatenate([atleast_3d(x) for x in tup], axis=2)


@implements(np.column_stack)
def column_stack(tup: Sequence[Any]) -> Variable:
    """Return one-axis arrays as the columns of a matrix."""
    parts = [as_variable(x) for x in tup]
    columns = [p if p.ndim > 1 else arrays.reshape_to(p, (p.size, 1)) for p in parts]
    return concatenate(columns, axis=1)


@implements(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Variable:
    """Return two arrays joined (flattened by default)."""
    return concatenate([as_variable(arr), as_variable(values)], axis=axis)


def _split_with(numpy_split: Any, name: str) -> Callable[..., list[Variable]]:
    def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Variable]:
        x = as_variable(ary)
        if isinstance(indices_or_sections, Variable):
            raise UnsupportedError(f"{name}: it is split at numbers, not Variables")
        parts = numpy_does(
            lambda: numpy_split(places(x), indices_or_sections, axis=axis),
            name,
            x.shape,
        )
        return [arrays.take_places(x, p) for p in parts]

    return split


split = implements(np.split)(_split_with(np.split, "np.split"))


array_split = implements(np.array_split)(_split_with(np.array_split, "np.array_split"))


def _split_along(axis: int, name: str) -> Callable[..., list[Variable]]:
    def run(ary: Any, indices_or_sections: Any) -> list[Variable]:
        x = as_variable(ary)
        along = 0 if name == "np.hsplit" and x.ndim == 1 else axis
        if x.ndim <= along or (name == "np.vsplit" and x.ndim < 2):
            raise ShapeError(f"{name}: needs more axes than shape {x.shape} has")
        return split(x, indices_or_sections, along)

    return run


hsplit = implements(np.hsplit)(_split_along(1, "np.hsplit"))


vsplit = implements(np.vsplit)(_split_along(0, "np.vsplit"))


dsplit = implements(np.dsplit)(_split_along(2, "np.dsplit"))


@implements(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Variable, ...]:
    """Return the parts of an array along an axis, which they no longer have."""
    v = as_variable(x)
    if not v.ndim:
        raise ShapeError("np.unstack: a scalar has no axis to take apart")
    at = one_axis(axis, v.ndim, "np.unstack") % v.ndim
    return tuple(v[(*[slice(None)] * at, i)] for i in range(v.shape[at]))


def joined(parts: Sequence[Any], move: Callable[..., Any], caller: str) -> Variable:
    """Return elements of several arrays where ``move`` puts their places.

    ``move`` takes one array of places for each part, all places being different.
    """
    nodes = [as_variable(p) for p in parts]
    starts = np.cumsum([0, *(v.size for v in nodes)])
    shifted = [places(v) + n for v, n in zip(nodes, starts, strict=False)]
    index = numpy_does(
        lambda: np.asarray(move(*shifted)), caller, [v.shape for v in nodes]
    )
    return arrays.take_places(concatenate(nodes, axis=None), index)


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Variable:
    """Return the array with values put in before some of its places."""
    if isinstance(obj, Variable):
        raise UnsupportedError(
            "np.insert: where elements go cannot depend on a Variable; give numbers"
        )
    return joined([arr, values], lambda x, y: np.insert(x, obj, y, axis), "np.insert")


@implements(np.block)
def block(arrays: Any) -> Variable:
    """Return arrays joined as the nested lists of them lie."""
    leaves: list[Any] = []

    def gather(part: Any) -> Any:
        if isinstance(part, list):
            return [gather(p) for p in part]
        leaves.append(part)
        return len(leaves) - 1

    nested = gather(arrays)

    def laid(part: Any, given: Sequence[Any]) -> Any:
        if isinstance(part, list):
            return [laid(p, given) for p in part]
        return given[part]

    return joined(leaves, lambda *given: np.block(laid(nested, given)), "np.block")


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Variable:
    """Return elements of several arrays, chosen by an array of their numbers."""
    refuse("np.choose", out=out)
    if isinstance(a, Variable):
        raise UnsupportedError(
            "np.choose: which array is chosen cannot depend on a Variable; give "
            "numbers, or use np.where"
        )
    return joined(
        list(choices),
        lambda *given: np.choose(a, given, mode=cast(Any, mode)),
        "np.choose",
    )
