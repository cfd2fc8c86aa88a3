"""Axes as NumPy takes them, made into the negative axes of the graph."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from deuterium.errors import ShapeError
from deuterium.graph.variable import Variable


def one_axis(axis: Any, ndim: int, caller: str) -> int:
    """Return ``axis`` as an integer in ``-ndim .. -1``."""
    try:
        number = operator.index(axis)
    except TypeError:
        raise ShapeError(f"{caller}: `axis` must be an integer, got {axis!r}") from None
    if not -ndim <= number < ndim:
        raise ShapeError(
            f"{caller}: axis {number} is out of bounds for an array with {ndim} axes"
        )
    return number if number < 0 else number - ndim


def negative_axes(axis: Any, x: Variable, caller: str) -> tuple[int, ...]:
    """Return the axes to reduce over, sorted and negative; None means all."""
    if axis is None:
        return tuple(range(-x.ndim, 0))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(sorted(one_axis(a, x.ndim, caller) for a in given))
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{caller}: duplicate value in `axis`: {axis!r}")
    return axes


def shape_of(shape: Any, caller: str) -> tuple[int, ...]:
    """Return a shape given as an integer or a sequence."""
    try:
        whole = shape if isinstance(shape, (tuple, list, np.ndarray)) else (shape,)
        return tuple(operator.index(n) for n in whole)
    except TypeError:
        raise ShapeError(
            f"{caller}: a shape must be integers, got {shape!r:.80}"
        ) from None


def common_shape(caller: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that shapes broadcast to."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " and ".join(map(str, shapes))
        raise ShapeError(
            f"{caller}: shapes {listed} do not broadcast together"
        ) from None


def mismatch(caller: str, a: Variable, b: Variable) -> ShapeError:
    """Return the error for two arrays whose axes do not match."""
    return ShapeError(f"{caller}: shapes {a.shape} and {b.shape} do not fit together")
