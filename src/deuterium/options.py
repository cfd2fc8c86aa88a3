"""Options that several calls take, checked in one place."""

from __future__ import annotations

import math
import operator
import sys
from typing import Any

from deuterium.errors import InvalidInputError


def is_number(x: object) -> bool:
    """Return whether this is a number, and not NaN."""
    if not isinstance(x, (int, float)) or isinstance(x, bool):
        return False
    return abs(x) <= sys.float_info.max or abs(x) == math.inf


def require_seed(seed: Any, caller: str) -> None:
    """Raise unless random numbers can start from this."""
    try:
        number = -1 if isinstance(seed, bool) else operator.index(seed)
    except TypeError:
        number = -1
    if number < 0:
        raise InvalidInputError(
            f"{caller}: `seed` must be an integer >= 0, got {type(seed).__name__} "
            f"{seed!r:.60}"
        )
