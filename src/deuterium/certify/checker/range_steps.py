"""Steps that work out ranges: one for each group of a layout.

A step takes the lists of lower and upper ends, by slot, and fills in its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import accumulate
from operator import add, itemgetter
from typing import Any

from flint import ctx

from deuterium import ops
from deuterium.certify.checker import choice_table, logistic_family, system_steps
from deuterium.certify.checker.ball_functions import (
    ONE,
    UNKNOWN,
    ZERO,
    Ball,
    larger,
    share,
)
from deuterium.certify.checker.binary_ranges import times
from deuterium.certify.checker.defined_operator import entry_of
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.operator_table import TABLE
from deuterium.certify.checker.range_products import product_step
from deuterium.certify.checker.scalar_layout import Task, TaskGroup, flat
from deuterium.graph.operator import Operator

Ends = list[Ball]
Step = Callable[[Ends, Ends], None]

QUICK = 96  # bits; with more, sums are no less than a term where others are positive
FEW = 16  # elements of a softmax of which differences are cheap


def _one_variable(rule: Any, group: TaskGroup) -> Step:
    places = flat(group.tasks)

    def step(low: Ends, high: Ends) -> None:
        for k, i in places:
            low[k], high[k] = rule(low[i], high[i])

    return step


def _several(rule: Any, group: TaskGroup) -> Step:
    places = flat(group.tasks)

    def step(low: Ends, high: Ends) -> None:
        for k, *ins in places:
            low[k], high[k] = rule(*[e for i in ins for e in (low[i], high[i])])

    return step


def _rows(rule: Any, group: TaskGroup) -> Step:
    def step(low: Ends, high: Ends) -> None:
        for outs, ins in group.tasks:
            found = rule([(low[i], high[i]) for i in ins])
            for k, (a, b) in zip(outs, found, strict=True):
                low[k], high[k] = a, b

    return step


def _least(x: Ball, y: Ball) -> Ball:
    """Return a sum, and no less than what it is if a term above zero were zero.

    A ball does not tell: 1 + 1e-300 is a number around 1.
    """
    total = x + y
    if y >= ZERO and not total > x:
        total = x
    return y if x >= ZERO and not total > y else total


def _most(x: Ball, y: Ball) -> Ball:
    return -_least(-x, -y)


def _add(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    places = flat(group.tasks)

    def step(low: Ends, high: Ends) -> None:
        least, most = (_least, _most) if ctx.prec > QUICK else (add, add)
        for k, i, j in places:
            low[k], high[k] = least(low[i], low[j]), most(high[i], high[j])

    return step


def _subtract(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    places = flat(group.tasks)

    def step(low: Ends, high: Ends) -> None:
        least, most = (_least, _most) if ctx.prec > QUICK else (add, add)
        for k, i, j in places:
            low[k], high[k] = least(low[i], -high[j]), most(high[i], -low[j])

    return step


def _negation(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    return _one_variable(lambda a, b: (_least(ONE, -b), _most(ONE, -a)), group)


def _multiply(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    """Products with constants first: their signs are known beforehand."""
    up, down, rest = [], [], []
    squares: list[Task] = []
    for k, i, j in flat(group.tasks):
        if i in fixed:
            i, j = j, i
        if i == j:
            squares.append(((k,), (i,)))
        elif j in fixed and fixed[j] > ZERO:
            up.append((k, i, j))
        elif j in fixed and fixed[j] < ZERO:
            down.append((k, i, j))
        else:
            rest.append((k, i, j))
    squared = _one_variable(TABLE[ops.square].range, TaskGroup(ops.square, squares, {}))

    def step(low: Ends, high: Ends) -> None:
        for k, i, j in up:
            c = low[j]
            low[k], high[k] = low[i] * c, high[i] * c
        for k, i, j in down:
            c = low[j]
            low[k], high[k] = high[i] * c, low[i] * c
        for k, i, j in rest:
            low[k], high[k] = times(low[i], high[i], low[j], high[j])
        if squares:
            squared(low, high)

    return step


def _sum(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    places = [(outs[0], itemgetter(*ins)) for outs, ins in group.tasks]

    def step(low: Ends, high: Ends) -> None:
        least, most = (_least, _most) if ctx.prec > QUICK else (add, add)
        for k, terms in places:
            low[k] = reduce(least, terms(low), ZERO)
            high[k] = reduce(most, terms(high), ZERO)

    return step


def _prod(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    def step(low: Ends, high: Ends) -> None:
        for (k,), ins in group.tasks:
            a = b = ONE
            for i in ins:
                a, b = times(a, b, low[i], high[i])
            low[k], high[k] = a, b

    return step


def largest(balls: Sequence[Ball]) -> Ball:
    """Return the largest of several balls."""
    top = balls[0]
    for x in balls[1:]:
        top = larger(top, x)
    return top


def _max(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    def step(low: Ends, high: Ends) -> None:
        for (k,), ins in group.tasks:
            low[k] = largest([low[i] for i in ins])
            high[k] = largest([high[i] for i in ins])

    return step


def log_sum_exp(balls: Sequence[Ball]) -> Ball:
    """Return ``log(sum(exp(x)))``; exponents of balls do not overflow."""
    top = largest(balls)
    if not top.is_finite():
        return sum([x.exp() for x in balls], ZERO).log()
    # one of the shares is 1, whatever is lost of differences of large numbers
    return top + larger(sum([share(x - top) for x in balls], ZERO), ONE).log()


def _logsumexp(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    def step(low: Ends, high: Ends) -> None:
        for (k,), ins in group.tasks:
            low[k] = log_sum_exp([low[i] for i in ins])
            high[k] = log_sum_exp([high[i] for i in ins])

    return step


def others(terms: list[Ball]) -> list[Ball]:
    """Return, for each term, the sum of the others; nothing is subtracted."""
    before = list(accumulate(terms[:-1], initial=ZERO))
    after = list(accumulate(terms[:0:-1], initial=ZERO))[::-1]
    return [a + b for a, b in zip(before, after, strict=True)]


def _share(own: Ball, rest: Sequence[Ball]) -> Ball:
    """Return an element of a softmax from differences: exact where all are equal.

    They are taken from the largest, so that no exponential is too large for a ball.
    """
    top = largest([own, *rest])
    terms = [share(x - top) for x in rest]
    if top is own:
        return ONE / sum(terms, ONE)
    power = share(own - top)
    return power / larger(sum(terms, power), ONE)  # as the largest's share is 1


def _shares(own: Ends, rest: Ends) -> Ends:
    """Return each element of a softmax, itself from one list and others from another.

    Those of many elements have the sums of all others in common, which may be too large
    for balls.
    """
    found = [UNKNOWN] * len(own)
    if len(own) > FEW:
        powers = [x.exp() for x in own]
        sums = others([x.exp() for x in rest])
        found = [p / (p + q) for p, q in zip(powers, sums, strict=True)]
    return [
        y if y.is_finite() else _share(own[n], rest[:n] + rest[n + 1 :])
        for n, y in enumerate(found)
    ]


def _softmax(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    """Rise in an element's own argument, fall in the others."""

    def step(low: Ends, high: Ends) -> None:
        for outs, ins in group.tasks:
            least, most = [low[i] for i in ins], [high[i] for i in ins]
            ends = zip(_shares(least, most), _shares(most, least), strict=True)
            for k, (a, b) in zip(outs, ends, strict=True):
                low[k] = a if a > ZERO else ZERO
                high[k] = b if b < ONE else ONE

    return step


def chosen(low: Ends, high: Ends, ins: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return which elements may be the largest, and which certainly are alone so."""
    floor = largest([low[i] for i in ins])
    possible = [n for n, i in enumerate(ins) if not high[i] < floor]
    return possible, possible if len(possible) == 1 else []


def _argmax_onehot(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    def step(low: Ends, high: Ends) -> None:
        for outs, ins in group.tasks:
            possible, alone = chosen(low, high, ins)
            for n, k in enumerate(outs):
                low[k] = ONE if n in alone else ZERO
                high[k] = ONE if n in possible else ZERO

    return step


def _argmax_slope(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    def step(low: Ends, high: Ends) -> None:
        for (k,), ins in group.tasks:
            possible, alone = chosen(low, high, ins)
            if 0 in possible and not alone:
                raise NoBound("the slope of a maximum where two elements may tie")
            low[k] = high[k] = ZERO

    return step


MAKERS: Mapping[Operator, Callable[[TaskGroup, Mapping[int, Ball]], Step]] = {
    ops.add: _add,
    ops.subtract: _subtract,
    ops.logical_not: _negation,
    ops.multiply: _multiply,
    ops.add_reduce: _sum,
    ops.multiply_reduce: _prod,
    ops.maximum_reduce: _max,
    ops.logsumexp_last: _logsumexp,
    ops.softmax_last: _softmax,
    ops.argmax_onehot: _argmax_onehot,
    ops.argmax_slope: _argmax_slope,
    ops.matmul: product_step,
    **dict.fromkeys(system_steps.OPERATORS, system_steps.range_step),
}
"""Operators with a step of their own; the others go element by element."""


def step_for(group: TaskGroup, fixed: Mapping[int, Ball], *, slopes: bool) -> Step:
    """Return the step of a group.

    Parameters
    ----------
    group : TaskGroup
        Its tasks.
    fixed : mapping
        The values of slots that are constant, and known exactly or as one ball.
    slopes : bool
        Whether kinks count with the slopes of both sides, as mean values need it.
    """
    if isinstance(group.op, logistic_family.Family):
        return logistic_family.step_for(group)
    if group.op in MAKERS:
        return MAKERS[group.op](group, fixed)
    if group.op in choice_table.ROWS:
        return _rows(choice_table.ROWS[group.op](group.attrs), group)
    entry = entry_of(group.op, group.attrs)
    rule = entry.slope_range if slopes and entry.slope_range else entry.range
    return _one_variable(rule, group) if group.op.arity == 1 else _several(rule, group)
