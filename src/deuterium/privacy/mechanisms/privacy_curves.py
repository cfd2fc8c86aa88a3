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
from deuterium.interval.environment import standard_only
from deuterium.interval.rounding import EPS, TINY
from deuterium.privacy.directed_rounding import real_number, round_down, round_up

__all__ = [
    "gaussian_delta",
    "gaussian_epsilon",
    "gaussian_multiplier",
    "mu_pure",
    "one_by_one",
    "pure_mu",
    "renyi_excess",
    "renyi_log_delta",
    "require_delta",
    "require_epsilon",
    "require_orders",
    "rho_delta",
    "rho_epsilon",
    "rho_for",
    "total_variation",
    "widened",
]

DIGITS = 40  # of a result, after cancellation
FAR = 1e3  # standard deviations, beyond which a tail is below every double


@standard_only
def gaussian_delta(noise_multiplier: float, epsilon: float) -> float:
    """Return the least delta of Gaussian noise at an epsilon, rounded up.

    Parameters
    ----------
    noise_multiplier : float
        Standard deviation over L2 sensitivity.
    epsilon : float
        At least 0.
    """
    if noise_multiplier == 0:
        return 1.0
    return min(max(round_up(_delta(noise_multiplier, epsilon)), TINY), 1.0)


@standard_only
def gaussian_epsilon(noise_multiplier: float, delta: float) -> float:
    """Return the least epsilon that Gaussian noise keeps at a delta, rounded up.

    Arguments as of `gaussian_delta`, delta being above 0.
    """
    from dp_accounting import get_epsilon_gaussian  # takes a second to import

    if noise_multiplier == 0:
        return math.inf
    if _delta(noise_multiplier, 0.0) <= delta:
        return 0.0
    with np.errstate(all="ignore"):  # it takes logarithms of differences that vanish
        guess = float(get_epsilon_gaussian(noise_multiplier, delta))
    guess = _solved(guess, lambda e: _delta(noise_multiplier, e), delta)
    return _least_double(guess, lambda e: bool(_delta(noise_multiplier, e) <= delta))


@standard_only
def gaussian_multiplier(epsilon: float, delta: float) -> float:
    """Return the least noise multiplier that keeps (epsilon, delta), rounded up."""
    from dp_accounting import get_sigma_gaussian

    with np.errstate(all="ignore"):
        guess = float(get_sigma_gaussian(epsilon, delta))
    guess = _solved(guess, lambda m: _delta(m, epsilon), delta)
    return _least_double(guess, lambda m: bool(_delta(m, epsilon) <= delta))


def _solved(guess: float, curve: Callable[[float], Any], target: float) -> float:
    """Return nearly where a monotone curve meets a target: secants from a guess."""

    def excess(x: float) -> Any:
        ratio = curve(x) / target
        return ratio.context.log(ratio)

    x, nearby = guess, guess * (1 + 1e-7)
    at, beside = excess(x), excess(nearby)
    for _ in range(8):
        if at == 0 or at == beside:
            break
        step = float(at * (nearby - x) / (beside - at))
        nearby, beside, x = x, at, x - step
        if not 0.5 * guess < x < 2 * guess:
            return guess  # a poor one, which only takes longer
        if abs(step) <= EPS * x:
            break
        at = excess(x)
    return x


def _least_double(guess: float, holds: Callable[[float], bool]) -> float:
    """Return the least positive double of which a claim holds that stays true above.

    Gallops from the guess over neighbours, which are neighbouring integers when their
    bits are read as such, and then bisects.
    """

    def at(place: int) -> float:
        return float(np.int64(place).view(np.float64))

    low = high = max(int(np.float64(guess).view(np.int64)), 1)
    stride = 1
    if holds(at(high)):
        while low > 0 and holds(at(low)):
            low, high, stride = max(low - stride, 0), low, 2 * stride
    else:
        while not holds(at(high)):
            low, high, stride = high, high + stride, 2 * stride
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(at(middle)) else (middle, high)
    return at(high)


def _delta(noise_multiplier: float, epsilon: float) -> Any:
    """Return Balle and Wang's delta, to `DIGITS` digits; at most a TINY too much."""
    from mpmath import mp

    # in sizes: of the argument of the exponential, of what is subtracted from what, and
    # of how close the two terms are
    sizes = (1.0, noise_multiplier, 1 / noise_multiplier, epsilon)
    digits = 2 * sum(math.log10(max(x, 1.0)) for x in sizes)
    own = mp.clone()  # the library's own context is shared by everyone
    own.dps = DIGITS + 10 + int(digits)
    m, eps = own.mpf(noise_multiplier), own.mpf(epsilon)
    half, shift = 1 / (2 * m), eps * m
    if shift - half > FAR:
        return own.mpf(TINY)  # exp(-FAR**2 / 2) is far below it
    if half - shift > FAR:
        return own.mpf(1)
    return own.ncdf(half - shift) - own.exp(eps) * own.ncdf(-half - shift)


@standard_only
def pure_mu(epsilon: float) -> float:
    """Return the mu of Gaussian differential privacy that epsilon alone implies.

    ``-2 Phi^-1(1 / (1 + exp(epsilon)))``, rounded up.  The trade-off curve of epsilon
    is straight on both sides of its point of symmetry; the Gaussian curve through that
    point has the same ends and is convex, so it lies below.
    """
    from scipy.special import ndtri_exp

    guess = -2 * float(ndtri_exp(-np.logaddexp(0.0, epsilon)))
    if epsilon < 1e-3:  # where that has cancelled
        guess = epsilon * math.sqrt(2 * math.pi) / 2
    guess = _solved(guess, _pure, epsilon)
    return _least_double(guess, lambda mu: bool(_pure(mu) >= epsilon))


@standard_only
def mu_pure(mu: float) -> float:
    """Return the pure epsilon of which `pure_mu` is ``mu``, rounded down."""
    return round_down(_pure(mu))


def _pure(mu: float) -> Any:
    """Return ``log(Phi(mu / 2) / Phi(-mu / 2))`` to `DIGITS` digits."""
    from mpmath import mp

    own = mp.clone()
    own.dps = DIGITS + 10 + int(2 * abs(math.log10(mu)))
    half = own.mpf(mu) / 2
    return own.log(own.ncdf(half)) - own.log(own.ncdf(-half))


# -- from Renyi divergence -------------------------------------------------------------


@standard_only
def rho_epsilon(rho: float, delta: float) -> float:
    """Return the epsilon at delta of ``rho``-zCDP, best over all orders."""

    def at(order: Any) -> Any:
        return rho * order + renyi_excess(order, delta)

    if total_variation(rho) <= delta:
        return 0.0
    return max(0.0, widened(_least(at, 1 + math.sqrt(-math.log(delta) / rho))))


@standard_only
def rho_delta(rho: float, epsilon: float) -> float:
    """Return the delta at epsilon of ``rho``-zCDP, best over all orders."""

    def at(order: Any) -> Any:
        return renyi_log_delta(order, rho * order, epsilon)

    if rho == 0:
        return 0.0
    logarithm = widened(_least(at, max((epsilon + rho) / (2 * rho), 1.01)))
    return max(min(math.exp(min(logarithm, 0.0)), total_variation(rho)), TINY)


def renyi_excess(order: Any, delta: float) -> Any:
    """Return how far epsilon lies above a Renyi divergence of some order, at a delta.

    Canonne, Kamath and Steinke (2020), proposition 12; not rounded up.
    """
    return np.log1p(-1 / order) - (np.log(delta) + np.log(order)) / (order - 1)


def renyi_log_delta(order: Any, divergence: Any, epsilon: float) -> Any:
    """Return log delta at an epsilon, from Renyi divergences of some orders.

    Canonne, Kamath and Steinke (2020), proposition 12; not rounded up.
    """
    less = divergence - epsilon + np.log1p(-1 / order)
    return (order - 1) * less - np.log(order)


def total_variation(divergence: float) -> float:
    """Return a bound of total variation from a Kullback-Leibler divergence, or more.

    By Bretagnolle and Huber (1979); a Renyi divergence of any order above 1 is more.
    """
    return math.sqrt(-math.expm1(-divergence)) * (1 + 1e-15)


@standard_only
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


def require_orders(orders: Any) -> Any:
    """Return orders of Renyi divergences, as an array, or say why they are none."""
    try:
        at = np.asarray(orders, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        at = np.zeros(1)
    if not (at > 1).all():
        raise InvalidInputError(f"rdp: `orders` must be above 1, got {orders!r:.80}")
    return at


def one_by_one(who: str, name: str, numbers: Any) -> list[Any]:
    """Return what an argument holds, to be looked at one by one."""
    try:
        found = np.asarray(numbers)
    except ValueError:
        found = None
    if isinstance(found, np.ndarray):
        return list(found.ravel().tolist())
    raise InvalidInputError(
        f"{who}: `{name}` must be a list of numbers, got {numbers!r:.80}"
    )


def require_delta(who: str, delta: Any) -> float:
    """Return a delta in (0, 1), rounded down to a double, or say why it is none."""
    number = real_number(delta)
    found = 0.0 if number is None or not 0 < number < 1 else round_down(number)
    if not found:
        raise InvalidInputError(
            f"{who}: `delta` must be a number between 0 and 1 (both excluded), "
            f"got {delta!r:.80}"
        )
    return found


def require_epsilon(who: str, epsilon: Any) -> float:
    """Return an epsilon >= 0, rounded down to a double, or say why it is none."""
    number = real_number(epsilon)
    if number is None or not 0 <= number < math.inf:
        raise InvalidInputError(
            f"{who}: `epsilon` must be a finite number >= 0, got {epsilon!r:.80}"
        )
    return round_down(number)
