"""What follows from pure differential privacy alone, for every law that keeps it.

References: P. Kairouz, S. Oh and P. Viswanath, "The composition theorem for
differential privacy", ICML 2015: whatever keeps a pure epsilon can be made of
randomised response, whose losses are ``epsilon`` and ``-epsilon``; M. Bun and T.
Steinke, "Concentrated differential privacy", TCC 2016, proposition 1.4: it is
``epsilon**2 / 2``-zCDP; N. Li, W. Qardaji and D. Su, "On sampling, anonymization, and
differential privacy", AsiaCCS 2012: what sampling leaves of epsilon.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from deuterium.privacy.directed_rounding import (
    product_up,
    quotient_up,
    real_number,
    require_positive,
    round_down,
)
from deuterium.privacy.mechanisms.calibration import (
    EPSILON,
    require_between,
    require_ratio,
)
from deuterium.privacy.mechanisms.noise import Noise
from deuterium.privacy.mechanisms.privacy_curves import (
    mu_pure,
    pure_mu,
    require_delta,
    require_epsilon,
    require_orders,
    widened,
)

__all__ = ["PureNoise", "pure_epsilon_of"]


class PureNoise(Noise):
    """Noise of which ``1 / noise_multiplier`` is the epsilon of pure privacy."""

    norm: ClassVar[int] = 1
    can_be_sampled: ClassVar[bool] = True

    @property
    def pure_epsilon(self) -> float:
        """The epsilon that holds with delta = 0."""
        return quotient_up(1.0, self.noise_multiplier)

    @property
    def mu(self) -> float:
        """Gaussian differential privacy, as the pure epsilon implies it."""
        return pure_mu(self.pure_epsilon)

    @property
    def rho(self) -> float:
        """Zero-concentrated differential privacy: ``epsilon**2 / 2``."""
        return self.composed_rho(1)

    def composed_rho(self, count: int) -> float:
        """Return the rho of so many releases, rounded up."""
        return product_up(0.5, count, self.pure_epsilon, self.pure_epsilon)

    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon that holds together with a delta, which may be 0."""
        pure = self.pure_epsilon
        if real_number(delta) == 0:
            return pure
        kept = require_delta("epsilon_at", delta) * (1 + math.exp(-pure))
        if kept >= 1:
            return 0.0
        return max(0.0, min(widened(pure + math.log1p(-kept)), pure))

    def delta_at(self, epsilon: float) -> float:
        """Return the delta that holds together with an epsilon."""
        over = self.pure_epsilon - require_epsilon("delta_at", epsilon)
        if over <= 0:
            return 0.0
        least = -math.expm1(-over) / (1 + math.exp(-self.pure_epsilon))
        return min(least * (1 + 2e-15), 1.0)

    def rdp(self, orders: Any) -> Any:
        """Return the Renyi divergence at orders above 1."""
        return np.minimum(self.rho * require_orders(orders), self.pure_epsilon)

    def sampled_rdp(self, probability: float, orders: Any) -> Any:
        """Return the divergences that the pure epsilon of a sampled release implies.

        Parameters
        ----------
        probability : float
            Of each record to take part.
        orders : ndarray
            Above 1, of any shape, which is the result's.
        """
        pure = _amplified(1 / self.noise_multiplier, probability)
        return np.minimum(0.5 * pure * pure * orders, pure) * (1 + 1e-15)


def _amplified(epsilon: float, q: float) -> float:
    """Return the pure epsilon of a sampled release (Li, Qardaji and Su 2012)."""
    if epsilon < 700:
        less = math.log1p(q * math.expm1(epsilon))
    else:
        less = float(np.logaddexp(math.log1p(-q), epsilon + math.log(q)))
    return min(less * (1 + 1e-14), epsilon * (1 + 1e-15))


def pure_epsilon_of(who: str, wanted: str, value: Any) -> float:
    """Return the pure epsilon that keeps a promise, or a little less.

    Parameters
    ----------
    who : str
        Whose argument it is.
    wanted : {"epsilon", "mu", "rho"}
        What is promised.
    value : float
        How much of it.
    """
    if wanted == "epsilon":
        require_between(who, "epsilon", value, EPSILON)
        return round_down(value)
    if wanted == "mu":
        return mu_pure(require_ratio(who, "mu", require_positive(who, "mu", value)))
    return math.sqrt(2 * require_positive(who, "rho", value)) * (1 - 1e-15)
