"""Sound enclosures: one pass of interval arithmetic over the graph.

What is enclosed is the real-number function of the graph; every rounding goes outward.
Finite sets of values (`Choice`, `OneHot`) are enumerated where they are few, so that
the result is the hull of one enclosure per combination.

That one pass contains the range is the fundamental theorem of interval analysis (R. E.
Moore, "Interval Analysis", Prentice-Hall 1966).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deuterium.domain.conditions import LOWEST, guarded
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose.contract import Empty, contracted
from deuterium.enclose.enclosure_cache import plan_of
from deuterium.enclose.interval_pass import (
    boxes_of,
    by_rules,
    full_rules,
    leaf_of,
    rule_of,
    tables_of,
)
from deuterium.enclose.rounding_errors import MovedFunction, moved_function
from deuterium.errors import BoundsError, InvalidInputError
from deuterium.graph.constructors import as_variable
from deuterium.graph.interpret import interpret
from deuterium.graph.provenance import describe
from deuterium.graph.traverse import Graph, symbols_in
from deuterium.graph.variable import Variable
from deuterium.interval import Cause, Interval, interval_arithmetic
from deuterium.interval.environment import standard_only
from deuterium.interval.rounding import add_down, add_up
from deuterium.transform.pipeline import SIMPLIFIABLE
from deuterium.transform.simplify.simplify import simplify


@standard_only
def enclose(v: Variable, domain: Domain, *, arithmetic: str | None = None) -> Interval:
    """Return what `deuterium.enclose` does, a ball being the box around it."""
    v = as_variable(v)
    if not isinstance(domain, Domain):
        raise InvalidInputError(
            "enclose: `domain` must be a deuterium.Box, Ball, Choice or OneHot (or "
            f"several joined with &), got {type(domain).__name__}"
        )
    if arithmetic is not None:
        return _in_arithmetic(v, domain, arithmetic)
    if domain.conditions:
        return _where_conditions_hold(v, domain)
    plan = plan_of(v)
    boxes, tables, batch = plan.boxes(domain, lambda d: boxes_of(plan.symbols, d))
    with np.errstate(all="ignore"):
        fast = plan.run(v, boxes, tables + len(batch), full_rules)
        if fast is not None:
            if not tables and fast.lower.shape == batch + v.shape:
                return fast
            return _shaped(fast, v, tables, batch)
        dense = plan.dense(v)
        simple = plan.simple(v, dense)
        meaning = by_rules(dense, boxes)
        result = _shaped(meaning[dense[0]], v, tables, batch)
        if simple[0] is not dense[0]:
            other = by_rules(simple, boxes)[simple[0]]
            result = interval_arithmetic.intersect(
                result, _shaped(other, v, tables, batch)
            )
        if not _is_finite(result) and len(meaning) <= SIMPLIFIABLE:
            # over this very domain, what looks like a pole may be known to be none
            special = Graph(simplify(dense, domain))
            other = by_rules(special, boxes)[special[0]]
            result = interval_arithmetic.intersect(
                result, _shaped(other, v, tables, batch)
            )
        if not _is_finite(result):
            result.cause = find_cause(dense[0], meaning)
    return result


def _in_arithmetic(v: Variable, domain: Domain, arithmetic: str) -> Interval:
    """Return an enclosure of what is computed, and of the exact values."""
    moved = moved_in(v, domain, arithmetic)
    exact = enclose(moved.value, moved.domain)
    with np.errstate(all="ignore"):
        low = add_down(exact.lower, -moved.error)
        if v.op is not None and v.op.nonnegative and v.op.definition is None:
            low = np.maximum(low, 0.0)
        result = Interval.unchecked(low, add_up(exact.upper, moved.error))
    result.cause = exact.cause or moved.cause
    return result


def moved_in(v: Variable, domain: Domain, arithmetic: str) -> MovedFunction:
    """Return `moved_function` over a domain, cut down by its conditions."""
    boxes = narrowed(v, domain) if domain.conditions else domain
    return moved_function(v, domain, arithmetic, boxes=boxes)


def _where_conditions_hold(v: Variable, domain: Domain) -> Interval:
    """Return what holds both where points outside count for little and for much."""
    plain, conditions = narrowed(v, domain), domain.conditions
    below = enclose(guarded(v, conditions, LOWEST), plain)
    above = enclose(guarded(v, conditions, -LOWEST), plain)
    if np.any(below.upper <= LOWEST):
        raise _empty(domain)
    result = Interval.unchecked(above.lower, below.upper)
    result.cause = below.cause or above.cause
    return result


def narrowed(v: Variable, domain: Domain) -> Domain:
    """Return the domain without its conditions, its boxes cut down by them.

    Raises
    ------
    BoundsError
        No point of the domain satisfies them.
    """
    used = {s.name: s for s in Graph([v, *domain.conditions]).symbols}
    boxes = {n: domain.hull(s) for n, s in used.items() if n in domain.names}
    if len(boxes) < len(used) or any(boxes[n].shape != used[n].shape for n in used):
        return domain.plain  # to be said where it is met; batches stay as they are
    try:
        smaller = contracted(domain.conditions, boxes)
    except Empty:
        raise _empty(domain) from None
    ends = {used[n]: (x.lower, x.upper) for n, x in smaller.items()}
    return domain.plain & Box(ends)


def _empty(domain: Domain) -> BoundsError:
    return BoundsError(
        "enclose: no point of the box satisfies the conditions of `domain`, it is "
        f"empty: {domain!r:.200}"
    )


def as_written(order: Sequence[Variable], domain: Domain) -> Interval:
    """Return an enclosure of the last of some nodes, without any preparations."""
    v = order[-1]
    boxes, tables, batch = boxes_of({s.name: s for s in symbols_in(order)}, domain)
    with np.errstate(all="ignore"):
        meaning = interpret(order, leaf_of(boxes), rule_of)
        result = _shaped(meaning[v], v, tables, batch)
        if not _is_finite(result):
            result.cause = find_cause(v, meaning)
    return result


def enumerated(symbols: Sequence[Variable], domain: Domain) -> list[str]:
    """Return the names of those of a graph's symbols whose values are told apart."""
    return sorted(tables_of({s.name: s for s in symbols}, domain))


def _shaped(x: Interval, v: Variable, tables: int, batch: tuple[int, ...]) -> Interval:
    """Return arrays of full shape, the hull over finite values taken."""
    result = _finished(x, v, tables + len(batch), batch)
    return _hull_over(result, tables) if tables else result


def _is_finite(x: Interval) -> bool:
    return bool(np.isfinite(x.lower).all() and np.isfinite(x.upper).all())


def _finished(
    x: Interval, v: Variable, leading: int, batch: tuple[int, ...]
) -> Interval:
    """Return arrays of full shape, with undefined ends made infinite."""
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    undefined = np.isnan(low) | np.isnan(high)
    if undefined.any():
        floor = -np.inf if v.op is None else v.op.lower_bound
        low = np.where(undefined, floor, low)
        high = np.where(undefined, np.inf, high)
    if leading:
        lead = low.shape[: low.ndim - v.ndim]
        lead = np.broadcast_shapes(lead, batch, (1,) * leading)
        low = np.broadcast_to(low, lead + v.shape)
        high = np.broadcast_to(high, lead + v.shape)
    return Interval.unchecked(np.array(low), np.array(high))


def _hull_over(x: Interval, tables: int) -> Interval:
    axes = tuple(range(tables))
    return Interval.unchecked(x.lower.min(axis=axes), x.upper.max(axis=axes))


# -- why an end is infinite ----------------------------------------------------------


def find_cause(v: Variable, meaning: Mapping[Variable, Interval]) -> Cause:
    """Follow infinite and undefined ends down the graph to where they begin."""
    node, at = v, _within(meaning[v], None)
    while True:
        bad = _bad(_part(meaning[node], at))
        follow = at if node.op is not None and node.op.elementwise else None
        for argument in node.args:
            if _bad(_part(meaning[argument], follow)) >= bad:
                node, at = argument, _within(meaning[argument], follow)
                break
        else:
            return _cause(node, at, meaning)


At = tuple[int, ...] | None


def _part(x: Interval, at: At) -> Interval:
    """Return one element, given its index with any batch axes; all of them for None."""
    ndim = np.ndim(x.lower)
    if at is None or ndim > len(at):
        return x
    ends = zip(at[len(at) - ndim :], np.shape(x.lower), strict=True)
    return x[tuple(min(i, n - 1) for i, n in ends)]  # an axis of one is spread


def _within(x: Interval, at: At) -> At:
    """Keep to the element in question, or pick the first bad one."""
    return _first_bad(x) if at is None else at


def _bad(x: Interval) -> int:
    """2 for undefined somewhere, 1 for infinite somewhere, 0 for all well."""
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    if np.isnan(low).any() or np.isnan(high).any():
        return 2
    return 0 if np.isfinite(low).all() and np.isfinite(high).all() else 1


def _first_bad(x: Interval) -> tuple[int, ...]:
    """Return the index of the first undefined element, or else of an infinite one."""
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    wanted = np.isnan(low) | np.isnan(high)
    if not wanted.any():
        wanted = ~(np.isfinite(low) & np.isfinite(high))
    return tuple(int(i) for i in np.argwhere(wanted)[0]) if wanted.ndim else ()


def _cause(node: Variable, at: At, meaning: Mapping[Variable, Interval]) -> Cause:
    if node.op is None:
        return Cause(
            "unbounded",
            node.name or "constant",
            describe(node.source),
            (_ends(_part(meaning[node], at)),),
        )
    kind = "undefined" if _bad(_part(meaning[node], at)) == 2 else "overflow"
    follow = at if node.op.elementwise else None
    ranges = tuple(_ends(_part(meaning[a], follow)) for a in node.args)
    return Cause(kind, node.op.name, describe(node.source), ranges)


def _ends(x: Interval) -> tuple[float, float]:
    """Return the hull of all elements."""
    return float(np.min(x.lower)), float(np.max(x.upper))
