"""The Interval: two arrays of ends, between which the exact real values lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium.errors import BoundsError
from deuterium.interval.doubles import LARGEST_WHOLE, enclosing
from deuterium.interval.rounding import Array
from deuterium.notebook import Shown, latex_number

if TYPE_CHECKING:
    from deuterium.interval.cause import Cause

RULES: dict[str, Callable[..., Interval]] = {}
"""What the signs of Python mean; `interval_arithmetic` enters its functions here."""


class Interval(Shown):
    """A closed interval, or an array of them: ``lower <= x <= upper``, element-wise.

    Parameters
    ----------
    lower, upper : array_like
        Ends, which broadcast against each other; what no double holds (a Fraction, a
        long integer) is rounded outward.  Infinite ends are allowed on the outside
        (``lower = -inf``, ``upper = inf``).

    Attributes
    ----------
    lower, upper : ndarray of float64
        The ends.  Rounded outward by whatever computed them.
    cause : Cause or None
        Why an end is infinite: the operator, its source line and the offending range;
        None where all is well.

    Notes
    -----
    Arithmetic (``+ - * / **``, ``abs``) is rounded outward.  Operators follow the
    set-based reading of IEEE 1788-2015, except that a result that is undefined for some
    argument, or meets a pole, is *undefined*: both ends are NaN inside a computation,
    and NaN is contagious, so no later operator can make such a value look finite.
    `deuterium.enclose` turns it into infinite ends with a cause.

    Examples
    --------
    >>> import deuterium as dt
    >>> dt.Interval(1, 2) * dt.Interval(-1, 3)
    Interval([-2.0, 6.0])
    """

    __slots__ = ("cause", "lower", "upper")
    __array_ufunc__ = None  # so that ``array + interval`` arrives at __radd__

    lower: Array
    upper: Array
    cause: Cause | None

    def __init__(self, lower: Any, upper: Any = None) -> None:
        around = _around(lower, "lower")
        low, high = around.lower, around.upper
        if upper is not None:
            low, high = np.broadcast_arrays(low, _around(upper, "upper").upper)
        if not np.all(low <= high):
            raise BoundsError(
                "Interval: `lower` must be at most `upper`, and neither may be NaN. "
                f"Got lower={lower!r}, upper={upper!r}; swap or repair the ends."
            )
        if np.any(low == np.inf) or np.any(high == -np.inf):
            raise BoundsError(
                "Interval: `lower` may not be +inf and `upper` may not be -inf. "
                f"Got lower={lower!r}, upper={upper!r}; use finite ends there."
            )
        self.lower, self.upper, self.cause = low, high, None

    @classmethod
    def unchecked(cls, lower: Any, upper: Any) -> Interval:
        """Make an interval of ends that are known to be right (library code only)."""
        self = object.__new__(cls)
        self.lower, self.upper, self.cause = lower, upper, None
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of intervals."""
        return np.shape(self.lower)

    @property
    def is_thin(self) -> bool:
        """Whether this is a constant: both ends are one and the same array."""
        return self.lower is self.upper

    @property
    def width(self) -> Array:
        """Distance between the ends, rounded to nearest."""
        with np.errstate(all="ignore"):
            return np.asarray(self.upper - self.lower)

    @property
    def midpoint(self) -> Array:
        """A point inside (0 or the largest number where an end is infinite)."""
        with np.errstate(all="ignore"):
            middle = 0.5 * np.asarray(self.lower) + 0.5 * np.asarray(self.upper)
        return np.clip(np.nan_to_num(middle, nan=0.0), self.lower, self.upper)

    def contains(self, other: Any) -> Any:
        """Return whether each element of ``other`` (or interval of it) lies inside."""
        if isinstance(other, Interval):
            return (self.lower <= other.lower) & (other.upper <= self.upper)
        return (self.lower <= other) & (other <= self.upper)

    def __getitem__(self, key: Any) -> Interval:
        low, high = np.asarray(self.lower), np.asarray(self.upper)
        return Interval.unchecked(low[key], high[key])

    def __repr__(self) -> str:
        if self.shape == ():
            ends = f"[{float(self.lower)!r}, {float(self.upper)!r}]"
        else:
            ends = f"lower={self.lower!r}, upper={self.upper!r}"
        return f"Interval({ends})" + (f"  # {self.cause}" if self.cause else "")

    def _facts(self) -> Iterator[tuple[str, Any]]:
        names = ("shape", "lower", "upper", "cause")
        yield from ((n, x) for n in names if (x := getattr(self, n)) is not None)

    def _repr_latex_(self) -> str | None:
        if self.shape:
            return None
        return f"$[{latex_number(self.lower)}, {latex_number(self.upper)}]$"

    # These lines only give the functions of RULES their usual spelling.

    def __neg__(self) -> Interval:
        return RULES["negative"](self)

    def __abs__(self) -> Interval:
        return RULES["absolute"](self)

    def __add__(self, other: Any) -> Interval:
        return _quietly("add", self, other)

    def __radd__(self, other: Any) -> Interval:
        return _quietly("add", other, self)

    def __sub__(self, other: Any) -> Interval:
        return _quietly("subtract", self, other)

    def __rsub__(self, other: Any) -> Interval:
        return _quietly("subtract", other, self)

    def __mul__(self, other: Any) -> Interval:
        return _quietly("multiply", self, other)

    def __rmul__(self, other: Any) -> Interval:
        return _quietly("multiply", other, self)

    def __truediv__(self, other: Any) -> Interval:
        return _quietly("divide", self, other)

    def __rtruediv__(self, other: Any) -> Interval:
        return _quietly("divide", other, self)

    def __pow__(self, other: Any) -> Interval:
        return _quietly("power", self, other)

    def __rpow__(self, other: Any) -> Interval:
        return _quietly("power", other, self)


def _quietly(rule: str, a: Any, b: Any) -> Interval:
    """Apply a rule without warnings: what overflows is dealt with, not overlooked."""
    with np.errstate(all="ignore"):
        return RULES[rule](as_interval(a), as_interval(b))


def as_interval(x: Any) -> Interval:
    """Return ``x`` itself if it is an Interval, else the thin interval at ``x``."""
    if isinstance(x, Interval):
        return x
    return _around(x, "number")


def _around(x: Any, name: str) -> Interval:
    """Return the smallest interval of doubles that holds numbers of any type."""
    if type(x) is float or (type(x) is int and abs(x) <= LARGEST_WHOLE):
        low = np.asarray(x, dtype=np.float64)
        return Interval.unchecked(low, low)
    low, high = enclosing(x, f"Interval: `{name}`")
    return Interval.unchecked(low, low if np.array_equal(low, high) else high)
