"""What a promise means to an attacker: trade-offs of errors, advantage, reconstruction.

Everything here follows from one curve, delta as a function of epsilon, which holds for
both orders of two neighbouring data sets.

* *Trade-off*: a test that tells the two apart with false alarms alpha misses with
  probability at least ``max over epsilon of max(1 - delta - e^epsilon alpha, e^-epsilon
  (1 - delta - alpha))`` (J. Dong, A. Roth and W. J. Su, "Gaussian differential
  privacy", JRSS B 2022, proposition 2.12; L. Wasserman and S. Zhou 2010).  Any set of
  epsilons gives a lower bound.  Of mu-Gaussian privacy it is ``Phi(Phi^-1(1 - alpha) -
  mu)`` (definition 2.6).
* *Advantage*: the most that true alarms exceed false ones, ``delta(0)``, the total
  variation (S. Yeom, I. Giacomelli, M. Fredrikson and S. Jha, CSF 2018, for the name).
* *Reconstruction*: whoever knows everything but one record, and would guess that record
  well enough with probability kappa without the release, does so with probability at
  most ``1 - f(kappa)`` with it, f being the trade-off (J. Hayes, S. Mahloujifar and B.
  Balle, "Bounding training data reconstruction in DP-SGD", NeurIPS 2023, theorem 2;
  reconstruction robustness: B. Balle, G. Cherubin and J. Hayes, "Reconstructing
  training data with informed adversaries", S&P 2022, definition 2).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.interval.environment import standard_only
from deuterium.privacy.directed_rounding import real_number

__all__ = ["AttackBounds", "miss_of_gaussian"]

EPSILONS = 64  # points of the curve that are looked at
SMALLEST = 1e-9  # delta up to which the curve is followed
PAD = 1e-12  # absolute: more than a double's errors of what is between 0 and 1


class AttackBounds(ABC):
    """What follows for attackers from a privacy profile."""

    @abstractmethod
    def delta_at(self, epsilon: float) -> float:
        """Return the delta that holds together with an epsilon."""

    @abstractmethod
    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon that holds together with a delta."""

    @property
    @abstractmethod
    def mu(self) -> float:
        """Gaussian differential privacy, or an error where none is known."""

    @standard_only
    def trade_off(self, alphas: Any) -> Any:
        """Return how often a test misses at least, by its rate of false alarms.

        Parameters
        ----------
        alphas : array_like
            In [0, 1]: how often the test claims a record that is not there.

        Returns
        -------
        ndarray
            Of the same shape: a lower bound of the trade-off curve (f-DP).
        """
        at = np.asarray(alphas, dtype=float)
        if not ((at >= 0) & (at <= 1)).all():
            raise InvalidInputError(
                f"trade_off: `alphas` must lie in [0, 1], got {alphas!r:.80}"
            )
        least = np.zeros(at.shape)
        for epsilon, delta in self._curve():
            grown, left = math.exp(min(epsilon, 700.0)), 1 - delta
            line = np.maximum(left - grown * at, (left - at) / grown)
            least = np.maximum(least, line - PAD)
        with suppress(UnsupportedError):  # where the curve is all there is
            least = np.maximum(least, miss_of_gaussian(self.mu, at))
        return least

    @property
    def advantage(self) -> float:
        """How much more often a test is right about a record that is there, at most.

        True alarms less false alarms, of the best test.
        """
        return self.delta_at(0.0)

    def reconstruction(self, guess: float) -> float:
        """Return how probable it is at most that a record is reconstructed.

        Parameters
        ----------
        guess : float
            In [0, 1]: how probable it is without the release, for the best guess of
            whoever knows everything else and how likely which record is.
        """
        kappa = real_number(guess)
        if kappa is None or not 0 <= kappa <= 1:
            raise InvalidInputError(
                f"reconstruction: `guess` must be a probability, got {guess!r:.80}"
            )
        return min(1.0, float(1 - self.trade_off(float(kappa))) + PAD)

    def _curve(self) -> list[tuple[float, float]]:
        """Return some points of the curve: epsilon and delta."""
        most = self.epsilon_at(SMALLEST)
        if not 0 < most < math.inf:
            return [(0.0, self.delta_at(0.0))]
        epsilons = [0.0, *np.linspace(0, most, EPSILONS + 1)[1:].tolist()]
        return [(e, self.delta_at(e)) for e in epsilons]


def miss_of_gaussian(mu: float, alphas: Any) -> Any:
    """Return the trade-off curve of mu-Gaussian privacy, rounded down."""
    from scipy.special import ndtr, ndtri

    with np.errstate(all="ignore"):
        found = ndtr(-ndtri(alphas) - mu)
    return np.clip(np.nan_to_num(found, nan=0.0) - PAD, 0.0, 1.0)
