"""Directed rounding: the only file of the package that calls ``nextafter``.

Every function returns numbers that are certainly below (``_down``) or above (``_up``)
the exact real result, in the rounding-to-nearest arithmetic of IEEE 754 double
precision, without touching the processor's rounding mode.  They work on arrays, which
broadcast against each other, and on Python floats.

Sums are rounded to the tightest directed result (the sign of the error term of Knuth's
TwoSum decides); products, quotients and roots to the tightest where the operands are
short enough for the result to be exact, and otherwise at most one ulp further out.

References: S. M. Rump, "Verification methods: Rigorous results using floating-point
arithmetic", Acta Numerica 2010, sections 2 and 10; N. J. Higham, "Accuracy and
Stability of Numerical Algorithms", 2nd ed., section 3.1 (gamma_n).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EPS = 2.0**-52  # one ulp of 1.0
TINY = float(np.nextafter(0.0, 1.0))  # 2**-1074, the smallest subnormal number
MIN_NORMAL = 2.0**-1022  # the smallest normal number: below it, errors are absolute
MAX = float(np.finfo(np.float64).max)
SAFE = 2.0**-900  # products above it in magnitude lose no bit to underflow
_SPLIT = 2.0**27 + 1.0  # Veltkamp's constant: isolates the upper 26 bits


def next_down(x: Any) -> Any:
    """Return the next number towards minus infinity."""
    return np.nextafter(x, -np.inf)


def next_up(x: Any) -> Any:
    """Return the next number towards plus infinity."""
    return np.nextafter(x, np.inf)


def step_down(x: Array, stay: Any) -> Array:
    """Return ``x`` where ``stay`` holds, else the next number below it."""
    return np.nextafter(x, np.where(stay, x, -np.inf))


def step_up(x: Array, stay: Any) -> Array:
    """Return ``x`` where ``stay`` holds, else the next number above it."""
    return np.nextafter(x, np.where(stay, x, np.inf))


def sum_error(a: Any, b: Any, s: Any) -> Any:
    """Return the exact error ``(a + b) - s`` of ``s = fl(a + b)`` (Knuth's TwoSum).

    NaN where the sum overflows, which every caller reads as "not exact".
    """
    t = s - a
    return (a - (s - t)) + (b - t)


def is_short(x: Any) -> Any:
    """Return whether ``x`` has at most 26 significant bits.

    The product of two short numbers is exact as long as it does not underflow.
    """
    t = _SPLIT * x
    return (t - (t - x)) == x


def loses_nothing(p: Any) -> Any:
    """Return whether a product of short numbers, rounded to ``p``, is exactly ``p``."""
    size = abs(p)
    return (size > SAFE) & (size <= MAX)


def add_down(a: Array, b: Array) -> Array:
    """Return the largest double not above ``a + b``."""
    s = a + b
    return step_down(s, sum_error(a, b, s) >= 0)


def add_up(a: Array, b: Array) -> Array:
    """Return the smallest double not below ``a + b``."""
    s = a + b
    return step_up(s, sum_error(a, b, s) <= 0)


def divide_down(a: Array, b: Array) -> Array:
    """Return a double not above ``a / b`` (at most one ulp below the tightest)."""
    q = a / b
    return step_down(q, _exact_quotient(a, b, q) | _zero_from_above(a, b, q))


def divide_up(a: Array, b: Array) -> Array:
    """Return a double not below ``a / b`` (at most one ulp above the tightest)."""
    q = a / b
    return step_up(q, _exact_quotient(a, b, q) | _zero_from_above(-a, b, q))


def _exact_quotient(a: Array, b: Array, q: Array) -> Any:
    return is_short(q) & is_short(b) & (q * b == a) & loses_nothing(a)


def _zero_from_above(a: Array, b: Array, q: Array) -> Any:
    """Where a quotient rounded to zero is, in truth, zero or tiny and positive."""
    return (q == 0) & ((a == 0) | ((a > 0) == (b > 0)))


def sqrt_down(x: Array) -> Array:
    """Return a double not above the square root (``x >= 0``)."""
    r = np.sqrt(x)
    return step_down(r, is_short(r) & (r * r == x))


def sqrt_up(x: Array) -> Array:
    """Return a double not below the square root (``x >= 0``)."""
    r = np.sqrt(x)
    return step_up(r, is_short(r) & (r * r == x))


def widen_down(value: Array, ulps: float, absolute: Any = 0.0) -> Array:
    """Return a lower bound of a result known to within ``ulps`` and ``absolute``.

    One more ulp pays for the rounding of this line itself; the smallest normal number
    pays for libraries that flush subnormal results to zero.  A library's error can
    also push a finite result over the largest double, hence the minimum.
    """
    value = np.minimum(value, MAX)
    return value - (np.abs(value) * ((ulps + 1) * EPS) + (absolute + MIN_NORMAL))


def widen_up(value: Array, ulps: float, absolute: Any = 0.0) -> Array:
    """Return an upper bound of a result known to within ``ulps`` and ``absolute``."""
    value = np.maximum(value, -MAX)
    return value + (np.abs(value) * ((ulps + 1) * EPS) + (absolute + MIN_NORMAL))


def gamma(n: Any) -> Any:
    """Return an upper bound of ``n u / (1 - n u)``, ``u = 2**-53``.

    It bounds the relative error of ``n`` roundings in any order, with or without fused
    multiply-add, so BLAS may sum as it likes (Higham, lemma 3.1).
    """
    # doubling u pays for the denominator (n < 2**51) and for rounding this product
    return n * EPS


def minus_error(total: Array, error: Array) -> Array:
    """Return a lower bound of a sum given an upper bound of its error (0: exact).

    Where the sum overflowed on its way, nothing is known: minus infinity.  The error
    is NaN only where a term is.
    """
    low = total - error
    known = (low < np.inf) | np.isnan(error)
    return np.where(known, step_down(low, error == 0), -np.inf)


def plus_error(total: Array, error: Array) -> Array:
    """Return an upper bound of a sum given an upper bound of its error (0: exact)."""
    high = total + error
    known = (high > -np.inf) | np.isnan(error)
    return np.where(known, step_up(high, error == 0), np.inf)


# -1 and +1 along the first axis, where lower and upper ends are stacked
_SIGNS = [np.array([-1.0, 1.0]).reshape((2,) + (1,) * n) for n in range(30)]
_DIRECTIONS = [signs * np.inf for signs in _SIGNS]
_FEW = 2**9  # up to here one slow call beats five fast ones


def signs(ends: Array) -> Array:
    """Return -1 for lower and +1 for upper ends, shaped to broadcast."""
    return _SIGNS[ends.ndim - 1]


def outward(ends: Array) -> Array:
    """Return ends stacked along the first axis, each moved outward by an ulp or two."""
    if ends.size <= _FEW:
        return np.nextafter(ends, _DIRECTIONS[ends.ndim - 1])
    step = np.abs(ends)
    step *= EPS
    step += MIN_NORMAL
    step *= signs(ends)
    step += ends
    return step
