"""What a person may spend: budgets of an individual accountant, rounded down.

Reference: V. Feldman and T. Zrnic, "Individual privacy accounting via a Renyi filter",
NeurIPS 2021 (arXiv 2008.11193), section 4: a filter of one order of divergence.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.interval.rounding import EPS
from deuterium.options import require_whole
from deuterium.privacy.directed_rounding import require_positive
from deuterium.privacy.mechanisms.privacy_curves import (
    gaussian_multiplier,
    renyi_excess,
    require_delta,
    require_epsilon,
    widened,
)

__all__ = ["WHO", "budget_of", "order_of", "power_of_two"]

WHO = "IndividualAccountant"


def order_of(
    method: str, order: Any, epsilon: float | None, delta: float | None
) -> int:
    """Return the order of Renyi divergence that lets most through a budget."""
    if method == "gdp":
        if order is not None:
            raise InvalidInputError(f"{WHO}: `order` is for method='rdp'")
        return 0
    if order is not None:
        return require_whole(order, 2, WHO, "order")
    if epsilon is None or delta is None:
        raise InvalidInputError(f"{WHO}: without a budget, say which `order` to add up")
    orders = np.unique(np.geomspace(2, 4096, 400).astype(int))
    allowed = [(epsilon - renyi_excess(int(a), delta)) / a for a in orders]
    return int(orders[int(np.argmax(allowed))])


def budget_of(
    method: str,
    order: int,
    epsilon: float | None,
    delta: float | None,
    mu: float | None,
) -> float:
    """Return how much may be spent, rounded down: squares of mu, or divergence.

    Parameters
    ----------
    method : {"gdp", "rdp"}
        What adds up.
    order : int
        Of the Renyi divergence.
    epsilon, delta, mu : float or None
        The promise, of which one is given, or none.
    """
    if mu is not None:
        if method != "gdp":
            raise InvalidInputError(f"{WHO}: a budget `mu` is for method='gdp'")
        return min(require_positive(WHO, "mu", mu), 1e150) ** 2 * (1 - 4 * EPS)
    if epsilon is None or delta is None:
        return math.inf
    e, d = require_epsilon(WHO, epsilon), require_delta(WHO, delta)
    if method == "gdp":
        return gaussian_multiplier(e, d) ** -2 * (1 - 8 * EPS)
    left = e - widened(float(renyi_excess(order, d)))
    if left <= 0:
        raise InvalidInputError(
            f"{WHO}: order {order} leaves nothing of epsilon={e:g} at delta={d:g}; "
            "give a larger order"
        )
    return left * (1 - 4 * EPS)


def power_of_two(grid: Any) -> float:
    """Return the largest power of two that is not above a grid."""
    given = require_positive(WHO, "grid", grid)
    return math.ldexp(0.5, math.frexp(given)[1])
