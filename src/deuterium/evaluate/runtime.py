"""The few functions that generated code calls besides the array API itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from deuterium.graph.operator import OPERATORS
from deuterium.ops import portable_values

PORTABLE = (
    "direction", "exp_difference", "kl_div", "log_cosh", "log_difference", "norm",
    "power_log", "rel_entr", "sinc",
)  # fmt: skip


def namespace(xp: Any, scatter: Callable[[Any, Any, int], Any]) -> dict[str, Any]:
    """Return the support functions over an array namespace."""

    def matmul(a: Any, b: Any) -> Any:
        """Multiply; a stack of rows times one matrix becomes one big product."""
        if b.ndim == 2 and a.ndim > 2:
            rows = xp.reshape(a, (math.prod(a.shape[:-1]), a.shape[-1]))
            return xp.reshape(xp.matmul(rows, b), (*a.shape[:-1], b.shape[-1]))
        return xp.matmul(a, b)

    def joined(parts: list[Any], axis: int, ndim: int) -> Any:
        """Concatenate parts of which some may lack batch axes."""
        lead = np.broadcast_shapes(*[tuple(p.shape[: p.ndim - ndim]) for p in parts])
        full = [xp.broadcast_to(p, (*lead, *p.shape[p.ndim - ndim :])) for p in parts]
        return xp.concat(full, axis=axis)

    def softmax(x: Any) -> Any:
        e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
        return e / xp.sum(e, axis=-1, keepdims=True)

    def logsumexp(x: Any) -> Any:
        top = xp.max(x, axis=-1, keepdims=True)
        return xp.log(xp.sum(xp.exp(x - top), axis=-1)) + top[..., 0]

    def argmax_onehot(x: Any) -> Any:
        places = xp.arange(x.shape[-1]) == xp.argmax(x, axis=-1)[..., None]
        return xp.where(places, xp.ones_like(x), xp.zeros_like(x))

    def reverse_cumsum(x: Any) -> Any:
        return xp.flip(xp.cumsum(xp.flip(x, axis=-1), axis=-1), axis=-1)

    def solve(a: Any, b: Any) -> Any:
        """Solve systems of which some parts may lack batch axes."""
        if xp is np:
            return OPERATORS["solve"].value(a, b)
        lead = np.broadcast_shapes(tuple(a.shape[:-2]), tuple(b.shape[:-2]))
        full = [xp.broadcast_to(x, (*lead, *x.shape[-2:])) for x in (a, b)]
        return xp.linalg.solve(*full)

    def direction_cosine(x: Any, y: Any) -> Any:
        h = xp.hypot(x, y)
        one = xp.ones_like(h)
        return xp.where(h == 0, 0.0 * one, x / xp.where(h == 0, one, h))

    several = {name: partial(getattr(portable_values, name), xp) for name in PORTABLE}
    return {
        **several,
        "xp": xp,
        **_of_order(xp),
        **_of_special(xp),
        "scatter": scatter,
        "matmul": matmul,
        "joined": joined,
        "softmax": softmax,
        "logsumexp": logsumexp,
        "argmax_onehot": argmax_onehot,
        "reverse_cumsum": reverse_cumsum,
        "direction_cosine": direction_cosine,
        "solve": solve,
    }


def _of_order(xp: Any) -> dict[str, Any]:
    """Return the functions that look for places: among sorted elements, or knots."""

    def reorder(g: Any, x: Any, reverse: bool) -> Any:
        order = xp.argsort(x, axis=-1, stable=True)
        if reverse:
            order = xp.argsort(order, axis=-1, stable=True)
        shape = np.broadcast_shapes(tuple(g.shape), tuple(order.shape))
        full = xp.broadcast_to(g, shape), xp.broadcast_to(order, shape)
        if hasattr(xp, "take_along_axis"):
            return xp.take_along_axis(*full, axis=-1)
        given, places = full[0][..., None, :], full[1][..., None]
        hits = places == xp.arange(shape[-1])
        return xp.sum(xp.where(hits, given, xp.zeros_like(given)), axis=-1)

    def interp_slope(x: Any, xs: Any, ys: Any) -> Any:
        steps = (ys[1:] - ys[:-1]) / (xs[1:] - xs[:-1])
        flat = xp.zeros_like(ys[:1])
        slopes = xp.concat([flat, steps, flat])
        return slopes[xp.searchsorted(xs, x, side="left")]

    def interp(x: Any, xs: Any, ys: Any) -> Any:
        x = xp.clip(x, xs[0], xs[-1])
        i = xp.clip(xp.searchsorted(xs, x, side="left") - 1, 0, max(len(xs) - 2, 0))
        return ys[i] + interp_slope(x, xs, ys) * (x - xs[i])

    return {"interp": interp, "interp_slope": interp_slope, "reorder": reorder}


def _of_special(xp: Any) -> dict[str, Any]:
    """Return special functions that the libraries lack, or have with signs of zeros."""

    def arctan2(y: Any, x: Any) -> Any:
        """Return the angle, which is pi on its cut: a zero has no sign here."""
        one = xp.ones_like(x if hasattr(x, "shape") else y)
        y, x = y * one, x * one
        return xp.where((y == 0) & (x < 0), math.pi * one, xp.arctan2(y, x))

    def bessel_i(x: Any, n: int, special: Any) -> Any:
        """Return I_n by its series, and far from zero by recurrence from I_0, I_1."""
        near = xp.abs(x) < 2 * n
        small, large = xp.where(near, x, 0.0 * x), xp.where(near, 0.0 * x + 2 * n, x)
        series = xp.ones_like(x)
        for k in range(16 + 2 * n, 0, -1):
            series = 1.0 + series * small * small / (4 * k * (n + k))
        before, last = special.i0(large), special.i1(large)
        for k in range(1, n):
            before, last = last, before - 2 * k * last / large
        return xp.where(near, series * (small / 2) ** n / math.factorial(n), last)

    return {"arctan2": arctan2, "bessel_i": bessel_i, **_of_gamma(xp)}


def _of_gamma(xp: Any) -> dict[str, Any]:
    """Return the gamma function's logarithm and its derivatives, of positive numbers.

    The libraries agree there alone: at the pole some have NaN, and below zero some
    continue the functions and some do so with few digits.
    """

    def of_positive(x: Any, value: Any, pole: float) -> Any:
        nowhere = xp.where(x == 0, pole + 0.0 * x, math.nan + 0.0 * x)
        return xp.where(x > 0, value, nowhere)

    def gammaln(x: Any, special: Any) -> Any:
        return of_positive(x, special.gammaln(x), math.inf)

    def psi(x: Any, special: Any) -> Any:
        return of_positive(x, special.psi(x), -math.inf)

    def polygamma(x: Any, n: int, special: Any) -> Any:
        pole = math.inf if n % 2 else -math.inf
        return of_positive(x, special.polygamma(n, x), pole)

    return {"gammaln": gammaln, "psi": psi, "polygamma": polygamma}
