"""One pass of interval arithmetic: boxes for the symbols, rules for the operators.

What `enclose` does once, and whoever needs the enclosure of every node of a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.domain.constraints import ENUMERATED
from deuterium.domain.domain import Domain
from deuterium.errors import ShapeError
from deuterium.evaluate.inputs import require_all, require_known
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.rounding import next_down, next_up


def by_rules(graph: Graph, boxes: Mapping[str, Interval]) -> dict[Variable, Interval]:
    """Return the enclosures of all nodes of a graph by the full rules."""
    return interpret(graph.order, leaf_of(boxes), rule_of)


def full_rules(order: Sequence[Variable]) -> dict[Variable, Interval]:
    """Enclose nodes that depend on no symbol."""
    return interpret(order, _constant, rule_of)


def leaf_of(boxes: Mapping[str, Interval]) -> Callable[[Variable], Interval]:
    """Return the meaning of leaves, given a box for each symbol."""

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


def _is_float(x: Any) -> bool:
    return type(x) is float


def rule_of(op: Operator) -> Callable[..., Interval]:
    """Return the operator's enclosure, keeping plain floats plain floats."""
    rule = op.enclosure

    def run(*args: Interval, **attrs: Any) -> Interval:
        result = rule(*args, **attrs)
        if _is_float(result.lower) or not all(_is_float(a.lower) for a in args):
            return result
        if np.ndim(result.lower) == 0:
            return Interval.unchecked(float(result.lower), float(result.upper))
        return result

    return run


def boxes_of(
    symbols: Mapping[str, Variable], domain: Domain, *, tell_apart: bool = True
) -> tuple[dict[str, Interval], int, tuple[int, ...]]:
    """Return a box per symbol, the number of enumeration axes, and the batch shape.

    ``tell_apart`` says whether few finite values get an axis, or a hull as others do.
    """
    require_known(domain.names, _all_known(symbols, domain), "enclose")
    require_all(domain.names, symbols, "enclose", "bounds")
    tables = tables_of(symbols, domain) if tell_apart else {}
    boxes = {name: domain.hull(s) for name, s in symbols.items() if name not in tables}
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
    return {**dict.fromkeys(domain.shapes), **symbols}


def tables_of(symbols: Mapping[str, Variable], domain: Domain) -> dict[str, Any]:
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
