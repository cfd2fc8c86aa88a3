"""Covariances and correlations."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, ShapeError
from deuterium.functions.function_table import implements, refuse_dtype
from deuterium.functions.joins import concatenate
from deuterium.functions.movement import diagonal
from deuterium.functions.products import matmul
from deuterium.functions.reductions import sum
from deuterium.functions.reshaping import atleast_2d, squeeze
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.arithmetic import sqrt, square
from deuterium.ops.piecewise import select


def _as_rows(m: Any, rowvar: bool, caller: str) -> Variable:
    """Return observations with one row a quantity."""
    x = as_variable(m)
    if x.ndim > 2:
        raise ShapeError(f"{caller}: takes at most two axes, got shape {x.shape}")
    rows = atleast_2d(x)
    return rows if rowvar or x.ndim < 2 else arrays.flipped(rows)


def _weights(fweights: Any, aweights: Any, n: int) -> Any:
    """Return the product of both kinds of weights of observations, or None."""
    given = [as_variable(w) for w in (fweights, aweights) if w is not None]
    for w in given:
        if w.shape != (n,):
            raise ShapeError(
                f"np.cov: weights must be one for each of {n} observations, got shape "
                f"{w.shape}"
            )
        if w.is_constant and np.any(w.value < 0):
            raise InvalidInputError("np.cov: weights must not be negative")
    if any(w.is_constant and not np.any(w.value) for w in given):
        raise InvalidInputError("np.cov: weights must not all be zero")
    if fweights is not None and not _whole(given[0]):
        raise InvalidInputError("np.cov: `fweights` must be whole numbers, as repeats")
    return None if not given else given[0] * given[1] if given[1:] else given[0]


def _whole(w: Variable) -> bool:
    return w.is_constant and bool(np.all(np.asarray(w.value) % 1 == 0))


@implements(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Variable:
    """Return the matrix of covariances; its diagonal is made of sums of squares."""
    refuse_dtype("np.cov", dtype)
    x = _as_rows(m, rowvar, "np.cov")
    if y is not None:
        x = concatenate([x, _as_rows(y, rowvar, "np.cov")], axis=0)
    if not x.size:
        raise ShapeError(f"np.cov: no observations in shape {x.shape}")
    lost = (0 if bias else 1) if ddof is None else ddof
    w = _weights(fweights, aweights, x.shape[1])
    total: Any = x.shape[1] if w is None else sum(w)
    mean = sum(x if w is None else x * w, -1, keepdims=True) / total
    centred = x - mean
    freedom = total - Fraction(lost)
    if w is not None and aweights is not None and lost:
        freedom = total - lost * sum(w * as_variable(aweights)) / total
    if w is None and freedom <= 0:
        raise ShapeError(
            f"np.cov: {x.shape[1]} observations leave no degrees of freedom"
        )
    return squeeze(_products(centred, w) / freedom)


def _products(x: Variable, w: Any) -> Variable:
    """Return sums of weighted products of rows: of one with itself, of squares."""
    own = sum(square(x) if w is None else square(x) * w, -1, keepdims=True)
    n = x.shape[0]
    if n == 1:
        return own
    mixed = matmul(x, arrays.flipped(x if w is None else x * w))
    return select(broadcast_to(own, (n, n)), mixed, mask=np.eye(n, dtype=bool))


@implements(np.corrcoef)
def corrcoef(
    x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None
) -> Variable:
    """Return the matrix of correlation coefficients."""
    refuse_dtype("np.corrcoef", dtype)
    c = cov(x, y, rowvar)
    if not c.ndim:
        return c / c
    spread = sqrt(diagonal(c))
    return c / spread[:, None] / spread[None, :]
