"""ATen's layers that normalise, and dropout, which does nothing outside of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deuterium.errors import UnsupportedError
from deuterium.frontends.torch.aten_table import aten
from deuterium.graph.constructors import as_variable


def _normalised(x: Any, axes: tuple[int, ...], eps: float) -> Any:
    """Return x less its mean over its standard deviation, along axes."""
    centred = x - np.mean(x, axis=axes, keepdims=True)
    variance = np.mean(centred * centred, axis=axes, keepdims=True)
    return centred / np.sqrt(variance + eps)


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    y = x if weight is None else x * weight
    return y if bias is None else y + bias


def _by_channel(v: Any, x: Any) -> Any:
    """Return a vector of channels as it broadcasts over (records, channels, ...)."""
    return None if v is None else np.reshape(v, (v.size, *(1,) * (x.ndim - 2)))


@aten("batch_norm")
def batch_norm(
    x: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Return x normalised by the statistics of training, which are constants."""
    if training or running_mean is None:
        raise UnsupportedError(
            "batch normalisation by the batch makes records depend on each other; call "
            "model.eval(), or normalise by groups"
        )
    mean, var = (_by_channel(as_variable(v), x) for v in (running_mean, running_var))
    scaled = (x - mean) / np.sqrt(var + eps)
    return _affine(scaled, _by_channel(weight, x), _by_channel(bias, x))


@aten("layer_norm")
def layer_norm(
    x: Any,
    normalized_shape: Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Any:
    """Return x normalised over its last axes."""
    axes = tuple(range(-len(normalized_shape), 0))
    return _affine(_normalised(x, axes, eps), weight, bias)


@aten("rms_norm")
def rms_norm(
    x: Any, normalized_shape: Sequence[int], weight: Any = None, eps: Any = None
) -> Any:
    """Return x over the root of its mean square along its last axes."""
    axes = tuple(range(-len(normalized_shape), 0))
    least = float(np.finfo(np.float64).eps) if eps is None else eps
    square = np.mean(x * x, axis=axes, keepdims=True)
    return _affine(x / np.sqrt(square + least), weight, None)


@aten("group_norm")
def group_norm(
    x: Any,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Any:
    """Return x normalised over groups of channels, for each record."""
    rows = np.reshape(x, (x.shape[0], num_groups, -1))
    y = np.reshape(_normalised(rows, (-1,), eps), x.shape)
    return _affine(y, _by_channel(weight, x), _by_channel(bias, x))


@aten("instance_norm")
def instance_norm(
    x: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Return x normalised by channel, for each record."""
    if not use_input_stats:
        return batch_norm(x, weight, bias, running_mean, running_var, eps=eps)
    return group_norm(x, x.shape[1], weight, bias, eps)


# what is decomposed returns statistics, too, which nothing needs
aten("_native_batch_norm_legit_no_training")(
    lambda x, weight, bias, running_mean, running_var, momentum, eps: (
        batch_norm(x, weight, bias, running_mean, running_var, eps=eps), None, None
    )
)  # fmt: skip
aten("native_layer_norm")(
    lambda x, normalized_shape, weight, bias, eps: (
        layer_norm(x, normalized_shape, weight, bias, eps), None, None
    )
)  # fmt: skip
aten("native_group_norm")(
    lambda x, weight, bias, N, C, HxW, group, eps: (
        group_norm(x, group, weight, bias, eps), None, None
    )
)  # fmt: skip


@aten("dropout", "feature_dropout", "alpha_dropout", "dropout_")
def dropout(x: Any, p: float, train: bool) -> Any:
    """Return x, outside of training."""
    if train and p > 0:
        raise UnsupportedError(
            "dropout draws at random in training; call model.eval() before lifting"
        )
    return x
