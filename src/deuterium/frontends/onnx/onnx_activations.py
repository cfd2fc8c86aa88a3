"""ONNX's activation functions, with the attributes that the standard gives them.

A choice by the sign of the input is written as one, so that the slopes of its two sides
are never added up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import variable
from deuterium.functions.log_sum_exp import log_softmax, softmax
from deuterium.graph.variable import node as make_node
from deuterium.ops import arrays
from deuterium.ops.special import pi_for

__all__ = ["softplus"]

# of the standard's definition of Selu, rounded to single precision as it is
SELU_ALPHA, SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875


@means("LeakyRelu")
def leaky(node: OnnxNode, x: Any) -> Any:
    """Return x where it is positive, alpha times it elsewhere."""
    return np.where(x > 0, x, x * node.real("alpha", 0.01))


@means("PRelu")
def parametric(node: OnnxNode, x: Any, slope: Any) -> Any:
    """Return x where it is positive, its learned slope times it elsewhere."""
    if slope.ndim == 1 and slope.shape[0] not in (1, x.shape[-1] if x.ndim else 1):
        slope = np.reshape(slope, (-1, *(1,) * (x.ndim - 2)))  # old: one a channel
    return np.where(x > 0, x, x * slope)


@means("Elu")
def elu(node: OnnxNode, x: Any) -> Any:
    """Return x where it is positive, ``alpha (exp(x) - 1)`` elsewhere."""
    return np.where(x > 0, x, node.real("alpha", 1.0) * np.expm1(x))


@means("Selu")
def selu(node: OnnxNode, x: Any) -> Any:
    """Return the scaled exponential unit."""
    alpha, gamma = node.real("alpha", SELU_ALPHA), node.real("gamma", SELU_GAMMA)
    return gamma * np.where(x > 0, x, alpha * np.expm1(x))


@means("Celu")
def celu(node: OnnxNode, x: Any) -> Any:
    """Return x where it is positive, ``alpha (exp(x / alpha) - 1)`` elsewhere."""
    alpha = node.real("alpha", 1.0)
    return np.where(x > 0, x, alpha * np.expm1(x / alpha))


@means("ThresholdedRelu")
def thresholded(node: OnnxNode, x: Any) -> Any:
    """Return x above alpha, 0 elsewhere."""
    return np.where(x > node.real("alpha", 1.0), x, 0)


@means("HardSigmoid")
def hard_sigmoid(node: OnnxNode, x: Any) -> Any:
    """Return ``alpha x + beta`` limited to [0, 1]."""
    alpha, beta = node.real("alpha", 0.2), node.real("beta", 0.5)
    return np.clip(alpha * x + beta, 0, 1)


@means("HardSwish")
def hard_swish(node: OnnxNode, x: Any) -> Any:
    """Return ``x min(max(x + 3, 0), 6) / 6``."""
    return x * np.clip(x + 3, 0, 6) / 6


def softplus(x: Any) -> Any:
    """Return ``log(1 + exp(x))``."""
    return -sc.log_expit(-x)


@means("Softplus")
def softplus_of(node: OnnxNode, x: Any) -> Any:
    """Return ``log(1 + exp(x))``."""
    return softplus(x)


@means("Softsign")
def softsign(node: OnnxNode, x: Any) -> Any:
    """Return ``x / (1 + |x|)``."""
    return x / (1 + np.abs(x))


@means("Mish")
def mish(node: OnnxNode, x: Any) -> Any:
    """Return ``x tanh(log(1 + exp(x)))``."""
    return x * np.tanh(softplus(x))


@means("Swish")
def swish(node: OnnxNode, x: Any) -> Any:
    """Return x times the logistic function of alpha times it."""
    return x * sc.expit(node.real("alpha", 1.0) * x)


@means("Gelu")
def gelu(node: OnnxNode, x: Any) -> Any:
    """Return x times the normal distribution function, or its approximation."""
    if node.text("approximate", "none") == "none":
        return x * sc.ndtr(x)
    inner = np.sqrt(2 / pi_for(variable(x))) * (x + 0.044715 * x**3)
    return x * (1 + np.tanh(inner)) / 2


@means("Shrink")
def shrunk(node: OnnxNode, x: Any) -> Any:
    """Return 0 near zero, and x moved towards it by the bias elsewhere."""
    lambd, bias = node.real("lambd", 0.5), node.real("bias", 0.0)
    return np.where(x < -lambd, x + bias, np.where(x > lambd, x - bias, 0))


# -- along an axis -------------------------------------------------------------------


def _rows(node: OnnxNode, x: Any, of: Any) -> Any:
    """Return a function along an axis; up to opset 12 along all from it on."""
    if node.opset >= 13:
        return of(x, axis=node.axis(node.whole("axis", -1), x.ndim))
    given = node.whole("axis", 1)
    axis = node.axis(given, x.ndim + (given >= 0))
    rows = np.reshape(x, (int(np.prod(x.shape[:axis])), -1))
    return np.reshape(of(rows, axis=-1), x.shape)


@means("Softmax")
def softmax_of(node: OnnxNode, x: Any) -> Any:
    """Return the softmax along an axis."""
    return _rows(node, variable(x), softmax)


@means("LogSoftmax")
def log_softmax_of(node: OnnxNode, x: Any) -> Any:
    """Return the logarithm of the softmax along an axis."""
    return _rows(node, variable(x), log_softmax)


@means("Hardmax")
def hardmax(node: OnnxNode, x: Any) -> Any:
    """Return 1 at the first largest element along an axis, 0 elsewhere."""
    return _rows(node, variable(x), _one_at_largest)


def _one_at_largest(x: Any, axis: int) -> Any:
    last = np.moveaxis(x, axis, -1)
    made: Any = make_node(arrays.argmax_onehot, (last,), {}, last.shape)
    return np.moveaxis(made, -1, axis)
