"""Values of operators that are more than one call, on any array library.

Each function takes the array namespace first: NumPy for the operators themselves, and
that of its back end for generated code.
"""

from __future__ import annotations

import math
from typing import Any

from deuterium.array_type import Array

# quotients above it, and below its reciprocal, lose no bit to underflow
SAFE = 2.0**-900
NEAR = 12.0  # where the series of the exponential ends: beyond, nothing much cancels
EXP_TERMS = 72  # what is left out is below 2**-53 of the sum
CLOSE = 0.5  # the relative gap at which the series of the logarithm ends
LOG_TERMS = 72  # what is left out is below 2**-53 of the sum
SMALL = 5.0  # where the series of the sine ends
SINE_TERMS = 36  # what is left out is below 2**-53 of the sum


def _together(xp: Any, a: Any, b: Any) -> tuple[Array, Array]:
    """Return two arrays of one shape, of what may be numbers."""
    zero = xp.zeros_like(a - b)
    return a + zero, b + zero


def rel_entr(xp: Any, x: Any, y: Any) -> Array:
    """Return ``x log(x / y)``, 0 where x is 0 and y is not negative."""
    x, y = _together(xp, x, y)
    quotient = x / y
    plain = (quotient > SAFE) & (quotient < 1 / SAFE)  # else it may have underflowed
    logs = xp.where(plain, xp.log(quotient), xp.log(x) - xp.log(y))
    product = x * xp.where((x < 0) | (y < 0), math.nan + 0.0 * logs, logs)
    return xp.where((x == 0) & (y >= 0), xp.zeros_like(product), product)


def kl_div(xp: Any, x: Any, y: Any) -> Array:
    """Return ``x log(x / y) - x + y``, with ``0 log 0 = 0``."""
    return rel_entr(xp, x, y) - x + y


def power_log(xp: Any, x: Any, y: Any, n: int) -> Array:
    """Return ``x**y log(x)**n``, 0 where x is 0 and y positive."""
    x, y = _together(xp, x, y)
    product = x**y * xp.log(x) ** n
    return xp.where((x == 0) & (y > 0), xp.zeros_like(product), product)


def log_cosh(xp: Any, x: Any) -> Array:
    """Return ``log(cosh(x))``."""
    size = xp.abs(x)
    one = xp.ones_like(size)
    near = xp.log1p(2.0 * xp.sinh(0.5 * xp.minimum(size, one)) ** 2)
    far = size + (xp.log1p(xp.exp(-2.0 * size)) - math.log(2.0))
    return xp.where(size < 1, near, far)


def _scaled(xp: Any, x: Array) -> tuple[Array, Array, Array]:
    """Return rows divided by their largest size, their lengths, and those sizes."""
    top = xp.max(xp.abs(x), axis=-1, keepdims=True)
    sound = (top > 0) & (top < math.inf)
    scale = xp.where(sound, top, xp.ones_like(top))
    e = x / scale
    return e, xp.sqrt(xp.sum(e * e, axis=-1, keepdims=True)), scale


def norm(xp: Any, x: Any) -> Array:
    """Return the L2 norm over the last axis, without over- or underflow."""
    _, length, scale = _scaled(xp, x)
    return (length * scale)[..., 0]


def direction(xp: Any, x: Any) -> Array:
    """Return rows of length 1 along the last axis, or of zeros."""
    e, length, _ = _scaled(xp, x)
    sound = length > 0
    unit = e / xp.where(sound, length, xp.ones_like(length))
    return xp.where(sound, unit, 0.0 * (e + length))  # NaN in a row is in all of it


# -- the exponential -----------------------------------------------------------------


def _exp_series(xp: Any, z: Array, m: int, n: int) -> Array:
    """Return ``exp(-z) M(m, m + n, z)`` for 0 <= z <= NEAR: no term is negative."""
    total = term = xp.ones_like(z)
    for j in range(EXP_TERMS):
        term = term * (z * ((m + j) / ((m + n + j) * (j + 1.0))))
        total = total + term
    return xp.exp(-z) * total


def _finite_sum(w: Array, one: Array, m: int, n: int) -> Array:
    """Return the sum over j < n of ``(m)_j (n-1)! / ((n-1-j)! j!) w**j``."""
    total = term = one
    for j in range(n - 1):
        term = term * w * ((m + j) * (n - 1 - j) / (j + 1.0))
        total = total + term
    return total


def _exp_far(xp: Any, z: Array, m: int, n: int) -> Array:
    """Return the same for z > NEAR, by its finite expansion in ``1 / z``."""
    one = xp.ones_like(z)
    first = _finite_sum(-1.0 / z, one, n, m) * (math.perm(m + n - 1, n) / z**n)
    second = _finite_sum(1.0 / z, one, m, n) * (math.perm(m + n - 1, m) / z**m)
    return first + xp.exp(-z) * second * (-1.0) ** m


def exp_difference(xp: Any, a: Any, b: Any, m: int, n: int) -> Array:
    """Return the divided difference of exp over m times a and n times b."""
    a, b = _together(xp, a, b)
    top = xp.maximum(a, b)
    gap = xp.where(a == b, xp.zeros_like(a), xp.abs(a - b))  # of infinite ones too
    near, far = xp.minimum(gap, NEAR + 0.0 * gap), xp.maximum(gap, NEAR + 0.0 * gap)

    def share(i: int, j: int) -> Array:
        return xp.where(
            gap <= NEAR, _exp_series(xp, near, i, j), _exp_far(xp, far, i, j)
        )

    part = share(m, n) if m == n else xp.where(b > a, share(n, m), share(m, n))
    result = xp.exp(top) * part / math.factorial(m + n - 1)
    return xp.where(top == -math.inf, xp.zeros_like(result), result)


# -- the logarithm -------------------------------------------------------------------


def _log_series(xp: Any, q: Array, m: int, n: int) -> Array:
    """Return the mean of ``(1 - q (1 - s))**-p``, p = m + n - 1, for q <= CLOSE."""
    p = m + n - 1.0
    total = term = xp.ones_like(q)
    for j in range(LOG_TERMS):
        term = term * q * ((n + j) / (j + 1.0))
        total = total + term * (p / (p + j + 1.0))
    return total


def _log_far(xp: Any, ratio: Array, log: Array, m: int, n: int) -> Array:
    """Return the same beyond, by the recurrence; ``ratio`` is ``1 / (1 - q)``.

    Of the ratio, which may overflow, and its logarithm; not of its inverse, which may
    be subnormal.
    """
    one = xp.ones_like(ratio)
    gap = 1.0 - 1.0 / ratio
    known = {(1, 1): log / gap}
    for k in range(2, m + n + 1):  # the divided differences of log, signs left out
        known[k, 0] = one / (k - 1.0)
        known[0, k] = ratio ** (k - 1.0) / (k - 1.0)
    for k in range(3, m + n + 1):
        for i in range(max(1, k - n), min(m, k - 1) + 1):
            j = k - i
            known[i, j] = (known[i - 1, j] - known[i, j - 1]) / gap
    return known[m, n] * (m + n - 1.0)


def mean_power(xp: Any, a: Any, b: Any, m: int, n: int) -> tuple[Array, Array]:
    """Return the mean of ``(t / top)**-p`` between a and b, and the larger of them."""
    a, b = _together(xp, a, b)
    top, bottom = xp.maximum(a, b), xp.minimum(a, b)
    q = xp.where(a == b, xp.zeros_like(a), (top - bottom) / top)
    near = xp.minimum(q, CLOSE + 0.0 * q)
    far = q > CLOSE
    ratio = xp.where(far, top / bottom, 2.0 + 0.0 * q)
    logs = xp.where(ratio < math.inf, xp.log(ratio), xp.log(top) - xp.log(bottom))

    def mean(i: int, j: int) -> Array:
        close = _log_series(xp, near, i, j)
        return xp.where(far, _log_far(xp, ratio, logs, i, j), close)

    return (mean(m, n) if m == n else xp.where(b > a, mean(n, m), mean(m, n))), top


def log_difference(xp: Any, a: Any, b: Any, m: int, n: int) -> Array:
    """Return the divided difference of log over m times a and n times b."""
    mean, top = mean_power(xp, a, b, m, n)
    p = m + n - 1
    size = mean / p
    for _ in range(p):  # one by one: a power of it may leave the doubles before
        size = size / top
    size = xp.where(top == math.inf, xp.zeros_like(size), size)
    return size if p % 2 else -size


# -- the sine ------------------------------------------------------------------------


def _sine_series(xp: Any, x: Array, n: int) -> Array:
    """Return the n-th derivative of ``sin(x) / x`` where |x| <= SMALL."""
    first = (n + 1) // 2
    term = (x if n % 2 else xp.ones_like(x)) * (-1.0) ** first
    square = x * x
    total = term / (2.0 * first + 1.0)
    for k in range(first + 1, first + SINE_TERMS):
        i = 2.0 * k - n
        term = term * square * (-1.0 / (i * (i - 1.0)))
        total = total + term / (2.0 * k + 1.0)
    return total


def sinc(xp: Any, x: Any, n: int) -> Array:
    """Return the n-th derivative of ``sin(x) / x``."""
    x = x + xp.zeros_like(x)
    small = xp.abs(x) <= SMALL
    far = xp.where(small, SMALL + 0.0 * x, x)
    waves = (xp.sin(far), xp.cos(far))
    result = waves[0] / far
    for k in range(1, n + 1):
        wave = waves[k % 2] if k % 4 in (0, 1) else -waves[k % 2]
        result = (wave - k * result) / far
    return xp.where(small, _sine_series(xp, xp.where(small, x, 0.0 * far), n), result)
