"""Points of a domain: its corners, its faces, its inside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from deuterium.domain.constraints import UnitVectors
from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError
from deuterium.graph.variable import Variable

FAR = 1e6  # stands in for infinity
TRIES = 200  # draws for a point, before a domain is taken to have none


def sample_points(
    domain: Domain, symbols: Iterable[Variable], count: int, seed: int = 0
) -> list[dict[str, Any]]:
    """Return points of a domain, the same for the same seed.

    Parameters
    ----------
    domain : Domain
        Without batch axes.
    symbols : iterable of Variable
        Which symbols to give values.
    count : int
        How many points.  A third of them are corners, a third have some elements at an
        end, the rest lie anywhere.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium.testing import sample_points
    >>> x = dt.symbol("x")
    >>> points = sample_points(dt.Box({x: (0, 1)}), [x], 6)
    >>> len(points), all(0 <= p["x"] <= 1 for p in points)
    (6, True)
    """
    rng = np.random.default_rng(seed)
    wanted = list(symbols)
    return [
        {s.name: _value(domain, s, i % 3, rng) for s in wanted} for i in range(count)
    ]


def _value(domain: Domain, symbol: Variable, style: int, rng: Any) -> Any:
    for attempt in range(TRIES):
        value = _candidate(domain, symbol, style if attempt == 0 else 2, rng)
        if domain.contains(symbol, value):
            return value if symbol.shape else float(value)
    raise InvalidInputError(
        f"sample_points: found no point of the domain of {symbol.name!r} in {TRIES} "
        "tries; its constraints leave too little room"
    )


def _candidate(domain: Domain, symbol: Variable, style: int, rng: Any) -> Any:
    rows = domain.table(symbol)
    if rows is not None:
        return rows[rng.integers(len(rows))]
    for constraint in domain.constraints[symbol.name]:
        if isinstance(constraint, UnitVectors):  # too many to list: one in each row
            length = symbol.shape[-1]
            return np.eye(length)[rng.integers(length, size=symbol.shape[:-1])]
    box = domain.hull(symbol)
    if box.shape != symbol.shape:
        raise InvalidInputError("sample_points: give a domain without batch axes")
    low, high = np.maximum(box.lower, -FAR), np.minimum(box.upper, FAR)
    low, high = np.minimum(low, box.upper), np.maximum(high, box.lower)
    inside = np.clip(low + (high - low) * rng.random(low.shape), low, high)
    if style < 2:
        ends = np.where(rng.random(low.shape) < 0.5, low, high)
        inside = np.where(rng.random(low.shape) < (1.0, 0.5)[style], ends, inside)
    if not domain.contains(symbol, inside):  # a ball: go towards the middle
        middle = 0.5 * low + 0.5 * high
        inside = middle + (inside - middle) * rng.random() / np.sqrt(max(low.size, 1))
    return inside
