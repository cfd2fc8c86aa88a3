"""Steps that work out ranges: one for each group of a layout.

A step takes the lists of lower and upper ends, by slot, and fills in its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from itertools import accumulate
from operator import add, itemgetter
from typing import Any

from flint import arb_mat, ctx

from deuterium import ops
from deuterium.certify.checker import choice_table, logistic_family, system_steps
from deuterium.certify.checker.ball_functions import (
    HALF,
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
from deuterium.certify.checker.scalar_layout import Task, TaskGroup, flat
from deuterium.graph.operator import Operator

Ends = list[Ball]
Step = Callable[[Ends, Ends], None]

QUICK = 96  # bits; with more, sums are no less than a term where others are positive
FEW = 16  # elements of a softmax of which differences are cheap
LARGE = 600  # elements of a matrix, beyond which centres and radii pay


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
    if y >= ZERO and not total >= x:
        total = x
    return y if x >= ZERO and not total >= y else total


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
    return top + sum([share(x - top) for x in balls], ZERO).log()


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
    return power / sum(terms, power)


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


# -- matrix products -----------------------------------------------------------------


def _matmul(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    rows, inner, columns = group.attrs["shape"]
    ((outs, ins),) = group.tasks
    a, b = ins[: rows * inner], ins[rows * inner :]
    if all(i in fixed for i in b):
        return affine(outs, a, b, (rows, inner, columns), fixed)
    if all(i in fixed for i in a):
        # the transposed product has its constant factor behind
        turned = _transposed(b, inner, columns), _transposed(a, rows, inner)
        out = _transposed(outs, rows, columns)
        return affine(tuple(out), *turned, (columns, inner, rows), fixed)
    return partial(_general_product, outs, a, b, (rows, inner, columns))


def _transposed(places: Sequence[int], rows: int, columns: int) -> list[int]:
    return [places[i * columns + j] for j in range(columns) for i in range(rows)]


def _general_product(
    outs: Sequence[int],
    a: Sequence[int],
    b: Sequence[int],
    shape: tuple[int, int, int],
    low: Ends,
    high: Ends,
) -> None:
    _, inner, columns = shape
    for n, k in enumerate(outs):
        r, c = divmod(n, columns)
        down = up = ZERO
        for i, j in zip(a[r * inner : (r + 1) * inner], b[c::columns], strict=True):
            p, q = times(low[i], high[i], low[j], high[j])
            down, up = down + p, up + q
        low[k], high[k] = down, up


def by_sign(weights: Sequence[Ball]) -> tuple[list[Ball], list[Ball]]:
    """Return what may be positive, and what may be negative; zero for the others.

    A ball that may be either counts in both: that its number is multiplied with one end
    and zero with the other is among what the balls of both allow.
    """
    positive = [ZERO if c <= ZERO else c for c in weights]
    negative = [ZERO if c >= ZERO else c for c in weights]
    return positive, negative


def affine(
    outs: Sequence[int],
    x: Sequence[int],
    w: Sequence[int],
    shape: tuple[int, int, int],
    fixed: Mapping[int, Ball],
) -> Step:
    """Return the step of ``x @ W`` for a constant matrix.

    By its positive part P and negative part N: ``low @ P + high @ N`` to
    ``high @ P + low @ N``.
    """
    _, inner, columns = shape
    if inner * columns > LARGE:
        return _centred(outs, x, w, shape, fixed)
    weights = [fixed[i] for i in w]
    positive, negative = by_sign(weights)
    both = arb_mat(2 * inner, columns, positive + negative)
    rows = shape[0]
    parts = [tuple(x[s : s + inner]) for s in range(0, rows * inner, inner)]

    def step(low: Ends, high: Ends) -> None:
        if not _are_finite(x, low, high):
            _general_product(outs, x, w, shape, low, high)
            return
        entries: list[Ball] = []
        for part in parts:
            down, up = [low[i] for i in part], [high[i] for i in part]
            entries += down + up + up + down
        product = (arb_mat(2 * rows, 2 * inner, entries) * both).entries()
        for n, k in enumerate(outs):
            r, c = divmod(n, columns)
            low[k] = product[2 * r * columns + c]
            high[k] = product[(2 * r + 1) * columns + c]

    return step


def _are_finite(places: Sequence[int], low: Ends, high: Ends) -> bool:
    """Return whether ends are finite: else zero times one of them is unknown."""
    return all(low[i].is_finite() and high[i].is_finite() for i in places)


def _centred(
    outs: Sequence[int],
    x: Sequence[int],
    w: Sequence[int],
    shape: tuple[int, int, int],
    fixed: Mapping[int, Ball],
) -> Step:
    """Return the same step by centres and radii, which is faster for large matrices.

    Twice the centres times W, and twice the radii times the absolute values of W.  What
    they lose by rounding loses no sign.
    """
    rows, inner, columns = shape
    weights = [fixed[i] for i in w]
    matrix = arb_mat(inner, columns, weights)
    sizes = arb_mat(inner, columns, [abs(c) for c in weights])
    signs = [_sign([(c, c) for c in weights[j::columns]]) for j in range(columns)]

    def step(low: Ends, high: Ends) -> None:
        if not _are_finite(x, low, high):
            _general_product(outs, x, w, shape, low, high)
            return
        down = arb_mat(rows, inner, [low[i] for i in x])
        up = arb_mat(rows, inner, [high[i] for i in x])
        centre, radius = (down + up) * matrix, (up - down) * sizes
        least = ((centre - radius) * HALF).entries()
        most = ((centre + radius) * HALF).entries()
        ends = [(low[i], high[i]) for i in x]
        ways = [_sign(ends[s : s + inner]) for s in range(0, rows * inner, inner)]
        for n, (k, a, b) in enumerate(zip(outs, least, most, strict=True)):
            way = ways[n // columns] * signs[n % columns]
            low[k] = ZERO if way > 0 and not a >= ZERO else a
            high[k] = ZERO if way < 0 and not b <= ZERO else b

    return step


def _sign(ends: Sequence[tuple[Ball, Ball]]) -> int:
    """Return 1 of ranges that are not negative, -1 of those not positive, else 0."""
    if all(a >= ZERO for a, _ in ends):
        return 1
    return -1 if all(b <= ZERO for _, b in ends) else 0


MAKERS: Mapping[Operator, Callable[[TaskGroup, Mapping[int, Ball]], Step]] = {
    ops.add: _add,
    ops.subtract: _subtract,
    ops.multiply: _multiply,
    ops.add_reduce: _sum,
    ops.multiply_reduce: _prod,
    ops.maximum_reduce: _max,
    ops.logsumexp_last: _logsumexp,
    ops.softmax_last: _softmax,
    ops.argmax_onehot: _argmax_onehot,
    ops.argmax_slope: _argmax_slope,
    ops.matmul: _matmul,
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
