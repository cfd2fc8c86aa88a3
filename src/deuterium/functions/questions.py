"""Questions about the shape, which have numbers for answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.functions.function_table import implements
from deuterium.functions.places import like, numpy_does
from deuterium.graph.constructors import as_variable


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """Return the shape."""
    return as_variable(a).shape


@implements(np.ndim)
def ndim(a: Any) -> int:
    """Return the number of axes."""
    return as_variable(a).ndim


@implements(np.size)
def size(a: Any, axis: int | None = None) -> int:
    """Return the number of elements (along an axis)."""
    x = as_variable(a)
    return int(numpy_does(lambda: np.size(like(x), axis), "np.size", x.shape))
