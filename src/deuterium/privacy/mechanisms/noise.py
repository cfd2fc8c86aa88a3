"""Noise of a known scale, and what it promises in every currency of the field.

What each promises depends on one number, ``noise_multiplier``: scale over sensitivity.
It is the sensitivity *between neighbouring data sets*, so a replaced record counts with
twice its contribution.  Privacy curves are therefore worked out once, for a
sensitivity of one, and neighbouring relations never enter them a second time.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.interval.rounding import EPS
from deuterium.privacy.directed_rounding import positive, product_up, quotient_up, real
from deuterium.privacy.mechanisms import samplers
from deuterium.privacy.mechanisms.privacy_curves import (
    gaussian_delta,
    gaussian_epsilon,
    one_by_one,
    pure_mu,
    require_delta,
    require_epsilon,
    require_orders,
    rho_delta,
    rho_epsilon,
    widened,
)
from deuterium.privacy.mechanisms.release_shapes import Shape
from deuterium.privacy.sensitivity.relations import (
    protected,
    require_relation,
    require_scope,
)

__all__ = ["DiscreteGaussianNoise", "GaussianNoise", "LaplaceNoise", "Noise"]


@dataclass(frozen=True)
class _Gaussian:
    noise_multiplier: float
    sigma: float
    sensitivity: float
    contribution: float | None
    relation: str
    epsilon: float | None = None
    delta: float | None = None
    quantity: str = "contribution"
    trusted: bool = True
    scope: str | None = None
    shape: Shape | None = None
    size: int | None = None

    def __post_init__(self) -> None:
        _require_sound(self, self.sigma)

    @property
    def scale(self) -> float:
        """Standard deviation of the noise: another name of ``sigma``."""
        return self.sigma


@dataclass(frozen=True)
class _Laplace:
    noise_multiplier: float
    scale: float
    sensitivity: float
    contribution: float | None
    relation: str
    epsilon: float | None = None
    delta: float | None = None
    quantity: str = "contribution"
    trusted: bool = True
    scope: str | None = None
    shape: Shape | None = None
    size: int | None = None

    def __post_init__(self) -> None:
        _require_sound(self, self.scale)


def _require_sound(noise: Any, scale: float) -> None:
    """Raise unless a noise multiplier is what its scale and sensitivity allow."""
    who = type(noise).__name__
    require_relation(who, noise.relation)
    require_scope(who, noise.scope)
    m = positive(who, "noise_multiplier", noise.noise_multiplier)
    moved = positive(who, "sensitivity", noise.sensitivity)
    given = positive(who, "scale", scale)
    if m * moved > given * (1 + 4 * EPS):
        raise InvalidInputError(
            f"{who}: noise of scale {given!r} on what moves by {moved!r} is less than "
            f"the noise multiplier {m!r} says"
        )


class Noise(ABC):
    """What all noise has in common: its privacy curves, and releasing a value."""

    noise_multiplier: float
    relation: str
    quantity: str
    scope: str | None
    shape: Shape | None
    size: int | None

    @property
    def protects(self) -> str:
        """What the promises are about, in words."""
        return protected(self.relation, self.scope)

    @property
    @abstractmethod
    def mu(self) -> float:
        """Gaussian differential privacy (Dong, Roth and Su 2022), rounded up."""

    @property
    @abstractmethod
    def rho(self) -> float:
        """Zero-concentrated differential privacy (Bun and Steinke 2016), rounded up."""

    @abstractmethod
    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon that holds together with a delta."""

    @abstractmethod
    def delta_at(self, epsilon: float) -> float:
        """Return the delta that holds together with an epsilon."""

    @abstractmethod
    def event(self) -> Any:
        """Return dp-accounting's ``DpEvent`` of one release, sensitivity one."""

    @abstractmethod
    def release(self, value: Any, *, insecure_rng: Any = None) -> Any:
        """Return the value with fresh noise on every coordinate."""

    def rdp(self, orders: Any) -> Any:
        """Return the Renyi divergence at orders above 1 (Mironov 2017)."""
        return self.rho * require_orders(orders)

    def profile(self, epsilons: Sequence[float]) -> Any:
        """Return the privacy profile: the delta of every epsilon."""
        each = one_by_one("profile", "epsilons", epsilons)
        return np.array([self.delta_at(e) for e in each])


class GaussianNoise(_Gaussian, Noise):
    """Gaussian noise on a result whose L2 sensitivity is certified.

    Attributes
    ----------
    noise_multiplier : float
        ``sigma / sensitivity``; what is promised follows from it alone.
    sigma, scale : float
        Standard deviation of the noise on each coordinate, rounded up.
    sensitivity : float
        How far, in L2 norm, the result moves between neighbouring data sets: of a
        ``contribution``, that for ``add_or_remove_one`` and up to twice that for
        ``replace_one``.
    contribution : float or None
        The bound of one record's L2 norm, if made from a contribution.
    relation : {"add_or_remove_one", "replace_one"}
        When two data sets are neighbours.
    epsilon, delta : float or None
        What was asked for; None if something else was.
    quantity : str
        What the sensitivity was made from.
    trusted : bool
        It was given as a plain number, or the noise made by hand: nobody certified it.
    scope : str or None
        What alone may differ between the two records, where not everything may: the
        promises are about that, and not about replacing a whole record.
    protects : str
        Relation and scope in words.
    shape, size : tuple and int, or None
        Of what was bounded, where known: nothing else is released.

    Notes
    -----
    ``epsilon_at``, ``delta_at`` and ``profile`` are the exact curve of Balle and Wang
    (ICML 2018, theorem 8), rounded up; ``mu`` is ``1 / noise_multiplier`` (Dong, Roth
    and Su, arXiv 1905.02383, theorem 2.7), ``rho`` is ``mu**2 / 2`` (Bun and Steinke,
    TCC 2016, proposition 1.6) and the Renyi divergence of order alpha is ``alpha *
    rho`` (Mironov, CSF 2017, corollary 3).
    """

    @property
    def mu(self) -> float:
        """Gaussian differential privacy: ``1 / noise_multiplier``."""
        return quotient_up(1.0, self.noise_multiplier)

    @property
    def rho(self) -> float:
        """Zero-concentrated differential privacy: ``mu**2 / 2``."""
        return _half_square(self.mu)

    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon that holds together with a delta."""
        return gaussian_epsilon(
            self.noise_multiplier, require_delta("epsilon_at", delta)
        )

    def delta_at(self, epsilon: float) -> float:
        """Return the delta that holds together with an epsilon."""
        return gaussian_delta(
            self.noise_multiplier, require_epsilon("delta_at", epsilon)
        )

    def event(self) -> Any:
        """Return dp-accounting's event of one release, for sensitivity one."""
        from dp_accounting import GaussianDpEvent

        return GaussianDpEvent(self.noise_multiplier)

    def release(self, value: Any, *, insecure_rng: Any = None) -> Any:
        """Return the value with fresh noise on every coordinate.

        Parameters
        ----------
        value : array_like or list of array_like
            The exact result, of the shape of what was bounded: a list of arrays, such
            as the gradients by several parameters, comes back as one.
        insecure_rng : numpy.random.Generator or int, optional
            Take NumPy's noise instead of OpenDP's.  It is INSECURE: its random numbers
            can be predicted, and the gaps between floating-point numbers can give the
            value away (Mironov, CCS 2012).  For experiments only.

        Raises
        ------
        ShapeError
            The value is not what was bounded.
        MissingDependencyError
            OpenDP is not installed.
        """
        both = samplers.gaussian, samplers.numpy_gaussian
        return samplers.released(
            self, value, self.sigma, both, insecure_rng, samplers.numbers
        )


class LaplaceNoise(_Laplace, Noise):
    """Laplace noise on a result whose L1 sensitivity is certified.

    Attributes
    ----------
    noise_multiplier : float
        ``scale / sensitivity``.
    scale : float
        Of the noise on each coordinate, rounded up; its standard deviation is
        ``sqrt(2) * scale``.
    sensitivity : float
        How far, in L1 norm, the result moves between neighbouring data sets.
    contribution, relation, epsilon, delta, quantity, trusted, scope, protects, shape
        As of `GaussianNoise`.

    Notes
    -----
    ``1 / noise_multiplier`` is the epsilon of pure differential privacy (Dwork,
    McSherry, Nissim and Smith 2006).  The curves are those of one coordinate that moves
    by the whole L1 sensitivity, the worst case of all; the Renyi divergence is
    Mironov's (2017, proposition 6), ``rho`` is ``epsilon**2 / 2`` (Bun and Steinke,
    proposition 1.4) and ``mu`` what epsilon alone implies.
    """

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
        return _half_square(self.pure_epsilon)

    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon that holds together with a delta, which may be 0."""
        if real(delta) == 0:
            return self.pure_epsilon
        less = 2 * math.log1p(-require_delta("epsilon_at", delta))
        return max(0.0, min(widened(self.pure_epsilon + less), self.pure_epsilon))

    def delta_at(self, epsilon: float) -> float:
        """Return the delta that holds together with an epsilon."""
        over = self.pure_epsilon - require_epsilon("delta_at", epsilon)
        if over <= 0:
            return 0.0
        return min(-math.expm1(-over / 2) * (1 + 1e-15), 1.0)

    def rdp(self, orders: Any) -> Any:
        """Return the Renyi divergence at orders above 1 (Mironov 2017, prop. 6)."""
        at, e = require_orders(orders), self.pure_epsilon
        share = (at - 1) / (2 * at - 1)
        exact = e + np.log1p(share * np.expm1((1 - 2 * at) * e)) / (at - 1)
        return np.minimum(exact + 1e-12 * (1 + e), np.minimum(self.rho * at, e))

    def event(self) -> Any:
        """Return dp-accounting's event of one release, for sensitivity one."""
        from dp_accounting import LaplaceDpEvent

        return LaplaceDpEvent(self.noise_multiplier)

    def release(self, value: Any, *, insecure_rng: Any = None) -> Any:
        """Return the value with fresh noise; arguments as of `GaussianNoise`."""
        both = samplers.laplace, samplers.numpy_laplace
        return samplers.released(
            self, value, self.scale, both, insecure_rng, samplers.numbers
        )


class DiscreteGaussianNoise(_Gaussian, Noise):
    """Integer noise on integers whose L2 sensitivity is certified.

    Attributes
    ----------
    noise_multiplier, sigma, scale, sensitivity, contribution, relation, epsilon
        As of `GaussianNoise`.  The standard deviation is at most ``sigma``.
    delta, quantity, trusted, scope, protects, shape
        Likewise.

    Notes
    -----
    It is ``1 / (2 noise_multiplier**2)``-zCDP (Canonne, Kamath and Steinke, NeurIPS
    2020, theorem 4, coordinate by coordinate), and everything else is derived from that
    by their proposition 12, which for delta up to 1e-5 asks for 4 to 13 % more noise
    than the curve of the Gaussian does.
    """

    @property
    def mu(self) -> float:
        """Refused: the discrete Gaussian has no exact mu."""
        raise UnsupportedError(
            "mu: discrete Gaussian noise is not exactly Gaussian differentially "
            "private; use rho, rdp, epsilon_at or delta_at"
        )

    @property
    def rho(self) -> float:
        """Zero-concentrated differential privacy."""
        return _half_square(quotient_up(1.0, self.noise_multiplier))

    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon that holds together with a delta."""
        return rho_epsilon(self.rho, require_delta("epsilon_at", delta))

    def delta_at(self, epsilon: float) -> float:
        """Return the delta that holds together with an epsilon."""
        return rho_delta(self.rho, require_epsilon("delta_at", epsilon))

    def event(self) -> Any:
        """Return dp-accounting's event of one release, for sensitivity one."""
        from dp_accounting.dp_event import ZCDpEvent

        return ZCDpEvent(self.rho)

    def release(self, value: Any, *, insecure_rng: Any = None) -> Any:
        """Return the integers with fresh integer noise.

        Arguments as of `GaussianNoise.release`.

        Raises
        ------
        InvalidInputError
            A value is no integer.
        """
        both = samplers.discrete_gaussian, samplers.numpy_discrete_gaussian
        return samplers.released(
            self, value, self.sigma, both, insecure_rng, self._integers
        )

    def _integers(self, value: Any) -> Any:
        whole = samplers.numbers(value)
        if not np.array_equal(whole, np.rint(whole)):
            raise InvalidInputError(
                "release: discrete Gaussian noise is for integers; round the value to "
                "a grid first, and bound the sensitivity of the rounded value"
            )
        if (np.abs(whole.astype(np.float64)) + 1e3 * self.sigma >= 2.0**62).any():
            raise InvalidInputError(
                "release: values and noise must fit 64-bit integers with room to "
                "spare; use a coarser grid"
            )
        return whole.astype(np.int64)


def _half_square(x: float) -> float:
    return product_up(0.5, x, x)
