"""Running a mechanism on neighbouring data to see whether it moves too far.

A test cannot prove a sensitivity, and one pair of neighbours refutes it.  The noise is
frozen, so that what differs is what the record does.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.errors import BoundsError, InvalidInputError, SoundnessError
from deuterium.graph.constructors import symbol
from deuterium.options import require_whole
from deuterium.privacy.sensitivity.relations import Relation, require_relation
from deuterium.privacy.sensitivity.sensitivity import Sensitivity

__all__ = ["SensitivityAudit", "sensitivity"]
Mechanism = Callable[..., Any]

WHO = "audit.sensitivity"
ROUNDING = 1e-9  # of the results' size: what two evaluations may differ by anyway
TRIES = 100  # points drawn for a record, before conditions are given up
WIDE = 1e3  # where a symbol has no bounds, records are drawn up to this size


@dataclass(frozen=True)
class SensitivityAudit:
    """What was seen when a mechanism ran on neighbouring data.

    Attributes
    ----------
    declared : float
        How far the result may move.
    largest : float
        How far it moved at most.
    pair : tuple of dict
        The data sets between which it did.
    pairs : int
        How many pairs were tried.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> people = dt.Box({dt.symbol("x"): (0, 1)})
    >>> @privacy.audit.sensitivity(2.0, people, relation="add_or_remove_one")
    ... def total(data):
    ...     return data["x"].sum()
    >>> total.audit.largest <= total.audit.declared
    True
    """

    declared: float
    largest: float
    pair: tuple[dict[str, Array], dict[str, Array]]
    pairs: int


def sensitivity(
    declared: Any,
    domain: Domain,
    *,
    relation: Relation | None = None,
    norm: float = 2,
    records: int = 10,
    pairs: int = 200,
    seed: int = 0,
) -> Callable[[Mechanism], Mechanism]:
    """Return a decorator that tries a mechanism on neighbouring data.

    Parameters
    ----------
    declared : Sensitivity or float
        How far the result moves between neighbours, at most.
    domain : Domain
        From which records are drawn: inside, at ends and corners.
    relation : {"add_or_remove_one", "replace_one", "replace_special"}
        When two data sets are neighbours; an emptied record is left out.
    norm : {1, 2, inf}
        Of the result; a Sensitivity says its own.
    records, pairs : int
        How many records a data set has, and how many pairs are tried.
    seed : int
        The same seed, the same pairs.

    Returns
    -------
    callable
        Takes ``mechanism(data)`` or ``mechanism(data, rng)``, where data are arrays by
        name with one leading axis of records; the generator is in the same state for
        both of a pair, so noise cancels.  Gives the mechanism back, with the
        `SensitivityAudit` as its attribute ``audit``.

    Raises
    ------
    SoundnessError
        A pair moves the result farther than declared; it is in the message's audit.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> age = dt.symbol("age")
    >>> people = dt.Box({age: (18, 100)})
    >>> @privacy.audit.sensitivity(100.0, people, relation="add_or_remove_one")
    ... def total(data):
    ...     return data["age"].sum()
    >>> round(total.audit.largest, 6)
    100.0
    """
    relation = require_relation(WHO, relation)
    if isinstance(declared, Sensitivity):
        norm, most = declared.norm, declared.sensitivity(relation)
    else:
        most = float(declared)
    require_whole(records, 1, WHO, "records")
    require_whole(pairs, 1, WHO, "pairs")

    def audited(mechanism: Mechanism) -> Mechanism:
        rng = np.random.default_rng(seed)
        found = SensitivityAudit(most, -math.inf, ({}, {}), pairs)
        for pair in _neighbours(domain, relation, records, pairs, rng):
            state = int(rng.integers(2**32))
            first, second = (_run(mechanism, data, state) for data in pair)
            moved = _distance(first, second, norm)
            if not moved <= most + _rounding(first, second):
                raise SoundnessError(
                    f"{WHO}: the result moves by {moved!r} between two neighbouring "
                    f"data sets ({relation}), farther than the {most!r} that was "
                    f"declared: {pair!r:.600}"
                )
            if moved > found.largest:
                found = SensitivityAudit(most, moved, pair, pairs)
        mechanism.audit = found  # type: ignore[attr-defined]
        return mechanism

    return audited


def _run(mechanism: Mechanism, data: dict[str, Array], state: int) -> Array:
    """Return a result as one vector, the noise being that of a state."""
    takes = len(inspect.signature(mechanism).parameters)
    given = {n: x.copy() for n, x in data.items()}
    extra = (np.random.default_rng(state),) if takes > 1 else ()
    result = mechanism(given, *extra)
    parts = result if isinstance(result, list | tuple) else [result]
    return np.concatenate([np.ravel(np.asarray(p, dtype=float)) for p in parts])


def _distance(a: Array, b: Array, norm: float) -> float:
    if a.shape != b.shape:
        raise InvalidInputError(
            f"{WHO}: the mechanism gives {a.size} numbers for one data set and "
            f"{b.size} for its neighbour; how many there are gives the record away"
        )
    return float(np.linalg.norm(a - b, norm))


def _rounding(a: Array, b: Array) -> float:
    """Return what two evaluations of the same result may differ by."""
    return ROUNDING * float(max(np.max(np.abs(x), initial=0.0) for x in (a, b)))


def _neighbours(
    domain: Domain,
    relation: Relation,
    records: int,
    pairs: int,
    rng: np.random.Generator,
) -> Iterator[tuple[dict[str, Array], dict[str, Array]]]:
    for _ in range(pairs):
        data = _drawn(domain, records, rng)
        if relation == "replace_one":
            fresh = _drawn(domain, 1, rng)
            other = {n: np.concatenate([x[:-1], fresh[n]]) for n, x in data.items()}
        else:
            other = {n: x[:-1] for n, x in data.items()}
        yield (data, other) if rng.integers(2) else (other, data)


def _drawn(domain: Domain, count: int, rng: np.random.Generator) -> dict[str, Array]:
    """Return records of a domain, many of them at its ends."""
    rows = [_record(domain, rng) for _ in range(count)]
    return {n: np.stack([row[n] for row in rows]) for n in domain.names}


def _record(domain: Domain, rng: np.random.Generator) -> dict[str, Array]:
    for _ in range(TRIES):
        point = {n: _value(domain, n, rng) for n in domain.names}
        try:
            return domain.clip(point)
        except BoundsError:  # a condition that does not hold there
            continue
    raise InvalidInputError(
        f"{WHO}: none of {TRIES} points drawn satisfies the domain's conditions; audit "
        "over a domain with wider ones"
    )


def _value(domain: Domain, name: str, rng: np.random.Generator) -> Array:
    one = symbol(name, shape=domain.shapes.get(name, ()))
    table = domain.table(one)
    if table is not None:
        return table[rng.integers(len(table))]
    if name in domain.discrete:  # unit vectors, too many to list
        length = one.shape[-1]
        return np.eye(length)[rng.integers(length, size=one.shape[:-1])]
    hull = domain.hull(one)
    low = np.clip(hull.lower, -WIDE, None)
    high = np.clip(hull.upper, None, WIDE)
    share = rng.random(one.shape)
    ends = rng.random(one.shape) < rng.choice([0.0, 0.5, 1.0])
    share = np.where(ends, np.rint(share), share)
    return low + (high - low) * share
