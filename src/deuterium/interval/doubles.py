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
    if _are_doubles(value):
        return np.asarray(value)
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
    if kind == "O" and all(map(_is_number, array.flat)):
        return _objects(array)
    if kind not in "biuf":
        raise InvalidInputError(
            f"{what} must be real numbers, got {type(value).__name__} {value!r:.80} "
            f"of dtype {array.dtype}; make numbers of it first"
        )
    long = kind == "f" and array.dtype.itemsize > 8
    return _objects(array) if long or _has_long_integers(array) else array


def _is_number(x: Any) -> bool:
    signals = isinstance(x, Decimal) and x.is_snan()
    return isinstance(x, _PLAIN) and not signals


def ratio(x: Fraction | Decimal) -> tuple[int, int]:
    """Return numerator and denominator of an exact number."""
    if isinstance(x, Decimal) and not (x.is_finite() and _is_moderate(x)):
        raise InvalidInputError(
            f"an exact number must be finite and of a size that doubles have, got {x!r}"
        )
    return x.as_integer_ratio()


def _is_moderate(x: Decimal) -> bool:
    """Return whether a fraction of ``x`` is no longer than its digits and 400 more."""
    return not x or abs(x.adjusted()) <= 400


def _objects(array: Any) -> Any:
    """Return an array of integers, floats and Fractions, which compare exactly."""
    out = np.empty(array.shape, dtype=object)
    out.reshape(-1)[:] = [_comparable(e) for e in array.ravel()]
    return out


def _comparable(number: Any) -> Any:
    if isinstance(number, (int, np.integer, np.bool_)):
        return int(number)
    if isinstance(number, Fraction):
        return number
    if isinstance(number, float) or not _is_finite(number):
        return float(number)
    if isinstance(number, Decimal) and not _is_moderate(number):
        # it rounds as any other number beyond all doubles, or nearer to 0 than any
        return Fraction(10) ** (400 if number.adjusted() > 0 else -400) * (
            -1 if number < 0 else 1
        )
    return Fraction(*number.as_integer_ratio())


def _is_finite(number: Any) -> bool:
    if isinstance(number, Decimal):
        return number.is_finite()
    return bool(np.isfinite(number))


def _has_long_integers(array: Any) -> bool:
    if array.dtype.kind not in "iu" or not array.size:
        return False
    return max(-int(array.min()), int(array.max())) > LARGEST_WHOLE


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
    doubles = array.dtype.kind == "f" and array.dtype.itemsize >= 8
    if not doubles or not isinstance(value, (list, tuple)):
        return False
    return bool(np.any(np.abs(array) >= LARGEST_WHOLE))


def _are_doubles(value: Any) -> bool:
    """Return whether there is nothing to look at: the usual case, and the fast one."""
    return type(value) is float or (
        type(value) is np.ndarray and value.dtype == np.float64
    )


def enclosing(value: Any, what: str) -> tuple[Array, Array]:
    """Return the largest doubles at most, and the smallest at least, each number."""
    if _are_doubles(value):
        return np.array(value), np.array(value)
    given, near = _nearest(value, what)
    if given.dtype != object:
        return near, near
    with np.errstate(all="ignore"):
        down, up = step_down(near, near <= given), step_up(near, near >= given)
    return np.asarray(down), np.asarray(up)


def exactly(value: Any, what: str, otherwise: str) -> Array:
    """Return numbers as doubles, which must hold them.

    Raises
    ------
    InvalidInputError
        A number lies between two doubles; ``otherwise`` says what to write.
    """
    if _are_doubles(value):
        return np.array(value)
    given, near = _nearest(value, what)
    if given.dtype != object:
        return near
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
        near = np.array([_double(e) for e in given.flat], dtype=np.float64)
        near = near.reshape(given.shape)
    else:
        near = given.astype(np.float64)
    if np.any(np.isinf(near) & (given != near)):
        raise InvalidInputError(
            f"{what} is beyond the largest double, 1.8e308; write np.inf for no end"
        )
    return given, near


def _double(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
