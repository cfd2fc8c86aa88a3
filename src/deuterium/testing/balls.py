"""What each operator means in ball arithmetic: a table from names to functions.

Written from the mathematical definition of each function, apart from the operators'
own records, so that an error there cannot hide here.  A ball that is NaN means
undefined for certain; an infinite ball means that nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from deuterium.testing import quotients
from deuterium.testing.optional import require

Rule = Callable[..., Any]


def flint() -> Any:
    """Return the module of python-flint."""
    return require("flint", "python-flint", "ball arithmetic")


def careful(function: Rule) -> Rule:
    """Return the function with NaN kept for what is undefined beyond doubt."""
    arb = flint().arb
    nan, unknown = arb("nan"), arb(0, float("inf"))

    def run(*args: Any) -> Any:
        if any(x.is_nan() for x in args):
            return nan
        if not all(x.is_finite() for x in args):
            return unknown
        y = function(*args)
        if y.is_finite() or not y.is_nan():
            return y
        if all(x.is_exact() for x in args):
            return nan
        # the ball may only touch what is undefined: look at both ends and the middle
        for part in (arb.lower, arb.mid, arb.upper):
            if not function(*[part(x) for x in args]).is_nan():
                return unknown
        return nan

    return run


@cache
def elementwise() -> Mapping[str, Rule]:
    """Return the rules of element-wise operators."""
    arb = flint().arb
    zero, one, two, half = arb(0), arb(1), arb(2), arb(1) / 2
    nan = arb("nan")

    def inside(x: Any, low: int, high: int) -> bool:
        return not (x < low or x > high)

    def power(x: Any, y: Any) -> Any:
        if y.is_exact() and y.is_integer():
            return integer_power(x, int(y.unique_fmpz()))
        if x == zero:
            return zero if y > 0 else nan
        return x**y if x > 0 else nan

    def integer_power(x: Any, n: int) -> Any:
        if n < 0:
            return one / integer_power(x, -n)
        return x**n if n else one

    def cbrt(x: Any) -> Any:
        if x == zero:
            return zero
        if x > 0:
            return x.root(3)
        return -((-x).root(3)) if x < 0 else arb(0, abs(x).upper().root(3).upper())

    def expit(x: Any) -> Any:
        return one / (one + (-x).exp()) if x > 0 else x.exp() / (one + x.exp())

    def expit1(x: Any) -> Any:
        return expit(x) * expit(-x)

    def log_expit(x: Any) -> Any:
        return -((-x).exp().log1p()) if x > 0 else x - x.exp().log1p()

    def ndtr(x: Any) -> Any:
        return (-x / two.sqrt()).erfc() / 2

    def logaddexp(a: Any, b: Any) -> Any:
        return a.max(b) + (-abs(a - b)).exp().log1p()

    def hypot(x: Any, y: Any) -> Any:
        return (x**2 + y**2).nonnegative_part().sqrt()

    def cosine(x: Any, y: Any) -> Any:
        return zero if x == zero and y == zero else x / (x**2 + y**2).sqrt()

    def step(x: Any) -> Any:
        if x > 0:
            return one
        return zero if x <= 0 else arb(half, half)

    def entropy(x: Any) -> Any:
        return zero if x == zero else -x * x.log() if x > 0 else nan

    def relative(x: Any, y: Any) -> Any:
        if x == zero and y >= 0:
            return zero
        return x * (x / y).log() if x > 0 and y > 0 else nan

    def power_log(x: Any, y: Any, n: int) -> Any:
        if x == zero:
            return zero if y > 0 else nan
        return x**y * x.log() ** n if x > 0 else nan

    def logit1(x: Any) -> Any:
        return one / (x * (one - x)) if inside(x, 0, 1) else nan

    return {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / b,
        "guarded_divide": lambda a, b: zero if a == zero else a / b,
        "negative": lambda x: -x,
        "square": lambda x: x**2,
        "sqrt": lambda x: x.sqrt(),
        "reciprocal": lambda x: one / x,
        "cbrt": cbrt,
        "power": power,
        "integer_power": integer_power,
        "exp": lambda x: x.exp(),
        "exp2": lambda x: two**x,
        "expm1": lambda x: x.expm1(),
        "log": lambda x: x.log(),
        "log2": lambda x: x.log() / two.log(),
        "log10": lambda x: x.log() / arb(10).log(),
        "log1p": lambda x: x.log1p(),
        "sinh": lambda x: x.sinh(),
        "cosh": lambda x: x.cosh(),
        "tanh": lambda x: x.tanh(),
        "tanh'": lambda x: one / x.cosh() ** 2,
        "tanh''": lambda x: -2 * x.tanh() / x.cosh() ** 2,
        "arcsinh": lambda x: x.asinh(),
        "arccosh": lambda x: x.acosh(),
        "arctanh": lambda x: x.atanh(),
        "sin": lambda x: x.sin(),
        "cos": lambda x: x.cos(),
        "tan": lambda x: x.tan(),
        "arcsin": lambda x: x.asin(),
        "arccos": lambda x: x.acos(),
        "arctan": lambda x: x.atan(),
        "expit": expit,
        "expit'": expit1,
        "expit''": lambda x: expit1(x) * (one - 2 * expit(x)),
        "log_expit": log_expit,
        "logit": lambda x: (x / (one - x)).log(),
        "logit'": logit1,
        "erf": lambda x: x.erf(),
        "erfc": lambda x: x.erfc(),
        "ndtr": ndtr,
        "log_ndtr": lambda x: ndtr(x).log(),
        "log_ndtr'": lambda x: (-(x**2) / 2).exp() / (two * arb.pi()).sqrt() / ndtr(x),
        "xlogy": lambda x, y: zero if x == zero else x * y.log(),
        "xlog1py": lambda x, y: zero if x == zero else x * y.log1p(),
        "entr": entropy,
        "rel_entr": relative,
        "kl_div": lambda x, y: relative(x, y) - x + y,
        "power_log": power_log,
        "log_cosh": lambda x: abs(x) + ((-2 * abs(x)).exp() / 2 + half).log(),
        **quotients.rules(arb),
        "logaddexp": logaddexp,
        "hypot": hypot,
        "direction_cosine": cosine,
        "absolute": lambda x: abs(x),
        "absolute'": lambda x: x.sgn(),
        "sign": lambda x: x.sgn(),
        "relu": lambda x: x.max(zero),
        "relu'": step,
        "flat": lambda x: zero,
        "maximum": lambda a, b: a.max(b),
        "minimum": lambda a, b: a.min(b),
    }


def _each_row(function: Callable[[list[Any]], Any]) -> Rule:
    """Return a function of the last axis: a row of balls to one ball or a row."""

    def run(x: Any) -> Any:
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        done = [_row(function, row.tolist()) for row in rows]
        out = np.empty(x.shape[:-1], dtype=object)
        if done and isinstance(done[0], list):
            out = np.empty(x.shape, dtype=object)
            done = [e for row in done for e in row]
        out.reshape(-1)[:] = done
        return out

    return run


def _row(function: Callable[[list[Any]], Any], row: list[Any]) -> Any:
    """Apply to a row; what has finite arguments is defined, if perhaps unknown."""
    arb = flint().arb
    if all(x.is_finite() for x in row):
        result = function(row)
        unknown = arb("[+/- inf]")
        if isinstance(result, list):
            return [unknown if x.is_nan() else x for x in result]
        return unknown if result.is_nan() else result
    bad = arb("nan" if any(x.is_nan() for x in row) else "[+/- inf]")
    kept = function([arb(0)] * len(row))
    return [bad] * len(row) if isinstance(kept, list) else bad


@cache
def on_arrays() -> Mapping[str, Rule]:
    """Return the rules of operators on whole arrays (object arrays of balls)."""
    arb = flint().arb
    zero, one, half = arb(0), arb(1), arb(1) / 2
    times = np.frompyfunc(careful(lambda a, b: a * b), 2, 1)

    def largest(row: list[Any]) -> Any:
        top = row[0]
        for x in row[1:]:
            top = top.max(x)
        return top

    def first_maximum(row: list[Any]) -> list[Any]:
        chosen = []
        for i, x in enumerate(row):
            # the first of equals wins: strictly above those before, not below the rest
            others = [x > y for y in row[:i]] + [x >= y for y in row[i + 1 :]]
            loses = [x <= y for y in row[:i]] + [x < y for y in row[i + 1 :]]
            chosen.append(
                one if all(others) else zero if any(loses) else arb(half, half)
            )
        return chosen

    def logsumexp(row: list[Any]) -> Any:
        top = largest(row)
        return top + sum(((x - top).exp() for x in row), zero).log()

    def softmax(row: list[Any]) -> list[Any]:
        # shifted: the exponential of a huge difference is no finite ball
        top = largest(row)
        powers = [(x - top).exp() for x in row]
        return [p / sum(powers, zero) for p in powers]

    def norm(row: list[Any]) -> Any:
        return sum((x**2 for x in row), zero).nonnegative_part().sqrt()

    def direction(row: list[Any]) -> list[Any]:
        if all(x == zero for x in row):
            return row
        return [x / norm(row) for x in row]

    def product(row: list[Any]) -> Any:
        result = one
        for x in row:
            result = result * x
        return result

    def scatter(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
        out = np.empty(math.prod(shape), dtype=object)
        out[:] = zero
        for place, value in zip(index.ravel().tolist(), x.ravel(), strict=True):
            out[place] = out[place] + value
        return out.reshape(shape)

    def running(x: Any, reverse: bool) -> Any:
        x = x[..., ::-1] if reverse else x
        total = np.cumsum(x, axis=-1, dtype=object)
        return total[..., ::-1] if reverse else total

    def matmul(a: Any, b: Any) -> Any:
        if a.shape[-1] == 0:
            return np.full((*a.shape[:-1], b.shape[-1]), zero, dtype=object)
        terms = times(a[..., :, :, None], b[..., None, :, :])
        return terms.sum(axis=-2)

    return {
        "broadcast": lambda x, shape, ndim: np.broadcast_to(x, shape),
        "reshape": lambda x, shape, ndim: x.reshape(shape),
        "transpose": lambda x, axes: x.transpose(axes),
        "concatenate": lambda *xs, axis, ndim: np.concatenate(xs, axis=axis),
        "gather": lambda x, index, ndim: x.ravel()[index],
        "scatter": scatter,
        "sum": lambda x, axis: np.sum(x, axis=tuple(axis), initial=zero),
        "prod": _each_row(product),
        "max": _each_row(largest),
        "first_maximum": _each_row(first_maximum),
        "tie_slope": _each_row(lambda row: [zero for _ in row]),
        "cumsum": running,
        "matmul": matmul,
        "softmax": _each_row(softmax),
        "logsumexp": _each_row(logsumexp),
        "norm": _each_row(norm),
        "direction": _each_row(direction),
        "select": lambda a, b, mask: np.where(mask, a, b),
        "pi": lambda: arb.pi(),
    }
