"""At which orders Renyi divergences are added up.  Every order gives valid bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import gammaln

from deuterium.interval.rounding import EPS, MIN_NORMAL

__all__ = ["ORDERS", "log_moment", "whole_orders"]

# by how many times EPS of the sizes of its parts an exponent is off, at most: some ulps
# of logarithms of factorials, the least exact, and a rounding of each part
ROUNDED = 16

WHOLE = np.unique([*range(2, 65), *np.geomspace(64, 1024, 33).astype(int)])
ORDERS = np.unique(
    np.concatenate([WHOLE, 1 + np.geomspace(1e-2, 1e3, 600), np.geomspace(1e3, 1e15)])
)


def whole_orders(orders: Any) -> Any:
    """Return the whole orders that lie next to some orders, ascending, from 2."""
    if orders is ORDERS:
        return WHOLE  # few, and close enough
    near = np.minimum(orders[np.isfinite(orders)], 2.0**20)
    whole = np.unique([2.0, *np.floor(near), *np.ceil(near)]).astype(int)
    return whole[whole > 1]


def log_moment(multiplier: float, probability: float, order: int) -> float:
    """Return the logarithm of a sampled Gaussian's moment, rounded up.

    It is ``order - 1`` times the Renyi divergence of one release of noise multiplier m,
    Poisson-sampled with probability q, at a whole order a:
    ``log(sum(binom(a, k) q**k (1 - q)**(a - k) exp(k (k - 1) / (2 m**2))))`` over k
    from 0 to a (I. Mironov, K. Talwar and L. Zhang, arXiv 1908.10530, section 3.3).
    Without the exponentials the sum is one; what they add to it is worked out by
    itself, as a sum of positive terms, so that nothing cancels where it is tiny.

    Parameters
    ----------
    multiplier, probability : float
        Above 0; and from 0 to 1.
    order : int
        From 2.
    """
    if not probability:
        return 0.0
    k = np.arange(2, order + 1)
    log_q, log_rest = math.log(probability), math.log1p(-probability)
    with np.errstate(all="ignore"):
        growth = np.maximum(k * (k - 1) / 2 / multiplier / multiplier, MIN_NORMAL)
        shrink = np.log(-np.expm1(-growth))
        chosen, left = gammaln(k + 1.0), gammaln(order - k + 1.0)
        whole = gammaln(order + 1.0)
        drawn, not_drawn = k * log_q, (order - k) * log_rest
        log = whole - chosen - left + drawn + not_drawn + growth + shrink
        sizes = 3 * whole - drawn - not_drawn + 2 * growth - shrink + 4
        log = log + ROUNDED * EPS * sizes
        top = float(np.max(log))
        if not top < math.inf:
            return math.inf
        added = top + float(np.log(np.sum(np.exp(log - top)))) + (order + 8) * EPS
        return float(np.logaddexp(0.0, added)) * (1 + 8 * EPS) + MIN_NORMAL
