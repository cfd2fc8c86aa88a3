"""What noise promises: conversions between the ways to state it.

Two families of functions.  The Gaussian ones are exact: they are worked out in 40
digits or more and rounded towards the safe side, so that what they return holds.  Those
from Renyi divergence are upper bounds by theorem, and are widened by more than the
rounding error of their evaluation.

References: B. Balle and Y.-X. Wang, "Improving the Gaussian mechanism for differential
privacy", ICML 2018, theorem 8 (`gaussian_delta`); C. L. Canonne, G. Kamath and T.
Steinke, "The discrete Gaussian for differential privacy", NeurIPS 2020, proposition 12
(`rho_epsilon`, `rho_delta`); J. Dong, A. Roth and W. J. Su, "Gaussian differential
privacy", JRSS B 2022 (arXiv 1905.02383; mu).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.interval.rounding import TINY
from deuterium.privacy.upward import up

__all__ = [
    "gaussian_delta",
    "gaussian_epsilon",
    "gaussian_multiplier",
    "pure_mu",
    "require_delta",
    "require_epsilon",
    "rho_delta",
    "rho_epsilon",
    "rho_for",
    "widened",
]

DIGITS = 40  # of a result, after cancellation


def gaussian_delta(noise_multiplier: float, epsilon: float) -> float:
    """Return the least delta of Gaussian noise at an epsilon, rounded up.

    Parameters
    ----------
    noise_multiplier : float
        Standard deviation over L2 sensitivity.
    epsilon : float
        At least 0.
    """
    return min(up(_delta(noise_multiplier, epsilon)), 1.0)


def gaussian_epsilon(noise_multiplier: float, delta: float) -> float:
    """Return an epsilon that Gaussian noise keeps at a delta: the least, and a hair."""
    from dp_accounting import get_epsilon_gaussian  # takes a second to import

    with np.errstate(all="ignore"):  # it takes logarithms of differences that vanish
        guess = float(get_epsilon_gaussian(noise_multiplier, delta))
    return _raised(guess, lambda e: _delta(noise_multiplier, e) <= delta)


def gaussian_multiplier(epsilon: float, delta: float) -> float:
    """Return a noise multiplier that keeps (epsilon, delta): the least, and a hair."""
    from dp_accounting import get_sigma_gaussian

    with np.errstate(all="ignore"):
        guess = float(get_sigma_gaussian(epsilon, delta))
    return _raised(guess, lambda m: _delta(m, epsilon) <= delta)


def _raised(guess: float, holds: Callable[[float], bool]) -> float:
    """Return a number at or just above the guess of which the claim holds."""
    value, step = guess, max(guess, 1e-12) * 1e-13
    while not holds(value):
        value, step = guess + step, 2 * step
    return value


def _delta(noise_multiplier: float, epsilon: float) -> Any:
    """Return Balle and Wang's delta, to `DIGITS` digits."""
    from mpmath import mp

    own = mp.clone()  # the library's own context is shared by everyone
    # the two terms agree in about so many leading digits
    agree = max(noise_multiplier, epsilon * noise_multiplier**2, 1.0)
    own.dps = DIGITS + 10 + int(math.log10(agree))
    m, eps = own.mpf(noise_multiplier), own.mpf(epsilon)
    half, shift = 1 / (2 * m), eps * m
    return own.ncdf(half - shift) - own.exp(eps) * own.ncdf(-half - shift)


def pure_mu(epsilon: float) -> float:
    """Return the mu of Gaussian differential privacy that epsilon alone implies.

    ``-2 Phi^-1(1 / (1 + exp(epsilon)))``, rounded up.  The trade-off curve of epsilon
    is straight on both sides of its point of symmetry; the Gaussian curve through that
    point has the same ends and is convex, so it lies below.
    """
    from scipy.special import ndtri_exp

    return widened(-2 * float(ndtri_exp(-np.logaddexp(0.0, epsilon))))


# -- from Renyi divergence -------------------------------------------------------------


def rho_epsilon(rho: float, delta: float) -> float:
    """Return the epsilon at delta of ``rho``-zCDP, best over all orders."""

    def at(order: Any) -> Any:
        conversion = np.log1p(-1 / order) - (np.log(delta) + np.log(order)) / (
            order - 1
        )
        return rho * order + conversion

    if _variation(rho) <= delta:
        return 0.0
    return max(0.0, widened(_least(at, 1 + math.sqrt(-math.log(delta) / rho))))


def rho_delta(rho: float, epsilon: float) -> float:
    """Return the delta at epsilon of ``rho``-zCDP, best over all orders."""

    def at(order: Any) -> Any:
        return (order - 1) * (rho * order - epsilon + np.log1p(-1 / order)) - np.log(
            order
        )

    if rho == 0:
        return 0.0
    logarithm = widened(_least(at, max((epsilon + rho) / (2 * rho), 1.01)))
    return max(min(math.exp(min(logarithm, 0.0)), _variation(rho)), TINY)


def _variation(rho: float) -> float:
    """Return a bound of total variation, by Bretagnolle and Huber (1979)."""
    return math.sqrt(-math.expm1(-rho)) * (1 + 1e-15)


def rho_for(epsilon: float, delta: float) -> float:
    """Return a ``rho`` of which `rho_epsilon` is at most epsilon: the largest, nearly.

    Bisection; what it returns has been checked.
    """
    low, high = 0.0, epsilon + 1.0
    while rho_epsilon(high, delta) <= epsilon:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if high - low <= 1e-12 * high or middle in (low, high):
            break
        if rho_epsilon(middle, delta) <= epsilon:
            low = middle
        else:
            high = middle
    return low


def _least(at: Callable[[Any], Any], near: float) -> float:
    """Return a small value over orders above 1: every order gives a valid bound."""
    around = (near - 1) * np.geomspace(1e-2, 1e2, 401)
    orders = 1 + np.maximum(around, 1e-6)
    for _ in range(2):
        values = at(orders)
        best = int(np.argmin(values))
        ends = orders[max(best - 1, 0)], orders[min(best + 1, len(orders) - 1)]
        orders = np.linspace(*ends, 401)
    return float(np.min(at(orders)))


def widened(x: float) -> float:
    """Return a number moved up by far more than its evaluation rounds."""
    return x + 1e-12 * (1 + abs(x))


# -- arguments -------------------------------------------------------------------------


def require_delta(who: str, delta: Any) -> float:
    """Return a delta in (0, 1) as a float, or say why it is none."""
    if not (_is_number(delta) and 0 < delta < 1):
        raise InvalidInputError(
            f"{who}: `delta` must be a number between 0 and 1 (both excluded), "
            f"got {delta!r:.80}"
        )
    return float(delta)


def require_epsilon(who: str, epsilon: Any) -> float:
    """Return an epsilon >= 0 as a float, or say why it is none."""
    if not (_is_number(epsilon) and 0 <= epsilon < math.inf):
        raise InvalidInputError(
            f"{who}: `epsilon` must be a finite number >= 0, got {epsilon!r:.80}"
        )
    return float(epsilon)


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float | np.floating) and not isinstance(x, bool)
