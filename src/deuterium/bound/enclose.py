"""Sound enclosures: one pass of interval arithmetic over the graph.

What is enclosed is the real-number function of the graph; every rounding goes outward.
Finite sets of values (`Choice`, `OneHot`) are enumerated where they are few, so that
the result is the hull of one enclosure per combination.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from deuterium.bound.domain import Domain
from deuterium.errors import InvalidInputError, ShapeError
from deuterium.evaluate.values import require_all, require_known
from deuterium.graph.check import check_nodes
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.source import describe
from deuterium.graph.traverse import symbols_in, topological
from deuterium.graph.variable import Variable, as_variable
from deuterium.interval import Cause, Interval
from deuterium.interval.rounding import next_down, next_up

ENUMERATED = 256  # at most so many combinations of finite values are told apart


def enclose(v: Variable, domain: Domain) -> Interval:
    """Return an interval that certainly holds every value of ``v`` over a domain.

    Parameters
    ----------
    v : Variable
        A scalar or an array; it is enclosed element by element.
    domain : Domain
        Bounds for every symbol of ``v``.  Bounds with extra leading axes make a batch
        of boxes, and the result has those axes in front of ``v``'s shape.

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
    """
    v = as_variable(v)
    if not isinstance(domain, Domain):
        raise InvalidInputError(
            "enclose: `domain` must be a deuterium.Box, Ball, Choice or OneHot (or "
            f"several joined with &), got {type(domain).__name__}"
        )
    order = topological([v])
    check_nodes(order)
    boxes, tables, batch = _boxes(symbols_in(order), domain)
    with np.errstate(all="ignore"):
        meaning = interpret(order, _leaf(boxes), _rule)
        result = _finished(meaning[v], v, tables + len(batch), batch)
        if tables:
            result = _hull_over(result, tables)
        if not (np.isfinite(result.lower).all() and np.isfinite(result.upper).all()):
            result.cause = find_cause(v, meaning)
    return result


def _leaf(boxes: Mapping[str, Interval]) -> Callable[[Variable], Interval]:
    def leaf(v: Variable) -> Interval:
        return boxes[v.name] if v.is_symbol else _constant(v)

    return leaf


def _constant(v: Variable) -> Interval:
    if v.shape:
        return Interval.unchecked(v.value, v.value)
    number = float(v.value)
    if number == v.value:
        return Interval.unchecked(number, number)
    # an integer too long for a double
    return Interval.unchecked(float(next_down(number)), float(next_up(number)))


def _rule(op: Operator) -> Callable[..., Interval]:
    """Return the operator's enclosure, keeping plain floats plain floats."""
    rule = op.enclosure

    def run(*args: Interval, **attrs: Any) -> Interval:
        result = rule(*args, **attrs)
        if type(result.lower) is float or not all(type(a.lower) is float for a in args):
            return result
        if np.ndim(result.lower) == 0:
            return Interval.unchecked(float(result.lower), float(result.upper))
        return result

    return run


def _boxes(
    found: list[Variable], domain: Domain
) -> tuple[dict[str, Interval], int, tuple[int, ...]]:
    """Return a box per symbol, the number of enumeration axes, and the batch shape."""
    symbols = {s.name: s for s in found}
    require_known(domain.names, _all_known(symbols, domain), "enclose")
    require_all(domain.names, symbols, "enclose", "bounds")
    tables = _enumerated(symbols, domain)
    boxes = {
        name: domain.hull(s) for name, s in symbols.items() if name not in tables
    }
    batches = [b.shape[: len(b.shape) - symbols[n].ndim] for n, b in boxes.items()]
    try:
        batch = np.broadcast_shapes(*batches)
    except ValueError:
        raise ShapeError(
            f"enclose: batch axes of the bounds do not broadcast: {batches}"
        ) from None
    for i, (name, table) in enumerate(tables.items()):
        boxes[name] = _spread(table, i, len(tables), len(batch))
    if not batch and not tables:
        boxes = {n: _as_floats(b) if b.shape == () else b for n, b in boxes.items()}
    return boxes, len(tables), batch


def _all_known(symbols: Mapping[str, Variable], domain: Domain) -> Any:
    """Bounds for a symbol given as a Variable that does not occur are harmless."""
    return {**{n: None for n in domain.shapes}, **symbols}


def _enumerated(symbols: Mapping[str, Variable], domain: Domain) -> dict[str, Any]:
    """Return the tables of finite symbols, as many as the limit lets be told apart."""
    tables: dict[str, Any] = {}
    count = 1
    for name, s in symbols.items():
        table = domain.table(s)
        if table is not None and count * len(table) <= ENUMERATED:
            tables[name] = table
            count *= len(table)
    return tables


def _spread(table: Any, i: int, tables: int, batch: int) -> Interval:
    """Return a table as points along its own enumeration axis."""
    axes = [1] * tables + [1] * batch
    axes[i] = len(table)
    points = np.reshape(table, (*axes, *table.shape[1:]))
    return Interval.unchecked(points, points)


def _as_floats(box: Interval) -> Interval:
    return Interval.unchecked(float(box.lower), float(box.upper))


def _finished(
    x: Interval, v: Variable, leading: int, batch: tuple[int, ...]
) -> Interval:
    """Return arrays of full shape, with undefined ends made infinite."""
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    undefined = np.isnan(low) | np.isnan(high)
    if undefined.any():
        floor = -np.inf if v.op is None else v.op.at_least
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
    node, bad = v, _bad(meaning[v])
    while True:
        worse = [a for a in node.args if _bad(meaning[a]) >= min(bad, 1)]
        if not worse:
            return _cause(node, meaning)
        node = max(worse, key=lambda a: _bad(meaning[a]))
        bad = _bad(meaning[node])


def _bad(x: Interval) -> int:
    """2 for undefined somewhere, 1 for infinite somewhere, 0 for all well."""
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    if np.isnan(low).any() or np.isnan(high).any():
        return 2
    return 0 if np.isfinite(low).all() and np.isfinite(high).all() else 1


def _cause(node: Variable, meaning: Mapping[Variable, Interval]) -> Cause:
    if node.op is None:
        kind, name, of = "unbounded", node.name or "constant", (node,)
    else:
        kind = "undefined" if _bad(meaning[node]) == 2 else "overflow"
        name, of = node.op.name, node.args
    at = _first_bad(meaning[node])
    ranges = tuple(_range_at(meaning[a], at) for a in of)
    return Cause(kind, name, describe(node.source), ranges)


def _first_bad(x: Interval) -> tuple[int, ...]:
    finite = np.isfinite(np.asarray(x.lower)) & np.isfinite(np.asarray(x.upper))
    return tuple(int(i[0]) for i in np.nonzero(~finite)) if finite.ndim else ()


def _range_at(x: Interval, at: tuple[int, ...]) -> tuple[float, float]:
    """The range of one element if shapes agree, else the hull of all elements."""
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    if low.ndim == len(at) and all(i < n for i, n in zip(at, low.shape, strict=True)):
        return float(low[at]), float(high[at])
    return float(np.min(low)), float(np.max(high))


