"""Values given for symbols: checked against the graph, broadcast to their shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from deuterium.errors import (
    InvalidInputError,
    MissingSymbolError,
    ShapeError,
    UnknownSymbolError,
    did_you_mean,
)
from deuterium.graph.variable import Variable


def fitted(value: Any, leaf: Variable, caller: str) -> Any:
    """Return a value as float64 whose trailing axes are the leaf's shape.

    Extra leading axes are batch axes.
    """
    try:
        array = _real(np.asarray(value))
    except (TypeError, ValueError, OverflowError):
        raise InvalidInputError(
            f"{caller}: the value of {leaf.name!r} must be real numbers, got "
            f"{type(value).__name__} {value!r:.60}"
        ) from None
    if leaf.shape == () and array.shape == ():
        return float(array)
    try:
        shape = np.broadcast_shapes(array.shape, leaf.shape)
    except ValueError:
        shape = ()
    if shape[len(shape) - leaf.ndim :] != leaf.shape or len(shape) < leaf.ndim:
        raise ShapeError(
            f"{caller}: {leaf.name!r} has shape {leaf.shape}; a value of shape "
            f"{array.shape} does not broadcast to it (batch axes come first)"
        )
    return np.broadcast_to(array, shape)


def _real(array: Any) -> Any:
    """Return an array as float64; text and None are no numbers here."""
    kind = array.dtype.kind
    if kind not in "biufO" or (kind == "O" and any(e is None for e in array.flat)):
        raise TypeError
    return array.astype(np.float64, copy=False)


def require_known(
    names: Iterable[str], symbols: Mapping[str, Variable], caller: str
) -> None:
    """Raise UnknownSymbolError for a name that is not a symbol of the computation."""
    for name in names:
        if name not in symbols:
            have = ", ".join(sorted(symbols)[:8]) or "none"
            raise UnknownSymbolError(
                f"{caller}: unknown symbol {name!r}.{did_you_mean(name, symbols)} "
                f"The symbols are: {have}"
            )


def require_all(
    names: Iterable[str], symbols: Mapping[str, Variable], caller: str, what: str
) -> None:
    """Raise MissingSymbolError for a symbol that was given no value or bounds."""
    given = set(names)
    missing = [n for n in symbols if n not in given]
    if missing:
        first = missing[0]
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise MissingSymbolError(
            f"{caller}: symbol {first!r} of shape {symbols[first].shape}{more} was "
            f"given no {what}; add it, keyed by the Variable or its name"
        )
