"""What many releases promise together."""

from __future__ import annotations

import math
from contextlib import suppress
from copy import deepcopy
from numbers import Integral
from typing import Any

from deuterium.errors import BudgetError, InvalidInputError, UnsupportedError
from deuterium.interval.environment import standard_only
from deuterium.privacy.accounting.events import releases_in
from deuterium.privacy.accounting.fitting import (
    group_probability,
    require_fitting,
    require_sampled,
)
from deuterium.privacy.accounting.loss_distributions import convolved
from deuterium.privacy.accounting.renyi import Key, divergences, to_delta, to_epsilon
from deuterium.privacy.accounting.saved_account import SavedAccount
from deuterium.privacy.accounting.spending import budget_of, require_probability
from deuterium.privacy.accounting.tally import Tally, event_of, is_plain
from deuterium.privacy.directed_rounding import quotient_up, real_number
from deuterium.privacy.mechanisms.attack_bounds import AttackBounds
from deuterium.privacy.mechanisms.noise import Noise
from deuterium.privacy.mechanisms.plain_statement import promised
from deuterium.privacy.mechanisms.privacy_curves import (
    gaussian_delta,
    gaussian_epsilon,
    require_delta,
    require_epsilon,
    widened,
)
from deuterium.privacy.mechanisms.renyi_orders import ORDERS
from deuterium.privacy.sensitivity.relations import (
    Relation,
    protected,
    require_group,
    require_relation,
    require_scope,
)

__all__ = ["Accountant"]

METHODS = ("auto", "pld", "rdp")
RARELY = 1e-300  # no smaller probability is told apart
MOST = 2**53  # releases of one kind, all of which a double can count
PLD_NOISE = 1e-12  # of delta, kept aside for what convolutions by FFT may hide
PLD_LEAST = 1e-10  # the delta at which losses are said to be large or not
PLD_GRID = 1e-4  # of losses up to `PLD_FINE`, in nats: dp-accounting's own
PLD_FINE = 20.0  # nats; larger losses have a coarser grid, so that memory stays small
PLD_MOST = 1e5  # nats: larger losses overflow, and protect nobody


class Accountant(SavedAccount, AttackBounds):
    """Adds up releases, each with a noise multiplier of its own.

    Parameters
    ----------
    relation : {"add_or_remove_one", "replace_one", "replace_special"}
        When two data sets are neighbours; of every release.  It has to be given.
    epsilon, delta : float, optional
        A budget that all releases together keep: `compose` refuses what would pass it.
    scope : str, optional
        What alone may differ between the two records, as a noise's ``scope`` says it.
        Noise that protects whole records counts there, too; noise for anything else
        does not.  Without a scope whole records are protected, and noise with one is
        refused.
    group : int
        How many records may change at once.  All noise, whatever group it was made
        for, is accounted for as this one's.
    method : {"auto", "pld", "rdp"}
        ``"auto"``: exact for Gaussian noise without sampling, else the least of the
        other two, of what the noise costs without sampling, and of the mean over how
        often a record is sampled (`Participation`).  ``"pld"``: dp-accounting's
        privacy loss distributions (Koskela, Jaelkoe and Honkela 2020; Doroshenko and
        others 2022), rounded pessimistically.
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

    Examples
    --------
    >>> from deuterium import privacy
    >>> noise = privacy.gaussian(
    ...     1.0, noise_multiplier=4, relation="add_or_remove_one", trusted=True
    ... )
    >>> total = privacy.Accountant("add_or_remove_one").compose(noise, 10)
    >>> round(total.epsilon_at(1e-5), 3)
    3.341
    """

    def __init__(
        self,
        relation: Relation | None = None,
        *,
        epsilon: float | None = None,
        delta: float | None = None,
        scope: str | None = None,
        group: int = 1,
        method: str = "auto",
    ) -> None:
        self.relation = require_relation("Accountant", relation)
        self.scope = require_scope("Accountant", scope)
        self.group = require_group("Accountant", group, self.scope)
        if not isinstance(method, str) or method not in METHODS:
            raise InvalidInputError(
                f"Accountant: `method` must be one of {', '.join(METHODS)}; "
                f"got {method!r:.80}"
            )
        self.method = method
        self.budget = budget_of(epsilon, delta)
        self._tally = Tally()
        self._known: dict[str, Any] = {}  # of all releases, until a compose

    def __copy__(self) -> Accountant:
        return deepcopy(self)  # with an account of its own

    def compose(
        self, noise: Noise, count: int = 1, *, sampling_probability: float = 1.0
    ) -> Accountant:
        """Add releases, and return the accountant.

        Parameters
        ----------
        noise : Noise
            What was added to each release.
        count : int
            How many.
        sampling_probability : float
            Below 1: of each record to take part, independently of all others (Poisson
            sampling).  For a sum of contributions, and not under ``replace_one``.

        Raises
        ------
        UnsupportedError
            The noise and the sampling have no known guarantee together.
        BudgetError
            The budget would be passed; nothing is added.
        """
        require_fitting(noise, self.relation, self.scope)
        whole = isinstance(count, Integral) and not isinstance(count, bool)
        if not whole or not 0 <= count <= MOST:
            raise InvalidInputError(
                "compose: `count` must be an integer from 0 to 2**53, got "
                f"{count!r:.80}"
            )
        q = require_probability("compose", sampling_probability)
        if q < 1:
            require_sampled(noise, self.relation)
        if count and q:
            self._known.clear()  # first: what is interrupted here must not be known
            m = noise.for_group(self.group).noise_multiplier
            key = type(noise), m, group_probability(max(q, RARELY), self.group)
            self._tally.add(*key, int(count))
            self._keep_budget(key, int(count))
        return self

    def for_group(self, group: int) -> Accountant:
        """Return an account of the same releases for groups of so many records."""
        if self.group != 1:
            raise UnsupportedError(
                "for_group: this account is one of groups already; keep one of single "
                "records, and take from it what groups are promised"
            )
        made = Accountant(
            self.relation, scope=self.scope, group=group, method=self.method
        )
        for (law, m, q), count in self._tally.counts.items():
            fewer = law.unit(m).for_group(made.group).noise_multiplier
            made._tally.add(law, fewer, group_probability(q, made.group), count)
        return made

    def _keep_budget(self, key: Key, count: int) -> None:
        """Take releases back, and raise, if with them a budget is passed."""
        if self.budget is None:
            return
        kept = False
        try:
            kept = self.epsilon_at(self.budget.delta) <= self.budget.epsilon
        finally:
            if not kept:
                self._tally.take(*key, count)
                self._known.clear()
        if not kept:
            raise BudgetError(
                f"compose: the budget of epsilon {self.budget.epsilon:g} at delta "
                f"{self.budget.delta:g} would be passed; at most "
                f"{self.epsilon_at(self.budget.delta):.6g} is spent. Nothing was "
                "added: add more noise, or leave the release out"
            )

    def compose_event(self, event: Any) -> Accountant:
        """Add everything in one of dp-accounting's events, and return the accountant.

        Its noise multipliers are taken to be those of the sensitivity between
        neighbours of this accountant's relation, as `to_event` writes them.

        Raises
        ------
        UnsupportedError
            It holds something else than Gaussian, Laplace or Poisson-sampled noise;
            nothing is added.
        """
        if self.group > 1:
            raise UnsupportedError(
                "compose_event: an event does not say how many records its noise is "
                "for; read it into an Accountant of single records, and take "
                "`for_group` of that"
            )
        found = releases_in(event, self.relation, self.scope)
        before = deepcopy(self._tally)
        try:
            for noise, count, q in found:
                self.compose(noise, count, sampling_probability=q)
        except BaseException:
            self._tally = before
            self._known.clear()
            raise
        return self

    @property
    def protects(self) -> str:
        """What the promises are about, in words."""
        return protected(self.relation, self.scope, self.group)

    def statement(self, *, delta: float) -> str:
        """Return in plain English what all releases together promise."""
        made = f"{self.releases} releases were made, each with noise of its own."
        rests = [
            "Every release had the noise that was accounted for, drawn securely.",
            "Each person has one record, and no release was left out of this account.",
            "Noise multipliers were fixed before anything was released.",
        ]
        return promised(self, made, self.protects, delta, rests)

    @property
    def releases(self) -> int:
        """How many releases there were."""
        return sum(self._tally.counts.values())

    @standard_only
    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon that holds together with a delta.

        Where all noise has a pure epsilon, as Laplace noise has, delta may be 0: pure
        epsilons add up.
        """
        pure = self._tally.pure_epsilon
        if real_number(delta) == 0 and pure < math.inf:
            return pure
        d = require_delta("epsilon_at", delta)
        if not self._tally.counts:
            return 0.0
        if self._is_exact:
            return gaussian_epsilon(self._tally.gaussian_multiplier, d)
        found = [pure, *self._by_participation(d)]
        for method in self._asks(d):
            if method == "rdp":
                found.append(to_epsilon(ORDERS, self._renyi(), d))
            else:
                exact = float(self._losses().get_epsilon_for_delta(d - PLD_NOISE))
                found.append(widened(exact))
        return min(found)

    @standard_only
    def delta_at(self, epsilon: float) -> float:
        """Return the delta that holds together with an epsilon."""
        e = require_epsilon("delta_at", epsilon)
        if not self._tally.counts:
            return 0.0
        if self._is_exact:
            return gaussian_delta(self._tally.gaussian_multiplier, e)
        found = [a.delta_at(e) for a in self._unsampled()]
        drawn = self._tally.participation() if self.method == "auto" else None
        found.extend([] if drawn is None else [drawn.delta_at(e)])
        for method in self._asks(1.0):
            if method == "rdp":
                found.append(to_delta(ORDERS, self._renyi(), e))
            else:
                exact = float(self._losses().get_delta_for_epsilon(e))
                found.append(min(1.0, (exact + PLD_NOISE) * (1 + 1e-9)))
        return min(found)

    @property
    def mu(self) -> float:
        """Gaussian differential privacy of all releases, if all were Gaussian.

        ``sqrt(sum of mu**2)`` (Dong, Roth and Su 2022, corollary 3.3), rounded up.
        """
        others = [k for k in self._tally.counts if not is_plain(k)]
        if others:
            law, _, q = others[0]
            raise UnsupportedError(
                f"mu: {law.law} noise{' under sampling' if q < 1 else ''} has no exact "
                "mu; use epsilon_at, delta_at or rdp"
            )
        none = not self._tally.counts
        return 0.0 if none else quotient_up(1.0, self._tally.gaussian_multiplier)

    @property
    def rho(self) -> float:
        """Zero-concentrated differential privacy, if nothing was sampled."""
        if self._tally.is_sampled:
            raise UnsupportedError(
                "rho: sampled releases have no useful rho; use epsilon_at, delta_at or "
                "rdp"
            )
        return self._tally.rho

    def event(self) -> Any:
        """Return `to_event`'s event."""
        return self.to_event()

    def to_event(self) -> Any:
        """Return everything as dp-accounting's ``DpEvent``, sensitivities one.

        Its accountants are to be asked under their default, ``ADD_OR_REMOVE_ONE``, also
        of another relation, which is already in the noise multipliers.
        """
        from dp_accounting.dp_event import ComposedDpEvent, SelfComposedDpEvent

        counts = self._tally.counts
        return ComposedDpEvent(
            [SelfComposedDpEvent(event_of(k), n) for k, n in counts.items()]
        )

    # -- within ------------------------------------------------------------------------

    def _curve(self) -> list[tuple[float, float]]:
        return [] if self._is_exact else super()._curve()  # mu says it all

    @property
    def _is_exact(self) -> bool:
        return self.method == "auto" and self._tally.is_exact

    def _unsampled(self) -> list[Accountant]:
        """Return an accountant of the same noise without sampling, where exact."""
        tally = self._tally.unsampled() if self.method == "auto" else None
        if tally is None:
            return []
        (whole := Accountant(self.relation, scope=self.scope))._tally = tally
        return [whole]

    def _by_participation(self, delta: float) -> list[float]:
        """Return what noise costs without sampling, and by how often it is sampled."""
        whole = [a.epsilon_at(delta) for a in self._unsampled()]
        drawn = self._tally.participation() if whole else None
        return whole if drawn is None else [drawn.epsilon_at(delta, whole[0])]

    def _asks(self, delta: float) -> list[str]:
        """Return which methods can answer."""
        able = [] if self.method == "pld" else ["rdp"]
        none = self._tally.any(lambda noise: not noise.has_loss_distribution)
        if self.method != "rdp" and not none and delta > PLD_NOISE:
            able.extend(["pld"] if self._losses() is not None else [])
        if not able:
            raise UnsupportedError(
                "Accountant: 'pld' has no discrete noise, no delta of at most "
                f"{PLD_NOISE:g} and no losses above {PLD_MOST:g}; here nothing is left "
                f"of method {self.method!r}; use 'auto' or 'rdp'"
            )
        return able

    @property
    def _largest_loss(self) -> float:
        """The losses that all but the rarest outcomes stay below, in nats."""
        return float(to_epsilon(ORDERS, self._renyi(), PLD_LEAST))

    def _renyi(self) -> Any:
        """Return the Renyi divergences of all releases at `ORDERS`."""
        if "rdp" not in self._known:
            self._known["rdp"] = divergences(self._tally.few())
        return self._known["rdp"]

    def _losses(self) -> Any:
        """Return dp-accounting's loss distributions of all releases, or None.

        There are none of losses so large that they, or their exponentials, overflow.
        """
        if "pld" not in self._known:
            self._known["pld"] = None
            if self._largest_loss <= PLD_MOST:
                with suppress(OverflowError):
                    grid = PLD_GRID * max(1.0, self._largest_loss / PLD_FINE)
                    self._known["pld"] = convolved(self._tally.few(), grid)
        return self._known["pld"]
