"""Numbers that a Euclidean ball bounds closer than its box: coordinates of their own.

They are sums of all squares of what lies in it, and numbers that are linear in it.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from deuterium import ops
from deuterium.array_type import Array
from deuterium.certify.checker.ball_functions import ZERO, Ball, smaller
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.graph.constructors import symbol
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.substitute import rebuild
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.ops.arrays import reshape_to

LARGEST = 256  # elements of which every one has its coefficients
MOST_PRODUCTS = 2**18  # of fractions, of a matrix product; half a second


def summed(
    v: Variable, inputs: ProofInputs
) -> tuple[Variable, dict[str, int], list[tuple[Ball, Ball]]]:
    """Return a graph with a symbol in the place of each such number.

    Returns
    -------
    graph : Variable
    starts : dict from str to int
        The first coordinate of each symbol; those of the numbers follow on the inputs.
    ranges : list of pairs of arb
        What each number is at least and at most.
    """
    starts = dict(inputs.starts)
    ranges: list[tuple[Ball, Ball]] = []
    given: dict[Variable, Variable] = {}
    order = topological([v])
    forms = _forms(order, inputs)
    for node in order:
        top = _most(node, inputs)
        found = forms.get(node) if top is None else (ZERO, top)
        if found is not None:
            name = f"number {len(ranges)}"
            while name in starts:
                name += "'"
            starts[name] = inputs.size + len(ranges)
            ranges.append(found)
            given[node] = reshape_to(symbol(name), node.shape)
    if not given:
        return v, starts, ranges
    graph = interpret(order, lambda leaf: leaf, rebuild, given)[v]
    return graph, starts, ranges


def _forms(
    order: list[Variable], inputs: ProofInputs
) -> dict[Variable, tuple[Ball, Ball]]:
    """Return the ranges of the numbers that are linear in a symbol that has a ball.

    Their coefficients, and last what is added, are followed as exact fractions.
    """
    found: dict[Variable, tuple[Ball, Ball]] = {}
    balls = {s: inputs.whole[s.name].balls for s in order if s.is_symbol}
    for s, (ball, *_) in ((s, b) for s, b in balls.items() if b):
        if s.size > LARGEST:
            continue
        center = [_fraction(c) for c in ball[0]]
        known: dict[Variable, Array | None] = {}
        for node in order:
            known[node] = rows = _coefficients(node, s, known)
            if rows is None or node.size != 1 or node.op is None:
                continue
            *slope, added = rows.reshape(-1).tolist()
            if sum(map(bool, slope)) < 2:
                continue
            middle = sum((a * c for a, c in zip(slope, center, strict=True)), added)
            length = arb_of(sum(a * a for a in slope)).sqrt() * arb(ball[1])
            found[node] = arb_of(middle) - length, arb_of(middle) + length
    return found


def _coefficients(
    node: Variable, s: Variable, known: dict[Variable, Array | None]
) -> Array | None:
    """Return an array with one more axis: the coefficients of every element."""
    if node is s:
        rows = np.full((s.size, s.size + 1), Fraction(0), dtype=object)
        np.fill_diagonal(rows, Fraction(1))
        return rows.reshape((*s.shape, s.size + 1))
    if node.op is None:
        return None if node.is_symbol else _constant(node, s.size)
    args = [known[a] for a in node.args]
    if any(a is None for a in args) or node.size > LARGEST:
        return None
    rule = _RULES.get(node.op)
    return None if rule is None else rule(node, *args)


def _constant(node: Variable, count: int) -> Array | None:
    value = np.asarray(node.value, dtype=object)
    if value.size > LARGEST or not np.isfinite(value.astype(float)).all():
        return None
    rows = np.full((value.size, count + 1), Fraction(0), dtype=object)
    rows[:, -1] = [_fraction(x) for x in value.ravel().tolist()]
    return rows.reshape((*value.shape, count + 1))


def _fraction(x: Any) -> Fraction:
    return Fraction(float(x)) if isinstance(x, float) else Fraction(x)


def arb_of(x: Fraction) -> Ball:
    """Return a fraction as a ball."""
    return arb(x.numerator) / arb(x.denominator)


def _number_in(rows: Array) -> Array | None:
    """Return what is added, with an axis for coefficients, where there is no more."""
    return None if np.any(rows[..., :-1]) else rows[..., -1:]


def _scaled(node: Variable, a: Array, b: Array) -> Array | None:
    for x, y in ((a, b), (b, a)):
        numbers = _number_in(y)
        if numbers is not None:
            return x * numbers
    return None


def _divided(node: Variable, a: Array, b: Array) -> Array | None:
    numbers = _number_in(b)
    return None if numbers is None or not np.all(numbers) else a / numbers


def _matrix_product(node: Variable, a: Array, b: Array) -> Array | None:
    if a.ndim < 3 or b.ndim < 3 or a.size * b.shape[-2] > MOST_PRODUCTS:
        return None
    left, right = _number_in(a), _number_in(b)
    if right is not None:
        products = a[..., :, :, None, :] * right[..., None, :, :, :]
    elif left is not None:
        products = left[..., :, :, None, :] * b[..., None, :, :, :]
    else:
        return None
    return np.asarray(products.sum(axis=-3))


def _summed_up(node: Variable, a: Array) -> Array:
    axes = tuple(i - 1 for i in node.attrs["axis"])
    return np.asarray(a.sum(axis=axes))


_RULES: dict[Operator, Callable[..., Array | None]] = {
    ops.add: lambda node, a, b: a + b,
    ops.subtract: lambda node, a, b: a - b,
    ops.negative: lambda node, a: -a,
    ops.multiply: _scaled,
    ops.divide: _divided,
    ops.matmul: _matrix_product,
    ops.add_reduce: _summed_up,
    ops.reshape: lambda node, a: a.reshape((*node.shape, a.shape[-1])),
    ops.broadcast: lambda node, a: np.broadcast_to(
        a.reshape((*(1,) * (node.ndim - a.ndim + 1), *a.shape)),
        (*node.shape, a.shape[-1]),
    ),
    ops.gather: lambda node, a: a.reshape((-1, a.shape[-1]))[node.attrs["index"]],
}


def _most(node: Variable, inputs: ProofInputs) -> Ball | None:
    """Return how large a sum of squares over a ball may be; None for other nodes."""
    base, away = _squared(node), np.zeros(())
    if base is not None and base.op is ops.subtract and base.args[1].is_constant:
        base, away = base.args[0], base.args[1].value
    if base is None or not base.is_symbol or not inputs.whole[base.name].balls:
        return None
    gone = np.broadcast_to(np.asarray(away, dtype=object), base.shape).ravel()
    found = None
    for centre, radius in inputs.whole[base.name].balls:
        gaps = [arb(m) - arb(c) for m, c in zip(centre, gone.tolist(), strict=True)]
        reach = arb(radius) + sum([g * g for g in gaps], ZERO).sqrt()
        found = reach * reach if found is None else smaller(found, reach * reach)
    return found


def _squared(node: Variable) -> Variable | None:
    """Return the whole array whose squares a node adds up."""
    if node.op is not ops.add_reduce or node.shape:
        return None
    (squares,) = node.args
    if squares.op is ops.square:
        return squares.args[0]
    is_square = squares.op is ops.multiply and squares.args[0] is squares.args[1]
    return squares.args[0] if is_square else None
