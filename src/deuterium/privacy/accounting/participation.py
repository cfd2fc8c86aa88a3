"""Sampled Gaussian noise by how often a record takes part: exact for each number.

Of T steps, each record takes part in K, which is binomial.  With the record the output
is a mixture over who was drawn when, and without it always the same; the hockey-stick
divergence is jointly convex, so delta is at most the mean over K of that of K Gaussian
steps (B. Balle, G. Barthe and M. Gaboardi, "Privacy amplification by subsampling",
NeurIPS 2018, for one step).  It is never above what the same noise costs without
sampling, continuous in all of its arguments, and nearly exact where noise is small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.interval.environment import standard_only

__all__ = ["Participation"]

MOST = 20_000  # numbers of steps told apart; with more, other methods are the better
LONGEST = 10**7  # steps: of more, binomial probabilities are not sure enough
RARE = 1e-40  # probability of taking part more often than is looked at, counted as lost
PAD = 1e-9  # relative: far more than a double's errors of tails and probabilities
HALVINGS = 60  # of an interval of epsilons


@dataclass(frozen=True)
class Participation:
    """Steps of one noise multiplier and sampling probability, beside unsampled ones.

    Attributes
    ----------
    base : float
        The sum of squares of mu of what was not sampled.
    multiplier, probability, steps : float, float and int
        Of the sampled steps.
    """

    base: float
    multiplier: float
    probability: float
    steps: int

    @property
    def is_few(self) -> bool:
        """Whether so many different numbers of steps are worth looking at."""
        return self.steps <= LONGEST and self._most <= MOST

    @property
    def _most(self) -> int:
        """How often a record takes part, but for a chance of `RARE` (Bernstein)."""
        mean, log = self.steps * self.probability, -math.log(RARE)
        over = log / 3 + math.sqrt(log * log / 9 + 2 * log * mean)
        return min(self.steps, math.ceil(mean + over))

    @standard_only
    def delta_at(self, epsilon: float) -> float:
        """Return the mean delta at an epsilon, rounded up."""
        weights, mus, lost = self._law()
        return min(1.0, float(weights @ _deltas(mus, epsilon)) + lost)

    @standard_only
    def epsilon_at(self, delta: float, most: float) -> float:
        """Return an epsilon that holds together with a delta, not above ``most``.

        Parameters
        ----------
        delta : float
            Above 0.
        most : float
            What holds without sampling.
        """
        weights, mus, lost = self._law()

        def holds(epsilon: float) -> bool:
            return float(weights @ _deltas(mus, epsilon)) + lost <= delta

        if holds(0.0):
            return 0.0
        low, high = 0.0, most
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if holds(middle) else (middle, high)
        return high if holds(high) else most

    def _law(self) -> tuple[Any, Any, float]:
        """Return probabilities, the mu of each number of steps, and what is left out.

        Shapes: (most + 1,) both; both rounded up.
        """
        from scipy.stats import binom

        law = binom(self.steps, self.probability)
        times = np.arange(self._most + 1)
        chances, rest = law.pmf(times), float(law.sf(times[-1]))
        off = abs(1 - float(chances.sum()) - rest)  # what probabilities are wrong by
        squares = self.base + times / self.multiplier**2
        mus = np.sqrt(squares) * (1 + 1e-14)
        return chances * (1 + PAD), mus, rest * (1 + PAD) + 10 * off + RARE


def _deltas(mus: Any, epsilon: float) -> Any:
    """Return Balle and Wang's delta of each mu, rounded up; arguments as above."""
    from scipy.special import log_ndtr

    with np.errstate(all="ignore"):
        far = epsilon / mus  # infinite where there is no loss
        first = np.exp(log_ndtr(mus / 2 - far))
        second = np.exp(epsilon + log_ndtr(-mus / 2 - far))
        found = first * (1 + PAD) - second * (1 - PAD)
    return np.where(mus > 0, np.clip(found, 0.0, 1.0), 0.0)
