"""Ranges of terms by plain interval arithmetic, as Coq will find them.

They serve planning alone: Coq works out every range again, with more bits, and nothing
rests on these.  So the ends are pairs of floats, moved outward by a few ulps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from deuterium import ops
from deuterium.certify.coq.coq_terms import Term
from deuterium.interval import Interval

Pair = tuple[float, float]

EVERY: Pair = (-math.inf, math.inf)
OUTWARD = 2.0**-50  # relative: what rounding and library functions may be off, at most


def around(low: float, high: float) -> Pair:
    """Return the ends moved outward; nothing is known where they are not numbers."""
    if not low <= high:
        return EVERY
    return low - abs(low) * OUTWARD, high + abs(high) * OUTWARD


def _product(a: Pair, b: Pair) -> Pair:
    ends = [x * y for x in a for y in b]
    return around(min(ends), max(ends)) if all(map(math.isfinite, ends)) else EVERY


def _power(a: Pair, n: int) -> Pair:
    try:
        ends = sorted((a[0] ** n, a[1] ** n))
    except OverflowError:
        return EVERY
    if n % 2 == 0 and a[0] < 0 < a[1]:
        ends[0] = 0.0
    return around(*ends)


def _rising(rule: Callable[[float], float]) -> Callable[[Pair], Pair]:
    def run(a: Pair) -> Pair:
        try:
            return around(rule(a[0]), rule(a[1]))
        except (OverflowError, ValueError):
            return EVERY

    return run


def _turning(rule: Callable[[Interval], Interval]) -> Callable[[Pair], Pair]:
    def run(a: Pair) -> Pair:
        found = rule(Interval(*a))
        return around(float(found.lower), float(found.upper))

    return run


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
    "exp": _rising(math.exp),
    "ln": _rising(math.log),
    "sin": _turning(ops.sin),
    "cos": _turning(ops.cos),
    "tan": _turning(ops.tan),
    "atan": _rising(math.atan),
    "PI": lambda: around(math.pi, math.pi),
}


def ranges(order: Sequence[Term], box: Mapping[str, Pair]) -> dict[Term, Pair]:
    """Return the range of each of these terms, given each after its parts."""
    found: dict[Term, Pair] = {}
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
