"""The seed notebooks' helpers: object arrays of scalar Variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import symengine as se

from deuterium.errors import ShapeError
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable
from deuterium.options import require_whole

__all__ = ["random_symbols", "to_vec"]


def random_symbols(n: int, prefix: str) -> list[Any]:
    """Return ``n`` symengine symbols ``prefix_0`` to ``prefix_{n-1}``.

    Nothing about them is random; the name is that of the original.

    Examples
    --------
    >>> import deuterium as dt
    >>> len(dt.random_symbols(3, "w"))
    3
    """
    require_whole(n, 0, "random_symbols", "n")
    return [se.Symbol(f"{prefix}_{i}") for i in range(n)]


def to_vec(x: Any) -> Any:
    """Return an object array of scalar Variables, one per element.

    Symbols become symbols, numbers become constants, and a Variable stays itself: its
    graph is not cut (in the original, gradients passed through here became new leaves,
    so what was computed from them had no derivative by the inputs).

    Examples
    --------
    >>> import deuterium as dt
    >>> a, b = dt.symbol("a"), dt.symbol("b")
    >>> dt.to_vec([a, b]).shape
    (2,)
    """
    if isinstance(x, (list, tuple)) and _holds_arrays(x):
        x = as_variable(x)
    try:
        array = np.asarray(x) if not isinstance(x, Variable) else _boxed(x)
    except ValueError:
        raise ShapeError(
            f"to_vec: parts of different shapes are no array: {x!r:.80}"
        ) from None
    out = np.empty(array.shape, dtype=object)
    flat = out.reshape(-1)
    for i, element in enumerate(array.ravel().tolist()):
        flat[i] = Variable(element)
    return out


def _holds_arrays(x: Any) -> bool:
    return any(
        e.shape != () if isinstance(e, Variable) else
        isinstance(e, (list, tuple)) and _holds_arrays(e)
        for e in x
    )  # fmt: skip


def _boxed(x: Variable) -> Any:
    if x.shape:
        out = np.empty(x.shape, dtype=object)
        for index in np.ndindex(x.shape):
            out[index] = x[index]
        return out
    box = np.empty((), dtype=object)
    box[()] = x
    return box
