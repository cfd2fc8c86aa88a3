"""Sums of products over pairs of axes: `tensordot` and `einsum`."""

from __future__ import annotations

import math
import operator
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from deuterium.errors import ShapeError
from deuterium.functions.axes import mismatch, one_axis
from deuterium.functions.function_table import implements, refuse
from deuterium.functions.movement import diagonal
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable
from deuterium.ops import arrays


@implements(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Variable:
    """Return the sum of products over pairs of axes."""
    x, y = as_variable(a), as_variable(b)
    left, right = _axis_pairs(axes, x, y)
    if [x.shape[i] for i in left] != [y.shape[j] for j in right]:
        raise mismatch(f"np.tensordot(axes={axes!r})", x, y)
    letters = iter(range(x.ndim + y.ndim))
    names_x = [next(letters) for _ in x.shape]
    names_y = [next(letters) for _ in y.shape]
    for i, j in zip(left, right, strict=True):
        names_y[j] = names_x[i]
    shared = {names_x[i] for i in left}
    output = [n for n in (*names_x, *names_y) if n not in shared]
    return _contract(x, names_x, y, names_y, output)


def _axis_pairs(axes: Any, x: Variable, y: Variable) -> tuple[list[int], list[int]]:
    if isinstance(axes, (int, np.integer)):
        n = int(axes)
        if not 0 <= n <= min(x.ndim, y.ndim):
            raise ShapeError(
                f"np.tensordot: axes={n} of shapes {x.shape} and {y.shape}; there must "
                "be so many"
            )
        return list(range(x.ndim - n, x.ndim)), list(range(n))
    try:
        left, right = (([s] if np.ndim(s) == 0 else list(s)) for s in axes)
    except (TypeError, ValueError):
        raise ShapeError(
            f"np.tensordot: `axes` must be an integer or a pair, got {axes!r:.80}"
        ) from None
    if len(left) != len(right):
        raise ShapeError(f"np.tensordot: `axes` must pair up, got {axes!r}")
    pairs = (
        [one_axis(i, x.ndim, "np.tensordot") + x.ndim for i in left],
        [one_axis(j, y.ndim, "np.tensordot") + y.ndim for j in right],
    )
    if any(len(set(side)) < len(side) for side in pairs):
        raise ShapeError(f"np.tensordot: an axis comes twice in `axes`={axes!r}")
    return pairs


Names = Sequence[Any]


def _contract(
    x: Variable, names_x: Names, y: Variable, names_y: Names, output: Names
) -> Variable:
    """Sum products over names absent from ``output``: one stack of matrix products."""
    x, names_x = _summed(x, names_x, {*names_y, *output})
    y, names_y = _summed(y, names_y, {*names_x, *output})
    batch = [n for n in names_x if n in names_y and n in output]
    inner = [n for n in names_x if n in names_y and n not in output]
    rows = [n for n in names_x if n not in names_y]
    columns = [n for n in names_y if n not in names_x]
    size = dict(zip((*names_x, *names_y), (*x.shape, *y.shape), strict=True))
    lead = [batch] if batch else []  # a single matrix has no leading axis

    def matrices(v: Variable, names: Names, *groups: Names) -> Variable:
        order = [names.index(n) for group in groups for n in group]
        lengths = [math.prod(size[n] for n in group) for group in groups]
        return arrays.reshape_to(arrays.permute(v, tuple(order)), tuple(lengths))

    product = arrays.matrix_product(
        matrices(x, names_x, *lead, rows, inner),
        matrices(y, names_y, *lead, inner, columns),
    )
    have = [*batch, *rows, *columns]
    whole = arrays.reshape_to(product, tuple(size[n] for n in have))
    return arrays.permute(whole, tuple(have.index(n) for n in output))


def _summed(x: Variable, names: Names, needed: set[Any]) -> tuple[Variable, list[Any]]:
    """Sum away names that nobody needs."""
    alone = tuple(i - len(names) for i, n in enumerate(names) if n not in needed)
    return arrays.sum_over(x, alone), [n for n in names if n in needed]


@implements(np.einsum)
def einsum(subscripts: Any, *operands: Any, **kwargs: Any) -> Variable:
    """Return Einstein's summation, pair after pair (``np.einsum``'s own order)."""
    kwargs.pop("optimize", None)  # says how, not what
    refuse("np.einsum", **kwargs)
    if not isinstance(subscripts, str):
        subscripts, operands = _as_text([subscripts, *operands])
    nodes = [as_variable(x) for x in operands]
    inputs, output = _parse_einsum(subscripts, nodes)
    size = _einsum_sizes(subscripts, inputs, output, nodes)
    terms = [
        _without_repeats(*_without_ones(v, list(n), size))
        for v, n in zip(nodes, inputs, strict=True)
    ]
    while len(terms) > 1:
        (x, names_x), (y, names_y) = terms.pop(0), terms.pop(0)
        later = {n for _, names in terms for n in names}
        names = [*names_x, *(n for n in names_y if n not in names_x)]
        keep = [n for n in names if n in output or n in later]
        terms.insert(0, (_contract(x, names_x, y, names_y, keep), keep))
    x, names = terms[0]
    x, names = _summed(x, names, set(output))
    return arrays.permute(x, tuple(names.index(n) for n in output))


def _as_text(given: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """Return the text and the operands for axes given as lists of numbers."""
    operands, lists = list(given[::2]), list(given[1::2])
    output = operands.pop() if len(given) % 2 else None
    texts = [_letters(axes) for axes in lists]
    text = ",".join(texts)
    return (text if output is None else f"{text}->{_letters(output)}"), (*operands,)


_LETTERS = string.ascii_uppercase + string.ascii_lowercase


def _letters(axes: Any) -> str:
    """Return the letters of axes that are numbered."""
    try:
        return "".join(
            "..." if i is Ellipsis else _LETTERS[operator.index(i)] for i in axes
        )
    except (TypeError, IndexError):
        raise ShapeError(
            f"np.einsum: axes must be numbers from 0 to 51 or ..., got {axes!r:.80}"
        ) from None


def _parse_einsum(text: str, nodes: list[Variable]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the output; "..." becomes letters."""
    left, arrow, right = text.replace(" ", "").partition("->")
    inputs = left.split(",")
    for term in (*inputs, right):
        plain = term.replace("...", "", 1)
        if plain and not (plain.isascii() and plain.isalpha()):
            raise ShapeError(
                f"np.einsum: {term!r} in {text!r} must be letters, with at most one ..."
            )
    if len(inputs) != len(nodes):
        raise ShapeError(
            f"np.einsum: {text!r} names {len(inputs)} operands, got {len(nodes)}"
        )
    spare = [chr(c) for c in range(0x3B1, 0x3B1 + 24)]  # Greek: never the user's
    widths = [
        v.ndim - len(s.replace("...", "")) if "..." in s else 0
        for s, v in zip(inputs, nodes, strict=True)
    ]
    dots = spare[: max(widths, default=0)]
    named = [
        s.replace("...", "".join(dots[len(dots) - w :]))
        for s, w in zip(inputs, widths, strict=True)
    ]
    if not arrow:
        letters = [c for c in "".join(named) if c not in dots]
        right = "..." + "".join(sorted(c for c in letters if letters.count(c) == 1))
    elif dots and "..." not in right:
        raise ShapeError(
            f"np.einsum: the output of {text!r} must hold ... as its operands do"
        )
    output = right.replace("...", "".join(dots))
    return named, output


def _einsum_sizes(
    text: str, named: list[str], output: str, nodes: list[Variable]
) -> dict[str, int]:
    """Return the length of each index; an axis of length one fits any."""
    size: dict[str, int] = {}
    for letters, v in zip(named, nodes, strict=True):
        if len(letters) != v.ndim:
            raise ShapeError(f"np.einsum: {letters!r} does not fit shape {v.shape}")
        for c, n in zip(letters, v.shape, strict=True):
            before = size.get(c, 1)
            if n != before and 1 not in (n, before):
                raise ShapeError(
                    f"np.einsum({text!r}): index {c!r} has lengths {before} and {n}"
                )
            size[c] = n if before == 1 else before
    if any(c not in size for c in output) or len(set(output)) != len(output):
        raise ShapeError(f"np.einsum: the output of {text!r} names unknown indices")
    return size


def _without_ones(
    x: Variable, names: list[str], size: dict[str, int]
) -> tuple[Variable, list[str]]:
    """Drop axes of length one whose index is longer elsewhere."""
    kept = [i for i, c in enumerate(names) if x.shape[i] == size[c]]
    if len(kept) < len(names) and len(set(names)) < len(names):
        raise ShapeError("np.einsum: a repeated index must have one length throughout")
    shape = tuple(x.shape[i] for i in kept)
    return arrays.reshape_to(x, shape), [names[i] for i in kept]


def _without_repeats(x: Variable, names: list[str]) -> tuple[Variable, list[str]]:
    """Take diagonals until no name occurs twice."""
    for name in dict.fromkeys(names):
        while names.count(name) > 1:
            i = names.index(name)
            j = names.index(name, i + 1)
            x = diagonal(x, axis1=i, axis2=j)
            names = [*names[:i], *names[i + 1 : j], *names[j + 1 :], name]
    return x, names
