"""`search`: good points by population search or SciPy, and `enclose_at`.

What is found here is an `Estimate` and never a bound: the true supremum may lie above
it.  It is a different type from anything certified, so that the two cannot be mixed
up.  Only `enclose_at`, the enclosure at one point, turns a point found into a certified
statement: the supremum is at least the lower end there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium import budget
from deuterium.array_type import Array
from deuterium.budget import Spent, spending
from deuterium.domain.conditions import LOWEST, guarded
from deuterium.domain.domain import Domain
from deuterium.domain.problem import Problem
from deuterium.domain.spaces import Box
from deuterium.enclose.enclose import enclose
from deuterium.errors import InvalidInputError, ShapeError
from deuterium.graph.constructors import VariableLike, as_variable
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.options import is_number, require_seed, require_whole
from deuterium.search import scipy_methods
from deuterium.search import search_options as options
from deuterium.search.multi_output import OutputElements, SharedPoints
from deuterium.search.population import PopulationSearch
from deuterium.search.population.compiled_objective import CompiledObjective

__all__ = ["Estimate", "enclose_at", "search"]


METHODS = ("ascent", *scipy_methods.METHODS)


@dataclass(frozen=True)
class Estimate:
    """The best value that a search found.  It is NOT a bound.

    Attributes
    ----------
    value : float or ndarray
        The largest (or smallest) value found, in plain floating point; NaN if none.
        Of an array, the value of each element.
    witness : dict from str to ndarray
        A point of the domain where it was found; empty if none.  Of an array, one point
        for each element: its axes come before those of the symbol.
    evaluations : int
        Points at which the function was evaluated.
    status : {"found", "nothing found"}
        Whether a point of finite value was met, for every element.

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x")
    >>> found = dt.search(x * (1 - x), dt.Box({x: (0, 1)}))
    >>> round(found.value, 6)
    0.25
    """

    value: Any
    witness: dict[str, Any]
    evaluations: int
    status: str


def search(
    v: VariableLike,
    domain: Domain,
    *,
    method: str = "ascent",
    starts: int = 32,
    seed: int = 0,
    points: Mapping[Any, Any] | None = None,
    maximize: bool = True,
    time_limit: float | None = None,
) -> Estimate:
    """Look for a large (or small) value of a scalar over a domain.

    With ``method="ascent"``, the best of random points, corners and the given points
    are climbed from; the points reached are mixed, shaken and climbed from again until
    several generations bring nothing better.  The other methods are SciPy's.

    Parameters
    ----------
    v : Variable
        A scalar; or an array, of which each element is searched by itself.
    domain : Domain
        Bounds for every symbol of ``v``, without batch axes.
    method : {"ascent", "shgo", "direct", "differential_evolution", "dual_annealing"}
        How to search.  "shgo" takes at most 7 inputs.
    starts : int
        How many points to follow at once (by "ascent").
    seed : int
        The same seed gives the same answer, where time does not cut it short.
    points : mapping, optional
        Rows to try as well, such as a data set: from symbol to an array with one
        leading axis.  They are moved into the domain where they lie outside.
    maximize : bool
        False looks for a small value.
    time_limit : float, optional
        Seconds, for all elements together.  "ascent" goes on for so long, whether or
        not it brings anything; the other methods end early if they think they are done.

    Returns
    -------
    Estimate
        What was found, which is not a bound: see `deuterium.enclose` for one.

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x")
    >>> found = dt.search(x * (1 - x), dt.Box({x: (0, 1)}))
    >>> round(found.value, 6), found.status
    (0.25, 'found')
    """
    _check(method, starts, time_limit)
    require_seed(seed, "search")
    if not isinstance(maximize, (bool, np.bool_)):
        raise InvalidInputError(
            f"search: `maximize` must be True or False, got {type(maximize).__name__}"
        )
    v = as_variable(v)
    if isinstance(domain, Domain) and domain.conditions:
        worst = LOWEST if maximize else -LOWEST
        v, domain = guarded(v, domain.conditions, worst), domain.plain
    plan = _Plan(method, starts, seed, maximize, time_limit)
    run = _search_elements if v.shape else _search_scalar
    try:
        with spending(plan.end + plan.grace):
            return run(v, domain, points, plan)
    except Spent:  # before there was anything to search in
        value = np.full(v.shape, np.nan) if v.shape else np.nan
        return Estimate(value, {}, 0, "nothing found")


def _search_scalar(
    v: Variable, domain: Domain, points: Mapping[Any, Any] | None, plan: _Plan
) -> Estimate:
    problem = Problem(v, domain, maximize=plan.maximize, caller="search")
    target = CompiledObjective(problem)
    rows = None if points is None else target.feasible.given(points)
    row, value = plan.run(target, rows, plan.until(1))
    if not np.isfinite(value) or value <= LOWEST:
        return Estimate(np.nan, {}, target.evaluations, "nothing found")
    witness = {n: np.array(x) for n, x in problem.arrays(row).items()}
    value = value if plan.maximize else -value
    return Estimate(value, witness, target.evaluations, "found")


def _check(method: str, starts: int, time_limit: float | None) -> None:
    if not isinstance(method, str) or method not in METHODS:
        raise InvalidInputError(
            f"search: `method` must be one of {', '.join(METHODS)}; got {method!r}"
        )
    require_whole(starts, 1, "search", "starts")
    if time_limit is not None and not (is_number(time_limit) and time_limit > 0):
        raise InvalidInputError(
            f"search: `time_limit` must be positive seconds, got {time_limit!r}"
        )


class _Plan:
    """How to search, and until when."""

    def __init__(
        self,
        method: str,
        starts: int,
        seed: int,
        maximize: bool,
        time_limit: float | None,
    ) -> None:
        self.method, self.starts, self.seed = method, starts, seed
        self.maximize, self.time_limit = maximize, time_limit
        limit = math.inf if time_limit is None else time_limit
        self.end = budget.now() + limit
        self.grace = (
            options.LATE_SHARE * limit + options.LATE_SECONDS
        )  # for what does not look at the clock itself

    def until(self, left: int) -> float:
        """Return when to stop, if so many searches share the time that is left."""
        if self.time_limit is None:
            return math.inf
        now = budget.now()
        return now + max(self.end - now, 0.0) / left

    def run(
        self, target: CompiledObjective, rows: Array | None, deadline: float
    ) -> tuple[Array, float]:
        """Return the best row found for one target, and its value."""
        if self.method == "ascent":
            ascent = PopulationSearch(
                target.problem, starts=self.starts, seed=self.seed, target=target
            )
            with suppress(Spent):
                ascent.run(rows, deadline)
            return ascent.row, ascent.value
        target.deadline = deadline
        row, value = scipy_methods.optimise(target, self.method, self.seed)
        if rows is None:
            return row, value
        values = target.values(rows)
        top = int(np.argmax(values))
        better = values[top] > value and target.problem.contains(rows[top])
        return (rows[top], float(values[top])) if better else (row, value)


def _search_elements(
    v: Variable, domain: Domain, points: Mapping[Any, Any] | None, plan: _Plan
) -> Estimate:
    if not v.size:
        raise ShapeError(f"search: an array of shape {v.shape} has no elements")
    elements = OutputElements(v, domain, plan.maximize)
    problem, pool = elements.problem, SharedPoints(elements)
    rows = None if points is None else pool.feasible.given(points)
    with suppress(Spent):
        _fill(pool, rows, plan)
    found = np.isfinite(pool.values) & (pool.values > LOWEST)
    known = bool(found.all())
    values = np.where(found, pool.values, np.nan)
    values = (values if plan.maximize else -values).reshape(v.shape)
    rows = pool.rows.reshape(*v.shape, problem.size)
    status = "found" if known else "nothing found"
    witness = problem.arrays(rows) if known else {}
    return Estimate(values, witness, pool.evaluations, status)


def _fill(pool: SharedPoints, rows: Array | None, plan: _Plan) -> None:
    """Look for large values of every element of an array."""
    place, count = pool.feasible, len(pool.values)
    if rows is not None:
        pool.add(rows)
    pool.add(place.notable())
    pool.add(place.random(options.SHARED_POINTS, np.random.default_rng(plan.seed)))
    if count > options.THOROUGH_ELEMENTS:
        pool.climb(plan.until(1), np.random.default_rng(plan.seed))
        return
    for i in range(count):
        element, best = pool.element(i), pool.best(i, plan.starts)
        row, _ = plan.run(element, best, plan.until(count - i))
        pool.add(row[None])


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
