"""Numbers of a proof's data, read exactly."""

from __future__ import annotations

import math
from typing import Any

from flint import arb

from deuterium.certify.checker.ball_functions import INFINITY, Ball
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.proof_region import number
from deuterium.certify.format import is_double


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
