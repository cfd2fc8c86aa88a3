"""What each operator on arrays means on balls: rules on object arrays of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from flint import arb, arb_mat

from deuterium import ops
from deuterium.graph.operator import OPERATORS, Operator
from deuterium.testing import ball_choices
from deuterium.testing.definitions import (
    EITHER,
    ONE,
    UNDEFINED,
    UNKNOWN,
    ZERO,
    guarded,
)

Row = Callable[[list[Any]], Any]

EITHER_SIGN = arb(0, 1)  # an element of a unit vector of which nothing is known

_times = np.frompyfunc(guarded(lambda a, b: a * b), 2, 1)


def _each_row(function: Row) -> Callable[[Any], Any]:
    """Return a function of the last axis: a row of balls to one ball or a row."""

    def run(x: Any) -> Any:
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        done = [_row(function, row.tolist()) for row in rows]
        out = np.empty(x.shape[:-1], dtype=object)
        if done and isinstance(done[0], list):
            out = np.empty(x.shape, dtype=object)
            done = [e for row in done for e in row]
        out.reshape(-1)[:] = done
        return out

    return run


def _row(function: Row, row: list[Any]) -> Any:
    """Apply to a row; what has finite arguments is defined, if perhaps unknown."""
    if all(x.is_finite() for x in row):
        result = function(row)
        if isinstance(result, list):
            return [UNKNOWN if x.is_nan() else x for x in result]
        return UNKNOWN if result.is_nan() else result
    bad = UNDEFINED if any(x.is_nan() for x in row) else UNKNOWN
    kept = function([ZERO] * len(row))
    return [bad] * len(row) if isinstance(kept, list) else bad


def _largest(row: list[Any]) -> Any:
    top = row[0]
    for x in row[1:]:
        top = top.max(x)
    return top


def _argmax_onehot(row: list[Any]) -> list[Any]:
    chosen = []
    for i, x in enumerate(row):
        # the first of equals wins: strictly above those before, not below the rest
        others = [x > y for y in row[:i]] + [x >= y for y in row[i + 1 :]]
        loses = [x <= y for y in row[:i]] + [x < y for y in row[i + 1 :]]
        chosen.append(ONE if all(others) else ZERO if any(loses) else EITHER)
    return chosen


def _logsumexp(row: list[Any]) -> Any:
    top = _largest(row)
    return top + sum(((x - top).exp() for x in row), ZERO).log()


def _softmax(row: list[Any]) -> list[Any]:
    # shifted: the exponential of a huge difference is no finite ball
    top = _largest(row)
    powers = [(x - top).exp() for x in row]
    return [p / sum(powers, ZERO) for p in powers]


def _norm(row: list[Any]) -> Any:
    return sum((x**2 for x in row), ZERO).nonnegative_part().sqrt()


def _direction(row: list[Any]) -> list[Any]:
    if all(x == 0 for x in row):
        return row
    length = _norm(row)
    return [x / length if length > 0 else EITHER_SIGN for x in row]


def _soft_direction(x: Any, floor: Any) -> Any:
    roots = np.frompyfunc(lambda a, s: (a + s.sqrt() ** 2).sqrt(), 2, 1)
    square = np.sum(_times(x, x), axis=-1, initial=ZERO)
    return x / np.asarray(roots(square, floor), dtype=object)[..., None]


def _rejection(x: Any, g: Any, floor: Any) -> Any:
    dot = np.asarray(np.sum(_times(x, g), axis=-1, initial=ZERO))
    square = np.asarray(np.sum(_times(x, x), axis=-1, initial=ZERO)) + floor
    return g - _times(x, np.asarray(dot / square, dtype=object)[..., None])


def _flat(row: list[Any]) -> list[Any]:
    return [ZERO for _ in row]


def _product(row: list[Any]) -> Any:
    result = ONE
    for x in row:
        result = result * x
    return result


def _scatter(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.empty(math.prod(shape), dtype=object)
    out[:] = ZERO
    for place, value in zip(index.ravel().tolist(), x.ravel(), strict=True):
        out[place] = out[place] + value
    return out.reshape(shape)


def _cumsum(x: Any, reverse: bool) -> Any:
    x = x[..., ::-1] if reverse else x
    total = np.cumsum(x, axis=-1, dtype=object)
    return total[..., ::-1] if reverse else total


def _matmul(a: Any, b: Any) -> Any:
    if a.shape[-1] == 0:
        return np.full((*a.shape[:-1], b.shape[-1]), ZERO, dtype=object)
    terms = _times(a[..., :, :, None], b[..., None, :, :])
    return terms.sum(axis=-2)


def _solution(a: Any, b: Any) -> Any:
    """Return the solution of one system; unknown where it is not proved regular."""
    given = [*a.ravel(), *b.ravel()]
    if any(x.is_nan() for x in given):
        return np.full(b.shape, UNDEFINED, dtype=object)
    matrix = arb_mat(*a.shape, a.ravel().tolist())
    try:
        found = matrix.solve(arb_mat(*b.shape, b.ravel().tolist())).entries()
    except ZeroDivisionError:
        exact = all(x.is_exact() for x in given)
        found = [UNDEFINED if exact else UNKNOWN] * b.size
    return np.array(found, dtype=object).reshape(b.shape)


def _solve(a: Any, b: Any) -> Any:
    out = np.empty(b.shape, dtype=object)
    for place in np.ndindex(b.shape[:-2]):
        out[place] = _solution(a[place], b[place])
    return out


def _ridge_solve(x: Any, r: Any, b: Any) -> Any:
    return _solve(_matmul(x.swapaxes(-1, -2), x) + r, b)


def _ridge_fit(x: Any, r: Any, y: Any) -> Any:
    return _ridge_solve(x, r, _matmul(x.swapaxes(-1, -2), y))


ON_ROWS: Mapping[Operator, Row] = {
    ops.multiply_reduce: _product,
    ops.maximum_reduce: _largest,
    ops.argmax_onehot: _argmax_onehot,
    ops.argmax_slope: _flat,
    ops.softmax_last: _softmax,
    ops.logsumexp_last: _logsumexp,
    ops.norm: _norm,
    ops.direction: _direction,
    OPERATORS["sort"]: ball_choices.exchanged,
    OPERATORS["rank_slope"]: _flat,
}
"""Operators on the last axis: of one row of finite balls."""

ON_ARRAYS: Mapping[Operator, Callable[..., Any]] = {
    ops.broadcast: lambda x, shape, ndim: np.broadcast_to(x, shape),
    ops.reshape: lambda x, shape, ndim: x.reshape(shape),
    ops.transpose: lambda x, axes: x.transpose(axes),
    ops.concatenate: lambda *xs, axis, ndim: np.concatenate(xs, axis=axis),
    ops.gather: lambda x, index, ndim: x.ravel()[index],
    ops.scatter: _scatter,
    ops.add_reduce: lambda x, axis: np.sum(x, axis=tuple(axis), initial=ZERO),
    ops.cumsum: _cumsum,
    ops.matmul: _matmul,
    ops.solve: _solve,
    ops.ridge_solve: _ridge_solve,
    ops.ridge_fit: _ridge_fit,
    ops.soft_direction: _soft_direction,
    ops.rejection: _rejection,
    ops.select: lambda a, b, mask: np.where(mask, a, b),
    ops.pi: lambda: arb.pi(),
    **{op: _each_row(row) for op, row in ON_ROWS.items()},
    **{OPERATORS[name]: rule for name, rule in ball_choices.on_arrays().items()},
}
