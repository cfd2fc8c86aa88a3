"""Cases of the operators on whole arrays, with references in plain loops.

A reference takes object arrays of exact numbers (balls or rationals) and returns one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Case:
    """One use of an operator on arrays.

    ``shapes`` are those of the arguments, ``closed`` whether it has a closed form,
    ``kinked`` whether derivatives need arguments that stand clear of each other.
    """

    shapes: tuple
    reference: Callable
    attrs: dict = field(default_factory=dict)
    closed: bool = True
    kinked: bool = False
    smooth: bool = True


def total(numbers):
    result = 0
    for n in numbers:
        result = n + result
    return result


def filled(shape, elements):
    out = np.empty(shape, dtype=object)
    for index, e in zip(np.ndindex(*shape), elements, strict=True):
        out[index] = e
    return out


def by_row(function):
    """Return a reference that makes a row of each row."""

    def reference(x):
        rows = [function(list(x[i])) for i in np.ndindex(x.shape[:-1])]
        return filled(x.shape, [e for row in rows for e in row])

    return reference


def row_to_one(function):
    def reference(x):
        return filled(
            x.shape[:-1], [function(list(x[i])) for i in np.ndindex(x.shape[:-1])]
        )

    return reference


def gathered(index):
    return lambda x: filled(index.shape, [list(x.flat)[i] for i in index.flat])


def scattered(index, shape):
    def reference(x):
        out = [0] * int(np.prod(shape))
        for value, place in zip(x.flat, index.flat, strict=True):
            out[place] = value + out[place]
        return filled(shape, out)

    return reference


def summed(axis):
    def reference(x):
        keep = [i for i in range(x.ndim) if i - x.ndim not in axis]
        shape = tuple(x.shape[i] for i in keep)
        sums = {index: [] for index in np.ndindex(*shape)}
        for index in np.ndindex(*x.shape):
            sums[tuple(index[i] for i in keep)].append(x[index])
        return filled(shape, [total(s) for s in sums.values()])

    return reference


def product(row):
    result = row[0] * 0 + 1 if row else 1
    for r in row:
        result = r * result
    return result


def largest(row):
    best = row[0]
    for r in row[1:]:
        best = r if r > best else best
    return best


def first_largest(row):
    place = 0
    for i, r in enumerate(row):
        place = i if r > row[place] else place
    return [row[0] * 0 + (i == place) for i in range(len(row))]


def running(reverse):
    def one(row):
        if reverse:
            return [total(row[i:]) for i in range(len(row))]
        return [total(row[: i + 1]) for i in range(len(row))]

    return by_row(one)


def multiplied(a, b):
    shape = (*a.shape[:-1], b.shape[-1])
    return filled(
        shape,
        [
            total(a[(*i[:-1], k)] * b[(*i[:-2], k, i[-1])] for k in range(a.shape[-1]))
            for i in np.ndindex(*shape)
        ],
    )


def log_sum_exp(row):
    top = largest(row)
    return top + total((r - top).exp() for r in row).log()


def soft_max(row):
    return [1 / total((r - own).exp() for r in row) for own in row]


def length(row):
    return total(r * r for r in row).sqrt()


def unit_vector(row):
    return [r / length(row) for r in row]


def joined(axis):
    return lambda *xs: np.concatenate(xs, axis=axis)


def ordered(row):
    """Return the row in ascending order, which is that of exact numbers."""
    row = list(row)
    for end in range(len(row) - 1, 0, -1):
        for i in range(end):
            if row[i] > row[i + 1]:
                row[i], row[i + 1] = row[i + 1], row[i]
    return row


def reordered(reverse):
    def one(given, row):
        order = sorted(range(len(row)), key=lambda i: sum(r < row[i] for r in row))
        if reverse:
            out = [None] * len(row)
            for rank, i in enumerate(order):
                out[i] = given[rank]
            return out
        return [given[i] for i in order]

    def reference(g, x):
        rows = [one(list(g[i]), list(x[i])) for i in np.ndindex(x.shape[:-1])]
        return filled(x.shape, [e for row in rows for e in row])

    return reference


def selected(mask):
    return lambda a, b: filled(
        mask.shape,
        [p if m else q for m, p, q in zip(mask.flat, a.flat, b.flat, strict=True)],
    )


INDEX = np.array([[3, 0, 3], [5, 2, 2]])
MASK = np.array([[True, False, True], [False, False, True]])

ARRAYS = {
    "broadcast": [
        Case(
            ((3,),), lambda x: np.broadcast_to(x, (2, 3)), {"shape": (2, 3), "ndim": 1}
        ),
        Case(
            ((2, 1, 3),),
            lambda x: np.broadcast_to(x, (4, 2, 5, 3)),
            {"shape": (4, 2, 5, 3), "ndim": 3},
        ),
        Case(((),), lambda x: np.broadcast_to(x, (2,)), {"shape": (2,), "ndim": 0}),
    ],
    "reshape": [
        Case(((2, 3),), lambda x: x.reshape(3, 2), {"shape": (3, 2), "ndim": 2}),
        Case(((),), lambda x: x.reshape(1, 1), {"shape": (1, 1), "ndim": 0}),
    ],
    "transpose": [
        Case(((2, 3, 4),), lambda x: np.transpose(x, (2, 0, 1)), {"axes": (2, 0, 1)}),
        Case(((2, 3),), lambda x: x.T, {"axes": (1, 0)}),
    ],
    "concatenate": [
        Case(((2, 3), (2, 1)), joined(-1), {"axis": -1, "ndim": 2}),
        Case(((2, 3), (1, 3), (2, 3)), joined(-2), {"axis": -2, "ndim": 2}),
    ],
    "gather": [Case(((2, 3),), gathered(INDEX), {"index": INDEX, "ndim": 2})],
    "scatter": [
        Case(((2, 3),), scattered(INDEX, (2, 4)), {"index": INDEX, "shape": (2, 4)}),
        Case(
            ((3,),),
            scattered(np.array([2, 0, 1]), (3,)),
            {"index": np.array([2, 0, 1]), "shape": (3,)},
        ),
    ],
    "sum": [
        Case(((2, 3, 2),), summed((-1,)), {"axis": (-1,)}),
        Case(((2, 3, 2),), summed((-1, -3)), {"axis": (-1, -3)}),
        Case(((4,),), summed((-1,)), {"axis": (-1,)}),
    ],
    "prod": [Case(((2, 4),), row_to_one(product)), Case(((1,),), row_to_one(product))],
    "max": [Case(((2, 4),), row_to_one(largest), kinked=True)],
    "argmax_onehot": [
        Case(((2, 4),), by_row(first_largest), closed=False, kinked=True, smooth=False)
    ],
    "argmax_slope": [Case(((2, 4),), lambda x: x * 0, kinked=True, smooth=False)],
    "cumsum": [
        Case(((2, 4),), running(False), {"reverse": False}),
        Case(((4,),), running(True), {"reverse": True}),
    ],
    "matmul": [
        Case(((2, 3), (3, 4)), multiplied),
        Case(((2, 2, 3), (2, 3, 1)), multiplied),
    ],
    "softmax": [Case(((2, 3),), by_row(soft_max)), Case(((1,),), by_row(soft_max))],
    "logsumexp": [Case(((2, 3),), row_to_one(log_sum_exp))],
    "norm": [Case(((2, 3),), row_to_one(length)), Case(((1,),), row_to_one(length))],
    "direction": [
        Case(((2, 3),), by_row(unit_vector), kinked=True),
        Case(((3,),), by_row(unit_vector), kinked=True),
    ],
    "select": [Case(((2, 3), (2, 3)), selected(MASK), {"mask": MASK})],
    "sort": [Case(((2, 4),), by_row(ordered), kinked=True)],
    "reorder": [
        Case(
            ((2, 3), (2, 3)),
            reordered(reverse),
            {"reverse": reverse},
            closed=False,
            kinked=True,
        )
        for reverse in (False, True)
    ],
    "rank_slope": [
        Case(((2, 4),), lambda x: x * 0, closed=False, kinked=True, smooth=False)
    ],
}

SYSTEMS = {"solve", "ridge_solve", "ridge_fit"}
"""Operators with tests of their own: they are not defined everywhere."""

NORMALISED = {"soft_direction", "rejection"}
"""So have these, whose last argument is positive."""
