"""Domains: the sets of inputs over which something is bounded.

A domain is a conjunction of constraints, each on one symbol, known by name.  The
constraints are made by `Box`, `Ball`, `Choice` and `OneHot` and joined with ``&``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.errors import BoundsError, InvalidInputError, ShapeError
from deuterium.graph.substitute import symbol_name
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, arithmetic
from deuterium.interval.rounding import add_down, add_up


@dataclass(frozen=True, eq=False)
class Range:
    """A symbol lies between two ends, element by element."""

    lower: Any
    upper: Any

    def hull(self, shape: tuple[int, ...]) -> Interval:
        """Return the smallest box, of the symbol's shape plus batch axes in front."""
        low, high = np.broadcast_arrays(self.lower, self.upper)
        return Interval.unchecked(low, high)


@dataclass(frozen=True, eq=False)
class Within:
    """A symbol lies in a ball around a centre, in the norm of the given order."""

    center: Any
    radius: float
    order: float

    def hull(self, shape: tuple[int, ...]) -> Interval:
        """Return the smallest box around the ball, rounded outward."""
        radius = np.full(np.shape(self.center), self.radius)
        return Interval.unchecked(
            add_down(self.center, -radius), add_up(self.center, radius)
        )


@dataclass(frozen=True, eq=False)
class OneOf:
    """A symbol is one of finitely many values."""

    values: tuple[Any, ...]

    def hull(self, shape: tuple[int, ...]) -> Interval:
        """Return the smallest box around the values."""
        table = self.table(shape)
        return Interval.unchecked(table.min(axis=0), table.max(axis=0))

    def table(self, shape: tuple[int, ...]) -> Any:
        """Return the values as an array, one row each."""
        return np.stack([np.broadcast_to(v, shape) for v in self.values])


@dataclass(frozen=True, eq=False)
class UnitVectors:
    """A symbol is one of the unit vectors along its last axis."""

    def hull(self, shape: tuple[int, ...]) -> Interval:
        """Return the box from 0 to 1."""
        return Interval.unchecked(np.zeros(shape), np.ones(shape))

    def table(self, shape: tuple[int, ...]) -> Any:
        """Return the unit vectors, one row each (for a symbol with one axis)."""
        return np.eye(shape[-1])


Constraint = Range | Within | OneOf | UnitVectors


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
        shapes: Mapping[str, tuple[int, ...]],
    ) -> None:
        self.constraints = dict(constraints)
        self.shapes = dict(shapes)  # of the symbols given as Variables

    def __and__(self, other: object) -> Domain:
        if not isinstance(other, Domain):
            return NotImplemented
        both = dict(self.constraints)
        for name, more in other.constraints.items():
            both[name] = both.get(name, ()) + more
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
        box: Interval | None = None
        for constraint in self.constraints[symbol.name]:
            part = _fitted(constraint.hull(symbol.shape), symbol)
            box = part if box is None else arithmetic.intersect(box, part)
        assert box is not None  # a name has at least one constraint
        if np.any(box.lower > box.upper):
            raise BoundsError(
                f"the constraints on {symbol.name!r} exclude each other: no value "
                "satisfies all of them"
            )
        return box

    def table(self, symbol: Variable) -> Any | None:
        """Return the finitely many values of a symbol, or None if they are not."""
        constraints = self.constraints[symbol.name]
        if len(constraints) != 1:
            return None
        (only,) = constraints
        if isinstance(only, OneOf) or (
            isinstance(only, UnitVectors) and symbol.ndim == 1
        ):
            return only.table(symbol.shape)
        return None

    def __repr__(self) -> str:
        parts = [f"{n}: {c}" for n, cs in self.constraints.items() for c in cs]
        return f"Domain({'; '.join(parts)})"


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
    shapes = {name: key.shape} if isinstance(key, Variable) else {}
    return Domain({name: (constraint,)}, shapes)


def _numbers(value: Any, what: str) -> Any:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInputError(
            f"{what} must be numbers, got {value!r:.80}"
        ) from None
    if np.isnan(array).any():
        raise BoundsError(f"{what} must not be NaN, got {value!r:.80}")
    return array


def Box(bounds: Mapping[Any, Any]) -> Domain:  # noqa: N802  (reads as a type)
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


def Ball(x: Any, center: Any, radius: float, order: float = 2) -> Domain:  # noqa: N802
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
    r = float(_numbers(radius, f"Ball: the radius of {name!r}"))
    if not 0 <= r < np.inf or not np.isfinite(c).all():
        raise BoundsError(
            f"Ball: center must be finite and radius finite and >= 0, got {radius!r}"
        )
    if order not in (2, np.inf):
        raise InvalidInputError(f"Ball: `order` must be 2 or inf, got {order!r}")
    shape = np.broadcast_shapes(c.shape, x.shape) if isinstance(x, Variable) else c.shape
    return _single(x, Within(np.broadcast_to(c, shape), r, float(order)))


def Choice(x: Any, values: Any) -> Domain:  # noqa: N802
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


def OneHot(x: Any) -> Domain:  # noqa: N802
    """Return the domain where a symbol is a unit vector along its last axis."""
    if isinstance(x, Variable) and not x.shape:
        raise ShapeError(f"OneHot: {x.name!r} is a scalar; it needs at least one axis")
    return _single(x, UnitVectors())
