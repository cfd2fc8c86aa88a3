"""Sums and products that run along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.functions.axes import one_axis
from deuterium.functions.function_table import implements, refuse, refuse_dtype
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable
from deuterium.ops import arrays


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Variable:
    """Return the running sum along an axis (of the flattened array by default)."""
    refuse("np.cumsum", out=out)
    refuse_dtype("np.cumsum", dtype)
    x = as_variable(a)
    if axis is None:
        return arrays.running_sum(arrays.reshape_to(x, (x.size,)))
    at = one_axis(axis, x.ndim, "np.cumsum") % x.ndim
    order = (*(i for i in range(x.ndim) if i != at), at)
    back = tuple(int(i) for i in np.argsort(order))
    return arrays.permute(arrays.running_sum(arrays.permute(x, order)), back)
