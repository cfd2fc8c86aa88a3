"""NumPy's convolution and correlation of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import ShapeError, UnsupportedError
from deuterium.functions.function_table import implements
from deuterium.functions.movement import windows
from deuterium.functions.padding import pad
from deuterium.functions.products import matmul
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable
from deuterium.ops import arrays


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Variable:
    """Return the discrete convolution of two one-axis arrays."""
    x, k = as_variable(a), as_variable(v)
    x, k = (arrays.reshape_to(u, u.shape or (1,)) for u in (x, k))
    if x.ndim != 1 or k.ndim != 1 or not x.size or not k.size:
        raise ShapeError(
            f"np.convolve: needs two non-empty vectors, got {x.shape} and {k.shape}"
        )
    if k.size > x.size:
        x, k = k, x
    m = k.size - 1
    widths = {"full": (m, m), "same": (m - m // 2, m // 2), "valid": (0, 0)}
    if mode not in widths:
        raise UnsupportedError(
            f"np.convolve: `mode` must be full, same or valid, got {mode!r}"
        )
    rows = windows(pad(x, widths[mode]), k.size)
    return matmul(rows, k[::-1])


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Variable:
    """Return the cross-correlation of two one-axis arrays."""
    x, k = as_variable(a), as_variable(v)
    if not x.ndim or not k.ndim:
        raise ShapeError("np.correlate: needs two vectors, got a scalar")
    if x.ndim == 1 == k.ndim and k.size > x.size:  # NumPy turns the result round
        return convolve(k, x[::-1], mode)[::-1]
    return convolve(x, k[::-1], mode)
