"""What a domain asks of one symbol: ends, a ball, a list of values, unit vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, get_args

import numpy as np

from deuterium.errors import BoundsError, InvalidInputError, ShapeError
from deuterium.graph.saved import entered, require_kinds
from deuterium.interval import Interval
from deuterium.interval.rounding import EPS, add_down, add_up

Shape = tuple[int, ...]

ENUMERATED = 1024  # at most so many combinations of finite values are told apart


@entered
@dataclass(frozen=True, eq=False)
class Range:
    """A symbol lies between two ends, element by element."""

    lower: Any
    upper: Any

    def hull(self, shape: Shape) -> Interval:
        """Return the smallest box, of the symbol's shape plus batch axes in front."""
        low, high = np.broadcast_arrays(self.lower, self.upper)
        return Interval.unchecked(low, high)

    def holds(self, value: Any) -> Any:
        """Return whether values lie between the ends, element by element."""
        return (self.lower <= value) & (value <= self.upper)

    def code(self, name: str) -> str:
        """Return the call that makes this constraint."""
        return f"dt.Box({{{name!r}: ({_text(self.lower)}, {_text(self.upper)})}})"


@entered
@dataclass(frozen=True, eq=False)
class Within:
    """A symbol lies in a ball around a centre, in the norm of the given order."""

    center: Any
    radius: float
    order: float

    def hull(self, shape: Shape) -> Interval:
        """Return the smallest box around the ball, rounded outward."""
        radius = np.full(np.shape(self.center), self.radius)
        return Interval.unchecked(
            add_down(self.center, -radius), add_up(self.center, radius)
        )

    def holds(self, value: Any) -> Any:
        """Return whether a value lies in the ball (never yes for one outside)."""
        away = self._away(value)
        return away * (1.0 + self.slack(value)) <= self.radius

    def may_hold(self, value: Any) -> Any:
        """Return whether a value may lie in the ball (never no for one inside)."""
        away = self._away(value)
        return away * (1.0 - self.slack(value)) <= self.radius

    def holds_exactly(self, value: Any) -> bool:
        """Return whether a value lies in the ball, its edge included, by fractions."""
        if not np.all(self.may_hold(value)):  # so that it is finite
            return False
        x, center = np.broadcast_arrays(value, self.center)
        pairs = zip(x.ravel().tolist(), center.ravel().tolist(), strict=True)
        away = [abs(Fraction(a) - Fraction(b)) for a, b in pairs]
        if self.order != 2:
            return max(away, default=Fraction(0)) <= Fraction(self.radius)
        return sum(a * a for a in away) <= Fraction(self.radius) ** 2

    def _away(self, value: Any) -> Any:
        """Return how far a value is from the centre, to within ``slack``."""
        away = np.abs(np.asarray(value) - self.center)
        if self.order != 2:
            return away
        most = max(float(np.max(away, initial=0.0)), 1e-300)
        return most * np.sqrt(np.sum(np.square(away / most)))

    @staticmethod
    def slack(value: Any) -> float:
        """Return a bound of the relative rounding error of a distance."""
        return (np.size(value) + 16) * EPS

    def code(self, name: str) -> str:
        """Return the call that makes this constraint."""
        order = "" if self.order == 2 else ", order=np.inf"
        return f"dt.Ball({name!r}, {_text(self.center)}, {self.radius!r}{order})"


@entered
@dataclass(frozen=True, eq=False)
class OneOf:
    """A symbol is one of finitely many values."""

    values: tuple[Any, ...]

    def hull(self, shape: Shape) -> Interval:
        """Return the smallest box around the values."""
        table = self.table(shape)
        return Interval.unchecked(table.min(axis=0), table.max(axis=0))

    def table(self, shape: Shape) -> Any:
        """Return the values as an array, one row each."""
        whole = any(map(np.ndim, self.values))
        if len(self.values) > 1 < math.prod(shape) and not whole:
            raise BoundsError(
                f"Choice: {len(self.values)} numbers for a symbol of shape {shape} can "
                "be read two ways: all elements equal, or each by itself one of them; "
                f"list arrays, such as np.full({shape}, value) for each if they are "
                "equal, or else every combination"
            )
        try:
            return np.stack([np.broadcast_to(v, shape) for v in self.values])
        except ValueError:
            shapes = sorted({v.shape for v in self.values})
            raise ShapeError(
                f"Choice: values of shapes {shapes} do not broadcast to the symbol's "
                f"shape {shape}"
            ) from None

    def holds(self, value: Any) -> Any:
        """Return whether a value is one of those listed."""
        return any(
            np.array_equal(np.broadcast_to(v, np.shape(value)), value)
            for v in self.values
        )

    def code(self, name: str) -> str:
        """Return the call that makes this constraint."""
        return f"dt.Choice({name!r}, [{', '.join(map(_text, self.values))}])"


@entered
@dataclass(frozen=True, eq=False)
class UnitVectors:
    """A symbol is a unit vector along its last axis, in each row.

    ``categories`` says what the elements stand for, where records come as text.
    """

    categories: tuple[str, ...] = ()

    def hull(self, shape: Shape) -> Interval:
        """Return the box from 0 to 1."""
        self._length(shape)
        return Interval.unchecked(np.zeros(shape), np.ones(shape))

    def table(self, shape: Shape) -> Any | None:
        """Return every combination of unit vectors, or None if they are too many."""
        length, rows = self._length(shape), math.prod(shape[:-1])
        if length**rows > ENUMERATED:
            return None
        places = np.indices((length,) * rows).reshape(rows, length**rows).T
        return np.eye(length)[places].reshape((length**rows, *shape))

    def _length(self, shape: Shape) -> int:
        if not shape or shape[-1] == 0:
            raise ShapeError(
                f"OneHot: a symbol of shape {shape} holds no unit vector; its last "
                "axis must have at least one element"
            )
        return shape[-1]

    def holds(self, value: Any) -> Any:
        """Return whether every row is a unit vector."""
        value = np.asarray(value)
        return np.isin(value, (0.0, 1.0)).all() and np.all(value.sum(axis=-1) == 1)

    def code(self, name: str) -> str:
        """Return the call that makes this constraint."""
        told = f", categories={list(self.categories)!r}" if self.categories else ""
        return f"dt.OneHot({name!r}{told})"


Constraint = Range | Within | OneOf | UnitVectors


def restored(x: Any) -> Constraint:
    """Return a constraint of a file, of which only the kinds of its fields are known.

    Raises
    ------
    InvalidInputError
        It is none, or not of numbers.
    """
    require_kinds("Domain", [x], *get_args(Constraint))
    numbers = {**vars(x)}
    require_kinds("Domain", list(numbers.pop("categories", ())), str)
    for given in numbers.values():
        listed = require_kinds("Domain", given, np.ndarray, float, int)
        if any(np.isnan(np.asarray(v, dtype=float)).any() for v in listed):
            raise InvalidInputError("Domain.load: an end that is not a number")
    constraint: Constraint = x
    return constraint


def _text(numbers: Any) -> str:
    return repr(np.asarray(numbers).tolist()).replace("inf", "np.inf")
