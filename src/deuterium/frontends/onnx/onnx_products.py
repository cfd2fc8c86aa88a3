"""ONNX's products of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import variable

__all__: list[str] = []


@means("MatMul")
def product(node: OnnxNode, a: Any, b: Any) -> Any:
    """Return the product of matrices, as `numpy.matmul`."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        node.room((math.prod(a.shape), b.shape[-1]))
        return np.asarray(np.matmul(a, b))
    return np.matmul(variable(a), variable(b))


@means("Gemm")
def affine(node: OnnxNode, a: Any, b: Any, c: Any = None) -> Any:
    """Return ``alpha a b + beta c``, with either factor transposed if asked for."""
    alpha, beta = node.real("alpha", 1.0), node.real("beta", 1.0)
    left, right = variable(a), variable(b)
    left = left.T if node.whole("transA") else left
    right = right.T if node.whole("transB") else right
    y = np.matmul(left, right)
    y = y if alpha == 1 else y * alpha
    if c is None or beta == 0:
        return y
    return y + (variable(c) if beta == 1 else variable(c) * beta)


@means("Einsum")
def contraction(node: OnnxNode, *inputs: Any) -> Any:
    """Return a sum of products, as `numpy.einsum`."""
    text = node.text("equation").replace(" ", "")
    return np.einsum(text, *(variable(x) for x in inputs))
