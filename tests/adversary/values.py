"""Exact values of a graph at many points at once, in ball arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb, ctx

from deuterium import ops
from deuterium.graph.operator import OPERATORS
from deuterium.testing.array_definitions import ON_ARRAYS, ON_ROWS
from deuterium.testing.definitions import (
    ELEMENTWISE,
    ONE,
    UNDEFINED,
    UNKNOWN,
    ZERO,
    guarded,
    integer_power,
)

SYSTEMS = (ops.solve, ops.ridge_solve, ops.ridge_fit)
NORMALISED = (ops.soft_direction, ops.rejection)
BITS, MORE_BITS = 320, 1600  # the second where the first leaves doubt

_add = np.frompyfunc(guarded(ELEMENTWISE[ops.add]), 2, 1)
_times = np.frompyfunc(guarded(ELEMENTWISE[ops.multiply]), 2, 1)


def filled(shape: tuple[int, ...], elements: Any) -> Any:
    """Return an object array; NumPy would look inside what it is given."""
    out = np.empty(shape, dtype=object)
    flat = out.reshape(-1)
    for i, x in enumerate(elements):
        flat[i] = x
    return out


def exact(number: Any) -> Any:
    """Return the ball of one number: an int, a float, (mantissa, exponent), a ball."""
    if isinstance(number, arb):
        return number
    if isinstance(number, tuple):
        return arb(number)
    if isinstance(number, float) and math.isinf(number):
        return UNKNOWN
    return arb(number)


def constants(value: Any) -> Any:
    array = np.asarray(value, dtype=object)
    return filled((1, *array.shape), [exact(x) for x in array.ravel().tolist()])


def evaluate(order: list[Any], points: Mapping[str, Any], bits: int = BITS) -> Any:
    """Return the values of the last node: one more axis in front, of the points.

    ``points`` holds, for each symbol, an object array of numbers as `exact` takes them,
    of the symbol's shape with one axis in front.
    """
    known: dict[Any, Any] = {}
    last = {a: i for i, n in enumerate(order) for a in n.args}
    with ctx.workprec(bits):
        for i, node in enumerate(order):
            if node.op is not None:
                args = [known[a] for a in node.args]
                known[node] = rule(node.op.name)(*args, **dict(node.attrs))
            elif node.is_constant:
                known[node] = constants(node.value)
            else:
                given = points[node.name]
                known[node] = filled(given.shape, map(exact, given.ravel().tolist()))
            for a in node.args:
                if last[a] == i:
                    known[a] = None
    return known[order[-1]]


def rule(name: str) -> Any:
    """Return what an operator does to arrays with an axis of points in front."""
    return _plain[name] if name in _plain else _ON_ARRAYS[name]


def _element_by_element(one: Any, *xs: Any, **attrs: Any) -> Any:
    return np.frompyfunc(guarded(partial(one, **attrs)), len(xs), 1)(*xs)


_RULES = {op.name: f for op, f in ELEMENTWISE.items()}
_RULES["integer_power"] = integer_power
_plain = {name: partial(_element_by_element, f) for name, f in _RULES.items()}


def _broadcast(x: Any, shape: Any, ndim: int) -> Any:
    lead = x.shape[0]
    new = (1,) * (len(shape) - ndim)
    return np.broadcast_to(x.reshape(lead, *new, *x.shape[1:]), (lead, *shape))


def _gather(x: Any, index: Any, ndim: int) -> Any:
    return x.reshape(x.shape[0], math.prod(x.shape[1:]))[:, index]


def _scatter(x: Any, index: Any, shape: Any) -> Any:
    lead = x.shape[0]
    out = np.full((lead, math.prod(shape)), ZERO, dtype=object)
    flat = x.reshape(lead, index.size)
    for column, place in enumerate(index.ravel().tolist()):
        out[:, place] = _add(out[:, place], flat[:, column])
    return out.reshape(lead, *shape)


def _sum(x: Any, axis: Any) -> Any:
    keep = [i for i in range(1, x.ndim) if i - x.ndim not in axis]
    moved = x.transpose([0, *keep, *[i for i in range(1, x.ndim) if i not in keep]])
    shape = [x.shape[0], *[x.shape[i] for i in keep]]
    rows = moved.reshape(*shape, math.prod(moved.shape[len(shape) :]))
    total = np.full(shape, ZERO, dtype=object)
    for k in range(rows.shape[-1]):
        total = _add(total, rows[..., k])
    return total


def _matmul(a: Any, b: Any) -> Any:
    lead = max(a.shape[0], b.shape[0]) if min(a.shape[0], b.shape[0]) else 0
    shape = (lead, *a.shape[1:-1], b.shape[-1])
    total = np.full(shape, ZERO, dtype=object)
    for k in range(a.shape[-1]):
        total = _add(total, _times(a[..., :, k, None], b[..., None, k, :]))
    return total


def _cumsum(x: Any, reverse: bool) -> Any:
    out = x.copy()
    places = range(x.shape[-1])
    order = list(places)[::-1] if reverse else list(places)
    for before, k in pairwise(order):
        out[..., k] = _add(out[..., before], out[..., k])
    return out


def _along_last(function: Any, *, keeps: bool) -> Any:
    """Return a function of whole rows, which knows what is undefined or unknown."""

    def run(x: Any) -> Any:
        n = x.shape[-1]
        rows = x.reshape(math.prod(x.shape[:-1]), n)
        done = [_row(function, row.tolist(), keeps) for row in rows] if n else []
        if not n and not keeps:  # only a product of nothing is a number
            done = [ONE] * len(rows)
        if keeps:
            return filled(x.shape, [e for row in done for e in row])
        return filled(x.shape[:-1], done)

    return run


def _row(function: Any, row: list[Any], keeps: bool) -> Any:
    bad = None
    if any(x.is_nan() for x in row):
        bad = UNDEFINED
    elif not all(x.is_finite() for x in row):
        bad = UNKNOWN
    if bad is not None:
        return [bad] * len(row) if keeps else bad
    y = function(row)
    if keeps:
        return [e if e.is_finite() else UNKNOWN for e in y]
    return y if y.is_finite() else UNKNOWN


def _at_each_point(definition: Any) -> Any:
    """Return a definition of one point's arrays, of which each has its own systems."""

    def run(*args: Any) -> Any:
        lead = 0 if any(not a.shape[0] for a in args) else max(a.shape[0] for a in args)
        rows = [np.broadcast_to(a, (lead, *a.shape[1:])) for a in args]
        found = [definition(*point) for point in zip(*rows, strict=True)]
        shape = found[0].shape if found else args[-1].shape[1:]
        return filled((lead, *shape), [e for x in found for e in x.ravel()])

    return run


def _narrowed(c: Any, x: Any, bound: Any, upward: bool, holds: bool) -> Any:
    larger = guarded(lambda c, x, b: x.max(b) if upward else x.min(b))
    return np.frompyfunc(larger, 3, 1)(c, x, bound)


_ON_ARRAYS: dict[str, Any] = {
    "broadcast": _broadcast,
    "reshape": lambda x, shape, ndim: x.reshape(x.shape[0], *shape),
    "transpose": lambda x, axes: x.transpose(0, *[i + 1 for i in axes]),
    "concatenate": lambda *xs, axis, ndim: np.concatenate(_together(xs), axis=axis),
    "gather": _gather,
    "scatter": _scatter,
    "sum": _sum,
    "cumsum": _cumsum,
    "matmul": _matmul,
    "select": lambda a, b, mask: np.where(mask, a, b),
    "pi": lambda: filled((1,), [arb.pi()]),
    **{
        op.name: _along_last(row, keeps=isinstance(row([ZERO]), list))
        for op, row in ON_ROWS.items()
    },
    **{op.name: _at_each_point(ON_ARRAYS[op]) for op in SYSTEMS + NORMALISED},
    **{name: ON_ARRAYS[OPERATORS[name]] for name in ("where", "reorder")},
    "narrowed": _narrowed,
}


def _together(xs: Any) -> list[Any]:
    lead = max(x.shape[0] for x in xs)
    return [np.broadcast_to(x, (lead, *x.shape[1:])) for x in xs]
