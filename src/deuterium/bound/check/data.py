"""Numbers of a proof's data, read exactly."""

from __future__ import annotations

import math
from typing import Any

from flint import arb

from deuterium.bound.check.functions import INFINITY, Ball
from deuterium.bound.check.reasons import NoBound
from deuterium.bound.check.record import is_double
from deuterium.bound.check.region import number


def numbers(x: Any, count: int) -> list[Ball]:
    """Return finite numbers."""
    if not isinstance(x, list) or len(x) != count:
        raise NoBound(f"a list of {count} numbers is wanted, got {x!r:.60}")
    return [finite(e) for e in x]


def finite(x: Any) -> Ball:
    """Return one finite number, a double."""
    if not is_double(x) or not math.isfinite(x):
        raise NoBound(f"a finite number is wanted, got {x!r:.60}")
    return arb(x)


def end(x: Any) -> Ball:
    """Return an end of a box, which may be infinite."""
    if isinstance(x, str) and x in ("inf", "-inf"):
        return INFINITY if x == "inf" else -INFINITY
    if not is_double(x) or math.isnan(x):
        raise NoBound(f"a number is wanted, got {x!r:.60}")
    return number(x)
