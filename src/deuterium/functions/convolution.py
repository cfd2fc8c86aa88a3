"""Convolution: of vectors as in NumPy, and of channels as in networks; pooling.

A window is a row of a table of places.  Taking all windows is one `gather` (zeros
around the data are one `scatter` before it), and a convolution is one matrix product
with them: an affine map of the data in few nodes, whatever the stride.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.errors import ShapeError, UnsupportedError
from deuterium.functions.function_table import implements
from deuterium.functions.movement import windows
from deuterium.functions.padding import pad
from deuterium.functions.places import places
from deuterium.functions.products import matmul
from deuterium.functions.sliding_windows import (
    BEYOND,
    PADDING,
    Paddings,
    Sizes,
    Windows,
    for_each_axis,
    padding_pairs,
    sliding_windows,
)
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable
from deuterium.ops import arrays


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Variable:
    """Return the discrete convolution of two one-axis arrays."""
    x, k = as_variable(a), as_variable(v)
    x, k = (arrays.reshape_to(u, u.shape or (1,)) for u in (x, k))
    if x.ndim != 1 or k.ndim != 1 or not x.size or not k.size:
        raise ShapeError(
            f"np.convolve: needs two non-empty vectors, got {x.shape} and {k.shape}"
        )
    if k.size > x.size:
        x, k = k, x
    m = k.size - 1
    widths = {"full": (m, m), "same": (m - m // 2, m // 2), "valid": (0, 0)}
    if mode not in widths:
        raise UnsupportedError(
            f"np.convolve: `mode` must be full, same or valid, got {mode!r}"
        )
    rows = windows(pad(x, widths[mode]), k.size)
    return matmul(rows, k[::-1])


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Variable:
    """Return the cross-correlation of two one-axis arrays."""
    x, k = as_variable(a), as_variable(v)
    if not x.ndim or not k.ndim:
        raise ShapeError("np.correlate: needs two vectors, got a scalar")
    if x.ndim == 1 == k.ndim and k.size > x.size:  # NumPy turns the result round
        return convolve(k, x[::-1], mode)[::-1]
    return convolve(x, k[::-1], mode)


def _lead(x: Variable, over: Windows, caller: str) -> tuple[int, ...]:
    """Return the axes before those that the windows lie on."""
    n = len(over.lengths)
    if x.shape[x.ndim - n :] != over.lengths:
        raise ShapeError(
            f"{caller}: windows over axes {over.lengths} do not fit shape {x.shape}"
        )
    return x.shape[: x.ndim - n]


def _index(x: Variable, over: Windows, caller: str) -> Any:
    """Return flat places in all of ``x``: leading axes, then windows; -1 is none."""
    lead = _lead(x, over, caller)
    size = math.prod(over.lengths)
    first = np.arange(math.prod(lead)).reshape((*lead, 1, 1)) * size
    return np.where(over.table < 0, -1, first + over.table)


def _taken(x: Variable, index: Any) -> Variable:
    """Return elements at flat places; zero where a place is negative."""
    if not (index < 0).any():
        return arrays.take_places(x, index)
    longer = arrays.put_places(x, places(x), (x.size + 1,))  # ends with a zero
    return arrays.take_places(longer, np.where(index < 0, x.size, index))


def window_sum(x: Any, over: Windows) -> Variable:
    """Return the sum of every window; there are zeros around the data."""
    v = as_variable(x)
    sums = arrays.sum_over(_taken(v, _index(v, over, "window_sum")), (-1,))
    return arrays.reshape_to(sums, _lead(v, over, "window_sum") + over.shape)


def window_mean(x: Any, over: Windows, *, count_padding: bool = False) -> Variable:
    """Return the mean of every window, over the data in it or with the padding."""
    counts = (over.table > (BEYOND if count_padding else PADDING)).sum(-1)
    if not counts.all():
        raise ShapeError("window_mean: a window has no data in it; use less padding")
    sums = window_sum(x, over)
    if counts.min(initial=1) == counts.max(initial=1):
        return sums if counts[0] == 1 else sums / int(counts[0])
    return sums / np.asarray(counts.reshape(over.shape), dtype=np.float64)


def window_maximum(x: Any, over: Windows) -> Variable:
    """Return the largest element of every window; padding never counts."""
    if (over.table < 0).all(-1).any():
        raise ShapeError("window_maximum: a window has no data in it; use less padding")
    # in the place of padding the window's first element, which changes no maximum
    rows, first = np.arange(len(over.table)), np.argmax(over.table >= 0, axis=-1)
    own = over.table[rows, first][:, None]
    full = Windows(over.lengths, over.shape, np.where(over.table < 0, own, over.table))
    v = as_variable(x)
    most = arrays.max_last(_taken(v, _index(v, full, "window_maximum")))
    return arrays.reshape_to(most, _lead(v, over, "window_maximum") + over.shape)


def convolution(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: Sizes = 1,
    padding: Paddings = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    input_dilation: Sizes = 1,
) -> Variable:
    """Return the convolution of channels, as networks know it (a cross-correlation).

    Parameters
    ----------
    x : array or Variable, (records, channels, *axes)
        The data, of any number of axes.
    weight : array or Variable, (channels out, channels / groups, *kernel)
        What every window is multiplied by.
    bias : array or Variable, (channels out,), optional
        What is added.
    stride, padding, dilation, input_dilation
        As in `sliding_windows`.
    groups : int
        Parts of the channels that do not see each other.

    Returns
    -------
    Variable, (records, channels out, *axes out)

    Raises
    ------
    ShapeError
        Shapes do not fit each other or the numbers.
    """
    v, w = as_variable(x), as_variable(weight)
    records, channels = _require_channels(v, w, groups)
    over = sliding_windows(
        v.shape[2:],
        w.shape[2:],
        stride=stride,
        padding=padding,
        dilation=dilation,
        input_dilation=input_dilation,
    )
    index = _index(v, over, "convolution")  # records, channels, windows, elements
    split = index.reshape(records, groups, channels // groups, *index.shape[2:])
    inner = channels // groups * index.shape[3]
    columns = split.transpose(1, 2, 4, 0, 3).reshape(groups, inner, -1)
    part: tuple[int, ...] = (groups, w.shape[0] // groups)
    if groups == 1:
        columns, part = columns[0], part[1:]
    y = arrays.matrix_product(arrays.reshape_to(w, (*part, inner)), _taken(v, columns))
    if bias is not None:
        b = arrays.reshape_to(as_variable(bias), (*part, 1))
        y = y + broadcast_to(b, y.shape)
    if records == 1:
        return arrays.reshape_to(y, (1, w.shape[0], *over.shape))
    y = arrays.reshape_to(y, (w.shape[0], records, *over.shape))
    return arrays.permute(y, (1, 0, *range(2, y.ndim)))


def _require_channels(x: Variable, w: Variable, groups: int) -> tuple[int, int]:
    """Return the records and channels of data that fit a weight."""
    fit = x.ndim == w.ndim > 2 and groups > 0 and x.shape[1] == w.shape[1] * groups
    if not fit or w.shape[0] % groups:
        raise ShapeError(
            f"convolution: data of shape {x.shape} and a weight of shape {w.shape} do "
            f"not fit with groups={groups}; data are (records, channels, *axes), the "
            "weight (channels out, channels / groups, *kernel)"
        )
    return x.shape[0], x.shape[1]


def transposed_convolution(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: Sizes = 1,
    padding: Paddings = 0,
    output_padding: Sizes | None = None,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Variable:
    """Return the adjoint of a convolution, as networks know it.

    ``weight`` is (channels, channels out / groups, *kernel); ``output_padding`` are
    elements more at the end of each axis.  The rest is as in `convolution`.
    """
    v, w = as_variable(x), as_variable(weight)
    n = v.ndim - 2
    if n < 1 or w.ndim != v.ndim or w.shape[0] != v.shape[1] or w.shape[0] % groups:
        raise ShapeError(
            f"transposed_convolution: data of shape {v.shape} and a weight of shape "
            f"{w.shape} do not fit with groups={groups}; the weight is "
            "(channels, channels out / groups, *kernel)"
        )
    more = [0] * n if output_padding is None else np.broadcast_to(output_padding, n)
    spans = zip(for_each_axis("dilation", dilation, n), w.shape[2:], strict=True)
    reach = [d * (k - 1) for d, k in spans]
    around = [
        (r - a, r - b + int(m))
        for r, (a, b), m in zip(reach, padding_pairs(padding, n), more, strict=True)
    ]
    kernel = places(w)[(..., *(slice(None, None, -1),) * n)]
    parts = kernel.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    turned = parts.swapaxes(1, 2).reshape(-1, w.shape[0] // groups, *w.shape[2:])
    return convolution(
        v,
        arrays.take_places(w, turned),
        bias,
        padding=around,
        dilation=dilation,
        groups=groups,
        input_dilation=stride,
    )
