"""Releases, counted by law of noise, noise multiplier and sampling probability.

Gaussian releases without sampling are exactly one Gaussian release: squares of mu add
up (J. Dong, A. Roth and W. J. Su, "Gaussian differential privacy", JRSS B 2022,
corollary 3.3).  All other laws are counted one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from deuterium.interval.rounding import EPS, next_down, next_up
from deuterium.privacy.accounting.participation import Participation
from deuterium.privacy.accounting.renyi import Key
from deuterium.privacy.directed_rounding import product_up, round_up
from deuterium.privacy.mechanisms.gaussian import GaussianNoise
from deuterium.privacy.mechanisms.noise import Noise

__all__ = ["Tally", "event_of", "is_plain"]

DISTINCT = 32  # noise multipliers told apart; more are rounded down until they are few


class Tally:
    """How many releases there were of each kind.

    Attributes
    ----------
    counts : dict from tuple to int
        By law, noise multiplier and sampling probability.
    """

    def __init__(self) -> None:
        self.counts: dict[Key, int] = {}

    def add(self, law: type[Noise], m: float, q: float, count: int) -> None:
        """Add so many releases, of noise multiplier m and sampling probability q."""
        key = law, m, q
        self.counts[key] = self.counts.get(key, 0) + count

    def take(self, law: type[Noise], m: float, q: float, count: int) -> None:
        """Take back releases that were added."""
        self.counts[law, m, q] -= count
        if not self.counts[law, m, q]:
            del self.counts[law, m, q]

    def any(self, holds: Callable[[Noise], bool]) -> bool:
        """Whether some noise, on what moves by one, is of a certain kind."""
        return any(holds(law.unit(m)) for law, m, _ in self.counts)

    @property
    def is_sampled(self) -> bool:
        """Whether some release was sampled."""
        return any(q < 1 for _, _, q in self.counts)

    @property
    def is_exact(self) -> bool:
        """Whether all releases together are one Gaussian release."""
        return all(map(is_plain, self.counts))

    def unsampled(self) -> Tally | None:
        """Return the same noise without sampling, which costs no less, if exact.

        Sampling mixes in what a record has no part in, so it never adds loss; how it is
        worked out may.
        """
        whole = Tally()
        for (law, m, _), count in self.counts.items():
            whole.add(law, m, 1.0, count)
        return whole if self.is_sampled and whole.is_exact else None

    def participation(self) -> Participation | None:
        """Return how often a record takes part, if one kind of release is sampled."""
        sampled = [(k, n) for k, n in self.counts.items() if k[2] < 1]
        if len(sampled) != 1 or any(k[0] is not GaussianNoise for k in self.counts):
            return None
        ((_, m, q), count) = sampled[0]
        made = Participation(round_up(self.gaussian_square), m, q, count)
        return made if made.is_few else None

    @property
    def gaussian_square(self) -> Fraction:
        """The sum of ``mu**2`` over Gaussian releases without sampling; or a bit more.

        Exact for a few different multipliers; of many, each term is rounded up first.
        """
        plain = [(k[1], n) for k, n in self.counts.items() if is_plain(k)]
        terms = [Fraction(n) / Fraction(m) ** 2 for m, n in plain]
        if len(terms) > DISTINCT:
            terms = [Fraction(round_up(t)) for t in terms]
        return sum(terms, Fraction(0))

    @property
    def gaussian_multiplier(self) -> float:
        """Of one Gaussian release that promises what all of them do; rounded down."""
        square = self.gaussian_square
        m = math.sqrt(1 / square) * (1 + 4 * EPS)
        while Fraction(m) ** 2 * square > 1:
            m = float(next_down(m))
        return m

    @property
    def pure_epsilon(self) -> float:
        """The sum of pure epsilons, rounded up; infinite if some noise has none."""
        each = [(law.unit(m).pure_epsilon, n) for (law, m, _), n in self.counts.items()]
        if any(e == math.inf for e, _ in each):
            return math.inf
        return round_up(sum((n * Fraction(e) for e, n in each), Fraction(0)))

    @property
    def rho(self) -> float:
        """Zero-concentrated differential privacy, rounded up; without sampling."""
        total = product_up(0.5, round_up(self.gaussian_square))
        for (law, m, q), count in self.counts.items():
            if not is_plain((law, m, q)):
                total = float(next_up(total + law.unit(m).composed_rho(count)))
        return total

    def few(self) -> dict[Key, int]:
        """Return the releases with at most `DISTINCT` different multipliers.

        Gaussian ones without sampling are one; of the others, multipliers lose trailing
        bits, so they only ever become smaller, until they are few.
        """
        few = {k: n for k, n in self.counts.items() if not is_plain(k)}
        for bits in range(24, 1, -1):
            if len(few) <= DISTINCT:
                break
            rest, few = few, {}
            for (law, m, q), n in rest.items():
                key = law, _truncated(m, bits), q
                few[key] = few.get(key, 0) + n
        if self.gaussian_square:
            few[GaussianNoise, self.gaussian_multiplier, 1.0] = 1
        return few


def is_plain(key: Key) -> bool:
    """Whether releases are Gaussian and not sampled."""
    return key[0] is GaussianNoise and key[2] == 1


def event_of(key: Key) -> Any:
    """Return dp-accounting's event of one release, for a sensitivity of one."""
    from dp_accounting.dp_event import PoissonSampledDpEvent

    law, m, q = key
    event = law.unit(m).to_event()
    return event if q == 1 else PoissonSampledDpEvent(q, event)


def _truncated(x: float, bits: int) -> float:
    """Return a number of so many bits that is not above ``x``."""
    mantissa, exponent = math.frexp(x)
    return math.ldexp(math.floor(math.ldexp(mantissa, bits)), exponent - bits)
