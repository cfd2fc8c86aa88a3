"""Enclosures in which Euclidean balls count, not only the boxes around them.

Where a graph adds up the squares of a symbol that lies in a ball (less a constant),
that sum is at most the square of how far the ball reaches, whatever the box around it
says.  The sum is replaced by a symbol of that range, and the least counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.domain.constraints import Within
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose.enclose import enclose as enclose_boxes
from deuterium.graph.constructors import VariableLike, as_variable, symbol
from deuterium.graph.interpret import interpret
from deuterium.graph.substitute import rebuild
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.interval.environment import standard_only
from deuterium.interval.rounding import EPS, MIN_NORMAL

__all__ = ["enclose"]


@standard_only
def enclose(
    v: VariableLike, domain: Domain, *, arithmetic: str | None = None
) -> Interval:
    """Return an interval that certainly holds every value of ``v`` over a domain.

    Parameters
    ----------
    v : Variable
        A scalar or an array; it is enclosed element by element.
    domain : Domain
        Bounds for every symbol of ``v``.  Bounds with extra leading axes make a batch
        of boxes, and the result has those axes in front of ``v``'s shape.
    arithmetic : {"float32", "float64"}, optional
        What is computed in this arithmetic lies in the interval, too: see
        `deuterium.enclose.rounding_errors` for which evaluations.

    Returns
    -------
    Interval
        ``.lower`` and ``.upper`` are float64 arrays, rounded outward.  Where the domain
        touches a pole, leaves an operator's domain, or a bound overflows, the upper end
        is infinite and ``.cause`` names the operator, its source line and its range.

    Raises
    ------
    MissingSymbolError, UnknownSymbolError, BoundsError, ShapeError
        The domain does not fit the symbols of ``v``.

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x")
    >>> dt.enclose(x**2 - x, dt.Box({x: (0, 1)}))
    Interval([-1.0, 1.0])
    """
    found = enclose_boxes(v, domain, arithmetic=arithmetic)
    if arithmetic is not None or domain.conditions or not _has_balls(domain):
        return found  # conditions say more
    whole = as_variable(v)
    if found.lower.shape != whole.shape:  # of a batch, each box has its own
        return found
    ranges = dict(_sums_in_balls(whole, domain))
    if not ranges:
        return found
    fresh = max(map(len, domain.names)) * "'"  # of no name that is taken
    names = {n: symbol(f"squares added up {i}{fresh}") for i, n in enumerate(ranges)}
    other = _replaced(whole, names)
    used = {s.name for s in free_symbols([other])}
    box = Box(
        {names[n]: (0.0, top) for n, top in ranges.items() if names[n].name in used}
    )
    closer = enclose_boxes(
        other, domain.restricted(sorted(used & set(domain.names))) & box
    )
    result = interval_arithmetic.intersect(found, closer)
    if not np.isfinite(result.upper).all():
        result.cause = found.cause
    return result


def _has_balls(domain: Domain) -> bool:
    rules = (c for several in domain.constraints.values() for c in several)
    return any(isinstance(c, Within) and c.order == 2 for c in rules)


def _sums_in_balls(v: Variable, domain: Domain) -> Iterator[tuple[Variable, float]]:
    """Yield sums of all squares of what lies in a ball, and the most they can be."""
    balls = {}
    for s in free_symbols([v]):
        for c in domain.constraints.get(s.name, ()):
            if isinstance(c, Within) and c.order == 2:
                balls[s] = c
    for node in topological([v]):
        base = _squared(node)
        away: Any = 0.0
        if base is not None and base.op is ops.subtract and base.args[1].is_constant:
            away, base = np.asarray(base.args[1].value, dtype=float), base.args[0]
        if base in balls and np.ndim(away) <= len(base.shape):
            ball = balls[base]
            gap = np.broadcast_to(np.asarray(ball.center) - away, base.shape)
            count = base.size + 16
            reach = ball.radius + float(np.sqrt(np.sum(np.square(gap))))
            slip = float(
                np.abs(ball.center).max(initial=0.0) + np.abs(away).max(initial=0.0)
            )
            reach = (reach + slip * count * EPS) * (1 + count * EPS)
            yield node, reach * reach * (1 + 4 * EPS) + MIN_NORMAL


def _squared(node: Variable) -> Variable | None:
    """Return x where a node is the sum of all squares of x, a whole array."""
    if node.op is not ops.add_reduce or node.shape:
        return None
    (squares,) = node.args
    if squares.op is ops.square:
        return squares.args[0]
    if squares.op is ops.multiply and squares.args[0] is squares.args[1]:
        return squares.args[0]
    return None


def _replaced(v: Variable, names: dict[Variable, Variable]) -> Variable:
    """Return a graph with symbols in the place of some nodes."""
    return interpret(topological([v]), lambda old: old, rebuild, dict(names))[v]
