"""Shapes of what was bounded, so that nothing else is released in its place.

The shape of one array is a tuple of integers; that of a list of arrays, such as the
gradients by several parameters, is a tuple of shapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.errors import InvalidInputError, ShapeError

__all__ = ["Shape", "apart", "is_list", "require_shape", "shape_of", "size_of"]
Shape = tuple[Any, ...]


def shape_of(given: Any) -> Shape:
    """Return the shape of a Variable, an array of them, or a list of them."""
    if isinstance(given, list | tuple):
        return tuple(tuple(v.shape) for v in given)
    return tuple(given.shape)


def is_list(shape: Shape) -> bool:
    """Whether this is the shape of a list of arrays."""
    return bool(shape) and isinstance(shape[0], tuple)


def size_of(shape: Shape) -> int:
    """Return how many numbers there are."""
    return sum(map(math.prod, shape)) if is_list(shape) else math.prod(shape)


def require_shape(who: str, shape: Any) -> Shape | None:
    """Return a shape as tuples, or say why it is none."""
    if shape is None:
        return None
    try:
        each: list[Any] = [
            tuple(s) if isinstance(s, list | tuple) else s for s in shape
        ]
    except TypeError:
        each = [None]
    listed = bool(each) and all(isinstance(s, tuple) for s in each)
    sides = [n for s in each for n in s] if listed else each
    if not all(isinstance(n, int | np.integer) and n >= 0 for n in sides):
        raise InvalidInputError(
            f"{who}: `shape` must be a tuple of sizes, or one for each array of a "
            f"list; got {shape!r:.80}"
        )
    if listed:
        return tuple(tuple(int(n) for n in s) for s in each)
    return tuple(int(n) for n in each)


def apart(
    value: Any,
    shape: Shape | None,
    size: int | None,
    numbers: Callable[[Any], Array],
) -> tuple[list[Array], bool]:
    """Return a value as a list of arrays, and whether it was given as one.

    Parameters
    ----------
    value : array_like or list of array_like
        What is to be released.
    shape, size
        What was bounded, where known.
    numbers : callable
        Makes an array of what is given.

    Raises
    ------
    ShapeError
        It is not what was bounded.
    """
    listed = _is_listed(value, shape)
    parts = [numbers(v) for v in (value if listed else [value])]
    found: Shape = tuple(p.shape for p in parts) if listed else parts[0].shape
    if not _fits(found, shape) or (size is not None and size_of(found) != size):
        expected = f"{size} numbers" if shape is None else f"shape {_told(shape)}"
        raise ShapeError(
            f"release: the value has shape {_told(found)}, but what was bounded has "
            f"{expected}; the noise is enough for that alone. Bound what you release"
        )
    return parts, listed


def _is_listed(value: Any, shape: Shape | None) -> bool:
    if not isinstance(value, list | tuple):
        return False
    if shape is not None:
        return is_list(shape)
    return any(isinstance(v, np.ndarray) and v.ndim > 0 for v in value)


def _fits(found: Shape, shape: Shape | None) -> bool:
    if shape is None or found == shape:
        return True
    # a list of one array is that array, a list of numbers is a vector
    plain = is_list(shape) and not any(shape)
    return (found,) == shape or (plain and found == (len(shape),))


def _told(shape: Sequence[Any]) -> str:
    return f"{list(shape)} (a list)" if is_list(tuple(shape)) else f"{tuple(shape)}"
