"""Several sums of unequal units released together, each with noise of its own scale.

Let quantity k have the certified contribution D_k and the unit u_k.  What is bounded is
the norm of all ``phi_k / u_k`` together, J, so noise of standard deviation ``m J u_k``
on sum k is one Gaussian mechanism of multiplier m.  Knowing only the D_k, the weighted
variances relative to them, ``sum w_k (sigma_k / D_k)**2``, are least for ``u_k = D_k /
w_k**(1/4)`` (Lagrange, under ``sum (D_k / sigma_k)**2`` fixed); J is then certified for
these units, and is below ``sqrt(sum (D_k / u_k)**2)`` where no record has all of its
contributions large at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only
from deuterium.optimize.maximize_options import MaximizeOptions
from deuterium.privacy.directed_rounding import product_up, require_positive
from deuterium.privacy.mechanisms.gaussian import GaussianNoise, gaussian
from deuterium.privacy.sensitivity.quantities import contribution, diameter
from deuterium.privacy.sensitivity.sensitivity import Sensitivity

__all__ = ["JointContributions", "contributions"]


@dataclass(frozen=True, eq=False, repr=False)
class JointContributions:
    """Certified contributions of several quantities, one by one and all together.

    Attributes
    ----------
    blocks : dict from str to Sensitivity
        Of each quantity by itself, in its own unit.
    units : dict from str to float
        What each is divided by before all are bounded together: the ratios of the
        noise's scales.
    joint : Sensitivity
        Of all quantities in these units.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> x = dt.symbol("x")
    >>> joint = privacy.contributions({"sum": x, "square": x**2}, dt.Box({x: (0, 1)}))
    >>> sorted(joint.blocks)
    ['square', 'sum']
    """

    blocks: Mapping[str, Sensitivity]
    units: Mapping[str, float]
    joint: Sensitivity

    def __repr__(self) -> str:
        lines = [f"<JointContributions: {self.joint.upper:.6g} in units of"]
        for name, s in self.blocks.items():
            lines.append(f"  {name}: {self.units[name]:.6g}, alone {s.upper:.6g}")
        return "\n".join(lines) + ">"

    def gaussian(self, **promise: Any) -> GaussianNoise:
        """Return the noise that all need together; arguments of `privacy.gaussian`."""
        return gaussian(self.joint, **promise)

    def scales(self, noise: GaussianNoise) -> dict[str, float]:
        """Return the standard deviation of the noise on each quantity, in its unit."""
        return {n: product_up(noise.sigma, u) for n, u in self.units.items()}

    def value(self, data: Any, *, outside: str = "clip") -> dict[str, Any]:
        """Return the exact sums by name; not private.  Arguments as of `release`."""
        return self._named(self.joint.value(data, outside=outside))

    def release(
        self,
        data: Any,
        noise: GaussianNoise,
        *,
        outside: str = "clip",
        insecure_rng: Any = None,
    ) -> dict[str, Any]:
        """Return the sums by name, each with noise of its own scale.

        Parameters
        ----------
        data, outside, insecure_rng
            As of `Sensitivity.release`.
        noise : GaussianNoise
            What `gaussian` returned.
        """
        noisy = self.joint.release(
            data, noise, outside=outside, insecure_rng=insecure_rng
        )
        return self._named(noisy)

    def _named(self, parts: Any) -> dict[str, Any]:
        pairs = zip(self.units.items(), parts, strict=True)
        return {n: part * u for (n, u), part in pairs}


@standard_only
def contributions(
    quantities: Mapping[str, Variable],
    domain: Domain,
    *,
    importance: Mapping[str, float] | None = None,
    **maximize_options: Unpack[MaximizeOptions],
) -> JointContributions:
    """Certify what one record adds to several sums, together and one by one.

    Parameters
    ----------
    quantities : mapping from str to Variable
        What one record adds to each sum, in L2 norm where it is an array.
    domain : Domain
        Every record that may come, by public bounds.
    importance : mapping from str to float, optional
        How much a quantity's error counts, relative to its own contribution; 1 where
        not named.
    **maximize_options
        Of `deuterium.maximize`, for each bound.

    Returns
    -------
    JointContributions
        Its noise on each quantity is in proportion to that quantity's contribution, so
        that a salary does not drown an age.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> age = dt.symbol("age")
    >>> c = privacy.contributions(
    ...     {"age": age, "age2": age**2}, dt.Box({age: (18, 100)}), rtol=1e-6
    ... )
    >>> noise = c.gaussian(epsilon=1, delta=1e-6, relation="add_or_remove_one")
    >>> scales = c.scales(noise)
    >>> round(scales["age2"] / scales["age"], 3)
    100.0
    """
    who = "contributions"
    if not isinstance(quantities, Mapping) or not quantities:
        raise InvalidInputError(
            f"{who}: `quantities` must be a mapping such as {{'age': age}}, got "
            f"{quantities!r:.80}"
        )
    named = {str(n): q for n, q in quantities.items()}
    given = dict(importance or {})
    unknown = sorted(set(given) - set(named))
    if unknown:
        raise InvalidInputError(
            f"{who}: `importance` names {unknown[0]!r}, which is no quantity"
        )
    weights = {n: require_positive(who, "importance", given.get(n, 1.0)) for n in named}
    blocks = {n: contribution(q, domain, **maximize_options) for n, q in named.items()}
    for s in blocks.values():
        s.sensitivity("add_or_remove_one")  # or says why there is no bound
    units = {n: (s.upper or 1.0) / weights[n] ** 0.25 for n, s in blocks.items()}
    parts = [q / units[n] for n, q in named.items()]
    joint = contribution(parts, domain, **maximize_options)
    if len(parts) > 1 and maximize_options.get("arithmetic") is None:
        options: Any = {k: x for k, x in maximize_options.items() if k != "arithmetic"}
        joint = joint.with_diameter(diameter(parts, domain, **options))
    return JointContributions(blocks, units, joint)
