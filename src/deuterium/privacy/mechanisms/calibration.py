"""From a certified sensitivity and a promise to noise: how much is enough, and no more.

Every scale is rounded up: a little more noise keeps the promise and a little less
breaks it.
"""

from __future__ import annotations

import math
from typing import Any

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.interval import Interval
from deuterium.interval.environment import standard_only
from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.privacy.directed_rounding import (
    down,
    positive,
    product_up,
    quotient_down,
    quotient_up,
    real,
)
from deuterium.privacy.mechanisms.noise import (
    DiscreteGaussianNoise,
    GaussianNoise,
    LaplaceNoise,
)
from deuterium.privacy.mechanisms.privacy_curves import (
    gaussian_multiplier,
    mu_pure,
    require_delta,
    rho_for,
    widened,
)
from deuterium.privacy.sensitivity.bound_sources import ASSUMPTIONS, refuse_estimate
from deuterium.privacy.sensitivity.relations import require_relation
from deuterium.privacy.sensitivity.sensitivity import Sensitivity

__all__ = ["discrete_gaussian", "gaussian", "laplace", "require_promise"]

EPSILON = (1e-6, 1e3)  # where noise was compared with exact arithmetic
DELTA = (1e-15, 0.5)
RATIO = (1e-20, 1e20)  # of noise to sensitivity; privacy is long lost, or all there is


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
    relation: str | None = None,
    distance: float | None = None,
    trusted: bool = False,
) -> GaussianNoise:
    """Return the Gaussian noise that one release needs.

    Ask for one of: ``epsilon`` with ``delta``, ``mu``, ``rho``, ``noise_multiplier``,
    ``scale``.

    Parameters
    ----------
    sensitivity : Sensitivity, Interval or float
        In L2 norm.  An Interval is what `deuterium.enclose` returned for the norm of
        one record's contribution (of a number that may be negative, its largest
        absolute value counts); a number means the same, and needs ``trusted=True``, as
        does a Sensitivity made by hand.  A search's Estimate is refused.
    epsilon, delta : float
        The least noise that keeps them (Balle and Wang, ICML 2018): epsilon in
        [1e-6, 1000], delta in [1e-15, 0.5].
    mu : float
        Gaussian differential privacy (Dong, Roth and Su 2022).
    rho : float
        Zero-concentrated differential privacy (Bun and Steinke 2016).
    noise_multiplier : float
        ``sigma / sensitivity``, the sensitivity being that of the relation.
    scale : float
        Sigma itself.
    relation : {"add_or_remove_one", "replace_one"}
        Neighbouring data sets differ by one record added or removed, or replaced.
        It has to be given: without it a guarantee means nothing.
    distance : float, optional
        Of a ``lipschitz`` only; see `Sensitivity.sensitivity`.
    trusted : bool
        Take on trust what nobody certified; a plain number is then the bound of one
        record's contribution.

    Returns
    -------
    GaussianNoise
        Its scale, what it promises in every currency, and ``.release``.

    Raises
    ------
    InvalidInputError
        An argument is out of range, or the sensitivity is not bounded.
    UnsupportedError
        The sensitivity is not certified, of another norm, or says nothing about the
        relation.
    """
    who = "gaussian"
    wanted = _one_of(who, epsilon, mu=mu, rho=rho, m=noise_multiplier, scale=scale)
    relation = require_relation(who, relation)
    s, moved = _moved(who, 2, sensitivity, relation, distance, trusted)
    if wanted == "scale":
        return GaussianNoise(**_made(who, s, moved, relation, scale))
    if wanted == "epsilon":
        m = gaussian_multiplier(*require_promise(who, epsilon, delta))
    else:
        _no_delta(who, delta)
        m = _multiplier(who, mu, rho, noise_multiplier)
    return GaussianNoise(
        noise_multiplier=m,
        sigma=_scaled(who, m, moved),
        epsilon=_float(epsilon),
        delta=_float(delta),
        **_common(s, moved, relation),
    )


@standard_only
def discrete_gaussian(
    sensitivity: Any,
    *,
    epsilon: float | None = None,
    delta: float | None = None,
    rho: float | None = None,
    noise_multiplier: float | None = None,
    scale: float | None = None,
    relation: str | None = None,
    trusted: bool = False,
) -> DiscreteGaussianNoise:
    """Return the discrete Gaussian noise that one release of integers needs.

    As `gaussian`, for a result of integers only, such as counts.  Epsilon and delta
    are kept by way of rho (Canonne, Kamath and Steinke, NeurIPS 2020, proposition 12).
    """
    who = "discrete_gaussian"
    wanted = _one_of(who, epsilon, rho=rho, m=noise_multiplier, scale=scale)
    relation = require_relation(who, relation)
    s, moved = _moved(who, 2, sensitivity, relation, None, trusted)
    if wanted == "scale":
        return DiscreteGaussianNoise(**_made(who, s, moved, relation, scale))
    if wanted == "epsilon":
        m = _root(rho_for(*require_promise(who, epsilon, delta)))
    else:
        _no_delta(who, delta)
        m = _multiplier(who, None, rho, noise_multiplier)
    return DiscreteGaussianNoise(
        noise_multiplier=m,
        sigma=_scaled(who, m, moved),
        epsilon=_float(epsilon),
        delta=_float(delta),
        **_common(s, moved, relation),
    )


@standard_only
def laplace(
    sensitivity: Any,
    *,
    epsilon: float | None = None,
    delta: float = 0.0,
    mu: float | None = None,
    rho: float | None = None,
    scale: float | None = None,
    relation: str | None = None,
    distance: float | None = None,
    trusted: bool = False,
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
    mu, rho, scale, relation, distance, trusted
        As of `gaussian`.
    """
    who = "laplace"
    wanted = _one_of(who, epsilon, mu=mu, rho=rho, scale=scale)
    relation = require_relation(who, relation)
    s, moved = _moved(who, 1, sensitivity, relation, distance, trusted)
    common = _common(s, moved, relation)
    if wanted == "scale":
        b = positive(who, "scale", scale)
        m = _at_most(who, b, moved)
        return LaplaceNoise(noise_multiplier=m, scale=b, **common)
    if wanted != "epsilon":
        _no_delta(who, delta or None)
    m = quotient_up(1.0, _pure_epsilon(who, epsilon, delta, mu, rho))
    return LaplaceNoise(
        noise_multiplier=m,
        scale=_scaled(who, m, moved),
        epsilon=_float(epsilon),
        delta=None if epsilon is None else float(delta),
        **common,
    )


# -- promises to multipliers -----------------------------------------------------------


def _multiplier(
    who: str, mu: float | None, rho: float | None, noise_multiplier: float | None
) -> float:
    if mu is not None:
        return quotient_up(1.0, positive(who, "mu", mu))
    if rho is not None:
        return _root(positive(who, "rho", rho))
    return positive(who, "noise_multiplier", noise_multiplier)


def _root(rho: float) -> float:
    """Return ``1 / sqrt(2 rho)``, or a little more."""
    return math.sqrt(0.5 / rho) * (1 + 1e-15)


def _pure_epsilon(
    who: str, epsilon: float | None, delta: float, mu: float | None, rho: float | None
) -> float:
    """Return the pure epsilon that keeps a promise, or a little less."""
    if epsilon is not None:
        _require_between(who, "epsilon", epsilon, EPSILON)
        if real(delta) == 0:
            return down(epsilon)
        more = -2 * math.log1p(-require_delta(who, delta))
        return max(down(epsilon), -widened(-(epsilon + more)))
    if mu is not None:
        return mu_pure(_require_ratio(who, "mu", positive(who, "mu", mu)))
    return math.sqrt(2 * positive(who, "rho", rho)) * (1 - 1e-15)


# -- arguments -------------------------------------------------------------------------


def _one_of(who: str, epsilon: Any, **others: Any) -> str:
    given = {"epsilon": epsilon, **others}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        names = ["noise_multiplier" if n == "m" else n for n in given]
        raise InvalidInputError(
            f"{who}: give exactly one of {', '.join(names)}; got {len(named)} of them"
        )
    return named[0]


def _no_delta(who: str, delta: Any) -> None:
    if delta is not None:
        raise InvalidInputError(f"{who}: `delta` goes with `epsilon` only")


def _moved(
    who: str, norm: int, sensitivity: Any, relation: str, distance: Any, trusted: bool
) -> tuple[Sensitivity, float]:
    """Return the sensitivity, and how far the result moves between neighbours."""
    s = _as_sensitivity(who, sensitivity, norm, trusted)
    if s.norm != norm and s.size != 1:
        raise UnsupportedError(
            f"{who}: needs the sensitivity in L{norm} norm, this one is in "
            f"L{s.norm:g}; bound it with norm={norm}"
        )
    moved = s.sensitivity(relation, distance=distance)
    if moved == 0:
        raise InvalidInputError(
            f"{who}: the sensitivity is 0, so no record moves the result and it needs "
            "no noise; a sensitivity that ought to be positive and finite is worth a "
            "second look at the domain"
        )
    return s, moved


def _as_sensitivity(who: str, x: Any, norm: int, trusted: bool) -> Sensitivity:
    if isinstance(x, Sensitivity):
        if x.is_trusted and trusted is not True:
            raise _untrusted(who, f"{x!r}")
        return x
    refuse_estimate(x, who)
    if isinstance(x, Bracket):
        raise UnsupportedError(
            f"{who}: a Bracket does not say what was bounded; make it one of the three "
            "quantities: Sensitivity.from_bracket(b, quantity=..., norm=...)"
        )
    if isinstance(x, Interval):
        return Sensitivity.from_interval(x, quantity="contribution", norm=norm)
    number = _number(who, x)
    if trusted is not True:
        raise _untrusted(who, f"{x!r:.80} is a plain number")
    return Sensitivity(
        quantity="contribution",
        norm=norm,
        upper=number,
        assumptions=(*ASSUMPTIONS, "the bound itself was taken on trust"),
    )


def _untrusted(who: str, what: str) -> UnsupportedError:
    return UnsupportedError(
        f"{who}: {what} that nobody certified; give what privacy.contribution or "
        "deuterium.enclose returned, or say trusted=True"
    )


def _number(who: str, x: Any) -> Any:
    number = real(x)
    if number is None:
        raise InvalidInputError(
            f"{who}: `sensitivity` must be a Sensitivity, a scalar Interval or one "
            f"number, got {x!r:.80}"
        )
    if not 0 < number < math.inf:
        raise InvalidInputError(
            f"{who}: `sensitivity` must be positive and finite, got {x!r:.80}"
        )
    return number


def require_promise(who: str, epsilon: Any, delta: Any) -> tuple[float, float]:
    """Return epsilon and delta, if noise can be worked out for them, or say why not."""
    _require_between(who, "epsilon", epsilon, EPSILON)
    _require_between(who, "delta", delta, DELTA)
    return down(epsilon), down(delta)


def _require_between(
    who: str, name: str, value: Any, ends: tuple[float, float]
) -> None:
    low, high = ends
    number = real(value)
    if number is None or not low <= number <= high:
        raise InvalidInputError(
            f"{who}: `{name}` must be a number from {low:g} to {high:g}, got "
            f"{value!r:.80}"
        )


def _float(x: Any) -> float | None:
    return None if x is None else float(x)


def _common(s: Sensitivity, moved: float, relation: str) -> dict[str, Any]:
    return {
        "sensitivity": moved,
        "contribution": s.upper if s.quantity == "contribution" else None,
        "relation": relation,
        "quantity": s.quantity,
        "trusted": s.is_trusted,
        "scope": s.scope,
        "shape": s.shape,
        "size": s.size,
    }


def _made(
    who: str, s: Sensitivity, moved: float, relation: str, scale: Any
) -> dict[str, Any]:
    """Return the fields of Gaussian noise whose scale is given."""
    sigma = positive(who, "scale", scale)
    common = _common(s, moved, relation)
    return {"noise_multiplier": _at_most(who, sigma, moved), "sigma": sigma} | common


def _at_most(who: str, scale: float, moved: float) -> float:
    """Return ``scale / moved`` rounded down."""
    return _require_ratio(who, "scale over sensitivity", quotient_down(scale, moved))


def _scaled(who: str, m: float, moved: float) -> float:
    """Return ``m * moved`` rounded up."""
    scale = product_up(_require_ratio(who, "noise over sensitivity", m), moved)
    if scale == math.inf:
        raise InvalidInputError(
            f"{who}: noise of {m:g} times a sensitivity of {moved:g} is beyond every "
            "number; release the result in a larger unit"
        )
    return scale


def _require_ratio(who: str, name: str, x: float) -> float:
    low, high = RATIO
    if not low <= x <= high:
        raise InvalidInputError(
            f"{who}: {name} must lie between {low:g} and {high:g}, here it is {x:g}: "
            "too far apart for any use"
        )
    return x
