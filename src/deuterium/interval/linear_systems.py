"""Solutions of linear systems whose matrices are intervals, with proof.

The system is multiplied by an approximate inverse C of the matrix of centres; what is
left is ``(I - E) x = C b`` with ``|E| <= M`` for a small non-negative matrix M.  If
some ``v > 0`` has ``M v < v``, then I - M is an M-matrix: every I - E, hence every
matrix of the box, is regular, and ``|x| <= u`` wherever ``(I - M) u >= |C b|``.  One
step of Gauss and Seidel with that bound encloses each component.

References: S. M. Rump, "Verification methods: Rigorous results using floating-point
arithmetic", Acta Numerica 19 (2010), section 10; A. Neumaier, "Interval Methods for
Systems of Equations", 1990, theorems 3.6.7 and 4.4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.interval import interval_arithmetic, linear
from deuterium.interval.interval import Interval
from deuterium.interval.interval_arithmetic import is_undefined
from deuterium.interval.rounding import Array, add_up

_make = Interval.unchecked
WIDENED = 1.0 + 2.0**-20  # guesses are made larger by this, lest rounding decides


def regular_inverse(a: Array) -> Array:
    """Return inverses in floating point, NaN where LAPACK finds a matrix singular."""
    try:
        return np.asarray(np.linalg.inv(a), dtype=np.float64)
    except np.linalg.LinAlgError:
        out = np.full(a.shape, np.nan)
        for place in np.ndindex(a.shape[:-2]):
            try:
                out[place] = np.linalg.inv(a[place])
            except np.linalg.LinAlgError:
                continue
        return out


def solve(a: Interval, b: Interval) -> Interval:
    """Return an enclosure of all x with ``A x = B``, for matrices A and B of the boxes.

    Parameters
    ----------
    a : Interval, shape (..., n, n)
    b : Interval, shape (..., n, k)

    Returns
    -------
    Interval, shape (..., n, k)
        Rounded outward; undefined (NaN) where A is not proved to be regular.
    """
    if not a.shape[-1]:
        return b
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*lead, *b.shape[-2:])
    with np.errstate(all="ignore"):
        inverse = regular_inverse(_centre(a))
        m = _deviation(inverse, a)
        v, slack = _regularity(m)
        regular = np.all((slack > 0) & (v > 0), axis=(-2, -1), keepdims=True)
        right = linear.matmul(_thin(inverse), b)
        x = _gauss_seidel(m, _bound(m, v, slack, right), right)
    known = np.broadcast_to(regular, shape) & ~(np.isnan(x.lower) | np.isnan(x.upper))
    lost = _undefined_columns(b, shape) | ~np.broadcast_to(regular, shape)
    return _make(
        np.where(lost, np.nan, np.where(known, x.lower, -np.inf)),
        np.where(lost, np.nan, np.where(known, x.upper, np.inf)),
    )


def _thin(x: Array) -> Interval:
    return _make(x, x)


def _centre(a: Interval) -> Array:
    return 0.5 * np.asarray(a.lower) + 0.5 * np.asarray(a.upper)


def _size(x: Interval) -> Array:
    return np.maximum(np.abs(x.lower), np.abs(x.upper))


def _deviation(inverse: Array, a: Interval) -> Array:
    """Return M with ``|I - C A| <= M`` for every A of the box."""
    return _size(
        interval_arithmetic.subtract(
            _thin(np.eye(a.shape[-1])), linear.matmul(_thin(inverse), a)
        )
    )


def _regularity(m: Array) -> tuple[Array, Array]:
    """Return columns ``v`` and a lower bound of ``v - M v``."""
    ones = np.ones((*m.shape[:-1], 1))
    v = np.abs(regular_inverse(np.eye(m.shape[-1]) - m) @ ones)
    rest = interval_arithmetic.subtract(_thin(v), linear.matmul(_thin(m), _thin(v)))
    return v, np.asarray(rest.lower)


def _bound(m: Array, v: Array, slack: Array, right: Interval) -> Array:
    """Return u with ``(I - M) u >= |z|`` for every z of ``right``.

    A guess in floating point, and as much of ``v`` as what the guess lacks takes.
    """
    size = _size(right)
    guess = np.abs(regular_inverse(np.eye(m.shape[-1]) - m) @ size) * WIDENED
    spent = linear.matmul(_thin(m), _thin(guess)).upper
    short = interval_arithmetic.subtract(
        interval_arithmetic.add(_thin(size), _thin(spent)), _thin(guess)
    )
    share = interval_arithmetic.divide(
        _thin(np.maximum(short.upper, 0.0)), _thin(slack)
    ).upper
    share = np.max(share, axis=-2, keepdims=True)
    return add_up(
        guess, np.asarray(interval_arithmetic.multiply(_thin(share), _thin(v)).upper)
    )


def _gauss_seidel(m: Array, u: Array, right: Interval) -> Interval:
    """Return ``(z_i + sum of E_ij x_j) / (1 - E_ii)`` where ``|x| <= u``."""
    n = m.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 0.0, m)
    own = np.diagonal(m, axis1=-2, axis2=-1)[..., None]
    spread = np.asarray(linear.matmul(_thin(others), _thin(u)).upper)
    top = interval_arithmetic.add(right, _make(-spread, spread))
    bottom = interval_arithmetic.add(_thin(np.ones(())), _make(-own, own))
    x = interval_arithmetic.divide(top, bottom)
    return _make(np.maximum(x.lower, -u), np.minimum(x.upper, u))


def _undefined_columns(b: Interval, shape: tuple[int, ...]) -> Any:
    bad = np.isnan(b.lower) | np.isnan(b.upper)
    return np.broadcast_to(np.any(bad, axis=-2, keepdims=True), shape)


def gram(x: Interval) -> Interval:
    """Return ``X' X``, its diagonal as sums of squares."""
    product = linear.matmul(_transposed(x), x)
    squares = linear.add_reduce(interval_arithmetic.square(x), (np.ndim(x.lower) - 2,))
    own = np.eye(x.shape[-1], dtype=bool)
    return _make(
        np.where(own, np.asarray(squares.lower)[..., None, :], product.lower),
        np.where(own, np.asarray(squares.upper)[..., None, :], product.upper),
    )


def _transposed(x: Interval) -> Interval:
    return _make(np.swapaxes(x.lower, -1, -2), np.swapaxes(x.upper, -1, -2))


def least_eigenvalue(a: Interval) -> Array:
    """Return a lower bound of the quadratic form ``x' A x`` on the unit sphere.

    By Gershgorin's discs of the symmetric part.  Shape (..., 1, 1).
    """
    whole = interval_arithmetic.multiply(
        interval_arithmetic.add(a, _transposed(a)), _thin(np.array(0.5))
    )
    own = np.eye(a.shape[-1], dtype=bool)
    sizes = np.where(own, 0.0, _size(whole))
    radii = linear.add_reduce(_thin(sizes), (np.ndim(sizes) - 1,))
    diagonal = np.diagonal(whole.lower, axis1=-2, axis2=-1)
    rows = interval_arithmetic.subtract(_thin(diagonal), radii)
    return np.min(np.asarray(rows.lower), axis=-1)[..., None, None]


def ridge_solve(x: Interval, r: Interval, b: Interval) -> Interval:
    """Return an enclosure of ``(X' X + R)^-1 B``.

    Where the quadratic form of R is at least ``c > 0``, the matrix A is regular for
    every X, and columns obey ``|z| <= |b| / c``, since ``c |z|^2 <= z' A z = z' b``.
    """
    with np.errstate(all="ignore"):
        found = solve(interval_arithmetic.add(gram(x), r), b)
        limit = interval_arithmetic.divide(_lengths(b), _thin(_above_zero(r)))
    return _inside(found, limit, x, r, b)


def ridge_fit(x: Interval, r: Interval, y: Interval) -> Interval:
    """Return an enclosure of ``(X' X + R)^-1 X' Y``.

    Where the quadratic form of R is at least ``c > 0``, columns obey
    ``|z| <= |y| / (2 sqrt(c))``: ``|Xz|^2 + c |z|^2 <= z' X' y <= |Xz| |y|``, and
    ``t |y| - t^2`` is at most ``|y|^2 / 4``.
    """
    with np.errstate(all="ignore"):
        found = ridge_solve(x, r, linear.matmul(_transposed(x), y))
        least = interval_arithmetic.sqrt(_thin(_above_zero(r)))
        limit = interval_arithmetic.divide(
            _lengths(y), interval_arithmetic.add(least, least)
        )
    return _inside(found, limit, x, r, y)


def _above_zero(r: Interval) -> Array:
    """Return the least that a quadratic form is, where that is above 0; else NaN.

    A limit divided by something below 0 may be rounded to 0.
    """
    c = least_eigenvalue(r)
    return np.where(c > 0, c, np.nan)


def _lengths(b: Interval) -> Interval:
    """Return what no column of a matrix is longer than."""
    squares = linear.add_reduce(
        interval_arithmetic.square(_thin(_size(b))), (np.ndim(b.lower) - 2,)
    )
    return _thin(np.asarray(interval_arithmetic.sqrt(squares).upper)[..., None, :])


def _inside(found: Interval, limit: Interval, *given: Interval) -> Interval:
    """Return what of an enclosure lies in balls that are proved to hold the columns.

    Limits that are undefined say nothing, and what is given undefined stays so.
    """
    shape = found.shape
    ball = np.broadcast_to(limit.upper, shape)
    gap: Any = np.broadcast_to(is_undefined(limit), shape)
    for x in given[:-1]:
        gap = gap | is_undefined(x).any(axis=(-2, -1), keepdims=True)
    right = given[-1]
    gap = gap | _undefined_columns(right, (*shape[:-2], *right.shape[-2:]))[..., :1, :]
    return _make(
        np.where(gap, found.lower, np.fmax(found.lower, -ball)),
        np.where(gap, found.upper, np.fmin(found.upper, ball)),
    )
