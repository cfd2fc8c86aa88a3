"""Ranges of matrix products, of which a constant factor makes a faster step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from flint import arb_mat

from deuterium.certify.checker.ball_functions import HALF, ZERO, Ball
from deuterium.certify.checker.binary_ranges import times
from deuterium.certify.checker.scalar_layout import TaskGroup

Ends = list[Ball]
Step = Callable[[Ends, Ends], None]

LARGE = 600  # elements of a matrix, beyond which centres and radii pay


def product_step(group: TaskGroup, fixed: Mapping[int, Ball]) -> Step:
    """Return the step of a product, by what is constant in it."""
    rows, inner, columns = group.attrs["shape"]
    ((outs, ins),) = group.tasks
    a, b = ins[: rows * inner], ins[rows * inner :]
    if all(i in fixed for i in b):
        return affine(outs, a, b, (rows, inner, columns), fixed)
    if all(i in fixed for i in a):
        # the transposed product has its constant factor behind
        turned = _transposed(b, inner, columns), _transposed(a, rows, inner)
        out = _transposed(outs, rows, columns)
        return affine(tuple(out), *turned, (columns, inner, rows), fixed)
    return partial(_general_product, outs, a, b, (rows, inner, columns))


def _transposed(places: Sequence[int], rows: int, columns: int) -> list[int]:
    return [places[i * columns + j] for j in range(columns) for i in range(rows)]


def _general_product(
    outs: Sequence[int],
    a: Sequence[int],
    b: Sequence[int],
    shape: tuple[int, int, int],
    low: Ends,
    high: Ends,
) -> None:
    _, inner, columns = shape
    for n, k in enumerate(outs):
        r, c = divmod(n, columns)
        down = up = ZERO
        for i, j in zip(a[r * inner : (r + 1) * inner], b[c::columns], strict=True):
            p, q = times(low[i], high[i], low[j], high[j])
            down, up = down + p, up + q
        low[k], high[k] = down, up


def by_sign(weights: Sequence[Ball]) -> tuple[list[Ball], list[Ball]]:
    """Return what may be positive, and what may be negative; zero for the others.

    A ball that may be either counts in both: that its number is multiplied with one end
    and zero with the other is among what the balls of both allow.
    """
    positive = [ZERO if c <= ZERO else c for c in weights]
    negative = [ZERO if c >= ZERO else c for c in weights]
    return positive, negative


def affine(
    outs: Sequence[int],
    x: Sequence[int],
    w: Sequence[int],
    shape: tuple[int, int, int],
    fixed: Mapping[int, Ball],
) -> Step:
    """Return the step of ``x @ W`` for a constant matrix.

    By its positive part P and negative part N: ``low @ P + high @ N`` to
    ``high @ P + low @ N``.
    """
    _, inner, columns = shape
    if inner * columns > LARGE:
        return _centred(outs, x, w, shape, fixed)
    weights = [fixed[i] for i in w]
    positive, negative = by_sign(weights)
    both = arb_mat(2 * inner, columns, positive + negative)
    rows = shape[0]
    parts = [tuple(x[s : s + inner]) for s in range(0, rows * inner, inner)]

    def step(low: Ends, high: Ends) -> None:
        if not _are_finite(x, low, high):
            _general_product(outs, x, w, shape, low, high)
            return
        entries: list[Ball] = []
        for part in parts:
            down, up = [low[i] for i in part], [high[i] for i in part]
            entries += down + up + up + down
        product = (arb_mat(2 * rows, 2 * inner, entries) * both).entries()
        for n, k in enumerate(outs):
            r, c = divmod(n, columns)
            low[k] = product[2 * r * columns + c]
            high[k] = product[(2 * r + 1) * columns + c]

    return step


def _are_finite(places: Sequence[int], low: Ends, high: Ends) -> bool:
    """Return whether ends are finite: else zero times one of them is unknown."""
    return all(low[i].is_finite() and high[i].is_finite() for i in places)


def _centred(
    outs: Sequence[int],
    x: Sequence[int],
    w: Sequence[int],
    shape: tuple[int, int, int],
    fixed: Mapping[int, Ball],
) -> Step:
    """Return the same step by centres and radii, which is faster for large matrices.

    Twice the centres times W, and twice the radii times the absolute values of W.  What
    they lose by rounding loses no sign.
    """
    rows, inner, columns = shape
    weights = [fixed[i] for i in w]
    matrix = arb_mat(inner, columns, weights)
    sizes = arb_mat(inner, columns, [abs(c) for c in weights])
    signs = [_sign([(c, c) for c in weights[j::columns]]) for j in range(columns)]

    def step(low: Ends, high: Ends) -> None:
        if not _are_finite(x, low, high):
            _general_product(outs, x, w, shape, low, high)
            return
        down = arb_mat(rows, inner, [low[i] for i in x])
        up = arb_mat(rows, inner, [high[i] for i in x])
        centre, radius = (down + up) * matrix, (up - down) * sizes
        least = ((centre - radius) * HALF).entries()
        most = ((centre + radius) * HALF).entries()
        ends = [(low[i], high[i]) for i in x]
        ways = [_sign(ends[s : s + inner]) for s in range(0, rows * inner, inner)]
        for n, (k, a, b) in enumerate(zip(outs, least, most, strict=True)):
            way = ways[n // columns] * signs[n % columns]
            low[k] = ZERO if way > 0 and not a >= ZERO else a
            high[k] = ZERO if way < 0 and not b <= ZERO else b

    return step


def _sign(ends: Sequence[tuple[Ball, Ball]]) -> int:
    """Return 1 of ranges that are not negative, -1 of those not positive, else 0."""
    if all(a >= ZERO for a, _ in ends):
        return 1
    return -1 if all(b <= ZERO for _, b in ends) else 0
