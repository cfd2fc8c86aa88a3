"""NumPy's padding of arrays."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from deuterium.errors import UnsupportedError
from deuterium.functions.function_table import implements, refuse
from deuterium.functions.places import moved, numpy_does, places
from deuterium.graph.constructors import as_variable, constant
from deuterium.graph.variable import Variable
from deuterium.interval import doubles
from deuterium.ops import arrays


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Variable:
    """Return the array padded with constants, or with its own elements."""
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap"):
        raise UnsupportedError(
            f"np.pad: mode {mode!r} is not supported on Variables; use constant, edge, "
            "reflect, symmetric or wrap"
        )
    if kwargs.pop("reflect_type", "even") != "even":
        raise UnsupportedError("np.pad: only reflect_type='even' is supported")
    if mode != "constant":
        return moved(
            array, lambda p: np.pad(p, pad_width, cast(Any, mode), **kwargs), "np.pad"
        )
    x = as_variable(array)
    fill = doubles.exactly(
        kwargs.pop("constant_values", 0),
        "np.pad: `constant_values`",
        "pad with np.concatenate",
    )
    refuse("np.pad", **kwargs)
    index = numpy_does(
        lambda: np.pad(places(x), pad_width, constant_values=-1), "np.pad", x.shape
    )
    inside = index >= 0
    padded = arrays.put_places(x, np.flatnonzero(inside).reshape(x.shape), index.shape)
    if not np.any(fill):
        return padded
    around = numpy_does(
        lambda: np.pad(np.zeros(x.shape), pad_width, constant_values=fill),
        "np.pad",
        x.shape,
    )
    return padded + constant(around)
