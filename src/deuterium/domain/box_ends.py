"""The two ends of a box, read from what was given, or refused with what was meant."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.domain.constraints import Range
from deuterium.domain.domain import broadcasts
from deuterium.errors import BoundsError, ShapeError
from deuterium.graph.substitute import symbol_name
from deuterium.graph.variable import Variable
from deuterium.interval import doubles

__all__ = ["range_of", "settled"]


def range_of(key: Any, pair: Any) -> Range:
    """Return the constraint that a pair of ends means for a symbol."""
    name = symbol_name(key)
    given = _two_ends(key, name, pair)
    low, high = (
        _end(name, side, value)
        for side, value in zip(("lower", "upper"), given, strict=True)
    )
    exact = (doubles.as_plain_array(end, "Box: bounds") for end in given)
    try:
        reversed_ = np.greater(*exact)
    except ValueError:
        raise ShapeError(
            f"Box: bounds of {name!r} have shapes {low.shape} and {high.shape}, which "
            "do not broadcast together"
        ) from None
    if np.any(reversed_):
        raise BoundsError(
            f"Box: bounds of {name!r} are reversed: lower={given[0]!r:.60} exceeds "
            f"upper={given[1]!r:.60}; write them as (lower, upper)"
        )
    if np.any(low == np.inf) or np.any(high == -np.inf):
        raise BoundsError(f"Box: bounds of {name!r} leave no finite number: {pair!r}")
    return Range(low, high)


def _end(name: str, side: str, value: Any) -> Any:
    what = f"Box: the {side} bound of {name!r}"
    return settled(doubles.enclosing(value, what)[side == "upper"], value, what)


def _two_ends(key: Any, name: str, pair: Any) -> Any:
    """Return what was given for the lower and the upper end, if that is plain."""
    doubles.refuse_subclass(pair, f"Box: bounds of {name!r}")
    if not isinstance(pair, (tuple, list, np.ndarray)) or _shape(pair) == ():
        raise BoundsError(
            f"Box: bounds of {name!r} must be a pair (lower, upper), got {pair!r:.80}"
        )
    if len(pair) != 2:
        rows = [_shape(e) == (2,) for e in pair]
        hint = (
            f"; they look like {len(rows)} pairs: {_BOTH}" if rows and all(rows) else ""
        )
        raise BoundsError(
            f"Box: bounds of {name!r} must be a pair (lower, upper), got "
            f"{len(pair)} entries {pair!r:.80}{hint}"
        )
    if _reads_as_pairs(key, pair):
        raise BoundsError(
            f"Box: bounds of {name!r} can be read two ways: {pair!r:.80} may be the "
            "lower ends and then the upper ends, or a pair of ends for each element; "
            f"{_BOTH}"
        )
    return pair


_BOTH = (
    "write a tuple of two arrays, (np.array([every lower end]), np.array([every upper "
    "end])); of pairs p that is tuple(np.transpose(p))"
)


def _shape(rows: Any) -> tuple[int, ...] | None:
    try:
        return np.shape(rows)
    except ValueError:  # lists of different lengths
        return None


def _reads_as_pairs(key: Any, rows: Any) -> bool:
    """Return whether two rows may be meant as a pair of ends for each element.

    A tuple of two arrays or lists is ``(lower, upper)``, as documented; a tuple of
    two tuples is what SciPy calls bounds.
    """
    first, second = map(_shape, rows)
    if first is None or first != second or first[-1:] != (2,):
        return False
    if isinstance(rows, tuple) and not all(isinstance(e, tuple) for e in rows):
        return False
    shape = key.shape if isinstance(key, Variable) else None
    return shape is None or broadcasts((2, *first[:-1]), shape)


def settled(numbers: Any, value: Any, what: str) -> Any:
    """Return numbers that nothing changes any more, or say that one is NaN."""
    if np.isnan(numbers).any():
        raise BoundsError(f"{what} must not be NaN, got {value!r:.80}")
    numbers.flags.writeable = False
    return numbers
