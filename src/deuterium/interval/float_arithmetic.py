"""The arithmetics that frameworks compute in, and what their operations may be off.

An operation's result is taken to be ``(exact) (1 + d) + t`` with ``|d| <= u`` and
``|t|`` at most the smallest normal number, so that subnormal numbers may be kept or
flushed to zero, as arguments and as results (N. J. Higham, "Accuracy and Stability of
Numerical Algorithms", 2nd ed., section 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, did_you_mean


@dataclass(frozen=True)
class FloatArithmetic:
    """One arithmetic of IEEE 754.

    Attributes
    ----------
    name : str
        As frameworks call it.
    unit : float
        The largest relative error of one operation, u.
    tiny : float
        What underflow may add to an error: an argument and a result flushed to zero.
    largest : float
        Results beyond it count as overflow: a quarter of the largest number, as
        libraries pass through twice the result on their way.
    """

    name: str
    unit: float
    tiny: float
    largest: float

    def gamma(self, n: Any) -> Any:
        """Return the relative error of ``n`` operations; infinite where there is none.

        ``n u / (1 - n u)``, whatever the order, with or without fused operations.
        """
        share = np.asarray(n) * self.unit
        with np.errstate(all="ignore"):
            return np.where(share < 1.0, share / (1.0 - share), np.inf)

    def rounding_of(self, x: Any) -> Any:
        """Return how far numbers may be from what stands for them: 0 where exact.

        It is infinite where they are larger than all numbers of the arithmetic.
        """
        with np.errstate(all="ignore"):
            near = np.asarray(x, np.float64).astype(self.name).astype(np.float64)
        flushed = (np.abs(x) < self.tiny) & (np.asarray(x) != 0)
        exact = (near == x) & ~flushed
        off = np.where(np.isinf(near), np.inf, np.abs(x) * self.unit + self.tiny)
        return np.where(exact, 0.0, off)


ARITHMETICS = {
    "float32": FloatArithmetic("float32", 2.0**-24, 2.0**-124, 2.0**126),
    "float64": FloatArithmetic("float64", 2.0**-53, 2.0**-1020, 2.0**1022),
}


def require_arithmetic(name: Any, caller: str) -> FloatArithmetic:
    """Return an arithmetic by its name.

    Raises
    ------
    InvalidInputError
        There is none of that name.
    """
    known = ARITHMETICS.get(name) if isinstance(name, str) else None
    if known is None:
        raise InvalidInputError(
            f"{caller}: `arithmetic` must be one of {', '.join(ARITHMETICS)}, or None "
            f"for real numbers; got {name!r:.40}.{did_you_mean(str(name), ARITHMETICS)}"
        )
    return known
