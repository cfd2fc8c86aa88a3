"""Numbers as callers give them: taken exactly, rounded outward, or refused.

NumPy turns almost anything into doubles without a word: text is parsed, dates are
counted, masks are dropped, long integers and fractions are rounded to nearest.  What is
certified must be about the numbers that were given, so every number comes in here.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.interval.rounding import Array, step_down, step_up

LARGEST_WHOLE = 2**53  # up to here a double holds every integer

_PLAIN = (bool, int, float, np.bool_, np.integer, np.floating, Fraction, Decimal)
_INSTEAD = {
    "MaskedArray": "fill it (`.filled(...)`) or take `.compressed()`",
    "matrix": "its * is a matrix product; write np.asarray(...) and use * and @",
}


def as_plain_array(value: Any, what: str) -> Any:
    """Return a plain array of real numbers: NumPy's own, or exact ones as objects.

    Raises
    ------
    InvalidInputError
        It holds anything but real numbers, or is an array with a meaning of its own.
    """
    refuse_subclass(value, what)
    try:
        array = np.asarray(value)
        if _may_have_lost_digits(array, value):
            array = np.array(value, dtype=object)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"{what} must be numbers, got {value!r:.80} ({error})"
        ) from None
    kind = array.dtype.kind
    if kind == "O" and all(isinstance(e, _PLAIN) for e in array.flat):
        return array
    if kind not in "biuf":
        raise InvalidInputError(
            f"{what} must be real numbers, got {type(value).__name__} {value!r:.80} "
            f"of dtype {array.dtype}; make numbers of it first"
        )
    if kind in "iu" and array.size and _reach(array) > LARGEST_WHOLE:
        return array.astype(object)
    return array


def refuse_subclass(value: Any, what: str) -> None:
    """Raise InvalidInputError for arrays that mean more than their numbers."""
    if isinstance(value, (list, tuple)):
        for e in value:
            if isinstance(e, (list, tuple, np.ndarray)):
                refuse_subclass(e, what)
    elif isinstance(value, np.ndarray) and type(value) not in (np.ndarray, np.memmap):
        name = next((k for k in _INSTEAD if _is_a(value, k)), "")
        advice = _INSTEAD.get(name, "write np.asarray(...) if plain numbers are meant")
        raise InvalidInputError(
            f"{what} must be a plain array, got a {type(value).__name__}, whose mask, "
            f"unit or products would be lost: {advice}"
        )


def _is_a(value: Any, name: str) -> bool:
    return any(c.__name__ == name for c in type(value).__mro__)


def _may_have_lost_digits(array: Any, value: Any) -> bool:
    """Return whether NumPy may have rounded integers of a list to doubles."""
    if isinstance(value, (np.ndarray, np.generic, float)) or array.dtype.kind != "f":
        return False
    return hasattr(value, "__len__") and bool(_reach(array) >= LARGEST_WHOLE)


def _reach(array: Any) -> int | float:
    """Return the largest absolute value (without the overflow of abs)."""
    return (
        max(-array.min(initial=0), array.max(initial=0))
        if array.dtype.kind == "f"
        else max(-int(array.min()), int(array.max()))
    )


def enclosing(value: Any, what: str) -> tuple[Array, Array]:
    """Return the largest doubles at most, and the smallest at least, each number."""
    given, near = _nearest(value, what)
    return step_down(near, near <= given), step_up(near, near >= given)


def exactly(value: Any, what: str, otherwise: str) -> Array:
    """Return numbers as doubles, which must hold them.

    Raises
    ------
    InvalidInputError
        A number lies between two doubles; ``otherwise`` says what to write.
    """
    given, near = _nearest(value, what)
    wrong = np.asarray((near != given) & (near == near))
    if wrong.any():
        first = given[wrong].flat[0] if given.shape else given.item()
        raise InvalidInputError(
            f"{what} must be a number that a double holds exactly, got {first!s:.60} "
            f"({type(first).__name__}); {otherwise}"
        )
    return near


def _nearest(value: Any, what: str) -> tuple[Any, Array]:
    """Return a plain array of the numbers, and the doubles nearest to them."""
    given = as_plain_array(value, what)
    if given.dtype.kind == "O":
        near = np.array([_double(e) for e in given.flat]).reshape(given.shape)
    else:
        with np.errstate(over="ignore"):
            near = given.astype(np.float64)
    beyond = np.isinf(near) & (given != near)
    if np.any(beyond):
        raise InvalidInputError(
            f"{what} is beyond the largest double, 1.8e308; write np.inf for no end"
        )
    return given, near


def _double(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
