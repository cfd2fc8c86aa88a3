"""Laplace noise: its calibration, its samplers, what it promises.

References: C. Dwork, F. McSherry, K. Nissim and A. Smith, "Calibrating noise to
sensitivity in private data analysis", TCC 2006; I. Mironov, "Renyi differential
privacy", CSF 2017, proposition 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from deuterium.interval.environment import standard_only
from deuterium.privacy.directed_rounding import quotient_up, real_number
from deuterium.privacy.mechanisms.calibration import calibrated
from deuterium.privacy.mechanisms.noise import NoiseOfScale
from deuterium.privacy.mechanisms.privacy_curves import (
    require_delta,
    require_epsilon,
    require_orders,
    widened,
)
from deuterium.privacy.mechanisms.pure_noise import PureNoise, pure_epsilon_of
from deuterium.privacy.sensitivity.relations import Relation

__all__ = ["LaplaceNoise", "laplace"]


@standard_only
def laplace(
    sensitivity: Any,
    *,
    epsilon: float | None = None,
    delta: float = 0.0,
    mu: float | None = None,
    rho: float | None = None,
    scale: float | None = None,
    relation: Relation | None = None,
    distance: float | None = None,
    trusted: bool = False,
    group: int = 1,
) -> LaplaceNoise:
    """Return the Laplace noise that one release needs.

    Ask for one of: ``epsilon`` (with a ``delta`` or without), ``mu``, ``rho``,
    ``scale``.

    Parameters
    ----------
    sensitivity : Sensitivity, Interval or float
        In L1 norm; otherwise as of `gaussian`.
    epsilon, delta : float
        The least noise that keeps them; with ``delta=0``, ``scale`` is
        ``sensitivity / epsilon`` (Dwork, McSherry, Nissim and Smith 2006).
    mu, rho, scale, relation, distance, trusted, group
        As of `gaussian`.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> x = dt.symbol("x")
    >>> s = privacy.contribution(x, dt.Box({x: (0, 2)}), norm=1)
    >>> privacy.laplace(s, epsilon=1, relation="add_or_remove_one").scale
    2.0
    """
    made: LaplaceNoise = calibrated(
        LaplaceNoise,
        sensitivity,
        {"epsilon": epsilon, "mu": mu, "rho": rho, "scale": scale},
        _multiplier,
        delta=None if epsilon is None and real_number(delta) == 0 else delta,
        relation=relation,
        distance=distance,
        trusted=trusted,
        group=group,
    )
    return made


def _multiplier(who: str, wanted: str, value: Any, delta: Any) -> float:
    """Return the least noise multiplier that keeps a promise, rounded up."""
    pure = pure_epsilon_of(who, wanted, value)
    if wanted == "epsilon" and real_number(delta) != 0:
        more = -2 * math.log1p(-require_delta(who, delta))
        pure = max(pure, -widened(-(value + more)))
    return quotient_up(1.0, pure)


@dataclass(frozen=True)
class LaplaceNoise(PureNoise, NoiseOfScale):
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

    Examples
    --------
    >>> from deuterium import privacy
    >>> noise = privacy.laplace(1.0, epsilon=2, relation="replace_one", trusted=True)
    >>> noise.scale, noise.epsilon_at(0)
    (1.0, 2.0)
    """

    law: ClassVar[str] = "laplace"
    opendp: ClassVar[str] = "make_laplace"

    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon that holds together with a delta, which may be 0."""
        if real_number(delta) == 0:
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
        return np.minimum(exact + 1e-12 * (1 + e), super().rdp(at))

    def to_event(self) -> Any:
        """Return dp-accounting's event of one release, for sensitivity one."""
        from dp_accounting import LaplaceDpEvent

        return LaplaceDpEvent(self.noise_multiplier)

    @property
    def has_loss_distribution(self) -> bool:
        """Always."""
        return True

    def loss_distribution(self, probability: float, grid: float) -> Any:
        """Return dp-accounting's distribution, for sensitivity one."""
        from dp_accounting.pld import privacy_loss_distribution as pld

        return pld.from_laplace_mechanism(
            self.noise_multiplier,
            value_discretization_interval=grid,
            sampling_prob=probability,
        )

    @staticmethod
    def insecure(values: Any, scale: float, rng: np.random.Generator) -> Any:
        """Return values with Laplace noise of double precision."""
        return values + rng.laplace(0.0, scale, values.shape)
