"""Norms of each person's contribution, as an individual accountant charges for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, ShapeError, UnsupportedError
from deuterium.interval import Interval
from deuterium.interval.rounding import EPS
from deuterium.privacy.sensitivity.bound_sources import refuse_estimate
from deuterium.privacy.sensitivity.sensitivity import Sensitivity

__all__ = ["GROWN", "norms_of"]

GROWN = 1 + 8 * EPS  # pays for a dozen roundings of positive numbers


def norms_of(given: Any, people: int) -> Any:
    """Return norms in double precision, rounded up: () or (people,).

    Parameters
    ----------
    given : array_like, Interval or Sensitivity
        As of `IndividualAccountant.step`.
    people : int
        How many there are.
    """
    refuse_estimate(given, "step")
    if isinstance(given, Interval):
        given = _upper(given)
    elif isinstance(given, Sensitivity):
        given = _contribution(given)
    rows = _rounded_up(given)
    if rows.shape not in ((), (people,)):
        raise ShapeError(
            f"step: `norms` needs one number for each of {people} people, or "
            f"one for all; got shape {rows.shape}"
        )
    if not (rows >= 0).all():  # NaN fails too
        raise InvalidInputError("step: `norms` must be >= 0, and none NaN")
    return rows


def _upper(norms: Interval) -> Any:
    # an infinite end says that nothing is known, and costs an infinite amount
    if not np.all((norms.lower >= 0) | (norms.upper == np.inf)):
        raise UnsupportedError(
            "step: these intervals are of numbers that may be negative, and no "
            "norms; enclose the norm of each person's contribution (deuterium.norm)"
        )
    return norms.upper


def _contribution(s: Sensitivity) -> float:
    """Return how long one whole record's contribution is at most."""
    if s.quantity != "contribution" or s.scope is not None:
        raise UnsupportedError(
            "step: what a person is charged for is the contribution of a whole record; "
            f"this is {s!r}"
        )
    if s.norm != 2 and s.size != 1:
        raise UnsupportedError(f"step: needs L2 norms, this one is L{s.norm:g}")
    return s.upper


def _rounded_up(norms: Any) -> Any:
    """Return norms in double precision, none below what was given."""
    if isinstance(norms, np.ma.MaskedArray):
        raise InvalidInputError("step: a masked array lacks the norms of some people")
    try:
        given = np.asarray(norms)
    except ValueError:
        raise InvalidInputError(
            f"step: `norms` must be an array of numbers, got {norms!r:.80}"
        ) from None
    if given.dtype.kind not in "fiu":
        raise InvalidInputError(
            f"step: `norms` must be real numbers, got dtype {given.dtype}"
        )
    rows = np.asarray(given, dtype=np.float64)
    if given.dtype.kind == "f" and given.dtype.itemsize <= 8:
        return rows
    # long doubles and large integers may have been rounded, either way
    low = rows < given if given.dtype.kind == "f" else np.abs(rows) >= 2.0**53
    return np.where(low, rows * GROWN, rows)
