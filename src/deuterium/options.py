"""Options that several calls take, checked in one place."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError


def is_number(x: object) -> bool:
    """Return whether this is a number, Python's or NumPy's, and not NaN."""
    kinds = (int, float, np.integer, np.floating)
    if not isinstance(x, kinds) or isinstance(x, bool):
        return False
    size: Any = abs(float(x) if isinstance(x, np.floating) else x)
    return bool(size <= sys.float_info.max or size == math.inf)


def require_whole(x: Any, least: int, caller: str, name: str) -> int:
    """Return an integer, Python's or NumPy's, as Python's; raise if it is too small."""
    whole = isinstance(x, (int, np.integer)) and not isinstance(x, bool)
    if not whole or x < least:
        raise InvalidInputError(
            f"{caller}: `{name}` must be an integer >= {least}, got {type(x).__name__} "
            f"{x!r:.60}"
        )
    return int(x)


def require_seed(seed: Any, caller: str) -> None:
    """Raise unless random numbers can start from this."""
    require_whole(seed, 0, caller, "seed")
