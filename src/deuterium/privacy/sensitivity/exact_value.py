"""The value that a sensitivity is about: the graph that was bounded, on data.

What is released has to be what was bounded, on records of the domain it was bounded
over.  So the same Variables are evaluated, after the records were brought to the
domain, and added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.errors import (
    InvalidInputError,
    ShapeError,
    UnknownSymbolError,
    UnsupportedError,
    did_you_mean,
)
from deuterium.evaluate import compile
from deuterium.evaluate.named_columns import as_columns, is_table
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.privacy.mechanisms.release_shapes import is_list

__all__ = ["OUTSIDE", "require_noise_of", "require_outside", "value_of"]

ROWS = 4096  # records evaluated at once: memory stays small
OUTSIDE = ("clip", "refuse")


def value_of(s: Any, data: Any, outside: str, who: str = "value") -> Any:
    """Return what a sensitivity is about, on data.

    Parameters
    ----------
    s : Sensitivity
        Of a contribution: what is summed up over the records; else the whole result.
    data : mapping or table
        The values of every symbol: ``(records, *shape)`` if they are summed up, else
        ``shape``.
    outside : {"clip", "refuse"}
        What to do with values outside the domain.

    Returns
    -------
    ndarray, float or list of ndarray
        Of the shape of what was bounded, in double precision.

    Raises
    ------
    UnsupportedError
        It is not known what was bounded, or over which domain.
    ShapeError
        There are no records to sum up, or several where there is one value.
    """
    outside = require_outside(who, outside)
    if not s.vector or s.domain is None:
        raise UnsupportedError(
            f"{who}: this sensitivity does not know what was bounded, or over which "
            "domain; make it with privacy.contribution or privacy.diameter"
        )
    summed = s.quantity == "contribution"
    parts = _parts(s.vector, s.factor, s.domain, data, summed, outside, who)
    if s.shape is not None and is_list(s.shape):
        return parts
    plain = np.reshape(parts[0], s.shape or ())
    return plain if plain.shape else plain.item()


def _parts(
    vector: Sequence[Variable],
    factor: Fraction,
    domain: Domain,
    data: Any,
    summed: bool,
    outside: str,
    who: str,
) -> list[Array]:
    """Return the value of each Variable of a vector, of its shape, times the factor."""
    rows = _rows(vector, domain, data, outside, who)
    lead = {x.shape[: x.ndim - len(domain.shapes.get(n, ()))] for n, x in rows.items()}
    (batch,) = lead or {()}
    if summed and not batch:
        raise ShapeError(
            f"{who}: what was bounded is what one record adds to a sum, and the data "
            "are one point; give every symbol a leading axis of records"
        )
    if batch and not summed:
        raise ShapeError(
            f"{who}: what was bounded is a function of the whole data, and these have "
            f"{batch[0]} values of it; give every symbol one value, of its own shape"
        )
    evaluate = compile(list(free_symbols(vector)), list(vector))
    scale = float(factor)
    if not summed:
        return [np.asarray(v) * scale for v in evaluate(*rows.values())]
    totals = [np.zeros(v.shape, dtype=np.longdouble) for v in vector]
    for start in range(0, batch[0], ROWS):
        part = [x[start : start + ROWS] for x in rows.values()]
        count = len(part[0])
        for total, v, each in zip(totals, vector, evaluate(*part), strict=True):
            total += np.broadcast_to(each, (count, *v.shape)).sum(
                axis=0, dtype=np.longdouble
            )
    return [np.asarray(total * scale, dtype=np.float64) for total in totals]


def _rows(
    vector: Sequence[Variable], domain: Domain, data: Any, outside: str, who: str
) -> dict[str, Array]:
    """Return the values of the vector's symbols, in their order, inside the domain."""
    columns = as_columns(data, who)
    known = set(domain.names)
    if not is_table(data):
        for name in columns:
            if name not in known:
                raise UnknownSymbolError(
                    f"{who}: the domain has no {name!r}.{did_you_mean(name, known)}"
                )
    names = [s.name for s in free_symbols(vector)]
    own = domain.restricted(names)
    given = {n: columns[n] for n in own.names if n in columns}
    inside = own.clip(given) if outside == "clip" else own.check(given)
    return {n: inside[n] for n in names}


def require_outside(who: str, outside: Any) -> str:
    """Return what to do with values outside the domain, if it is known."""
    if outside not in OUTSIDE:
        raise InvalidInputError(
            f"{who}: `outside` must be 'clip' (records are moved into the domain) or "
            f"'refuse' (an error, which depends on the data), got {outside!r:.80}"
        )
    return str(outside)


def require_noise_of(s: Any, noise: Any) -> None:
    """Raise unless noise is enough for what a sensitivity says, and about the same."""
    who = "release"
    for name in ("relation", "quantity", "scope", "shape", "sensitivity"):
        if not hasattr(noise, name):
            raise InvalidInputError(
                f"{who}: `noise` must be what privacy.gaussian or another mechanism "
                f"returned, got {type(noise).__name__}"
            )
    for name in ("quantity", "scope", "shape"):
        mine, its = getattr(s, name), getattr(noise, name)
        if mine != its:
            raise UnsupportedError(
                f"{who}: this noise was made for another {name}, {its!r} where this "
                f"sensitivity has {mine!r}; make it from this one"
            )
    if noise.quantity == "lipschitz":
        return  # how far records are apart is the noise's own
    needed = s.sensitivity(noise.relation)
    if noise.sensitivity < needed:
        raise UnsupportedError(
            f"{who}: this noise is for a result that moves by {noise.sensitivity!r}, "
            f"this one moves by {needed!r}; make it from this sensitivity"
        )
