"""What a person may spend: budgets of an individual accountant, rounded down.

A filter of one order of Renyi divergence keeps its promise however the norms came about
(V. Feldman and T. Zrnic, "Individual privacy accounting via a Renyi filter", NeurIPS
2021, arXiv 2008.11193, section 4).  Which order is best depends on the noise, and under
sampling no order comes near what privacy loss distributions allow.  So there are
several *routes*, and a person takes part while any of them is open:

* orders of divergence, each with a budget for its share of delta;
* *planned* steps: nobody's step reveals more than one sampled Gaussian step that is
  fixed beforehand, and no more of these are taken than an `Accountant` allows for its
  share of delta.  (Adaptive steps, each dominated by a fixed pair, are together
  dominated by its composition: Y. Zhu, J. Dong and Y.-X. Wang, "Optimal accounting of
  differential privacy via characteristic function", AISTATS 2022, theorem 10.)

Each route by itself, as the only one, is a filter that keeps (epsilon, its share of
delta).  With all of them, let R be the first route that is still open after a person's
last step.  Routes never reopen, so where R is r, the person took part in the same steps
as if r were the only route; hence for every event E, P(E and R = r) is at most
``exp(epsilon) Q(E and R = r)`` plus r's share of delta.  Summing over r gives
(epsilon, delta).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.interval.rounding import EPS, MIN_NORMAL
from deuterium.options import require_whole
from deuterium.privacy.accounting.individual_norms import GROWN
from deuterium.privacy.accounting.noise_planning import most_steps
from deuterium.privacy.accounting.spending import require_probability
from deuterium.privacy.directed_rounding import quotient_down, require_positive
from deuterium.privacy.mechanisms.gaussian import GaussianNoise
from deuterium.privacy.mechanisms.privacy_curves import (
    gaussian_multiplier,
    renyi_excess,
    require_delta,
    require_epsilon,
    widened,
)

__all__ = [
    "WHO",
    "Planned",
    "Route",
    "planned_of",
    "power_of_two",
    "routes_of",
    "sampled_costs",
]

WHO = "IndividualAccountant"
WHOLE = np.unique(np.geomspace(2, 4096, 400).astype(int))
LARGEST = 1e4  # of a divergence: beyond any budget, and soon beyond exp
FIRST = 0.5  # of delta, for the order that is the best of unsampled noise
OTHERS = 2  # orders beside it, for noise that is sampled
SMALLER = (0.6, 0.2)  # of the planned norm: orders for those below it
PLANNED = 0.98  # of delta, for steps that are all as planned or better


@dataclass(frozen=True)
class Route:
    """One sum of costs, which stays within a budget.

    Attributes
    ----------
    order : int
        Of the Renyi divergence; 0 for squares of mu.
    budget : float
        Rounded down; infinite without one.
    share : float
        Of delta.
    """

    order: int
    budget: float
    share: float = 1.0


@dataclass(frozen=True)
class Planned:
    """At most so many steps, none of which reveals more than the planned one.

    Attributes
    ----------
    noise_multiplier, sampling_probability : float
        Of the planned step.
    steps : int
        How many keep the promise.
    share : float
        Of delta.
    """

    noise_multiplier: float
    sampling_probability: float
    steps: int
    share: float = PLANNED


def planned_of(
    epsilon: float | None, delta: float | None, planned: Any
) -> Planned | None:
    """Return how many steps of a noise multiplier and sampling probability there are.

    Parameters
    ----------
    epsilon, delta : float or None
        The promise.
    planned : tuple of float, or None
        Noise multiplier and sampling probability.
    """
    if planned is None:
        return None
    try:
        m, q = planned
    except (TypeError, ValueError):
        raise InvalidInputError(
            f"{WHO}: `planned` must be a noise multiplier and a sampling probability, "
            f"got {planned!r:.80}"
        ) from None
    if epsilon is None or delta is None:
        raise InvalidInputError(f"{WHO}: `planned` needs `epsilon` and `delta`")
    m, q = require_positive(WHO, "planned", m), require_probability(WHO, q)
    if not q:
        raise InvalidInputError(f"{WHO}: a planned sampling probability must be > 0")
    share = require_delta(WHO, delta) * PLANNED
    return Planned(m, q, most_steps(require_epsilon(WHO, epsilon), share, m, q))


def routes_of(
    method: str,
    order: Any,
    epsilon: float | None,
    delta: float | None,
    mu: float | None,
    planned: Planned | None,
) -> tuple[Route, ...]:
    """Return the sums that are kept, each with its budget.

    Parameters
    ----------
    method : {"gdp", "rdp"}
        What adds up.
    order : int or None
        Of the Renyi divergence.
    epsilon, delta, mu : float or None
        The promise, of which one is given, or none.
    planned : Planned or None
        What steps there will be.
    """
    if method == "gdp":
        if order is not None or planned is not None:
            raise InvalidInputError(f"{WHO}: `order` or `planned` is for method='rdp'")
        return (Route(0, _squares_of(epsilon, delta, mu)),)
    if mu is not None:
        raise InvalidInputError(f"{WHO}: a budget `mu` is for method='gdp'")
    if order is not None:
        order = require_whole(order, 2, WHO, "order")
    if epsilon is None or delta is None:
        if order is None:
            raise InvalidInputError(
                f"{WHO}: without a budget, say which `order` to add up"
            )
        return (Route(order, math.inf),)
    e, d = require_epsilon(WHO, epsilon), require_delta(WHO, delta)
    whole = 1.0 if planned is None else 1 - PLANNED
    if order is not None:
        return (_route(order, e, d, whole),)
    if planned is None:
        return _for_any_steps(e, d)
    share = whole / len(SMALLER)
    orders = {_best_for(planned, size, e, d * share) for size in SMALLER}
    return tuple(_route(a, e, d, share) for a in sorted(orders))


def _squares_of(epsilon: Any, delta: Any, mu: Any) -> float:
    """Return the budget of squares of mu, rounded down."""
    if mu is not None:
        return min(require_positive(WHO, "mu", mu), 1e150) ** 2 * (1 - 4 * EPS)
    if epsilon is None or delta is None:
        return math.inf
    e, d = require_epsilon(WHO, epsilon), require_delta(WHO, delta)
    return gaussian_multiplier(e, d) ** -2 * (1 - 8 * EPS)


def _left(order: Any, epsilon: float, delta: float) -> Any:
    return epsilon - renyi_excess(order, delta)


def _route(order: int, epsilon: float, delta: float, share: float) -> Route:
    """Return the budget of a divergence of one order, rounded down."""
    left = epsilon - widened(float(renyi_excess(order, delta * share)))
    if left <= 0:
        raise InvalidInputError(
            f"{WHO}: order {order} leaves nothing of epsilon={epsilon:g} at "
            f"delta={delta:g}; give a larger order"
        )
    return Route(order, left * (1 - 4 * EPS), share)


def _for_any_steps(epsilon: float, delta: float) -> tuple[Route, ...]:
    """Return the best order for unsampled noise, and smaller ones for sampled."""
    left = _left(WHOLE, epsilon, delta * FIRST)
    best = int(WHOLE[int(np.argmax(left / WHOLE))])
    share = (1 - FIRST) / OTHERS
    able = WHOLE[_left(WHOLE, epsilon, delta * share) > 0]
    if not len(able):
        return (_route(best, epsilon, delta, 1.0),)
    below = np.geomspace(able[0] * 1.2, max(best, able[0] * 2), OTHERS)
    others = {int(able[min(np.searchsorted(able, b), len(able) - 1)]) for b in below}
    return (
        _route(best, epsilon, delta, FIRST),
        *(_route(a, epsilon, delta, share) for a in sorted(others)),
    )


def _best_for(planned: Planned, size: float, epsilon: float, delta: float) -> int:
    """Return the order that allows most steps of a share of the planned norm."""
    noise = GaussianNoise.unit(planned.noise_multiplier / size)
    orders = WHOLE.astype(float)
    q = planned.sampling_probability
    costs = noise.rdp(orders) if q == 1 else noise.sampled_rdp(q, orders)
    return int(WHOLE[int(np.argmax(_left(orders, epsilon, delta) / costs))])


def sampled_costs(routes: Sequence[Route], mu: float, q: float) -> Any:
    """Return divergences of one sampled sum, rounded up: (routes,).

    Parameters
    ----------
    routes : sequence of Route
        Of orders.
    mu : float
        The norm over sigma is at most a few ulps above it.
    q : float
        The sampling probability.
    """
    orders = np.array([r.order for r in routes])
    far = mu * mu * orders**2 > LARGEST
    if far.all():
        return np.full(len(orders), np.inf)
    noise = GaussianNoise.unit(quotient_down(1.0, mu * GROWN))
    found = noise.sampled_rdp(q, orders.astype(float))
    most = [min(r.budget, LARGEST) for r in routes]
    over = far | ~(found <= most)  # so everything larger is, too
    return np.where(over, np.inf, found * GROWN + MIN_NORMAL)


def power_of_two(grid: Any) -> float:
    """Return the largest power of two that is not above a grid."""
    given = require_positive(WHO, "grid", grid)
    return math.ldexp(0.5, math.frexp(given)[1])
