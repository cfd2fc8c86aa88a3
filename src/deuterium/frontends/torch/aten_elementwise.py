"""ATen's elementwise operators that have attributes: activations, powers, choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sc

from deuterium.errors import UnsupportedError
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
)
from deuterium.frontends.torch.aten_table import aten
from deuterium.frontends.torch.masked_scores import MaskedScores, masked
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017

# -- arithmetic ----------------------------------------------------------------------


@aten("add", "add_", takes_masked=True)
def add(x: Any, other: Any, alpha: Any = 1) -> Any:
    """Return the sum, the second term ``alpha`` times."""
    for one, two in ((x, other), (other, x)):
        if isinstance(one, MaskedScores):
            return masked(add(one.scores, two, alpha), one.kept)
        if _has_infinities(two):  # an additive mask
            kept = np.isfinite(two)
            return masked(add(one, np.where(kept, two, 0.0), alpha), kept)
    return x + (other if alpha == 1 else alpha * other)


def _has_infinities(x: Any) -> bool:
    return isinstance(x, np.ndarray) and bool(np.isneginf(x).any())


@aten("sub", "sub_", "subtract")
def sub(x: Any, other: Any, alpha: Any = 1) -> Any:
    """Return the difference, the second term ``alpha`` times."""
    return x - (other if alpha == 1 else alpha * other)


@aten("rsub")
def rsub(x: Any, other: Any, alpha: Any = 1) -> Any:
    """Return ``other - alpha * x``."""
    return other - (x if alpha == 1 else alpha * x)


@aten("mul", "mul_", "multiply", takes_masked=True)
def mul(x: Any, other: Any) -> Any:
    """Return the product; masked scores may be scaled by positive numbers."""
    for one, two in ((x, other), (other, x)):
        if isinstance(one, MaskedScores):
            symbolic = isinstance(two, (Variable, MaskedScores))
            if symbolic or not np.all(np.asarray(two) > 0):
                raise UnsupportedError(
                    "minus infinity times what may be 0 or negative; mask after scaling"
                )
            return masked(one.scores * two, one.kept)
    return x * other


@aten("div", "div_", "divide", "true_divide", takes_masked=True)
def div(x: Any, other: Any, rounding_mode: str | None = None) -> Any:
    """Return the quotient, rounded if asked."""
    if isinstance(x, MaskedScores):
        return mul(x, 1.0 / other if not isinstance(other, Variable) else 1 / other)
    y = x / other
    if rounding_mode is None:
        return y
    return np.floor(y) if rounding_mode == "floor" else np.trunc(y)


# -- choices -------------------------------------------------------------------------


@aten("where", takes_masked=True)
def where(condition: Any, self: Any, other: Any) -> Any:
    """Return elements of two arrays by a condition."""
    fixed = isinstance(condition, np.ndarray)
    if fixed and _is_minus_infinity(other):
        return masked(self, condition)
    if fixed and _is_minus_infinity(self):
        return masked(other, ~condition.astype(bool))
    if any(isinstance(v, MaskedScores) or _is_minus_infinity(v) for v in (self, other)):
        raise UnsupportedError(
            "a choice of minus infinity that depends on inputs; mask by numbers alone, "
            "or choose after the softmax"
        )
    return np.where(condition, as_variable(self), as_variable(other))


def _is_minus_infinity(x: Any) -> bool:
    return not isinstance(x, (Variable, MaskedScores)) and bool(np.all(np.isneginf(x)))


@aten("masked_fill", "masked_fill_", takes_masked=True)
def masked_fill(x: Any, mask: Any, value: Any) -> Any:
    """Return ``x`` with a value where the mask holds."""
    return where(mask, value, x)


# -- one formula each, of arguments named as in their schemas -------------------------

_FORMULAS: dict[tuple[str, ...], Callable[..., Any]] = {
    ("floor_divide",): lambda x, other: np.floor(x / other),
    ("rsqrt",): lambda x: 1 / np.sqrt(x),
    ("addcmul",): lambda x, tensor1, tensor2, value=1: x + value * (tensor1 * tensor2),
    ("addcdiv",): lambda x, tensor1, tensor2, value=1: x + value * (tensor1 / tensor2),
    ("lerp",): lambda x, end, weight: x + weight * (end - x),
    ("xlogy", "special_xlogy"): lambda x, other: sc.xlogy(x, other),
    ("logaddexp",): lambda x, other: np.logaddexp(x, other),
    ("hypot",): lambda x, other: np.hypot(x, other),
    ("remainder",): lambda x, other: np.mod(x, other),
    ("frac",): lambda x: x - np.trunc(x),
    ("logit", "special_logit"): lambda x, eps=None: sc.logit(
        x if eps is None else np.clip(x, eps, 1 - eps)
    ),
    ("special_expit",): lambda x: sc.expit(x),
    ("special_ndtr",): lambda x: sc.ndtr(x),
    ("special_log_ndtr",): lambda x: sc.log_ndtr(x),
    ("special_ndtri",): lambda x: sc.ndtri(x),
    ("special_entr",): lambda x: sc.entr(x),
    ("i0", "special_i0"): lambda x: sc.i0(x),
    ("special_i1",): lambda x: sc.i1(x),
    ("sinc", "special_sinc"): lambda x: np.sinc(x),
    ("trunc",): lambda x: np.trunc(x),
    ("round",): lambda x: np.rint(x),
    ("deg2rad",): lambda x: np.deg2rad(x),
    ("rad2deg",): lambda x: np.rad2deg(x),
    ("clamp", "clip", "clamp_"): lambda x, min=None, max=None: np.clip(x, min, max),
    ("clamp_min",): lambda x, min: np.clip(x, min, None),
    ("clamp_max",): lambda x, max: np.clip(x, None, max),
    ("eq",): lambda x, other: np.equal(x, other),
    ("ne", "not_equal"): lambda x, other: np.not_equal(x, other),
    ("lt", "less"): lambda x, other: np.less(x, other),
    ("le", "less_equal"): lambda x, other: np.less_equal(x, other),
    ("gt", "greater"): lambda x, other: np.greater(x, other),
    ("ge", "greater_equal"): lambda x, other: np.greater_equal(x, other),
    ("logical_and", "bitwise_and", "__and__"): lambda x, other: np.logical_and(
        x, other
    ),
    ("logical_or", "bitwise_or", "__or__"): lambda x, other: np.logical_or(x, other),
    ("logical_not", "bitwise_not"): lambda x: np.logical_not(x),
    ("relu_",): lambda x: np.maximum(x, 0),
    ("leaky_relu", "leaky_relu_"): lambda x, negative_slope=0.01: leaky_relu(
        x, negative_slope
    ),
    ("prelu", "_prelu_kernel"): lambda x, weight: prelu(x, weight),
    ("elu", "elu_"): lambda x, alpha=1.0, scale=1.0, input_scale=1.0: elu(
        x, alpha, scale, input_scale
    ),
    ("selu", "selu_"): lambda x: elu(x, SELU_ALPHA, SELU_SCALE),
    ("celu",): lambda x, alpha=1.0: celu(x, alpha),
    ("gelu",): lambda x, approximate="none": gelu(x, approximate),
    ("silu", "silu_"): lambda x: silu(x),
    ("mish",): lambda x: mish(x),
    # beyond the threshold PyTorch returns x, which is less than exp(-threshold) / beta
    # away; the lifted function stays smooth
    ("softplus",): lambda x, beta=1, threshold=20: (
        softplus(x) if beta == 1 else softplus(beta * x) / beta
    ),
    ("log_sigmoid",): lambda x: sc.log_expit(x),
    ("hardtanh", "hardtanh_"): lambda x, min_val=-1, max_val=1: np.clip(
        x, min_val, max_val
    ),
    ("relu6", "relu6_"): lambda x: np.clip(x, 0, 6),
    ("hardsigmoid", "hardsigmoid_"): lambda x: np.clip(x + 3, 0, 6) / 6,
    ("hardswish", "hardswish_"): lambda x: hardswish(x),
    ("threshold", "threshold_"): lambda x, threshold, value: np.where(
        x > threshold, x, value
    ),
    ("softshrink",): lambda x, lambd=0.5: shrunk(x, lambd, lambd),
    ("hardshrink",): lambda x, lambd=0.5: np.where(np.abs(x) > lambd, x, 0.0),
}
for _names, _formula in _FORMULAS.items():
    aten(*_names)(_formula)


@aten("glu")
def glu(x: Any, dim: int = -1) -> Any:
    """Return one half of an axis, each element times the gate in the other half."""
    first, second = np.split(x, 2, axis=dim)
    return first * sc.expit(second)
