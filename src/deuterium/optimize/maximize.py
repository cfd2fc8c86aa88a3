"""The certified supremum and infimum of a scalar over a domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from deuterium._version import __version__
from deuterium.budget import Memory, Spent, spending
from deuterium.domain.conditions import LOWEST, guarded
from deuterium.domain.domain import Domain
from deuterium.domain.problem import Problem
from deuterium.domain.spaces import Box
from deuterium.enclose.enclose import enclose, narrowed
from deuterium.errors import DeuteriumError, InvalidInputError, SoundnessError
from deuterium.graph.constructors import VariableLike, as_variable
from deuterium.graph.variable import Variable
from deuterium.interval import Cause
from deuterium.interval.environment import standard_only
from deuterium.optimize.bounders.natural_interval import NaturalIntervalBounder
from deuterium.optimize.bounders.select import require_method, select_bounder
from deuterium.optimize.branch_and_bound.checkpoint import CheckpointJournal
from deuterium.optimize.branch_and_bound.executors import workers_for
from deuterium.optimize.branch_and_bound.incumbent import Incumbent
from deuterium.optimize.branch_and_bound.interrupt_guard import InterruptGuard
from deuterium.optimize.branch_and_bound.loop import BranchAndBound, closing
from deuterium.optimize.branch_and_bound.progress import NoProgress, ProgressBar
from deuterium.optimize.branch_and_bound.result import Bracket, Search
from deuterium.optimize.branch_and_bound.stopping import (
    GIBI,
    Clock,
    Limits,
)
from deuterium.optimize.branch_and_bound.worker import Task, graph_hash, task_of
from deuterium.optimize.moved_bracket import MovedProblem
from deuterium.optimize.poles import only_where_defined
from deuterium.optimize.preparation_options import PREPARING_SHARE, SHORTEST_SECONDS
from deuterium.optimize.region import Bounder
from deuterium.optimize.root_enclosure import (
    NOTHING,
    RootEnclosure,
    closer_by_lengths,
    root_enclosure_of,
)
from deuterium.optimize.undefined import (
    proved_undefined,
    unbounded_status,
    undefined_everywhere,
)
from deuterium.options import require_seed
from deuterium.transform.definedness import defined

__all__ = ["maximize", "minimize"]


@standard_only
def maximize(
    v: VariableLike,
    domain: Domain,
    *,
    rtol: float = 1e-2,
    atol: float | None = None,
    time_limit: float | None = 60.0,
    memory_limit: float = 2.0 * GIBI,
    max_regions: int | None = None,
    executor: Executor | None = None,
    progress: bool = False,
    seed: int = 0,
    checkpoint: Any = None,
    points: Mapping[Any, Any] | None = None,
    method: str = "auto",
    arithmetic: str | None = None,
) -> Bracket:
    """Return a `Bracket`, certified bounds of a scalar's supremum over a domain.

    Best-first branch and bound, which can be stopped at any time (Ctrl-C, SIGTERM,
    time, memory) and then returns what is proved so far, never above the enclosure.

    Parameters
    ----------
    v : Variable
        A scalar.
    domain : Domain
        Bounds for every symbol of ``v``, without batch axes.
    rtol : float
    atol : float, optional
        The gap to reach: ``upper - lower <= max(atol, rtol * |lower|)``.  By default
        ``atol`` is 0, but where what is reached is as good as 0: within 1e-8, or 1e-8
        times the size of the enclosure if that is below 1, such a gap is enough.
    time_limit : float or None
        Seconds, kept to within a tenth and half a second; None for no limit.
    memory_limit : float
        Bytes by which the memory of this process may grow.
    max_regions : int, optional
        Regions to bound at most: with 1, the whole domain is bounded at once, not cut.
    executor : concurrent.futures.Executor, optional
        With more than one worker, bounds within the gap may differ from run to run.
    progress : bool
        Show both sides closing in.
    seed : int
        Of the search's random starts: the same gives the same, if no limit stops it.
    checkpoint : path, optional
        A file that records the work, which goes on from there if it exists.
    points : mapping, optional
        Rows to start from as well: from symbol to an array with one leading axis.
    method : {"auto", ...}
        The bounder: by default the best that fits the graph.
    arithmetic : {"float32", "float64"}, optional
        Bound what is computed in this arithmetic, too, by whatever order of summation
        (`deuterium.enclose.rounding_errors` says which evaluations): ``upper`` pays for
        it with ``rounding``, and ``lower`` stays what real numbers reach.

    Raises
    ------
    InvalidInputError, MissingSymbolError, UnknownSymbolError, BoundsError, ShapeError
        An argument makes no sense, or the domain does not fit the symbols of ``v``.

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> x = dt.symbol("x")
    >>> found = dt.maximize(np.sin(x) * x, dt.Box({x: (0, 3)}), rtol=1e-3)
    >>> found.lower <= 1.8197057412 <= found.upper
    True
    """
    limits = Limits(rtol, atol, time_limit, memory_limit, max_regions).check("maximize")
    clock = Clock(limits.time_limit)
    asked = MovedProblem.of(v, domain, arithmetic, "maximize")
    points = asked.rows(points)
    problem, limited = _problem(asked.value, asked.domain, clock, maximizes=True)
    found = _bracket(
        problem, limits, clock, executor, progress, seed, checkpoint, points, method
    )
    found = _of_points(found, asked.value, asked.domain, clock) if limited else found
    return asked.told(found, maximizes=True)


@standard_only
def minimize(
    v: VariableLike,
    domain: Domain,
    *,
    rtol: float = 1e-2,
    atol: float | None = None,
    time_limit: float | None = 60.0,
    memory_limit: float = 2.0 * GIBI,
    max_regions: int | None = None,
    executor: Executor | None = None,
    progress: bool = False,
    seed: int = 0,
    checkpoint: Any = None,
    points: Mapping[Any, Any] | None = None,
    method: str = "auto",
    arithmetic: str | None = None,
) -> Bracket:
    """Return certified bounds of the infimum of a scalar over a domain.

    As `maximize`, of ``-v``: ``.upper`` is reached at the witness, and ``.lower`` is
    proved by the certificate.  Where nothing can be proved, as ``v`` may be undefined,
    ``.lower`` is what its outermost operator cannot go below (0 for a norm), as of
    `enclose`.

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x")
    >>> found = dt.minimize(x**2 - x, dt.Box({x: (0, 1)}), rtol=1e-3)
    >>> found.lower <= -0.25 <= found.upper
    True
    """
    limits = Limits(rtol, atol, time_limit, memory_limit, max_regions).check("minimize")
    clock = Clock(limits.time_limit)
    asked = MovedProblem.of(v, domain, arithmetic, "minimize")
    points = asked.rows(points)
    problem, limited = _problem(asked.value, asked.domain, clock, maximizes=False)
    found = _bracket(
        problem, limits, clock, executor, progress, seed, checkpoint, points, method
    )
    found = _of_points(found, asked.value, asked.domain, clock) if limited else found
    history = [(t, -upper, -lower) for t, lower, upper in found.history]
    lower = -found.upper
    if lower == -np.inf and problem.given.op is not None:
        lower = problem.given.op.lower_bound
    found = replace(found, lower=lower, upper=-found.lower, history=history)
    return asked.told(found, maximizes=False)


def _problem(
    v: Any, domain: Any, clock: Clock, *, maximizes: bool
) -> tuple[Problem, bool]:
    """Return a problem over a plain domain, and whether only some points count.

    Those where the conditions hold, and where poles cannot matter those with a value.
    """
    given, counting = as_variable(v), domain
    asked = given, domain
    if isinstance(domain, Domain) and domain.conditions:
        worst = LOWEST if maximizes else -LOWEST
        with spending(clock.last):
            counting = _counting(given, domain)
        given, domain = guarded(given, domain.conditions, worst), domain.plain
    wanted = only_where_defined(given, counting, maximizes=maximizes)
    problem = Problem(
        wanted, domain, maximize=maximizes, counting=counting, asked=asked
    )
    return problem, wanted is not v


def _counting(v: Variable, domain: Domain) -> Domain:
    """Return the plain domain, cut down by the conditions if there is time.

    Where no point satisfies them, or something is wrong with it, that is said later.
    """
    try:
        return narrowed(v, domain)
    except (Spent, DeuteriumError):
        return domain.plain


def _of_points(found: Bracket, v: Any, domain: Domain, clock: Clock) -> Bracket:
    """Return a bracket for the points of the domain alone."""
    if found.lower > LOWEST:
        return found
    if found.upper > LOWEST:
        return replace(found, lower=-np.inf, witness={})
    v = as_variable(v)
    if domain.conditions and _is_empty(v, domain, domain.conditions, clock):
        return replace(
            found, lower=-np.inf, upper=-np.inf, witness={}, status="infeasible"
        )
    if not domain.conditions and _is_empty(v, domain, (defined(v),), clock):
        return replace(
            found, lower=-np.inf, upper=np.inf, witness={}, status="undefined",
            cause=undefined_everywhere(v, domain), _problem=None, _search=None,
        )  # fmt: skip
    # the objective itself is that low, and points of the domain cannot be told
    return replace(found, lower=-np.inf, witness={}, status="precision_limit")


def _is_empty(
    v: Variable, domain: Domain, conditions: Sequence[Variable], clock: Clock
) -> bool:
    """Return whether no point satisfies the conditions, given that v is low there."""
    with suppress(DeuteriumError):
        x = enclose(v, domain.plain)
        if x.upper < -LOWEST and x.lower > LOWEST:
            return True  # v is that low nowhere, nor that high
    nowhere = guarded(as_variable(0.0), conditions, LOWEST)
    left = max(clock.left, SHORTEST_SECONDS) if clock.left < np.inf else None
    return maximize(nowhere, domain.plain, time_limit=left).upper <= LOWEST


@np.errstate(all="ignore")  # ends may be infinite, numbers the largest there are
def _bracket(
    problem: Problem,
    limits: Limits,
    clock: Clock,
    executor: Executor | None,
    progress: bool,
    seed: int,
    checkpoint: Any,
    points: Mapping[Any, Any] | None,
    method: str,
) -> Bracket:
    """Return the bracket of the objective's supremum."""
    require_seed(seed, "maximize" if problem.maximizes else "minimize")
    if executor is not None and not isinstance(executor, Executor):
        raise InvalidInputError(
            "`executor` must be a concurrent.futures.Executor (of dask, "
            f"client.get_executor()), got {type(executor).__name__}"
        )
    require_method(method)
    task = task_of(problem, method)
    journal = (
        None
        if checkpoint is None
        else CheckpointJournal(checkpoint, _about(task, limits, seed))
    )
    incumbent = Incumbent(problem, seed, points)
    # work that others do, or go on with, has to start from the same bounder
    is_alone = executor is None and checkpoint is None
    until = clock.at(PREPARING_SHARE) if is_alone else np.inf
    first, status = NOTHING, ""
    bounder: Bounder = NaturalIntervalBounder(problem)
    memory = Memory(limits.memory_limit)
    with InterruptGuard(), spending(clock.last):
        try:
            first = root_enclosure_of(problem)
            with spending(clock.end, memory):
                incumbent.begin(enough=first.upper)
                first, status = _or_undefined(problem, first, seed)
                limits = limits.over(first.size)
                if not status and first.upper > limits.target(incumbent.value):
                    first = closer_by_lengths(problem, first)
                if not status and first.upper > limits.target(incumbent.value):
                    bounder = select_bounder(problem, method, until)
        except Spent as spent:
            status = spent.status
        except KeyboardInterrupt:
            status = "interrupted"
        work = workers_for(bounder, task, executor)
        run = BranchAndBound(bounder, work, incumbent, limits, journal, clock, first)
        with (
            closing(journal),
            _shown(problem, progress) as shown,
            spending(clock.end, memory),
        ):
            status = run.run(shown, status)
        return _result(problem, run, status)


def _or_undefined(
    problem: Problem, first: RootEnclosure, seed: int
) -> tuple[RootEnclosure, str]:
    """Return a proof that the objective is undefined somewhere, if there is one."""
    if first.cause is not None and first.cause.kind == "undefined":
        cause = proved_undefined(problem, seed)
        if cause is not None:
            return replace(first, cause=cause), "undefined"
    return first, ""


def _shown(problem: Problem, progress: bool) -> NoProgress:
    return ProgressBar(problem.maximizes) if progress else NoProgress()


def _about(task: Task, limits: Limits, seed: int) -> dict[str, Any]:
    """Return what a checkpoint is about, and all that decides how the work goes."""
    return {
        "problem": task.name,
        "deuterium": __version__,
        "method": task.method,
        "rtol": limits.rtol,
        "atol": limits.atol,
        "seed": seed,
    }


def _result(problem: Problem, run: BranchAndBound, status: str) -> Bracket:
    lower, row = run.incumbent.value, run.incumbent.row
    _require_sound(problem, run)
    upper = run.claim(run.tree.upper)
    cause = None
    if upper == np.inf:
        cause = _cause(problem, run)
        if status == "undefined":
            status, cause = unbounded_status(problem, cause)
    is_proved = np.isfinite(upper) and row is not None
    return Bracket(
        lower=lower,
        upper=upper,
        witness={} if row is None else problem.arrays(row),
        status=status,
        cause=cause,
        history=[(t, low, run.claim(high)) for t, low, high in run.history],
        regions=run.regions,
        seconds=run.clock.spent + run.clock.now,
        _problem=problem if is_proved else None,
        _search=Search(run.tree, upper, run.bounder) if is_proved else None,
    )


def _require_sound(problem: Problem, run: BranchAndBound) -> None:
    """Raise where the proved bound lies below a value that is certainly reached."""
    reached, upper = run.incumbent.value, run.tree.upper
    if upper >= reached or run.incumbent.row is None:
        return
    point = {n: x.tolist() for n, x in problem.arrays(run.incumbent.row).items()}
    raise SoundnessError(
        f"the bound proved, {upper!r}, lies below a value that is reached, "
        f"{reached!r}: a fault of deuterium, whose bounds of this graph must not be "
        f"trusted. Please report it with the graph (deuterium {__version__}, SHA-256 "
        f"{graph_hash(problem.given)}), the domain {problem.domain!r:.2000} and the "
        f"point {point!r:.2000}"
    )


def _cause(problem: Problem, run: BranchAndBound) -> Cause | None:
    """Return why the bound is infinite, over the smallest offending box found."""
    if run.pole_box is None:
        return run.first.cause
    low, high = (problem.arrays(x[: problem.size]) for x in run.pole_box)
    cause = run.first.cause
    with suppress(Spent):
        cause = enclose(problem.given, Box({n: (low[n], high[n]) for n in low})).cause
    if cause is None:
        return None
    return replace(cause, box={n: (low[n], high[n]) for n in low})
