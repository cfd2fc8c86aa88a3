"""Enclosures in which Euclidean balls count, not only the boxes around them.

Where a graph adds up the squares of a symbol that lies in a ball (less a constant),
that sum is at most the square of how far the ball reaches, whatever the box around it
says.  A linear number moves from the centre by at most the radius times the length of
its slope.  Such numbers are replaced by symbols of their range, and the least counts.
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
from deuterium.interval.rounding import EPS, MIN_NORMAL, add_down, add_up
from deuterium.ops import arrays
from deuterium.transform.differentiate import grad

__all__ = ["enclose"]

Found = tuple[Variable, tuple[float, float]]
NOWHERE = Box({})
MOST_FORMS = 64  # linear numbers that are looked at, each with a slope of its own
_JOINING = {ops.add_reduce, ops.matmul, ops.add, ops.subtract, ops.reshape}


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
    >>> dt.enclose(x - x**2, dt.Box({x: (0, 1)}))
    Interval([0.0, 1.0])
    """
    found = enclose_boxes(v, domain, arithmetic=arithmetic)
    if arithmetic is not None or domain.conditions or not _has_balls(domain):
        return found  # conditions say more
    whole = as_variable(v)
    if found.lower.shape != whole.shape:  # of a batch, each box has its own
        return found
    balls = _balls(whole, domain)
    ranges = dict(_sums_in_balls(whole, balls)) | dict(_forms_in_balls(whole, balls))
    if not ranges:
        return found
    fresh = max(map(len, domain.names)) * "'"  # of no name that is taken
    names = {n: symbol(f"squares added up {i}{fresh}") for i, n in enumerate(ranges)}
    other = _replaced(
        whole, {n: arrays.reshape_to(s, n.shape) for n, s in names.items()}
    )
    used = {s.name for s in free_symbols([other])}
    box = Box({names[n]: ends for n, ends in ranges.items() if names[n].name in used})
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


def _balls(v: Variable, domain: Domain) -> dict[Variable, Within]:
    """Return a ball of each symbol that lies in one."""
    balls = {}
    for s in free_symbols([v]):
        for c in domain.constraints.get(s.name, ()):
            if isinstance(c, Within) and c.order == 2:
                balls[s] = c
    return balls


def _forms_in_balls(v: Variable, balls: dict[Variable, Within]) -> Iterator[Found]:
    """Yield numbers that are linear in what lies in one ball, and their ranges."""
    made_of: dict[Variable, frozenset[Variable] | None] = {}  # None: not linear
    wanted: dict[Variable, None] = {}
    for n in topological([v]):
        made_of[n] = _symbols_of_linear(n, made_of)
        if made_of[n] is None or n is v:  # what linear numbers it is made of
            wanted |= dict.fromkeys(a for a in (n, *n.args) if made_of[a])
    for n in list(wanted)[:MOST_FORMS]:
        s = next(iter(made_of[n] or ()), n)
        if len(made_of[n] or ()) > 1:
            continue
        if s not in balls or n.size > 1 or n.op not in _JOINING:
            continue
        form = arrays.reshape_to(n, ())
        slope = grad(form, s).reshape(-1)
        if free_symbols([slope]):
            continue
        squares = enclose_boxes(ops.add_reduce(slope * slope, axis=(-1,)), NOWHERE)
        ball, length = balls[s], float(np.sqrt(squares.upper)) * (1 + 4 * EPS)
        away = ball.radius * length * (1 + 4 * EPS) + MIN_NORMAL
        center = np.broadcast_to(ball.center, s.shape)
        middle = enclose_boxes(form, Box({s: (center, center)}))
        move = np.asarray(away)
        ends = float(add_down(middle.lower, -move)), float(add_up(middle.upper, move))
        if np.isfinite(ends).all():
            yield n, ends


def _symbols_of_linear(
    n: Variable, made_of: dict[Variable, frozenset[Variable] | None]
) -> frozenset[Variable] | None:
    """Return the symbols of a node that is linear in them; None of another."""
    if n.op is None:
        return frozenset([n] if n.is_symbol else [])
    parts = [made_of[a] for a in n.args]
    moving = [p for p in parts if p is None or p]
    if not moving:
        return frozenset()
    scales = n.op.bilinear or (n.op is ops.divide and not parts[-1])
    if not n.op.linear and not (scales and len(moving) == 1):
        return None
    return frozenset().union(*parts) if None not in parts else None  # type: ignore[arg-type]


def _sums_in_balls(v: Variable, balls: dict[Variable, Within]) -> Iterator[Found]:
    """Yield sums of all squares of what lies in a ball, and their ranges."""
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
            yield node, (0.0, reach * reach * (1 + 4 * EPS) + MIN_NORMAL)


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
