"""Geometric noise, also called discrete Laplace: whole numbers on whole numbers.

Chances fall off as ``exp(-|k| / scale)``, so where two neighbouring results are d apart
in L1 norm, those of what is released differ by a factor of ``exp(d / scale)`` at most.

Reference: A. Ghosh, T. Roughgarden and M. Sundararajan, "Universally utility-maximizing
privacy mechanisms", STOC 2009, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from deuterium.interval.environment import standard_only
from deuterium.privacy.directed_rounding import quotient_up
from deuterium.privacy.mechanisms.calibration import calibrated
from deuterium.privacy.mechanisms.noise import NoiseOfScale
from deuterium.privacy.mechanisms.pure_noise import PureNoise, pure_epsilon_of
from deuterium.privacy.mechanisms.samplers import (
    discrete_laplace,
    integers,
)
from deuterium.privacy.sensitivity.relations import Relation

__all__ = ["GeometricNoise", "geometric"]


@standard_only
def geometric(
    sensitivity: Any,
    *,
    epsilon: float | None = None,
    mu: float | None = None,
    rho: float | None = None,
    scale: float | None = None,
    relation: Relation | None = None,
    trusted: bool = False,
    group: int = 1,
) -> GeometricNoise:
    """Return the geometric noise that one release of integers needs.

    Ask for one of: ``epsilon``, ``mu``, ``rho``, ``scale``.

    Parameters
    ----------
    sensitivity : Sensitivity, Interval or float
        In L1 norm; otherwise as of `gaussian`.
    epsilon : float
        Of pure differential privacy: ``scale`` is ``sensitivity / epsilon``.
    mu, rho, scale, relation, trusted, group
        As of `gaussian`.

    Examples
    --------
    >>> from deuterium import privacy
    >>> privacy.geometric(1, epsilon=2, relation="replace_one", trusted=True).scale
    1.0
    """
    made: GeometricNoise = calibrated(
        GeometricNoise,
        sensitivity,
        {"epsilon": epsilon, "mu": mu, "rho": rho, "scale": scale},
        _multiplier,
        relation=relation,
        trusted=trusted,
        group=group,
    )
    return made


def _multiplier(who: str, wanted: str, value: Any, _: Any) -> float:
    """Return the least noise multiplier that keeps a promise, rounded up."""
    return quotient_up(1.0, pure_epsilon_of(who, wanted, value))


@dataclass(frozen=True)
class GeometricNoise(PureNoise, NoiseOfScale):
    """Integer noise on integers whose L1 sensitivity is certified.

    Attributes
    ----------
    noise_multiplier : float
        ``scale / sensitivity``.
    scale : float
        A whole number k is added with a chance ``~ exp(-|k| / scale)``, on each
        coordinate; rounded up.
    sensitivity : float
        How far, in L1 norm, the result moves between neighbouring data sets.
    contribution, relation, epsilon, delta, quantity, trusted, scope, protects, shape
        As of `GaussianNoise`.

    Notes
    -----
    ``1 / noise_multiplier`` is the epsilon of pure differential privacy (Ghosh,
    Roughgarden and Sundararajan 2009).  Everything else is what that implies (Kairouz,
    Oh and Viswanath 2015 for delta; Bun and Steinke 2016, proposition 1.4, for rho): a
    bound, and for noise that is small beside the sensitivity nearly what is lost.

    Examples
    --------
    >>> from deuterium import privacy
    >>> noise = privacy.geometric(1, epsilon=1, relation="replace_one", trusted=True)
    >>> noise.pure_epsilon
    1.0
    """

    law: ClassVar[str] = "geometric"
    opendp: ClassVar[str] = "make_laplace"
    kind: ClassVar[type] = int

    def to_event(self) -> Any:
        """Return dp-accounting's event of one release, for sensitivity one."""
        from dp_accounting.dp_event import ZCDpEvent

        return ZCDpEvent(self.rho)

    def exact(self, value: Any) -> Any:
        """Return integers, or say why these are none."""
        return integers(value, self.scale)

    @staticmethod
    def insecure(values: Any, scale: float, rng: np.random.Generator) -> Any:
        """Return integers with noise drawn in double precision."""
        return values + discrete_laplace(scale, values.size, rng)
