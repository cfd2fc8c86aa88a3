"""Renyi divergences of many releases, and what follows from them.

They add up, order by order (I. Mironov, "Renyi differential privacy", CSF 2017,
proposition 1).

From divergence to epsilon and delta: Canonne, Kamath and Steinke (NeurIPS 2020,
proposition 12), and total variation by Bretagnolle and Huber (1979).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.interval.environment import standard_only
from deuterium.interval.rounding import TINY
from deuterium.privacy.mechanisms.noise import Noise
from deuterium.privacy.mechanisms.privacy_curves import (
    renyi_excess,
    renyi_log_delta,
    require_orders,
    total_variation,
    widened,
)
from deuterium.privacy.mechanisms.renyi_orders import ORDERS

__all__ = ["Key", "divergences", "to_delta", "to_epsilon"]

Key = tuple[type[Noise], float, float]
"""What releases of one kind have in common: law, noise multiplier, sampling."""


@standard_only
def divergences(counts: dict[Key, int], orders: Any = ORDERS) -> Any:
    """Return the Renyi divergences of all releases together, rounded up.

    Parameters
    ----------
    counts : dict from tuple to int
        How many releases of each kind.
    orders : array_like
        Above 1, of any shape, which is the result's.
    """
    at = require_orders(orders)
    total = np.zeros(at.shape)
    for key, count in counts.items():
        total = total + count * _one(key, at)
    return total * (1 + 4e-16 * (len(counts) + 4))


def _one(key: Key, at: Any) -> Any:
    law, m, q = key
    noise = law.unit(m)
    return noise.rdp(at) if q == 1 else noise.sampled_rdp(q, at)


@standard_only
def to_epsilon(at: Any, divergence: Any, delta: float) -> float:
    """Return the epsilon that divergences at some orders imply, best over them.

    Parameters
    ----------
    at, divergence : ndarray
        Orders above 1, and the divergence of each: of one shape.
    delta : float
        Above 0.
    """
    if total_variation(float(np.min(divergence))) <= delta:
        return 0.0
    return max(0.0, widened(float(np.min(divergence + renyi_excess(at, delta)))))


@standard_only
def to_delta(at: Any, divergence: Any, epsilon: float) -> float:
    """Return the delta that divergences at some orders imply, best over them.

    Parameters
    ----------
    at, divergence : ndarray
        Orders above 1, and the divergence of each: of one shape.
    epsilon : float
        At least 0.
    """
    exponents = renyi_log_delta(at, divergence, epsilon)
    least = min(widened(float(np.min(exponents))), 0.0)
    most = total_variation(float(np.min(divergence)))
    return max(min(math.exp(least), most), TINY)
