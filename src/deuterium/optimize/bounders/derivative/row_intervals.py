"""Enclosures of many boxes at once, where one undefined box spoils no other.

`RowProgram` runs a graph on stacked ends as `EnclosureProgram` does, but a box on which
the graph is undefined, or its value too large, gives NaN in its own row and nothing
else happens.  It has fast rules for more operators of formulas (powers, quotients,
waves, kinks).  All are as sound as the operators' own, and a few ulps looser.

Shapes: ends are (2, boxes, *shape).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.enclose.interval_pass import full_rules
from deuterium.enclose.interval_program import (
    EnclosureProgram,
    Made,
    Step,
    _StepBuilder,
)
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic, linear, stacked
from deuterium.interval.rounding import EPS, MIN_NORMAL, Array, gamma, outward, signs

WAVE_ERROR = 12 * EPS  # of sines and cosines, whose size is at most 1
LARGE = 2.0**40  # beyond it, where a wave turns is not worked out
LONG = 2**10  # exponents up to which powers are products


class RowProgram(EnclosureProgram):
    """A graph compiled for batches of boxes.

    Parameters
    ----------
    outputs : sequence of Variable
        What to enclose.
    """

    def __init__(self, outputs: Sequence[Variable]) -> None:
        graph = Graph(outputs)
        fixed = full_rules(graph.constants)
        builder = _RowBuilder(graph, fixed)
        self._start = builder.start
        self._wide = builder.wide
        self._symbols = builder.symbols
        self._steps = builder.steps
        self._results = [builder.slot[v] for v in outputs]
        self._shapes = [v.shape for v in outputs]
        self._ndims = [v.ndim for v in outputs]
        sizes = [v.size for v in builder.order if v not in fixed]
        self._largest = max(sizes, default=1)

    def _run(self, boxes: Mapping[str, Any], batch: int) -> list[Any]:
        return self._worked_out(boxes, batch)  # whether finite or not

    def rows(self, boxes: Mapping[str, Any], count: int) -> list[Array]:
        """Return stacked ends of each output, of shape ``(2, count, elements)``.

        Both ends are NaN where the output is undefined over a box or nothing is known.
        """
        results = self(boxes, (count,))
        return [
            _in_rows(np.asarray(r), shape, count)
            for r, shape in zip(results, self._shapes, strict=True)
        ]


def _in_rows(result: Array, shape: tuple[int, ...], count: int) -> Array:
    if result.shape == shape:  # a constant, known exactly
        result = np.broadcast_to(result, (2, 1, *shape))
    size = math.prod(shape)
    result = np.broadcast_to(result, (2, count, *shape)).reshape(2, count, size)
    return stacked.nan_at_both_ends(result)


class _RowBuilder(_StepBuilder):
    """Chooses steps that keep to their own row."""

    @staticmethod
    def affine(e: Array, pair: Array, bias: Any, slack: Any = None) -> Array:
        """Return ``e @ W + bias``; of infinite ends what the full rules say."""
        y = stacked.affine(e, pair, bias, slack)
        lost = np.isnan(y).any(axis=0)
        if not lost.any():
            return y
        matrix = pair[0]
        product = linear.matmul(stacked.interval(e), Interval.unchecked(matrix, matrix))
        full = interval_arithmetic.add(product, Interval.unchecked(bias, bias))
        return np.where(lost, np.stack([full.lower, full.upper]), y)

    def _made(self, node: Variable) -> Made:
        assert node.op is not None
        maker = _MAKERS.get(node.op)
        made = maker(self, node) if maker is not None else None
        made = made or _monotone(node)
        return made if made is not None else super()._made(node)


def _undefined(y: Array, where: Any) -> Array:
    """Return ends with NaN in the rows where ``where`` holds."""
    return np.where(where, np.nan, y) if np.any(where) else y


def _monotone(node: Variable) -> Made | None:
    assert node.op is not None
    op = node.op
    if op.ulps is None or op.increasing is None:
        return None
    error = ((op.ulps + 2) * EPS, op.absolute)
    (low, high), (with_low, with_high) = op.domain, op.closed
    rises, (least, most) = op.increasing, op.range
    exact = op.ulps == 0 and op.absolute == 0

    def step(e: Array) -> Array:
        bad: Any = False
        if low > -np.inf:
            bad = ~(e[0] >= low) if with_low else ~(e[0] > low)
        if high < np.inf:
            bad = bad | (~(e[1] <= high) if with_high else ~(e[1] < high))
        e = e if rises else e[::-1]
        y = op.value(e) if exact else stacked.monotone(e, op.value, error, op.range)
        if least > -np.inf:  # what rounding added may leave the domain of what follows
            y = np.maximum(y, least)
        if most < np.inf:
            y = np.minimum(y, most)
        for point, known in op.exact_points:
            before, after = (e[1] <= point, e[0] >= point)
            if not rises:
                before, after = (e[1] >= point, e[0] <= point)
            y[0] = np.where(after, np.maximum(y[0], known), y[0])
            y[1] = np.where(before, np.minimum(y[1], known), y[1])
        return _undefined(y, bad)

    return step, node.args


# -- rules -----------------------------------------------------------------------------


def root(e: Array) -> Array:
    """Return the square root."""
    bad = ~(e[0] >= 0)
    return _undefined(outward(np.sqrt(np.maximum(e, 0.0))), bad)


def step(e: Array) -> Array:
    """Return the slope of relu."""
    out = np.empty(e.shape)
    out[0] = e[0] > 0
    out[1] = e[1] >= 0
    return _undefined(out, np.isnan(e).any(axis=0))


def absolute_slope(e: Array) -> Array:
    """Return the slope of the absolute value: the hull of both sides at zero."""
    out = np.empty(e.shape)
    out[0] = np.where(e[0] > 0, 1.0, -1.0)
    out[1] = np.where(e[1] < 0, -1.0, 1.0)
    return _undefined(out, np.isnan(e).any(axis=0))


def jump_slope(e: Array) -> Array:
    """Return the slope of a jump at zero."""
    away = ((e[0] > 0) | (e[1] < 0)) & ~np.isnan(e).any(axis=0)
    return np.where(away, np.zeros(e.shape), np.nan)


def reciprocal(e: Array) -> Array:
    """Return ``1 / e``."""
    above, below = e[0] > 0, e[1] < 0
    y = outward(1.0 / e[::-1])
    y[0] = np.where(above, np.maximum(y[0], 0.0), y[0])
    y[1] = np.where(below, np.minimum(y[1], 0.0), y[1])
    return np.where(above | below, y, np.nan)


def add(a: Array, b: Array) -> Array:
    """Return the sum; what is exactly zero stays zero."""
    s = a + b
    zero = s == 0
    return np.where(zero, 0.0, outward(s)) if zero.any() else outward(s)


def total(e: Array, axis: tuple[int, ...], count: int) -> Array:
    """Return the sum over negative axes; sums of one sign keep it."""
    y = stacked.sum_any(e, axis, count)
    y[0] = np.where(
        np.min(e[0], axis=axis, initial=0.0) >= 0, np.maximum(y[0], 0.0), y[0]
    )
    y[1] = np.where(
        np.max(e[1], axis=axis, initial=0.0) <= 0, np.minimum(y[1], 0.0), y[1]
    )
    return y


def _signed(out: Array, lost: Any) -> Array:
    """Move ends outward, but those that are exactly zero: no product was lost."""
    zero = out == 0
    if not zero.any():
        return outward(out)
    return np.where(zero & ~np.asarray(lost), 0.0, outward(out))


def multiply(a: Array, b: Array) -> Array:
    """Return the product; zero times an infinite end is zero."""
    same, cross = a * b, a * b[::-1]
    if np.isnan(np.sum(same) + np.sum(cross)):
        known = ~(np.isnan(a).any(axis=0) | np.isnan(b).any(axis=0))
        same = np.where(np.isnan(same) & known, 0.0, same)
        cross = np.where(np.isnan(cross) & known, 0.0, cross)
    out = np.empty(same.shape)
    np.minimum.reduce((same[0], same[1], cross[0], cross[1]), out=out[0, ...])
    np.maximum.reduce((same[0], same[1], cross[0], cross[1]), out=out[1, ...])
    if not (out == 0).any():
        return outward(out)
    lost = (same == 0) & (a != 0) & (b != 0) | (cross == 0) & (a != 0) & (b[::-1] != 0)
    return _signed(out, lost.any(axis=0))


def multiply_thin(e: Array, c: Any) -> Array:
    """Return ends times a constant of any signs."""
    p = e * c
    out = np.empty(p.shape)
    np.minimum(p[0], p[1], out=out[0, ...])
    np.maximum(p[0], p[1], out=out[1, ...])
    return _signed(out, ((p == 0) & (e != 0) & (np.asarray(c) != 0)).any(axis=0))


def whole_power(e: Array, n: int) -> Array:
    """Return ``e ** n`` for ``n >= 1``: repeated products, with one relative error."""
    e = stacked.sizes(e) if n % 2 == 0 else e
    power, base, left = None, e, n
    while left:
        if left & 1:
            power = base if power is None else power * base
        left >>= 1
        if left:
            base = base * base
    assert power is not None  # n is positive
    y = power + signs(power) * (np.abs(power) * gamma(n + 3) + MIN_NORMAL)
    if n % 2 == 0:
        np.maximum(y, 0.0, out=y)
    return np.where(e == 0, 0.0, y) if (e == 0).any() else y


def integer_power(e: Array, n: int) -> Array:
    """Return ``e ** n``."""
    return whole_power(e, n) if n > 0 else reciprocal_power(e, -n)


def reciprocal_power(e: Array, n: int) -> Array:
    """Return ``1 / e**n``; undefined where ``e`` holds zero."""
    apart = (e[0] > 0) | (e[1] < 0)
    y = reciprocal(whole_power(e, n))  # NaN, too, where a power underflows to zero
    return np.where(apart, y, np.nan)


def real_power(e: Array, p: float) -> Array:
    """Return ``e ** p`` for a base that is not negative and any number ``p``."""
    bad = ~(e[0] >= 0) if p > 0 else ~(e[0] > 0)
    base = np.maximum(e, 0.0)
    y = np.power(base if p > 0 else base[::-1], p)
    y = y + signs(y) * (np.abs(y) * (6 * EPS) + MIN_NORMAL)
    return _undefined(np.maximum(y, 0.0), bad)


def wave(function: Callable[[Array], Array], top: float) -> Step:
    """Return the rule of a sine or cosine with a maximum at ``top * pi``."""

    def rule(e: Array) -> Array:
        t = e / np.pi - top  # maxima at even, minima at odd numbers
        slack = (np.abs(t) + 1.0) * (4 * EPS)
        first, last = np.ceil(t[0] - slack[0]), np.floor(t[1] + slack[1])
        turns = last >= first
        both = (last > first) | (np.maximum(-e[0], e[1]) > LARGE)
        even = np.remainder(first, 2.0) == 0
        y = function(e)
        out = np.empty(y.shape)
        np.minimum(y[0], y[1], out=out[0, ...])
        np.maximum(y[0], y[1], out=out[1, ...])
        out += signs(out) * WAVE_ERROR
        out[1] = np.where(both | (turns & even), 1.0, np.minimum(out[1], 1.0))
        out[0] = np.where(both | (turns & ~even), -1.0, np.maximum(out[0], -1.0))
        if top:  # the sign of a sine is that of small arguments
            small = np.maximum(-e[0], e[1]) <= 3.0
            out[0] = np.where(small & (e[0] >= 0), np.maximum(out[0], 0.0), out[0])
            out[1] = np.where(small & (e[1] <= 0), np.minimum(out[1], 0.0), out[1])
        return _undefined(out, np.isnan(e).any(axis=0))

    return rule


# -- which rule for which node ---------------------------------------------------------


def _unary(rule: Step) -> Callable[[_StepBuilder, Variable], Made]:
    return lambda build, node: (rule, node.args)


def _add(build: _StepBuilder, node: Variable) -> Made | None:
    a, b = node.args
    if any(x.op is ops.matmul for x in node.args):
        return None
    if build.nonnegative(a) and build.nonnegative(b):
        return None
    return add, (a, b)


def _subtract(build: _StepBuilder, node: Variable) -> Made:
    if build.thin(node.args[1]):
        return lambda a, b: add(a, -b), node.args
    return lambda a, b: add(a, -b[::-1]), node.args


def _sum(build: _StepBuilder, node: Variable) -> Made | None:
    (x,), axis = node.args, tuple(node.attrs["axis"])
    if build.nonnegative(x):
        return None
    count = math.prod(x.shape[i] for i in axis)
    return lambda e: total(e, axis, count), (x,)


def _multiply(build: _StepBuilder, node: Variable) -> Made | None:
    a, b = node.args
    if build.nonnegative(a) and build.nonnegative(b):
        return None
    if build.thin(b):
        return multiply_thin, (a, b)
    if build.thin(a):
        return multiply_thin, (b, a)
    return multiply, (a, b)


def _divide(build: _StepBuilder, node: Variable) -> Made:
    a, b = node.args
    if build.thin(b):
        number = build.constants[b]
        if not np.all(number):
            return build.full(node)
        return lambda e: _quotient(e, number), (a,)
    if build.thin(a):
        return lambda x, y: multiply_thin(reciprocal(y), x), (a, b)
    return lambda x, y: multiply(x, reciprocal(y)), (a, b)


def _quotient(e: Array, number: Any) -> Array:
    q = e / number
    out = np.where(number > 0, q, q[::-1])
    return _signed(out, ((q == 0) & (e != 0)).any(axis=0))


def _integer_power(build: _StepBuilder, node: Variable) -> Made | None:
    n = int(node.attrs["n"])
    if not 0 < abs(n) <= LONG:
        return None
    return lambda e: integer_power(e, n), node.args


def _power(build: _StepBuilder, node: Variable) -> Made | None:
    x, y = node.args
    if not build.thin(y) or build.thin(x):
        return None
    exponents = np.unique(build.constants[y])
    if len(exponents) != 1 or float(exponents[0]).is_integer():
        return None
    p = float(exponents[0])
    return lambda e: real_power(e, p), (x,)


_MAKERS: dict[Operator, Callable[[Any, Variable], Made | None]] = {
    ops.add: _add,
    ops.subtract: _subtract,
    ops.add_reduce: _sum,
    ops.multiply: _multiply,
    ops.divide: _divide,
    ops.reciprocal: _unary(reciprocal),
    ops.integer_power: _integer_power,
    ops.power: _power,
    ops.sqrt: _unary(root),
    ops.step: _unary(step),
    ops.absolute: _unary(stacked.sizes),
    ops.absolute_slope: _unary(absolute_slope),
    ops.jump_slope: _unary(jump_slope),
    ops.sin: _unary(wave(np.sin, 0.5)),
    ops.cos: _unary(wave(np.cos, 0.0)),
}
