"""What is known of a node in some arithmetic: its exact value, and what is computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deuterium.array_type import Array
from deuterium.interval import Interval
from deuterium.interval.rounding import EPS

SLACK = 1.0 + 2.0**-26  # pays for double rounding of sums of up to 2**24 errors


@dataclass(slots=True)
class Computed:
    """What is known of a node, its exact value and what is computed.

    Attributes
    ----------
    exact : Interval
        Holds the exact value.
    error : array
        At most so far is the computed value from it, element by element.
    whole : bool
        It is an integer, and computed exactly.
    nonnegative : bool
        What is computed is never negative.
    root : array or None
        Of a sum of squares: how far the exact root of what is computed is from that of
        the exact value.
    """

    exact: Interval
    error: Array
    whole: bool = False
    nonnegative: bool = False
    root: Array | None = None

    @property
    def size(self) -> Array:
        """The largest absolute value of what is exact."""
        size = np.maximum(np.abs(self.exact.lower), np.abs(self.exact.upper))
        return np.where(np.isnan(size), np.inf, size)

    @property
    def least(self) -> Array:
        """No absolute value of what is computed is smaller."""
        away = np.maximum(self.exact.lower, -np.asarray(self.exact.upper))
        return np.maximum(away - self.error * SLACK, 0.0)

    @property
    def wide(self) -> Interval:
        """Both the exact value and what is computed."""
        error = self.error * SLACK + np.abs(self.size) * EPS
        low, high = self.exact.lower - error, self.exact.upper + error
        if self.nonnegative:
            low = np.where(low < 0, np.minimum(self.exact.lower, 0.0), low)
        return Interval.unchecked(low, high)
