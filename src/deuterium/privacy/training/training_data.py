"""What goes into private training, checked; and what comes out of one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy.directed_rounding import real_number, round_down, round_up
from deuterium.privacy.sensitivity.relations import Relation

__all__ = ["WHO", "PreparedData", "StepReport", "prepared"]

WHO = "ClipFreeSGD"


@dataclass(frozen=True)
class StepReport:
    """One step of training; all of it may be published.

    Attributes
    ----------
    step : int
        Counted from 1.
    bound : float
        Certified: no record of the domain has a larger gradient at these weights.
    sensitivity : float
        Of the sum of gradients, between neighbouring data sets.
    sigma : float
        Standard deviation of the noise on each of its numbers; with ``per_layer`` its
        root mean square over all of them.
    bounds : dict from str to float, optional
        With ``per_layer``: certified, of the gradient by each parameter.
    sigmas : dict from str to float, optional
        With ``per_layer``: the standard deviation for each parameter.
    """

    step: int
    bound: float
    sensitivity: float
    sigma: float
    bounds: Mapping[str, float] | None = None
    sigmas: Mapping[str, float] | None = None


@dataclass(frozen=True)
class PreparedData:
    """Data inside the domain."""

    rows: dict[str, Array]
    count: int


def prepared(data: Mapping[Any, Any], domain: Domain) -> PreparedData:
    """Return data moved into the domain's box, or say what is wrong with them."""
    shapes = record_shapes(domain)
    rows = domain.clip(data)
    for name, x in rows.items():
        if not np.isfinite(x).all():
            raise InvalidInputError(f"{WHO}: {name!r} must be finite numbers")
    name, first = next(iter(rows.items()))
    if first.ndim == len(shapes[name]) or not len(first):
        raise InvalidInputError(
            f"{WHO}: needs one leading axis of records, at least one of them"
        )
    return PreparedData(rows, len(first))


def _array(name: str, values: Any) -> Array:
    """Return a copy in double precision, or say why there is none."""
    if isinstance(values, np.ma.MaskedArray):
        raise InvalidInputError(f"{WHO}: {name!r} must not be a masked array")
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInputError(
            f"{WHO}: {name!r} must be an array of numbers, got {values!r:.80}"
        ) from None


def start(parameters: Mapping[str, Any]) -> dict[str, Array]:
    """Return copies of the weights to start from, or say what is wrong with them."""
    if not isinstance(parameters, Mapping) or not parameters:
        raise InvalidInputError(f"{WHO}: `parameters` must be a mapping from names")
    start = {str(n): _array(str(n), w) for n, w in parameters.items()}
    bad = [n for n, w in start.items() if not np.isfinite(w).all()]
    if bad:
        raise InvalidInputError(f"{WHO}: {', '.join(bad)} must be finite numbers")
    return start


def probability(q: Any, relation: Relation) -> float:
    """Return a sampling probability, rounded up, or say why it is none."""
    found = real_number(q)
    if found is None or not 0 < found <= 1:
        raise InvalidInputError(
            f"{WHO}: `sampling_probability` must lie in (0, 1], got {q!r:.80}"
        )
    if found < 1 and relation == "replace_one":
        raise UnsupportedError(
            f"{WHO}: Poisson sampling is not accounted for under replace_one; take "
            "add_or_remove_one or replace_special"
        )
    return round_up(found)


def record_shapes(domain: Any) -> dict[str, tuple[int, ...]]:
    """Return the shape of each symbol of one record, by name."""
    if not isinstance(domain, Domain):
        raise InvalidInputError(f"{WHO}: `domain` must be a deuterium.Box or the like")
    missing = [n for n in domain.names if n not in domain.shapes]
    if missing:
        raise InvalidInputError(
            f"{WHO}: make the domain with symbols, not names, so that shapes are "
            f"known: {', '.join(missing)}"
        )
    return dict(domain.shapes)


def require_apart(records: Mapping[str, Any], weights: Mapping[str, Any]) -> None:
    """Raise if a name is both a record's and a parameter's."""
    both = sorted(set(records) & set(weights))
    if both:
        raise InvalidInputError(
            f"{WHO}: {', '.join(both)} cannot be both a record's and a parameter's name"
        )


def flag(name: str, value: Any) -> bool:
    """Return a truth value, or say why it is none."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidInputError(
            f"{WHO}: `{name}` must be True or False, got {value!r:.80}"
        )
    return bool(value)


def require_count(name: str, value: Any) -> int:
    """Return a number of steps, or say why it is none."""
    good = isinstance(value, Integral) and not isinstance(value, bool)
    if not good or value < 0:
        raise InvalidInputError(
            f"{WHO}: `{name}` must be an integer >= 0, got {value!r:.80}"
        )
    return int(value)


def number(name: str, value: Any) -> float:
    """Return a number that is neither negative nor infinite, or say what is wrong."""
    found = real_number(value)
    if found is None or not 0 <= found < np.inf or not round_down(found) < np.inf:
        raise InvalidInputError(
            f"{WHO}: `{name}` must be a finite number >= 0, got {value!r:.80}"
        )
    return round_down(found)
