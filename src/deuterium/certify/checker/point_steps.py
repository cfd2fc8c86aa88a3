"""Steps that work out values at points: one for each group of a layout.

The same groups as for ranges, but one ball a slot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flint import arb, arb_mat

from deuterium.certify.checker.ball_functions import (
    HALF,
    ONE,
    ONE_VARIABLE,
    UNKNOWN,
    ZERO,
    Ball,
    larger,
    logaddexp,
    smaller,
    where_known,
    whole_power,
)
from deuterium.certify.checker.binary_ranges import LARGEST_POWER, cosine
from deuterium.certify.checker.entropy_ranges import kl_div, power_log, rel_entr
from deuterium.certify.checker.quotient_ranges import (
    exp_difference,
    log_difference,
    sinc,
)
from deuterium.certify.checker.range_steps import flat, largest, log_sum_exp, others
from deuterium.certify.checker.scalar_layout import Group

Values = list[Ball]
Step = Callable[[Values], None]


def _power(x: Ball, y: Ball) -> Ball:
    if y.is_exact() and y.is_integer() and abs(y) <= LARGEST_POWER:
        return whole_power(x, int(y.unique_fmpz()))
    if x.is_zero() and y > ZERO:
        return ZERO if y.is_finite() else UNKNOWN
    return (y * x.log()).exp()


def _x_log(log: Callable[[Ball], Ball]) -> Callable[[Ball, Ball], Ball]:
    return where_known(lambda x, y: ZERO if x.is_zero() else x * log(y))


@where_known
def _cosine(x: Ball, y: Ball) -> Ball:
    if x.is_zero():
        return ZERO
    if y.is_zero() and (x > ZERO or x < ZERO):
        return ONE if x > ZERO else -ONE
    return cosine(x, y) if x > ZERO or x < ZERO or y > ZERO or y < ZERO else arb(0, 1)


TWO_VARIABLES: Mapping[str, Callable[[Ball, Ball], Ball]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "guarded_divide": where_known(lambda x, y: ZERO if x.is_zero() else x / y),
    "power": _power,
    "maximum": larger,
    "minimum": smaller,
    "xlogy": _x_log(arb.log),
    "xlog1py": _x_log(arb.log1p),
    "logaddexp": logaddexp,
    "hypot": lambda x, y: (x * x + y * y).sqrt(),
    "direction_cosine": _cosine,
    "rel_entr": rel_entr,
    "kl_div": kl_div,
}
"""Every operator of two variables without attributes."""

BY_ORDER: Mapping[str, Callable[..., Callable[..., Ball]]] = {
    "integer_power": lambda n: partial(whole_power, n=n),
    "power_log": power_log,
    "exp_difference": exp_difference,
    "log_difference": log_difference,
    "sinc": sinc,
}
"""Element-wise operators with attributes: what makes the function of them."""


def _reduction(reduce: Callable[[Sequence[Ball]], Ball], group: Group) -> Step:
    def step(values: Values) -> None:
        for (k,), ins in group.tasks:
            values[k] = reduce([values[i] for i in ins])

    return step


def _rows(row: Callable[[list[Ball]], Sequence[Ball]], group: Group) -> Step:
    def step(values: Values) -> None:
        for outs, ins in group.tasks:
            for k, y in zip(outs, row([values[i] for i in ins]), strict=True):
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


def _first_maximum(row: list[Ball]) -> list[Ball]:
    """Choose the first of equals: above those before it, not below those behind."""
    if not all(x.is_finite() for x in row):
        return [UNKNOWN] * len(row)
    out = []
    for i, x in enumerate(row):
        wins = all(x > y for y in row[:i]) and all(x >= y for y in row[i + 1 :])
        loses = any(x <= y for y in row[:i]) or any(x < y for y in row[i + 1 :])
        out.append(ONE if wins else ZERO if loses else arb(HALF, HALF))
    return out


def _matmul(group: Group) -> Step:
    rows, inner, columns = group.attrs["shape"]
    ((outs, ins),) = group.tasks
    a, b = ins[: rows * inner], ins[rows * inner :]

    def step(values: Values) -> None:
        left = arb_mat(rows, inner, [values[i] for i in a])
        right = arb_mat(inner, columns, [values[i] for i in b])
        for k, y in zip(outs, (left * right).entries(), strict=True):
            values[k] = y

    return step


def _elementwise(function: Callable[..., Ball], group: Group) -> Step:
    places = flat(group.tasks)
    if len(places[0]) == 2:

        def one(values: Values) -> None:
            for k, i in places:
                values[k] = function(values[i])

        return one

    def two(values: Values) -> None:
        for k, i, j in places:
            values[k] = function(values[i], values[j])

    return two


_REDUCTIONS: Mapping[str, Callable[[Sequence[Ball]], Ball]] = {
    "sum": lambda balls: sum(balls, ZERO),
    "prod": _product,
    "max": largest,
    "logsumexp": log_sum_exp,
    "tie_slope": lambda balls: _zero(*balls),
}
_ROWS: Mapping[str, Any] = {
    "softmax": _softmax,
    "first_maximum": _first_maximum,
}


def step_for(group: Group) -> Step:
    """Return the step of a group."""
    name = group.name
    if name in _REDUCTIONS:
        return _reduction(_REDUCTIONS[name], group)
    if name in _ROWS:
        return _rows(_ROWS[name], group)
    if name == "matmul":
        return _matmul(group)
    if name in BY_ORDER:
        return _elementwise(BY_ORDER[name](**group.attrs), group)
    if name in ONE_VARIABLE:
        return _elementwise(ONE_VARIABLE[name], group)
    return _elementwise(TWO_VARIABLES[name], group)
