"""Bounds given as text, such as ``a=1:2``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from deuterium.errors import (
    BoundsError,
    MissingSymbolError,
    UnknownSymbolError,
    did_you_mean,
)
from deuterium.frontends.language import CONSTANTS
from deuterium.interval.environment import standard_only

__all__ = ["read_bounds", "read_model_bounds"]


@standard_only
def read_bounds(texts: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Read bounds, each as ``name=lower:upper``; the ends may be ``inf``.

    Raises
    ------
    BoundsError
        One of them cannot be read, is reversed or NaN, or comes twice.

    Examples
    --------
    >>> from deuterium.frontends.bounds import read_bounds
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


@standard_only
def read_model_bounds(
    texts: Iterable[str], inputs: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Read bounds of a model's inputs, whatever they are called.

    Each is ``NAME=LOWER:UPPER``; of the only input ``LOWER:UPPER`` will do.

    Raises
    ------
    BoundsError
        One of them cannot be read, is reversed or NaN, or comes twice.
    UnknownSymbolError, MissingSymbolError
        A name is no input's, or an input has no bounds.

    Examples
    --------
    >>> from deuterium.frontends.bounds import read_model_bounds
    >>> read_model_bounds(["0:1"], ["x"])
    {'x': (0.0, 1.0)}
    """
    bounds: dict[str, tuple[float, float]] = {}
    for text in texts:
        name, sign, ends = text.rpartition("=")
        if not sign and len(inputs) == 1:
            name = inputs[0]
        if name not in inputs:
            raise UnknownSymbolError(
                f"bound {text!r}: the model has no input {name!r}."
                f"{did_you_mean(name, inputs)} Its inputs are {', '.join(inputs)}"
            )
        if name in bounds:
            raise BoundsError(f"bound {text!r}: {name!r} has bounds already")
        bounds[name] = _ends(ends, text)
    missing = [n for n in inputs if n not in bounds]
    if missing:
        raise MissingSymbolError(
            f"no bounds for {', '.join(map(repr, missing))}: every input of the model "
            f"needs some; add --input {missing[0]}=LOWER:UPPER"
        )
    return bounds


def _read(text: str) -> tuple[str, tuple[float, float]]:
    name, _, ends = (part.strip() for part in text.partition("="))
    if not name.isidentifier():
        raise BoundsError(_UNREADABLE.format(text))
    if name in CONSTANTS:
        raise BoundsError(f"bound {text!r}: {name!r} is a number; use another name")
    return name, _ends(ends, text)


_UNREADABLE = "bound {!r} cannot be read: write NAME=LOWER:UPPER, such as a=1:2"


def _ends(ends: str, text: str) -> tuple[float, float]:
    pair = ends.split(":")
    if len(pair) != 2:
        raise BoundsError(_UNREADABLE.format(text))
    lower, upper = (_number(end, text) for end in pair)
    if lower > upper:
        raise BoundsError(
            f"bound {text!r} is reversed: {lower:g} exceeds {upper:g}; write the lower "
            "end first"
        )
    return lower, upper


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
