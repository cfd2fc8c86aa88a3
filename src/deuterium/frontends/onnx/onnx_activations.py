"""ONNX's activation functions, with the attributes that the standard gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from deuterium.frontends.activations import (
    celu,
    elu,
    gelu,
    hardswish,
    leaky_relu,
    mish,
    prelu,
    shrunk,
    silu,
    softplus,
    softsign,
    threshold,
)
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import OPERATORS, means
from deuterium.frontends.onnx.onnx_values import variable
from deuterium.functions.log_sum_exp import log_softmax, softmax
from deuterium.graph.variable import node as make_node
from deuterium.ops import arrays

__all__: list[str] = []

# of the standard's definition of Selu, rounded to single precision as it is
SELU = {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875}

_FUNCTIONS: dict[str, tuple[Callable[..., Any], dict[str, float]]] = {
    "LeakyRelu": (leaky_relu, {"alpha": 0.01}),
    "Elu": (elu, {"alpha": 1.0}),
    "Selu": (elu, SELU),
    "Celu": (celu, {"alpha": 1.0}),
    "ThresholdedRelu": (threshold, {"alpha": 1.0}),
    "HardSigmoid": (
        lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1),
        {"alpha": 0.2, "beta": 0.5},
    ),
    "HardSwish": (hardswish, {}),
    "Softplus": (softplus, {}),
    "Softsign": (softsign, {}),
    "Mish": (mish, {}),
    "Swish": (silu, {"alpha": 1.0}),
    "Shrink": (shrunk, {"lambd": 0.5, "bias": 0.0}),
}
"""The functions, and their attributes with what these are where they are left out."""


def _entered(name: str, function: Any, attributes: Mapping[str, float]) -> None:
    def run(node: OnnxNode, x: Any) -> Any:
        return function(x, *(node.real(k, usual) for k, usual in attributes.items()))

    OPERATORS[name] = run


for _name, (_function, _attributes) in _FUNCTIONS.items():
    _entered(_name, _function, _attributes)


@means("PRelu")
def parametric(node: OnnxNode, x: Any, slope: Any) -> Any:
    """Return x where it is positive, its learned slope times it elsewhere."""
    is_last = slope.ndim == 1 and slope.shape[0] in (1, x.shape[-1] if x.ndim else 1)
    return leaky_relu(x, slope) if is_last else prelu(x, slope)  # old: by channel


@means("Gelu")
def gelu_of(node: OnnxNode, x: Any) -> Any:
    """Return x times the normal distribution function, or its approximation."""
    return gelu(x, node.text("approximate", "none"))


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
