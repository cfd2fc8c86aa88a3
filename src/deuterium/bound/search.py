"""The lower side: good points found by search.

What is found here is an `Estimate` and never a bound: the true supremum may lie above
it.  It is a different type from anything certified, so that the two cannot be mixed
up.  Only `enclose_at`, the enclosure at one point, turns a point found into a certified
statement: the supremum is at least the lower end there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.bound.ascent import Ascent
from deuterium.bound.domain import Box, Domain
from deuterium.bound.enclose import enclose
from deuterium.bound.problem import Problem
from deuterium.errors import InvalidInputError
from deuterium.graph.variable import Variable
from deuterium.interval import Interval

__all__ = ["Estimate", "enclose_at", "search"]


@dataclass(frozen=True)
class Estimate:
    """The best value that a search found.  It is NOT a bound.

    Attributes
    ----------
    value : float
        The largest (or smallest) value found, in plain floating point; NaN if none.
    witness : dict from str to ndarray
        A point of the domain where it was found; empty if none.
    evaluations : int
        Points at which the function was evaluated.
    status : {"found", "nothing found"}
        Whether any point of finite value was met.
    """

    value: float
    witness: dict[str, Any]
    evaluations: int
    status: str


def search(
    v: Variable,
    domain: Domain,
    *,
    starts: int = 32,
    seed: int = 0,
    points: Mapping[Any, Any] | None = None,
    maximize: bool = True,
    time_limit: float | None = None,
) -> Estimate:
    """Look for a large (or small) value of a scalar over a domain.

    Random points, corners and the given points are ranked and the best of them climbed
    from, all at once; the best points reached are mixed, shaken and climbed from again
    until several generations in a row bring nothing better.

    Parameters
    ----------
    v : Variable
        A scalar.
    domain : Domain
        Bounds for every symbol of ``v``, without batch axes.
    starts : int
        How many points to follow at once.
    seed : int
        The same seed gives the same answer, where time does not cut it short.
    points : mapping, optional
        Rows to try as well, such as a data set: from symbol to an array with one
        leading axis.  They are moved into the domain where they lie outside.
    maximize : bool
        False looks for a small value.
    time_limit : float, optional
        Seconds: go on for so long, whether or not it brings anything.

    Returns
    -------
    Estimate
        What was found, which is not a bound: see `deuterium.enclose` for one.
    """
    if isinstance(starts, bool) or not isinstance(starts, int) or starts < 1:
        raise InvalidInputError(f"search: `starts` must be >= 1, got {starts!r}")
    problem = Problem(v, domain, maximize=maximize, caller="search")
    ascent = Ascent(problem, starts=starts, seed=seed)
    rows = None if points is None else ascent.place.given(points)
    ascent.run(rows, time_limit)
    if not np.isfinite(ascent.value):
        return Estimate(np.nan, {}, ascent.evaluations, "nothing found")
    witness = {n: np.array(x) for n, x in problem.arrays(ascent.row).items()}
    value = ascent.value if maximize else -ascent.value
    return Estimate(value, witness, ascent.evaluations, "found")


def enclose_at(v: Variable, point: Mapping[Any, Any]) -> Interval:
    """Return a certified range of ``v`` at one point.

    Parameters
    ----------
    v : Variable
        A scalar or an array.
    point : mapping
        From every symbol to its value, such as an Estimate's witness.

    Returns
    -------
    Interval
        Its lower end is a certified lower bound of the supremum over any domain that
        holds the point.
    """
    return enclose(v, Box({key: (value, value) for key, value in point.items()}))
