"""Ranges of terms by plain interval arithmetic, as Coq will find them.

They serve planning alone: Coq works out every range again, with more bits, and nothing
rests on these.  So the ends are pairs of floats, moved outward by a few ulps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deuterium.certify.coq.coq_prelude import BITS
from deuterium.certify.coq.coq_terms import RealTerm

Pair = tuple[float, float]

EVERY: Pair = (-math.inf, math.inf)
OUTWARD = 2.0**-50  # relative: what rounding and library functions may be off, at most

TINY = 1e-300  # what is smaller may be rounded to 0


def around(low: float, high: float) -> Pair:
    """Return the ends moved outward; nothing is known where they are not numbers."""
    if not low <= high:
        return EVERY
    return low - abs(low) * OUTWARD, high + abs(high) * OUTWARD


def _rounded(low: float, high: float, vanishes: bool) -> Pair:
    """Return ends moved outward, with room for what is too small for a double."""
    low, high = around(low, high)
    return (low - TINY, high + TINY) if vanishes else (low, high)


def _product(a: Pair, b: Pair) -> Pair:
    ends = [x * y for x in a for y in b]
    if not all(map(math.isfinite, ends)):
        return EVERY
    vanishes = any(abs(x * y) < TINY and x and y for x in a for y in b)
    return _rounded(min(ends), max(ends), vanishes)


def _power(a: Pair, n: int) -> Pair:
    try:
        ends = sorted((a[0] ** n, a[1] ** n))
    except OverflowError:
        return EVERY
    vanishes = any(abs(x**n) < TINY and x for x in a)
    if n % 2 == 0 and a[0] < 0 < a[1]:
        ends[0] = 0.0
    low, high = _rounded(ends[0], ends[1], vanishes)
    return (max(low, 0.0), high) if n % 2 == 0 else (low, high)


def _rising(rule: Callable[[float], float]) -> Callable[[Pair], Pair]:
    def run(a: Pair) -> Pair:
        try:
            return around(rule(a[0]), rule(a[1]))
        except (OverflowError, ValueError):
            return EVERY

    return run


def _exp(a: Pair) -> Pair:
    low, high = _rising(math.exp)(a)
    return max(low - TINY, 0.0), high + TINY


def _cos(a: Pair) -> Pair:
    """Return the range that coq-interval finds: beyond 2 pi by slopes of at most 1."""
    low, high = _absolute(a)
    if high <= math.pi:
        return around(math.cos(high), math.cos(low))
    if high <= 2 * math.pi:
        top = max(math.cos(low), math.cos(high))
        return around(-1.0 if low < math.pi else math.cos(low), top)
    middle, radius = (low + high) / 2, (high - low) * (0.5 + OUTWARD)
    if radius > 1.5:
        return -1.0, 1.0
    least, most = around(math.cos(middle) - radius, math.cos(middle) + radius)
    return max(least, -1.0), min(most, 1.0)


def _sin(a: Pair) -> Pair:
    quarter = math.pi / 2
    if -quarter <= a[0] and a[1] <= quarter:
        return around(math.sin(a[0]), math.sin(a[1]))
    if -quarter <= a[0]:
        return _widened(_cos((quarter - a[1], quarter - a[0])))
    low, high = _cos((a[0] + quarter, a[1] + quarter))
    return _widened((-high, -low))


def _widened(a: Pair) -> Pair:
    """Return a range with room for the quarter turn, which is rounded."""
    return max(a[0] - 1e-14, -1.0), min(a[1] + 1e-14, 1.0)


def _tan(a: Pair) -> Pair:
    inside = -math.pi / 2 < a[0] and a[1] < math.pi / 2
    return around(math.tan(a[0]), math.tan(a[1])) if inside else EVERY


def _inverse(a: Pair) -> Pair:
    return around(1 / a[1], 1 / a[0]) if a[0] > 0 or a[1] < 0 else EVERY


def _absolute(a: Pair) -> Pair:
    return (max(a[0], -a[1], 0.0), max(-a[0], a[1]))


RULES: dict[str, Callable[..., Pair]] = {
    "+": lambda a, b: around(a[0] + b[0], a[1] + b[1]),
    "*": _product,
    "-": lambda a: (-a[1], -a[0]),
    "/": _inverse,
    "sqrt": _rising(math.sqrt),
    "Rabs": _absolute,
    "exp": _exp,
    "ln": _rising(math.log),
    "sin": _sin,
    "cos": _cos,
    "tan": _tan,
    "atan": _rising(math.atan),
    "PI": lambda: around(math.pi, math.pi),
}


def value_at(order: Sequence[RealTerm], point: Mapping[str, float]) -> float:
    """Return the last term's value at a point, worked out with Coq's bits, rounded up.

    Not a number where it is not defined.
    """
    from mpmath import mp

    own = mp.clone()  # the library's own context is shared by everyone
    own.prec = BITS
    rules: dict[str, Callable[..., Any]] = {
        "+": lambda a, b: a + b,
        "*": lambda a, b: a * b,
        "-": lambda a: -a,
        "/": lambda a: 1 / a if a else own.nan,
        "Rabs": abs,
        "ln": lambda a: own.log(a) if a > 0 else own.nan,
        "sqrt": lambda a: own.sqrt(a) if a >= 0 else own.nan,
        "PI": lambda: +own.pi,
    }
    found: dict[RealTerm, Any] = {}
    for t in order:
        parts = [found[a] for a in t.args]
        if t.kind == "number":
            found[t] = own.mpf(t.datum.numerator) / t.datum.denominator
        elif t.kind == "input":
            found[t] = own.mpf(point[t.datum])
        elif t.kind == "^":
            found[t] = parts[0] ** t.datum
        else:
            found[t] = (rules.get(t.kind) or getattr(own, t.kind))(*parts)
    last = found[order[-1]]
    near = float(last)
    return math.nextafter(near, math.inf) if near < last else near


def ranges(order: Sequence[RealTerm], box: Mapping[str, Pair]) -> dict[RealTerm, Pair]:
    """Return the range of each of these terms, given each after its parts."""
    found: dict[RealTerm, Pair] = {}
    for t in order:
        if t.kind == "number":
            near = float(t.datum)
            found[t] = (near, near) if near == t.datum else around(near, near)
        elif t.kind == "input":
            found[t] = box[t.datum]
        elif t.kind == "^":
            found[t] = _power(found[t.args[0]], t.datum)
        else:
            found[t] = RULES[t.kind](*[found[a] for a in t.args])
    return found
