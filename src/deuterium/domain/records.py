"""Data brought to a domain: tables read by name, values clipped or refused.

A bound over a domain says nothing about what lies outside.  So records are moved into
the domain, or refused, before anything is released with noise made from such a bound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.constraints import Constraint, Range, UnitVectors, Within
from deuterium.errors import (
    BoundsError,
    InvalidInputError,
    MissingSymbolError,
    ShapeError,
    UnknownSymbolError,
    did_you_mean,
)
from deuterium.evaluate.named_columns import as_columns, is_table
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import EPS

__all__ = [
    "clipped",
    "own_range",
    "require_columns",
    "require_conditions",
    "require_inside",
    "values_of",
]
Shape = tuple[int, ...]


def values_of(
    data: Any, constraints: Mapping[str, tuple[Constraint, ...]], shapes: Any, who: str
) -> dict[str, Array]:
    """Return every symbol's values as copies in double precision.

    Parameters
    ----------
    data : mapping or table
        Values by symbol: of shape ``(records, *shape)``, or ``shape`` for one point.
    constraints, shapes : mapping
        The domain's, by name; a name without a shape is a number.
    """
    columns = as_columns(data, who)
    if not is_table(data):
        _require_known(columns, constraints, who)
    found: dict[str, Array] = {}
    lengths: dict[tuple[int, ...], str] = {}
    for name in constraints:
        if name not in columns:
            raise MissingSymbolError(
                f"{who}: the data have no {name!r}.{did_you_mean(name, columns)}"
            )
        values = _encoded(columns[name], constraints[name], name, who)
        x, shape = _array(values, name, who), shapes.get(name, ())
        lead = x.shape[: x.ndim - len(shape)]
        if x.shape[len(lead) :] != shape or len(lead) > 1:
            raise ShapeError(
                f"{who}: {name!r} needs shape {('records', *shape)}, or {shape} for "
                f"one point; got {x.shape}"
            )
        lengths.setdefault(lead, name)
        found[name] = x
    if len(lengths) > 1:
        told = " and ".join(
            f"{name!r} has {lead or 'one point'}" for lead, name in lengths.items()
        )
        raise ShapeError(f"{who}: the data do not have one number of records: {told}")
    return found


def _encoded(
    values: Any, constraints: Sequence[Constraint], name: str, who: str
) -> Any:
    """Return unit vectors for texts, where a constraint says what they stand for."""
    known = [c for c in constraints if isinstance(c, UnitVectors) and c.categories]
    if not known:
        return values
    texts = np.asarray(values, dtype=object)
    if not any(isinstance(text, str) for text in texts.flat):
        return values  # unit vectors already
    place = {text: i for i, text in enumerate(known[0].categories)}
    other = [i for i, text in enumerate(texts.flat) if text not in place]
    if other:
        raise BoundsError(
            f"{who}: record {other[0]} has a {name!r} that is none of "
            f"{', '.join(map(repr, place))}; add a category that says `other`, or "
            "leave such records out by a public rule"
        )
    return np.eye(len(place))[[place[text] for text in texts.flat]].reshape(
        *texts.shape, len(place)
    )


def own_range(values: Any) -> Any:
    """Return what occurs in a column: its ends, or its texts in order."""
    x = np.asarray(values)
    if x.dtype.kind in "fiub":
        return float(np.nanmin(x)), float(np.nanmax(x))
    return {"categories": sorted({str(text) for text in x.flat})}


def require_columns(described: Mapping[str, Any], columns: Mapping[str, Any]) -> None:
    """Raise if what is described is no column."""
    for name in described:
        if name not in columns:
            raise UnknownSymbolError(
                f"from_frame: the table has no column {name!r}."
                f"{did_you_mean(str(name), columns)} It has {', '.join(columns)}"
            )


def clipped(
    rows: Mapping[str, Array],
    constraints: Mapping[str, tuple[Constraint, ...]],
    shapes: Any,
) -> dict[str, Array]:
    """Return values moved into their boxes and balls; arguments as of `values_of`."""
    found = {}
    for name, values in rows.items():
        x = values
        for constraint in constraints[name]:
            if isinstance(constraint, Range):
                x = np.clip(x, constraint.lower, constraint.upper)
            elif isinstance(constraint, Within):
                x = _pulled(x, constraint, shapes.get(name, ()))
        found[name] = np.asarray(x)
    return found


def require_inside(
    rows: Mapping[str, Array],
    constraints: Mapping[str, tuple[Constraint, ...]],
    shapes: Any,
    who: str,
) -> None:
    """Raise for the first value that does not satisfy the constraints on its symbol."""
    for name, values in rows.items():
        shape = shapes.get(name, ())
        lead = values.shape[: values.ndim - len(shape)]
        each = values.reshape(math.prod(lead), *shape)
        holds = np.ones(len(each), dtype=bool)
        for constraint in constraints[name]:
            if isinstance(constraint, Range):
                good = np.all(constraint.holds(each), axis=tuple(range(1, each.ndim)))
            else:
                rows_hold = [
                    np.all(constraint.holds(value))
                    or (
                        isinstance(constraint, Within)
                        and constraint.holds_exactly(value)
                    )
                    for value in each
                ]
                good = np.array(rows_hold, dtype=bool)
            holds &= good
        if not holds.all():
            first = int(np.argmin(holds))
            where = f"record {first} has a" if values.size > each[0].size else "the"
            raise BoundsError(
                f"{who}: {where} {name!r} outside the domain; widen the domain, leave "
                "it out by a public rule, or clip it with Domain.clip"
            )


def require_conditions(
    conditions: Sequence[Variable], rows: Mapping[str, Array], who: str
) -> None:
    """Raise for the first record that fails a condition, worked out in doubles."""
    for condition in conditions:
        names = {s.name for s in free_symbols([condition])}
        holds = np.asarray(condition.evaluate({n: rows[n] for n in names}), dtype=bool)
        batch = holds.shape[: holds.ndim - condition.ndim]
        each = holds.all(axis=tuple(range(len(batch), holds.ndim)))
        if not each.all():
            where = f"record {int(np.argmin(each))} fails" if batch else "the data fail"
            raise BoundsError(
                f"{who}: {where} the condition {condition!r:.80} of the domain; leave "
                "it out by a public rule, or widen the domain"
            )


def _require_known(
    columns: Mapping[str, Any], known: Mapping[str, Any], who: str
) -> None:
    for name in columns:
        if name not in known:
            raise UnknownSymbolError(
                f"{who}: the domain has no {name!r}.{did_you_mean(name, known)} It has "
                f"{', '.join(sorted(known)[:8]) or 'none'}"
            )


def _array(values: Any, name: str, who: str) -> Array:
    """Return a copy in double precision, or say why there is none."""
    if isinstance(values, np.ma.MaskedArray):
        raise InvalidInputError(f"{who}: {name!r} must not be a masked array")
    try:
        if np.asarray(values).dtype.kind in "mM":  # which float64 would take
            raise TypeError
        x = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInputError(
            f"{who}: {name!r} must be an array of numbers, got {values!r:.80}"
        ) from None
    if np.isnan(x).any():
        raise InvalidInputError(
            f"{who}: {name!r} has values that are missing (NaN); put a public constant "
            "in their place, or leave those records out by a public rule"
        )
    return x


def _pulled(x: Array, ball: Within, shape: Shape) -> Array:
    """Return points moved along a ray towards the centre until they are in the ball."""
    away = x - ball.center
    most = np.abs(away)
    if ball.order == 2:
        axes = tuple(range(away.ndim - len(shape), away.ndim))
        largest = np.max(most, axis=axes, keepdims=True, initial=1e-300)
        squares = np.sum(np.square(away / largest), axis=axes, keepdims=True)
        most = largest * np.sqrt(squares)
    slack = ball.slack(np.empty(shape))
    # less by the roundings of the sum below, and by what `Within.holds` allows for
    far = np.max(np.abs(ball.center), initial=0.0)
    inside = ball.radius * (1 - 4 * slack) - 4 * EPS * far
    scale = max(float(inside), 0.0) / np.maximum(most, 1e-300)
    stays = most * (1 + slack) <= ball.radius
    return np.where(stays, x, ball.center + away * np.minimum(scale, 1.0))
