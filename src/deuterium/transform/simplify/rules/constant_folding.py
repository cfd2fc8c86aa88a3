"""Rules for constants: folded where, and only where, that needs no rounding."""

from __future__ import annotations

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.rule_table import rule

NOT_FOLDED = frozenset({ops.broadcast, ops.transpose, ops.reshape, ops.matmul, ops.pi})
"""Moved for free where they are needed; a matrix product is hardly ever exact."""


@rule(
    None,
    identity="an array of equal numbers = one number, broadcast",
    gains="nothing is stored, and the rules for 0 and 1 see it",
)
def equal_elements(v: Variable, known: Assumptions) -> Variable | None:
    """Store one number instead of an array."""
    if v.is_symbol or v in known.inputs or not v.shape or not v.size:
        return None
    first = v.value.flat[0]
    if v.value.flat[-1] != first or not np.all(v.value == first):
        return None
    return broadcast_to(constant(_plain(float(first))), v.shape)


@rule(
    when=lambda op: op not in NOT_FOLDED,
    identity="2 + 3 = 5, log(1) = 0, sqrt(4) = 2",
    holds="where the result is exact: its enclosure is a single number",
    gains="a node; a rounded number would be another function",
)
def fold(v: Variable, known: Assumptions) -> Variable | None:
    """Work out an operator applied to constants."""
    for a in v.args:
        if not a.is_constant or a in known.inputs:
            return None
    if not v.args or v.size > max(4096, *[a.size for a in v.args]):
        return None
    x = _whole_sum(v) or known.range(v)
    if not (np.all(x.lower == x.upper) and np.all(np.isfinite(x.lower))):
        return None
    if v.shape:
        return constant(np.broadcast_to(x.lower, v.shape))
    return constant(_plain(float(x.lower)))


def _whole_sum(v: Variable) -> Interval | None:
    """Return a sum of whole numbers, which does not round."""
    if v.op is not ops.add_reduce:
        return None
    numbers = v.args[0].value
    if np.any(numbers != np.rint(numbers)) or np.sum(np.abs(numbers)) >= 2**53:
        return None  # 2**53 may be 2**53 + 1, rounded
    total = np.sum(numbers, axis=v.attrs["axis"])
    return Interval.unchecked(total, total)


def _plain(number: float) -> float | int:
    """Return a whole number as an integer."""
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
