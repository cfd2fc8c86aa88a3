"""Activation functions that have parameters, as all frameworks define them.

A choice by the sign of the input is written as one, so that the slopes of its two sides
are never added up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from deuterium.graph.constructors import as_variable
from deuterium.ops.special import pi_for

__all__ = [
    "celu",
    "elu",
    "gelu",
    "hardswish",
    "leaky_relu",
    "mish",
    "prelu",
    "shrunk",
    "silu",
    "softplus",
    "softsign",
    "threshold",
]


def leaky_relu(x: Any, slope: Any) -> Any:
    """Return x where it is positive, a small part of it elsewhere."""
    return np.where(x > 0, x, slope * x)


def prelu(x: Any, slope: Any) -> Any:
    """Return `leaky_relu`; a vector of slopes has one for each channel (axis 1)."""
    if slope.ndim == 1 and slope.size > 1 and x.ndim > 1:
        slope = np.reshape(slope, (-1, *(1,) * (x.ndim - 2)))
    return leaky_relu(x, slope)


def elu(x: Any, alpha: Any = 1.0, scale: Any = 1.0, inner: Any = 1.0) -> Any:
    """Return ``scale x`` where positive, ``scale alpha (exp(inner x) - 1)`` elsewhere.

    Source: D.-A. Clevert et al., ICLR 2016; scaled: G. Klambauer et al., NIPS 2017.
    """
    below = (alpha * scale) * np.expm1(x if inner == 1 else inner * x)
    return np.where(x > 0, x if scale == 1 else scale * x, below)


def celu(x: Any, alpha: Any = 1.0) -> Any:
    """Return the ELU whose slope is continuous."""
    return elu(x, alpha, 1.0, 1 / alpha)


def threshold(x: Any, least: Any, value: Any = 0) -> Any:
    """Return x above a threshold, a value elsewhere."""
    return np.where(x > least, x, value)


def shrunk(x: Any, least: Any, by: Any) -> Any:
    """Return x moved by a number towards 0 where its size exceeds another, else 0."""
    return np.where(x > least, x - by, np.where(x < -least, x + by, 0.0))


def softplus(x: Any) -> Any:
    """Return ``log(1 + exp(x))``."""
    return -sc.log_expit(-x)


def softsign(x: Any) -> Any:
    """Return ``x / (1 + |x|)``."""
    return x / (1 + np.abs(x))


def silu(x: Any, alpha: Any = 1.0) -> Any:
    """Return x times the logistic function of ``alpha x``."""
    return x * sc.expit(x if alpha == 1 else alpha * x)


def mish(x: Any) -> Any:
    """Return x times the hyperbolic tangent of its softplus."""
    return x * np.tanh(softplus(x))


def hardswish(x: Any) -> Any:
    """Return ``x min(max(x + 3, 0), 6) / 6``."""
    return x * np.clip(x + 3, 0, 6) / 6


def gelu(x: Any, approximate: str) -> Any:
    """Return x times the normal distribution function, or (``tanh``) its likeness."""
    if approximate == "none":
        return x * sc.ndtr(x)
    inner = np.sqrt(2 / pi_for(as_variable(x))) * (x + 0.044715 * x**3)
    return x * (1 + np.tanh(inner)) / 2
