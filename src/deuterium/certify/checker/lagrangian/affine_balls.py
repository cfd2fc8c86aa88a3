"""Affine functions of terms, and linear operators applied to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import arb

from deuterium import ops
from deuterium.array_type import Array
from deuterium.certify.checker.ball_functions import ZERO, Ball
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.scalar_layout import MOVES, ScalarLayout, Task
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable

LINEAR = {
    ops.add,
    ops.subtract,
    ops.negative,
    ops.add_reduce,
    ops.cumsum,
    ops.scatter,
    *MOVES,
}


def is_linear(op: Operator | None, constants: Sequence[bool]) -> bool:
    """Return whether an operator is linear where some arguments are constants."""
    return (
        op in LINEAR
        or (op in (ops.multiply, ops.matmul) and any(constants))
        or (op is ops.divide and constants[1])
    )


@dataclass
class AffineSum:
    """A number plus coefficients of terms, which are slots."""

    constant: Ball = ZERO
    parts: dict[int, Ball] = field(default_factory=dict)

    def plus(self, other: AffineSum, factor: Ball | None = None) -> AffineSum:
        """Return the sum, with a factor for the other."""
        c = other.constant if factor is None else factor * other.constant
        parts = dict(self.parts)
        for t, x in other.parts.items():
            more = x if factor is None else factor * x
            parts[t] = parts[t] + more if t in parts else more
        return AffineSum(self.constant + c, parts)

    def times(self, factor: Ball) -> AffineSum:
        """Return a multiple."""
        parts = {t: factor * x for t, x in self.parts.items()}
        return AffineSum(factor * self.constant, parts)


def objects(shape: tuple[int, ...], elements: list[Any]) -> Array:
    """Return an array of objects."""
    out = np.empty(shape, dtype=object)
    out.reshape(-1)[:] = elements
    return out


def multiples(terms: Array, scale: Any) -> Array:
    """Return affine functions times numbers."""
    pairs = np.broadcast_arrays(terms, np.asarray(scale, dtype=object))
    return objects(
        pairs[0].shape,
        [t.times(c) for t, c in zip(*(p.ravel() for p in pairs), strict=True)],
    )


class _Scratch(ScalarLayout):
    """A layout of one node on its own, to learn what its elements are sums of."""

    def __init__(self, node: Variable, places: Sequence[Array]) -> None:
        super().__init__([], {}, 0)
        start = 0
        for a, p in zip(node.args, places, strict=True):
            self.slots[a] = p + start
            start += a.size
        self.count = start
        if len(set(node.args)) < len(node.args):
            raise NoBound("a node that takes one argument twice")
        self.out = self._enter(node, {})


def linear(node: Variable, places: Sequence[Array], terms: list[AffineSum]) -> Array:
    """Return the elements of a linear operator of affine arguments, given in a row."""
    scratch = _Scratch(node, places)
    found: dict[int, AffineSum] = dict(enumerate(terms))
    found.update({k: AffineSum(x) for k, x in scratch.numbers.items()})
    for group in scratch.groups:
        for task in group.tasks:
            _LINEAR[group.op](found, task, group.attrs)
    return objects(node.shape, [found[k] for k in scratch.out.ravel().tolist()])


Found = dict[int, AffineSum]


def _add(found: Found, task: Task, attrs: Mapping[str, Any]) -> None:
    (k,), (i, j) = task
    found[k] = found[i].plus(found[j])


def _subtract(found: Found, task: Task, attrs: Mapping[str, Any]) -> None:
    (k,), (i, j) = task
    found[k] = found[i].plus(found[j], arb(-1))


def _negative(found: Found, task: Task, attrs: Mapping[str, Any]) -> None:
    (k,), (i,) = task
    found[k] = found[i].times(arb(-1))


def _sum(found: Found, task: Task, attrs: Mapping[str, Any]) -> None:
    (k,), ins = task
    found[k] = total([(arb(1), found[i]) for i in ins])


def total(terms: Sequence[tuple[Ball, AffineSum]]) -> AffineSum:
    """Return the sum of multiples of affine functions."""
    constant = ZERO
    parts: dict[int, Ball] = {}
    for c, x in terms:
        constant = constant + c * x.constant
        for t, y in x.parts.items():
            parts[t] = parts[t] + c * y if t in parts else c * y
    return AffineSum(constant, parts)


def _product(a: AffineSum, b: AffineSum) -> AffineSum:
    return b.times(a.constant) if not a.parts else a.times(b.constant)


def _multiply(found: Found, task: Task, attrs: Mapping[str, Any]) -> None:
    (k,), (i, j) = task
    found[k] = _product(found[i], found[j])


def _divide(found: Found, task: Task, attrs: Mapping[str, Any]) -> None:
    (k,), (i, j) = task
    found[k] = found[i].times(1 / found[j].constant)


def _matmul(found: Found, task: Task, attrs: Mapping[str, Any]) -> None:
    outs, ins = task
    rows, inner, columns = attrs["shape"]
    a, b = ins[: rows * inner], ins[rows * inner :]
    for n, k in enumerate(outs):
        r, c = divmod(n, columns)
        terms = []
        for i, j in zip(a[r * inner : (r + 1) * inner], b[c::columns], strict=True):
            x, y = found[i], found[j]
            terms.append((x.constant, y) if not x.parts else (y.constant, x))
        found[k] = total(terms)


_LINEAR = {
    ops.add: _add,
    ops.subtract: _subtract,
    ops.negative: _negative,
    ops.add_reduce: _sum,
    ops.multiply: _multiply,
    ops.divide: _divide,
    ops.matmul: _matmul,
}
