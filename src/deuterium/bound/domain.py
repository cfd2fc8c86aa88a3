"""Domains: the sets of inputs over which something is bounded.

A domain is a conjunction of constraints, each on one symbol, known by name.  The
constraints are made by `Box`, `Ball`, `Choice` and `OneHot` and joined with ``&``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.errors import BoundsError, InvalidInputError, ShapeError
from deuterium.graph.substitute import symbol_name
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, arithmetic
from deuterium.interval.rounding import EPS, add_down, add_up

Shape = tuple[int, ...]

ENUMERATED = 256  # at most so many combinations of finite values are told apart


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
        away = np.abs(np.asarray(value) - self.center)
        if self.order == 2:
            away = np.sqrt(np.sum(np.square(away)))
        return away * (1.0 + (away.size + 8) * EPS) <= self.radius

    def may_hold(self, value: Any) -> Any:
        """Return whether a value may lie in the ball (never no for one inside)."""
        away = np.abs(np.asarray(value) - self.center)
        if self.order == 2:
            most = max(float(np.max(away, initial=0.0)), 1e-300)
            away = most * np.sqrt(np.sum(np.square(away / most)))
        return away * (1.0 - (away.size + 16) * EPS) <= self.radius

    def code(self, name: str) -> str:
        """Return the call that makes this constraint."""
        order = "" if self.order == 2 else ", order=np.inf"
        return f"dt.Ball({name!r}, {_text(self.center)}, {self.radius!r}{order})"


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


@dataclass(frozen=True, eq=False)
class UnitVectors:
    """A symbol is a unit vector along its last axis, in each row."""

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
        return f"dt.OneHot({name!r})"


Constraint = Range | Within | OneOf | UnitVectors


def _text(numbers: Any) -> str:
    return repr(np.asarray(numbers).tolist()).replace("inf", "np.inf")


class Domain:
    """A set of inputs: constraints by symbol name.

    Attributes
    ----------
    constraints : mapping from str to tuple
        The constraints on each symbol; all of them hold.
    """

    __slots__ = ("constraints", "shapes")

    def __init__(
        self,
        constraints: Mapping[str, tuple[Constraint, ...]],
        shapes: Mapping[str, Shape],
    ) -> None:
        self.constraints = dict(constraints)
        self.shapes = dict(shapes)  # of the symbols given as Variables

    def __and__(self, other: object) -> Domain:
        if not isinstance(other, Domain):
            return NotImplemented
        both = dict(self.constraints)
        for name, more in other.constraints.items():
            both[name] = both.get(name, ()) + more
        for name, shape in other.shapes.items():
            if self.shapes.get(name, shape) != shape:
                raise ShapeError(
                    f"domain: {name!r} has shape {self.shapes[name]} on one side of & "
                    f"and {shape} on the other; they are one symbol"
                )
        return Domain(both, {**self.shapes, **other.shapes})

    @property
    def names(self) -> list[str]:
        """Names of the symbols that are constrained."""
        return list(self.constraints)

    def hull(self, symbol: Variable) -> Interval:
        """Return a box that holds every value the symbol may take.

        Raises
        ------
        ShapeError
            Bounds do not broadcast to the symbol's shape.
        BoundsError
            The constraints exclude each other.
        """
        self._check_shape(symbol)
        box: Interval | None = None
        for constraint in self.constraints[symbol.name]:
            part = _fitted(constraint.hull(symbol.shape), symbol)
            box = part if box is None else arithmetic.intersect(box, part)
        assert box is not None  # a name has at least one constraint
        if np.any(box.lower > box.upper):
            raise _exclusive(symbol)
        return box

    def _check_shape(self, symbol: Variable) -> None:
        shape = self.shapes.get(symbol.name, symbol.shape)
        if shape != symbol.shape:
            raise ShapeError(
                f"domain: {symbol.name!r} was given as a symbol of shape {shape}, but "
                f"has shape {symbol.shape} in the computation"
            )

    def table(self, symbol: Variable) -> Any | None:
        """Return the finitely many values of a symbol, or None if they are not.

        They are the values of one `Choice` or `OneHot` that satisfy all constraints, or
        may do so: what rounding leaves in doubt is kept, so that bounds hold.
        """
        self._check_shape(symbol)
        constraints = self.constraints[symbol.name]
        for constraint in constraints:
            if isinstance(constraint, (OneOf, UnitVectors)):
                rows = constraint.table(symbol.shape)
                if rows is not None and len(constraints) > 1:
                    rows = rows[[self._may_contain(symbol, row) for row in rows]]
                    if not len(rows):
                        raise _exclusive(symbol)
                return rows
        return None

    def contains(self, symbol: Variable, value: Any) -> bool:
        """Return whether a value of a symbol satisfies every constraint on it."""
        return all(np.all(c.holds(value)) for c in self.constraints[symbol.name])

    def _may_contain(self, symbol: Variable, value: Any) -> bool:
        kinds = self.constraints[symbol.name]
        return all(
            np.all(c.may_hold(value) if isinstance(c, Within) else c.holds(value))
            for c in kinds
        )

    def __repr__(self) -> str:
        parts = [c.code(n) for n, cs in self.constraints.items() for c in cs]
        return " & ".join(parts) or "dt.Box({})"


def _exclusive(symbol: Variable) -> BoundsError:
    return BoundsError(
        f"the constraints on {symbol.name!r} exclude each other: no value satisfies "
        "all of them; leave one of them out"
    )


def _fitted(box: Interval, symbol: Variable) -> Interval:
    try:
        shape = np.broadcast_shapes(box.shape, symbol.shape)
    except ValueError:
        shape = ()
    if len(shape) < symbol.ndim or shape[len(shape) - symbol.ndim :] != symbol.shape:
        raise ShapeError(
            f"bounds of {symbol.name!r}: shape {box.shape} does not broadcast to the "
            f"symbol's shape {symbol.shape} (batch axes come first)"
        )
    return Interval.unchecked(
        np.broadcast_to(box.lower, shape), np.broadcast_to(box.upper, shape)
    )


def _single(key: Any, constraint: Constraint) -> Domain:
    name = symbol_name(key)
    if not isinstance(key, Variable):
        return Domain({name: (constraint,)}, {})
    domain = Domain({name: (constraint,)}, {name: key.shape})
    domain.hull(key)  # raises where shapes do not fit
    return domain


def _numbers(value: Any, what: str) -> Any:
    """Return numbers of the domain's own: what the caller does to its array is its."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInputError(f"{what} must be numbers, got {value!r:.80}") from None
    if np.isnan(array).any():
        raise BoundsError(f"{what} must not be NaN, got {value!r:.80}")
    array.flags.writeable = False
    return array


def Box(bounds: Mapping[Any, Any]) -> Domain:
    """Return the domain where each symbol lies between two ends.

    Parameters
    ----------
    bounds : mapping
        From a symbol (the Variable or its name, never a position) to ``(lower,
        upper)``: numbers, or arrays that broadcast to the symbol's shape.  Leading axes
        beyond that shape make a batch of boxes.

    Raises
    ------
    BoundsError
        Ends are reversed, NaN, or leave no finite point.
    """
    if not isinstance(bounds, Mapping):
        raise InvalidInputError(
            "Box: `bounds` must be a mapping such as {x: (-1, 1)}, keyed by symbol and "
            f"never by position; got {type(bounds).__name__}"
        )
    domain = Domain({}, {})
    for key, pair in bounds.items():
        domain = domain & _single(key, _range(symbol_name(key), pair))
    return domain


def _range(name: str, pair: Any) -> Range:
    try:
        lower, upper = pair
    except (TypeError, ValueError):
        raise BoundsError(
            f"Box: bounds of {name!r} must be a pair (lower, upper), got {pair!r:.80}"
        ) from None
    low = _numbers(lower, f"Box: the lower bound of {name!r}")
    high = _numbers(upper, f"Box: the upper bound of {name!r}")
    try:
        reversed_ = low > high
    except ValueError:
        raise ShapeError(
            f"Box: bounds of {name!r} have shapes {low.shape} and {high.shape}, which "
            "do not broadcast together"
        ) from None
    if np.any(reversed_):
        raise BoundsError(
            f"Box: bounds of {name!r} are reversed: lower={lower!r:.60} exceeds "
            f"upper={upper!r:.60}; write them as (lower, upper)"
        )
    if np.any(low == np.inf) or np.any(high == -np.inf):
        raise BoundsError(f"Box: bounds of {name!r} leave no finite number: {pair!r}")
    return Range(low, high)


def Ball(x: Any, center: Any, radius: float, order: float = 2) -> Domain:
    """Return the domain where a symbol lies in a ball.

    Parameters
    ----------
    x : Variable or str
        The symbol.
    center : array_like
        Broadcasts to the symbol's shape.
    radius : float
        At least 0.
    order : {2, inf}
        The norm: Euclidean, or the largest element.
    """
    name = symbol_name(x)
    c = _numbers(center, f"Ball: the center of {name!r}")
    r = _numbers(radius, f"Ball: the radius of {name!r}")
    if r.shape != ():
        raise ShapeError(
            f"Ball: `radius` of {name!r} must be one number, got {radius!r}"
        )
    r = float(r)
    if not 0 <= r < np.inf or not np.isfinite(c).all():
        raise BoundsError(
            f"Ball: center must be finite and radius finite and >= 0, got {radius!r}"
        )
    if not isinstance(order, (int, float, np.number)) or order not in (2, np.inf):
        raise InvalidInputError(f"Ball: `order` must be 2 or inf, got {order!r}")
    return _single(x, Within(c, r, float(order)))


def Choice(x: Any, values: Any) -> Domain:
    """Return the domain where a symbol is one of finitely many values.

    Parameters
    ----------
    x : Variable or str
        The symbol.
    values : sequence
        Its possible values; each broadcasts to the symbol's shape.
    """
    name = symbol_name(x)
    try:
        listed = list(values)
    except TypeError:
        raise InvalidInputError(
            f"Choice: `values` of {name!r} must be a sequence, got {values!r}"
        ) from None
    if not listed:
        raise BoundsError(f"Choice: `values` of {name!r} must not be empty")
    return _single(
        x, OneOf(tuple(_numbers(v, f"Choice: the values of {name!r}") for v in listed))
    )


def OneHot(x: Any) -> Domain:
    """Return the domain where a symbol is a unit vector along its last axis."""
    return _single(x, UnitVectors())
