"""How much noise each parameter's gradient gets: one scale, or one for each.

Let the gradient g of a record have the parts g_l, one for each parameter, and let the
noise on the summed part l have standard deviation sigma_l.  Dividing part l by sigma_l
changes nothing that anybody could not undo, and makes one vector with noise of standard
deviation 1 on every number, whose sensitivity is the largest
``sqrt(sum_l ||g_l||**2 / sigma_l**2)``.  It is therefore one Gaussian mechanism, of the
noise multiplier one over that (McMahan, Andrew, Erlingsson, Chien, Mironov, Papernot
and Kairouz, arXiv 1812.06210, section 4, for groups that are clipped).

With a certified ``B >= sqrt(sum_l f_l ||g_l||**2)`` for factors f_l of any size, and
``sigma_l = m B / sqrt(f_l)``, the multiplier is m.  Equal factors are the usual noise.
Let D_l be certified bounds of the parts and n_l their sizes.  Knowing no more than
that, the noise has the least total variance, the sum of ``n_l sigma_l**2``, for
``f_l = sqrt(n_l) / D_l`` (Lagrange: ``n_l D_l**2 / a_l**2`` for parts ``a_l`` of one).
B is then certified for these factors, all parts at once, and never worse than what the
D_l say.  Where equal factors leave less noise in all, they are taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deuterium.array_type import Array
from deuterium.interval.rounding import next_up
from deuterium.privacy.directed_rounding import product_up
from deuterium.privacy.mechanisms import samplers
from deuterium.privacy.mechanisms.gaussian import GaussianNoise
from deuterium.privacy.training.step_bounds import StepBound, Weights
from deuterium.privacy.training.training_options import (
    GROWN,
    LEAST_NOISE,
    LEAST_PART,
    NO_BOUND,
    NOISE_ROUNDING,
)

__all__ = [
    "NoiseSpread",
    "mean_sigma",
    "parts_of",
    "released",
    "sigmas_of",
    "spread_evenly",
    "spread_over",
]

"""Sigma is larger by this, for a sum of gradients that is formed in floating point.

A sum of n gradients, none longer than B, by 2048s, is off by at most ``n B (2048 +
n / 2048) 2**-53`` (Higham 2002, section 4.2); two neighbouring ones, together, by less
than a millionth of B for up to a million records.
"""


@dataclass(frozen=True)
class NoiseSpread:
    """What is certified of a gradient's parts, and each part's share of the noise.

    Attributes
    ----------
    bound : float
        Of the whole gradient's norm.
    bounds : dict from str to float, or None
        Of the norm of each part.
    lengths : dict from str to float
        By how much the part's noise is scaled: sigma over the noise multiplier, for a
        neighbouring relation that counts one contribution.
    """

    bound: float
    bounds: Mapping[str, float] | None
    lengths: Mapping[str, float]


def released(
    noise: GaussianNoise,
    sums: Sequence[Array],
    sigmas: Mapping[str, float],
    rng: np.random.Generator | None,
) -> list[Array]:
    """Return sums with noise; in one go if of one scale.

    Parameters
    ----------
    noise : GaussianNoise
        Of a sensitivity of one.
    sums : sequence of ndarray
        One for each parameter.
    sigmas : mapping
        The standard deviation for each.
    rng : numpy.random.Generator or None
        NumPy's, or secure noise.
    """
    ends = np.cumsum([g.size for g in sums])[:-1]
    flat = [g.ravel() for g in sums]
    if len(set(sigmas.values())) == 1:
        flat = [np.concatenate(flat)]
    noisy = [
        samplers.released(noise, part, sigma, rng)
        for part, sigma in zip(flat, sigmas.values(), strict=False)
    ]
    parts = np.split(np.concatenate(noisy), ends)
    return [p.reshape(g.shape) for p, g in zip(parts, sums, strict=True)]


def mean_sigma(sigmas: Mapping[str, float], weights: Weights) -> float:
    """Return the root mean square of sigma over all numbers."""
    if len(set(sigmas.values())) == 1:
        return next(iter(sigmas.values()))
    sizes = [w.size for w in weights.values()]
    squares = sum(n * s**2 for n, s in zip(sizes, sigmas.values(), strict=True))
    return math.sqrt(squares / sum(sizes))


def sigmas_of(multiplier: float, moved: Mapping[str, float]) -> dict[str, float]:
    """Return the standard deviation for each parameter, rounded up.

    Parameters
    ----------
    multiplier : float
        Of the noise.
    moved : mapping
        How far neighbouring data sets move the sum, for each parameter.
    """
    several = {s: product_up(multiplier, s, NOISE_ROUNDING) for s in moved.values()}
    return {n: several[s] for n, s in moved.items()}


def spread_evenly(bound: float, weights: Weights) -> NoiseSpread:
    """Return equal noise for all parameters."""
    return NoiseSpread(bound, None, dict.fromkeys(weights, bound))


def parts_of(bound: StepBound, weights: Weights) -> dict[str, float]:
    """Return a certified bound of the gradient's norm by each parameter."""
    return {
        n: bound(weights, {m: float(m == n) for m in weights}, kind=f"part {n}")
        for n in weights
    }


def spread_over(bound: StepBound, weights: Weights) -> NoiseSpread:
    """Return noise for each parameter by what it needs; see above."""
    whole, parts = bound(weights), parts_of(bound, weights)
    if not all(d < NO_BOUND for d in (whole, *parts.values())):  # NaN fails, too
        return NoiseSpread(math.inf, None, dict.fromkeys(weights, math.inf))
    whole = max(whole, LEAST_NOISE)
    sizes = {n: w.size for n, w in weights.items()}
    least = max(parts.values()) * LEAST_PART
    factors = {n: math.sqrt(sizes[n]) / max(d, least) for n, d in parts.items()}
    # sound for any factors; these make the joint bound about 1
    unit = sum(f * parts[n] ** 2 for n, f in factors.items())
    factors = {n: f / unit for n, f in factors.items()}
    squares = math.fsum(f * parts[n] ** 2 for n, f in factors.items())
    joint = bound(weights, factors, kind="parts")
    apart = math.sqrt(squares) * GROWN
    joint = joint if joint <= apart else apart  # NaN is no bound
    lengths = {
        n: max(
            LEAST_NOISE, product_up(joint, float(next_up(next_up(1 / math.sqrt(f)))))
        )
        for n, f in factors.items()
    }
    even = whole**2 * sum(sizes.values())
    if not sum(sizes[n] * s**2 for n, s in lengths.items()) < even:
        lengths = dict.fromkeys(weights, whole)
    return NoiseSpread(whole, parts, lengths)
