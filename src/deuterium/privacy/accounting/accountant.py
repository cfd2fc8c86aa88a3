"""What many releases promise together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from fractions import Fraction
from numbers import Integral
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.interval.environment import standard_only
from deuterium.interval.rounding import EPS, next_down, next_up
from deuterium.privacy.accounting.renyi import (
    ORDERS,
    Key,
    divergences,
    to_delta,
    to_epsilon,
)
from deuterium.privacy.directed_rounding import product_up, quotient_up, real, up
from deuterium.privacy.mechanisms.noise import (
    DiscreteGaussianNoise,
    GaussianNoise,
    LaplaceNoise,
    Noise,
)
from deuterium.privacy.mechanisms.privacy_curves import (
    gaussian_delta,
    gaussian_epsilon,
    one_by_one,
    require_delta,
    require_epsilon,
    require_orders,
    widened,
)
from deuterium.privacy.sensitivity.relations import (
    protected,
    require_relation,
    require_scope,
)

__all__ = ["Accountant", "require_probability"]

METHODS = ("auto", "pld", "rdp")
KINDS = {GaussianNoise: "gaussian", LaplaceNoise: "laplace"}
KINDS[DiscreteGaussianNoise] = "discrete gaussian"
RARELY = 1e-300  # no smaller probability is told apart
MOST = 2**53  # releases of one kind, all of which a double can count
DISTINCT = 32  # noise multipliers told apart; more are rounded down until they are few
PLD_LEAST = 1e-10  # the least delta for which convolutions by FFT are asked
PLD_NOISE = 1e-12  # of delta, kept aside for what their rounding may hide
PLD_NARROW = 0.05  # noise with which single losses are larger still, however rare
PLD_MOST = 200.0  # the largest loss for which they are; larger ones fill the memory


class Accountant:
    """Adds up releases, each with a noise multiplier of its own.

    Parameters
    ----------
    relation : {"add_or_remove_one", "replace_one"}
        When two data sets are neighbours; of every release.  It has to be given.
    scope : str, optional
        What alone may differ between the two records, as a noise's ``scope`` says it.
        Noise that protects whole records counts there, too; noise for anything else
        does not.  Without a scope whole records are protected, and noise with one is
        refused.
    method : {"auto", "pld", "rdp"}
        ``"auto"``: exact for Gaussian noise without sampling, else the least of the
        other two.  ``"pld"``: dp-accounting's privacy loss distributions (Koskela,
        Jaelkoe and Honkela 2020; Doroshenko and others 2022), rounded pessimistically.
        ``"rdp"``: Renyi divergences (Mironov 2017).

    Notes
    -----
    The noise multipliers must not depend on earlier outputs, beyond who is neighbour to
    whom: a sensitivity may change from step to step as long as the noise follows it
    and their ratio is fixed beforehand.  Where the ratio itself hangs on what was
    released, use a filter: an `IndividualAccountant`.

    dp-accounting is always asked about a sensitivity of one and
    ``add_or_remove_one``: what the relation means is already in the multipliers.  (Its
    own ``replace_one`` doubles the sensitivity in one accountant and not in the other.)
    """

    def __init__(
        self,
        relation: str | None = None,
        *,
        scope: str | None = None,
        method: str = "auto",
    ) -> None:
        self.relation = require_relation("Accountant", relation)
        self.scope = require_scope("Accountant", scope)
        if not isinstance(method, str) or method not in METHODS:
            raise InvalidInputError(
                f"Accountant: `method` must be one of {', '.join(METHODS)}; "
                f"got {method!r:.80}"
            )
        self.method = method
        self._counts: dict[Key, int] = {}
        self._known: dict[str, Any] = {}  # dp-accounting's accountants, until a compose

    def __copy__(self) -> Accountant:
        return deepcopy(self)  # with an account of its own

    def compose(
        self, noise: Noise, count: int = 1, *, sampling_probability: float = 1.0
    ) -> Accountant:
        """Add releases, and return the accountant.

        Parameters
        ----------
        noise : GaussianNoise, LaplaceNoise or DiscreteGaussianNoise
            What was added to each release.
        count : int
            How many.
        sampling_probability : float
            Below 1: of each record to take part, independently of all others (Poisson
            sampling).  For a sum of contributions under ``add_or_remove_one`` only.

        Raises
        ------
        UnsupportedError
            The noise and the sampling have no known guarantee together.
        """
        kind = self._kind(noise)
        whole = isinstance(count, Integral) and not isinstance(count, bool)
        if not whole or not 0 <= count <= MOST:
            raise InvalidInputError(
                "compose: `count` must be an integer from 0 to 2**53, got "
                f"{count!r:.80}"
            )
        q = require_probability("compose", sampling_probability)
        if q < 1:
            self._require_sampled(noise, kind)
        if count and q:
            key = kind, noise.noise_multiplier, max(q, RARELY)
            self._known.clear()  # first: what is interrupted here must not be known
            self._counts[key] = self._counts.get(key, 0) + int(count)
        return self

    @property
    def protects(self) -> str:
        """What the promises are about, in words."""
        return protected(self.relation, self.scope)

    @property
    def releases(self) -> int:
        """How many releases there were."""
        return sum(self._counts.values())

    @standard_only
    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon that holds together with a delta.

        With Laplace noise only, delta may be 0: pure epsilons add up.
        """
        pure = self._pure
        if real(delta) == 0 and pure < math.inf:
            return pure
        d = require_delta("epsilon_at", delta)
        if not self._counts:
            return 0.0
        if self._is_exact:
            return gaussian_epsilon(self._multiplier, d)
        found = [pure, *(a.epsilon_at(d) for a in self._unsampled())]
        for method in self._asks(d):
            if method == "rdp":
                found.append(to_epsilon(ORDERS, self._renyi(), d))
            else:
                found.append(widened(float(self._losses().get_epsilon(d - PLD_NOISE))))
        return min(found)

    @standard_only
    def delta_at(self, epsilon: float) -> float:
        """Return the delta that holds together with an epsilon."""
        e = require_epsilon("delta_at", epsilon)
        if not self._counts:
            return 0.0
        if self._is_exact:
            return gaussian_delta(self._multiplier, e)
        found = [a.delta_at(e) for a in self._unsampled()]
        for method in self._asks(1.0):
            if method == "rdp":
                found.append(to_delta(ORDERS, self._renyi(), e))
            else:
                exact = float(self._losses().get_delta(e))
                found.append(min(1.0, (exact + PLD_NOISE) * (1 + 1e-9)))
        return min(found)

    def profile(self, epsilons: Sequence[float]) -> Any:
        """Return the privacy profile: the delta of every epsilon."""
        each = one_by_one("profile", "epsilons", epsilons)
        return np.array([self.delta_at(e) for e in each])

    def rdp(self, orders: Sequence[float]) -> Any:
        """Return the Renyi divergence at orders above 1."""
        return divergences(self._counts, np.ravel(require_orders(orders)))

    @property
    def mu(self) -> float:
        """Gaussian differential privacy of all releases, if all were Gaussian.

        ``sqrt(sum of mu**2)`` (Dong, Roth and Su 2022, corollary 3.3), rounded up.
        """
        others = [k for k in self._counts if not _is_plain(k)]
        if others:
            raise UnsupportedError(
                f"mu: {others[0][0]} noise"
                f"{' under sampling' if others[0][2] < 1 else ''} has no exact mu; use "
                "epsilon_at, delta_at or rdp"
            )
        return quotient_up(1.0, self._multiplier) if self._counts else 0.0

    @property
    def rho(self) -> float:
        """Zero-concentrated differential privacy, if nothing was sampled."""
        total = product_up(0.5, up(self._square))
        for (kind, m, q), count in self._counts.items():
            if q < 1:
                raise UnsupportedError(
                    "rho: sampled releases have no useful rho; use epsilon_at, "
                    "delta_at or rdp"
                )
            if kind != "gaussian":
                more = product_up(0.5, count, *[quotient_up(1.0, m)] * 2)
                total = float(next_up(total + more))
        return total

    def event(self) -> Any:
        """Return everything as dp-accounting's ``DpEvent``, sensitivities one."""
        from dp_accounting.dp_event import ComposedDpEvent, SelfComposedDpEvent

        return ComposedDpEvent(
            [SelfComposedDpEvent(_event(k), n) for k, n in self._counts.items()]
        )

    def __repr__(self) -> str:
        scope = "" if self.scope is None else f" while {self.scope}"
        return f"<Accountant, {self.relation}{scope}: {self.releases} releases>"

    # -- within ------------------------------------------------------------------------

    def _kind(self, noise: Any) -> str:
        kind = KINDS.get(type(noise))
        if kind is None:
            raise InvalidInputError(
                "compose: `noise` must be what privacy.gaussian, laplace or "
                f"discrete_gaussian returned, got {type(noise).__name__}"
            )
        if noise.relation != self.relation:
            raise InvalidInputError(
                f"compose: this noise is for {noise.relation}, the accountant for "
                f"{self.relation}; they must be of one relation"
            )
        if noise.scope not in (None, self.scope):
            raise InvalidInputError(
                f"compose: this noise protects {noise.protects}, the accountant "
                f"{self.protects}; what they promise is about different neighbours and "
                "does not add up. Bound the diameter of whole records, or account for "
                f"this apart: Accountant({self.relation!r}, scope={noise.scope!r})"
            )
        return kind

    def _require_sampled(self, noise: Noise, kind: str) -> None:
        if self.relation == "replace_one":
            raise UnsupportedError(
                "compose: Poisson sampling under replace_one is refused: the two "
                "records are drawn apart, which no noise multiplier alone describes, "
                "and dp-accounting's accountants disagree on what one means there (its "
                "issue 378). Account for the releases without sampling, or use "
                "add_or_remove_one"
            )
        if kind == "discrete gaussian":
            raise UnsupportedError(
                "compose: no bound is known here for sampled discrete Gaussian noise; "
                "use gaussian, or leave sampling_probability at 1"
            )
        if noise.quantity != "contribution":
            raise UnsupportedError(
                "compose: Poisson sampling is for a sum of contributions, to which a "
                f"record not drawn adds nothing; this noise is for a {noise.quantity}"
            )

    @property
    def _square(self) -> Fraction:
        """The sum of ``mu**2`` over Gaussian releases without sampling; or a bit more.

        Exact for a few different multipliers; of many, each term is rounded up first.
        """
        plain = [(k[1], n) for k, n in self._counts.items() if _is_plain(k)]
        terms = [Fraction(n) / Fraction(m) ** 2 for m, n in plain]
        if len(terms) > DISTINCT:
            terms = [Fraction(up(t)) for t in terms]
        return sum(terms, Fraction(0))

    @property
    def _pure(self) -> float:
        """The sum of pure epsilons, rounded up; infinite if some noise has none."""
        if any(kind != "laplace" for kind, _, _ in self._counts):
            return math.inf
        terms = [n * Fraction(quotient_up(1.0, k[1])) for k, n in self._counts.items()]
        return up(sum(terms, Fraction(0)))

    @property
    def _multiplier(self) -> float:
        """Of one Gaussian release that promises what all of them do; rounded down."""
        square = self._square
        m = math.sqrt(1 / square) * (1 + 4 * EPS)
        while Fraction(m) ** 2 * square > 1:
            m = float(next_down(m))
        return m

    @property
    def _is_exact(self) -> bool:
        return self.method == "auto" and all(map(_is_plain, self._counts))

    def _unsampled(self) -> list[Accountant]:
        """Return an accountant of the same noise without sampling, which costs no less.

        Sampling mixes in what a record has no part in, so it never adds loss; how it is
        worked out may.  Only where that is exact: of Gaussian noise.
        """
        sampled = any(q < 1 for _, _, q in self._counts)
        gaussian = all(kind == "gaussian" for kind, _, _ in self._counts)
        if not (sampled and gaussian and self.method == "auto"):
            return []
        whole = Accountant(self.relation, scope=self.scope)
        for (kind, m, _), count in self._counts.items():
            key = kind, m, 1.0
            whole._counts[key] = whole._counts.get(key, 0) + count
        return [whole]

    def _asks(self, delta: float) -> list[str]:
        """Return which methods can answer."""
        able = [] if self.method == "pld" else ["rdp"]
        discrete = any(kind == "discrete gaussian" for kind, _, _ in self._counts)
        large = any(m < PLD_NARROW for kind, m, _ in self._counts if kind == "gaussian")
        small = delta < PLD_LEAST
        if self.method != "rdp" and not (discrete or large or small):
            most = to_epsilon(ORDERS, self._renyi(), PLD_LEAST)
            able.extend(["pld"] if most <= PLD_MOST else [])
        if not able:
            raise UnsupportedError(
                "Accountant: 'pld' has no discrete Gaussian noise, no delta below "
                f"{PLD_LEAST:g} and no losses above {PLD_MOST:g}; here nothing is left "
                f"of method {self.method!r}; use 'auto' or 'rdp'"
            )
        return able

    def _renyi(self) -> Any:
        """Return the Renyi divergences of all releases at `ORDERS`."""
        if "rdp" not in self._known:
            self._known["rdp"] = divergences(self._few())
        return self._known["rdp"]

    def _losses(self) -> Any:
        """Return dp-accounting's loss distributions of all releases."""
        if "pld" not in self._known:
            from dp_accounting.pld import PLDAccountant

            fresh = PLDAccountant()
            for key, count in self._few().items():
                fresh.compose(_event(key), count)
            self._known["pld"] = fresh
        return self._known["pld"]

    def _few(self) -> dict[Key, int]:
        """Return the releases with at most `DISTINCT` different multipliers.

        Gaussian ones without sampling are one; of the others, multipliers lose trailing
        bits, so they only ever become smaller, until they are few.
        """
        few = {k: n for k, n in self._counts.items() if not _is_plain(k)}
        for bits in range(24, 1, -1):
            if len(few) <= DISTINCT:
                break
            rest, few = few, {}
            for (kind, m, q), n in rest.items():
                key = kind, _truncated(m, bits), q
                few[key] = few.get(key, 0) + n
        if self._square:
            few["gaussian", self._multiplier, 1.0] = 1
        return few


def _is_plain(key: Key) -> bool:
    return key[0] == "gaussian" and key[2] == 1


def _truncated(x: float, bits: int) -> float:
    """Return a number of so many bits that is not above ``x``."""
    mantissa, exponent = math.frexp(x)
    return math.ldexp(math.floor(math.ldexp(mantissa, bits)), exponent - bits)


def _event(key: Key) -> Any:
    from dp_accounting import dp_event as e

    kind, m, q = key
    if kind == "gaussian":
        event: Any = e.GaussianDpEvent(m)
    elif kind == "laplace":
        event = e.LaplaceDpEvent(m)
    else:
        event = e.ZCDpEvent(product_up(0.5, *[quotient_up(1.0, m)] * 2))
    return event if q == 1 else e.PoissonSampledDpEvent(q, event)


def require_probability(who: str, q: Any) -> float:
    """Return a sampling probability as a float, or say why it is none."""
    number = real(q)
    if number is None or not 0 <= number <= 1:
        raise InvalidInputError(
            f"{who}: `sampling_probability` must lie between 0 and 1, got {q!r:.80}"
        )
    return up(number)
