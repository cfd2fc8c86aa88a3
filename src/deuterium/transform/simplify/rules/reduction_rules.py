"""Rules for sums over axes and matrix products.

That the squared norm of an outer product is a product of squared norms is what makes
norms of per-record gradients cheap (I. Goodfellow, "Efficient per-example gradient
computations", 2015); `gram_form` is its form for sums over a sequence.
"""

from __future__ import annotations

import math
from typing import Any

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.piecewise import relu
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.broadcastable import joint_shape, spread_shape
from deuterium.transform.simplify.factors import Factors, build, factors
from deuterium.transform.simplify.rule_table import rule

MOST_SCATTERED = 64  # parts of a sum of scattered elements, each with its square


@rule(
    ops.add_reduce,
    identity="sum(x) = x over axes of length one",
    gains="one form of what is the same sum",
)
def sum_over_short_axes(v: Variable, known: Assumptions) -> Variable | None:
    """Leave axes of length one to a reshape."""
    (x,) = v.args
    axes = v.attrs["axis"]
    if x.size == 1:
        return arrays.reshape_to(x, v.shape)
    every = tuple(range(-x.ndim, 0))
    kept = [i for i in every if i not in axes]
    if all(x.shape[i] == 1 for i in kept):
        if kept:
            return arrays.reshape_to(arrays.sum_over(x, every), v.shape)
        return None
    long = tuple(i for i in axes if x.shape[i] != 1)
    if len(long) == len(axes):
        return None
    return arrays.reshape_to(arrays.sum_over(x, long), v.shape)


@rule(
    ops.matmul,
    identity="x' x = sum(square(x))",
    gains="a sum of squares, which is never negative",
)
def product_with_itself(v: Variable, known: Assumptions) -> Variable | None:
    """Write the product of a vector with itself as its squares."""
    first, last = (_vector(a) for a in v.args)
    if v.size != 1 or first is not last:
        return None
    every = tuple(range(-first.ndim, 0))
    return arrays.reshape_to(arrays.sum_over(ops.square(first), every), v.shape)


def _vector(x: Variable) -> Variable:
    """Return what is stood up or laid down."""
    while x.op in (ops.reshape, ops.transpose) and x.size == max(x.shape):
        (x,) = x.args
    return x


ONLY_MOVE = frozenset({ops.reshape, ops.transpose, ops.scatter})


@rule(
    ops.add_reduce,
    identity="sum((scatter(x, i) + scatter(y, j))**2) = x**2 + y**2 of numbers x and y",
    holds="where the places differ; numbers at one place are added up",
    gains="elements written one by one are numbers, of which other rules know",
)
def squares_of_scattered(v: Variable, known: Assumptions) -> Variable | None:
    """Square what is scattered, not the array that it is put together to."""
    (x,) = v.args
    if v.shape or x.op is not ops.square:
        return None
    parts = _scattered(x.args[0])
    if len(parts) < 2:
        return None
    at: dict[int, Variable] = {}
    for part, index in parts:
        place, number = int(index.ravel()[0]), arrays.reshape_to(part, ())
        at[place] = at[place] + number if place in at else number
    squares = [n * n for n in at.values()]
    total, *more = squares
    for square in more:
        total = total + square
    return total


def _scattered(v: Variable) -> list[tuple[Variable, Any]]:
    """Return what is scattered in a sum of nothing else, and where to; else nothing."""
    found: list[tuple[Variable, Any]] = []
    todo = [(v, 1)]
    while todo:
        x, sign = todo.pop()
        if x.op is ops.scatter and x.args[0].size == 1 and len(found) < MOST_SCATTERED:
            part = x.args[0]
            found.append((part if sign > 0 else -part, x.attrs["index"]))
        elif x.op in (ops.add, ops.subtract):
            first, last = x.args
            todo += [(last, -sign if x.op is ops.subtract else sign), (first, sign)]
        elif x.op is ops.negative:
            todo.append((x.args[0], -sign))
        else:
            return []
    return found


@rule(
    ops.add_reduce,
    identity="sum(reshape(x)) = sum(x) over all axes, also for transposes and scatters",
    gains="one node; sums over the same elements are one",
)
def sum_of_moved(v: Variable, known: Assumptions) -> Variable | None:
    """Sum before moving."""
    (x,) = v.args
    if v.shape or x.op not in ONLY_MOVE:
        return None
    (source,) = x.args
    return arrays.sum_over(source, tuple(range(-source.ndim, 0)))


@rule(
    ops.add_reduce,
    identity="sum_ij(c * x_i * y_j) = c * sum_i(x_i) * sum_j(y_j), sum_i(c) = n * c",
    gains="the norm of an outer product is a product of norms: n + m terms, not n * m",
)
def separable_sum(v: Variable, known: Assumptions) -> Variable | None:
    """Split the sum of a product of broadcast factors into a product of sums."""
    (x,) = v.args
    if not x.size:
        return None  # a sum of no terms, whatever the factors
    view = factors(x, known)
    axes = [i % x.ndim for i in v.attrs["axis"]]
    touched = {b: _long_axes(b, x.ndim) for b in view.powers}
    groups = _linked(axes, touched)
    outside = {b: e for b, e in view.powers.items() if touched[b].isdisjoint(axes)}
    missing = [
        i for i in axes if x.shape[i] != 1 and not any(i in group for group in groups)
    ]
    if len(groups) < 2 and not outside and not missing and view.coefficient == 1:
        return None
    scale = math.prod(x.shape[i] for i in missing)
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    first = build(Factors(joint_shape(outside), view.coefficient, outside), known)
    if first is None:
        return None
    result = constant(scale) * first
    for group in groups:
        powers = {b: e for b, e in view.powers.items() if touched[b] & group}
        part = _part(powers, group, x.ndim, known)
        if part is None:
            return None
        result = result * part
    return arrays.reshape_to(broadcast_to(result, shape), v.shape)


def _long_axes(base: Variable, ndim: int) -> set[int]:
    return {i for i, n in enumerate(spread_shape(base.shape, ndim)) if n != 1}


def _linked(axes: list[int], touched: dict[Variable, set[int]]) -> list[set[int]]:
    """Return groups of axes of which no factor touches two."""
    groups: list[set[int]] = []
    for own in touched.values():
        joined = own.intersection(axes)
        if not joined:
            continue
        apart = [g for g in groups if not g & joined]
        for g in groups:
            if g & joined:
                joined |= g
        groups = [*apart, joined]
    return groups


def _part(
    powers: dict[Variable, int], group: set[int], ndim: int, known: Assumptions
) -> Variable | None:
    """Return the sum over one group of axes, which stay as axes of length one."""
    shape = spread_shape(joint_shape(powers), ndim)
    product = build(Factors(shape, 1, dict(powers)), known)
    if product is None:
        return None
    total = arrays.sum_over(product, tuple(sorted(i - ndim for i in group)))
    kept = tuple(1 if i in group else n for i, n in enumerate(shape))
    return arrays.reshape_to(total, kept)


@rule(
    ops.matmul,
    identity="(c * r_i * A_ik) @ (s_j * B_kj) = c * r_i * s_j * (A @ B)_ij",
    gains="an output error is met once, not in each element of what is propagated back",
)
def factor_out_of_matmul(v: Variable, known: Assumptions) -> Variable | None:
    """Pull factors of rows and columns, and numbers, out of a matrix product."""
    a, b = v.args
    left, rest_a = _split(a, -1, known)
    right, rest_b = _split(b, -2, known)
    if left is None and right is None:
        return None
    product = arrays.matrix_product(rest_a, rest_b)
    for scale in (left, right):
        if scale is not None:
            product = scale * product
    return product


def _split(
    x: Variable, axis: int, known: Assumptions
) -> tuple[Variable | None, Variable]:
    """Return the factors of ``x`` that do not vary along an axis, and the rest."""
    if x.op is None or x.shape[axis] < 2:
        return None, x  # a sum of no terms is zero, whatever the factors
    view = factors(x, known)
    outer = {
        b: e for b, e in view.powers.items() if spread_shape(b.shape, x.ndim)[axis] == 1
    }
    if (not outer and view.coefficient == 1) or view.coefficient == 0:
        return None, x
    inner = view.without(outer)
    if not inner.powers:
        return None, x
    inner.coefficient = 1
    # a factor of rows is broadcast over the columns of the result by itself
    shape = spread_shape(joint_shape(outer), x.ndim) if outer else ()
    scale = build(Factors(shape, view.coefficient, outer), known)
    rest = build(inner, known)
    return (None, x) if scale is None or rest is None else (scale, rest)


GRAM_GAIN = 2  # how many times cheaper the Gram form must be


@rule(
    ops.add_reduce,
    identity="sum(square(A @ D)) = sum((A.T @ A) * (D @ D.T)), both of size T x T",
    gains="T * T * (n + m) products in place of T * n * m, where that is cheaper",
)
def gram_form(v: Variable, known: Assumptions) -> Variable | None:
    """Take the squared norm of a matrix product from two small Gram matrices."""
    (x,) = v.args
    if v.shape != () or x.op is not ops.square or x.args[0].op is not ops.matmul:
        return None
    a, d = x.args[0].args
    if a.ndim != 2:
        return None
    (n, inner), m = a.shape, d.shape[1]
    if GRAM_GAIN * inner * inner * (n + m) >= inner * n * m:
        return None
    grams = arrays.matrix_product(arrays.flipped(a), a) * arrays.matrix_product(
        d, arrays.flipped(d)
    )
    # not negative, as a sum of squares: said, since an enclosure of products cannot see
    return relu(arrays.sum_over(grams, (-2, -1)))
