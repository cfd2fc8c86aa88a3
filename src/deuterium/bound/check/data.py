"""Numbers of a proof's data, read exactly."""

from __future__ import annotations

from typing import Any

from flint import arb

from deuterium.bound.check.functions import INFINITY, Ball
from deuterium.bound.check.reasons import NoBound
from deuterium.bound.check.region import number


def numbers(x: Any, count: int) -> list[Ball]:
    """Return finite numbers."""
    if not isinstance(x, list) or len(x) != count:
        raise NoBound(f"a list of {count} numbers is wanted, got {x!r:.60}")
    return [finite(e) for e in x]


def finite(x: Any) -> Ball:
    """Return one finite number."""
    if type(x) not in (int, float):
        raise NoBound(f"a number is wanted, got {x!r:.60}")
    ball = arb(x)
    if not ball.is_finite():
        raise NoBound(f"a finite number is wanted, got {x!r:.60}")
    return ball


def end(x: Any) -> Ball:
    """Return an end of a box, which may be infinite."""
    if isinstance(x, str) and x in ("inf", "-inf"):
        return INFINITY if x == "inf" else -INFINITY
    if type(x) not in (int, float):
        raise NoBound(f"a number is wanted, got {x!r:.60}")
    return number(x)
