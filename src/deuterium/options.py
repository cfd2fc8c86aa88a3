"""Options that several calls take, checked in one place."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError


def is_number(x: object) -> bool:
    """Return whether this is a number, Python's or NumPy's, and not NaN."""
    if not is_whole(x) and not isinstance(x, (float, np.floating)):
        return False
    number: Any = float(x) if isinstance(x, np.floating) else x
    size = abs(number)
    return bool(size <= sys.float_info.max or size == math.inf)


def is_whole(x: object) -> bool:
    """Return whether this is an integer, Python's or NumPy's: no time, no truth."""
    kept = isinstance(x, (int, np.integer))
    return kept and not isinstance(x, (bool, np.timedelta64))


def require_whole(x: Any, least: int, caller: str, name: str) -> int:
    """Return an integer, Python's or NumPy's, as Python's; raise if it is too small."""
    if not is_whole(x) or x < least:
        raise InvalidInputError(
            f"{caller}: `{name}` must be an integer >= {least}, got {type(x).__name__} "
            f"{x!r:.60}"
        )
    return int(x)


def require_seed(seed: Any, caller: str) -> None:
    """Raise unless random numbers can start from this."""
    require_whole(seed, 0, caller, "seed")
