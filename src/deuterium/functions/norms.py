"""Norms of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import ShapeError, UnsupportedError
from deuterium.functions.axes import negative_axes, one_axis
from deuterium.functions.function_table import implements
from deuterium.functions.reductions import amax, amin, restored, sum, to_last_axis
from deuterium.graph.constructors import as_variable, constant
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.arithmetic import cbrt, power, raise_to, sqrt, square
from deuterium.ops.piecewise import absolute
from deuterium.options import is_number


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Variable:
    """Return a norm: of vectors, or of matrices the Frobenius, 1 or inf norm."""
    v = as_variable(x)
    axes = negative_axes(axis, v, "np.linalg.norm")
    matrix = len(axes) == 2
    if len(axes) not in (1, 2) and not (ord is None and axis is None):
        raise ShapeError("np.linalg.norm: `ord` and `axis` need one or two axes")
    if ord is None or (ord == "fro" if matrix else is_number(ord) and ord == 2):
        return sqrt(sum(square(v), axes, keepdims=keepdims))
    if is_number(ord) and matrix and abs(ord) in (1, np.inf):
        given = [one_axis(i, v.ndim, "np.linalg.norm") for i in axis or (-2, -1)]
        return _largest_sum(v, given, float(ord), keepdims)
    if is_number(ord) and len(axes) == 1 and ord != 0:
        return _vector_norm(absolute(v), float(ord), axes, keepdims)
    raise UnsupportedError(
        f"np.linalg.norm: ord={ord!r} over {len(axes)} axes is not supported on "
        "Variables; use any order but 0 of vectors, and 'fro', 1 or inf of matrices"
    )


def _vector_norm(size: Variable, p: float, axes: tuple[int, ...], keep: bool) -> Any:
    """Return the p-norm over one axis of absolute values."""
    if p == np.inf:
        return amax(size, axes, keepdims=keep)
    if p == -np.inf:
        return amin(size, axes, keepdims=keep)
    if p == 1:
        return sum(size, axes, keepdims=keep)
    total = sum(raise_to(size, p), axes, keepdims=keep)
    if p == 3:
        return cbrt(total)
    # as a quotient in the graph: the double nearest 1/p is not 1/p
    return power(total, constant(1) / constant(p))


def _largest_sum(v: Variable, axes: list[int], p: float, keep: bool) -> Variable:
    """Return the largest (smallest for p < 0) sum of a column (p = 1) or row (inf)."""
    over, across = axes if abs(p) == 1 else axes[::-1]
    sums = sum(absolute(v), over, keepdims=True)
    y = (amax if p > 0 else amin)(sums, across, keepdims=True)
    if keep:
        return y
    rest = [n for i, n in enumerate(y.shape) if i - y.ndim not in axes]
    return arrays.reshape_to(y, tuple(rest))


@implements(np.linalg.vector_norm)
def vector_norm(
    x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2
) -> Variable:
    """Return a vector norm over axes (all of them by default)."""
    v = as_variable(x)
    axes = negative_axes(axis, v, "np.linalg.vector_norm")
    flat = to_last_axis(v, axes, "np.linalg.vector_norm") if axes else v[..., None]
    return restored(norm(flat, ord, -1), v, axes, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Variable:
    """Return a norm of the matrices in the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)


def norm_of_all(variables: Any) -> Variable:
    """Return one L2 norm over all elements of all Variables given (``dt.norm``).

    Parameters
    ----------
    variables : Variable, array or sequence of them
        Such as the list of gradients that `grad` returns.

    Examples
    --------
    >>> import deuterium as dt
    >>> a, b = dt.symbol("a"), dt.symbol("b")
    >>> dt.norm([a, b]).evaluate({a: 3, b: 4})
    5.0
    """
    parts = variables if isinstance(variables, (list, tuple)) else [variables]
    nodes = [as_variable(p) for p in parts]
    if not nodes:
        raise ShapeError("norm: needs at least one Variable")
    total = sum(square(nodes[0]))
    for v in nodes[1:]:
        total = total + sum(square(v))
    return sqrt(total)
