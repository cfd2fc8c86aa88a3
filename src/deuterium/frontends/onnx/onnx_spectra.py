"""ONNX's Fourier transforms: linear maps whose weights are the nearest doubles."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import variable

__all__: list[str] = []


def _waves(
    node: OnnxNode, rows: int, n: int, given: int, back: bool
) -> tuple[Any, Any]:
    """Return the cosines and sines that elements are weighed with: (rows, n)."""
    if n < 1:
        raise InvalidInputError(f"{node}: a transform of {n} elements")
    node.room((rows, min(n, given)))
    angle = 2 * np.pi / n * (np.outer(np.arange(rows), np.arange(min(n, given))) % n)
    angle = angle if back else -angle
    return np.cos(angle), np.sin(angle)


def _transformed(node: OnnxNode, x: Any, n: int, rows: int, back: bool) -> Any:
    """Return the transform along the last axis but one; the last holds both parts."""
    cos, sin = _waves(node, rows, n, x.shape[-2], back)
    x = x[..., : min(n, x.shape[-2]), :]
    real, imaginary = x[..., 0], x[..., 1] if x.shape[-1] == 2 else None
    a, b = real @ cos.T, real @ sin.T
    if imaginary is not None:
        a, b = a - imaginary @ sin.T, b + imaginary @ cos.T
    made = np.stack([a, b], axis=-1)
    return made / n if back else made


@means("DFT")
def fourier(node: OnnxNode, x: Any, length: Any = None, axis: Any = None) -> Any:
    """Return the discrete Fourier transform along an axis, or its inverse."""
    if axis is not None:
        (at,) = node.integers(axis, "the axis")
    else:
        at = node.whole("axis", 1 if node.opset < 20 else -2)
    at = node.axis(at, x.ndim)
    n = x.shape[at] if length is None else node.integers(length, "the length")[0]
    back, onesided = bool(node.whole("inverse")), bool(node.whole("onesided"))
    if back and onesided:
        node.refuse("an inverse transform of one side only is not supported")
    rows = n // 2 + 1 if onesided else n
    of_all: Any = variable(x)
    moved = np.moveaxis(of_all, at, -2)
    return np.moveaxis(_transformed(node, moved, n, rows, back), -2, at)


@means("STFT")
def short_time_fourier(
    node: OnnxNode, x: Any, step: Any, window: Any = None, length: Any = None
) -> Any:
    """Return the Fourier transforms of pieces of a signal."""
    (by,) = node.integers(step, "the step")
    if length is not None:
        (n,) = node.integers(length, "the length")
    else:
        n = window.shape[0]
    if by < 1 or not 0 < n <= x.shape[1]:
        raise InvalidInputError(f"{node}: pieces of {n} elements at steps of {by}")
    count = 1 + (x.shape[1] - n) // by
    node.room((x.shape[0], count, n))
    signal = variable(x)
    signal = signal if signal.ndim == 3 else signal[..., None]
    pieces = signal[:, np.arange(count)[:, None] * by + np.arange(n)]
    if window is not None:
        pieces = pieces * np.reshape(window, (-1, 1))
    rows = n // 2 + 1 if node.whole("onesided", 1) else n
    return _transformed(node, pieces, n, rows, False)
