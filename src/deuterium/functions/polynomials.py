"""Polynomials by their coefficients, highest power first as in `numpy.polyval`."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, ShapeError, UnsupportedError
from deuterium.functions.axes import mismatch
from deuterium.functions.convolution import convolve
from deuterium.functions.function_table import implements
from deuterium.functions.joins import concatenate, stack
from deuterium.functions.reshaping import atleast_1d, ravel
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable
from deuterium.ops import arrays

MOST_TIMES = 400  # that a polynomial is differentiated or integrated at once


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Variable:
    """Return the value of a polynomial, by Horner's rule."""
    coefficients = _coefficients(p, "np.polyval")
    at = as_variable(x)
    value = arrays.zeros(at.shape)
    for i, c in enumerate(_given(p, coefficients)):
        value = c + (value * at if i else value)
    return value


def _coefficients(p: Any, caller: str) -> Variable:
    x = as_variable(p)
    if x.ndim != 1:
        raise ShapeError(f"{caller}: coefficients must be a vector, got {x.shape}")
    return x


def _given(p: Any, coefficients: Variable) -> list[Any]:
    """Return the coefficients one by one, numbers as numbers."""
    if isinstance(p, Variable):
        return list(coefficients)
    return [as_variable(c) for c in np.ravel(np.asarray(p, dtype=object)).tolist()]


@implements(np.polynomial.polynomial.polyval2d)
def polyval2d(x: Any, y: Any, c: Any) -> Variable:
    """Return the values of a polynomial in two variables, lowest powers first."""
    u, v = as_variable(x), as_variable(y)
    if u.shape != v.shape:
        raise ShapeError(f"polyval2d: shapes {u.shape} and {v.shape} differ")
    return _double_sum(u, v, c, "polyval2d")


@implements(np.polynomial.polynomial.polygrid2d)
def polygrid2d(x: Any, y: Any, c: Any) -> Variable:
    """Return the values of a polynomial in two variables on a grid."""
    u, v = as_variable(x), as_variable(y)
    grid = arrays.reshape_to(u, u.shape + (1,) * v.ndim)
    return _double_sum(grid, v, c, "polygrid2d")


def _double_sum(x: Variable, y: Variable, c: Any, caller: str) -> Variable:
    coefficients = as_variable(c)
    if coefficients.ndim != 2:
        raise UnsupportedError(
            f"{caller}: coefficients must be a matrix, got {coefficients.shape}; use "
            "one call for each matrix"
        )
    rows = [polyval(row[::-1], y) for row in coefficients]
    value = rows[-1] + x * 0
    for row in rows[-2::-1]:
        value = row + value * x
    return value


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Variable:
    """Return the coefficients of the polynomial with given roots."""
    roots = atleast_1d(seq_of_zeros)
    if roots.ndim != 1:
        raise UnsupportedError(
            "np.poly: takes roots; the characteristic polynomial of a matrix would "
            "need its eigenvalues, which are not operators here"
        )
    result = as_variable(np.ones(1))
    for root in roots:
        result = convolve(result, stack([1, -root]))
    return result


def _combined(a1: Any, a2: Any, sign: int) -> Variable:
    """Return coefficients added up from the lowest power."""
    x, y = atleast_1d(a1), sign * atleast_1d(a2)
    if x.ndim > 1 or y.ndim > 1:
        raise mismatch("np.polyadd and np.polysub, of vectors", x, y)
    n = max(x.size, y.size)
    x, y = (concatenate([np.zeros(n - v.size), v]) if v.size < n else v for v in (x, y))
    return x + y


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Variable:
    """Return the sum of two polynomials."""
    return _combined(a1, a2, 1)


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Variable:
    """Return the difference of two polynomials."""
    return _combined(a1, a2, -1)


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Variable:
    """Return the product of two polynomials."""
    return convolve(a1, a2)


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> tuple[Variable, Variable]:
    """Return quotient and remainder of two polynomials.

    The leading coefficient of the divisor is divided by, so it must not be zero; the
    remainder keeps leading coefficients that happen to be zero.
    """
    rest, divisor = atleast_1d(u), atleast_1d(v)
    n = divisor.size
    if rest.size < n:
        return as_variable(np.zeros(1)), rest
    quotient = []
    for _ in range(rest.size - n + 1):
        factor = rest[0] / divisor[0]
        quotient.append(factor)
        rest = concatenate([rest[1:n] - factor * divisor[1:], rest[n:]])
    return stack(quotient), rest if rest.size else as_variable(np.zeros(1))


def _times(m: Any, caller: str) -> int:
    try:
        times = operator.index(m)
    except TypeError:
        times = -1
    if not 0 <= times <= MOST_TIMES:
        raise InvalidInputError(
            f"{caller}: `m` must be a count of at most {MOST_TIMES}, got {m!r:.40}"
        )
    return times


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Variable:
    """Return the derivative of a polynomial, ``m`` times over."""
    x = _coefficients(p, "np.polyder")
    for _ in range(_times(m, "np.polyder")):
        x = x[:-1] * np.arange(x.size - 1, 0, -1.0)
    return x


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Variable:
    """Return the integral of a polynomial, ``m`` times over, with constants ``k``."""
    x, times = atleast_1d(p), _times(m, "np.polyint")
    constants = ravel(0 if k is None else k)
    if constants.size not in (1, times):
        raise ShapeError(f"np.polyint: `k` must hold one number or {times}")
    for i in range(times):
        own = constants[i % constants.size : i % constants.size + 1]
        x = concatenate([x / np.arange(x.size, 0, -1.0), own])
    return x


@implements(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Variable:
    """Return the matrix of powers of a vector."""
    v = as_variable(x)
    if v.ndim != 1:
        raise ShapeError(f"np.vander: needs a vector, got shape {v.shape}")
    count = v.size if N is None else _times(N, "np.vander")
    if not count:
        return arrays.zeros((v.size, 0))
    powers = [as_variable(np.ones(v.shape)), *(v**i for i in range(1, count))]
    return stack(powers if increasing else powers[::-1], axis=1)
