"""Affine functions of terms, pushed through linear operators.

The rules of operators leave leading axes alone, so one that is linear maps the
coefficients of all terms at once: they are one more leading axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.budget import afford
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    AffineForm,
    Term,
    flattened_from,
    thin,
)


def identity_coefficients(size: int, shape: tuple[int, ...]) -> Interval:
    """Return the coefficients of a term's own elements."""
    return thin(np.eye(size).reshape((size, *shape)))


def flattened(a: AffineForm) -> AffineForm:
    """Return an affine array as a vector."""
    parts = {t: flattened_from(c, 1) for t, c in a.parts.items()}
    return AffineForm(parts, flattened_from(a.constant, 0))


def is_linear(node: Variable, kinds: Sequence[Any]) -> bool:
    """Whether a node is linear in its arguments that are no constants."""
    assert node.op is not None
    if node.op.linear:
        return True
    constants = [isinstance(k, Interval) for k in kinds]
    if node.op.bilinear:
        return any(constants)
    return node.op is ops.divide and constants[1]


def through(node: Variable, args: Sequence[AffineForm | Interval]) -> AffineForm:
    """Return a linear operator's result."""
    assert node.op is not None
    rule, attrs = node.op.enclosure, node.attrs
    keeps = node.op.bilinear or node.op is ops.divide
    terms: dict[Term, None] = {}
    for a in args:
        if isinstance(a, AffineForm):
            terms.update(dict.fromkeys(a.parts))
    parts = {}
    for term in terms:
        own = [_part(a, term, keeps) for a in args]
        found = _single_products(own) if node.op is ops.matmul else None
        if found is None:
            _afford(node, term)
            found = _thinned(rule(*own, **attrs))
        parts[term] = _without(found, _unused(args, term))
    constants = [a.constant if isinstance(a, AffineForm) else a for a in args]
    return AffineForm(parts, _thinned(rule(*constants, **attrs)))


def _afford(node: Variable, term: Term) -> None:
    """Raise `Spent` where a term's coefficients take longer, or more, than is left."""
    inner = node.args[0].shape[-1] if node.op is ops.matmul else 1
    count = float(term.size) * node.size
    afford(count * inner * options.INTERVAL_PRODUCTS, count * options.RESULT_COPIES)


def _single_products(factors: list[Interval]) -> Interval | None:
    """Return a product of matrices with coefficients of which each row has but one.

    So have elements of terms, moved, cut out in windows, or added up in different ones:
    what a kernel is multiplied by.  Nothing is summed, so nothing is rounded away.
    None where a row has several, or none of both is a matrix of numbers.
    """
    left = np.ndim(factors[0].lower) == 2
    matrix, c = factors if left else factors[::-1]
    if np.ndim(matrix.lower) != 2 or not matrix.is_thin or not np.size(c.lower):
        return None
    value = np.asarray(matrix.lower).T if left else np.asarray(matrix.lower)
    ends = [np.asarray(x).swapaxes(-1, -2) if left else x for x in (c.lower, c.upper)]
    shape = np.shape(ends[0])
    low, high = (np.reshape(x, (-1, shape[-1])) for x in ends)
    row, at = np.nonzero((low != 0) | (high != 0))
    if np.any(row[1:] == row[:-1]):
        return None
    few = Interval.unchecked(low[row, at][:, None], high[row, at][:, None])
    found = interval_arithmetic.multiply(few, thin(value[at]))
    if np.all(np.abs(few.lower) == 1) and np.array_equal(few.lower, few.upper):
        found = thin(few.lower * value[at])
    out = np.zeros((2, len(low), value.shape[1]))
    out[0, row], out[1, row] = found.lower, found.upper
    ends = [x.reshape(*shape[:-1], value.shape[1]) for x in out]
    return _thinned(
        Interval.unchecked(*(x.swapaxes(-1, -2) if left else x for x in ends))
    )


def _unused(args: Sequence[AffineForm | Interval], term: Term) -> Array:
    """Return which elements of a term no argument depends on."""
    unused = np.ones(term.size, dtype=bool)
    for a in args:
        if isinstance(a, AffineForm) and term in a.parts:
            c = a.parts[term]
            zero = (np.asarray(c.lower) == 0) & (np.asarray(c.upper) == 0)
            each = zero.size // max(term.size, 1)
            unused &= zero.reshape(term.size, each).all(axis=1)
    return unused


def _without(x: Interval, rows: Array) -> Interval:
    """Return coefficients with some rows exactly zero, which rounding hid."""
    if x.is_thin or not rows.any():
        return x
    low, high = np.array(x.lower), np.array(x.upper)
    low[rows] = high[rows] = 0.0
    return Interval.unchecked(low, high)


def _part(a: AffineForm | Interval, term: Term, keeps: bool) -> Interval:
    """Return an argument's coefficients of a term."""
    if isinstance(a, AffineForm):
        found = a.parts.get(term)
        return _zeros(a.constant, term) if found is None else found
    return a if keeps else _zeros(a, term)


def _zeros(x: Interval, term: Term) -> Interval:
    return thin(np.zeros((term.size, *np.shape(x.lower))))


def _thinned(x: Interval) -> Interval:
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    return thin(low) if np.array_equal(low, high) else Interval.unchecked(low, high)
