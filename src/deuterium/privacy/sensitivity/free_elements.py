"""Which elements of a record can change alone: what a feature is.

No two one-hot vectors differ in a single element.  That an element of one moves nothing
by itself is true and protects nobody: what can change is the category, all of its
elements together.  So elements that cannot change alone are one feature.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.constraints import OneOf, UnitVectors
from deuterium.domain.domain import Domain
from deuterium.graph.variable import Variable
from deuterium.privacy.sensitivity.neighbours import FeatureGroup

__all__ = ["features_of", "is_alone", "place_names"]


def features_of(x: Variable, domain: Domain) -> dict[str, FeatureGroup]:
    """Return the features of a record by name: what can change without the rest."""
    kinds = domain.constraints[x.name]
    table = _table(x, domain)
    if any(isinstance(c, UnitVectors) for c in kinds) and (
        table is None or len(kinds) == 1
    ):
        return _rows(x)
    if table is None:
        return _each(x, range(x.size))
    alone = [j for j in range(x.size) if _moves(table, (j,))]
    rest = tuple(sorted(set(range(x.size)) - set(alone)))
    still = tuple(j for j in rest if (table[:, j] == table[0, j]).all())
    if still == rest:  # what never changes is no secret
        return _each(x, range(x.size))
    moving = tuple(j for j in rest if j not in still)
    if len(moving) == x.size or not _moves(table, moving):
        return {x.name: tuple(range(x.size))}
    return _each(x, [*alone, *still]) | {", ".join(place_names(x, moving)): moving}


def is_alone(where: FeatureGroup, x: Variable, domain: Domain) -> bool:
    """Whether a group of elements can change while the rest stays, or never changes.

    Parameters
    ----------
    where : tuple of int
        Places of the elements in ``x``, in C order.
    x : Variable
        The record, of any shape.
    domain : Domain
        Of records.
    """
    kinds = domain.constraints[x.name]
    table = _table(x, domain)
    if table is not None:
        still = (table[:, where] == table[0, where]).all()
        return bool(still) or _moves(table, where)
    if not any(isinstance(c, UnitVectors) for c in kinds):
        return True
    return any(len(set(g) & set(where)) > 1 for g in _rows(x).values())


def place_names(x: Variable, where: Any) -> list[str]:
    """Return what elements of a symbol at some places, in C order, are called."""
    if not x.shape:
        return [x.name]
    each = (np.unravel_index(j, x.shape) for j in where)
    return [f"{x.name}[{', '.join(map(str, places))}]" for places in each]


def _each(x: Variable, where: Any) -> dict[str, FeatureGroup]:
    places = sorted(where)
    return {n: (j,) for n, j in zip(place_names(x, places), places, strict=True)}


def _rows(x: Variable) -> dict[str, FeatureGroup]:
    """Return the unit vectors that a symbol consists of."""
    places = np.arange(x.size).reshape(-1, x.shape[-1]) if x.shape else np.zeros((1, 1))
    names = [x.name]
    if x.ndim > 1:
        rows = np.ndindex(*x.shape[:-1])
        names = [f"{x.name}[{', '.join(map(str, r))}]" for r in rows]
    return {n: tuple(int(j) for j in row) for n, row in zip(names, places, strict=True)}


def _table(x: Variable, domain: Domain) -> Array | None:
    """Return all values of a symbol, a row each; None if they are not listed."""
    kinds = domain.constraints[x.name]
    if not any(isinstance(c, OneOf | UnitVectors) for c in kinds):
        return None
    table = domain.table(x)
    return None if table is None else np.unique(table.reshape(len(table), -1), axis=0)


def _moves(table: Array, where: FeatureGroup) -> bool:
    """Whether two different values agree in everything else."""
    rest = np.delete(table, where, axis=1)
    return len(np.unique(rest, axis=0)) < len(table)
