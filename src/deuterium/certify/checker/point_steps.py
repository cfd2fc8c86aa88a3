"""Steps that work out values at points: one for each group of a layout.

The same groups as for ranges, but one ball a slot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flint import arb, arb_mat

from deuterium import ops
from deuterium.certify.checker import choice_table, system_steps
from deuterium.certify.checker.ball_functions import (
    HALF,
    ONE,
    UNKNOWN,
    ZERO,
    Ball,
    between,
    where_known,
)
from deuterium.certify.checker.defined_operator import entry_of
from deuterium.certify.checker.range_steps import largest, log_sum_exp, others
from deuterium.certify.checker.scalar_layout import TaskGroup, flat
from deuterium.graph.operator import Operator

Values = list[Ball]
Step = Callable[[Values], None]


def _reduction(reduce: Callable[[Sequence[Ball]], Ball], group: TaskGroup) -> Step:
    def step(values: Values) -> None:
        for (k,), ins in group.tasks:
            values[k] = reduce([values[i] for i in ins])

    return step


def _rows(row: Callable[[list[Ball]], Sequence[Ball]], group: TaskGroup) -> Step:
    def step(values: Values) -> None:
        for outs, ins in group.tasks:
            for k, y in zip(outs, row([values[i] for i in ins]), strict=True):
                values[k] = y

    return step


def _row_ranges(row: Callable[[Any], Any], group: TaskGroup) -> Step:
    """Return the step of a row whose values are the hulls of its ranges."""

    def step(values: Values) -> None:
        for outs, ins in group.tasks:
            given = [values[i] for i in ins]
            if not all(x.is_finite() for x in given):
                found = [UNKNOWN] * len(outs)
            else:
                found = [
                    between(*r) for r in row([(x.lower(), x.upper()) for x in given])
                ]
            for k, y in zip(outs, found, strict=True):
                values[k] = y

    return step


def _product(balls: Sequence[Ball]) -> Ball:
    result = ONE
    for x in balls:
        result = result * x
    return result


def _softmax(row: list[Ball]) -> list[Ball]:
    # shares do not change by a shift, and without one are less often exact
    top = largest(row).mid()
    powers = [(x - top if top.is_finite() else x).exp() for x in row]
    return [p / (p + q) for p, q in zip(powers, others(powers), strict=True)]


_zero = where_known(lambda *balls: ZERO)


def _argmax_onehot(row: list[Ball]) -> list[Ball]:
    """Choose the first of equals: above those before it, not below those behind."""
    if not all(x.is_finite() for x in row):
        return [UNKNOWN] * len(row)
    out = []
    for i, x in enumerate(row):
        wins = all(x > y for y in row[:i]) and all(x >= y for y in row[i + 1 :])
        loses = any(x <= y for y in row[:i]) or any(x < y for y in row[i + 1 :])
        out.append(ONE if wins else ZERO if loses else arb(HALF, HALF))
    return out


def _matmul(group: TaskGroup) -> Step:
    rows, inner, columns = group.attrs["shape"]
    ((outs, ins),) = group.tasks
    a, b = ins[: rows * inner], ins[rows * inner :]

    def step(values: Values) -> None:
        left = arb_mat(rows, inner, [values[i] for i in a])
        right = arb_mat(inner, columns, [values[i] for i in b])
        for k, y in zip(outs, (left * right).entries(), strict=True):
            values[k] = y

    return step


def _elementwise(function: Callable[..., Ball], group: TaskGroup) -> Step:
    places = flat(group.tasks)
    if not places or len(places[0]) == 2:

        def one(values: Values) -> None:
            for k, i in places:
                values[k] = function(values[i])

        return one

    def several(values: Values) -> None:
        for k, *ins in places:
            values[k] = function(*[values[i] for i in ins])

    return several


_REDUCTIONS: Mapping[Operator, Callable[[Sequence[Ball]], Ball]] = {
    ops.add_reduce: lambda balls: sum(balls, ZERO),
    ops.multiply_reduce: _product,
    ops.maximum_reduce: largest,
    ops.logsumexp_last: log_sum_exp,
    ops.argmax_slope: lambda balls: _zero(*balls),
}
_ROWS: Mapping[Operator, Any] = {
    ops.softmax_last: _softmax,
    ops.argmax_onehot: _argmax_onehot,
}


def step_for(group: TaskGroup) -> Step:
    """Return the step of a group."""
    op = group.op
    if op in _REDUCTIONS:
        return _reduction(_REDUCTIONS[op], group)
    if op in _ROWS:
        return _rows(_ROWS[op], group)
    if op is ops.matmul:
        return _matmul(group)
    if op in system_steps.OPERATORS:
        return system_steps.point_step(group)
    if op in choice_table.ROWS:
        return _row_ranges(choice_table.ROWS[op](group.attrs), group)
    return _elementwise(entry_of(op, group.attrs).value, group)
