"""Interval arithmetic on arrays, rounded outward.

Every function takes Intervals and returns one.  Undefined results (outside the domain,
or at a pole) are NaN at both ends; NaN in gives NaN out.

References: R. E. Moore, "Interval Analysis", Prentice-Hall 1966.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.interval import rounding, scalar
from deuterium.interval.interval import RULES, Interval
from deuterium.interval.rounding import Array, is_short, loses_nothing

_make = Interval.unchecked


def is_undefined(*xs: Interval) -> Any:
    """Return where an argument is undefined: NaN at either end."""
    bad: Any = False
    for x in xs:
        bad = bad | np.isnan(x.lower) | np.isnan(x.upper)
    return bad


def undefined_where(x: Interval, where: Any) -> Interval:
    """Return ``x`` with both ends NaN where ``where`` holds."""
    if not np.any(where):
        return x
    return _make(np.where(where, np.nan, x.lower), np.where(where, np.nan, x.upper))


def _contains_zero(x: Interval) -> Any:
    return (x.lower <= 0) & (x.upper >= 0)


def negative(a: Interval) -> Interval:
    """Return ``-a`` (exact)."""
    if a.is_thin:
        ends = -a.lower
        return _make(ends, ends)
    return _make(-a.upper, -a.lower)


def add(a: Interval, b: Interval) -> Interval:
    """Return ``a + b``; each end is the tightest."""
    if scalar.is_scalar(a) and scalar.is_scalar(b):
        return scalar.add(a, b)
    return _make(rounding.add_down(a.lower, b.lower), rounding.add_up(a.upper, b.upper))


def subtract(a: Interval, b: Interval) -> Interval:
    """Return ``a - b``; each end is the tightest."""
    if scalar.is_scalar(a) and scalar.is_scalar(b):
        return scalar.subtract(a, b)
    return _make(
        rounding.add_down(a.lower, -b.upper), rounding.add_up(a.upper, -b.lower)
    )


def multiply(a: Interval, b: Interval) -> Interval:
    """Return ``a * b``; exact for short operands, else at most one ulp wide per end."""
    if scalar.is_scalar(a) and scalar.is_scalar(b):
        return scalar.multiply(a, b)
    low, high = _extreme_products(a, b)
    short = _is_short(a) & _is_short(b)
    has_negative = ((a.lower < 0) & (b.upper > 0)) | ((b.lower < 0) & (a.upper > 0))
    has_positive = ((a.lower < 0) & (b.lower < 0)) | ((b.upper > 0) & (a.upper > 0))
    return _make(
        rounding.step_down(
            low, (short & loses_nothing(low)) | ((low == 0) & ~has_negative)
        ),
        rounding.step_up(
            high, (short & loses_nothing(high)) | ((high == 0) & ~has_positive)
        ),
    )


def _is_short(x: Interval) -> Any:
    return is_short(x.lower) if x.is_thin else is_short(x.lower) & is_short(x.upper)


def _extreme_products(a: Interval, b: Interval) -> tuple[Array, Array]:
    """Least and greatest of the products of ends, rounded to nearest."""
    if a.is_thin:
        a, b = b, a
    ends = [b.lower] if b.is_thin else [b.lower, b.upper]
    products = [x * y for y in ends for x in (a.lower, a.upper)]
    low = np.minimum.reduce(products)
    if np.isnan(np.sum(low)):
        products = [_without_indeterminate(p, a, b) for p in products]
        low = np.minimum.reduce(products)
    return low, np.maximum.reduce(products)


def _without_indeterminate(product: Array, a: Interval, b: Interval) -> Array:
    """Set ``0 * inf`` to 0 (only finite numbers lie inside); keep a NaN."""
    return np.where(np.isnan(product) & ~is_undefined(a, b), 0.0, product)


def divide(a: Interval, b: Interval) -> Interval:
    """Return ``a / b``; undefined where ``b`` contains zero."""
    if scalar.is_scalar(a) and scalar.is_scalar(b):
        return scalar.divide(a, b)
    apart = ((b.lower > 0) | (b.upper < 0)) & (b.lower <= b.upper)  # no NaN is
    zero = np.logical_not(apart)
    if np.any(zero):
        b = _make(np.where(zero, 1.0, b.lower), np.where(zero, 1.0, b.upper))
    return undefined_where(_divide_nonzero(a, b), zero)


def _divide_nonzero(a: Interval, b: Interval) -> Interval:
    # The sign of b decides which numerator gives the least quotient; ``n / b`` falls
    # with b where n > 0 and rises where n < 0, on either side of zero.
    positive = b.lower > 0
    low_n = np.where(positive, a.lower, a.upper)
    high_n = np.where(positive, a.upper, a.lower)
    return _make(
        rounding.divide_down(low_n, np.where(low_n >= 0, b.upper, b.lower)),
        rounding.divide_up(high_n, np.where(high_n >= 0, b.lower, b.upper)),
    )


def reciprocal(a: Interval) -> Interval:
    """Return ``1 / a``; undefined where ``a`` contains zero."""
    one = 1.0 if scalar.is_scalar(a) else np.ones(np.shape(a.lower))
    return divide(_make(one, one), a)


def absolute(a: Interval) -> Interval:
    """Return ``|a|`` (exact)."""
    low, high = np.abs(a.lower), np.abs(a.upper)
    return _make(
        np.where(_contains_zero(a), 0.0, np.minimum(low, high)), np.maximum(low, high)
    )


def square(a: Interval) -> Interval:
    """Return ``a ** 2``; exact for short operands."""
    if scalar.is_scalar(a):
        return scalar.square(a)
    size = absolute(a)
    low, high = size.lower * size.lower, size.upper * size.upper
    return _make(
        rounding.step_down(
            low, (low == 0) | (is_short(size.lower) & loses_nothing(low))
        ),
        rounding.step_up(
            high, (size.upper == 0) | (is_short(size.upper) & loses_nothing(high))
        ),
    )


def sqrt(a: Interval) -> Interval:
    """Return the square root; undefined where ``a`` reaches below zero."""
    bad = a.lower < 0
    low, high = np.maximum(a.lower, 0.0), np.maximum(a.upper, 0.0)
    return undefined_where(_make(rounding.sqrt_down(low), rounding.sqrt_up(high)), bad)


def integer_power(a: Interval, n: int) -> Interval:
    """Return ``a ** n`` for an integer ``n``; a pole at zero where ``n < 0``."""
    if n == 2:
        return square(a)
    if n < 0:
        return _inverse(integer_power(a, -n), _contains_zero(a))
    if n == 0:
        one = np.where(is_undefined(a), np.nan, 1.0)
        return _make(one, one)
    if n == 1:
        return a
    base = absolute(a) if n % 2 == 0 else a
    return _make(
        _power_end(base.lower, n, down=True), _power_end(base.upper, n, down=False)
    )


def _inverse(p: Interval, pole: Any) -> Interval:
    """Return ``1 / p``; an end that underflowed to zero has kept its sign."""
    one = np.ones(np.shape(p.lower))
    result = _make(rounding.divide_down(one, p.upper), rounding.divide_up(one, p.lower))
    return undefined_where(result, pole)


def _power_end(x: Array, n: int, *, down: bool) -> Array:
    """Bound ``x ** n`` on one side by rounding every product of |x| the same way."""
    size = np.abs(x)
    # |x|**n is wanted from above where it makes the result smaller (x < 0, going down)
    above = (x < 0) == down
    result = np.where(above, _product_up(size, n), _product_down(size, n))
    return np.copysign(result, x)


LONG_CHAIN = 8  # beyond it, the library's power may be closer than the products
POWER_ULPS = 4.0  # NumPy's own accuracy test of ``power`` allows this much


def _product_down(size: Array, n: int) -> Array:
    low = _repeated(size, n, lambda x, y: multiply(_make(x, x), _make(y, y)).lower)
    if LONG_CHAIN < n <= 2**53:
        library = np.power(size, float(n))
        low = np.maximum(low, rounding.widen_down(library, POWER_ULPS))
    return low


def _product_up(size: Array, n: int) -> Array:
    high = _repeated(size, n, lambda x, y: multiply(_make(x, x), _make(y, y)).upper)
    if LONG_CHAIN < n <= 2**53:
        library = np.power(size, float(n))
        high = np.minimum(high, rounding.widen_up(library, POWER_ULPS))
    return high


def _repeated(x: Array, n: int, times: Callable[[Array, Array], Array]) -> Array:
    """Return ``x ** n`` by repeated squaring with the given rounded product."""
    x = np.asarray(x)
    result = np.where(np.isnan(x), np.nan, 1.0)
    while n:
        if n & 1:
            result = times(result, x)
        n >>= 1
        if n:
            x = times(x, x)
    return result


def power(a: Interval, b: Interval) -> Interval:
    """Return ``a ** b`` for a real exponent.

    Defined where ``a > 0``, and at ``a = 0`` where ``b >= 0``, with 1 for ``0**0``; any
    other base only where ``b`` is one integer (of at most 2**53).
    """
    n = _common_integer(b)
    if n is not None:
        return _spread(integer_power(a, n), np.shape(b.lower))
    result = _real_power(a, b)
    if np.any(a.lower <= 0):
        for n in _integers(b):
            whole, here = integer_power(a, n), (b.lower == n) & (b.upper == n)
            result = _make(
                np.where(here, whole.lower, result.lower),
                np.where(here, whole.upper, result.upper),
            )
    return result


def _spread(x: Interval, shape: tuple[int, ...]) -> Interval:
    """Return ``x`` with the axes that another argument of its operator has."""
    own = np.shape(x.lower)
    both = np.broadcast_shapes(own, shape)
    if both == own:
        return x
    return _make(np.broadcast_to(x.lower, both), np.broadcast_to(x.upper, both))


def _real_power(a: Interval, b: Interval) -> Interval:
    """``x**y`` is monotone in ``x`` and in ``y``, so its extremes lie at corners."""
    bad = (a.lower < 0) | ((a.lower == 0) & (b.lower < 0))
    low, high = np.where(bad, 1.0, a.lower), np.where(bad, 1.0, a.upper)
    corners = [np.power(x, y) for x in (low, high) for y in (b.lower, b.upper)]
    least = rounding.widen_down(np.minimum.reduce(corners), POWER_ULPS)
    greatest = rounding.widen_up(np.maximum.reduce(corners), POWER_ULPS)
    # the library has 1**nan = nan**0 = 1
    bad = bad | is_undefined(a, b)
    return undefined_where(_make(np.maximum(least, 0.0), greatest), bad)


def _common_integer(b: Interval) -> int | None:
    """Return the exponent if it is one integer for all elements."""
    value = np.asarray(b.lower)
    if value.size == 0 or not np.array_equal(value, b.upper):
        return None
    first = float(value.flat[0])
    return int(first) if np.all(value == first) and _is_integer(first) else None


def _integers(b: Interval) -> list[int]:
    """Return the integers that are the exponent of some element."""
    values = np.unique(np.where(b.lower == b.upper, b.lower, np.nan))
    return [int(n) for n in values.tolist() if _is_integer(n)]


def _is_integer(x: float) -> bool:
    return abs(x) <= 2**53 and x.is_integer()


def maximum(a: Interval, b: Interval) -> Interval:
    """Return the element-wise maximum (exact)."""
    return _make(np.maximum(a.lower, b.lower), np.maximum(a.upper, b.upper))


def minimum(a: Interval, b: Interval) -> Interval:
    """Return the element-wise minimum (exact)."""
    return _make(np.minimum(a.lower, b.lower), np.minimum(a.upper, b.upper))


def hull(a: Interval, b: Interval) -> Interval:
    """Return the smallest interval that holds both."""
    return _make(np.minimum(a.lower, b.lower), np.maximum(a.upper, b.upper))


def intersect(a: Interval, b: Interval) -> Interval:
    """Return what two enclosures of the same thing have in common."""
    return _make(np.maximum(a.lower, b.lower), np.minimum(a.upper, b.upper))


RULES.update(
    {
        "negative": negative,
        "absolute": absolute,
        "add": add,
        "subtract": subtract,
        "multiply": multiply,
        "divide": divide,
        "power": power,
    }
)
