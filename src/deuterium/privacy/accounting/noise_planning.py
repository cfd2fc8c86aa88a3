"""How much noise each of many steps needs.

Without sampling, that of one step times the root of their number: squares of mu add up
(J. Dong, A. Roth and W. J. Su, "Gaussian differential privacy", JRSS B 2022, corollary
3.3).  With sampling it is looked for with an `Accountant`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.interval.environment import standard_only
from deuterium.privacy.accounting.accountant import Accountant
from deuterium.privacy.accounting.spending import require_probability
from deuterium.privacy.mechanisms.calibration import require_promise
from deuterium.privacy.mechanisms.gaussian import GaussianNoise
from deuterium.privacy.mechanisms.privacy_curves import gaussian_multiplier
from deuterium.privacy.sensitivity.relations import require_relation

__all__ = ["most_steps", "noise_multiplier"]

MANY = 10**9  # steps; more are not counted
LEAP = 30.0  # times as many steps at once, at most, while none is too many
NEARLY = 0.004  # of a number of steps: how far below the most a search may stop
SMALL = 0.05  # less is not looked for: if it is enough, hardly anybody is drawn


@standard_only
def noise_multiplier(
    epsilon: float,
    delta: float,
    *,
    relation: str | None = None,
    steps: int = 1,
    sampling_probability: float = 1.0,
) -> float:
    """Return the Gaussian noise multiplier with which many steps keep a promise.

    Parameters
    ----------
    epsilon, delta : float
        What all steps together promise: epsilon in [1e-6, 1000], delta in [1e-15, 0.5].
    relation : {"add_or_remove_one", "replace_one", "replace_special"}
        When two data sets are neighbours.  It has to be given, as the multiplier is one
        of the sensitivity between neighbours.
    steps : int
        How many Gaussian releases.
    sampling_probability : float
        Below 1: Poisson sampling, which is not for ``replace_one``.

    Returns
    -------
    float
        ``sigma / sensitivity`` of every step.  Without sampling it is exact, the
        multiplier of one release times ``sqrt(steps)``, rounded up; with sampling it is
        at most 0.1 % above the least that an `Accountant` accepts, or some number
        below 0.1 if that is enough.
    """
    who = "noise_multiplier"
    relation = require_relation(who, relation)
    e, d = require_promise(who, epsilon, delta)
    if isinstance(steps, bool) or not isinstance(steps, Integral) or steps < 1:
        raise InvalidInputError(
            f"{who}: `steps` must be an integer >= 1, got {steps!r}"
        )
    q = require_probability(who, sampling_probability)
    if not q:
        raise InvalidInputError(f"{who}: `sampling_probability` must be > 0")
    if q < 1 and relation == "replace_one":
        raise UnsupportedError(
            f"{who}: Poisson sampling is not accounted for under replace_one; take "
            "add_or_remove_one or replace_special"
        )
    most = gaussian_multiplier(e, d) * math.sqrt(steps) * (1 + 1e-15)
    if q == 1:
        return most

    def keeps(m: float, method: str) -> bool:
        """Whether all steps keep the promise with a multiplier."""
        noise = GaussianNoise(m, m, 1.0, 1.0, relation)
        accountant = Accountant(relation, method=method)
        accountant.compose(noise, int(steps), sampling_probability=q)
        return accountant.epsilon_at(d) <= e

    # Renyi divergence is cheap and comes close; without sampling, `most` is enough
    rough = _least(lambda m: keeps(m, "rdp"), most, 0.5)
    start = rough if keeps(rough, "auto") else most
    return _least(lambda m: keeps(m, "auto"), start, 0.9)


def _least(keeps: Callable[[float], bool], high: float, stride: float) -> float:
    """Return nearly the least number that keeps a promise, as ``high`` does."""
    low = high * stride
    while low > SMALL and keeps(low):
        low, high = low * stride, low
    if low <= SMALL:
        return high
    while high > low * 1.001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if keeps(middle) else (middle, high)
    return high


def most_steps(
    epsilon: float, delta: float, multiplier: float, probability: float
) -> int:
    """Return nearly the most sampled Gaussian steps that keep a promise.

    Parameters
    ----------
    epsilon, delta : float
        The promise.
    multiplier, probability : float
        Of every step.

    It is never too many, and at most `NEARLY` of them, or one, too few.
    """
    noise = GaussianNoise.unit(multiplier)

    def spent(steps: int) -> float:
        accountant = Accountant("add_or_remove_one")
        accountant.compose(noise, steps, sampling_probability=probability)
        return accountant.epsilon_at(delta)

    low, high = 0, MANY
    # in the limit of many steps, J. Dong, A. Roth and W. J. Su (2022), corollary 5.4
    rough = 1 / (gaussian_multiplier(epsilon, delta) * probability) ** 2
    limit = rough / math.expm1(min(1 / multiplier, 7.0) ** 2)
    steps = max(1, min(int(limit / 2), MANY))
    known = {}  # epsilon of a number of steps
    while high - low > 1 + NEARLY * low and low < MANY:
        known[steps] = spent(steps)
        kept = known[steps] <= epsilon
        low, high = (steps, high) if kept else (low, steps)
        if not low:
            steps = max(steps // 2, 1)
            continue
        # epsilon grows about as a power of the number of steps, at least 1/2
        power, at = 0.5, known[low]
        if high in known and math.isfinite(known[high]) and at > 0:
            power = math.log(known[high] / at) / math.log(high / low)
        aim = epsilon * (1 + NEARLY / 8 if kept else 1 - NEARLY / 8)  # across it
        grown = (aim / at) ** (1 / max(power, 0.1)) if at > 0 else LEAP
        steps = min(max(int(low * min(grown, LEAP)), low + 1), max(high - 1, 1))
    return low
