"""Values given for symbols: checked against the graph, broadcast to their shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from deuterium.errors import (
    MissingSymbolError,
    ShapeError,
    UnknownSymbolError,
    did_you_mean,
)
from deuterium.graph.variable import Variable
from deuterium.interval import doubles


def fitted(value: Any, leaf: Variable, caller: str) -> Any:
    """Return a value as float64 whose trailing axes are the leaf's shape.

    Extra leading axes are batch axes.
    """
    array = doubles.exactly(
        value,
        f"{caller}: the value of {leaf.name!r}",
        "convert it first, with np.asarray(..., dtype=float), if rounding will do",
    )
    if leaf.shape == () and array.shape == ():
        return float(array)
    shape = fitted_shape(array.shape, leaf, caller)
    return array if array.shape == shape else np.broadcast_to(array, shape)


def fitted_shape(
    given: tuple[int, ...], leaf: Variable, caller: str
) -> tuple[int, ...]:
    """Return the shape that a value of a given shape is repeated to."""
    if len(given) >= leaf.ndim and given[len(given) - leaf.ndim :] == leaf.shape:
        return given
    try:
        shape = np.broadcast_shapes(given, leaf.shape)
    except ValueError:
        shape = ()
    if shape[len(shape) - leaf.ndim :] != leaf.shape or len(shape) < leaf.ndim:
        raise ShapeError(
            f"{caller}: {leaf.name!r} has shape {leaf.shape}; a value of shape "
            f"{given} does not broadcast to it (batch axes come first)"
        )
    return shape


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
