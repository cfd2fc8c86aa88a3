"""ATen's elementwise operators that have attributes: activations, powers, choices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from deuterium.errors import UnsupportedError
from deuterium.frontends.torch.aten_table import aten
from deuterium.frontends.torch.masked_scores import MaskedScores, masked
from deuterium.graph.constructors import as_variable, constant
from deuterium.graph.variable import Variable

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


@aten("floor_divide")
def floor_divide(x: Any, other: Any) -> Any:
    """Return the quotient rounded down."""
    return np.floor(x / other)


@aten("rsqrt")
def rsqrt(x: Any) -> Any:
    """Return one over the square root."""
    return 1 / np.sqrt(x)


@aten("addcmul")
def addcmul(x: Any, tensor1: Any, tensor2: Any, value: Any = 1) -> Any:
    """Return ``x + value * tensor1 * tensor2``."""
    return x + value * (tensor1 * tensor2)


@aten("addcdiv")
def addcdiv(x: Any, tensor1: Any, tensor2: Any, value: Any = 1) -> Any:
    """Return ``x + value * tensor1 / tensor2``."""
    return x + value * (tensor1 / tensor2)


@aten("lerp")
def lerp(x: Any, end: Any, weight: Any) -> Any:
    """Return what lies between two arrays."""
    return x + weight * (end - x)


@aten("xlogy", "special_xlogy")
def xlogy(x: Any, other: Any) -> Any:
    """Return ``x * log(other)``, 0 where x is 0."""
    return sc.xlogy(x, other)


@aten("logaddexp")
def logaddexp(x: Any, other: Any) -> Any:
    """Return the logarithm of the sum of exponentials."""
    return np.logaddexp(x, other)


for _name, _call in {
    "special_expit": sc.expit,
    "special_ndtr": sc.ndtr,
    "special_log_ndtr": sc.log_ndtr,
    "special_ndtri": sc.ndtri,
    "special_entr": sc.entr,
    "special_i0": sc.i0,
    "special_i1": sc.i1,
    "i0": sc.i0,
    "sinc": np.sinc,
    "special_sinc": np.sinc,
    "trunc": np.trunc,
    "round": np.rint,
    "deg2rad": np.deg2rad,
    "rad2deg": np.rad2deg,
}.items():
    # bound now, as the loop goes on
    aten(_name)(lambda x, call=_call: call(x))


@aten("hypot")
def hypot(x: Any, other: Any) -> Any:
    """Return the length of the hypotenuse."""
    return np.hypot(x, other)


@aten("remainder")
def remainder(x: Any, other: Any) -> Any:
    """Return what a division rounded down leaves."""
    return np.mod(x, other)


@aten("frac")
def frac(x: Any) -> Any:
    """Return what is behind the point, with the sign of x."""
    return x - np.trunc(x)


@aten("logit", "special_logit")
def logit(x: Any, eps: float | None = None) -> Any:
    """Return the log-odds, of values kept ``eps`` away from 0 and 1 if given."""
    return sc.logit(x if eps is None else np.clip(x, eps, 1 - eps))


# -- comparisons and choices ---------------------------------------------------------


def _enter_comparisons() -> None:
    for names, ufunc in (
        (("eq",), np.equal),
        (("ne", "not_equal"), np.not_equal),
        (("lt", "less"), np.less),
        (("le", "less_equal"), np.less_equal),
        (("gt", "greater"), np.greater),
        (("ge", "greater_equal"), np.greater_equal),
        (("logical_and", "bitwise_and", "__and__"), np.logical_and),
        (("logical_or", "bitwise_or", "__or__"), np.logical_or),
    ):
        # bound now, as the loop goes on
        aten(*names)(lambda x, other, ufunc=ufunc: ufunc(x, other))
    aten("logical_not", "bitwise_not")(lambda x: np.logical_not(x))


_enter_comparisons()


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


@aten("clamp", "clip", "clamp_")
def clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    """Return elements limited to a range."""
    return np.clip(x, min, max)


@aten("clamp_min")
def clamp_min(x: Any, min: Any) -> Any:
    """Return elements that are at least ``min``."""
    return np.clip(x, min, None)


@aten("clamp_max")
def clamp_max(x: Any, max: Any) -> Any:
    """Return elements that are at most ``max``."""
    return np.clip(x, None, max)


# -- activations ---------------------------------------------------------------------


@aten("relu_")
def relu_in_place(x: Any) -> Any:
    """Return the positive part."""
    return np.maximum(x, 0)


@aten("leaky_relu", "leaky_relu_")
def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """Return x, or a small part of it where negative."""
    return np.where(x > 0, x, negative_slope * x)


@aten("prelu", "_prelu_kernel")
def prelu(x: Any, weight: Any) -> Any:
    """Return x, or where negative a learned part of it, by channel."""
    if weight.size > 1 and weight.ndim == 1 and x.ndim > 1:
        weight = np.reshape(weight, (weight.size, *(1,) * (x.ndim - 2)))
    return np.where(x > 0, x, weight * x)


@aten("elu", "elu_")
def elu(x: Any, alpha: Any = 1.0, scale: Any = 1.0, input_scale: Any = 1.0) -> Any:
    """Return x, or where negative an exponential that starts like it."""
    below = (alpha * scale) * np.expm1(x if input_scale == 1 else input_scale * x)
    return np.where(x > 0, x if scale == 1 else scale * x, below)


@aten("selu", "selu_")
def selu(x: Any) -> Any:
    """Return the ELU that keeps means and variances (Klambauer et al. 2017)."""
    return elu(x, alpha=1.6732632423543772, scale=1.0507009873554805)


@aten("celu")
def celu(x: Any, alpha: Any = 1.0) -> Any:
    """Return the ELU whose slope is continuous."""
    return elu(x, alpha=alpha, input_scale=1 / alpha)


@aten("gelu")
def gelu(x: Any, approximate: str = "none") -> Any:
    """Return x times the normal distribution function at x, or its usual likeness."""
    if approximate == "none":
        return x * sc.ndtr(x)
    inner = np.sqrt(2 / _pi()) * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + np.tanh(inner))


def _pi() -> Any:
    return constant(math.pi)  # the double, as PyTorch has it


@aten("silu", "silu_")
def silu(x: Any) -> Any:
    """Return x times its logistic function."""
    return x * sc.expit(x)


@aten("mish")
def mish(x: Any) -> Any:
    """Return x times the tanh of its softplus."""
    return x * np.tanh(softplus(x))


@aten("softplus")
def softplus(x: Any, beta: Any = 1, threshold: Any = 20) -> Any:
    """Return ``log(1 + exp(beta * x)) / beta``.

    Beyond the threshold PyTorch returns x, which is less than exp(-threshold) / beta
    away; the lifted function stays smooth.
    """
    if beta == 1:
        return -sc.log_expit(-x)
    return -sc.log_expit(-beta * x) / beta


@aten("log_sigmoid")
def log_sigmoid(x: Any) -> Any:
    """Return the logarithm of the logistic function."""
    return sc.log_expit(x)


@aten("hardtanh", "hardtanh_")
def hardtanh(x: Any, min_val: Any = -1, max_val: Any = 1) -> Any:
    """Return elements limited to a range."""
    return np.clip(x, min_val, max_val)


@aten("relu6", "relu6_")
def relu6(x: Any) -> Any:
    """Return elements limited to 0 to 6."""
    return np.clip(x, 0, 6)


@aten("hardsigmoid", "hardsigmoid_")
def hardsigmoid(x: Any) -> Any:
    """Return the piecewise linear likeness of the logistic function."""
    return np.clip(x + 3, 0, 6) / 6


@aten("hardswish", "hardswish_")
def hardswish(x: Any) -> Any:
    """Return x times its hard sigmoid."""
    return x * np.clip(x + 3, 0, 6) / 6


@aten("threshold", "threshold_")
def threshold(x: Any, threshold: Any, value: Any) -> Any:
    """Return x above a threshold, else a value."""
    return np.where(x > threshold, x, value)


@aten("softshrink")
def softshrink(x: Any, lambd: Any = 0.5) -> Any:
    """Return x moved towards 0 by ``lambd``."""
    return np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, 0.0))


@aten("hardshrink")
def hardshrink(x: Any, lambd: Any = 0.5) -> Any:
    """Return x where its size exceeds ``lambd``, else 0."""
    return np.where(np.abs(x) > lambd, x, 0.0)


@aten("glu")
def glu(x: Any, dim: int = -1) -> Any:
    """Return one half of an axis, each element times the gate in the other half."""
    first, second = np.split(x, 2, axis=dim)
    return first * sc.expit(second)
