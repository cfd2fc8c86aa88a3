"""Gaussian noise: its calibration, its samplers, what it promises.

References: B. Balle and Y.-X. Wang, "Improving the Gaussian mechanism for differential
privacy", ICML 2018, theorem 8; J. Dong, A. Roth and W. J. Su, "Gaussian differential
privacy", JRSS B 2022 (arXiv 1905.02383), theorem 2.7; M. Bun and T. Steinke,
"Concentrated differential privacy", TCC 2016, proposition 1.6; I. Mironov, "Renyi
differential privacy", CSF 2017, corollary 3; under Poisson sampling I. Mironov, K.
Talwar and L. Zhang, "Renyi differential privacy of the sampled Gaussian mechanism",
2019 (arXiv 1908.10530).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from deuterium.interval.environment import standard_only
from deuterium.privacy.directed_rounding import (
    product_up,
    quotient_up,
    require_positive,
)
from deuterium.privacy.mechanisms.calibration import (
    calibrated,
    multiplier_of_rho,
    require_promise,
)
from deuterium.privacy.mechanisms.noise import Noise, NoiseOfSigma
from deuterium.privacy.mechanisms.privacy_curves import (
    gaussian_delta,
    gaussian_epsilon,
    gaussian_multiplier,
    require_delta,
    require_epsilon,
)
from deuterium.privacy.mechanisms.renyi_orders import log_moment, whole_orders
from deuterium.privacy.mechanisms.secure_gaussian import gaussian_block, has_grid
from deuterium.privacy.sensitivity.relations import Relation

__all__ = ["GaussianNoise", "gaussian"]

PLD_NARROW = 0.05  # noise with which single losses are larger still, however rare


@standard_only
def gaussian(
    sensitivity: Any,
    *,
    epsilon: float | None = None,
    delta: float | None = None,
    mu: float | None = None,
    rho: float | None = None,
    noise_multiplier: float | None = None,
    scale: float | None = None,
    relation: Relation | None = None,
    distance: float | None = None,
    trusted: bool = False,
    group: int = 1,
) -> GaussianNoise:
    """Return the Gaussian noise that one release needs.

    Ask for one of: ``epsilon`` with ``delta`` (from 1e-6 to 1000, from 1e-15 to 0.5;
    the least noise that keeps them), ``mu``, ``rho``, ``noise_multiplier`` (``sigma /
    sensitivity``, that of the relation), ``scale`` (sigma itself); see `GaussianNoise`.

    Parameters
    ----------
    sensitivity : Sensitivity, Interval or float
        In L2 norm.  An Interval is what `deuterium.enclose` returned for the norm of
        one record's contribution (of a number that may be negative, its largest
        absolute value counts); a number means the same, and needs ``trusted=True``, as
        does a Sensitivity made by hand.  A search's Estimate is refused.
    epsilon, delta, mu, rho, noise_multiplier, scale : float, optional
        The promise.
    relation : {"add_or_remove_one", "replace_one", "replace_special"}
        Neighbouring data sets differ by one record added or removed, or replaced.
        It has to be given: without it a guarantee means nothing.
    distance : float, optional
        Of a ``lipschitz`` only; see `Sensitivity.sensitivity`.
    trusted : bool
        Take on trust what nobody certified.
    group : int
        How many records may change at once: what is promised holds for every group of
        so many, a household say, and the noise is as many times larger.

    Raises
    ------
    InvalidInputError
        An argument is out of range, or the sensitivity is not bounded.
    UnsupportedError
        The sensitivity is not certified, of another norm, or not of this relation.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> x = dt.symbol("x", (3,))
    >>> s = privacy.contribution(x, dt.Box({x: (0, 1)}))
    >>> noise = privacy.gaussian(s, epsilon=1, delta=1e-6, relation="add_or_remove_one")
    >>> round(noise.noise_multiplier, 3)
    4.225
    """
    asked = {"epsilon": epsilon, "mu": mu, "rho": rho}
    asked |= {"noise_multiplier": noise_multiplier, "scale": scale}
    made: GaussianNoise = calibrated(
        GaussianNoise,
        sensitivity,
        asked,
        _multiplier,
        delta=delta,
        relation=relation,
        distance=distance,
        trusted=trusted,
        group=group,
    )
    return made


def _multiplier(who: str, wanted: str, value: Any, delta: Any) -> float:
    """Return the least noise multiplier that keeps a promise, rounded up."""
    if wanted == "epsilon":
        return gaussian_multiplier(*require_promise(who, value, delta))
    if wanted == "rho":
        return multiplier_of_rho(who, value)
    found = require_positive(who, wanted, value)
    return quotient_up(1.0, found) if wanted == "mu" else found


@dataclass(frozen=True)
class GaussianNoise(Noise, NoiseOfSigma):
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
    relation : {"add_or_remove_one", "replace_one", "replace_special"}
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
    group : int
        How many records may change at once.
    protects : str
        Relation, scope and group in words.
    shape, size : tuple and int, or None
        Of what was bounded, where known: nothing else is released.

    Notes
    -----
    ``epsilon_at``, ``delta_at`` and ``profile`` are the exact curve of Balle and Wang
    (ICML 2018, theorem 8), rounded up; ``mu`` is ``1 / noise_multiplier`` (Dong, Roth
    and Su, arXiv 1905.02383, theorem 2.7), ``rho`` is ``mu**2 / 2`` (Bun and Steinke,
    TCC 2016, proposition 1.6) and the Renyi divergence of order alpha is ``alpha *
    rho`` (Mironov, CSF 2017, corollary 3).

    ``release`` returns ``round((x + sigma N) / g) g`` for an exactly normal N and a
    grid g, the power of two between ``sigma / 512`` and ``sigma / 256``: what the ideal
    mechanism returns, rounded, which promises what that promises.  The grid adds about
    a millionth to the variance.  `to_opendp` is OpenDP's noise, on a finer grid, as is
    noise of a sigma beyond ``2**-400`` to ``2**400``.

    Examples
    --------
    >>> from deuterium import privacy
    >>> noise = privacy.gaussian(
    ...     2.0, rho=0.5, relation="replace_one", trusted=True
    ... )
    >>> round(noise.sigma, 9), round(noise.mu, 9)
    (4.0, 1.0)
    """

    law: ClassVar[str] = "gaussian"
    opendp: ClassVar[str] = "make_gaussian"
    norm: ClassVar[int] = 2
    can_be_sampled: ClassVar[bool] = True

    @property
    def mu(self) -> float:
        """Gaussian differential privacy: ``1 / noise_multiplier``."""
        return quotient_up(1.0, self.noise_multiplier)

    @property
    def rho(self) -> float:
        """Zero-concentrated differential privacy: ``mu**2 / 2``."""
        return product_up(0.5, self.mu, self.mu)

    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon that holds together with a delta."""
        d = require_delta("epsilon_at", delta)
        return gaussian_epsilon(self.noise_multiplier, d)

    def delta_at(self, epsilon: float) -> float:
        """Return the delta that holds together with an epsilon."""
        e = require_epsilon("delta_at", epsilon)
        return gaussian_delta(self.noise_multiplier, e)

    def _curve(self) -> list[tuple[float, float]]:
        return []  # mu says it all

    def to_event(self) -> Any:
        """Return dp-accounting's event of one release, for sensitivity one."""
        from dp_accounting import GaussianDpEvent

        return GaussianDpEvent(self.noise_multiplier)

    @property
    def has_loss_distribution(self) -> bool:
        """Whether losses are small enough to be worked out one by one."""
        return self.noise_multiplier >= PLD_NARROW

    def loss_distribution(self, probability: float, grid: float) -> Any:
        """Return dp-accounting's distribution, for sensitivity one."""
        from dp_accounting.pld import privacy_loss_distribution as pld

        return pld.from_gaussian_mechanism(
            self.noise_multiplier,
            value_discretization_interval=grid,
            sampling_prob=probability,
        )

    def sampled_rdp(self, probability: float, orders: Any) -> Any:
        """Return divergences of one sampled release; infinite beyond whole orders.

        Between whole orders the logarithm of the moment, ``(order - 1) * divergence``,
        is convex and zero at order 1, so it lies under its chords: an upper bound,
        where the series for other orders need not converge.

        Parameters
        ----------
        probability : float
            Of each record to take part.
        orders : ndarray
            Above 1, of any shape, which is the result's.
        """
        m, whole = self.noise_multiplier, whole_orders(orders)
        moments = [log_moment(m, probability, int(order)) for order in whole]
        chords = np.interp(orders, [1, *whole], [0.0, *moments], right=np.inf)
        # sampling adds no loss
        with np.errstate(all="ignore"):  # squares of the largest multipliers
            least = np.fmin(chords / (orders - 1), orders / (2 * m * m))
        return least * (1 + 1e-14)

    def secure(self, values: Any, scale: float) -> Any:
        """Return a vector with noise on a grid (`secure_gaussian`), or OpenDP's."""
        if has_grid(scale):
            return gaussian_block(values, scale)
        return super().secure(values, scale)

    @staticmethod
    def insecure(values: Any, scale: float, rng: np.random.Generator) -> Any:
        """Return values with Gaussian noise of double precision."""
        return values + rng.normal(0.0, scale, values.shape)
