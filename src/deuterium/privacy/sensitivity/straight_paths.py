"""From a slope to a difference: along a straight path, all of it inside the domain."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.graph.constructors import symbol
from deuterium.graph.traverse import Graph, free_symbols
from deuterium.graph.variable import Variable
from deuterium.ops import arithmetic, arrays, logic, piecewise
from deuterium.optimize.bounders.norm_bounds.convex_nodes import is_convex_in
from deuterium.privacy.sensitivity.bound_sources import refuse_estimate
from deuterium.privacy.sensitivity.no_bound import NO_DISTANCE
from deuterium.privacy.sensitivity.sensitivity_fields import one_number
from deuterium.transform import grad
from deuterium.transform.simplify.simplify import simplify

__all__ = ["require_distance", "through_intervals"]


def require_distance(distance: Any, domain: Domain | None, scope: str | None) -> float:
    """Return a distance over which a slope bounds a difference.

    Raises
    ------
    UnsupportedError
        None was given, or the straight path between two records may leave the domain,
        or more than what the slope is by may differ between them.
    InvalidInputError
        It is no finite number, or negative.
    """
    if distance is None:
        raise UnsupportedError(NO_DISTANCE)
    refuse_estimate(distance, "sensitivity")
    away = one_number("sensitivity", "distance", distance)
    if not 0 <= away < math.inf:
        raise InvalidInputError(
            f"sensitivity: `distance` must be finite and >= 0, got {distance!r}"
        )
    if scope is not None:
        raise UnsupportedError(
            f"sensitivity: this slope holds while {scope}; replacing a record "
            "changes the rest too. Take the slope by all of the record's symbols, "
            "or bound the diameter"
        )
    for reason in () if domain is None else _ways_out(domain):
        raise UnsupportedError(
            "sensitivity: a slope bounds a difference only along a path inside "
            f"the domain, and {reason}; bound the diameter instead"
        )
    return away


def through_intervals(inputs: Iterable[Variable], domain: Domain) -> set[str]:
    """Return the inputs that move freely, each through an interval."""
    if domain.conditions:
        return set()
    hulls = {v.name: domain.hull(v) for v in inputs if v.name in domain.constraints}
    moving = {n for n, x in hulls.items() if np.all(x.lower < x.upper)}
    return moving.difference(domain.discrete)


def _ways_out(domain: Domain) -> Iterator[str]:
    """Yield why a straight path between two points of a domain may leave it."""
    if domain.discrete:
        yield f"{', '.join(domain.discrete)} has separate values"
    for c in domain.conditions:
        if not all(_is_of_convex_set(part) for part in _parts(c)):
            yield f"the condition {str(c)!r:.80} is not known to be of a convex set"


_TOGETHER = {piecewise.minimum, arrays.broadcast, arrays.reshape}  # all of which hold


def _parts(condition: Variable) -> Iterator[Variable]:
    """Yield conditions that all hold where one does."""
    todo = [condition]
    while todo:
        c = todo.pop()
        if c.op in _TOGETHER:
            todo += c.args
        elif not c.is_constant:
            yield c


def _is_of_convex_set(c: Variable) -> bool:
    """Return whether what is compared with 0 is affine, or convex and not above it."""
    below = c.op is logic.logical_not
    inner = c.args[0] if below else c
    if inner.op is not logic.is_positive:
        return False
    h = simplify(inner.args[0])
    symbols, weights = free_symbols([h]), symbol("weights of the elements", h.shape)
    slopes = free_symbols([simplify(g) for g in grad((h * weights).sum(), symbols)])
    if {s.name for s in symbols}.isdisjoint(s.name for s in slopes):
        return True
    g = _without_number(h if below else -h)
    return len(symbols) == 1 and is_convex_in(Graph([g]), *symbols)


def _without_number(h: Variable) -> Variable:
    """Return what a number is added to, whatever its sign."""
    g = simplify(h)
    if g.op is arithmetic.subtract and not free_symbols([g.args[1]]):
        return g.args[0]
    if g.op is arithmetic.add:
        moving = [a for a in g.args if free_symbols([a])]
        return moving[0] if len(moving) == 1 else g
    return g
