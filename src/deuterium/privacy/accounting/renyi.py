"""Renyi divergences of many releases, and what follows from them.

Those of sampled Gaussian noise (Mironov, Talwar and Zhang 2019) are dp-accounting's at
whole orders, where they are sums of positive terms.  Between them the logarithm of the
moment, ``(order - 1) * divergence``, is convex and zero at order 1, so it lies under
its chords: an upper bound, where the series for other orders need not converge.
Sampled Laplace noise has those that its pure epsilon implies.

From divergence to epsilon and delta: Canonne, Kamath and Steinke (NeurIPS 2020,
proposition 12), and total variation by Bretagnolle and Huber (1979).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.interval.environment import standard_only
from deuterium.interval.rounding import TINY
from deuterium.privacy.mechanisms.noise import (
    DiscreteGaussianNoise,
    GaussianNoise,
    LaplaceNoise,
)
from deuterium.privacy.mechanisms.privacy_curves import require_orders, widened

__all__ = ["ORDERS", "Key", "divergences", "to_delta", "to_epsilon"]

Key = tuple[str, float, float]  # kind, noise multiplier, sampling probability

KINDS: dict[str, Any] = {
    "gaussian": GaussianNoise,
    "laplace": LaplaceNoise,
    "discrete gaussian": DiscreteGaussianNoise,
}
WHOLE = np.unique([*range(2, 65), *np.geomspace(64, 1024, 33).astype(int)])
ORDERS = np.unique(
    np.concatenate([WHOLE, 1 + np.geomspace(1e-2, 1e3, 600), np.geomspace(1e3, 1e15)])
)
"""Where divergences are added up.  Every order gives valid bounds."""


@standard_only
def divergences(counts: dict[Key, int], orders: Any = ORDERS) -> Any:
    """Return the Renyi divergences of all releases together, rounded up."""
    at = require_orders(orders)
    total = np.zeros(at.shape)
    for key, count in counts.items():
        total = total + count * _one(key, at)
    return total * (1 + 4e-16 * (len(counts) + 4))


def _one(key: Key, at: Any) -> Any:
    kind, m, q = key
    if q == 1:
        noise = KINDS[kind](m, m, 1.0, 1.0, "add_or_remove_one")
        return noise.rdp(at)
    if kind == "laplace":
        pure = _amplified(1 / m, q)
        return np.minimum(0.5 * pure * pure * at, pure) * (1 + 1e-15)
    whole = WHOLE
    if at is not ORDERS:
        near = np.minimum(at[np.isfinite(at)], 2.0**20)
        whole = np.unique([2.0, *np.floor(near), *np.ceil(near)]).astype(int)
        whole = whole[whole > 1]
    return _sampled(m, q, whole, at)


def _amplified(epsilon: float, q: float) -> float:
    """Return the pure epsilon of a sampled release (Li, Qardaji and Su 2012).

    From it follow ``epsilon**2 / 2``-zCDP (Bun and Steinke 2016, proposition 1.4), and
    that no divergence is larger than epsilon.
    """
    if epsilon < 700:
        less = math.log1p(q * math.expm1(epsilon))
    else:
        less = float(np.logaddexp(math.log1p(-q), epsilon + math.log(q)))
    return min(less * (1 + 1e-14), epsilon * (1 + 1e-15))


def _sampled(m: float, q: float, whole: Any, at: Any) -> Any:
    """Return divergences of one sampled release; infinite beyond the last whole order.

    dp-accounting's error at whole orders is a few ulps, and 1e-21 where divergences
    are tiny; they are padded by far more.
    """
    from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent
    from dp_accounting.rdp import RdpAccountant

    with np.errstate(all="ignore"):  # squares of the largest multipliers
        event = PoissonSampledDpEvent(q, GaussianDpEvent(m))
        exact = RdpAccountant(orders=whole.tolist()).compose(event).rdp
    padded = np.maximum(exact, 0.0) * (1 + 1e-9) + 1e-15
    known = np.concatenate([[1.0], whole])
    moments = np.concatenate([[0.0], (whole - 1) * padded])
    chords = np.interp(at, known, moments, right=np.inf)
    # sampling adds no loss
    return np.minimum(chords / (at - 1), at / (2 * m * m)) * (1 + 1e-14)


@standard_only
def to_epsilon(at: Any, divergence: Any, delta: float) -> float:
    """Return the epsilon that divergences at some orders imply, best over them."""
    if _variation(divergence) <= delta:
        return 0.0
    more = np.log1p(-1 / at) - (math.log(delta) + np.log(at)) / (at - 1)
    return max(0.0, widened(float(np.min(divergence + more))))


@standard_only
def to_delta(at: Any, divergence: Any, epsilon: float) -> float:
    """Return the delta that divergences at some orders imply, best over them."""
    exponents = (at - 1) * (divergence - epsilon + np.log1p(-1 / at)) - np.log(at)
    least = min(widened(float(np.min(exponents))), 0.0)
    return max(min(math.exp(least), _variation(divergence)), TINY)


def _variation(divergence: Any) -> float:
    """Return a bound of total variation: divergence of order 1 is the least of all."""
    least = float(np.min(divergence))
    return math.sqrt(-math.expm1(-least)) * (1 + 1e-15)
