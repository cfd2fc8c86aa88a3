"""Windows over axes, as tables of places: for convolution and pooling."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.errors import ShapeError

Sizes = int | Sequence[int]
Paddings = int | Sequence[int] | Sequence[tuple[int, int]]

# Places outside the data: in the padding, and beyond it where a last window is cut off.
PADDING, BEYOND = -1, -2


@dataclass(frozen=True)
class Windows:
    """Windows over the last axes of an array.

    Attributes
    ----------
    lengths : tuple of int
        The axes that they lie on.
    shape : tuple of int
        How many there are along each axis.
    table : ndarray of int, (prod(shape), elements of one window)
        Flat places in arrays of shape ``lengths``; negative where there is no data.
    """

    lengths: tuple[int, ...]
    shape: tuple[int, ...]
    table: Any


def sliding_windows(
    lengths: Sequence[int],
    kernel: Sizes,
    *,
    stride: Sizes = 1,
    padding: Paddings = 0,
    dilation: Sizes = 1,
    input_dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Windows:
    """Return windows of one shape at regular distances.

    Parameters
    ----------
    lengths : sequence of int
        The axes that the windows move along.
    kernel, stride, dilation : int or sequence of int
        Elements of a window, distance of windows, distance within a window; one number
        is meant for every axis.
    padding : int or sequence of int, or of pairs of int
        Elements around the data; negative ones are cut off.
    input_dilation : int or sequence of int
        Distance of the data's own elements, with zeros between.
    ceil_mode : bool
        Whether a last window may reach beyond the padding, if it starts within the
        data or the padding in front of it.

    Raises
    ------
    ShapeError
        The numbers do not fit the axes, or no window has room.
    """
    n = len(lengths)
    per_axis = [
        for_each_axis(name, given, n)
        for name, given in (
            ("kernel", kernel),
            ("stride", stride),
            ("dilation", dilation),
            ("input_dilation", input_dilation),
        )
    ]
    pads = padding_pairs(padding, n)
    tables = [
        _axis_table(length, sizes, pair, ceil_mode)
        for length, *sizes, pair in zip(lengths, *per_axis, pads, strict=True)
    ]
    return _joined(lengths, tables)


def adaptive_windows(lengths: Sequence[int], sizes: Sequence[int | None]) -> Windows:
    """Return windows that divide each axis into a number of nearly equal parts.

    Part i of m on an axis of n elements goes from floor(i n / m) to
    ceil((i + 1) n / m); None stands for the axis as it is.
    """
    tables = []
    for n, given in zip(lengths, sizes, strict=True):
        m = n if given is None else given
        if m < 1 or n < 1:
            raise ShapeError(f"adaptive windows: {m} parts of an axis of {n} elements")
        ends = [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
        table = np.full((m, max(stop - start for start, stop in ends)), BEYOND)
        for row, (start, stop) in zip(table, ends, strict=True):
            row[: stop - start] = range(start, stop)
        tables.append(table)
    return _joined(lengths, tables)


def for_each_axis(name: str, given: Any, n: int) -> tuple[int, ...]:
    """Return a positive number for each of ``n`` axes; one number is meant for all."""
    numbers = [given] * n if np.ndim(given) == 0 else list(given)
    numbers = numbers * n if len(numbers) == 1 else numbers
    whole = tuple(operator.index(k) for k in numbers)
    if len(whole) != n or min(whole, default=1) < 1:
        raise ShapeError(
            f"convolution: `{name}` must be {n} positive numbers, got {given!r}"
        )
    return whole


def padding_pairs(padding: Any, n: int) -> list[tuple[int, int]]:
    """Return the padding before and after each axis."""
    each = [padding] * n if np.ndim(padding) == 0 else list(padding)
    each = each * n if len(each) == 1 else each
    pairs = [(p, p) if np.ndim(p) == 0 else tuple(p) for p in each]
    if len(pairs) != n or any(len(p) != 2 for p in pairs):
        raise ShapeError(
            f"convolution: `padding` must be {n} numbers or pairs, got {padding!r}"
        )
    return [(operator.index(a), operator.index(b)) for a, b in pairs]


def _axis_table(
    n: int, sizes: Sequence[int], pads: tuple[int, int], ceil_mode: bool
) -> Any:
    """Return the places on one axis: a row for each window."""
    (kernel, stride, dilation, spacing), (before, after) = sizes, pads
    length = (n - 1) * spacing + 1 if n else 0
    room = before + length + after - (kernel - 1) * dilation - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (count - 1) * stride >= before + length:
        count -= 1
    if room < 0 or count < 1:
        raise ShapeError(
            f"convolution: a window of {kernel} elements, {dilation} apart, has no "
            f"room on an axis of {n} with padding {pads}"
        )
    starts = np.arange(count)[:, None] * stride - before
    at = starts + np.arange(kernel) * dilation
    inside = (at >= 0) & (at < length) & (at % spacing == 0)
    outside = np.where(at < length + after, PADDING, BEYOND)
    return np.where(inside, at // spacing, outside)


def _joined(lengths: Sequence[int], tables: list[Any]) -> Windows:
    """Return windows over several axes, from the tables of each."""
    n = len(lengths)
    flat: Any = np.zeros((1,) * (2 * n), dtype=np.int64)
    least: Any = flat
    for k, (length, table) in enumerate(zip(lengths, tables, strict=True)):
        shape = [1] * (2 * n)
        shape[k], shape[n + k] = table.shape
        own = table.reshape(shape)
        flat, least = flat * length + own, np.minimum(least, own)
    counts = tuple(len(table) for table in tables)
    whole = np.where(least < 0, least, flat)
    return Windows(tuple(lengths), counts, whole.reshape(math.prod(counts), -1))
