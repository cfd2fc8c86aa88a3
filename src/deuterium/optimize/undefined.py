"""Proof that an objective is not defined throughout its domain.

An operator leaves the reals at a point where its argument certainly lies outside its
domain, or on the way between two points at which the argument of a quotient has
different signs: it is 0 in between (Bolzano) where it is continuous, which it is where
its slopes are bounded (those of a jump are not defined).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.domain.constraints import Range, Within
from deuterium.domain.points import Feasible
from deuterium.domain.problem import Problem
from deuterium.domain.spaces import Box
from deuterium.enclose.enclose import enclose
from deuterium.evaluate import compile
from deuterium.graph.provenance import describe
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.variable import Variable
from deuterium.interval import Cause, Interval
from deuterium.ops import arithmetic, arrays, logic, piecewise
from deuterium.optimize.preparation_options import (
    BISECTIONS,
    FEW_ZEROS,
    MOST_ARGUMENTS,
    MOST_PARTIAL_NODES,
    TRIED_POINTS,
)
from deuterium.transform.differentiate import grad


class PartialNode(NamedTuple):
    """A node that is defined only where its argument lies between two ends."""

    node: Variable
    argument: Variable
    low: float
    high: float
    pole: bool  # at 0, and defined on both sides of it
    left_out: float = 0.0  # a number that does not belong to the domain, or NaN


def proved_undefined(
    problem: Problem, seed: int, *, zeros: bool = False
) -> Cause | None:
    """Return where the objective is certainly undefined, if that is found out.

    Its ``points`` are one at which it is, or two between which an argument changes its
    sign.  A single point at which a divisor is 0, or a logarithm's argument, proves it
    only with ``zeros``: beside one the function may well be bounded, which is to be
    found out first.
    """
    partial = list(_partial_nodes(problem.objective))[:MOST_PARTIAL_NODES]
    partial = [p for p in partial if 0 < p.argument.size <= MOST_ARGUMENTS]
    if not partial or not problem.size:
        return None
    place = Feasible(problem)
    rows = np.concatenate(
        [place.notable(), place.random(TRIED_POINTS, np.random.default_rng(seed))]
    )
    run = compile(problem.symbols, [p.argument for p in partial])
    found = run(*problem.arrays(rows).values())
    for p, values in zip(partial, found, strict=True):
        values = np.broadcast_to(values, (len(rows), *p.argument.shape))
        values = values.reshape(len(rows), -1)
        cause = _shown(problem, p, rows, values)
        if cause is None and zeros:
            cause = _at_left_out(problem, p, rows, values)
        if cause is not None:
            return cause
    return None


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
                left_out = math.nan if n.op.closed[0] else low
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
    x = p.left_out
    for row in np.flatnonzero((values == x).any(axis=1))[:FEW_ZEROS]:
        found = _between_rows(problem, p.argument, rows[row], rows[row])
        if np.any((found.lower == x) & (found.upper == x)):
            return _cause(problem, p, (x, x), rows[row], rows[row])
    return None


def _between_rows(problem: Problem, v: Variable, a: Array, b: Array) -> Interval:
    """Enclose a part of the objective over the box of two points."""
    low, high = (problem.arrays(f(a, b)) for f in (np.minimum, np.maximum))
    names = {s.name for s in free_symbols([v])}
    return enclose(v, Box({n: (low[n], high[n]) for n in low if n in names}))


def _between(
    problem: Problem, p: PartialNode, k: int, first: Array, last: Array
) -> Cause | None:
    """Return the cause if an element has different signs at two points."""
    below, above = (
        _between_rows(problem, p.argument, row, row) for row in (first, last)
    )
    if not (below.upper.ravel()[k] < 0 < above.lower.ravel()[k]):
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
