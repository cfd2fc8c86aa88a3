"""ONNX's reductions, running sums and products."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.frontends.onnx.onnx_movement import axes_of
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import OPERATORS, means
from deuterium.frontends.onnx.onnx_values import variable
from deuterium.functions.log_sum_exp import logsumexp
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.variable import Variable

__all__: list[str] = []


def _length(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Return the Euclidean length along axes."""
    rest = [i for i in range(x.ndim) if i not in axis]
    last = np.transpose(x, (*rest, *axis))
    flat = np.reshape(last, (*last.shape[: len(rest)], -1))
    made = np.linalg.norm(flat, axis=-1)
    kept = [1 if i in axis else n for i, n in enumerate(x.shape)]
    return np.reshape(made, kept) if keepdims else made


def _sum(x: Any, axis: Any, keepdims: bool) -> Any:
    return np.sum(x, axis=axis, keepdims=keepdims)


_REDUCE: dict[str, Callable[..., Any]] = {
    "ReduceSum": _sum,
    "ReduceMean": lambda x, axis, keepdims: np.mean(x, axis=axis, keepdims=keepdims),
    "ReduceMax": lambda x, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims),
    "ReduceMin": lambda x, axis, keepdims: np.min(x, axis=axis, keepdims=keepdims),
    "ReduceProd": lambda x, axis, keepdims: np.prod(x, axis=axis, keepdims=keepdims),
    "ReduceL1": lambda x, axis, keepdims: _sum(np.abs(x), axis, keepdims),
    "ReduceL2": _length,
    "ReduceSumSquare": lambda x, axis, keepdims: _sum(np.square(x), axis, keepdims),
    "ReduceLogSum": lambda x, axis, keepdims: np.log(_sum(x, axis, keepdims)),
    "ReduceLogSumExp": lambda x, axis, keepdims: logsumexp(
        x, axis=axis, keepdims=keepdims
    ),
}
_OF_NOTHING = {
    "ReduceProd": 1.0, "ReduceMax": -math.inf, "ReduceMin": math.inf,
    "ReduceLogSum": -math.inf, "ReduceLogSumExp": -math.inf,
}  # fmt: skip
_OF_ONE = {"ReduceL1": np.abs, "ReduceL2": np.abs, "ReduceSumSquare": np.square,
           "ReduceLogSum": np.log}  # fmt: skip


def _entered(name: str, reduce: Callable[..., Any]) -> None:
    def run(node: OnnxNode, x: Any, axes: Any = None) -> Any:
        given = axes_of(node, axes)
        if not given and node.whole("noop_with_empty_axes"):
            return _OF_ONE.get(name, lambda v: v)(x)
        keep = bool(node.whole("keepdims", 1))
        at = tuple(sorted({node.axis(i, x.ndim) for i in given or range(x.ndim)}))
        if isinstance(x, Variable) and not x.size:
            shape = [
                1 if i in at else n
                for i, n in enumerate(x.shape)
                if keep or i not in at
            ]
            return broadcast_to(constant(_OF_NOTHING.get(name, 0.0)), tuple(shape))
        boolean = isinstance(x, np.ndarray) and x.dtype.kind == "b"
        if isinstance(x, np.ndarray) and name not in ("ReduceL2", "ReduceLogSumExp"):
            made = reduce(x, axis=at, keepdims=keep)
            return np.asarray(made, dtype=bool if boolean else x.dtype)
        return reduce(variable(x), axis=at, keepdims=keep)

    OPERATORS[name] = run


for _name, _reduce in _REDUCE.items():
    _entered(_name, _reduce)


def _running(name: str, accumulate: Any, neutral: float) -> None:
    def run(node: OnnxNode, x: Any, axis: Any) -> Any:
        (given,) = node.integers(axis, "the axis")
        at = node.axis(given, x.ndim)
        if node.whole("reverse"):
            x = np.flip(x, at)
        if node.whole("exclusive"):
            n = x.shape[at]
            around = [(0, 0)] * x.ndim
            around[at] = (1, 0)
            longer = np.pad(x, around, constant_values=neutral)
            x = np.take(longer, np.arange(n), axis=at)
        made = accumulate(x, axis=at)
        return np.flip(made, at) if node.whole("reverse") else made

    OPERATORS[name] = run


_running("CumSum", np.cumsum, 0)
_running("CumProd", np.cumprod, 1)


@means("LpNormalization")
def of_unit_length(node: OnnxNode, x: Any) -> Any:
    """Return the array divided by its length along an axis."""
    axis = (node.axis(node.whole("axis", -1), x.ndim),)
    of_one = node.whole("p", 2) == 1
    length = _sum(np.abs(x), axis, True) if of_one else _length(x, axis, True)
    return np.where(length > 0, x / length, 0)
