"""Boxes made smaller by conditions, going backward through their graphs.

Forward, every node of a condition is enclosed; backward, each argument is cut down to
what the range of its operator allows (HC4: Benhamou, Goualard, Granvilliers and Puget,
"Revising hull and box consistency", ICLP 1999).  Everything is rounded outward, so no
point that satisfies the conditions is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import symbols_in, topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.ops import arithmetic as ops
from deuterium.ops import arrays, exponential, logic, piecewise

ROUNDS = 4  # over all conditions; each round can use what the last has cut

Meaning = dict[Variable, Interval]
Boxes = Mapping[str, Interval]
_make = Interval.unchecked


class Empty(Exception):
    """No point of the boxes satisfies the conditions."""


def contracted(conditions: Sequence[Variable], boxes: Boxes) -> dict[str, Interval]:
    """Return boxes that hold every point of the given ones where conditions hold.

    Parameters
    ----------
    conditions : sequence of Variable
        Conditions of any shape; every element holds.
    boxes : mapping from str to Interval
        A box for every symbol, of the symbol's shape.

    Raises
    ------
    Empty
        There is certainly no such point.
    """
    found = dict(boxes)
    needs = [need for c in conditions for need in _needs(c)]
    for _ in range(ROUNDS):
        before = dict(found)
        for h, wanted in needs:
            _revise(h, wanted, found)
        if all(_same(before[n], found[n]) for n in found):
            break
    return found


def _same(a: Interval, b: Interval) -> bool:
    return np.array_equal(a.lower, b.lower) and np.array_equal(a.upper, b.upper)


def _needs(c: Variable, holds: bool = True) -> Iterator[tuple[Variable, Interval]]:
    """Yield numbers with the ranges that they have where a condition holds."""
    zero, inf = np.zeros(c.shape), np.full(c.shape, np.inf)
    if c.op is logic.logical_not:
        yield from _needs(c.args[0], not holds)
    elif c.op is (piecewise.minimum if holds else piecewise.maximum):
        for a in c.args:
            yield from _needs(a, holds)
    elif c.op is logic.is_positive:
        yield c.args[0], _make(zero, inf) if holds else _make(-inf, zero)
    elif c.op is logic.is_zero and holds:
        yield c.args[0], _make(zero, zero)


def _revise(h: Variable, wanted: Interval, boxes: dict[str, Interval]) -> None:
    """Cut the boxes of one number's symbols down to where it has a wanted range."""
    order = topological([h])

    def leaf(v: Variable) -> Interval:
        if v.is_symbol:
            return boxes[v.name]
        values = np.asarray(v.value, dtype=np.float64)
        return _make(values, values)

    with np.errstate(all="ignore"):
        meaning = interpret(order, leaf, lambda op: op.enclosure)
        _cut(meaning, h, wanted)
        for n in reversed(order):
            rule = _BACKWARD.get(n.op) if n.op is not None else None
            if rule is not None:
                rule(n, meaning)
    for s in symbols_in(order):
        boxes[s.name] = meaning[s]


def _cut(meaning: Meaning, v: Variable, to: Interval) -> None:
    """Cut the range of a node; what is undefined in either says nothing."""
    x = meaning[v]
    low = np.where(np.isnan(to.lower), x.lower, np.fmax(x.lower, to.lower))
    high = np.where(np.isnan(to.upper), x.upper, np.fmin(x.upper, to.upper))
    if np.any(low > high):
        raise Empty
    meaning[v] = _make(low, high)


# -- backward through one operator ---------------------------------------------------


def _add(n: Variable, m: Meaning) -> None:
    a, b = n.args
    _cut(m, a, interval_arithmetic.subtract(m[n], m[b]))
    _cut(m, b, interval_arithmetic.subtract(m[n], m[a]))


def _subtract(n: Variable, m: Meaning) -> None:
    a, b = n.args
    _cut(m, a, interval_arithmetic.add(m[n], m[b]))
    _cut(m, b, interval_arithmetic.subtract(m[a], m[n]))


def _multiply(n: Variable, m: Meaning) -> None:
    a, b = n.args
    _cut(m, a, interval_arithmetic.divide(m[n], m[b]))
    _cut(m, b, interval_arithmetic.divide(m[n], m[a]))


def _divide(n: Variable, m: Meaning) -> None:
    a, b = n.args
    _cut(m, a, interval_arithmetic.multiply(m[n], m[b]))
    _cut(m, b, interval_arithmetic.divide(m[a], m[n]))


def _negative(n: Variable, m: Meaning) -> None:
    _cut(m, n.args[0], interval_arithmetic.negative(m[n]))


def _either_sign(n: Variable, m: Meaning, size: Interval) -> None:
    """Cut an argument whose size is known, and its sign perhaps."""
    (a,) = n.args
    x = m[a]
    low = np.where(x.lower >= 0, size.lower, -size.upper)
    high = np.where(x.upper <= 0, -size.lower, size.upper)
    _cut(m, a, _make(low, high))


def _absolute(n: Variable, m: Meaning) -> None:
    _either_sign(n, m, m[n])


def _square(n: Variable, m: Meaning) -> None:
    z = m[n]
    _either_sign(
        n, m, interval_arithmetic.sqrt(_make(np.maximum(z.lower, 0.0), z.upper))
    )


def _sqrt(n: Variable, m: Meaning) -> None:
    z = m[n]
    _cut(
        m,
        n.args[0],
        interval_arithmetic.square(_make(np.maximum(z.lower, 0.0), z.upper)),
    )


def _exp(n: Variable, m: Meaning) -> None:
    z = m[n]
    positive = z.lower > 0
    x = exponential.log.enclosure(_make(np.where(positive, z.lower, 1.0), z.upper))
    _cut(m, n.args[0], _make(np.where(positive, x.lower, -np.inf), x.upper))


def _log(n: Variable, m: Meaning) -> None:
    _cut(m, n.args[0], exponential.exp.enclosure(m[n]))


def _maximum(n: Variable, m: Meaning) -> None:
    for a in n.args:
        _cut(m, a, _make(np.full(n.shape, -np.inf), m[n].upper))


def _minimum(n: Variable, m: Meaning) -> None:
    for a in n.args:
        _cut(m, a, _make(m[n].lower, np.full(n.shape, np.inf)))


def _relu(n: Variable, m: Meaning) -> None:
    z = m[n]
    low = np.where(z.lower > 0, z.lower, -np.inf)
    _cut(m, n.args[0], _make(low, z.upper))


def _sum(n: Variable, m: Meaning) -> None:
    """Cut every term to the sum less the others, which is the sum less all but it."""
    (a,) = n.args
    axes = n.attrs["axis"]
    x = m[a]
    total = n.op.enclosure(x, axis=axes) if n.op is not None else x
    kept = tuple(1 if i - a.ndim in axes else k for i, k in enumerate(a.shape))

    def spread(e: Any) -> Any:
        return np.broadcast_to(np.reshape(e, kept), a.shape)

    rest_low = interval_arithmetic.subtract(
        _make(spread(total.lower), spread(total.lower)), _make(x.lower, x.lower)
    ).lower
    rest_high = interval_arithmetic.subtract(
        _make(spread(total.upper), spread(total.upper)), _make(x.upper, x.upper)
    ).upper
    z = _make(spread(m[n].lower), spread(m[n].upper))
    _cut(m, a, interval_arithmetic.subtract(z, _make(rest_low, rest_high)))


def _moved(n: Variable, m: Meaning) -> None:
    """Take ranges back to the places that elements came from."""
    (a,) = n.args
    places = np.arange(a.size).reshape(a.shape)
    assert n.op is not None  # it was found by its operator
    came_from = np.asarray(n.op.value(places, **n.attrs)).ravel().astype(np.int64)
    low, high = np.full(a.size, -np.inf), np.full(a.size, np.inf)
    np.maximum.at(low, came_from, np.broadcast_to(m[n].lower, n.shape).ravel())
    np.minimum.at(high, came_from, np.broadcast_to(m[n].upper, n.shape).ravel())
    _cut(m, a, _make(low.reshape(a.shape), high.reshape(a.shape)))


def _joined(n: Variable, m: Meaning) -> None:
    axis, start = n.attrs["axis"], 0
    for a in n.args:
        end = start + a.shape[axis]
        part = np.arange(start, end)
        low, high = (np.take(e, part, axis) for e in (m[n].lower, m[n].upper))
        _cut(m, a, _make(low, high))
        start = end


_BACKWARD: dict[Any, Callable[[Variable, Meaning], None]] = {
    ops.add: _add,
    ops.subtract: _subtract,
    ops.multiply: _multiply,
    ops.divide: _divide,
    ops.negative: _negative,
    ops.square: _square,
    ops.sqrt: _sqrt,
    piecewise.absolute: _absolute,
    piecewise.maximum: _maximum,
    piecewise.minimum: _minimum,
    piecewise.relu: _relu,
    exponential.exp: _exp,
    exponential.log: _log,
    arrays.add_reduce: _sum,
    arrays.concatenate: _joined,
    **dict.fromkeys(
        (arrays.broadcast, arrays.reshape, arrays.transpose, arrays.gather), _moved
    ),
}
"""What is known of arguments from the range of the result."""
