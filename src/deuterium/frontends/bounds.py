"""Bounds given as text, such as ``a=1:2``."""

from __future__ import annotations

import math
from collections.abc import Iterable

from deuterium.errors import BoundsError
from deuterium.frontends.language import CONSTANTS
from deuterium.interval.environment import standard_only

__all__ = ["read_bounds"]


@standard_only
def read_bounds(texts: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Read bounds, each as ``name=lower:upper``; the ends may be ``inf``.

    Raises
    ------
    BoundsError
        One of them cannot be read, is reversed or NaN, or comes twice.

    Examples
    --------
    >>> read_bounds(["a=1:2", "b=0.5:3"])
    {'a': (1.0, 2.0), 'b': (0.5, 3.0)}
    """
    bounds: dict[str, tuple[float, float]] = {}
    for text in texts:
        name, ends = _read(text)
        if name in bounds:
            raise BoundsError(f"bound {text!r}: {name!r} has bounds already")
        bounds[name] = ends
    return bounds


def _read(text: str) -> tuple[str, tuple[float, float]]:
    name, _, ends = (part.strip() for part in text.partition("="))
    pair = ends.split(":")
    if not name.isidentifier() or len(pair) != 2:
        raise BoundsError(
            f"bound {text!r} cannot be read: write NAME=LOWER:UPPER, such as a=1:2"
        )
    if name in CONSTANTS:
        raise BoundsError(f"bound {text!r}: {name!r} is a number; use another name")
    lower, upper = (_number(end, text) for end in pair)
    if lower > upper:
        raise BoundsError(
            f"bound {text!r} is reversed: {lower:g} exceeds {upper:g}; write the lower "
            "end first"
        )
    return name, (lower, upper)


def _number(end: str, text: str) -> float:
    try:
        number = float(end)
    except ValueError:
        raise BoundsError(
            f"bound {text!r}: {end!r} is not a number; write NAME=LOWER:UPPER"
        ) from None
    if math.isnan(number):
        raise BoundsError(f"bound {text!r}: an end must be a number, not NaN")
    return number
