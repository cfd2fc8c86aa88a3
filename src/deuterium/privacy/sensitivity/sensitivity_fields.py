"""What the fields of a sensitivity may be."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, did_you_mean
from deuterium.privacy.directed_rounding import real_number
from deuterium.privacy.sensitivity.bound_sources import refuse_estimate

__all__ = [
    "NORMS",
    "QUANTITIES",
    "frozen",
    "one_number",
    "require_norm",
    "require_quantity",
    "two_ends",
]

QUANTITIES = ("contribution", "lipschitz", "diameter")
NORMS = (1, 2, math.inf)


def require_norm(who: str, norm: Any) -> None:
    """Raise unless this is a norm that noise is made for."""
    good = isinstance(norm, Real) and not isinstance(norm, bool)
    if not good or norm not in NORMS:
        raise InvalidInputError(f"{who}: `norm` must be 1, 2 or inf, got {norm!r:.80}")


def require_quantity(who: str, quantity: Any) -> None:
    """Raise unless this is the name of something that noise can be made from."""
    if not isinstance(quantity, str) or quantity not in QUANTITIES:
        raise InvalidInputError(
            f"{who}: `quantity` must be one of {', '.join(QUANTITIES)}; got "
            f"{quantity!r:.80}.{did_you_mean(str(quantity)[:80], QUANTITIES)}"
        )


def two_ends(who: str, lower: Any, upper: Any) -> tuple[Any, Any]:
    """Return both ends as real numbers, if they can be those of a supremum."""
    for end in (lower, upper):
        refuse_estimate(end, who)
    low, high = one_number(who, "lower", lower), one_number(who, "upper", upper)
    if not 0 <= low <= high:
        raise InvalidInputError(
            f"{who}: needs 0 <= `lower` <= `upper`, got lower={lower!r}, "
            f"upper={upper!r}"
        )
    return low, high


def one_number(who: str, name: str, x: Any) -> Any:
    """Return one real number, of whatever type, or say why it is none."""
    number = real_number(x)
    if number is None or number != number:
        raise InvalidInputError(f"{who}: `{name}` must be a number, got {x!r:.80}")
    return number


def frozen(x: Any) -> Any:
    """Return a copy that cannot be written to."""
    kept = np.array(x)
    kept.flags.writeable = False
    return kept
