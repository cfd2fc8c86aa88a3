"""A domain as rows of a table, with what a schema says of each symbol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium.domain.domain import Domain
from deuterium.graph.constructors import symbol
from deuterium.graph.substitute import symbol_name

LONG = 400  # characters of a closed form or constraint that are shown
MANY = 12  # elements of a symbol whose bounds are told one by one


def noted(schema: Mapping[Any, Any] | None, word: str) -> dict[str, str]:
    """Return what a schema, as of `Box.from_schema`, says under a word, by symbol."""
    told = (schema or {}).items()
    return {
        symbol_name(key): str(entry[word])
        for key, entry in told
        if isinstance(entry, Mapping) and word in entry
    }


def domain_rows(
    domain: Domain | None, units: Mapping[str, str], sources: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return a row for each symbol, or for each element where they differ."""
    rows: list[dict[str, Any]] = []
    for name in [] if domain is None else domain.names:
        one = symbol(name, shape=domain.shapes.get(name, ()))  # type: ignore[union-attr]
        hull = domain.hull(one)  # type: ignore[union-attr]
        code = " & ".join(c.code(name) for c in domain.constraints[name])  # type: ignore[union-attr]
        about = {
            "constraint": code if len(code) <= LONG else code[:LONG] + " ...",
            "unit": units.get(name),
            "source": sources.get(name),
        }
        low, high = (np.broadcast_to(e, one.shape) for e in (hull.lower, hull.upper))
        same = (low == low.flat[0]).all() and (high == high.flat[0]).all()
        if same or one.size > MANY:
            ends = {"lower": float(low.min()), "upper": float(high.max())}
            rows.append({"symbol": name, "shape": list(one.shape), **ends, **about})
            continue
        for place in np.ndindex(*one.shape):
            ends = {"lower": float(low[place]), "upper": float(high[place])}
            told = f"{name}[{', '.join(map(str, place))}]"
            rows.append({"symbol": told, "shape": [], **ends, **about})
    return rows
