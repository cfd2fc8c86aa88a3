"""ATen's layers: products, convolution, pooling, attention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deuterium.errors import UnsupportedError
from deuterium.frontends.torch.aten_reductions import softmax_along
from deuterium.frontends.torch.aten_table import aten
from deuterium.frontends.torch.chosen_places import CHOSEN
from deuterium.frontends.torch.masked_scores import masked
from deuterium.functions.convolution import (
    convolution,
    transposed_convolution,
    window_maximum,
    window_mean,
    window_sum,
)
from deuterium.functions.sliding_windows import (
    Windows,
    adaptive_windows,
    sliding_windows,
)
from deuterium.graph.constructors import as_variable

# -- products --------------------------------------------------------------------------


@aten("linear")
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """Return ``x @ weight.T + bias``, over all leading axes at once."""
    y = np.tensordot(x, weight, ([-1], [weight.ndim - 1]))
    return y if bias is None else y + bias


@aten("mm", "bmm", "matmul", "mv", "dot", "inner")
def matmul(
    x: Any, mat2: Any = None, vec: Any = None, other: Any = None, tensor: Any = None
) -> Any:
    """Return the product of matrices or stacks of them, or of vectors."""
    (right,) = (v for v in (mat2, vec, other, tensor) if v is not None)
    return np.matmul(x, right)


@aten("addmm", "baddbmm", "addmv")
def addmm(
    x: Any,
    mat1: Any = None,
    mat2: Any = None,
    beta: Any = 1,
    alpha: Any = 1,
    batch1: Any = None,
    batch2: Any = None,
    mat: Any = None,
    vec: Any = None,
) -> Any:
    """Return a product of matrices plus something."""
    factors = [v for v in (mat1, batch1, mat, mat2, batch2, vec) if v is not None]
    y = np.matmul(*factors)
    y = y if alpha == 1 else alpha * y
    return y if beta == 0 else y + (x if beta == 1 else beta * x)


_FORMULAS: dict[tuple[str, ...], Callable[..., Any]] = {
    ("einsum",): lambda equation, tensors, path=None: np.einsum(equation, *tensors),
    ("outer", "ger"): lambda x, vec2: np.outer(x, vec2),
    ("linalg_inv", "inverse"): lambda x: np.linalg.inv(x),
    ("linalg_det", "det"): lambda x: np.linalg.det(x),
    ("linalg_solve",): lambda x, B, left=True: np.linalg.solve(x, B),
    ("trace",): lambda x: np.trace(x),
}
for _names, _formula in _FORMULAS.items():
    aten(*_names)(_formula)


@aten("_trilinear")
def trilinear(
    x: Any,
    i2: Any,
    i3: Any,
    expand1: Sequence[int],
    expand2: Sequence[int],
    expand3: Sequence[int],
    sumdim: Sequence[int],
    unroll_dim: int = 1,
) -> Any:
    """Return sums of products of three arrays, each given further axes first."""
    spread = ((x, expand1), (i2, expand2), (i3, expand3))
    a, b, c = (np.expand_dims(v, tuple(axes)) for v, axes in spread)
    return np.sum(a * b * c, axis=tuple(sumdim))


# -- convolution -----------------------------------------------------------------------


def _batched(x: Any, axes: int) -> tuple[Any, bool]:
    """Return data with an axis of records, and whether there was none."""
    alone = x.ndim == axes + 1
    return (np.expand_dims(x, 0) if alone else x), alone


@aten("conv1d", "conv2d", "conv3d")
def conv(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Return a convolution; padding may be "same" or "valid"."""
    n = weight.ndim - 2
    if padding == "valid":
        padding = 0
    elif padding == "same":
        spread = np.broadcast_to(dilation, n).tolist()
        total = [d * (k - 1) for d, k in zip(spread, weight.shape[2:], strict=True)]
        padding = [(t // 2, t - t // 2) for t in total]
    data, alone = _batched(x, n)
    y = convolution(
        data,
        weight,
        bias,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    return y[0] if alone else y


@aten("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """Return a transposed convolution."""
    data, alone = _batched(x, weight.ndim - 2)
    y = transposed_convolution(
        data,
        weight,
        bias,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
    )
    return y[0] if alone else y


@aten("convolution")
def either_convolution(
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Any:
    """Return a convolution or a transposed one."""
    if transposed:
        shape = (stride, padding, output_padding, groups, dilation)
        return conv_transpose(x, weight, bias, *shape)
    return conv(x, weight, bias, stride, padding, dilation, groups)


# -- pooling ---------------------------------------------------------------------------


def _windows(x: Any, kernel: Any, stride: Any, n: int, **how: Any) -> Windows:
    return sliding_windows(
        x.shape[x.ndim - n :], kernel, stride=stride or kernel, **how
    )


def _enter_pools(n: int) -> None:
    """Enter the pools over ``n`` axes; some return the places of maxima, too."""

    @aten(f"avg_pool{n}d")
    def average(
        x: Any,
        kernel_size: Any,
        stride: Any = (),
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Any:
        over = _windows(x, kernel_size, stride, n, padding=padding, ceil_mode=ceil_mode)
        if divisor_override is not None:
            return window_sum(x, over) / divisor_override
        return window_mean(x, over, count_padding=count_include_pad)

    @aten(f"max_pool{n}d")
    def maximum(
        x: Any,
        kernel_size: Any,
        stride: Any = (),
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> Any:
        how = {"padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
        return window_maximum(x, _windows(x, kernel_size, stride, n, **how))

    aten(f"max_pool{n}d_with_indices")(
        lambda x, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False: (
            maximum(x, kernel_size, stride, padding, dilation, ceil_mode),
            CHOSEN,
        )
    )

    inner = [f"_adaptive_avg_pool{n}d"] if n > 1 else []  # one axis has no other name

    @aten(f"adaptive_avg_pool{n}d", *inner)
    def adaptive_average(x: Any, output_size: Any) -> Any:
        return window_mean(x, adaptive_windows(x.shape[x.ndim - n :], output_size))

    @aten(f"adaptive_max_pool{n}d")
    def adaptive_maximum(x: Any, output_size: Any) -> Any:
        over = adaptive_windows(x.shape[x.ndim - n :], output_size)
        return window_maximum(x, over), CHOSEN


for _n in (1, 2, 3):
    _enter_pools(_n)


# -- attention -------------------------------------------------------------------------


@aten("scaled_dot_product_attention")
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """Return averages of values, weighted by how queries meet keys."""
    if dropout_p:
        raise UnsupportedError("dropout in attention; call model.eval() before lifting")
    if enable_gqa:
        times = query.shape[-3] // key.shape[-3]
        key, value = (np.repeat(v, times, axis=-3) for v in (key, value))
    products = np.matmul(query, np.swapaxes(key, -1, -2))
    root = np.sqrt(as_variable(query.shape[-1]))
    scores = products / root if scale is None else products * scale
    if is_causal:
        attn_mask = np.tri(*scores.shape[-2:]).astype(bool)
    if isinstance(attn_mask, np.ndarray) and attn_mask.dtype == bool:
        scores = masked(scores, attn_mask)
    elif isinstance(attn_mask, np.ndarray) and np.isneginf(attn_mask).any():
        kept = np.isfinite(attn_mask)
        scores = masked(scores + np.where(kept, attn_mask, 0.0), kept)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return np.matmul(softmax_along(scores, -1), value)


@aten("cosine_similarity")
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """Return the cosine of the angle between vectors."""
    sizes = [np.maximum(np.sqrt(np.sum(v * v, axis=dim)), eps) for v in (x1, x2)]
    return np.sum(x1 * x2, axis=dim) / (sizes[0] * sizes[1])


@aten("pairwise_distance")
def pairwise_distance(
    x1: Any, x2: Any, p: Any = 2, eps: float = 1e-6, keepdim: bool = False
) -> Any:
    """Return the length of differences."""
    size = np.abs(x1 - x2 + eps)
    if p == 2:
        return np.sqrt(np.sum(size**2, axis=-1, keepdims=keepdim))
    return np.sum(size**p, axis=-1, keepdims=keepdim) ** (1 / p)
