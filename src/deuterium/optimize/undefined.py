"""Proof that an objective is not defined throughout its domain.

An operator leaves the reals at a point where its argument certainly lies outside its
domain, or on the way between two points at which the argument of a quotient has
different signs: it is 0 in between (Bolzano) where it is continuous, which it is where
its slopes are bounded (those of a jump are not defined).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.budget import Spent
from deuterium.domain.constraints import Range, Within
from deuterium.domain.domain import Domain
from deuterium.domain.points import Feasible
from deuterium.domain.problem import Problem
from deuterium.domain.spaces import Box
from deuterium.enclose.enclose import enclose
from deuterium.evaluate import compile
from deuterium.graph.provenance import describe
from deuterium.graph.substitute import substitute
from deuterium.graph.traverse import free_symbols, is_larger, topological
from deuterium.graph.variable import Variable
from deuterium.interval import Cause, Interval
from deuterium.ops import arithmetic, arrays, logic, piecewise
from deuterium.optimize.preparation_options import (
    BISECTIONS,
    FEW_ZEROS,
    MOST_ARGUMENTS,
    MOST_PARTIAL_NODES,
    MOST_POLE_NODES,
    NEAR_ZERO,
    STEPS_TO_ZEROS,
    TRIED_POINTS,
)
from deuterium.transform.differentiate import grad
from deuterium.transform.exact_number import exact_number


class PartialNode(NamedTuple):
    """A node that is defined only where its argument lies between two ends."""

    node: Variable
    argument: Variable
    low: float
    high: float
    pole: bool  # at 0, and defined on both sides of it
    left_out: tuple[float, ...] = (0.0,)  # ends that do not belong to the domain


def proved_undefined(
    problem: Problem, seed: int, *, zeros: bool = False
) -> Cause | None:
    """Return where the objective is certainly undefined, if that is found out.

    Its ``points`` are one at which it is, or two between which an argument changes its
    sign.  A single point at which a divisor is 0, or a logarithm's argument, proves it
    only with ``zeros``, or if what is maximised grows and grows on the way there:
    beside one the function may well be bounded, which is to be found out first.
    """
    partial = list(_partial_nodes(problem.objective))[:MOST_PARTIAL_NODES]
    partial = [p for p in partial if 0 < p.argument.size <= MOST_ARGUMENTS]
    if not partial or not problem.size:
        return None
    place = Feasible(problem)
    random = place.random(TRIED_POINTS, np.random.default_rng(seed))
    met = _met_constants(problem)
    rows = np.concatenate([place.notable(), place.edges(), place.nearest(met), random])
    run = compile(problem.symbols, [p.argument for p in partial])
    found = run(*problem.arrays(rows).values())
    for p, values in zip(partial, found, strict=True):
        values = np.broadcast_to(values, (len(rows), *p.argument.shape))
        values = values.reshape(len(rows), -1)
        cause = _shown(problem, p, rows, values)
        if cause is None:
            cause = _at_left_out(problem, p, rows, values)
            if cause is not None and not (zeros or _grows(problem, place, cause)):
                cause = None
        if cause is not None:
            return cause
    return None


def unbounded_status(problem: Problem, cause: Cause | None) -> tuple[str, Cause | None]:
    """Return what to say of a box of next to no size that has no bound.

    That the objective is undefined only where it is proved: intervals may leave a
    domain that the function does not.
    """
    if cause is None or cause.kind != "undefined":
        return "unbounded", cause
    if cause.points or cause.box is None:
        return "undefined", cause
    ends = Box({n: (low, high) for n, (low, high) in cause.box.items()})
    within = Problem(problem.given, problem.domain & ends, maximize=problem.maximizes)
    try:
        proved = proved_undefined(within, 0, zeros=True)
    except Spent as spent:
        return spent.status, cause
    if proved is None:
        return "precision_limit", cause
    return "undefined", replace(proved, box=cause.box)


def undefined_everywhere(v: Variable, domain: Domain) -> Cause | None:
    """Return why a graph has no value anywhere, as at a point in the middle."""
    problem = Problem(v, domain)
    cause = enclose(v, domain).cause
    point = problem.arrays(Feasible(problem).middle())
    return None if cause is None else replace(cause, points=(point,))


def _met_constants(problem: Problem) -> Array:
    """Return points at which a whole symbol is a constant that it meets, or minus it.

    There it is that a distance is 0, and the like.
    """
    rows = [np.zeros(problem.size)]
    for n in topological([problem.objective]):
        args = [a.args[0] if a.op is arrays.broadcast else a for a in n.args]
        for s, c in zip(args, args[::-1], strict=True):
            if s.is_symbol and c.is_constant and c.size in (1, s.size):
                value = np.ravel(np.broadcast_to(np.ravel(c.value), s.size))
                for row in (rows[0].copy(), rows[0].copy()):
                    row[problem.slices[s.name]] = value
                    value = -value
                    rows.append(row)
    return np.nan_to_num(rows[: 1 + TRIED_POINTS])


def _grows(problem: Problem, place: Feasible, cause: Cause) -> bool:
    """Return whether what is maximised seems to have no end on the way to a point.

    Its growth over steps of equal ratio comes to nothing where it has one.
    """
    (point,) = cause.points
    start, end = place.middle(), problem.rows(point)
    rows = end + np.array(STEPS_TO_ZEROS)[:, None] * (start - end)
    run = compile(problem.symbols, [problem.objective])
    with np.errstate(all="ignore"):
        first, second = np.diff(np.ravel(run(*problem.arrays(rows).values())[0]))
    return bool(0 < first <= 2 * second)


def _partial_nodes(v: Variable) -> Iterator[PartialNode]:
    """Yield the nodes of a graph that are not defined for every argument."""
    order = topological([v])
    if any(n.op is logic.where for n in order):
        return  # what is undefined in a branch that is not chosen does not matter
    for n in order:
        if n.op is None:
            continue
        if n.op is arithmetic.divide:
            yield from (PartialNode(n, a, 0.0, 0.0, True) for a in _factors(n.args[1]))
        elif n.op is arithmetic.reciprocal or _exponent(n) < 0:
            yield from (PartialNode(n, a, 0.0, 0.0, True) for a in _factors(n.args[0]))
        elif n.op is ops.tan:
            yield PartialNode(n, ops.cos(n.args[0]), 0.0, 0.0, True)
        elif len(n.args) == 1:
            low, high = n.op.domain
            if np.isfinite(low) or np.isfinite(high):
                ends = zip((low, high), n.op.closed, strict=True)
                left_out = tuple(x for x, closed in ends if not closed)
                yield PartialNode(n, n.args[0], low, high, False, left_out)


def _exponent(v: Variable) -> int:
    """Return the exponent of a whole power; 0 of everything else."""
    return v.attrs["n"] if v.op is arithmetic.integer_power else 0


def _factors(v: Variable) -> list[Variable]:
    """Return nodes of which one is 0 wherever ``v`` is, and the other way round."""
    found, todo = [], [v]
    while todo:
        x = todo.pop()
        if x.op in _ZERO_TOGETHER or _exponent(x) > 0:
            todo += x.args
        else:
            found.append(x)
    return found


_ZERO_TOGETHER = {
    arithmetic.square, arithmetic.sqrt, arithmetic.negative, arithmetic.multiply,
    piecewise.absolute, arrays.broadcast, arrays.reshape,
}  # fmt: skip


def _shown(
    problem: Problem, p: PartialNode, rows: Array, values: Array
) -> Cause | None:
    """Return the cause if one element of an argument proves it at some rows."""
    values = np.where(np.isnan(values), 0.0 if p.pole else p.low, values)
    least, most = values.min(axis=0), values.max(axis=0)
    if p.pole:
        k = int(np.argmax(np.minimum(-least, most)))
        return _between(
            problem, p, k, rows[np.argmin(values[:, k])], rows[np.argmax(values[:, k])]
        )
    for k, row in (
        (int(np.argmin(least)), int(np.argmin(values.min(axis=1)))),
        (int(np.argmax(most)), int(np.argmax(values.max(axis=1)))),
    ):
        x = _between_rows(problem, p.argument, rows[row], rows[row])
        low, high = x.lower.ravel()[k], x.upper.ravel()[k]
        if high < p.low or low > p.high:
            return _cause(problem, p, (low, high), rows[row], rows[row])
    return None


def _at_left_out(
    problem: Problem, p: PartialNode, rows: Array, values: Array
) -> Cause | None:
    """Return the cause if an element is certainly where its node is undefined."""
    for x in p.left_out:
        away = np.nan_to_num(np.abs(values - x), nan=np.inf)
        for row in np.argsort(away.min(axis=1), kind="stable")[:FEW_ZEROS]:
            k = int(np.argmin(away[row]))
            if away[row, k] > NEAR_ZERO * max(1.0, abs(x)):
                break
            if _number_at(problem, p.argument, k, rows[row]) == x:
                return _cause(problem, p, (x, x), rows[row], rows[row])
    return None


def _number_at(
    problem: Problem, v: Variable, k: int, row: Array
) -> Fraction | float | None:
    """Return the exact value of an element at a point, or just its sign, if known."""
    found = _between_rows(problem, v, row, row)
    low, high = found.lower.ravel()[k], found.upper.ravel()[k]
    if low == high or low > 0 or high < 0:
        return float(low) if low > 0 else float(high)
    if is_larger([v], MOST_POLE_NODES):
        return None
    element = v if not v.shape else v[np.unravel_index(k, v.shape)]
    return exact_number(substitute(element, problem.arrays(row)))


def _between_rows(problem: Problem, v: Variable, a: Array, b: Array) -> Interval:
    """Enclose a part of the objective over the box of two points."""
    low, high = (problem.arrays(f(a, b)) for f in (np.minimum, np.maximum))
    names = {s.name for s in free_symbols([v])}
    return enclose(v, Box({n: (low[n], high[n]) for n in low if n in names}))


def _between(
    problem: Problem, p: PartialNode, k: int, first: Array, last: Array
) -> Cause | None:
    """Return the cause if an element has different signs at two points."""
    below, above = (_number_at(problem, p.argument, k, row) for row in (first, last))
    if below is None or above is None or not below < 0 < above:
        return None
    if not _joined(problem, first, last):
        return None
    way = _between_rows(problem, p.argument, first, last)
    if not np.isfinite(way.lower.ravel()[k]) or not np.isfinite(way.upper.ravel()[k]):
        return None
    return _closest(problem, p, k, first, last)


def _closest(
    problem: Problem, p: PartialNode, k: int, first: Array, last: Array
) -> Cause | None:
    """Return the cause between two points brought together by bisection."""
    for _ in range(BISECTIONS):
        middle = first + (last - first) / 2
        if np.array_equal(middle, first) or np.array_equal(middle, last):
            break
        x = _between_rows(problem, p.argument, middle, middle)
        low, high = x.lower.ravel()[k], x.upper.ravel()[k]
        if high < 0:
            first = middle
        elif low > 0:
            last = middle
        elif low == high == 0:
            return _cause(problem, p, (0.0, 0.0), middle, middle)
        else:
            break
    if not _continuous(problem, np.ravel(p.argument)[k], first, last):
        return None
    x = _between_rows(problem, p.argument, first, last)
    return _cause(problem, p, (x.lower.ravel()[k], x.upper.ravel()[k]), first, last)


def _continuous(problem: Problem, v: Variable, first: Array, last: Array) -> bool:
    """Return whether the slopes of a number are bounded on the way between points."""
    a, b = problem.arrays(first), problem.arrays(last)
    moved = [s for s in free_symbols([v]) if not np.array_equal(a[s.name], b[s.name])]
    slopes = (_between_rows(problem, g, first, last) for g in grad(v, moved))
    return all(np.isfinite(g.lower).all() & np.isfinite(g.upper).all() for g in slopes)


def _joined(problem: Problem, first: Array, last: Array) -> bool:
    """Return whether all points between two lie in the domain."""
    a, b = problem.arrays(first), problem.arrays(last)
    return all(
        np.array_equal(a[s.name], b[s.name])
        or all(
            isinstance(c, (Range, Within)) for c in problem.domain.constraints[s.name]
        )
        for s in problem.symbols
    )


def _cause(
    problem: Problem, p: PartialNode, argument: tuple[float, float], a: Array, b: Array
) -> Cause:
    ends = [problem.arrays(row) for row in ((a,) if np.array_equal(a, b) else (a, b))]
    low, high = problem.arrays(np.minimum(a, b)), problem.arrays(np.maximum(a, b))
    assert p.node.op is not None  # it was found by its operator
    return Cause(
        kind="undefined",
        operator=p.node.op.name,
        source=describe(p.node.source),
        ranges=((float(argument[0]), float(argument[1])),),
        box={n: (low[n], high[n]) for n in low},
        points=tuple(ends),
    )
