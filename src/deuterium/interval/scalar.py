"""Interval rules on plain Python floats, for graphs of very many scalar nodes.

A graph written on object arrays has a hundred thousand scalar nodes; NumPy's overhead
on each would cost more than the whole analysis.  Tests hold every function here equal,
bit for bit but for the sign of zero, to its namesake in `interval_arithmetic`.
"""

from __future__ import annotations

from math import inf, nan, nextafter

from deuterium.interval.interval import Interval
from deuterium.interval.rounding import (
    EPS,
    MAX,
    MIN_NORMAL,
    is_short,
    loses_nothing,
    sum_error,
)

_make = Interval.unchecked


def is_scalar(x: Interval) -> bool:
    """Return whether the ends are Python floats."""
    kind: type = type(x.lower)
    return kind is float


def _ends(x: Interval) -> tuple[float, float]:
    return x.lower, x.upper  # type: ignore[return-value]


def add(a: Interval, b: Interval) -> Interval:
    """Return ``a + b``."""
    (al, au), (bl, bu) = _ends(a), _ends(b)
    return _make(_add_down(al, bl), _add_up(au, bu))


def subtract(a: Interval, b: Interval) -> Interval:
    """Return ``a - b``."""
    (al, au), (bl, bu) = _ends(a), _ends(b)
    return _make(_add_down(al, -bu), _add_up(au, -bl))


def _add_down(a: float, b: float) -> float:
    s = a + b
    return s if sum_error(a, b, s) >= 0 else nextafter(s, -inf)


def _add_up(a: float, b: float) -> float:
    s = a + b
    return s if sum_error(a, b, s) <= 0 else nextafter(s, inf)


def multiply(a: Interval, b: Interval) -> Interval:
    """Return ``a * b``."""
    (al, au), (bl, bu) = _ends(a), _ends(b)
    if al != al or au != au or bl != bl or bu != bu:
        return _make(nan, nan)
    corners = (al * bl, al * bu, au * bl, au * bu)
    low, high = min(corners), max(corners)
    if not -inf < low <= high < inf:
        # an infinite end times zero is zero: only finite numbers lie inside
        corners = tuple(0.0 if p != p else p for p in corners)  # type: ignore[assignment]
        low, high = min(corners), max(corners)
    short = is_short(al) and is_short(au) and is_short(bl) and is_short(bu)
    has_negative = (al < 0 < bu) or (bl < 0 < au)
    has_positive = (al < 0 and bl < 0) or (au > 0 and bu > 0)
    if not ((short and loses_nothing(low)) or (low == 0 and not has_negative)):
        low = nextafter(low, -inf)
    if not ((short and loses_nothing(high)) or (high == 0 and not has_positive)):
        high = nextafter(high, inf)
    return _make(low, high)


def divide(a: Interval, b: Interval) -> Interval:
    """Return ``a / b``; undefined where ``b`` contains zero."""
    (al, au), (bl, bu) = _ends(a), _ends(b)
    if not (0 < bl <= bu or bl <= bu < 0) or al != al or au != au:
        return _make(nan, nan)
    low, high = (al, au) if bl > 0 else (au, al)
    return _make(
        _divide_down(low, bu if low >= 0 else bl),
        _divide_up(high, bl if high >= 0 else bu),
    )


def _divide_down(a: float, b: float) -> float:
    q = a / b
    return q if _exact(a, b, q) or _is_tiny(a, b, q) else nextafter(q, -inf)


def _divide_up(a: float, b: float) -> float:
    q = a / b
    return q if _exact(a, b, q) or _is_tiny(-a, b, q) else nextafter(q, inf)


def _exact(a: float, b: float, q: float) -> bool:
    return bool(is_short(q) and is_short(b) and q * b == a and loses_nothing(a))


def _is_tiny(a: float, b: float, q: float) -> bool:
    """Return whether a quotient rounded to zero is zero, or tiny and positive."""
    return q == 0 and (a == 0 or (a > 0) == (b > 0))


def widen_down(value: float, ulps: float, absolute: float = 0.0) -> float:
    """Return a lower bound of a result known to within ``ulps`` and ``absolute``."""
    value = min(value, MAX)
    return value - (abs(value) * ((ulps + 1) * EPS) + (absolute + MIN_NORMAL))


def widen_up(value: float, ulps: float, absolute: float = 0.0) -> float:
    """Return an upper bound of a result known to within ``ulps`` and ``absolute``."""
    value = max(value, -MAX)
    return value + (abs(value) * ((ulps + 1) * EPS) + (absolute + MIN_NORMAL))


def square(a: Interval) -> Interval:
    """Return ``a ** 2``."""
    al, au = _ends(a)
    if al != al or au != au:
        return _make(nan, nan)
    small = 0.0 if al <= 0 <= au else min(abs(al), abs(au))
    large = max(abs(al), abs(au))
    low, high = small * small, large * large
    if low != 0 and not (is_short(small) and loses_nothing(low)):
        low = nextafter(low, -inf)
    if large != 0 and not (is_short(large) and loses_nothing(high)):
        high = nextafter(high, inf)
    return _make(low, high)
